//! The words of `reami` and `rollback`: the grammar of a roll.

use std::{fmt, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};

use super::{
    grammar::{Action, EngineFlags},
    plan::Refusal,
};
use crate::{
    fleet::{ImageId, PoolKey, PoolName, ScopeId, parse_duration},
    operation::{Operation, Spec},
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Reami {
    /// The pools, with commas between them; several roll at once
    #[arg(value_name = "POOL")]
    pub pools: Option<Pools>,
    /// The image of a new template version, such as ami-0123456789abcdef0
    #[arg(value_name = "AMI", value_parser = parse_image, conflicts_with_all = ["template_version", "bootstrap"])]
    pub image: Option<ImageId>,
    /// Instead of an image: a version of the launch template that is there, or a launch configuration
    #[arg(long, value_name = "VERSION", conflicts_with = "bootstrap")]
    pub template_version: Option<String>,
    /// Instead of an image: a new version with the same one, so that instances boot afresh
    #[arg(long)]
    pub bootstrap: bool,
    #[command(flatten)]
    pub engine: EngineFlags,
    #[command(flatten)]
    pub terms: RollTerms,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Rollback {
    /// The pools, with commas between them; or the operation that rolled them
    #[arg(value_name = "POOL|OPERATION")]
    pub pools: Option<Pools>,
    /// The template version to go back to, for each pool; left out, where the last roll came from
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub to: Vec<String>,
    #[command(flatten)]
    pub terms: RollTerms,
}

/// How a roll goes about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RollTerms {
    /// New instances before old ones go, or old ones first
    #[arg(long, value_enum, default_value_t)]
    pub strategy: StrategyArg,
    /// So many go first, alone, and are watched; left out: 1
    #[arg(long, value_name = "N")]
    pub canary: Option<u32>,
    /// How many are replaced at a time: 3, or 10%
    #[arg(long, value_name = "N|N%", default_value_t)]
    pub batch: Batch,
    /// How many instances a pool may lack meanwhile; left out: none by surge, otherwise one
    #[arg(long, value_name = "N")]
    pub max_unavailable: Option<u32>,
    /// How many instances all pools together may lack
    #[arg(long, value_name = "N")]
    pub max_unavailable_total: Option<u32>,
    /// How long the canaries are watched, 10m when left out; by an instance refresh, all at its end
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub bake: Option<Duration>,
    /// Percentages of a pool at which it stops, such as 25,50; it goes on after --checkpoint-delay, or when resumed
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100))]
    pub checkpoints: Vec<u32>,
    /// How long it stops at a checkpoint; left out: 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub checkpoint_delay: Option<Duration>,
    /// How long an instance may take from its launch until its agent registers; left out: as configured
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub boot_budget: Option<Duration>,
    /// Give back what is not replaced by then, such as 8h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
    /// What to do when new instances do not come up, or jobs fail on them
    #[arg(long, value_enum, default_value_t)]
    pub on_failure: OnFailureArg,
    /// The same as --on-failure hold
    #[arg(long, conflicts_with = "on_failure")]
    pub no_rollback: bool,
    /// The scope, where several have pools of these names
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<ScopeId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum StrategyArg {
    #[default]
    Surge,
    TerminateFirst,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnFailureArg {
    #[default]
    Rollback,
    Hold,
}

/// Names with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pools(pub Vec<PoolName>);

/// How many at a time: a number, or a share of what the pool wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    Count(u32),
    Percent(u32),
}

impl Batch {
    /// Returns the number for a pool of this size; never less than one.
    pub fn of(self, desired: u32) -> u32 {
        match self {
            Self::Count(n) => n.max(1),
            Self::Percent(percent) => {
                let n = (u64::from(desired) * u64::from(percent)).div_ceil(100);
                u32::try_from(n).unwrap_or(u32::MAX).max(1)
            }
        }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::Percent(10)
    }
}

impl RollTerms {
    /// Returns how many go first, alone.
    pub(super) fn canary(&self) -> u32 {
        self.canary.unwrap_or(1)
    }

