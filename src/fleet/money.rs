//! Money: exact amounts, what a machine costs, and who said so.

use std::{fmt, iter::Sum, ops, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Bill, Failure, Timestamp};

/// US dollars, exact to the nano-dollar; a JSON number of dollars.
///
/// Sums of floating-point prices drift by a cent a month, and then two screens disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd {
    nanos: i64,
}

const NANOS_PER_USD: i64 = 1_000_000_000;
const MILLIS_PER_HOUR: i128 = 3_600_000;

impl Usd {
    pub const ZERO: Self = Self { nanos: 0 };

    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos }
    }

    pub const fn from_cents(cents: i64) -> Self {
        Self {
            nanos: cents.saturating_mul(NANOS_PER_USD / 100),
        }
    }

    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }

    /// Returns the nearest amount; `None` for what is no number, or more than any fleet costs.
    pub fn from_f64(dollars: f64) -> Option<Self> {
        const MOST: f64 = 9e9;
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the filter")]
        let nanos = |it: f64| (it * 1e9).round() as i64;
        let amount = Some(dollars).filter(|it| it.abs() < MOST)?;
        Some(Self::from_nanos(nanos(amount)))
    }

    /// Returns the dollars as a number to show or to compare; sums are made of `Usd`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below nine million dollars, and only shown"
    )]
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// Returns what this rate, in dollars per hour, comes to in that time, to the nearest nano-dollar.
    #[must_use]
    pub fn for_time(self, time: Duration) -> Self {
        let millis = i128::try_from(time.as_millis()).unwrap_or(i128::MAX / i128::from(i64::MAX));
        Self::from_wide(rounded(i128::from(self.nanos) * millis, MILLIS_PER_HOUR))
    }

    /// Returns `parts` out of `of` of the amount, to the nearest nano-dollar.
    #[must_use]
    pub fn share(self, parts: u64, of: u64) -> Self {
        let whole = i128::from(of.max(1));
        Self::from_wide(rounded(i128::from(self.nanos) * i128::from(parts), whole))
    }

    fn from_wide(nanos: i128) -> Self {
        let most = if nanos < 0 { i64::MIN } else { i64::MAX };
        Self::from_nanos(i64::try_from(nanos).unwrap_or(most))
    }
}

/// Divides and rounds half away from zero, as bills do.
fn rounded(amount: i128, by: i128) -> i128 {
    (amount + amount.signum() * (by / 2)) / by
}

impl ops::Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_nanos(self.nanos.saturating_add(other.nanos))
    }
}

impl ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::from_nanos(self.nanos.saturating_sub(other.nanos))
    }
}

impl ops::Neg for Usd {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl ops::Mul<u32> for Usd {
    type Output = Self;

    fn mul(self, n: u32) -> Self {
        Self::from_nanos(self.nanos.saturating_mul(i64::from(n)))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

impl<'a> Sum<&'a Self> for Usd {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

/// Shows cents, `$12.30`; a precision shows more: `{:.4}` is `$0.0042`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_digits = u32::try_from(f.precision().unwrap_or(2).min(9)).unwrap_or(9);
        let unit = i128::from(10_i64.pow(9 - n_digits));
        let units = rounded(i128::from(self.nanos), unit).unsigned_abs();
        let whole = units / 10_u128.pow(n_digits);
        let part = units % 10_u128.pow(n_digits);
        // What rounds to nothing is not shown as less than nothing.
        let sign = if self.nanos < 0 && units != 0 {
            "-"
        } else {
            ""
        };
        let text = if n_digits == 0 {
            format!("{sign}${whole}")
        } else {
            let width = n_digits as usize;
            format!("{sign}${whole}.{part:0width$}")
        };
        // Only the width is left to apply; `pad` would cut the text to the precision.
        let width = f.width().unwrap_or(0);
        match f.align() {
            Some(fmt::Alignment::Left) => write!(f, "{text:<width$}"),
            _ => write!(f, "{text:>width$}"),
        }
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::from_f64(dollars)
            .ok_or_else(|| D::Error::custom(format!("{dollars} is no amount of dollars")))
    }
}

/// What one machine costs while it runs, who said so, and as of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub per_hour: Usd,
    pub source: PriceSource,
    /// The date of the list, or when the spot price began.
    pub at: Timestamp,
    /// The same machine on demand; `None` when that is not known.
    pub on_demand: Option<Usd>,
    pub billing: Billing,
    /// Whether the configuration took a discount off, or put a markup on.
    pub is_adjusted: bool,
}

/// Where a price came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The operator's own figure.
    Configured,
    /// The AWS Price List, as the Pricing API gave it.
    PricingApi,
    /// EC2's history of spot prices.
    SpotHistory,
    /// The table that this program was built with.
    Bundled,
    /// The mean of the pool's members: nobody can say which type AWS launches next.
    Members,
}

