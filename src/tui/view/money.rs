//! What the money went to over time: layers by use, by market or by pool, and their sum.

use super::{
    dim,
    graph::{Entry, More, head, legend, nothing, readout, signs},
    plain,
};
use crate::{
    fleet::{Metric, Past, Point, PoolKey, Series, Usd},
    tui::{
        app::{App, MARKETS, Split, Topic, USES},
        glyph::Glyphs,
        layout,
        theme::Role,
        widget::{Axes, Canvas, Layer, Scale, Span, Unit, Window, extents, stack},
    },
};

/// A layer with its name.
struct Part {
    name: String,
    layer: Layer,
}

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, pool: Option<&PoolKey>) {
    let areas = layout::graph(app.size, app.n_legend_entries());
    let asked = app.pasts.get(&Topic::Money(pool.cloned()));
    let past = asked.and_then(|it| it.past.as_deref());
    let whose = pool.map_or_else(|| "all pools".to_owned(), |it| it.name.to_string());
    let split = app.money_split();
    let name = format!("$/h of {whose} by {}", split.as_str());
    head(canvas, &areas, app, &name, asked);
    let window = app.window();
    let axes = Axes::new(areas.plot);
    let total = past.and_then(|it| it.series(Metric::PricedUsd));
    let totals: Vec<Option<f64>> =
        total.map_or_else(|| vec![None; window.n_columns()], |it| means(it, window));
    let lacks = past.map_or_else(Vec::new, |it| lacks_prices(it, window));
    let parts = match split {
        Split::Use => of_metrics(past, &USES, window, canvas.glyphs()),
        Split::Market => of_metrics(past, &MARKETS, window, canvas.glyphs()),
        Split::Pool => of_pools(app, &totals, window, canvas.glyphs()),
    };
    let layers: Vec<Layer> = parts.iter().map(|it| it.layer.clone()).collect();
    let sums = (0..window.n_columns()).map(|it| sum_at(&layers, it).unwrap_or(0.0));
    let scale = Scale::of(sums, axes.n_steps(), Unit::Usd);
    let signs = signs(canvas, past, window);
    axes.paint(canvas, window, &scale, &signs, app.cursor_column());
    stack(canvas, axes.inside, &scale, &layers, app.cursor_column());
    let is_known = |it: &usize| layers.iter().any(|layer| layer.values[*it].is_some());
    let newest = (0..window.n_columns()).rev().find(is_known);
    if newest.is_none() {
        nothing(canvas, axes.inside, asked);
    }
    let column_idx = app.cursor_column().or(newest);
    let is_seen = column_idx.is_some_and(|it| is_known(&it));
    let entries = parts.iter().map(|it| entry(it, column_idx, is_seen));
    let entries: Vec<Entry> = entries.collect();
    legend(canvas, areas.legend, &entries);
    let lacks_price = |it: usize| lacks.get(it).copied().unwrap_or(false);
    let more = More {
        of_column: column_idx.map_or_else(Vec::new, |it| sum_words(&layers, lacks_price(it), it)),
        of_view: total.and_then(|it| in_view(it, window, lacks.contains(&true))),
    };
    readout(canvas, areas.readout, app, past, column_idx, &more);
}

fn means(series: &Series, window: Window) -> Vec<Option<f64>> {
    let extents = extents(series, window);
    extents.into_iter().map(|it| it.map(|it| it.mean)).collect()
}

/// Returns in which columns something ran that has no known price.
fn lacks_prices(past: &Past, window: Window) -> Vec<bool> {
    let (priced, whole) = (Metric::PricedUsd, Metric::UsdPerHour);
    let Some((priced, whole)) = past.series(priced).zip(past.series(whole)) else {
        return Vec::new();
    };
    let points = priced.points.iter().zip(&whole.points);
    let points = points.map(|(priced, whole)| {
        // What was seen is counted in whole percents.
        let is_less = whole.value.is_none() || whole.seen + 0.01 < priced.seen;
        let flag = |_| Point::flat(priced.at, if is_less { 1.0 } else { 0.0 });
        priced.value.map_or(Point::gap(priced.at), flag)
    });
    let lacks = Series {
        points: points.collect(),
        ..priced.clone()
    };
    let columns = extents(&lacks, window).into_iter();
    columns
        .map(|it| it.is_some_and(|it| 0.0 < it.most))
        .collect()
}

fn of_metrics(
    past: Option<&Past>,
    metrics: &[(Metric, &str)],
    window: Window,
    glyphs: Glyphs,
) -> Vec<Part> {
    let parts = metrics.iter().enumerate();
    parts
        .map(|(layer_idx, (metric, name))| {
            let series = past.and_then(|it| it.series(*metric));
            let is_unknown = *metric == Metric::PricedUnknownUsd;
            Part {
                name: (*name).to_owned(),
                layer: Layer {
                    fill: if is_unknown {
                        "?"
                    } else {
                        glyphs.fill(layer_idx)
                    },
                    role: if is_unknown {
                        Role::Unknown
                    } else {
                        role_of(*metric, layer_idx)
                    },
                    values: series
                        .map_or_else(|| vec![None; window.n_columns()], |it| means(it, window)),
                },
            }
        })
        .collect()
}

