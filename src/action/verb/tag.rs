//! `tag`: a tag on instances, or on a group.

use std::collections::BTreeMap;

use crate::{
    action::{draft::Draft, grammar::PoolArg, plan::Refusal},
    fleet::{Call, InstanceId, ScopeId},
};

pub(in crate::action) fn tag_instances(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    (key, value): &(String, String),
) -> Result<(), Refusal> {
    let mut by_scope: BTreeMap<ScopeId, Vec<InstanceId>> = BTreeMap::new();
    for instance in draft.instances(ids)? {
        let old = instance.tags.get(key);
        if old == Some(value) {
            continue;
        }
        let pool = instance
            .pool
            .clone()
            .unwrap_or_else(|| crate::fleet::PoolKey::new(instance.scope.clone(), ""));
        let from = old.map_or("none", String::as_str);
        draft.change(&pool, &format!("tag {key} of {}", instance.id), from, value);
        by_scope
            .entry(instance.scope.clone())
            .or_default()
            .push(instance.id.clone());
    }
    for (scope, instances) in by_scope {
        draft.call(Call::TagInstances {
            scope,
            instances,
            key: key.clone(),
            value: value.clone(),
        });
    }
    Ok(())
}

pub(in crate::action) fn tag_pool(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    (key, value): &(String, String),
    propagate: bool,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let from = pool.tags.get(key).map_or("none", String::as_str);
    draft.change(&pool.key(), &format!("tag {key}"), from, value);
    draft.call(Call::TagPool {
        pool: pool.key(),
        key: key.clone(),
        value: value.clone(),
        propagate,
    });
    Ok(())
}
