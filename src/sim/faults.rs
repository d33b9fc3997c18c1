//! How unkind a world is: probabilities and durations, nothing by default.

use std::time::Duration;

use crate::fleet::Timestamp;

/// What goes wrong. A chance lies between 0 and 1; a duration of zero is never.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    pub cloud: CloudFaults,
    pub ci: CiFaults,
    pub weather: Weather,
}

impl Faults {
    /// Returns a world in which nothing goes wrong but what AWS does by design.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns a world that lies, loses and interrupts about as much as a bad day.
    pub fn bad_day() -> Self {
        Self {
            cloud: CloudFaults {
                stale_read: 0.3,
                stale_for: Duration::from_secs(20),
                hidden_for: Duration::from_mins(1),
                still_listed_for: Duration::from_secs(30),
                partial_read: 0.02,
                throttled: 0.05,
                server_error: 0.02,
                lost_reply: 0.05,
                duplicated: 0.02,
                lost_call: 0.02,
                no_capacity: 0.05,
                ..CloudFaults::default()
            },
            ci: CiFaults {
                late_busy: Duration::from_secs(45),
                false_idle: 0.01,
                missing_agent: 0.01,
                cordon_delay: Duration::from_secs(5),
                cordon_lost: 0.05,
                lost_reply: 0.03,
                refused: 0.01,
                login_page: 0.01,
                restart_blackout: Duration::from_secs(90),
                hides_restart: false,
            },
            weather: Weather {
                spot_interruption: 0.002,
                sick_machine: 0.0005,
                agent_drops: 0.001,
                cordon_cleared: 0.001,
                restart: 0.001,
                silence: 0.002,
                silent_for: Duration::from_secs(90),
                foreign_hand: 0.002,
            },
        }
    }
}

/// What goes wrong when AWS is read or written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudFaults {
    /// How likely a row that changed within `stale_for` is shown as it was before.
    pub stale_read: f64,
    pub stale_for: Duration,
    /// A new machine stays invisible to EC2 reads, or unlisted by its group, for up to this long.
    pub hidden_for: Duration,
    /// A terminated machine is still listed, as it was, for up to this long.
    pub still_listed_for: Duration,
    /// How likely a page of instances cannot be read; the reading says so.
    pub partial_read: f64,
    /// How likely a request is throttled.
    pub throttled: f64,
    /// How likely a write is answered by a 500 and did not happen.
    pub server_error: f64,
    /// How likely a write happens and its answer is lost.
    pub lost_reply: f64,
    /// How likely a write is carried out twice, as a retry below us would.
    pub duplicated: f64,
    /// How likely a write neither happens nor answers.
    pub lost_call: f64,
    /// How likely a launch fails for want of capacity.
    pub no_capacity: f64,
    /// How likely a member is shown in a lifecycle state that nobody documented.
    pub odd_word: f64,
    /// Operations that we may not do, as IAM names them.
    pub denied: Vec<String>,
    /// When the credentials end.
    pub credentials_end: Option<Timestamp>,
    /// Whether the beginning of a lifecycle state is hidden, as AWS hides it:
    /// it then counts from the first reading that showed it.
    pub hides_state_begin: bool,
}

/// What goes wrong when a controller is read or written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CiFaults {
    /// A job that began is shown only after up to this long; its agent reads idle.
    pub late_busy: Duration,
    /// How likely a busy agent reads idle, at any one reading.
    pub false_idle: f64,
    /// How likely an agent is missing from the list, at any one reading.
    pub missing_agent: f64,
    /// A cordon that was accepted takes effect after up to this long.
    pub cordon_delay: Duration,
    /// How likely a cordon that was accepted never takes effect.
    pub cordon_lost: f64,
    /// How likely a write happens and its answer is lost.
    pub lost_reply: f64,
    /// How likely a request fails with a 500.
    pub refused: f64,
    /// How likely a request is answered with a login page and a 200.
    pub login_page: f64,
    /// How long executors read idle after a restart, whatever runs there.
    pub restart_blackout: Duration,
    /// Whether a restart cannot be told from the answers, so that those agents
    /// read idle instead of unknown.
    pub hides_restart: bool,
}

/// What happens by itself, as chances in each minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// Of each spot machine: a two-minute notice, then it is gone.
    pub spot_interruption: f64,
    /// Of each machine: its status checks fail and its group is told.
    pub sick_machine: f64,
    /// Of each agent: it loses its connection for a while; its job goes on.
    pub agent_drops: f64,
    /// Of each cordoned agent: somebody saves its configuration, and the cordon is gone.
    pub cordon_cleared: f64,
    /// Of each controller: it restarts.
    pub restart: f64,
    /// Of each source: it does not answer for `silent_for`.
    pub silence: f64,
    pub silent_for: Duration,
    /// Of each group: somebody else changes desired by one or two.
    pub foreign_hand: f64,
}

impl Weather {
    /// Returns whether anything happens by itself at all.
    pub(super) fn is_calm(&self) -> bool {
        *self
            == Self {
                silent_for: self.silent_for,
                ..Self::default()
            }
    }
}
