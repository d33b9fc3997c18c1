//! Curves: a mean with its least and greatest in each column, joined where there is no gap.

use ratatui::layout::Rect;

use super::{
    Extent, Scale, Window,
    raster::{Look, Raster},
};
use crate::tui::{glyph::Marks, theme::Role, widget::Canvas};

/// A curve's sign stands on it this often, each curve's in columns of its own.
const SIGN_EVERY: i64 = 24;

/// A series, ready to be drawn: its extents in columns of dots.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) sign: &'static str,
    pub(crate) role: Role,
    pub(crate) extents: Vec<Option<Extent>>,
}

/// Draws curves over each other; where they meet, they take turns.
///
/// `window` has a column for each cell of the area, the extents one for each dot.
pub(crate) fn lines(
    canvas: &mut Canvas<'_>,
    area: Rect,
    window: Window,
    scale: &Scale,
    marks: Marks,
    curves: &[Curve],
) {
    let curves = &curves[..curves.len().min(Raster::N_CURVES_MAX)];
    let looks: Vec<Look> = curves
        .iter()
        .map(|it| Look {
            sign: it.sign,
            role: it.role,
        })
        .collect();
    let mut raster = Raster::new(area, marks, &looks);
    for (curve_idx, curve) in curves.iter().enumerate() {
        draw(&mut raster, curve, curve_idx, scale);
    }
    // Signs last: they show which of the curves under them is whose.
    for (curve_idx, curve) in curves.iter().enumerate() {
        sign(&mut raster, curve, curve_idx, scale, marks, window);
    }
    raster.paint(canvas, area, window.number(0));
}

fn draw(raster: &mut Raster<'_>, curve: &Curve, curve_idx: usize, scale: &Scale) {
    let n_rows = raster.n_rows();
    let row_of = |it: f64| scale.row_of(it, n_rows);
    let mut before: Option<(usize, usize)> = None;
    for (x, extent) in curve.extents.iter().enumerate() {
        let Some(extent) = extent else {
            before = None;
            continue;
        };
        let (low, high) = (row_of(extent.least), row_of(extent.most));
        for y in low..=high {
            // Between its ends a range is stippled, so that the mean in it stays visible.
            if y == low || y == high || (x + y).is_multiple_of(2) {
                raster.set(x, y, curve_idx);
            }
        }
        raster.set(x, row_of(extent.mean), curve_idx);
        if let Some((low_before, high_before)) = before {
            let rise = (high_before + 1)..low;
            let fall = (high + 1)..low_before;
            for y in rise.chain(fall) {
                raster.set(x, y, curve_idx);
            }
        }
        before = Some((low, high));
    }
}

