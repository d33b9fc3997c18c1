//! What the operator configured: defaults < file < flags, merged once, passed down.
//!
//! Nothing here reads the environment or resolves a secret; `main` does.

mod controller;
mod cost;
mod error;
mod file;
mod history;
mod metrics;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use cost::CostSettings;
pub use error::SettingsError;
pub use file::example;
pub use history::HistorySettings;

use crate::{
    action::Guardrail,
    fleet::{ControllerName, JoinRule, Namespace, Timestamp},
    operation::{OnQuit, Proof},
};

/// Everything that can be configured, with its defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file that was read; `None` when there is none, which is fine.
    pub file: Option<PathBuf>,
    pub theme: Choice,
    pub keymap: Choice,
    pub refresh: Duration,
    /// What becomes of operations that run when their console ends.
    pub on_quit: OnQuit,
    /// Empty means the default credential chain, in its own region.
    pub scopes: Vec<ScopeSettings>,
    pub controllers: Vec<ControllerSettings>,
    /// The first whose pattern matches a pool's name wins.
    pub pools: Vec<PoolSettings>,
    /// The first that matches an action wins.
    pub guardrails: Vec<Guardrail>,
    /// What it takes to believe that an instance is idle.
    pub proof: Proof,
    pub cost: CostSettings,
    pub history: HistorySettings,
    /// Where executors' numbers are published to, and read back from.
    pub namespace: Namespace,
}

/// A name that was chosen, and by what: whether there is such a thing is found out later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    /// Begins a message: `config.toml:1: theme`, or `--theme`.
    pub place: String,
}

impl Choice {
    fn new(name: impl Into<String>, place: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            place: place.into(),
        }
    }
}

/// Where to look: one profile in some regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSettings {
    pub profile: Option<Choice>,
    /// Empty means the profile's own region.
    pub regions: Vec<Choice>,
    pub alias: Option<String>,
    pub environment: Option<String>,
    pub read_only: bool,
    pub endpoint_url: Option<String>,
    pub selection: PoolSelection,
}

/// Which groups and instances of a scope are pools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSelection {
    /// Groups and instances that carry this tag; its value names the pool of a loose instance.
    pub tag: Option<String>,
    /// Patterns of group names; empty is every group.
    pub names: Vec<Choice>,
}

/// A CI controller, and where its secret is found.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerSettings {
    pub name: ControllerName,
    pub kind: ControllerKind,
    pub url: Option<String>,
    pub user: Option<String>,
    pub token: Option<SecretSource>,
    /// GitHub and Buildkite: the organization.
    pub organization: Option<String>,
    /// GitHub: `owner/name` of repositories with runners of their own.
    pub repositories: Vec<String>,
    /// GitHub: the enterprise.
    pub enterprise: Option<String>,
    /// `command`: the program and its arguments; no shell reads them.
    pub command: Vec<String>,
    /// How long a request may take.
    pub timeout: Duration,
    pub proxy: Option<String>,
    /// Certificates of authorities to trust besides the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Patterns of jobs or builders, and the label that they wait for; the first match wins.
    pub labels: Vec<(String, String)>,
    /// Buildbot: patterns of latent workers' names.
    pub latent: Vec<String>,
    /// Jenkins: labels whose own load is read too.
    pub load_labels: Vec<String>,
    /// Jenkins: for how long after its start an idle agent is not believed.
    pub blackout: Option<Duration>,
    /// GitHub: how many requests a reading may make for jobs.
    pub job_requests_max: Option<u32>,
    /// Buildkite: where the token for its queues is.
    pub agent_token: Option<SecretSource>,
    /// Buildkite: after how long a pause ends by itself.
    pub pause: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerKind {
    Buildbot,
    Jenkins,
    GitHub,
    Buildkite,
    Command,
}

/// Where a secret is; the secret itself never stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    Command(String),
    File(PathBuf),
}

/// What a pool and a controller have to do with each other.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSettings {
    /// A pool's name; `*` stands for any text.
    pub pattern: String,
    pub controller: Option<ControllerName>,
    pub label: Option<String>,
    pub executors_per_instance: u32,
    /// How an agent is joined to its machine; `None` tries every way.
    pub instance_from: Option<JoinRule>,
    /// How long an instance may take from its launch to its registration.
    pub boot_budget: Duration,
}

