//! What can be said of an instance refresh.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::words::{flag, seconds};
use crate::fleet::{Reluctance, parse_duration};

/// What is to become of an instance refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RefreshAnswer {
    /// Begin one, and follow it to its end
    Start,
    /// Follow the one that is under way, whoever began it
    Follow,
    /// Let it rest: suspend its process
    Pause,
    /// Let it go on
    Resume,
    /// End it where it is
    Cancel,
    /// Turn it round: what was replaced is replaced again, by the old
    Rollback,
}

impl std::fmt::Display for RefreshAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Follow => "follow",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Rollback => "rollback",
        })
    }
}

/// On which terms an instance refresh starts; what is left out is left to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RefreshFlags {
    /// The template version to roll to, by its number; the pool's own when left out
    #[arg(long, value_name = "N")]
    pub template_version: Option<String>,
    /// Percent of desired that stays in service, 0 to 100
    #[arg(long, value_name = "PERCENT")]
    pub min_healthy: Option<u32>,
    /// Percent of desired that may be there, 100 to 200; above 100 replacements come first
    #[arg(long, value_name = "PERCENT")]
    pub max_healthy: Option<u32>,
    /// How long a new instance is watched before it counts
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warmup: Option<Duration>,
    /// Percentages at which it stops for a while, such as 20,50,100
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',')]
    pub checkpoints: Vec<u32>,
    /// How long it stops at a checkpoint; an hour when left out
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub checkpoint_delay: Option<Duration>,
    /// How long it watches its alarms after the last replacement
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub bake: Option<Duration>,
    /// A CloudWatch alarm that ends it; may be repeated
    #[arg(long = "alarm", value_name = "NAME")]
    pub alarms: Vec<String>,
    /// Turn it round by itself when it fails or an alarm goes off
    #[arg(long)]
    pub auto_rollback: bool,
    /// Replace also what is as it should be already
    #[arg(long)]
    pub all: bool,
    /// What to do about instances that are protected from scale-in
    #[arg(long, value_enum, value_name = "WHAT")]
    pub protected: Option<OnProtected>,
    /// What to do about instances in standby
    #[arg(long, value_enum, value_name = "WHAT")]
    pub standby: Option<OnStandby>,
    /// Do not look at the jobs: they are lost where no hook holds their instance
    #[arg(long)]
    pub force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnProtected {
    Refresh,
    Ignore,
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnStandby {
    Terminate,
    Ignore,
    Wait,
}

impl From<OnProtected> for Reluctance {
    fn from(it: OnProtected) -> Self {
        match it {
            OnProtected::Refresh => Self::Replace,
            OnProtected::Ignore => Self::Ignore,
            OnProtected::Wait => Self::Wait,
        }
    }
}

impl From<OnStandby> for Reluctance {
    fn from(it: OnStandby) -> Self {
        match it {
            OnStandby::Terminate => Self::Replace,
            OnStandby::Ignore => Self::Ignore,
            OnStandby::Wait => Self::Wait,
        }
    }
}

impl RefreshFlags {
    pub(super) fn write_to(&self, words: &mut Vec<String>) {
        flag(words, "--template-version", self.template_version.as_ref());
        flag(words, "--min-healthy", self.min_healthy.as_ref());
        flag(words, "--max-healthy", self.max_healthy.as_ref());
        seconds(words, "--warmup", self.warmup);
        let checkpoints: Vec<String> = self.checkpoints.iter().map(ToString::to_string).collect();
        let checkpoints = Some(checkpoints.join(",")).filter(|it| !it.is_empty());
        flag(words, "--checkpoints", checkpoints.as_ref());
        seconds(words, "--checkpoint-delay", self.checkpoint_delay);
        seconds(words, "--bake", self.bake);
        for alarm in &self.alarms {
            flag(words, "--alarm", Some(alarm));
        }
        words.extend(self.auto_rollback.then(|| "--auto-rollback".to_owned()));
        words.extend(self.all.then(|| "--all".to_owned()));
        let word = |it: Reluctance| it.of_protected().to_lowercase();
        flag(
            words,
            "--protected",
            self.protected.map(|it| word(it.into())).as_ref(),
        );
        let word = |it: Reluctance| it.of_standby().to_lowercase();
        flag(
            words,
            "--standby",
            self.standby.map(|it| word(it.into())).as_ref(),
        );
        words.extend(self.force.then(|| "--force".to_owned()));
    }
}