impl PriceSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::PricingApi => "pricing_api",
            Self::SpotHistory => "spot_history",
            Self::Bundled => "bundled",
            Self::Members => "members",
        }
    }
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How AWS counts the time of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// By the second, and a minute at the least.
    #[default]
    PerSecond,
    /// Every hour that was begun.
    PerHour,
}

/// One on-demand price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPrice {
    pub region: String,
    pub instance_type: String,
    /// As EC2 says it: `Linux/UNIX`, `Windows`.
    pub platform: String,
    pub usd_per_hour: Usd,
}

/// One spot price of one type in one zone, from the time when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpotPrice {
    pub instance_type: String,
    pub zone: String,
    pub platform: String,
    pub per_hour: Usd,
    pub since: Timestamp,
}

/// Where the prices in use come from, how old they are, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceState {
    /// The lists of on-demand prices, the best first.
    pub lists: Vec<PriceOrigin>,
    /// When spot prices were last read, and how many are known.
    pub spot: Option<PriceOrigin>,
    /// What Cost Explorer said last, where it may be asked.
    pub bills: Vec<Bill>,
    /// A sentence each.
    pub failures: Vec<Failure>,
}

/// One source of prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PriceOrigin {
    pub source: PriceSource,
    /// The date of the list, or when it was read.
    pub at: Timestamp,
    pub n_prices: usize,
}

/// What everything has cost since somebody began to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spending {
    pub since: Timestamp,
    pub usd: Usd,
    pub waste: Usd,
    /// Machine time for which no price was known: it is in no sum.
    pub unpriced: Duration,
    /// Time in which nobody looked: nor is that.
    pub gaps: Duration,
}

/// What the reading itself costs: AWS bills metrics by the thousand that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OwnSpend {
    /// Metrics that were asked for by `GetMetricData` since the door was opened.
    pub n_metrics_read: u64,
    /// `PutMetricData` requests.
    pub n_metric_writes: u64,
    /// Questions to Cost Explorer.
    pub n_bills_read: u64,
}

impl OwnSpend {
    /// Returns the bill: $0.01 for 1,000 metrics read, for 1,000 requests that write some, and
    /// for each question to Cost Explorer.
    ///
    /// Sources: "Amazon CloudWatch pricing", "AWS Cost Explorer pricing". Everything else that
    /// we ask AWS is free.
    pub fn usd(self) -> Usd {
        let n = self.n_metrics_read.saturating_add(self.n_metric_writes);
        Usd::from_nanos(10_000).share(n, 1) + Usd::from_cents(1).share(self.n_bills_read, 1)
    }
}

impl Sum for OwnSpend {
    fn sum<I: Iterator<Item = Self>>(spends: I) -> Self {
        spends.fold(Self::default(), |a, b| Self {
            n_metrics_read: a.n_metrics_read + b.n_metrics_read,
            n_metric_writes: a.n_metric_writes + b.n_metric_writes,
            n_bills_read: a.n_bills_read + b.n_bills_read,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_shows_cents_and_more_when_asked() {
        let rate = Usd::from_nanos(4_236_000);
        assert_eq!(rate.to_string(), "$0.00");
        assert_eq!(format!("{rate:.4}"), "$0.0042");
        assert_eq!(format!("{:>8}", Usd::from_cents(1230)), "  $12.30");
        assert_eq!(format!("{:<8.0}|", Usd::from_cents(1250)), "$13     |");
        assert_eq!(Usd::from_cents(-5).to_string(), "-$0.05");
        assert_eq!(Usd::from_nanos(-1).to_string(), "$0.00");
    }

    #[test]
    fn an_amount_is_a_json_number_and_comes_back_whole() {
        for nanos in [0, 1, 85_000_000, 123_456_789_012, -42_000_000] {
            let amount = Usd::from_nanos(nanos);
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(
                serde_json::from_str::<Usd>(&json).unwrap(),
                amount,
                "{json}"
            );
        }
        let json = serde_json::to_string(&Usd::from_nanos(85_000_000)).unwrap();
        assert_eq!(json, "0.085");
        assert!(serde_json::from_str::<Usd>("1e300").is_err());
    }

    #[test]
    fn a_rate_becomes_money_by_the_millisecond() {
        let rate = Usd::from_cents(360);
        assert_eq!(
            rate.for_time(Duration::from_secs(1)),
            Usd::from_nanos(1_000_000)
        );
        assert_eq!(
            rate.for_time(Duration::from_hours(24)),
            Usd::from_cents(8640)
        );
        assert_eq!(rate.for_time(Duration::MAX), Usd::from_nanos(i64::MAX));
        assert_eq!(Usd::from_cents(1).share(1, 3), Usd::from_nanos(3_333_333));
    }
}
