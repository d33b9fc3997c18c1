//! What a series was in each column of a window: least, greatest and mean. Nothing between the points is made up.

use crate::fleet::{Series, Timestamp};

use super::Window;

/// The values of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) mean: f64,
}

/// The newest point of a column; a value holds until its step is over.
#[derive(Clone, Copy)]
struct Newest {
    at: Timestamp,
    value: Option<f64>,
}

#[derive(Clone, Copy, Default)]
struct Column {
    extent: Option<Extent>,
    /// The sum of the values, and of the parts of their steps that were seen.
    sum: f64,
    weight: f64,
    newest: Option<Newest>,
    /// When the first point of the column is, a gap too.
    begins: Option<Timestamp>,
}

/// Returns the extent of a series in each column; a column in which nothing was seen has none.
///
/// The points may be in any order: a clock that went back put them there. A
/// column without a point of its own has the value of the step that it lies in.
pub(crate) fn extents(series: &Series, window: Window) -> Vec<Option<Extent>> {
    let mut columns = vec![Column::default(); window.n_columns()];
    let mut before: Option<Newest> = None;
    for point in &series.points {
        let value = point.value.filter(|it| it.is_finite());
        let newest = Newest {
            at: point.at,
            value,
        };
        let Some(column_idx) = window.column_of(point.at) else {
            if point.at < window.begins() && before.is_none_or(|it| it.at <= point.at) {
                before = Some(newest);
            }
            continue;
        };
        let column = &mut columns[column_idx];
        column.begins = Some(column.begins.map_or(point.at, |it| it.min(point.at)));
        if column.newest.is_none_or(|it| it.at <= point.at) {
            column.newest = Some(newest);
        }
        if let Some(value) = value {
            let bound = |it: Option<f64>| it.filter(|it| it.is_finite()).unwrap_or(value);
            column.take(value, bound(point.least), bound(point.most), point.seen);
        }
    }
    hold(series, window, before, &mut columns);
    columns.into_iter().map(|it| it.extent).collect()
}

/// Returns the extents of columns that are `n` times as wide.
pub(crate) fn merged(extents: &[Option<Extent>], n: usize) -> Vec<Option<Extent>> {
    let wide = extents.chunks(n.max(1));
    wide.map(|it| {
        it.iter().flatten().copied().reduce(Extent::and).map(|sum| {
            let n_known = it.iter().flatten().count();
            let means = it.iter().flatten().map(|it| it.mean);
            let n_known = f64::from(u32::try_from(n_known).unwrap_or(u32::MAX));
            Extent {
                mean: means.sum::<f64>() / n_known,
                ..sum
            }
        })
    })
    .collect()
}

impl Extent {
    fn and(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            mean: self.mean,
        }
    }
}

impl Column {
    fn take(&mut self, value: f64, least: f64, most: f64, seen: f64) {
        let weight = if 0.0 < seen && seen <= 1.0 { seen } else { 1.0 };
        self.sum += value * weight;
        self.weight += weight;
        let mean = self.sum / self.weight;
        let (least, most) = (least.min(value), most.max(value));
        self.extent = Some(match self.extent {
            None => Extent {
                least,
                most,
                mean: value,
            },
            Some(it) => Extent {
                least: it.least.min(least),
                most: it.most.max(most),
                mean,
            },
        });
    }
}

/// Fills the columns that are shorter than a step, and those in which a step ends before a gap.
fn hold(series: &Series, window: Window, before: Option<Newest>, columns: &mut [Column]) {
    let mut newest = before;
    for (column_idx, column) in columns.iter_mut().enumerate() {
        let starts = window.starts(column_idx);
        let is_open = column.begins.is_none_or(|it| starts < it);
        if let Some(Newest {
            at,
            value: Some(value),
        }) = newest
            && column.extent.is_none()
            && is_open
            && starts < at + series.step
        {
            column.take(value, value, value, 1.0);
        }
        newest = column.newest.or(newest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fleet::{Metric, Point};

    fn series(step: u64, points: impl IntoIterator<Item = (i64, Option<f64>)>) -> Series {
        let point = |(secs, value): (i64, Option<f64>)| {
            let at = Timestamp::from_secs(secs);
            value.map_or(Point::gap(at), |it| Point::flat(at, it))
        };
        Series {
            metric: Metric::Desired,
            step: Duration::from_secs(step),
            points: points.into_iter().map(point).collect(),
        }
    }

    /// Ten columns of ten seconds from 0 on.
    fn window() -> Window {
        Window::ending(Timestamp::from_secs(99), Duration::from_secs(100), 10)
    }

    fn means(series: &Series) -> Vec<Option<f64>> {
        let extents = extents(series, window());
        extents.into_iter().map(|it| it.map(|it| it.mean)).collect()
    }

    #[test]
    fn a_value_holds_for_its_step_and_no_longer() {
        let found = means(&series(30, [(10, Some(4.0))]));
        let wanted = [None, Some(4.0), Some(4.0), Some(4.0), None];
        assert_eq!(found[..5], wanted);
        let found = means(&series(30, [(10, Some(4.0)), (20, None)]));
        assert_eq!(found[..4], [None, Some(4.0), None, None]);
        let found = means(&series(30, [(-15, Some(7.0))]));
        assert_eq!(found[..3], [Some(7.0), Some(7.0), None]);
    }

    #[test]
    fn ten_thousand_points_keep_their_least_and_greatest() {
        let spike = |it: i64| match it {
            5_555 => 900.0,
            7_777 => -3.0,
            _ => 5.0,
        };
        let points = (0..10_000).map(|it| (it, Some(spike(it))));
        let series = series(1, points);
        let window = Window::ending(Timestamp::from_secs(9_999), Duration::from_secs(10_000), 40);
        let extents = extents(&series, window);
        assert!(extents.iter().all(Option::is_some));
        let with = |wanted: &dyn Fn(&Extent) -> bool| {
            extents.iter().flatten().filter(|it| wanted(it)).count()
        };
        assert_eq!(with(&|it| 899.0 < it.most), 1);
        assert_eq!(with(&|it| it.least < 0.0), 1);
    }

    #[test]
    fn the_order_of_the_points_does_not_matter() {
        let points = [(0, Some(1.0)), (30, Some(2.0)), (31, Some(9.0)), (60, None)];
        let sorted = series(10, points);
        let mut turned = points;
        turned.reverse();
        let turned = series(10, turned);
        assert_eq!(extents(&sorted, window()), extents(&turned, window()));
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let points = [(0, Some(f64::NAN)), (10, Some(f64::INFINITY))];
        assert_eq!(means(&series(100, points)), [None; 10]);
    }
}
