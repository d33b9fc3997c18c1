//! The past in JSON: series, markers and what they come to. A gap is null.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{SourceError, VERSION, to_line};
use crate::{
    cli::report::{Rows, dollars},
    cost::past,
    fleet::{self, Metric, MetricUnit, Past, PoolKey, Span, Timestamp, TrendKind, sanitize},
};

/// The document of `history -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    pub version: u32,
    pub at: Timestamp,
    /// Null is all pools together.
    pub pool: Option<String>,
    pub scope: Option<String>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub step_seconds: u64,
    pub series: Vec<Series>,
    pub markers: Vec<Marker>,
    /// Where the points come from and what is wrong with them.
    pub notes: Vec<String>,
    pub errors: Vec<SourceError>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    pub metric: Metric,
    pub unit: MetricUnit,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    pub at: Timestamp,
    /// The mean over the step, or the last of a setting; null was not seen.
    pub value: Option<f64>,
    pub least: Option<f64>,
    pub most: Option<f64>,
    /// How much of the step was seen, from 0 to 1.
    pub seen: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marker {
    pub at: Timestamp,
    pub pool: Option<String>,
    /// `operation`, `activity`, `interruption`, `launch_failure` or `clock`.
    pub kind: &'static str,
    pub what: String,
}

/// One step of all metrics, as a line.
#[derive(Serialize)]
struct Step {
    at: Timestamp,
    values: BTreeMap<&'static str, Option<f64>>,
}

impl History {
    pub fn new(at: Timestamp, past: &Past, errors: Vec<SourceError>) -> Self {
        let series = past.series.iter().map(|it| Series {
            metric: it.metric,
            unit: it.metric.unit(),
            points: it.points.iter().map(Point::new).collect(),
        });
        let markers = past.markers.iter().map(|it| Marker {
            at: it.at,
            pool: it.pool.as_ref().map(ToString::to_string),
            kind: it.kind.as_str(),
            what: sanitize(&it.what).into_owned(),
        });
        let step = past.series.first().map_or(0, |it| it.step.as_secs());
        Self {
            version: VERSION,
            at,
            pool: past.pool.as_ref().map(|it| it.name.to_string()),
            scope: past.pool.as_ref().map(|it| it.scope.to_string()),
            from: past.span.from,
            until: past.span.until,
            step_seconds: step,
            series: series.collect(),
            markers: markers.collect(),
            notes: past.notes.clone(),
            errors,
        }
    }

    /// Returns each step as one line.
    pub fn lines(&self) -> String {
        let n_steps = self.series.first().map_or(0, |it| it.points.len());
        let steps = (0..n_steps).filter_map(|step_idx| {
            let its = self.series.iter();
            let its = its.filter_map(|it| Some((it.metric.as_str(), it.points.get(step_idx)?)));
            let values: BTreeMap<_, _> = its.clone().map(|(name, it)| (name, it.value)).collect();
            let at = its.map(|it| it.1.at).next()?;
            Some(to_line(&Step { at, values }))
        });
        steps.collect()
    }
}

impl Point {
    fn new(it: &fleet::Point) -> Self {
        // Six digits are a ten-thousandth of a cent; more are noise of the arithmetic.
        let rounded = |it: f64| (it * 1e6).round() / 1e6;
        Self {
            at: it.at,
            value: it.value.map(rounded),
            least: it.least.map(rounded),
            most: it.most.map(rounded),
            seen: rounded(it.seen),
        }
    }
}

/// The document of `report -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub version: u32,
    pub at: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    #[serde(flatten)]
    pub rows: ReportRows,
    pub errors: Vec<SourceError>,
}

/// The rows of a report, under its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportRows {
    Utilisation(Vec<OfPool<past::Utilisation>>),
    Waste(Vec<Waste>),
    Savings(Vec<OfPool<past::Savings>>),
    TimeToReady(Vec<TimeToReady>),
    Trends(Vec<Trend>),
}

