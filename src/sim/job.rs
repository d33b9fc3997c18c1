//! Jobs: how they arrive through the day, wait, run, and end.

use std::time::Duration;

use super::{
    agent::Run, dice, happening::Happening, image::ImageTrait, scenario::LoadSpec, world::World,
};
use crate::fleet::{ControllerName, Ended, InstanceId, Timestamp};

/// A controller merges builds that wait for the same thing, so no queue grows for ever.
const N_QUEUED_MAX: u32 = 60;

/// How many jobs fail for reasons of their own.
const FAILING_PERCENT: u32 = 6;

#[derive(Clone, Debug)]
pub(super) struct QueuedJob {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) since: Timestamp,
    duration: Duration,
    /// What the controller expects, from the builds before.
    estimate: Duration,
}

impl World {
    pub(super) fn schedule_arrivals(&mut self, controller: &ControllerName, load_idx: usize) {
        let Some(load) = self
            .controllers
            .get(controller)
            .and_then(|it| it.loads.get(load_idx))
        else {
            return;
        };
        // Two jobs come at a time on average, so the gaps are twice as long.
        let per_hour = u64::from(load.jobs_per_hour) * rhythm_percent(load, self.now);
        let Some(mean_millis) = (2 * 3_600_000 * 100_u64).checked_div(per_hour) else {
            // None at this hour: look again when the next one has come.
            let next_hour = Duration::from_hours(1);
            let look = Happening::JobsArrive(controller.clone(), load_idx);
            self.schedule(next_hour, look);
            return;
        };
        let gap = self.dice.ci.u64(0..=2 * mean_millis);
        self.schedule(
            Duration::from_millis(gap),
            Happening::JobsArrive(controller.clone(), load_idx),
        );
    }

    pub(super) fn jobs_arrive(&mut self, controller: &ControllerName, load_idx: usize) {
        self.schedule_arrivals(controller, load_idx);
        let Some(load) = self
            .controllers
            .get(controller)
            .and_then(|it| it.loads.get(load_idx))
        else {
            return;
        };
        let label = load.label.clone();
        if rhythm_percent(load, self.now) == 0 {
            return;
        }
        let n_queued = self.controllers[controller].n_queued(&label);
        let n_jobs = self
            .dice
            .ci
            .u32(1..=3)
            .min(N_QUEUED_MAX.saturating_sub(n_queued));
        for _ in 0..n_jobs {
            self.enqueue(controller, load_idx);
        }
        self.dispatch(controller, &label);
    }

    pub(super) fn enqueue(&mut self, controller: &ControllerName, load_idx: usize) {
        let Self {
            controllers,
            dice,
            now,
            ..
        } = self;
        let Some(controller) = controllers.get_mut(controller) else {
            return;
        };
        let Some(load) = controller
            .loads
            .get(load_idx)
            .filter(|it| !it.projects.is_empty())
        else {
            return;
        };
        let project = &load.projects[dice.ci.usize(..load.projects.len())];
        let number = controller
            .build_numbers
            .entry(project.name.clone())
            .or_insert_with(|| dice.ci.u32(120..9000));
        *number += 1;
        let job = QueuedJob {
            name: format!("{} #{number}", project.name),
            url: format!(
                "{}job/{}/{number}/",
                controller.url,
                project.name.replace('/', "/job/")
            ),
            since: *now,
            duration: dice::skewed(&mut dice.ci, project.duration),
            // The mean of the smaller of two throws lies at a third.
            estimate: project.duration.0
                + project.duration.1.saturating_sub(project.duration.0) / 3,
        };
        controller
            .queues
            .entry(load.label.clone())
            .or_default()
            .push_back(job);
    }

