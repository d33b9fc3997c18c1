//! What can go wrong in a case, by name.

use pooldeck::sim::Faults;

use crate::meddler::KINDS;

/// A fault by its name, and how it is taken over from a bad day.
type Fault = (&'static str, fn(&mut Faults, &Faults));

pub(crate) const FAULTS: [Fault; 24] = [
    ("stale", |to, bad| {
        to.cloud.stale_read = bad.cloud.stale_read;
        to.cloud.stale_for = bad.cloud.stale_for;
    }),
    ("hidden", |to, bad| {
        to.cloud.hidden_for = bad.cloud.hidden_for;
    }),
    ("listed", |to, bad| {
        to.cloud.still_listed_for = bad.cloud.still_listed_for;
    }),
    ("partial", |to, bad| {
        to.cloud.partial_read = bad.cloud.partial_read;
    }),
    ("throttled", |to, bad| {
        to.cloud.throttled = bad.cloud.throttled;
    }),
    ("error500", |to, bad| {
        to.cloud.server_error = bad.cloud.server_error;
    }),
    ("lost-reply", |to, bad| {
        to.cloud.lost_reply = bad.cloud.lost_reply;
    }),
    ("lost-call", |to, bad| {
        to.cloud.lost_call = bad.cloud.lost_call;
    }),
    ("duplicated", |to, bad| {
        to.cloud.duplicated = bad.cloud.duplicated;
    }),
    ("no-capacity", |to, bad| {
        to.cloud.no_capacity = bad.cloud.no_capacity;
    }),
    ("late-busy", |to, bad| to.ci.late_busy = bad.ci.late_busy),
    ("false-idle", |to, bad| to.ci.false_idle = bad.ci.false_idle),
    ("missing-agent", |to, bad| {
        to.ci.missing_agent = bad.ci.missing_agent;
    }),
    ("cordon-delay", |to, bad| {
        to.ci.cordon_delay = bad.ci.cordon_delay;
    }),
    ("cordon-lost", |to, bad| {
        to.ci.cordon_lost = bad.ci.cordon_lost;
    }),
    ("ci-lost-reply", |to, bad| {
        to.ci.lost_reply = bad.ci.lost_reply;
    }),
    ("ci-refused", |to, bad| to.ci.refused = bad.ci.refused),
    ("spot", |to, bad| {
        to.weather.spot_interruption = bad.weather.spot_interruption;
    }),
    ("sick", |to, bad| {
        to.weather.sick_machine = bad.weather.sick_machine;
    }),
    ("agent-drops", |to, bad| {
        to.weather.agent_drops = bad.weather.agent_drops;
    }),
    ("cordon-cleared", |to, bad| {
        to.weather.cordon_cleared = bad.weather.cordon_cleared;
    }),
    ("restart", |to, bad| {
        to.weather.restart = bad.weather.restart;
        to.ci.restart_blackout = bad.ci.restart_blackout;
    }),
    ("silence", |to, bad| {
        to.weather.silence = bad.weather.silence;
        to.weather.silent_for = bad.weather.silent_for;
    }),
    ("foreign-hand", |to, bad| {
        to.weather.foreign_hand = bad.weather.foreign_hand;
    }),
];

/// Faults of the way to the services and back; none of them changes what truly happens.
pub(crate) const OF_DOORS: usize = 9;

/// What may be the matter with the image that a roll brings, and is not cured by time.
pub(crate) const OF_IMAGES: [&str; 2] = ["mute-image", "lost-image"];

/// Returns the names of everything that can go wrong by itself, or by somebody's hand.
pub(crate) fn names() -> Vec<String> {
    let faults = FAULTS.iter().map(|it| it.0.to_owned());
    faults
        .chain(KINDS.iter().map(|it| it.0.to_owned()))
        .collect()
}

/// Returns what a bad day does, as far as it is named.
pub(crate) fn bad_weather(names: &[String]) -> Faults {
    let bad = Faults::bad_day();
    let mut faults = Faults::none();
    for (_, take) in FAULTS.iter().filter(|it| names.iter().any(|of| of == it.0)) {
        take(&mut faults, &bad);
    }
    faults
}
