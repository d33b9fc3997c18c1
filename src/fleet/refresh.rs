//! The terms of an instance refresh: EC2 Auto Scaling's own roll.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// On which terms a refresh replaces the members of a group; what is `None` is left to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTerms {
    /// The desired configuration. Without one there is no way back.
    pub template: Option<TemplateVersion>,
    /// Of desired; AWS keeps at least so many members in service.
    pub min_healthy_percent: Option<u32>,
    /// Of desired; above 100 replacements are launched first.
    pub max_healthy_percent: Option<u32>,
    pub warmup: Option<Duration>,
    /// Percentages at which it stops for `checkpoint_delay`, ascending.
    pub checkpoints: Vec<u32>,
    pub checkpoint_delay: Option<Duration>,
    /// How long it watches its alarms after the last replacement.
    pub bake: Option<Duration>,
    /// CloudWatch alarms that end it.
    pub alarms: Vec<String>,
    pub auto_rollback: bool,
    /// Leaves members alone that are as they should be.
    pub skip_matching: bool,
    pub protected: Reluctance,
    pub standby: Reluctance,
}

/// A version of a launch template, named as a group names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TemplateVersion {
    pub id: Option<String>,
    pub name: String,
    pub version: String,
}

/// What a refresh does about members that are protected from scale-in, or in standby.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reluctance {
    /// Replaces them like any other.
    Replace,
    Ignore,
    /// Waits an hour for somebody to change that, and then fails.
    #[default]
    Wait,
}

impl Reluctance {
    /// Returns AWS' word for what happens to protected members.
    pub fn of_protected(self) -> &'static str {
        match self {
            Self::Replace => "Refresh",
            Self::Ignore => "Ignore",
            Self::Wait => "Wait",
        }
    }

    /// Returns AWS' word for what happens to members in standby.
    pub fn of_standby(self) -> &'static str {
        match self {
            Self::Replace => "Terminate",
            Self::Ignore => "Ignore",
            Self::Wait => "Wait",
        }
    }
}

impl fmt::Display for TemplateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.version)
    }
}

/// Writes the terms as `name=value` words, as a call shows them.
impl fmt::Display for RefreshTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            words.extend(value.map(|it| format!("{name}={it}")));
        };
        let number = |it: Option<u32>| it.map(|it| it.to_string());
        let seconds = |it: Option<Duration>| it.map(|it| format!("{}s", it.as_secs()));
        let list = |it: String| Some(it).filter(|it| !it.is_empty());
        let percents: Vec<String> = self.checkpoints.iter().map(ToString::to_string).collect();
        say("template", self.template.as_ref().map(ToString::to_string));
        say("min-healthy", number(self.min_healthy_percent));
        say("max-healthy", number(self.max_healthy_percent));
        say("warmup", seconds(self.warmup));
        say("checkpoints", list(percents.join(",")));
        say("checkpoint-delay", seconds(self.checkpoint_delay));
        say("bake", seconds(self.bake));
        say("alarms", list(self.alarms.join(",")));
        say("auto-rollback", Some(self.auto_rollback.to_string()));
        say("skip-matching", Some(self.skip_matching.to_string()));
        say("protected", Some(self.protected.of_protected().to_owned()));
        say("standby", Some(self.standby.of_standby().to_owned()));
        f.write_str(&words.join(" "))
    }
}