    /// Gives the oldest jobs of a label to agents with a free slot.
    pub(super) fn dispatch(&mut self, controller: &ControllerName, label: &str) {
        let late_busy = self.faults.ci.late_busy;
        let mut ends = Vec::new();
        {
            let Self {
                controllers,
                dice,
                now,
                history,
                ..
            } = self;
            let Some(found) = controllers
                .get_mut(controller)
                .filter(|it| it.quieting_down.is_none())
            else {
                return;
            };
            loop {
                let n_free = found
                    .free
                    .get(label)
                    .map_or(0, std::collections::BTreeSet::len);
                let n_waiting = found
                    .queues
                    .get(label)
                    .map_or(0, std::collections::VecDeque::len);
                if n_free == 0 || n_waiting == 0 {
                    break;
                }
                let agent_idx = dice.ci.usize(..n_free);
                let agent = found.free[label].iter().nth(agent_idx).cloned();
                let job = found
                    .queues
                    .get_mut(label)
                    .and_then(std::collections::VecDeque::pop_front);
                let (Some(agent), Some(job)) = (agent, job) else {
                    break;
                };
                found.n_runs += 1;
                history.n_jobs_started += 1;
                let run = Run {
                    id: found.n_runs,
                    name: job.name,
                    url: job.url,
                    started_at: *now,
                    ends_at: *now + job.duration,
                    expected_end: *now + job.estimate,
                    shown_from: *now + dice::up_to(&mut dice.door, late_busy),
                };
                ends.push((run.ends_at, agent.clone(), run.id));
                if let Some(agent) = found.agents.get_mut(&agent) {
                    agent.runs.push(run);
                    agent.idle_since = None;
                }
                found.refresh_free(&agent);
            }
        }
        for (at, agent, run) in ends {
            self.schedule_at(
                at,
                Happening::JobEnds {
                    controller: controller.clone(),
                    agent,
                    run,
                },
            );
        }
    }

    pub(super) fn job_ends(&mut self, controller: &ControllerName, agent: &str, run: u64) {
        let now = self.now;
        let Some(found) = self.controllers.get_mut(controller) else {
            return;
        };
        let Some(busy) = found.agents.get_mut(agent).filter(|it| !it.is_dead) else {
            return;
        };
        let Some(run_idx) = busy.runs.iter().position(|it| it.id == run) else {
            return;
        };
        busy.runs.remove(run_idx);
        if busy.runs.is_empty() {
            busy.idle_since = Some(now);
        }
        let (label, instance) = (busy.labels.first().cloned(), busy.instance.clone());
        found.refresh_free(agent);
        let passed = self.count_outcome(&instance);
        let agent = self
            .controllers
            .get_mut(controller)
            .and_then(|it| it.agents.get_mut(agent));
        if let Some(agent) = agent {
            agent.ended.push_back(Ended { at: now, passed });
            if Ended::N_KEPT < agent.ended.len() {
                agent.ended.pop_front();
            }
        }
        self.wake_host(&instance, Duration::from_secs(2));
        if let Some(label) = label {
            self.dispatch(controller, &label);
        }
    }
}

impl World {
    /// A few jobs fail anywhere; on a bad image all do.
    fn count_outcome(&mut self, id: &InstanceId) -> bool {
        let fails_here = self.image_of(id) == ImageTrait::FailsJobs;
        let fails_anyway = self.dice.ci.u32(..100) < FAILING_PERCENT;
        self.history.n_jobs_done += 1;
        let passed = !fails_here && !fails_anyway;
        let image = self.machines.get(id).and_then(|it| it.row.image.clone());
        if let Some(image) = image {
            let outcomes = self.history.outcomes.entry(image).or_default();
            if passed {
                outcomes.n_passed += 1;
            } else {
                outcomes.n_failed += 1;
            }
        }
        passed
    }
}

/// Returns how much of a label's load there is at this time: a working day's
/// hours have all of it, its edges half, nights and weekends what the label says.
fn rhythm_percent(load: &LoadSpec, at: Timestamp) -> u64 {
    let hours = at.as_millis().div_euclid(3_600_000);
    let hour = hours.rem_euclid(24);
    // The epoch was a Thursday.
    let weekday = (hours.div_euclid(24) + 4).rem_euclid(7);
    let is_weekend = weekday == 0 || weekday == 6;
    let night = u64::from(load.night_percent);
    match hour {
        _ if is_weekend => night,
        8..18 => 100,
        6..8 | 18..21 => night.midpoint(100),
        _ => night,
    }
}
