//! Long operations as pure state machines: what was asked, what has happened,
//! and what comes next. Nothing here reads a clock, sleeps, or calls anyone.
//!
//! The state is nothing but the fold of journaled events: to resume is to
//! replay and to ask again. `decide` is level-triggered: an operator may scale,
//! an instance may die, another tool may meddle half-way; the next observation
//! is simply different.

mod claim;
mod decide;
mod drain;
mod event;
mod fight;
mod foreign;
mod freeze;
mod left;
mod lifetime;
mod meter;
mod missing;
mod outlook;
mod pool;
mod progress;
mod protocol;
mod refresh;
mod removal;
mod roll;
mod shift;
mod sight;
mod spec;
mod state;
mod target;
mod token;
mod undo;
mod words;

pub use claim::Claim;
pub use decide::{Decision, decide};
pub use event::{Event, Happening};
pub use fight::{Fight, Fought, LeftShape, Shape, fights};
pub use foreign::{Foreign, claim_on, foreign};
pub use left::left;
pub use lifetime::{OnQuit, detached_words, stopped_words};
pub use outlook::{Collision, Outlook, outlook, outlook_of_plan};
pub use pool::{PoolState, Reached, Slot};
pub use progress::{eta, phase};
pub use roll::Outcomes;
pub use sight::{Agent, Sight, notices, sightings};
pub use spec::{
    Change, Drain, Freeze, OnFailure, OperationId, Owner, PoolRoll, Proof, Refresh, Roll, Spec,
    Strategy, TAG, VersionCopy,
};
pub use state::{JournalError, Operation, Standing};
pub use target::{Mark, Reading, TargetState};
pub use words::{Halt, Subject, WaitingOn};
