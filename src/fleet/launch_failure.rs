//! Why a launch failed, and where, as far as AWS' message tells.

use std::fmt;

use super::{Activity, ActivityStatus};

/// A launch that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchFailure {
    /// EC2's error code where the message has one; else its first words.
    pub cause: String,
    pub zone: Option<String>,
    /// The message itself.
    pub message: String,
}

impl LaunchFailure {
    /// Returns why the activity failed, if it was a launch that did.
    pub fn of(activity: &Activity) -> Option<Self> {
        let is_launch = activity.description.starts_with("Launching");
        let is_failed = matches!(
            activity.status,
            ActivityStatus::Failed | ActivityStatus::Cancelled
        );
        let message = activity.status_message.as_ref()?;
        (is_launch && is_failed).then(|| Self::parse(message))
    }

    /// Reads what [`Display`](fmt::Display) wrote, or a message of AWS.
    pub fn parse(message: &str) -> Self {
        let code = message
            .split(|it: char| !it.is_ascii_alphanumeric() && it != '.')
            .map(|it| it.trim_matches('.'))
            .find(|it| is_code(it));
        let cause = match code {
            Some(code) => code.rsplit('.').next().unwrap_or(code).to_owned(),
            // AWS leaves the code out of the commonest of them.
            None if message.contains("sufficient") && message.contains("capacity") => {
                "InsufficientInstanceCapacity".to_owned()
            }
            None => message
                .split(['.', ':'])
                .next()
                .unwrap_or(message)
                .to_owned(),
        };
        let zone = message
            .split(|it: char| !it.is_ascii_alphanumeric() && it != '-')
            .find(|it| is_zone(it));
        Self {
            cause,
            zone: zone.map(str::to_owned),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for LaunchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        if let Some(zone) = &self.zone {
            write!(f, " in {zone}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Returns whether a word is an error code: `InsufficientInstanceCapacity`, `VcpuLimitExceeded`.
fn is_code(word: &str) -> bool {
    let humps = word.chars().filter(char::is_ascii_uppercase).count();
    let is_word = word.chars().all(|it| it.is_ascii_alphabetic() || it == '.');
    let starts = word
        .chars()
        .next()
        .is_some_and(|it| it.is_ascii_uppercase());
    let has_small = word.chars().any(|it| it.is_ascii_lowercase());
    starts && is_word && has_small && 2 <= humps && 12 <= word.len()
}

/// Returns whether a word is an availability zone: `us-east-1a`, `us-gov-west-1b`.
fn is_zone(word: &str) -> bool {
    let Some((rest, last)) = word.rsplit_once('-') else {
        return false;
    };
    let mut last = last.chars();
    let is_numbered = last.next().is_some_and(|it| it.is_ascii_digit())
        && last.next().is_some_and(|it| it.is_ascii_lowercase())
        && last.next().is_none();
    is_numbered && rest.contains('-') && rest.chars().all(|it| it.is_ascii_lowercase() || it == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_and_a_zone_are_read_from_the_message() {
        let read = |message| {
            let it = LaunchFailure::parse(message);
            (it.cause, it.zone)
        };
        let spot = "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no \
                    Spot capacity available that matches your request. Launching EC2 instance failed.";
        assert_eq!(
            read(spot),
            ("InsufficientInstanceCapacity".to_owned(), None)
        );
        let zone = "We currently do not have sufficient g5.2xlarge capacity in the Availability \
                    Zone you requested (us-east-1d). Our system will be working on provisioning \
                    additional capacity.";
        let expected = "InsufficientInstanceCapacity".to_owned();
        assert_eq!(read(zone), (expected, Some("us-east-1d".to_owned())));
        let quota = "You have requested more vCPU capacity than your current vCPU limit of 64 \
                     allows. Client.VcpuLimitExceeded";
        assert_eq!(read(quota).0, "VcpuLimitExceeded");
        assert_eq!(read("Access denied: no").0, "Access denied");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let it = LaunchFailure::parse("no sufficient capacity in eu-west-1b for you");
        let again = LaunchFailure::parse(&it.to_string());
        assert_eq!((again.cause, again.zone), (it.cause, it.zone));
    }
}
