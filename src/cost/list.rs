//! A list of on-demand prices: the bundled one, or what the Pricing API gave.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use crate::fleet::{ListPrice, PriceSource, Timestamp, Usd};

/// On-demand prices of one source, as of one date.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceList {
    pub source: PriceSource,
    /// The date of the list.
    pub at: Timestamp,
    prices: BTreeMap<(String, String, String), Usd>,
    /// What the size `large` costs, by region and family: the other sizes are multiples of it.
    families: BTreeMap<(String, String), Usd>,
}

/// Why a table of prices cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PriceListError {
    pub line: usize,
    pub what: String,
}

/// The platform of the bundled table.
const LINUX: &str = "Linux/UNIX";

impl PriceList {
    pub fn new(
        source: PriceSource,
        at: Timestamp,
        prices: impl IntoIterator<Item = ListPrice>,
    ) -> Self {
        let keyed = prices
            .into_iter()
            .map(|it| ((it.region, it.instance_type, it.platform), it.usd_per_hour));
        Self {
            source,
            at,
            prices: keyed.collect(),
            families: BTreeMap::new(),
        }
    }

    /// Returns the table that this program was built with: a fallback, as old as its date.
    pub fn bundled() -> Arc<Self> {
        static BUNDLED: LazyLock<Arc<PriceList>> = LazyLock::new(|| {
            let table = PriceList::parse_families(include_str!("bundled.csv"));
            Arc::new(table.expect("a test reads the bundled table"))
        });
        BUNDLED.clone()
    }

    /// Reads a table of families: comments, one of them `# date: …`, a head, and
    /// lines of `region,family,usd_per_hour` for the size `large`; a whole type in the
    /// place of the family stands for itself.
    pub fn parse_families(text: &str) -> Result<Self, PriceListError> {
        let mut at = None;
        let mut families = BTreeMap::new();
        for (line_idx, line) in text.lines().enumerate() {
            let error = |what: String| PriceListError {
                line: line_idx + 1,
                what,
            };
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(date) = comment.trim().strip_prefix("date:") {
                    let date = date.trim();
                    let read = format!("{date}T00:00:00Z").parse::<Timestamp>();
                    at = Some(read.map_err(|_| error(format!("`{date}` is no date")))?);
                }
                continue;
            }
            if line.trim().is_empty() || line.starts_with("region,") {
                continue;
            }
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let [region, family, price] = cells[..] else {
                let what = format!("`{line}` is not region,family,usd_per_hour");
                return Err(error(what));
            };
            let usd = price.parse().ok().and_then(Usd::from_f64);
            let usd = usd
                .filter(|it| Usd::ZERO < *it)
                .ok_or_else(|| error(format!("{family} in {region}: `{price}` is no price")))?;
            let key = (region.to_owned(), family.to_owned());
            if families.insert(key, usd).is_some() {
                return Err(error(format!("{family} in {region} is there twice")));
            }
        }
        let at = at.ok_or_else(|| PriceListError {
            line: 1,
            what: "a line `# date: 2026-01-31` is missing: a price without a date is none"
                .to_owned(),
        })?;
        Ok(Self {
            source: PriceSource::Bundled,
            at,
            prices: BTreeMap::new(),
            families,
        })
    }

    /// Returns the on-demand price of a type in a region.
    pub fn price(&self, region: &str, instance_type: &str, platform: &str) -> Option<Usd> {
        let key = (
            region.to_owned(),
            instance_type.to_owned(),
            platform.to_owned(),
        );
        if let Some(price) = self.prices.get(&key) {
            return Some(*price);
        }
        if platform != LINUX {
            return None;
        }
        let listed = |name: &str| self.families.get(&(region.to_owned(), name.to_owned()));
        let (family, size) = instance_type.split_once('.')?;
        if let Some(price) = listed(instance_type) {
            return Some(*price);
        }
        let large = *listed(family)?;
        let (parts, of) = parts_of_large(size)?;
        Some(large.share(parts, of))
    }

    pub fn len(&self) -> usize {
        self.prices.len() + self.families.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the prices one by one, to be kept; the families of a table are not among them.
    pub fn iter(&self) -> impl Iterator<Item = ListPrice> {
        self.prices.iter().map(|(key, usd)| ListPrice {
            region: key.0.clone(),
            instance_type: key.1.clone(),
            platform: key.2.clone(),
            usd_per_hour: *usd,
        })
    }
}

/// Returns how many times a `large` a size is: AWS prices the sizes of a family by their vCPUs.
///
/// Bare metal is left out: its size is not in its name.
fn parts_of_large(size: &str) -> Option<(u64, u64)> {
    match size {
        "nano" => Some((1, 16)),
        "micro" => Some((1, 8)),
        "small" => Some((1, 4)),
        "medium" => Some((1, 2)),
        "large" => Some((1, 1)),
        "xlarge" => Some((2, 1)),
        _ => {
            let n: u64 = size.strip_suffix("xlarge")?.parse().ok()?;
            (1..=64).contains(&n).then_some((2 * n, 1))
        }
    }
}
