//! The operations of this host, whoever drives them, as marks on the time axis.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    cost::past::OperationCost,
    engine::journal,
    fleet::{Marker, MarkerKind, ScopeId, Timestamp},
    operation::{Event, Happening, Operation},
};

/// How often the journals are looked at.
const PAUSE: Duration = Duration::from_secs(30);

/// Remembers which journals were read, and when they last changed.
#[derive(Debug, Default)]
pub(super) struct Told {
    looked_at: Option<Timestamp>,
    changed: BTreeMap<PathBuf, SystemTime>,
}

impl Told {
    /// Returns the beginnings and ends that are new, each with its account and name.
    pub(super) fn news(
        &mut self,
        state_dir: &Path,
        accounts: &BTreeMap<ScopeId, String>,
        now: Timestamp,
        cost: impl Fn(&Operation) -> Option<OperationCost>,
    ) -> Vec<(String, String, Marker)> {
        let is_early = |at: Timestamp| at <= now && now.since(at) < PAUSE;
        // Whose a scope is has to be known before anything of it is told.
        if self.looked_at.is_some_and(is_early) || accounts.is_empty() {
            return Vec::new();
        }
        self.looked_at = Some(now);
        let mut news = Vec::new();
        for (path, changed_at) in journal::changes(state_dir) {
            if self.changed.get(&path) == Some(&changed_at) {
                continue;
            }
            news.extend(marks(&journal::events(&path), accounts, &cost));
            self.changed.insert(path, changed_at);
        }
        news
    }
}

fn marks(
    events: &[Event],
    accounts: &BTreeMap<ScopeId, String>,
    cost: &impl Fn(&Operation) -> Option<OperationCost>,
) -> Vec<(String, String, Marker)> {
    let Some(Happening::Planned {
        id,
        spec,
        command_line,
        owner,
        ..
    }) = events.first().map(|it| &it.what)
    else {
        return Vec::new();
    };
    let pool = spec.pool();
    let Some(account) = accounts.get(&pool.scope) else {
        return Vec::new();
    };
    let cost = || {
        let cost = cost(&Operation::replay(events).ok()?)?;
        Some(format!("; it cost {cost}")).filter(|_| !cost.machine_time.is_zero())
    };
    let marks = events.iter().filter_map(|event| {
        let (end, what) = match &event.what {
            Happening::Planned { .. } => ("begin", format!("{owner} began: {command_line}")),
            Happening::Ended { left } if left.is_empty() => (
                "end",
                format!("{} {id} ended{}", spec.kind(), cost().unwrap_or_default()),
            ),
            Happening::Ended { left } => {
                let (left, cost) = (left.join("; "), cost().unwrap_or_default());
                let what = format!("{} {id} ended{cost}; not done: {left}", spec.kind());
                ("end", what)
            }
            _ => return None,
        };
        let marker = Marker {
            at: event.at,
            pool: Some(pool.clone()),
            kind: MarkerKind::Operation,
            what,
        };
        Some((account.clone(), format!("operation {id} {end}"), marker))
    });
    marks.collect()
}
