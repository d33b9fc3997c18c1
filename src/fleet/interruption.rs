//! A machine that spot took back, and the work that went with it.

use std::{fmt, sync::Arc, time::Duration};

use super::{Executor, Instance, InstanceId, Timestamp};

/// What an interruption cost, as far as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    pub instance: InstanceId,
    pub instance_type: String,
    pub zone: String,
    /// How long the jobs had run that were lost; `None` when nobody knows what ran.
    pub lost: Option<Duration>,
}

impl Interruption {
    /// Describes an interruption; `agents` are as they were last known before it.
    pub fn new(instance: &Instance, agents: Option<&[Arc<Executor>]>, now: Timestamp) -> Self {
        let lost = agents.map(|agents| {
            let jobs = agents.iter().flat_map(|it| it.jobs());
            jobs.filter_map(|it| Some(now.since(it.started_at?))).sum()
        });
        Self {
            instance: instance.id.clone(),
            instance_type: instance.instance_type.clone(),
            zone: instance.zone.clone(),
            lost,
        }
    }

    /// Returns the job-minutes that a marker tells were lost.
    pub fn lost_minutes(marker: &str) -> Option<u64> {
        let (before, _) = marker.split_once(LOST)?;
        before.rsplit(' ').next()?.parse().ok()
    }
}

const LOST: &str = " job-minutes lost";

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instance,
            instance_type,
            zone,
            lost,
        } = self;
        write!(f, "spot took back {instance} ({instance_type}, {zone})")?;
        match lost {
            Some(lost) => write!(f, ", {}{LOST}", lost.as_secs().div_ceil(60)),
            None => f.write_str(", what ran there is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_read_from_the_marker() {
        let mut it = Interruption {
            instance: "i-0".into(),
            instance_type: "c7i.2xlarge".to_owned(),
            zone: "us-east-1a".to_owned(),
            lost: Some(Duration::from_secs(61)),
        };
        let text = it.to_string();
        assert!(text.ends_with(", 2 job-minutes lost"), "{text}");
        assert_eq!(Interruption::lost_minutes(&text), Some(2));
        it.lost = None;
        assert_eq!(Interruption::lost_minutes(&it.to_string()), None);
    }
}
