//! `enable-metrics POOL`: the group's own metrics, in CloudWatch, each minute.

use crate::{
    action::{draft::Draft, grammar::PoolArg, plan::Refusal},
    fleet::Call,
};

pub(in crate::action) fn enable_metrics(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let key = pool.key();
    draft.change(
        &key,
        "metrics",
        format!("{} enabled", pool.enabled_metrics.len()),
        "all enabled",
    );
    draft.call(Call::EnableMetrics { pool: key });
    Ok(())
}
