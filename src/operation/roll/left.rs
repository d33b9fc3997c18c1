//! What a roll that is over has not done, in sentences.

use super::ground::Ground;
use crate::{
    fleet::{Fleet, InstanceId, Phase},
    operation::{Operation, PoolRoll, Roll, TargetState},
};

pub(crate) fn left(operation: &Operation, roll: &Roll, fleet: &Fleet) -> Vec<String> {
    let now = operation.touched_at;
    let turned = operation.turned_back().map(|why| {
        let to: Vec<String> = roll.pools.iter().map(|it| it.from.to_string()).collect();
        format!("it went back to {}: {why}", to.join(", "))
    });
    let of_pool = |plan: &PoolRoll| {
        let ground = Ground::new(operation, roll, plan, fleet, now);
        ground.map_or_else(
            || vec![format!("{} was not there at the end", plan.pool)],
            |it| of_ground(&it),
        )
    };
    turned
        .into_iter()
        .chain(roll.pools.iter().flat_map(of_pool))
        .collect()
}

fn of_ground(ground: &Ground<'_>) -> Vec<String> {
    let phase = |id: &InstanceId| ground.fleet.instances.get(id).map(|it| it.phase());
    let is_aside = |id: &InstanceId, target: &TargetState| {
        target.standby.may_have_happened_at().is_some() && phase(id) == Some(Phase::Standby)
    };
    let aside = ground
        .targets()
        .filter(|it| is_aside(it.0, it.1))
        .map(|(id, _)| {
            format!(
                "{id} is in standby, because no agent of it was ever seen: look at it, then \
             `terminate {id} --force`"
            )
        });
    let outdated = ground.outdated_in_service().map(|it| {
        let version = it.template_version.as_ref().or(it.template_name.as_ref());
        let version = version.map_or("another template", String::as_str);
        format!("{} was not replaced: it is still of {version}", it.id)
    });
    aside.chain(outdated).collect()
}
