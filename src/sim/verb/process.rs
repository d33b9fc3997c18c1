//! Suspending processes and resuming them.

use crate::{
    fleet::{PoolKey, Process, Suspension},
    sim::{
        activity::aws_time,
        dice,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    pub(in crate::sim) fn suspend(&mut self, pool: &PoolKey, processes: &[Process]) -> Verdict {
        self.capacity_of(pool)?;
        check_processes(processes)?;
        let reason = format!("User suspended at {}", aws_time(self.now));
        let all = Process::KNOWN;
        // No process named is every process, as the API has it.
        let named = if processes.is_empty() { all } else { processes };
        self.edit_group(pool, |it| {
            for process in named {
                if !it.is_suspended(process) {
                    it.suspended.push(Suspension {
                        process: process.clone(),
                        reason: reason.clone(),
                    });
                }
            }
        });
        Ok(())
    }

    pub(in crate::sim) fn resume(&mut self, pool: &PoolKey, processes: &[Process]) -> Verdict {
        self.capacity_of(pool)?;
        check_processes(processes)?;
        self.edit_group(pool, |it| {
            it.suspended
                .retain(|it| !processes.is_empty() && !processes.contains(&it.process));
        });
        // A resumed process acts at once on everything that was marked meanwhile.
        self.replace_unhealthy(pool);
        let after = dice::secs(&mut self.dice.cloud, 3, 15);
        self.wake(pool, after);
        Ok(())
    }
}

fn check_processes(processes: &[Process]) -> Verdict {
    match processes.iter().find(|it| matches!(it, Process::Other(_))) {
        Some(unknown) => Err(Refused::validation(format!(
            "{unknown} is not a valid process name."
        ))),
        None => Ok(()),
    }
}
