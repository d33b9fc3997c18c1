//! Which marks a call changes, and which numbers.

use super::Operation;
use crate::{
    fleet::{Call, Timestamp},
    operation::{
        Happening, Mark,
        pool::{Stage, slot_of},
    },
};

impl Operation {
    /// Follows what a call does to the numbers of its pool.
    pub(super) fn follow(&mut self, call: &Call, stage: Stage, at: Timestamp) {
        let (key, slot) = match call {
            Call::TerminateInstance { pool, .. } | Call::EnterStandby { pool, .. } => (pool, None),
            _ => match slot_of(&self.spec, call) {
                Some((key, slot)) => (key, Some(slot)),
                None => return,
            },
        };
        self.edit_pool(key, |it| {
            if let Some(slot) = slot.filter(|_| stage == Stage::Intended) {
                it.say(slot, at);
            }
            it.follow(call, stage, at);
        });
    }

    /// Our own decrements are no fights.
    pub(super) fn note_decrement(&mut self, what: &Happening, at: Timestamp) {
        let (call, happened) = match what {
            Happening::Intended { call } => (call, None),
            Happening::Applied { call, .. } => (call, Some(true)),
            Happening::Refused { call, .. } => (call, Some(false)),
            _ => return,
        };
        if let Call::TerminateInstance {
            pool,
            decrement: true,
            ..
        } = call
            && let Some(left) = self.shapes.get_mut(pool)
        {
            left.decrement(at, happened);
        }
    }

    /// Changes the mark that stands for a call; a call about nothing of ours changes nothing.
    pub(super) fn set(&mut self, call: &Call, change: impl Fn(&mut Mark)) {
        if let Call::Cordon {
            controller,
            executor,
            note,
        } = call
        {
            // The note names the instance, because an agent may move to another.
            let key = (controller.clone(), executor.clone());
            for (id, target) in &mut self.targets {
                if note.contains(id.as_str()) {
                    let mark = target.cordons.entry(key.clone()).or_default();
                    change(mark);
                    if mark.is_applied() {
                        target.note_cordon(&key);
                    }
                    target.idle_at.clear();
                }
            }
            return;
        }
        if let Call::Uncordon {
            controller,
            executor,
        } = call
        {
            let key = (controller.clone(), executor.clone());
            let owners = self
                .targets
                .values_mut()
                .filter(|it| it.cordons.contains_key(&key) || it.opened.contains(&key));
            for target in owners {
                change(&mut target.uncordon);
                if target.uncordon.is_applied() {
                    target.cordons.remove(&key);
                    // Until that shows, it is lifted again, and those tries are counted too.
                    target.opened.insert(key.clone());
                }
            }
            return;
        }
        if let Call::RemoveExecutor {
            controller,
            executor,
        } = call
        {
            let key = (controller.clone(), executor.clone());
            let hosts = self.targets.values_mut();
            for target in hosts.filter(|it| it.agents.contains_key(&key)) {
                let mark = target.removals.entry(key.clone()).or_default();
                change(mark);
                if mark.is_busy() {
                    target.idle_at.clear();
                }
            }
            return;
        }
        if let Some((key, slot)) = slot_of(&self.spec, call) {
            if let Some(pool) = self.pools.get_mut(key) {
                change(pool.mark_mut(slot));
            }
            return;
        }
        for id in call.instances() {
            if let Some(target) = self.targets.get_mut(id) {
                target.set(call, &change);
            }
        }
    }
}
