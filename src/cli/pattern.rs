//! The pools that an operator names: by name, by scope and name, or by a pattern.

use std::collections::BTreeSet;

use super::{Error, Exit, session::Sight};
use crate::fleet::{PoolKey, matches_wildcards, nearest};

/// Returns the pools that the patterns name; `None` is every pool.
///
/// A pattern that names none is an error: an empty list would look like an empty pool.
pub(super) fn pools(
    patterns: &[String],
    sight: &Sight,
) -> Result<Option<BTreeSet<PoolKey>>, Error> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let known = &sight.observation.fleet.pools;
    let mut named = BTreeSet::new();
    for pattern in patterns {
        let is_meant = |it: &&PoolKey| {
            matches_wildcards(it.name.as_str(), pattern)
                || matches_wildcards(&it.to_string(), pattern)
        };
        let found: Vec<&PoolKey> = known.keys().filter(is_meant).collect();
        if found.is_empty() {
            return Err(no_such_pool(pattern, known.keys(), sight));
        }
        named.extend(found.into_iter().cloned());
    }
    Ok(Some(named))
}

/// Returns the pools that a name means, among those that are there and those that were kept.
pub(super) fn pools_or_kept(
    pattern: &str,
    sight: &Sight,
    kept: &[PoolKey],
) -> Result<BTreeSet<PoolKey>, Error> {
    let is_meant = |it: &&PoolKey| {
        matches_wildcards(it.name.as_str(), pattern) || matches_wildcards(&it.to_string(), pattern)
    };
    let there = sight.observation.fleet.pools.keys();
    let found: BTreeSet<PoolKey> = there.chain(kept).filter(is_meant).cloned().collect();
    if found.is_empty() {
        let there = sight.observation.fleet.pools.keys();
        return Err(no_such_pool(pattern, there.chain(kept), sight));
    }
    Ok(found)
}

fn no_such_pool<'a>(
    pattern: &str,
    keys: impl Iterator<Item = &'a PoolKey>,
    sight: &Sight,
) -> Error {
    let what = format!("no pool is called `{pattern}`");
    if !sight.failures.is_empty() {
        let unread: Vec<String> = sight.warnings().collect();
        return Error::new(
            sight.exit(),
            format!(
                "{what}, and not everything could be read: {}",
                unread.join("; ")
            ),
        );
    }
    let names: BTreeSet<&str> = keys.map(|it| it.name.as_str()).collect();
    let error = Error::new(Exit::Refused, what);
    match nearest(pattern, names.iter().copied()) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None if names.is_empty() => {
            error.hint("there are no pools; `pooldeck scopes` shows where was looked")
        }
        None => {
            let names: Vec<&str> = names.into_iter().take(10).collect();
            error.hint(format!("there are {}", names.join(", ")))
        }
    }
}
