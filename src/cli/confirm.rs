//! Asking the operator, as hard as the plan wants it.

use std::collections::BTreeSet;

use super::Printer;
use crate::{
    action::{Confirmation, Plan},
    fleet::Fleet,
};

/// Asks on the terminal; anything but the right answer is a no.
pub(super) fn ask(printer: &mut Printer, plan: &Plan, fleet: &Fleet) -> bool {
    let Some((what, expected)) = expected(plan, fleet) else {
        let answer = printer.ask("Go ahead? [y/N]").unwrap_or_default();
        return matches!(answer.to_lowercase().as_str(), "y" | "yes");
    };
    let answer = printer.ask(&format!("To go ahead, type {what} ({expected}):"));
    answer.as_deref() == Some(expected.as_str())
}

/// Returns what has to be typed, and its text; `None` when a yes is enough.
fn expected(plan: &Plan, fleet: &Fleet) -> Option<(&'static str, String)> {
    let pools = plan.targets.iter().map(|it| &it.pool);
    let one_each = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(" ");
    match plan.confirmation {
        Confirmation::YesNo => None,
        // `plan` refuses what is denied; if ever one gets here, the name is asked for.
        Confirmation::TypePoolName | Confirmation::Deny => {
            let names = one_each(pools.map(|it| it.name.as_str()).collect());
            Some(("the name of the pool", names))
        }
        Confirmation::TypeAccountAlias => {
            let scopes = pools.filter_map(|it| fleet.scope(&it.scope));
            let aliases = one_each(scopes.map(|it| it.alias.as_str()).collect());
            Some(("the alias of the account", aliases))
        }
    }
}
