//! `reami` and `rollback`: another template for a pool, and then every member replaced.

mod calls;
mod change;
mod refresh;
mod roll;
mod words;

use crate::{
    action::{
        draft::Draft,
        grammar::{EngineArg, PoolArg},
        plan::Refusal,
        rolling::{Reami, Rollback},
    },
    fleet::ImageId,
};

/// What an operator wants a pool to launch.
#[derive(Clone, Copy, Debug)]
enum Wanted<'a> {
    Image(&'a ImageId),
    Version(&'a str),
    Bootstrap,
}

pub(in crate::action) fn reami(
    draft: &mut Draft<'_>,
    asked: &Reami,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let Some(pools) = &asked.pools else {
        return Err(draft.incomplete("a pool; name it, or select one"));
    };
    let wanted = match (&asked.image, &asked.template_version, asked.bootstrap) {
        (Some(image), ..) => Wanted::Image(image),
        (None, Some(version), _) => Wanted::Version(version),
        (None, None, true) => Wanted::Bootstrap,
        (None, None, false) => {
            return Err(
                draft.incomplete("an image such as ami-…, or --template-version, or --bootstrap")
            );
        }
    };
    match asked.engine.engine {
        EngineArg::Pooldeck => {
            asked.engine.check_bare()?;
            let wanted = vec![wanted; pools.0.len()];
            roll::roll(draft, pools, &wanted, &asked.terms, false)
        }
        EngineArg::InstanceRefresh => refresh::refresh(draft, asked, pools, wanted, reason),
    }
}

pub(in crate::action) fn rollback(draft: &mut Draft<'_>, asked: &Rollback) -> Result<(), Refusal> {
    let Some(pools) = &asked.pools else {
        return Err(draft.incomplete("a pool or an operation; name it, or select a pool"));
    };
    if asked.to.is_empty() {
        for name in &pools.0 {
            if name.as_str().starts_with("op-") && draft.fleet.pools_named(name.as_str()).is_empty()
            {
                return Err(Refusal::Unsound(format!(
                    "no roll of this host is called {name}: name its pool, and --to VERSION"
                )));
            }
            draft.pool(&PoolArg {
                pool: Some(name.clone()),
                scope: asked.terms.scope.clone(),
            })?;
        }
        return Err(Refusal::Unsound(format!(
            "this host knows no roll of {}, so not where it came from: add --to VERSION",
            pools.0.join(" and ")
        )));
    }
    if asked.to.len() != pools.0.len() {
        return Err(Refusal::Unsound(format!(
            "{} pools and {} versions: --to takes one for each pool",
            pools.0.len(),
            asked.to.len()
        )));
    }
    let wanted: Vec<Wanted<'_>> = asked.to.iter().map(|it| Wanted::Version(it)).collect();
    roll::roll(draft, pools, &wanted, &asked.terms, true)
}