/// What was worked out of a pool, beside its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfPool<T> {
    pub pool: Option<String>,
    pub scope: Option<String>,
    #[serde(flatten)]
    pub found: T,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waste {
    pub pool: Option<String>,
    pub scope: Option<String>,
    pub usd: Option<f64>,
    #[serde(rename = "waste_usd")]
    pub wasted: Option<f64>,
    pub by: BTreeMap<&'static str, Option<f64>>,
    pub seen_hours: f64,
    pub asked_hours: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeToReady {
    pub pool: String,
    pub scope: String,
    pub image: Option<String>,
    pub instance_type: String,
    pub boots: usize,
    pub newest_at: Option<Timestamp>,
    /// From the request, in seconds.
    pub running: Option<Took>,
    pub registered: Option<Took>,
    pub first_job: Option<Took>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Took {
    pub boots: usize,
    pub median_seconds: u64,
    pub p90_seconds: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    pub pool: String,
    pub scope: String,
    pub kind: TrendKind,
    pub why: String,
    pub usd: Option<f64>,
}

impl Report {
    pub(in crate::cli) fn new(
        at: Timestamp,
        span: Span,
        rows: &Rows,
        errors: Vec<SourceError>,
    ) -> Self {
        Self {
            version: VERSION,
            at,
            from: span.from,
            until: span.until,
            rows: ReportRows::new(rows),
            errors,
        }
    }

    /// Returns each row as one line.
    pub fn lines(&self) -> String {
        match &self.rows {
            ReportRows::Utilisation(rows) => super::lines(rows),
            ReportRows::Waste(rows) => super::lines(rows),
            ReportRows::Savings(rows) => super::lines(rows),
            ReportRows::TimeToReady(rows) => super::lines(rows),
            ReportRows::Trends(rows) => super::lines(rows),
        }
    }
}

impl ReportRows {
    fn new(rows: &Rows) -> Self {
        match rows {
            Rows::Utilisation(rows) => {
                let rows = rows.iter();
                Self::Utilisation(rows.map(|it| OfPool::new(it.pool.as_ref(), it)).collect())
            }
            Rows::Waste(rows) => Self::Waste(rows.iter().map(Waste::new).collect()),
            Rows::Savings(rows) => {
                let rows = rows.iter();
                Self::Savings(rows.map(|it| OfPool::new(it.pool.as_ref(), it)).collect())
            }
            Rows::TimeToReady(rows) => {
                Self::TimeToReady(rows.iter().map(TimeToReady::new).collect())
            }
            Rows::Trends(rows) => Self::Trends(rows.iter().map(Trend::new).collect()),
        }
    }
}

fn name(pool: Option<&PoolKey>) -> Option<String> {
    pool.map(|it| it.name.to_string())
}

fn scope(pool: Option<&PoolKey>) -> Option<String> {
    pool.map(|it| it.scope.to_string())
}

impl<T: Clone> OfPool<T> {
    fn new(pool: Option<&PoolKey>, found: &T) -> Self {
        Self {
            pool: name(pool),
            scope: scope(pool),
            found: found.clone(),
        }
    }
}

impl Waste {
    fn new(it: &past::Spent) -> Self {
        let by = it.by_use.iter();
        Self {
            pool: name(it.pool.as_ref()),
            scope: scope(it.pool.as_ref()),
            usd: dollars(it.total),
            wasted: dollars(it.waste),
            by: by.map(|it| (it.0.as_str(), dollars(it.1))).collect(),
            seen_hours: it.seen_hours(),
            asked_hours: it.asked_hours(),
        }
    }
}

impl TimeToReady {
    fn new(it: &past::Readiness) -> Self {
        let took = |it: Option<past::Took>| {
            it.map(|it| Took {
                boots: it.n,
                median_seconds: it.median.as_secs(),
                p90_seconds: it.p90.as_secs(),
            })
        };
        Self {
            pool: it.pool.name.to_string(),
            scope: it.pool.scope.to_string(),
            image: it.image.as_ref().map(ToString::to_string),
            instance_type: it.instance_type.clone(),
            boots: it.n_boots,
            newest_at: it.newest_at,
            running: took(it.running),
            registered: took(it.registered),
            first_job: took(it.first_job),
        }
    }
}

impl Trend {
    fn new(it: &fleet::Trend) -> Self {
        Self {
            pool: it.pool.name.to_string(),
            scope: it.pool.scope.to_string(),
            kind: it.kind,
            why: sanitize(&it.why).into_owned(),
            usd: dollars(it.usd),
        }
    }
}
