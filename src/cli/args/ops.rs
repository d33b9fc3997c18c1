//! What an operator says of a long operation.

use clap::Subcommand;

#[derive(Clone, Debug, Subcommand)]
pub enum OpsVerb {
    /// Show one operation: each instance, and what it waits for
    Show {
        /// The operation's id
        id: String,
    },
    /// Let an operation rest; nothing is given back
    Pause {
        /// The operation's id
        id: String,
    },
    /// Go on with an operation that rests, or whose driver died, and follow it to its end
    Resume {
        /// The operation's id
        id: String,
        /// Print the id, and let it go on without this terminal
        #[arg(long)]
        detach: bool,
    },
    /// Let an operation take more instances out of service at a time, within the guardrails
    SpeedUp {
        /// The operation's id
        id: String,
        /// How many; left out, twice as many as now
        #[arg(long, value_name = "N")]
        max_unavailable: Option<u32>,
    },
    /// Take over an operation of another host or of a driver that died, and follow it to its end
    ///
    /// An operation without a journal here is known by its marks: the tags of its
    /// instances and the notes of its cordons. A journal begins here under a new
    /// id, the marks are changed to it, and the former driver sees that and stops.
    Adopt {
        /// The operation's id, as `ops` or a tag shows it
        id: String,
        /// Go on with nothing: uncordon, unprotect and unmark its instances
        #[arg(long)]
        give_back: bool,
        /// Print the new id, and let it go on without this terminal
        #[arg(long)]
        detach: bool,
    },
    /// Give back what an operation has not terminated, and end it
    Abort {
        /// The operation's id
        id: String,
        /// Why; goes to the journal
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        /// Print the id, and let it give back without this terminal
        #[arg(long)]
        detach: bool,
    },
}
