//! The past of a pool: what was measured, over time. A gap is a gap, never zero
//! and never the last value.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Boot, Phase, PoolKey, Timestamp, Use, nearest};

/// Declares what is measured of a pool: the name that operators write, and its unit.
macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = $word:literal in $unit:ident),* $(,)?) => {
        /// What is measured of a pool.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            pub fn unit(self) -> MetricUnit {
                match self {
                    $(Self::$name => MetricUnit::$unit,)*
                }
            }
        }
    };
}

metrics! {
    Desired = "desired" in Count,
    Min = "min" in Count,
    Max = "max" in Count,
    InService = "in_service" in Count,
    Pending = "pending" in Count,
    PendingWait = "pending_wait" in Count,
    Standby = "standby" in Count,
    Terminating = "terminating" in Count,
    TerminatingWait = "terminating_wait" in Count,
    Retained = "retained" in Count,
    Warm = "warm" in Count,
    Detached = "detached" in Count,
    Unattached = "unattached" in Count,
    Other = "other" in Count,
    TotalExecutors = "total_executors" in Count,
    /// Executors that run a job, the draining ones among them.
    BusyExecutors = "busy_executors" in Count,
    /// Executors that could take a job now; a cordoned one never counts.
    IdleExecutors = "idle_executors" in Count,
    OfflineExecutors = "offline_executors" in Count,
    DrainingExecutors = "draining_executors" in Count,
    QueuedJobs = "queued_jobs" in Count,
    OldestQueuedSeconds = "oldest_queued_seconds" in Seconds,
    /// What all instances of the pool cost; the eight kinds below add up to it.
    UsdPerHour = "usd_per_hour" in UsdPerHour,
    BusyUsd = "busy_usd_per_hour" in UsdPerHour,
    IdleUsd = "idle_usd_per_hour" in UsdPerHour,
    BootingUsd = "booting_usd_per_hour" in UsdPerHour,
    DrainingUsd = "draining_usd_per_hour" in UsdPerHour,
    StandbyUsd = "standby_usd_per_hour" in UsdPerHour,
    RetainedUsd = "retained_usd_per_hour" in UsdPerHour,
    /// Instances that belong to no group and run no job, or that never registered.
    StrayUsd = "stray_usd_per_hour" in UsdPerHour,
    /// Instances of which nobody knows whether they work.
    UnknownUsd = "unknown_usd_per_hour" in UsdPerHour,
    WasteUsd = "waste_usd_per_hour" in UsdPerHour,
    SpotUsd = "spot_usd_per_hour" in UsdPerHour,
    OnDemandUsd = "on_demand_usd_per_hour" in UsdPerHour,
    /// What the spot instances would cost more on demand.
    SpotSavingUsd = "spot_saving_usd_per_hour" in UsdPerHour,
    /// The money above as far as prices are known: all of it, or the least that it can be.
    PricedUsd = "priced_usd_per_hour" in UsdPerHour,
    PricedBusyUsd = "priced_busy_usd_per_hour" in UsdPerHour,
    PricedIdleUsd = "priced_idle_usd_per_hour" in UsdPerHour,
    PricedBootingUsd = "priced_booting_usd_per_hour" in UsdPerHour,
    PricedDrainingUsd = "priced_draining_usd_per_hour" in UsdPerHour,
    PricedStandbyUsd = "priced_standby_usd_per_hour" in UsdPerHour,
    PricedRetainedUsd = "priced_retained_usd_per_hour" in UsdPerHour,
    PricedStrayUsd = "priced_stray_usd_per_hour" in UsdPerHour,
    PricedUnknownUsd = "priced_unknown_usd_per_hour" in UsdPerHour,
    PricedSpotUsd = "priced_spot_usd_per_hour" in UsdPerHour,
    PricedOnDemandUsd = "priced_on_demand_usd_per_hour" in UsdPerHour,
}

/// Money, and the same as far as prices are known.
const PRICED: [(Metric, Metric); 11] = [
    (Metric::UsdPerHour, Metric::PricedUsd),
    (Metric::BusyUsd, Metric::PricedBusyUsd),
    (Metric::IdleUsd, Metric::PricedIdleUsd),
    (Metric::BootingUsd, Metric::PricedBootingUsd),
    (Metric::DrainingUsd, Metric::PricedDrainingUsd),
    (Metric::StandbyUsd, Metric::PricedStandbyUsd),
    (Metric::RetainedUsd, Metric::PricedRetainedUsd),
    (Metric::StrayUsd, Metric::PricedStrayUsd),
    (Metric::UnknownUsd, Metric::PricedUnknownUsd),
    (Metric::SpotUsd, Metric::PricedSpotUsd),
    (Metric::OnDemandUsd, Metric::PricedOnDemandUsd),
];

