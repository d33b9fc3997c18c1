//! The rows that tables show, in both front ends.

mod activity;
mod executor;
mod finding;
mod instance;
mod job;
mod pool;
mod queue;
mod scope;
mod stray;

pub use activity::ActivityRow;
pub use executor::ExecutorRow;
pub use finding::FindingRow;
pub use instance::InstanceRow;
pub use job::JobRow;
pub use pool::PoolRow;
pub use queue::QueueRow;
pub use scope::ScopeRow;
pub use stray::StrayRow;

use super::{Align, Field};

const fn field(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    align: Align,
    is_default: bool,
) -> Field {
    Field {
        name,
        title,
        help,
        align,
        is_default,
    }
}
