//! What was spent in a time that is over, and what a month will come to.

use std::time::Duration;

use crate::fleet::{Fleet, Instance, Metric, Past, PoolKey, Usd};

/// Money that was spent in a span, as far as somebody looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// `None` when nothing of the span was seen, or no price was known in it.
    pub usd: Option<Usd>,
    pub waste: Option<Usd>,
    /// How much of the span was seen.
    pub seen: Duration,
    pub of: Duration,
}

impl Spent {
    /// Adds up the rates of a past: what was not seen adds nothing, and is told by `seen`.
    pub fn of(past: &Past) -> Self {
        let sum = |metric| {
            let hours = past.series(metric)?.total_hours()?;
            Usd::from_f64(hours)
        };
        let seen = past.series(Metric::UsdPerHour).map_or(0.0, |series| {
            let points = series.points.iter().filter(|it| it.value.is_some());
            points.map(|it| it.seen).sum::<f64>() * series.step.as_secs_f64()
        });
        let of = past.span.length();
        Self {
            usd: sum(Metric::UsdPerHour),
            waste: sum(Metric::WasteUsd),
            seen: Duration::try_from_secs_f64(seen)
                .unwrap_or_default()
                .min(of),
            of,
        }
    }

    /// Returns what the whole of a longer span comes to at the mean rate that was seen.
    ///
    /// Less than an hour says nothing of a month.
    pub fn projected(&self, whole: Duration) -> Option<Usd> {
        const LEAST: Duration = Duration::from_hours(1);
        if self.seen < LEAST {
            return None;
        }
        let secs = |it: Duration| it.as_secs().max(1);
        Some(self.usd?.share(secs(whole), secs(self.seen)))
    }
}

/// What spot saves against the same machines on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Savings {
    /// What the spot machines cost.
    pub spot: Usd,
    /// What they would cost on demand.
    pub on_demand: Usd,
    /// What was paid for work that an interruption threw away.
    pub lost: Usd,
}

impl Savings {
    /// Returns what is saved per hour now; `None` when a price of either kind is not known.
    pub fn rate<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Option<Self> {
        let mut savings = Self::default();
        for instance in instances {
            if instance.is_spot() && instance.is_billed() {
                let price = instance.price?;
                savings.spot += price.per_hour;
                savings.on_demand += price.on_demand?;
            }
        }
        Some(savings)
    }

    /// Takes off the machine-minutes of jobs that were interrupted: they are paid twice.
    #[must_use]
    pub fn less_interrupted(mut self, job_minutes: Duration, per_hour: Usd) -> Self {
        self.lost += per_hour.for_time(job_minutes);
        self
    }

    pub fn net(&self) -> Usd {
        self.on_demand - self.spot - self.lost
    }
}

/// Returns what the spot machines of a pool save per hour now.
pub fn savings(fleet: &Fleet, pool: &PoolKey) -> Option<Savings> {
    let members = &fleet.roster(pool).instances;
    Savings::rate(members.iter().map(AsRef::as_ref))
}
