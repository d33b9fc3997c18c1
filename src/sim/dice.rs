//! The seeded chance of a world, in separate streams: what a reader sees or
//! loses never changes what happens, and jobs do not depend on machines.

use std::time::Duration;

use fastrand::Rng;

#[derive(Clone, Debug)]
pub(super) struct Dice {
    /// Machines and groups.
    pub(super) cloud: Rng,
    /// Jobs and agents.
    pub(super) ci: Rng,
    /// What a read or a write suffers.
    pub(super) door: Rng,
    /// What happens by itself.
    pub(super) weather: Rng,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut root = Rng::with_seed(seed);
        Self {
            cloud: root.fork(),
            ci: root.fork(),
            door: root.fork(),
            weather: root.fork(),
        }
    }
}

/// Returns whether something of this chance happens; zero draws nothing.
pub(super) fn happens(rng: &mut Rng, chance: f64) -> bool {
    0.0 < chance && rng.f64() < chance
}

/// Returns a whole number of seconds between two durations, both included.
pub(super) fn between(rng: &mut Rng, (least, most): (Duration, Duration)) -> Duration {
    let (least, most) = (least.as_secs(), most.as_secs().max(least.as_secs()));
    Duration::from_secs(rng.u64(least..=most))
}

/// Returns seconds between two durations, the short ones likelier, as builds are.
pub(super) fn skewed(rng: &mut Rng, (least, most): (Duration, Duration)) -> Duration {
    let spread = most.saturating_sub(least).as_secs();
    // The smaller of two throws: whole numbers only, so every platform tells the same story.
    let first = rng.u64(0..=spread);
    let second = rng.u64(0..=spread);
    least + Duration::from_secs(first.min(second))
}

pub(super) fn up_to(rng: &mut Rng, most: Duration) -> Duration {
    between(rng, (Duration::ZERO, most))
}

pub(super) fn secs(rng: &mut Rng, least: u64, most: u64) -> Duration {
    Duration::from_secs(rng.u64(least..=most))
}

pub(super) fn uuid(rng: &mut Rng) -> String {
    let (high, low) = (rng.u64(..), rng.u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
