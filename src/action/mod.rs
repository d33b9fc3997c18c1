//! What an operator can ask for: one grammar for the command line, the `:` line
//! and the keymaps, and one plan for all three. Pure: planning twice is the dry run.

mod ahead;
mod draft;
mod grammar;
mod guardrail;
mod lookup;
mod money;
mod owned;
mod plan;
mod risk;
mod rolling;
mod verb;

pub use draft::check_writable;
pub use grammar::{
    Action, ActionLine, Drained, EngineArg, EngineFlags, Flag, HookAnswer, Instances, PoolArg,
    RefreshAnswer, RefreshFlags, Selection, Size, Verb, verbs,
};
pub use guardrail::{Confirmation, Guardrail, Policy};
pub use money::CostChange;
pub use plan::{Change, ConditionalCall, Follow, Plan, Refusal, Target, conditional_words, plan};
pub use risk::JobAtRisk;
pub use rolling::{Batch, OnFailureArg, Pools, Reami, RollTerms, Rollback, StrategyArg};
