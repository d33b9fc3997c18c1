//! The past: what was observed, kept in a database off the way of everything else.

mod ask;

pub use ask::PastQuery;

/// Whether the past is kept, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Keeping {
    /// Nothing is kept, and there is no past.
    #[default]
    Off,
    /// In memory, until the engine stops.
    Memory,
    /// In the state directory.
    StateDirectory,
}
