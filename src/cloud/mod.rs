//! The door to AWS: what we may ask, and the kinds of failure that callers act on.

#[cfg(feature = "aws")]
pub mod aws;

use std::{collections::BTreeSet, fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::fleet::{
    Activity, Bill, Call, ConsoleOutput, Datum, Failure, FailureKind, Hook, Identity, Image,
    ImageId, InstanceId, LaunchSource, ListPrice, OwnSpend, Part, PoolKey, Receipt, Scope, Span,
    SpotPrice, Template, Timestamp,
};

/// One scope of AWS, real or simulated.
#[async_trait]
pub trait Cloud: Debug + Send + Sync {
    /// Returns what this door looks at; the identity in it is `None` until it was proven.
    fn scope(&self) -> Scope;

    /// Proves who we are, by STS.
    async fn identify(&self) -> Result<Identity, Error>;

    /// Reads the scope. What could not be read is in the reading, not an error.
    async fn observe(&self, now: Timestamp) -> Result<Reading, Error>;

    /// Reads the activities of one group, newest first.
    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, Error>;

    /// Reads the console output that EC2 kept for an instance.
    async fn console_output(&self, instance: &InstanceId) -> Result<ConsoleOutput, Error>;

    /// Looks an image up; `None` for one that does not exist, or is not shown to us.
    async fn image(&self, image: &ImageId) -> Result<Option<Image>, Error> {
        let what = format!("cannot look {image} up: this door has no images");
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Looks up what a template version or a launch configuration launches; `None` for one that
    /// does not exist.
    async fn template(&self, source: &LaunchSource) -> Result<Option<Template>, Error> {
        let what = format!("cannot look {source} up: this door has no templates");
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Reads the lifecycle hooks of one group.
    async fn hooks(&self, pool: &PoolKey) -> Result<Vec<Hook>, Error> {
        let what = format!("cannot read the hooks of {pool}: this door reads none by themselves");
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Makes one write, once: no retry that could do it twice.
    async fn apply(&self, call: &Call) -> Result<Receipt, Error>;

    /// Writes numbers to CloudWatch, in as few requests as it can.
    ///
    /// It is no `Call`: it changes nothing that anybody operates.
    async fn put_metrics(
        &self,
        namespace: &str,
        at: Timestamp,
        data: &[Datum],
    ) -> Result<(), Error> {
        let what = format!(
            "cannot publish {} metrics of {at} to {namespace}: this door has no CloudWatch",
            data.len()
        );
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Reads what spot machines of these types cost now, in every zone of the region.
    async fn spot_prices(
        &self,
        types: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SpotPrice>, Error> {
        let what = format!(
            "cannot read the spot prices of {} types at {now}: this door has none",
            types.len()
        );
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Reads the list prices of these types and platforms in the region, on demand.
    async fn list_prices(
        &self,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<Vec<ListPrice>, Error> {
        let what = format!(
            "cannot read {} list prices: this door has no price list",
            wanted.len()
        );
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Asks Cost Explorer what the machines of these regions have cost this month; $0.01, and once.
    async fn bill(&self, regions: &[String], now: Timestamp) -> Result<Bill, Error> {
        let regions = regions.join(", ");
        let what = format!("cannot read the bill of {regions} at {now}: this door has none");
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Reads what CloudWatch measured, in steps, in the order in which it is asked.
    async fn past_metrics(
        &self,
        asked: &[AskedMetric],
        span: Span,
        step: Duration,
    ) -> Result<Vec<Measured>, Error> {
        let what = format!(
            "cannot read {} metrics in steps of {} s from {}: this door has no CloudWatch",
            asked.len(),
            step.as_secs(),
            span.from
        );
        Err(Error::new(FailureKind::Invalid, what))
    }

    /// Returns what this door has asked for that AWS bills, since it was opened.
    fn own_spend(&self) -> OwnSpend {
        OwnSpend::default()
    }

    /// Returns how many API requests this door has sent since it was opened, retries included.
    fn n_requests(&self) -> u64;
}

/// What one reading of a scope saw.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub part: Part,
    /// What could not be read; the rows that it concerns are the last good ones.
    pub missing: Vec<Failure>,
}

/// One metric of CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedMetric {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
    pub statistic: Statistic,
}

/// What is made of the values of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    Average,
    Maximum,
}

/// The steps of which CloudWatch has a value, oldest first.
pub type Measured = Vec<(Timestamp, f64)>;

/// Why a call failed. `Display` is one sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    pub kind: FailureKind,
    /// What could not be done, and AWS' own code and message.
    pub what: String,
    /// The service's request id, where there was an answer.
    pub request_id: Option<String>,
}

impl Error {
    pub fn new(kind: FailureKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            request_id: None,
        }
    }

    pub fn into_failure(self, at: Timestamp, retry_in: Option<Duration>) -> Failure {
        Failure {
            kind: self.kind,
            what: self.what,
            at,
            retry_at: retry_in.map(|it| at + it),
        }
    }
}

/// A door that several tasks share.
pub type SharedCloud = Arc<dyn Cloud>;