/// Work and idleness look as they do in the graph of a pool.
fn role_of(metric: Metric, layer_idx: usize) -> Role {
    match metric {
        Metric::PricedBusyUsd => Role::Curve5,
        Metric::PricedIdleUsd => Role::Curve6,
        Metric::PricedBootingUsd => Role::Curve1,
        Metric::PricedDrainingUsd => Role::Curve7,
        Metric::PricedStandbyUsd => Role::Curve8,
        Metric::PricedRetainedUsd => Role::Curve4,
        Metric::PricedStrayUsd => Role::Danger,
        _ => Role::of_curve(layer_idx),
    }
}

/// The dearest pools one by one, and the rest in one layer.
fn of_pools(app: &App, totals: &[Option<f64>], window: Window, glyphs: Glyphs) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (layer_idx, key) in app.stacked_pools().into_iter().enumerate() {
        let past = app.pasts.past(&Topic::Share(key.clone()));
        let series = past.and_then(|it| it.series(Metric::PricedUsd));
        let values = series.map_or_else(|| vec![None; window.n_columns()], |it| means(it, window));
        parts.push(Part {
            name: key.name.to_string(),
            layer: Layer {
                fill: glyphs.fill(layer_idx),
                role: Role::of_curve([4, 0, 1, 7, 5, 6][layer_idx % 6]),
                values,
            },
        });
    }
    let layers: Vec<Layer> = parts.iter().map(|it| it.layer.clone()).collect();
    let rest = totals.iter().enumerate().map(|(column_idx, total)| {
        let known = sum_at(&layers, column_idx).unwrap_or(0.0);
        // Two answers of different seconds differ by rounding.
        total.map(|it| (it - known).max(0.0))
    });
    parts.push(Part {
        name: "the rest".to_owned(),
        layer: Layer {
            fill: glyphs.fill(7),
            role: Role::Curve4,
            values: rest.collect(),
        },
    });
    parts
}

fn sum_at(layers: &[Layer], column_idx: usize) -> Option<f64> {
    let values = layers.iter().filter_map(|it| *it.values.get(column_idx)?);
    values.reduce(|sum, it| sum + it.max(0.0))
}

/// Names a layer with what it is in a column: not known beside others that are, or not seen at all.
fn entry(part: &Part, column_idx: Option<usize>, is_seen: bool) -> Entry {
    let missing = if is_seen { "?" } else { "—" };
    let value = column_idx.and_then(|it| part.layer.values.get(it).copied().flatten());
    Entry {
        key: None,
        sign: part.layer.fill,
        role: part.layer.role,
        name: part.name.clone(),
        value: vec![value.map_or_else(|| missing.to_owned(), usd)],
        is_off: false,
    }
}

/// What the column costs per hour; what is not known makes it the least that it can be.
fn sum_words(layers: &[Layer], lacks_price: bool, column_idx: usize) -> Vec<Span<'static>> {
    let value = |it: &Layer| it.values.get(column_idx).copied().flatten();
    let Some(sum) = sum_at(layers, column_idx) else {
        return vec![dim("  nothing was seen")];
    };
    let why = if lacks_price {
        " (a price is unknown)"
    } else if layers.iter().any(|it| value(it).is_none()) {
        " (a part was not seen)"
    } else {
        return vec![plain(format!("  {}/h", usd(sum)))];
    };
    vec![
        plain(format!("  >{}/h", usd(sum))),
        Span::new(why, Role::Unknown),
    ]
}

/// What was spent in the time that is shown and was seen; the least, where a price is not known.
fn in_view(total: &Series, window: Window, lacks_price: bool) -> Option<Span<'static>> {
    let shown = total
        .points
        .iter()
        .filter(|it| window.column_of(it.at).is_some());
    let hours = total.step.as_secs_f64() / 3600.0;
    let (mut dollars, mut seen, mut n_points) = (0.0, 0.0, 0.0);
    for point in shown {
        n_points += 1.0;
        if let Some(value) = point.value {
            dollars += value * point.seen * hours;
            seen += point.seen;
        }
    }
    if n_points <= 0.0 || seen <= 0.0 {
        return None;
    }
    let percent = 100.0 * seen / n_points;
    let part = if percent < 99.0 {
        format!(" ({percent:.0} % seen)")
    } else {
        String::new()
    };
    let least = if lacks_price { ">" } else { "" };
    Some(dim(format!("in view {least}{}{part}", usd(dollars))))
}

/// Writes dollars with as many digits as they are worth.
pub(super) fn usd(dollars: f64) -> String {
    let Some(amount) = Usd::from_f64(dollars) else {
        return format!("${dollars:.0}");
    };
    // The digits are those of `cost`: a number of the machine would round half a cent down.
    match dollars.abs() {
        1e4.. => format!("{amount:.0}"),
        0.1.. => format!("{amount:.2}"),
        // What is nothing is nothing, and less than a cent is not.
        it if it < 5e-5 => "$0".to_owned(),
        _ => format!("{amount:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_cent_is_a_cent_on_the_screen_as_in_a_table() {
        for (millis, shown) in [(145, "$0.15"), (1005, "$1.01"), (-145, "-$0.15")] {
            let amount = Usd::from_nanos(millis * 1_000_000);
            assert_eq!(usd(amount.as_f64()), shown);
            assert_eq!(amount.to_string(), shown);
        }
        assert_eq!((usd(0.0042), usd(0.0)), ("$0.0042".into(), "$0".into()));
    }
}