fn sign(
    raster: &mut Raster<'_>,
    curve: &Curve,
    curve_idx: usize,
    scale: &Scale,
    marks: Marks,
    window: Window,
) {
    let n_rows = raster.n_rows();
    let (across, _) = marks.dots();
    let shift = i64::try_from(curve_idx).unwrap_or(0) * 5;
    let cells = curve.extents.chunks(across).enumerate();
    let shown = cells.filter_map(|(cell_idx, dots)| {
        let (dot_idx, extent) = dots
            .iter()
            .enumerate()
            .find_map(|(i, it)| Some((i, (*it)?)))?;
        Some((cell_idx, cell_idx * across + dot_idx, extent))
    });
    let mut last = Vec::new();
    for (cell_idx, x, extent) in shown {
        let y = scale.row_of(extent.mean, n_rows);
        if (window.number(cell_idx) + shift).rem_euclid(SIGN_EVERY) == 0 {
            raster.sign(x, y, curve_idx);
        }
        last.push((x, y));
    }
    // The newest value bears the sign; beside it, where another one's is there already.
    for (x, y) in last.into_iter().rev().take(Raster::N_CURVES_MAX) {
        if raster.sign(x, y, curve_idx) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::{
        fleet::{Metric, Point, Series, Timestamp},
        tui::{
            glyph::Glyphs,
            theme::{ColourDepth, Theme},
            widget::{Unit, extents, merged},
        },
    };

    const END: i64 = 1_772_443_800;

    fn draw(series: &Series, width: u16, height: u16, marks: Marks) -> (Buffer, Window, Scale) {
        let theme = Theme::load("mono", None, ColourDepth::Mono, Glyphs::Unicode).unwrap();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let end = Timestamp::from_secs(END);
        let window = Window::ending(end, Duration::from_hours(1), width);
        let extents = extents(series, window.finer(marks.dots().0));
        let values = extents.iter().flatten().flat_map(|it| [it.least, it.most]);
        let scale = Scale::of(values, 4, Unit::Count);
        let curve = Curve {
            sign: "d",
            role: Role::Curve1,
            extents,
        };
        let mut canvas = Canvas::new(&mut buffer, &theme);
        lines(&mut canvas, area, window, &scale, marks, &[curve]);
        (buffer, window, scale)
    }

    fn is_drawn(buffer: &Buffer, x: u16, y: u16) -> bool {
        buffer[(x, y)].symbol() != " "
    }

    fn series() -> impl Strategy<Value = Series> {
        let value = prop_oneof![
            3 => (0_u16..60).prop_map(|it| Some(f64::from(it))),
            1 => (-1e9..1e9).prop_map(Some),
            1 => Just(Some(f64::NAN)),
            2 => Just(None),
        ];
        let point = (-4000_i64..200, value);
        (1_u64..900, proptest::collection::vec(point, 0..60)).prop_map(|(step, points)| Series {
            metric: Metric::Desired,
            step: Duration::from_secs(step),
            points: points
                .into_iter()
                .map(|(secs, value)| {
                    let at = Timestamp::from_secs(END + secs);
                    value.map_or(Point::gap(at), |it| Point::flat(at, it))
                })
                .collect(),
        })
    }

    fn marks() -> impl Strategy<Value = Marks> {
        prop_oneof![Just(Marks::Braille), Just(Marks::Block), Just(Marks::Ascii)]
    }

    proptest! {
        /// From the series to the screen: every value that is shown has a mark at most one cell away.
        #[test]
        fn every_value_is_drawn_within_one_cell(
            series in series(), width in 1_u16..90, height in 1_u16..30, marks in marks(),
        ) {
            let (buffer, window, scale) = draw(&series, width, height, marks);
            for point in &series.points {
                let value = point.value.filter(|it| it.is_finite());
                let (Some(value), Some(x)) = (value, window.column_of(point.at)) else {
                    continue;
                };
                let part = (value - scale.bottom) / (scale.top - scale.bottom);
                let y = (1.0 - part) * f64::from(height) - 0.5;
                let x = u16::try_from(x).unwrap();
                let is_near = |it: &u16| (f64::from(*it) - y).abs() <= 1.0;
                let found = (0..height).filter(is_near).any(|y| is_drawn(&buffer, x, y));
                prop_assert!(found, "{value} at column {x}, row {y} of {height}");
            }
        }

        /// From the screen to the series: a mark is at a value of its column, or between it and its neighbour's.
        #[test]
        fn every_mark_stands_for_a_value(
            series in series(), width in 1_u16..90, height in 1_u16..30, marks in marks(),
        ) {
            let (buffer, window, scale) = draw(&series, width, height, marks);
            let across = marks.dots().0;
            let columns = merged(&extents(&series, window.finer(across)), across);
            for x in 0..width {
                let from = usize::from(x).saturating_sub(1);
                let near = columns[from..=usize::from(x)].iter().flatten();
                let (least, most) = near.fold((f64::MAX, f64::MIN), |(least, most), it| {
                    (least.min(it.least), most.max(it.most))
                });
                for y in (0..height).filter(|y| is_drawn(&buffer, x, *y)) {
                    prop_assert!(columns[usize::from(x)].is_some(), "a mark in the gap {x}");
                    let row_of = |value: f64| {
                        let part = (value - scale.bottom) / (scale.top - scale.bottom);
                        (1.0 - part) * f64::from(height) - 0.5
                    };
                    let y = f64::from(y);
                    prop_assert!(row_of(most) - 1.0 <= y && y <= row_of(least) + 1.0);
                }
            }
        }

        #[test]
        fn a_series_of_gaps_draws_nothing(
            series in series(), width in 0_u16..90, height in 0_u16..30, marks in marks(),
        ) {
            let gaps = series.points.iter().map(|it| Point::gap(it.at)).collect();
            let series = Series { points: gaps, ..series };
            let (buffer, ..) = draw(&series, width, height, marks);
            prop_assert!(buffer.content.iter().all(|it| it.symbol() == " "));
        }
    }
}
