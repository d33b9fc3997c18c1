//! Patience: a service that said no is not asked again at once.

use std::time::Duration;

use pooldeck::fleet::{Call, Timestamp};

use super::{Before, Checks, Verdict, ensure};

/// The least pause after a refusal.
const PAUSE: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(super) struct Ledger {
    last: Option<(Call, Timestamp)>,
    refused: Vec<(Call, Timestamp)>,
}

pub(super) fn note_call(checks: &mut Checks, at: Timestamp, call: &Call) {
    checks.patience.last = Some((call.clone(), at));
}

pub(super) fn note_answer(checks: &mut Checks, was_refused: bool) {
    if let Some(last) = checks.patience.last.take().filter(|_| was_refused) {
        checks.patience.refused.retain(|it| it.0 != last.0);
        checks.patience.refused.push(last);
    }
}

/// 22.
pub(super) fn a_refusal_is_given_time(checks: &Checks, before: &Before<'_>) -> Verdict {
    let now = before.world.now();
    let refused = checks
        .patience
        .refused
        .iter()
        .find(|it| it.0 == *before.call);
    let is_hasty = refused.is_some_and(|(_, at)| now.since(*at) < PAUSE);
    // Who died knows nothing of a refusal that was not written down.
    let is_excused = checks.away_at.is_some();
    ensure(is_excused || !is_hasty, 22, || {
        format!("{} again, and it was just refused", before.call)
    })
}