/// What a metric counts in; metrics of one unit share an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricUnit {
    Count,
    Seconds,
    UsdPerHour,
}

impl Metric {
    /// Reads a name as operators write it; the error names the nearest one.
    pub fn parse(word: &str) -> Result<Self, String> {
        let meant = word.trim().to_lowercase().replace('-', "_");
        let found = Self::ALL.iter().find(|it| it.as_str() == meant);
        found.copied().ok_or_else(|| {
            let names = Self::ALL.iter().map(|it| it.as_str());
            // What begins alike and goes on for long was not meant.
            let is_like = |it: &&str| it.starts_with(&meant) || it.len() <= 2 * meant.len();
            let near = nearest(&meant, names.clone().filter(is_like));
            let hint = near.map_or_else(
                || format!("one of {}", names.collect::<Vec<_>>().join(", ")),
                |it| format!("did you mean `{it}`?"),
            );
            format!("there is no metric `{word}`; {hint}")
        })
    }

    /// Returns the metric that counts the instances of a phase.
    pub fn of_phase(phase: Phase) -> Self {
        match phase {
            Phase::InService => Self::InService,
            Phase::Pending => Self::Pending,
            Phase::PendingWait => Self::PendingWait,
            Phase::Standby => Self::Standby,
            Phase::Terminating => Self::Terminating,
            Phase::TerminatingWait => Self::TerminatingWait,
            Phase::Retained => Self::Retained,
            Phase::Warm => Self::Warm,
            Phase::Detached => Self::Detached,
            Phase::Unattached => Self::Unattached,
            Phase::Other => Self::Other,
        }
    }

    /// Returns the metric of the money that goes to a use.
    pub fn of_use(used: Use) -> Self {
        match used {
            Use::Busy => Self::BusyUsd,
            Use::Idle => Self::IdleUsd,
            Use::Booting => Self::BootingUsd,
            Use::Draining => Self::DrainingUsd,
            Use::Standby => Self::StandbyUsd,
            Use::Retained => Self::RetainedUsd,
            Use::Stray => Self::StrayUsd,
            Use::Unknown => Self::UnknownUsd,
        }
    }

    /// Returns what tells the same money as far as prices are known, where there is such.
    pub fn priced(self) -> Option<Self> {
        let found = PRICED.iter().find(|it| it.0 == self);
        found.map(|it| it.1)
    }

    /// Returns the money that this is the known part of.
    ///
    /// A sample has the part only where it lacks the whole.
    pub fn whole(self) -> Option<Self> {
        let found = PRICED.iter().find(|it| it.1 == self);
        found.map(|it| it.0)
    }

    /// Returns the metric that is published to CloudWatch under this name.
    pub fn of_published(name: &str) -> Option<Self> {
        Some(match name {
            "TotalExecutors" => Self::TotalExecutors,
            "BusyExecutors" => Self::BusyExecutors,
            "IdleExecutors" => Self::IdleExecutors,
            "OfflineExecutors" => Self::OfflineExecutors,
            "DrainingExecutors" => Self::DrainingExecutors,
            "QueuedJobs" => Self::QueuedJobs,
            "OldestQueuedSeconds" => Self::OldestQueuedSeconds,
            _ => return None,
        })
    }

    /// Returns whether a controller tells it; a pool without one does not have it.
    pub fn is_of_controller(self) -> bool {
        matches!(
            self,
            Self::TotalExecutors
                | Self::BusyExecutors
                | Self::IdleExecutors
                | Self::OfflineExecutors
                | Self::DrainingExecutors
                | Self::QueuedJobs
                | Self::OldestQueuedSeconds
        )
    }

    /// Returns whether the metric is a setting: its last value says more than its mean.
    pub fn is_setting(self) -> bool {
        matches!(self, Self::Desired | Self::Min | Self::Max)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).map_err(serde::de::Error::custom)
    }
}

