//! Points in time as controllers write them: seconds, milliseconds or microseconds.

use std::time::Duration;

use crate::fleet::Timestamp;

/// Reads a number that is a time in a unit which its size gives away.
///
/// Seconds reach 10^11 in the year 5138, and milliseconds were beyond it in 1973.
pub(super) fn from_number(number: f64) -> Option<Timestamp> {
    const MILLIS_FROM: f64 = 1e11;
    const MICROS_FROM: f64 = 1e14;
    const NANOS_FROM: f64 = 1e17;
    const END: f64 = 1e20;
    if !number.is_finite() || number <= 0.0 || END <= number {
        return None;
    }
    let millis = if number < MILLIS_FROM {
        number * 1e3
    } else if number < MICROS_FROM {
        number
    } else if number < NANOS_FROM {
        number / 1e3
    } else {
        number / 1e6
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below 10^14, checked above"
    )]
    let millis = millis.round() as i64;
    Some(Timestamp::from_millis(millis))
}

/// Reads RFC 3339, as GitHub and Buildkite write times.
pub(super) fn from_text(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Reads a duration in milliseconds; Jenkins writes -1 for «no idea».
pub(super) fn millis(number: f64) -> Option<Duration> {
    const LONGEST: f64 = 1e11;
    if !number.is_finite() || number <= 0.0 || LONGEST < number {
        return None;
    }
    Duration::try_from_secs_f64(number / 1e3).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_clock_is_seen_by_its_size() {
        let at = Some(Timestamp::from_millis(1_790_000_000_000));
        for number in [1.79e9, 1.79e12, 1.79e15, 1.79e18] {
            assert_eq!(from_number(number), at, "{number}");
        }
        assert_eq!(
            from_number(1_790_000_000.25),
            Some(Timestamp::from_millis(1_790_000_000_250))
        );
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(from_number(number), None, "{number}");
        }
    }

    #[test]
    fn an_estimate_of_minus_one_is_none() {
        assert_eq!(millis(-1.0), None);
        assert_eq!(millis(1500.0), Some(Duration::from_millis(1500)));
        assert_eq!(millis(1e30), None);
    }
}
