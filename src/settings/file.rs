//! The shape of the configuration file, and its reading.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use super::{
    Choice, ControllerSettings, PoolSelection, PoolSettings, ScopeSettings, Settings,
    SettingsError, controller::ControllerTable, cost::CostTable, error::line_of,
    history::HistoryTable, metrics::MetricsTable,
};
use crate::{
    action::{Confirmation, Guardrail, verbs},
    fleet::{ControllerName, JoinRule, nearest, parse_duration},
    operation::{OnQuit, Proof},
};

/// Returns a file in which every key stands with its meaning; `info --config-example` prints it.
pub fn example() -> &'static str {
    include_str!("example.toml")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    theme: Option<Spanned<String>>,
    keymap: Option<Spanned<String>>,
    refresh: Option<Span>,
    on_quit: Option<OnQuit>,
    #[serde(default)]
    scope: Vec<ScopeTable>,
    #[serde(default)]
    controller: Vec<ControllerTable>,
    #[serde(default)]
    pool: Vec<PoolTable>,
    #[serde(default)]
    guardrail: Vec<GuardrailTable>,
    #[serde(default)]
    proof: ProofTable,
    #[serde(default)]
    cost: CostTable,
    #[serde(default)]
    history: HistoryTable,
    #[serde(default)]
    metrics: MetricsTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeTable {
    profile: Option<Spanned<String>>,
    #[serde(default)]
    regions: Vec<Spanned<String>>,
    alias: Option<Spanned<String>>,
    environment: Option<String>,
    #[serde(default)]
    read_only: bool,
    endpoint_url: Option<String>,
    pools: Option<PoolSelectionTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolSelectionTable {
    tag: Option<String>,
    #[serde(default)]
    names: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolTable {
    r#match: String,
    controller: Option<Spanned<String>>,
    label: Option<String>,
    executors_per_instance: Option<u32>,
    instance_from: Option<JoinRule>,
    boot_budget: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardrailTable {
    environment: Option<String>,
    scope: Option<String>,
    pool: Option<String>,
    #[serde(default)]
    actions: Vec<Spanned<String>>,
    confirm: Option<Confirmation>,
    max_instances: Option<u32>,
    max_percent: Option<u32>,
    #[serde(default)]
    require_reason: bool,
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofTable {
    readings: Option<Spanned<u32>>,
    span: Option<Span>,
    max_age: Option<Span>,
    settle: Option<Span>,
}

/// A duration as operators write it: `10s`, `5m`.
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Reads a configuration file, and checks what its tables say of each other.
pub(super) fn parse(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    let file: File = toml::from_str(text).map_err(|it| SettingsError::of_toml(path, text, &it))?;
    let reader = Reader { path, text };
    let default = Settings::default();
    let controllers = file.controller.into_iter().map(|it| reader.controller(it));
    let controllers: Vec<ControllerSettings> = controllers.collect::<Result<_, _>>()?;
    reader.check_aliases(&file.scope)?;
    let pools = file
        .pool
        .into_iter()
        .map(|it| reader.pool(it, &controllers));
    let pools = pools.collect::<Result<_, _>>()?;
    let guardrails = file.guardrail.into_iter().map(|it| reader.guardrail(it));
    let proof = reader.proof(file.proof)?;
    Ok(Settings {
        proof,
        file: Some(path.to_owned()),
        theme: reader.choice("theme", file.theme, default.theme),
        keymap: reader.choice("keymap", file.keymap, default.keymap),
        refresh: file
            .refresh
            .map_or(default.refresh, |it| it.0.max(REFRESH_MIN)),
        on_quit: file.on_quit.unwrap_or(default.on_quit),
        scopes: file.scope.into_iter().map(|it| reader.scope(it)).collect(),
        pools,
        guardrails: guardrails.collect::<Result<_, _>>()?,
        cost: super::cost::read(&reader, file.cost)?,
        history: super::history::read(&reader, &file.history)?,
        namespace: super::metrics::read(&reader, &file.metrics)?,
        controllers,
    })
}

/// AWS' buckets are shared with the autoscaler that we watch: no console reads faster than this.
const REFRESH_MIN: Duration = Duration::from_secs(2);

/// Places errors in the file.
pub(super) struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// Keeps with a name the place where it stands.
    fn choice(&self, key: &str, chosen: Option<Spanned<String>>, default: Choice) -> Choice {
        chosen.map_or(default, |it| self.placed(key, it))
    }

    fn placed(&self, key: &str, chosen: Spanned<String>) -> Choice {
        let line = line_of(self.text, chosen.span().start);
        let place = format!("{}:{line}: {key}", self.path.display());
        Choice::new(chosen.into_inner(), place)
    }

    fn scope(&self, table: ScopeTable) -> ScopeSettings {
        let placed = |key, names: Vec<Spanned<String>>| {
            let names = names.into_iter();
            names.map(|it| self.placed(key, it)).collect()
        };
        let pools = table.pools.unwrap_or_default();
        ScopeSettings {
            profile: table.profile.map(|it| self.placed("profile", it)),
            regions: placed("regions", table.regions),
            alias: table.alias.map(Spanned::into_inner),
            environment: table.environment,
            read_only: table.read_only,
            endpoint_url: table.endpoint_url,
            selection: PoolSelection {
                tag: pools.tag,
                names: placed("pools.names", pools.names),
            },
        }
    }

    pub(super) fn error<T, S>(&self, at: &Spanned<S>, what: String) -> Result<T, SettingsError> {
        Err(SettingsError::at(
            self.path,
            self.text,
            Some(at.span()),
            what,
        ))
    }

    fn check_aliases(&self, scopes: &[ScopeTable]) -> Result<(), SettingsError> {
        for (scope_idx, scope) in scopes.iter().enumerate() {
            let Some(alias) = &scope.alias else { continue };
            let is_same = |it: &ScopeTable| {
                it.alias
                    .as_ref()
                    .is_some_and(|it| it.get_ref() == alias.get_ref())
            };
            if scopes[..scope_idx].iter().any(is_same) {
                let alias_text = alias.get_ref();
                return self.error(
                    alias,
                    format!("two scopes are called `{alias_text}`; an alias names one"),
                );
            }
        }
        Ok(())
    }

    fn pool(
        &self,
        table: PoolTable,
        controllers: &[ControllerSettings],
    ) -> Result<PoolSettings, SettingsError> {
        if let Some(controller) = &table.controller {
            let names: Vec<&str> = controllers.iter().map(|it| it.name.as_str()).collect();
            if !names.contains(&controller.get_ref().as_str()) {
                return self.error(
                    controller,
                    unknown("controller", controller.get_ref(), &names),
                );
            }
        }
        Ok(PoolSettings {
            pattern: table.r#match,
            controller: table
                .controller
                .map(|it| ControllerName::from(it.into_inner())),
            label: table.label,
            executors_per_instance: table.executors_per_instance.unwrap_or(1).max(1),
            instance_from: table.instance_from,
            boot_budget: table.boot_budget.map_or(Duration::from_mins(10), |it| it.0),
        })
    }

    fn proof(&self, table: ProofTable) -> Result<Proof, SettingsError> {
        let default = Proof::default();
        if let Some(readings) = table.readings.as_ref().filter(|it| *it.get_ref() < 2) {
            let what = "one reading proves nothing; `readings` is 2 or more".to_owned();
            return self.error(readings, what);
        }
        let or = |span: Option<Span>, default: Duration| span.map_or(default, |it| it.0);
        Ok(Proof {
            n_readings: table
                .readings
                .map_or(default.n_readings, Spanned::into_inner),
            span: or(table.span, default.span),
            max_age: or(table.max_age, default.max_age),
            settle: or(table.settle, default.settle),
        })
    }

    fn guardrail(&self, table: GuardrailTable) -> Result<Guardrail, SettingsError> {
        let verbs = verbs();
        let names: Vec<&str> = verbs.iter().map(|it| it.name.as_str()).collect();
        for action in &table.actions {
            if !names.contains(&action.get_ref().as_str()) {
                return self.error(action, unknown("action", action.get_ref(), &names));
            }
        }
        Ok(Guardrail {
            environment: table.environment,
            scope: table.scope,
            pool: table.pool,
            actions: table.actions.into_iter().map(Spanned::into_inner).collect(),
            confirm: table.confirm,
            max_instances: table.max_instances,
            max_percent: table.max_percent,
            require_reason: table.require_reason,
            reason: table.reason,
        })
    }
}

pub(super) fn unknown(noun: &str, word: &str, known: &[&str]) -> String {
    let hint = match nearest(word, known.iter().copied()) {
        Some(it) => format!("did you mean `{it}`?"),
        None if known.is_empty() => "none is configured".to_owned(),
        None => format!("expected one of {}", known.join(", ")),
    };
    format!("no {noun} is called `{word}`; {hint}")
}