/// A time from its beginning to before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    /// Returns the time that ends at `until`.
    pub fn before(until: Timestamp, length: Duration) -> Self {
        Self {
            from: until - length,
            until,
        }
    }

    /// Returns its length; a span that ends before it begins has none.
    pub fn length(self) -> Duration {
        self.until.since(self.from)
    }

    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// What was measured in the `step` that begins at `at`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    pub at: Timestamp,
    /// The mean over the step, or the last value of a setting; `None` is a gap.
    pub value: Option<f64>,
    /// The least and the greatest value within the step; the same as `value` where nothing moved.
    pub least: Option<f64>,
    pub most: Option<f64>,
    /// How much of the step was seen, from 0 to 1; sums over time go by it.
    pub seen: f64,
}

impl Point {
    /// Returns a step in which nothing was seen.
    pub fn gap(at: Timestamp) -> Self {
        Self {
            at,
            value: None,
            least: None,
            most: None,
            seen: 0.0,
        }
    }

    /// Returns a step that was seen whole and in which nothing moved.
    pub fn flat(at: Timestamp, value: f64) -> Self {
        Self {
            at,
            value: Some(value),
            least: Some(value),
            most: Some(value),
            seen: 1.0,
        }
    }
}

/// One metric over time: a point for every step of the span, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    pub metric: Metric,
    pub step: Duration,
    pub points: Vec<Point>,
}

impl Series {
    /// Returns the newest value that is known.
    pub fn last(&self) -> Option<f64> {
        self.points.iter().rev().find_map(|it| it.value)
    }

    /// Returns the integral over the time that was seen, in units times hours.
    pub fn total_hours(&self) -> Option<f64> {
        let hours = self.step.as_secs_f64() / 3600.0;
        let seen = self
            .points
            .iter()
            .filter_map(|it| Some(it.value? * it.seen));
        let seen: Vec<f64> = seen.collect();
        (!seen.is_empty()).then(|| seen.iter().sum::<f64>() * hours)
    }
}

/// Something that happened at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    pub at: Timestamp,
    pub pool: Option<PoolKey>,
    pub kind: MarkerKind,
    /// One line for people.
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkerKind {
    /// A long operation began or ended.
    Operation,
    /// The group did something, in its own words.
    Activity,
    /// Spot took an instance back, or announced that it will.
    Interruption,
    /// A launch failed: AWS' code, the zone, and its message.
    LaunchFailure,
    /// The clock of this host went backwards.
    Clock,
}

impl MarkerKind {
    pub const ALL: [Self; 5] = [
        Self::Operation,
        Self::Activity,
        Self::Interruption,
        Self::LaunchFailure,
        Self::Clock,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Activity => "activity",
            Self::Interruption => "interruption",
            Self::LaunchFailure => "launch_failure",
            Self::Clock => "clock",
        }
    }
}

/// What is known of a span of time, of one pool or of all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Past {
    /// `None` is all pools together.
    pub pool: Option<PoolKey>,
    pub span: Span,
    /// In the order in which they were asked for.
    pub series: Vec<Series>,
    /// Oldest first.
    pub markers: Vec<Marker>,
    /// How long instances took to their first job, by when they were asked for, oldest first.
    pub boots: Vec<Boot>,
    /// Where the points come from and what is wrong with them, a sentence each.
    pub notes: Vec<String>,
    /// Why nothing of it could be read; it stands in the notes, too.
    pub failure: Option<String>,
}

impl Past {
    pub fn series(&self, metric: Metric) -> Option<&Series> {
        self.series.iter().find(|it| it.metric == metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_by_its_own_name() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.as_str()), Ok(*metric));
        }
        assert_eq!(Metric::parse("In-Service"), Ok(Metric::InService));
    }

    #[test]
    fn a_wrong_metric_is_answered_with_the_nearest() {
        let error = Metric::parse("busy_executers").unwrap_err();
        assert_eq!(
            error,
            "there is no metric `busy_executers`; did you mean `busy_executors`?"
        );
        for word in ["zzz", "bogus"] {
            let error = Metric::parse(word).unwrap_err();
            assert!(error.contains("one of desired"), "{error}");
        }
    }

    #[test]
    fn a_gap_adds_nothing_and_is_not_zero() {
        let at = Timestamp::from_secs;
        let series = |points| Series {
            metric: Metric::UsdPerHour,
            step: Duration::from_hours(1),
            points,
        };
        let half = Point {
            seen: 0.5,
            ..Point::flat(at(0), 4.0)
        };
        let known = series(vec![half, Point::gap(at(3600))]);
        assert_eq!(known.total_hours(), Some(2.0));
        assert_eq!(known.last(), Some(4.0));
        assert_eq!(series(vec![Point::gap(at(0))]).total_hours(), None);
    }
}
