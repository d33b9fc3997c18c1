//! Where the prices come from and how old they are, what was spent since the
//! start, and what our own questions cost: one line over the sources.

use super::dim;
use crate::{
    fleet::{PriceOrigin, Usd, short_duration},
    tui::{app::App, theme::Role, widget::Span},
};

pub(super) fn line(app: &App) -> Vec<Span<'static>> {
    let observation = &app.observation;
    let (state, now) = (&observation.prices, observation.at);
    let age = |it: &PriceOrigin| format!("{} {}", it.source, short_duration(now.since(it.at)));
    let origins: Vec<String> = state.lists.iter().chain(&state.spot).map(age).collect();
    let mut spans = Vec::new();
    if !origins.is_empty() {
        spans.push(dim(format!("  prices: {}", origins.join(", "))));
    }
    if let Some(failure) = state.failures.first() {
        spans.push(Span::new(format!("  {}", failure.what), Role::Warn));
    }
    if let Some(it) = observation.spending.filter(|it| it.usd != Usd::ZERO) {
        let since = it.since.clock_time();
        let spent = format!("  {} since {since}, waste {}", it.usd, it.waste);
        spans.push(dim(spent));
    }
    let own = observation.own_spend.usd();
    if own != Usd::ZERO {
        spans.push(dim(format!("  own questions {own:.4}")));
    }
    spans
}
