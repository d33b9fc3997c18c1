//! `[cost]`: whether AWS is asked for prices, and the operator's own figures.

use serde::Deserialize;
use toml::Spanned;

use super::{SettingsError, file::Reader};
use crate::{
    cost::{Discount, Rule, Terms},
    fleet::{Market, Usd},
};

/// What the configuration says of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostSettings {
    /// Whether AWS may be asked for prices.
    pub pricing: bool,
    /// Whether Cost Explorer is asked, once a day, for a cent.
    pub cost_explorer: bool,
    pub terms: Terms,
}

impl Default for CostSettings {
    fn default() -> Self {
        Self {
            pricing: true,
            cost_explorer: false,
            terms: Terms::default(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CostTable {
    pricing: Option<bool>,
    cost_explorer: Option<bool>,
    discount_percent: Option<Spanned<f64>>,
    #[serde(default)]
    price: Vec<Spanned<PriceTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceTable {
    pool: Option<String>,
    r#type: Option<String>,
    market: Option<Spanned<String>>,
    usd_per_hour: Option<Spanned<f64>>,
    discount_percent: Option<Spanned<f64>>,
}

pub(super) fn read(reader: &Reader<'_>, table: CostTable) -> Result<CostSettings, SettingsError> {
    let discount = discount(reader, table.discount_percent.as_ref())?;
    let rules = table.price.into_iter().map(|it| rule(reader, it));
    Ok(CostSettings {
        pricing: table.pricing.unwrap_or(true),
        cost_explorer: table.cost_explorer.unwrap_or(false),
        terms: Terms {
            discount: discount.unwrap_or_default(),
            rules: rules.collect::<Result<_, _>>()?,
            ..Terms::default()
        },
    })
}

fn discount(
    reader: &Reader<'_>,
    percent: Option<&Spanned<f64>>,
) -> Result<Option<Discount>, SettingsError> {
    let Some(percent) = percent else {
        return Ok(None);
    };
    match Discount::from_percent(*percent.get_ref()) {
        Some(it) => Ok(Some(it)),
        None => reader.error(
            percent,
            format!(
                "`discount_percent` is {}; a discount is from 0 to 100",
                percent.get_ref()
            ),
        ),
    }
}

fn rule(reader: &Reader<'_>, table: Spanned<PriceTable>) -> Result<Rule, SettingsError> {
    let says_one = {
        let it = table.get_ref();
        it.usd_per_hour.is_some() != it.discount_percent.is_some()
    };
    if !says_one {
        let what = "a [[cost.price]] needs either `usd_per_hour` or `discount_percent`";
        return reader.error(&table, what.to_owned());
    }
    let table = table.into_inner();
    Ok(Rule {
        pool: table.pool,
        instance_type: table.r#type,
        market: market(reader, table.market.as_ref())?,
        usd_per_hour: own_price(reader, table.usd_per_hour.as_ref())?,
        discount: discount(reader, table.discount_percent.as_ref())?,
    })
}

fn own_price(
    reader: &Reader<'_>,
    dollars: Option<&Spanned<f64>>,
) -> Result<Option<Usd>, SettingsError> {
    let Some(dollars) = dollars else {
        return Ok(None);
    };
    match Usd::from_f64(*dollars.get_ref()).filter(|it| Usd::ZERO <= *it) {
        Some(it) => Ok(Some(it)),
        None => reader.error(
            dollars,
            format!(
                "`usd_per_hour` is {}; a price is 0 or more dollars for an hour",
                dollars.get_ref()
            ),
        ),
    }
}

fn market(
    reader: &Reader<'_>,
    market: Option<&Spanned<String>>,
) -> Result<Option<Market>, SettingsError> {
    let Some(market) = market else {
        return Ok(None);
    };
    match Market::from(market.get_ref().as_str()) {
        Market::Other(word) => {
            let known = ["on-demand", "spot"];
            reader.error(market, super::file::unknown("market", &word, &known))
        }
        known => Ok(Some(known)),
    }
}
