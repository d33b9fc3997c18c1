//! The template of a roll: made once, put in use, and watched for somebody else's hand.

use std::time::Duration;

use super::ground::Ground;
use crate::{
    fleet::{Call, LaunchSource},
    operation::{
        Change, Halt, Mark, Operation, PoolRoll, Slot, WaitingOn, decide::Step, token::token,
    },
};

/// So long after an operator resumed, what somebody else set is set again.
const OVERWRITES_FOR: Duration = Duration::from_mins(10);

/// Makes what the pool shall launch from, and points the group at it.
pub(super) fn step(ground: &Ground<'_>) -> Step {
    let Some(goal) = &ground.goal else {
        return create(ground);
    };
    if goal.is_in_use(ground.template) {
        return Step::Finished;
    }
    let mark = ground.state.mark(Slot::Source);
    if mark == &Mark::None && awaits_latest(ground) {
        return Step::Wait(WaitingOn::Settling {
            what: format!("{goal} as what $Latest means"),
        });
    }
    let was_undone = match (mark, ground.state.in_use_at) {
        (Mark::Applied(at), _) => ground.is_settled_since(*at),
        // It was in use, and the group says another word: an older reading does not show that
        // yet, a newer one shows somebody else's hand.
        (_, Some(at)) if !says_the_same(ground) => {
            if !ground.is_settled_since(at) {
                return Step::Wait(WaitingOn::Settling {
                    what: format!("{goal} as its template"),
                });
            }
            true
        }
        _ => !is_known(ground),
    };
    let point = || Call::LaunchFrom {
        pool: ground.plan.pool.clone(),
        source: goal.clone(),
    };
    let what = format!("{goal} as its template");
    if !was_undone {
        return ground.attempts().attempt(mark, &what, point);
    }
    let resumed_at = ground.state.resumed_at;
    let may_overwrite = resumed_at.is_some_and(|it| ground.now.since(it) < OVERWRITES_FOR);
    if may_overwrite {
        let mark = if mark.is_applied() { &Mark::None } else { mark };
        return ground.attempts().attempt(mark, &what, point);
    }
    Step::Stuck(Halt::TemplateChanged {
        pool: ground.plan.pool.clone(),
        is: says(ground),
        wanted: goal.to_string(),
    })
}

/// Returns what the group says, and what that means.
fn says(ground: &Ground<'_>) -> String {
    let source = ground.template.source().map(|it| it.to_string());
    let source = source.unwrap_or_else(|| ground.template.name.clone());
    match &ground.template.version {
        word if word.starts_with('$') => format!("{source} ({word})"),
        _ => source,
    }
}

/// A version that was just made is what `$Latest` means as soon as the readings show it.
fn awaits_latest(ground: &Ground<'_>) -> bool {
    let follows = ground.template.version == "$Latest" && ground.operation.turned_back().is_none();
    let made_at = ground.written_at(Slot::Create).filter(|_| follows);
    // What a word means is read once a minute.
    made_at.is_some_and(|it| ground.read_at.since(it) < ground.settle() * 2)
}

/// Returns whether the group launches from what we know: from before, or from what we left behind.
fn is_known(ground: &Ground<'_>) -> bool {
    let is_in_use = |it: &LaunchSource| it.is_in_use(ground.template);
    is_in_use(&ground.plan.from)
        || ground.left_behind.as_ref().is_some_and(is_in_use)
        || says_the_same(ground)
}

/// Returns whether the group says the word that it said before the roll, such as `$Latest`.
fn says_the_same(ground: &Ground<'_>) -> bool {
    ground.plan.word.as_ref() == Some(&ground.template.version)
}

fn create(ground: &Ground<'_>) -> Step {
    let plan = ground.plan;
    let Change::Copy { image } = &plan.to else {
        return Step::Finished;
    };
    let call = || copy(ground.operation, plan, image.as_ref());
    let mark = ground.state.mark(Slot::Create);
    ground.attempts().attempt(mark, "its new template", call)
}

/// Returns the call that makes the template; the same operation always makes the same one.
fn copy(operation: &Operation, plan: &PoolRoll, image: Option<&crate::fleet::ImageId>) -> Call {
    let name = token(operation, &plan.pool);
    match &plan.from {
        LaunchSource::Template(from) => Call::CreateTemplateVersion {
            pool: plan.pool.clone(),
            from: from.clone(),
            image: image.cloned(),
            token: name,
        },
        LaunchSource::Configuration(from) => Call::CopyConfiguration {
            pool: plan.pool.clone(),
            from: from.clone(),
            name,
            image: image.cloned(),
        },
    }
}
