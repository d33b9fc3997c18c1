//! Points in time. Nothing here reads a clock: time is an argument.

use std::{fmt, ops, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch, UTC; written as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    millis: i64,
}

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

impl Timestamp {
    pub const EPOCH: Self = Self { millis: 0 };

    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self {
            millis: secs.saturating_mul(1000),
        }
    }

    pub const fn as_millis(self) -> i64 {
        self.millis
    }

    /// Reads a date as HTTP headers write it: `Tue, 22 Sep 2026 12:00:00 GMT`.
    pub fn from_http_date(text: &str) -> Option<Self> {
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Self::from_millis(at.timestamp().as_millisecond()))
    }

    /// Returns how long before `self` the earlier time was; zero when it was not earlier.
    ///
    /// Clocks step backwards and two hosts disagree, so an age is never negative.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(
            u64::try_from(self.millis.saturating_sub(earlier.millis)).unwrap_or(0),
        )
    }

    /// Returns the time of day, `12:34:56`, in UTC.
    pub fn clock_time(self) -> String {
        self.to_jiff().map_or_else(
            || "--:--:--".to_owned(),
            |it| it.strftime("%H:%M:%S").to_string(),
        )
    }

    /// Returns the midnight before, in UTC.
    #[must_use]
    pub fn start_of_day(self) -> Self {
        const DAY: i64 = 86_400_000;
        Self::from_millis(self.millis.div_euclid(DAY).saturating_mul(DAY))
    }

    /// Returns when its month began and when it ends, in UTC: bills are made of those.
    pub fn month(self) -> (Self, Self) {
        let dates = self.to_jiff().and_then(|it| {
            let date = it.to_zoned(jiff::tz::TimeZone::UTC).date();
            let first = date.first_of_month();
            let next = date.last_of_month().tomorrow().ok()?;
            let millis = |it: jiff::civil::Date| {
                let at = it.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
                Some(Self::from_millis(at.timestamp().as_millisecond()))
            };
            Some((millis(first)?, millis(next)?))
        });
        dates.unwrap_or((self, self))
    }

    /// Returns the time of day without its seconds, `12:34`, in UTC.
    pub fn minute_time(self) -> String {
        self.to_jiff()
            .map_or_else(|| "--:--".to_owned(), |it| it.strftime("%H:%M").to_string())
    }

    /// Returns the day, `Sat 21 Nov`, in UTC.
    pub fn day(self) -> String {
        self.to_jiff().map_or_else(
            || "--- -- ---".to_owned(),
            |it| it.strftime("%a %d %b").to_string(),
        )
    }

    /// Returns the day of the week, Monday being 0, and the hour, in UTC.
    pub fn weekday_and_hour(self) -> (usize, usize) {
        // 1970-01-01 was a Thursday.
        let day = (self.millis.div_euclid(DAY_MILLIS) + 3).rem_euclid(7);
        let hour = self.millis.rem_euclid(DAY_MILLIS) / HOUR_MILLIS;
        (
            usize::try_from(day).unwrap_or(0),
            usize::try_from(hour).unwrap_or(0),
        )
    }

    fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_millisecond(self.millis).ok()
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self {
            millis: self.millis.saturating_add(millis),
        }
    }
}

impl ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self {
            millis: self.millis.saturating_sub(millis),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(it) if self.millis % 1000 == 0 => write!(f, "{it:.0}"),
            Some(it) => write!(f, "{it:.3}"),
            None => write!(f, "{} ms", self.millis),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at: jiff::Timestamp = text.parse()?;
        Ok(Self::from_millis(at.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Returns a duration as operators write it, in its two largest units: `43s`, `3m20s`, `2h05m`, `4d3h`.
pub fn short_duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    match secs {
        0..60 => format!("{secs}s"),
        60..600 => format!("{minutes}m{:02}s", secs % 60),
        600..3600 => format!("{minutes}m"),
        3600..86_400 => format!("{hours}h{minutes:02}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// Reads `90s`, `10m`, `1h30m`, `7d`; the error says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 86_400;
    let expected = || format!("`{text}` is not a duration; write it like 90s, 10m, 1h30m or 7d");
    let text_lower = text.trim();
    // `jiff` refuses days in an absolute duration, and operators mean 24 hours.
    let (days, rest) = match text_lower.split_once('d') {
        Some((days, rest)) => (days.trim().parse::<u64>().map_err(|_| expected())?, rest),
        None => (0, text_lower),
    };
    let rest = match rest.trim() {
        "" if text_lower.contains('d') => Duration::ZERO,
        rest => {
            let parsed: jiff::SignedDuration = rest.parse().map_err(|_| expected())?;
            Duration::try_from(parsed).map_err(|_| expected())?
        }
    };
    days.checked_mul(DAY)
        .and_then(|it| rest.checked_add(Duration::from_secs(it)))
        .ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_never_negative() {
        let (early, late) = (Timestamp::from_secs(10), Timestamp::from_secs(20));
        assert_eq!(late.since(early), Duration::from_secs(10));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn timestamps_round_trip_as_rfc_3339() {
        for millis in [0, 1_700_000_000_000, 1_700_000_000_123] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        }
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn days_and_months_begin_at_midnight_utc() {
        let at: Timestamp = "2024-02-29T13:14:15Z".parse().unwrap();
        assert_eq!(at.start_of_day().to_string(), "2024-02-29T00:00:00Z");
        let (from, until) = at.month();
        let text = (from.to_string(), until.to_string());
        let wanted = ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
        assert_eq!((text.0.as_str(), text.1.as_str()), wanted);
        assert_eq!(
            from.month(),
            (from, until),
            "the first instant is of its month"
        );
    }

    #[test]
    fn a_time_knows_its_day_and_its_hour() {
        let at = Timestamp::from_secs(1_790_078_400 + 90);
        assert_eq!(
            (at.day(), at.minute_time()),
            ("Tue 22 Sep".to_owned(), "12:01".to_owned())
        );
        assert_eq!(at.weekday_and_hour(), (1, 12));
        assert_eq!(Timestamp::EPOCH.weekday_and_hour(), (3, 0));
        assert_eq!(Timestamp::from_secs(-1).weekday_and_hour(), (2, 23));
        for millis in [i64::MIN, i64::MAX] {
            Timestamp::from_millis(millis).weekday_and_hour();
            let _ = Timestamp::from_millis(millis).start_of_day();
        }
    }

    #[test]
    fn a_date_of_a_header_is_read() {
        let at = Timestamp::from_http_date("Tue, 22 Sep 2026 12:00:00 GMT");
        assert_eq!(at, Some(Timestamp::from_secs(1_790_078_400)));
        for text in ["", "300", "Tue, 99 Sep 2026 12:00:00 GMT"] {
            assert_eq!(Timestamp::from_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn durations_read_as_operators_write_them() {
        for (text, secs) in [
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("1d2h", 93_600),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(secs)),
                "{text}"
            );
        }
        for text in ["", "ten", "5", "-3m", "1x", "d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn short_durations_show_two_units() {
        let short = |secs| short_duration(Duration::from_secs(secs));
        assert_eq!(
            [0, 59, 61, 601, 3661, 90_000].map(short),
            ["0s", "59s", "1m01s", "10m", "1h01m", "1d1h"]
        );
    }
}
