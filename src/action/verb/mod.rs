//! One verb per file: what each would call, and what it warns of.

mod cordon;
mod drain;
mod freeze;
mod harden;
mod hook;
mod launch;
mod metrics;
mod processes;
mod protect;
mod reami;
mod refresh;
mod scale;
mod source;
mod standby;
mod tag;
mod victims;

pub(super) use cordon::{cordon, uncordon};
pub(super) use drain::{Choice, Terms, drain, terminate};
pub(super) use freeze::{freeze, thaw};
pub(super) use harden::{Terms as Hardness, harden};
pub(super) use hook::{Answer, hook};
pub(super) use launch::launch;
pub(super) use metrics::enable_metrics;
pub(super) use processes::{resume, suspend};
pub(super) use protect::protect;
pub(super) use reami::{reami, rollback};
pub(super) use refresh::refresh;
pub(super) use scale::scale;
pub(super) use standby::{activate, standby};
pub(super) use tag::{tag_instances, tag_pool};
