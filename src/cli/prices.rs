//! `prices`: where the prices come from and how old they are; `--renew` reads them anew.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{
    Error, Exit, InfoFormat, Session,
    json::{self, Prices},
    table,
};
use crate::{
    engine::Wanted,
    fleet::{Align, PriceOrigin, Timestamp, parse_duration, short_duration},
};

#[derive(Clone, Debug, Args)]
pub struct PricesFlags {
    /// Read the price list and the spot prices of everything that runs, and keep them
    #[arg(long)]
    pub renew: bool,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: InfoFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    at: Timestamp,
    #[serde(flatten)]
    prices: Prices,
    /// Whether AWS may be asked for prices.
    pricing: bool,
    errors: Vec<&'a str>,
}

pub(super) async fn run(session: &mut Session<'_>, flags: &PricesFlags) -> Result<Exit, Error> {
    let may_ask = session.handle.config().pricing.may_ask();
    if flags.renew && !may_ask {
        let what = "prices are not read: `pricing = false` in the configuration, or --no-pricing, forbids it";
        return Err(Error::usage(what));
    }
    session.read_all(flags.timeout).await?;
    if flags.renew {
        session.printer.status("reading prices …");
        session.handle.read_prices(Wanted::All).await;
        session.printer.clear_status();
    }
    let sight = session.sight(flags.timeout);
    let (state, now) = (&sight.observation.prices, sight.observation.at);
    let prices = Prices {
        lists: state.lists.clone(),
        spot: state.spot,
    };
    let text = match flags.output {
        InfoFormat::Json => json::to_text(&Document {
            version: json::VERSION,
            at: now,
            prices,
            pricing: may_ask,
            errors: state.failures.iter().map(|it| &*it.what).collect(),
        }),
        InfoFormat::Table => {
            let origins = state.lists.iter().chain(&state.spot);
            let rows: Vec<Vec<String>> = origins.map(|it| row(it, now)).collect();
            let titles = ["PRICES FROM", "OF", "AGE", "PRICES"];
            let aligns = [Align::Left, Align::Left, Align::Right, Align::Right];
            table::of_cells(Some(&titles), &rows, &aligns, session.printer.width())
        }
    };
    session
        .printer
        .table(&text, flags.output == InfoFormat::Table)?;
    sight.warn(session.printer);
    for failure in &state.failures {
        session.printer.warn(&failure.what);
    }
    // What was asked for and did not come is a failure; otherwise old prices will do.
    Ok(if flags.renew && !state.failures.is_empty() {
        Exit::Failed
    } else {
        sight.exit()
    })
}

fn row(it: &PriceOrigin, now: Timestamp) -> Vec<String> {
    vec![
        it.source.to_string(),
        it.at.to_string(),
        short_duration(now.since(it.at)),
        it.n_prices.to_string(),
    ]
}
