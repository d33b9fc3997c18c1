//! The scale of the values: bounds and ticks that are round numbers, zero always in it.

/// What a scale counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things: there is no half of one.
    Count,
    Usd,
}

/// Beyond this nothing of a fleet is counted; what is larger is drawn at the edge.
const MOST: f64 = 1e12;
/// A tenth of a cent is the least that a label has room for.
const LEAST: f64 = 1e-3;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) bottom: f64,
    pub(crate) top: f64,
    /// From one tick to the next.
    step: f64,
    unit: Unit,
}

impl Scale {
    /// Returns the smallest scale with these values and at most `n_steps_max` round steps in it.
    pub(crate) fn of(
        values: impl IntoIterator<Item = f64>,
        n_steps_max: usize,
        unit: Unit,
    ) -> Self {
        let (mut least, mut most) = (0.0_f64, 0.0_f64);
        for value in values.into_iter().filter(|it| it.is_finite()) {
            least = least.min(value.max(-MOST));
            most = most.max(value.min(MOST));
        }
        let n_steps = f64::from(u32::try_from(n_steps_max.clamp(1, 100)).unwrap_or(1));
        let mut step = first_step((most - least) / n_steps, unit);
        while n_steps < (most / step).ceil() - (least / step).floor() {
            step = next_step(step);
        }
        let top = (most / step).ceil() * step;
        let bottom = (least / step).floor() * step;
        Self {
            bottom,
            // All zeros stand on the bottom of a scale that has a top.
            top: if bottom < top { top } else { bottom + step },
            step,
            unit,
        }
    }

    /// Returns the row of a value, counted from the bottom of `n_rows`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the rows"
    )]
    pub(crate) fn row_of(&self, value: f64, n_rows: usize) -> usize {
        let last = n_rows.saturating_sub(1);
        let part = (value - self.bottom) / (self.top - self.bottom);
        let row = (part * f64::from(u32::try_from(last).unwrap_or(u32::MAX))).round();
        (row.max(0.0) as usize).min(last)
    }

    /// Returns the ticks from the bottom up, with their labels.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let n_steps = ((self.top - self.bottom) / self.step).round();
        let mut ticks = Vec::new();
        let mut idx = 0.0;
        while idx <= n_steps {
            let value = self.bottom + idx * self.step;
            ticks.push((value, self.label(value)));
            idx += 1.0;
        }
        ticks
    }

    fn label(&self, value: f64) -> String {
        match self.unit {
            Unit::Count => short_number(value, 0),
            Unit::Usd => format!("${}", short_number(value, decimals(self.step))),
        }
    }
}

/// The first of 1, 2, 5, 10, … that is not smaller.
fn first_step(raw: f64, unit: Unit) -> f64 {
    let least = match unit {
        // Where there is nothing but zeros, a dollar is as good a measure as any.
        Unit::Usd if 0.0 < raw => LEAST,
        Unit::Count | Unit::Usd => 1.0,
    };
    let raw = raw.max(least);
    let power = 10_f64.powf(raw.log10().floor());
    // The logarithm of a round number may be a hair too large or too small.
    let steps = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0].map(|it| it * power);
    let found = steps.into_iter().find(|it| raw <= it * (1.0 + 1e-9));
    found.unwrap_or(20.0 * power).max(least)
}

fn next_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let is_two = |it: f64| (1.5..3.5).contains(&it);
    if is_two(step / power) {
        step * 2.5
    } else {
        step * 2.0
    }
}

/// How many digits after the point tell two ticks apart.
fn decimals(step: f64) -> usize {
    let digits = -(step * (1.0 + 1e-9)).log10().floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and six"
    )]
    let digits = digits.clamp(0.0, 6.0) as usize;
    // A dime is written as ten cents.
    if digits == 1 { 2 } else { digits }
}

/// Writes a number in few letters: `24`, `0.085`, `12.5k`, `3M`.
pub(crate) fn short_number(value: f64, decimals: usize) -> String {
    let size = value.abs();
    let (divisor, suffix) = match size {
        1e12.. => (1e12, "T"),
        1e9.. => (1e9, "G"),
        1e6.. => (1e6, "M"),
        1e4.. => (1e3, "k"),
        _ => return without_minus_zero(format!("{value:.decimals$}")),
    };
    let text = format!("{:.1}", value / divisor);
    format!("{}{suffix}", text.strip_suffix(".0").unwrap_or(&text))
}

fn without_minus_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|it| matches!(it, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], n_steps_max: usize, unit: Unit) -> Vec<String> {
        let scale = Scale::of(values.iter().copied(), n_steps_max, unit);
        scale.ticks().into_iter().map(|it| it.1).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        let count = |values: &[f64], n| labels(values, n, Unit::Count);
        assert_eq!(count(&[3.0, 24.0], 4), ["0", "10", "20", "30"]);
        assert_eq!(count(&[40.0], 4), ["0", "10", "20", "30", "40"]);
        assert_eq!(count(&[1.0], 4), ["0", "1"]);
        assert_eq!(count(&[999.0], 2), ["0", "500", "1000"]);
        assert_eq!(count(&[25_000.0], 3), ["0", "10k", "20k", "30k"]);
        let usd = |values: &[f64]| labels(values, 4, Unit::Usd);
        assert_eq!(usd(&[1.3]), ["$0.00", "$0.50", "$1.00", "$1.50"]);
        assert_eq!(usd(&[0.0042]), ["$0.000", "$0.002", "$0.004", "$0.006"]);
        assert_eq!(usd(&[-3.0, 5.0]), ["$-5", "$0", "$5"]);
    }

    #[test]
    fn nothing_and_only_zeros_have_a_scale() {
        for values in [&[][..], &[0.0, 0.0], &[f64::NAN, f64::INFINITY]] {
            assert_eq!(labels(values, 4, Unit::Count), ["0", "1"]);
            let scale = Scale::of(values.iter().copied(), 4, Unit::Usd);
            assert_eq!(scale.row_of(0.0, 10), 0);
            assert_eq!(labels(values, 4, Unit::Usd), ["$0", "$1"]);
        }
    }

    #[test]
    fn a_row_is_where_its_value_is() {
        let scale = Scale::of([40.0], 4, Unit::Count);
        assert_eq!(scale.row_of(0.0, 41), 0);
        assert_eq!(scale.row_of(17.0, 41), 17);
        assert_eq!(scale.row_of(40.0, 41), 40);
        for value in [-1.0, f64::MAX, f64::NAN] {
            assert!(scale.row_of(value, 41) <= 40);
            assert_eq!(scale.row_of(value, 0), 0);
        }
    }

    #[test]
    fn numbers_are_short() {
        let short = |it| short_number(it, 0);
        assert_eq!(
            [0.0, 24.0, 9999.0, 12_500.0, 3e6, -0.2].map(short),
            ["0", "24", "9999", "12.5k", "3M", "0"]
        );
    }
}
