//! Arguments that clap cannot read by itself, and what is wrong with them.

use std::time::Duration;

use crate::fleet::{InstanceId, Process, parse_duration};

pub(super) fn parse_process(text: &str) -> Result<Process, String> {
    let known = || Process::KNOWN.iter();
    if let Some(process) = known().find(|it| it.as_str().eq_ignore_ascii_case(text)) {
        return Ok(process.clone());
    }
    let names = known().map(Process::as_str);
    let hint = crate::fleet::nearest(text, names.clone()).map_or_else(
        || format!("one of {}", names.collect::<Vec<_>>().join(", ")),
        |it| format!("did you mean `{it}`?"),
    );
    Err(format!("no process is called `{text}`; {hint}"))
}

pub(super) fn parse_instance(text: &str) -> Result<InstanceId, String> {
    if InstanceId::is_well_formed(text) {
        Ok(InstanceId::from(text))
    } else {
        Err(format!(
            "`{text}` is not an instance id; it looks like i-0123456789abcdef0"
        ))
    }
}

/// A freeze that nobody remembers is worse than none, so it is not for ever.
pub(super) fn parse_freeze(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (Duration::from_mins(1)..=Duration::from_hours(7 * 24)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "`{text}` is no time for a freeze; from 1m to 7d, or leave it out and thaw by hand"
        ))
    }
}

/// The limits are those of `PutLifecycleHook`.
pub(super) fn parse_heartbeat(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (Duration::from_secs(30)..=Duration::from_hours(2)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "`{text}` is no heartbeat timeout; AWS takes 30s to 2h"
        ))
    }
}

/// Reads `KEY=VALUE`; the limits are EC2's: 128 and 256 characters, no `aws:` keys.
pub(super) fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not a tag; write KEY=VALUE"))?;
    if key.is_empty() || 128 < key.chars().count() || 256 < value.chars().count() {
        return Err(format!(
            "`{text}`: a tag's key has 1 to 128 characters, its value at most 256"
        ));
    }
    if key.to_lowercase().starts_with("aws:") {
        return Err(format!(
            "`{key}`: AWS keeps the keys that begin with `aws:` for itself"
        ));
    }
    Ok((key.to_owned(), value.to_owned()))
}
