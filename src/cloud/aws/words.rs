//! Small conversions from the SDK's types to ours.

use std::collections::BTreeMap;

use aws_smithy_types::DateTime;

use crate::fleet::Timestamp;

pub(super) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    at.to_millis().ok().map(Timestamp::from_millis)
}

/// Returns a count; AWS' counts are signed and never negative.
pub(super) fn count(n: Option<i32>) -> u32 {
    n.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}

/// Returns a text that says something.
pub(super) fn text(it: Option<&str>) -> Option<String> {
    it.filter(|it| !it.is_empty()).map(str::to_owned)
}

/// Collects tags, given as pairs of optional texts.
pub(super) fn tags<'a>(
    pairs: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key?.to_owned(), value.unwrap_or("").to_owned())))
        .collect()
}
