//! The row of a long operation, as both front ends list, filter and sort it.

use super::OperationView;
use crate::{
    fleet::{
        Align::{Left, Right},
        Field, Obstacle, PoolKey, Record, Timestamp, Usd, Value,
    },
    operation::{Spec, Standing, Subject, WaitingOn},
};

#[derive(Clone, Debug)]
pub struct OperationRow<'a>(pub &'a OperationView);

impl OperationRow<'_> {
    /// Returns how far it is: how many of its instances are over, of how many, or the part that
    /// AWS says it has replaced; none of what replaces nothing.
    pub fn done(&self) -> Option<String> {
        let it = &self.0.operation;
        match &it.spec {
            Spec::Freeze(_) => None,
            Spec::Refresh(_) => {
                let mut waits = self.0.waits.iter();
                let percent = waits.find_map(|it| match &it.1 {
                    WaitingOn::Refresh { percent, .. } => *percent,
                    _ => None,
                });
                percent.map(|it| format!("{it} %"))
            }
            Spec::Drain(_) | Spec::Roll(_) => {
                Some(format!("{}/{}", it.n_done(), it.targets().count()))
            }
        }
    }

    /// Returns the word of its state; one that is driven nowhere, or elsewhere, says so.
    pub fn state(&self) -> &'static str {
        let view = self.0;
        let word = view.state();
        if view.is_foreign {
            "foreign"
        } else if view.rests() && word != "needs-operator" && word != "paused" {
            "resting"
        } else if let Standing::Aborting { .. } = view.operation.standing() {
            "giving back"
        } else {
            word
        }
    }

    /// Returns what it has cost; at least, where a part has no known price.
    fn cost(&self) -> Value<'static> {
        match self.0.cost {
            Some(it) => match it.usd() {
                Some(usd) => Value::Usd(usd),
                None if it.known == Usd::ZERO => Value::Missing,
                None => Value::Text(format!(">{}", it.known).into()),
            },
            None => Value::Missing,
        }
    }

    /// Says what the first instance waits for, and how many others wait for something else.
    pub fn why(&self) -> Option<String> {
        let view = self.0;
        if let Some(halt) = view.halts.first() {
            return Some(halt.to_string());
        }
        if let Standing::Ended { left, .. } = view.operation.standing() {
            return left.first().cloned();
        }
        if view.rests() {
            return Some("an operator to resume it, or to abort it".to_owned());
        }
        let (_, first) = view.waits.first()?;
        let words = match first {
            WaitingOn::Time { what, at } => format!("{what} at {}", at.clock_time()),
            wait => wait.to_string(),
        };
        let kind = std::mem::discriminant(first);
        let is_another = |it: &&(_, WaitingOn)| std::mem::discriminant(&it.1) != kind;
        let n_others = view.waits.iter().filter(is_another).count();
        let more = match n_others {
            0 => String::new(),
            1 => "; another for something else".to_owned(),
            n => format!("; {n} others for something else"),
        };
        Some(format!("{words}{more}"))
    }
}

const fn field(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    align: crate::fleet::Align,
    is_default: bool,
) -> Field {
    Field {
        name,
        title,
        help,
        align,
        is_default,
    }
}

impl Record for OperationRow<'_> {
    const NOUN: &'static str = "an operation";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("operation", "OPERATION", "its id", Left, true),
            field("kind", "KIND", "what it does", Left, true),
            field("pool", "POOL", "where", Left, true),
            field("scope", "SCOPE", "the account and region", Left, false),
            field("state", "STATE", "how it stands", Left, true),
            field("done", "DONE", "instances that are over", Left, true),
            field(
                "owner",
                "OWNER",
                "who began it, or took it over",
                Left,
                true,
            ),
            field(
                "cost",
                "COST",
                "of machines that were there for it alone",
                Right,
                true,
            ),
            field(
                "ends_in",
                "ENDS IN",
                "by its jobs' own estimates",
                Right,
                true,
            ),
            field(
                "why",
                "WAITS FOR",
                "why nothing happens just now",
                Left,
                true,
            ),
            field("age", "AGE", "since when it runs", Right, false),
            field(
                "collisions",
                "COLLIDE",
                "ends that are in each other's way",
                Right,
                false,
            ),
            field(
                "fights",
                "FIGHTS",
                "what others changed meanwhile",
                Right,
                false,
            ),
            field(
                "driven",
                "DRIVEN",
                "whether a process here drives it",
                Left,
                false,
            ),
            field("started_at", "STARTED", "when it was begun", Left, false),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let view = self.0;
        let it = &view.operation;
        let count = |n: usize| Value::Number(f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
        match field {
            "operation" => Value::text(it.id.0.as_str()),
            "kind" => Value::text(it.spec.kind()),
            "pool" => Value::text(it.spec.pool().name.as_str()),
            "scope" => Value::text(it.spec.pool().scope.as_str()),
            "state" => Value::text(self.state()),
            "done" => self
                .done()
                .map_or(Value::Missing, |it| Value::Text(it.into())),
            "owner" => Value::Text(it.owner.to_string().into()),
            "ends_in" => view
                .ends_at()
                .map_or(Value::Missing, |it| Value::Age(it.since(now))),
            "why" => self
                .why()
                .map_or(Value::Missing, |it| Value::Text(it.into())),
            "cost" => self.cost(),
            "age" => Value::Age(now.since(it.started_at)),
            "collisions" => count(view.outlook.collisions.len()),
            "fights" => count(it.fights().len()),
            "driven" => Value::Flag(view.is_driven),
            "started_at" => Value::Time(it.started_at),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        let it = &self.0.operation;
        visit(&it.id.0);
        visit(it.spec.kind());
        visit(it.spec.pool().name.as_str());
        visit(&it.owner.user);
        visit(&it.owner.host);
        visit(&it.command_line);
        it.targets().for_each(|(id, _)| visit(id.as_str()));
    }
}

/// Returns what operations add to why nothing happens in a pool, or why it does not happen faster.
pub fn operations_in_the_way<'a>(
    views: impl IntoIterator<Item = &'a OperationView>,
    key: &PoolKey,
) -> Vec<Obstacle> {
    let is_there =
        |it: &&OperationView| !it.operation.is_over() && it.operation.spec.pools().contains(&key);
    let views = views.into_iter().filter(is_there);
    views
        .map(|view| {
            let row = OperationRow(view);
            let it = &view.operation;
            // How far a refresh is, is said of its pool, by a newer reading than its driver's.
            let is_refresh = |it: &(Subject, WaitingOn)| matches!(it.1, WaitingOn::Refresh { .. });
            let why = match view.waits.first() {
                Some(first) if view.halts.is_empty() && is_refresh(first) => {
                    Some("EC2 Auto Scaling's own refresh".to_owned())
                }
                _ => row.why(),
            };
            let why = why.map_or(String::new(), |it| format!(", waits for {it}"));
            let what = format!(
                "operation {} ({} of {}) is {}{why}",
                it.id,
                it.spec.kind(),
                it.owner,
                row.state()
            );
            Obstacle::new(what, !view.halts.is_empty() || view.rests())
        })
        .collect()
}