/// What the command line says; it wins over the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub theme: Option<String>,
    pub keymap: Option<String>,
    pub refresh: Option<Duration>,
    pub profiles: Vec<String>,
    pub regions: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            theme: Choice::new("dark", "theme"),
            keymap: Choice::new("default", "keymap"),
            refresh: Duration::from_secs(10),
            on_quit: OnQuit::default(),
            scopes: Vec::new(),
            controllers: Vec::new(),
            pools: Vec::new(),
            guardrails: Vec::new(),
            proof: Proof::default(),
            cost: CostSettings::default(),
            history: HistorySettings::default(),
            namespace: Namespace::default(),
        }
    }
}

impl Settings {
    /// Reads the file of the configuration directory, or the one that was named.
    ///
    /// A directory without the file is fine; a named file that is not there is not.
    pub fn load(named: Option<&Path>, directory: Option<&Path>) -> Result<Self, SettingsError> {
        let path = match (named, directory) {
            (Some(path), _) => path.to_owned(),
            (None, Some(directory)) => directory.join(FILE_NAME),
            (None, None) => return Ok(Self::default()),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut settings = Self::parse(&path, &text)?;
                settings.cost.terms.since = modified(&path);
                Ok(settings)
            }
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(SettingsError::unreadable(&path, &error)),
        }
    }

    /// Reads the text of a configuration file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        file::parse(path, text)
    }

    /// Lets the command line win.
    #[must_use]
    pub fn overridden(mut self, overrides: Overrides) -> Self {
        if let Some(name) = overrides.theme {
            self.theme = Choice::new(name, "--theme");
        }
        if let Some(name) = overrides.keymap {
            self.keymap = Choice::new(name, "--keymap");
        }
        self.refresh = overrides.refresh.unwrap_or(self.refresh);
        if !overrides.profiles.is_empty() {
            self.scopes = overrides
                .profiles
                .into_iter()
                .map(|profile| self.scope_of(profile))
                .collect();
        }
        if !overrides.regions.is_empty() {
            if self.scopes.is_empty() {
                self.scopes.push(ScopeSettings::default());
            }
            let regions = overrides.regions.iter();
            let regions: Vec<_> = regions.map(|it| Choice::new(it, "--region")).collect();
            for scope in &mut self.scopes {
                scope.regions.clone_from(&regions);
            }
        }
        self
    }

    /// A profile that the file knows keeps what the file says of it.
    fn scope_of(&self, profile: String) -> ScopeSettings {
        let known = self.scopes.iter().find(|it| {
            let named = it.profile.as_ref().map(|it| &it.name);
            named == Some(&profile) || it.alias.as_ref() == Some(&profile)
        });
        known.cloned().unwrap_or_else(|| ScopeSettings {
            profile: Some(Choice::new(profile, "--profile")),
            ..ScopeSettings::default()
        })
    }
}

/// Returns when a file was written; figures of the operator are as old as that.
fn modified(path: &Path) -> Timestamp {
    let modified = std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let since = modified.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(Timestamp::EPOCH, |it| Timestamp::EPOCH + it)
}

/// The name of the file in the configuration directory.
pub const FILE_NAME: &str = "config.toml";

/// The directories that belong to pooldeck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// Configuration, keymaps and themes.
    pub config: Option<PathBuf>,
    /// The audit log, journals and the log file.
    pub state: Option<PathBuf>,
}

impl Directories {
    /// Returns where the platform wants them; neither is made.
    pub fn of_platform() -> Self {
        let Some(project) = directories::ProjectDirs::from("", "", "pooldeck") else {
            return Self::default();
        };
        let state = project
            .state_dir()
            .unwrap_or_else(|| project.data_local_dir());
        Self {
            config: Some(project.config_dir().to_owned()),
            state: Some(state.to_owned()),
        }
    }
}

impl ControllerKind {
    pub const ALL: [Self; 5] = [
        Self::Buildbot,
        Self::Jenkins,
        Self::GitHub,
        Self::Buildkite,
        Self::Command,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buildbot => "buildbot",
            Self::Jenkins => "jenkins",
            Self::GitHub => "github",
            Self::Buildkite => "buildkite",
            Self::Command => "command",
        }
    }
}