    /// Returns how long the canaries are watched.
    pub(super) fn bake(&self) -> Duration {
        self.bake.unwrap_or(Duration::from_mins(10))
    }

    /// Returns how long it stops at a checkpoint.
    pub(super) fn checkpoint_delay(&self) -> Duration {
        self.checkpoint_delay.unwrap_or(Duration::from_hours(1))
    }

    /// Returns whether a failure leads back to the template before.
    pub(super) fn goes_back(&self) -> bool {
        !self.no_rollback && self.on_failure == OnFailureArg::Rollback
    }
}

impl FromStr for Pools {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if names.iter().any(|it| it.is_empty()) {
            return Err(format!("`{text}`: write pools as one,two"));
        }
        if let Some(twice) = names
            .iter()
            .enumerate()
            .find(|(i, it)| names[..*i].contains(it))
        {
            return Err(format!("`{text}`: {} is named twice", twice.1));
        }
        Ok(Self(names.into_iter().map(PoolName::from).collect()))
    }
}

impl fmt::Display for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(PoolName::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Batch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("`{text}` is not a batch; write 3, or 10%");
        let batch = match text.strip_suffix('%') {
            Some(percent) => Self::Percent(percent.parse().map_err(|_| expected())?),
            None => Self::Count(text.parse().map_err(|_| expected())?),
        };
        match batch {
            Self::Count(0) | Self::Percent(0 | 101..) => Err(expected()),
            _ => Ok(batch),
        }
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

pub(super) fn parse_image(text: &str) -> Result<ImageId, String> {
    let digits = text.strip_prefix("ami-").unwrap_or("");
    let is_hex = digits.chars().all(|it| it.is_ascii_hexdigit());
    if is_hex && matches!(digits.len(), 8 | 17) {
        Ok(ImageId::from(text))
    } else {
        Err(format!(
            "`{text}` is not an image id; it looks like ami-0123456789abcdef0"
        ))
    }
}

impl Reami {
    /// Takes the pool from the selection; then the one word may be the image.
    pub(super) fn fill(&mut self, selected: Option<&PoolKey>) {
        let Some(key) = selected else { return };
        let word = self.pools.as_ref().map(|it| parse_image(&it.to_string()));
        if let (None, Some(Ok(image))) = (&self.image, word) {
            self.image = Some(image);
            self.pools = None;
        }
        fill(&mut self.pools, &mut self.terms, key);
    }

    pub(super) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.pools.iter().map(ToString::to_string).collect();
        words.extend(self.image.iter().map(ToString::to_string));
        flag(
            &mut words,
            "--template-version",
            self.template_version.as_ref(),
        );
        words.extend(self.bootstrap.then(|| "--bootstrap".to_owned()));
        self.engine.write_to(&mut words);
        words.extend(self.terms.words());
        words
    }
}

impl Rollback {
    pub(super) fn fill(&mut self, selected: Option<&PoolKey>) {
        if let Some(key) = selected {
            fill(&mut self.pools, &mut self.terms, key);
        }
    }

    pub(super) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.pools.iter().map(ToString::to_string).collect();
        let to = Some(self.to.join(",")).filter(|it| !it.is_empty());
        flag(&mut words, "--to", to.as_ref());
        words.extend(self.terms.words());
        words
    }

    /// Finds where to go back to: where the operation that was named came from, or the last
    /// roll of the pool that was.
    pub fn find<'a>(
        &self,
        operations: impl Iterator<Item = &'a Operation>,
    ) -> Result<Self, Refusal> {
        let Some(pools) = self.pools.as_ref().filter(|_| self.to.is_empty()) else {
            return Ok(self.clone());
        };
        let mut rolls: Vec<_> = operations.map(|it| (it, origins(&it.spec))).collect();
        rolls.retain(|it| !it.1.is_empty());
        rolls.sort_by_key(|it| std::cmp::Reverse(it.0.started_at));
        let word = pools.to_string();
        let mut found = self.clone();
        if let Some((_, origins)) = rolls.iter().find(|it| it.0.id.0 == word) {
            let names = origins.iter().map(|it| it.0.name.clone());
            found.pools = Some(Pools(names.collect()));
            found.to = origins.iter().map(|it| it.1.to_owned()).collect();
            let scope = origins.first().map(|it| it.0.scope.clone());
            found.terms.scope = found.terms.scope.or(scope);
            return Ok(found);
        }
        for name in &pools.0 {
            let mut origins = rolls.iter().flat_map(|it| &it.1);
            let scope = self.terms.scope.as_ref();
            let last = origins.find(|(pool, _)| {
                pool.name == *name && scope.is_none_or(|scope| pool.scope == *scope)
            });
            let Some((_, version)) = last else {
                return Err(Refusal::Unsound(format!(
                    "no operation of this host rolled `{name}`; say where to with --to VERSION, or use `reami {name} \
                     --template-version VERSION`"
                )));
            };
            found.to.push((*version).to_owned());
        }
        Ok(found)
    }
}

