//! How much there was to do: busy by day, quiet at night and on weekends, and never smooth.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use crate::fleet::Timestamp;

/// Returns the load at a time, about 1 at its height; the same seed has the same days.
pub(super) fn load(seed: u64, name: &str, at: Timestamp) -> f64 {
    let secs = at.as_millis().div_euclid(1000);
    let day = secs.div_euclid(86_400);
    // The first of January 1970 was a Thursday.
    let is_weekend = 5 <= (day + 3).rem_euclid(7);
    let hour = whole(secs.rem_euclid(86_400)) / 3600.0;
    let height = if is_weekend { 0.25 } else { 1.0 };
    let curve = 0.18 + 0.82 * height * day_curve(hour);
    let wander = 0.22 * noise(seed, name, secs, 2700) + 0.12 * noise(seed, name, secs, 420);
    (curve * (1.0 + wander)).max(0.0)
}

/// Rises from seven to ten, falls from five to nine, and dips at lunch.
fn day_curve(hour: f64) -> f64 {
    let ramp = |from: f64, until: f64| {
        let x = ((hour - from) / (until - from)).clamp(0.0, 1.0);
        x * x * (3.0 - 2.0 * x)
    };
    let lunch = 0.15 * ramp(11.5, 12.5) * (1.0 - ramp(12.8, 13.8));
    (ramp(7.0, 10.0) * (1.0 - ramp(17.0, 21.0)) - lunch).max(0.0)
}

/// Returns a value between -1 and 1 that wanders from one knot to the next.
fn noise(seed: u64, name: &str, secs: i64, knot_secs: i64) -> f64 {
    let knot = secs.div_euclid(knot_secs);
    let x = whole(secs.rem_euclid(knot_secs)) / whole(knot_secs);
    let x = x * x * (3.0 - 2.0 * x);
    let (a, b) = (
        luck(&(seed, name, knot_secs, knot)),
        luck(&(seed, name, knot_secs, knot + 1)),
    );
    a + (b - a) * x
}

fn luck(of: &impl Hash) -> f64 {
    // Its keys are fixed: the same question gets the same answer in every run.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let bits = u32::try_from(hasher.finish() >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
}

fn whole(n: i64) -> f64 {
    f64::from(i32::try_from(n).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_more_to_do_at_noon_than_at_night_or_on_a_sunday() {
        // 2026-03-02 was a Monday.
        let at =
            |day: i64, hour: i64| Timestamp::from_secs(1_772_409_600 + day * 86_400 + hour * 3600);
        let (noon, night) = (load(1, "a", at(0, 11)), load(1, "a", at(0, 2)));
        assert!(2.0 * night < noon, "{night} {noon}");
        assert!(load(1, "a", at(6, 11)) * 1.5 < noon);
        assert_eq!(load(1, "a", at(0, 11)).to_bits(), noon.to_bits());
        assert_ne!(load(2, "a", at(0, 11)).to_bits(), noon.to_bits());
    }
}
