//! Who rolls a pool, and on which terms where that is EC2 Auto Scaling.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    refresh::{OnProtected, OnStandby},
    words::{flag, seconds},
};
use crate::{
    action::plan::Refusal,
    fleet::{Reluctance, parse_duration},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// Instance by instance; each is drained, and no job ends for it
    #[default]
    Pooldeck,
    /// EC2 Auto Scaling's own: it outlives every console, and asks no job
    InstanceRefresh,
}

/// What is said of the engine; everything but its name is for an instance refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct EngineFlags {
    /// Who replaces the instances
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineArg,
    /// Instance refresh: percent of desired that stays in service; left out: by --strategy and --batch
    #[arg(long, value_name = "PERCENT")]
    pub min_healthy: Option<u32>,
    /// Instance refresh: percent of desired that may be there; left out: by --strategy and --batch
    #[arg(long, value_name = "PERCENT")]
    pub max_healthy: Option<u32>,
    /// Instance refresh: how long a new instance is watched before it counts
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warmup: Option<Duration>,
    /// Instance refresh: a CloudWatch alarm that ends it; may be repeated
    #[arg(long = "alarm", value_name = "NAME")]
    pub alarms: Vec<String>,
    /// Instance refresh: what to do about instances that are protected from scale-in
    #[arg(long, value_enum, value_name = "WHAT")]
    pub protected: Option<OnProtected>,
    /// Instance refresh: what to do about instances in standby
    #[arg(long, value_enum, value_name = "WHAT")]
    pub standby: Option<OnStandby>,
    /// Instance refresh: do not look at the jobs; they are lost where no hook holds their instance
    #[arg(long)]
    pub force: bool,
}

impl EngineFlags {
    /// Refuses what pooldeck's own roll does not take: a word that is dropped is a promise broken.
    pub(in crate::action) fn check_bare(&self) -> Result<(), Refusal> {
        let bare = Self {
            engine: self.engine,
            ..Self::default()
        };
        if *self == bare {
            return Ok(());
        }
        let mut words = Vec::new();
        self.write_to(&mut words);
        Err(Refusal::Unsound(format!(
            "{} is for --engine instance-refresh; pooldeck's own roll asks the jobs, and takes --max-unavailable, \
             --batch and --on-failure",
            words[0]
        )))
    }

    pub(in crate::action) fn write_to(&self, words: &mut Vec<String>) {
        if self.engine == EngineArg::InstanceRefresh {
            words.extend(["--engine", "instance-refresh"].map(str::to_owned));
        }
        flag(words, "--min-healthy", self.min_healthy.as_ref());
        flag(words, "--max-healthy", self.max_healthy.as_ref());
        seconds(words, "--warmup", self.warmup);
        for alarm in &self.alarms {
            flag(words, "--alarm", Some(alarm));
        }
        let word = |it: Reluctance| it.of_protected().to_lowercase();
        let protected = self.protected.map(|it| word(it.into()));
        flag(words, "--protected", protected.as_ref());
        let word = |it: Reluctance| it.of_standby().to_lowercase();
        let standby = self.standby.map(|it| word(it.into()));
        flag(words, "--standby", standby.as_ref());
        words.extend(self.force.then(|| "--force".to_owned()));
    }
}
