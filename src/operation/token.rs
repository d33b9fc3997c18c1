//! The name under which an operation makes something: the same however often it asks.

use super::Operation;
use crate::fleet::PoolKey;

/// EC2 takes no longer token.
const N_MAX: usize = 128;

pub(super) fn token(operation: &Operation, pool: &PoolKey) -> String {
    let is_plain = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    let name = format!("{}-{}", operation.id, pool.name);
    name.chars().filter(is_plain).take(N_MAX).collect()
}