/// Returns the pools that an operation gave another template, each with the version it came from.
fn origins(spec: &Spec) -> Vec<(&PoolKey, &str)> {
    match spec {
        Spec::Roll(roll) => {
            let pools = roll.pools.iter();
            pools.map(|it| (&it.pool, it.from.version())).collect()
        }
        Spec::Refresh(refresh) => {
            let copied = refresh.copy.as_ref().map(|it| &it.from);
            let from = copied.or(refresh.from.as_deref()).into_iter();
            from.map(|it| (&refresh.pool, &*it.version)).collect()
        }
        Spec::Drain(_) | Spec::Freeze(_) => Vec::new(),
    }
}

impl Action {
    /// Fills where a rollback goes back to, as far as the operations tell.
    #[must_use]
    pub fn find_way_back<'a>(self, operations: impl Iterator<Item = &'a Operation>) -> Self {
        match self {
            Self::Rollback(it) => {
                let found = it.find(operations);
                Self::Rollback(found.map_or(it, Box::new))
            }
            other => other,
        }
    }
}

fn fill(pools: &mut Option<Pools>, terms: &mut RollTerms, key: &PoolKey) {
    if pools.is_none() {
        *pools = Some(Pools(vec![key.name.clone()]));
        terms.scope = Some(key.scope.clone());
    }
}

impl RollTerms {
    fn words(&self) -> Vec<String> {
        let usual = Self::default();
        let mut words = Vec::new();
        let seconds = |it: Duration| format!("{}s", it.as_secs());
        if self.strategy != usual.strategy {
            words.extend(["--strategy", "terminate-first"].map(str::to_owned));
        }
        flag(&mut words, "--canary", self.canary.as_ref());
        let batch = Some(self.batch).filter(|it| *it != usual.batch);
        flag(&mut words, "--batch", batch.as_ref());
        flag(
            &mut words,
            "--max-unavailable",
            self.max_unavailable.as_ref(),
        );
        let total = self.max_unavailable_total.as_ref();
        flag(&mut words, "--max-unavailable-total", total);
        flag(&mut words, "--bake", self.bake.map(seconds).as_ref());
        let percents: Vec<String> = self.checkpoints.iter().map(ToString::to_string).collect();
        let percents = Some(percents.join(",")).filter(|it| !it.is_empty());
        flag(&mut words, "--checkpoints", percents.as_ref());
        flag(
            &mut words,
            "--checkpoint-delay",
            self.checkpoint_delay.map(seconds).as_ref(),
        );
        flag(
            &mut words,
            "--boot-budget",
            self.boot_budget.map(seconds).as_ref(),
        );
        flag(
            &mut words,
            "--deadline",
            self.deadline.map(seconds).as_ref(),
        );
        if self.on_failure == OnFailureArg::Hold {
            words.extend(["--on-failure", "hold"].map(str::to_owned));
        }
        words.extend(self.no_rollback.then(|| "--no-rollback".to_owned()));
        flag(&mut words, "--scope", self.scope.as_ref());
        words
    }
}

fn flag(words: &mut Vec<String>, name: &str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        words.extend([name.to_owned(), value.to_string()]);
    }
}
