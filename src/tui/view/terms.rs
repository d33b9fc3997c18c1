//! The terms of an operation: what its operator asked for, in the words of its kind.

use super::{dim, plain};
use crate::{
    fleet::{Process, Timestamp, short_duration},
    operation::{Change, Drain, Freeze, Operation, PoolRoll, Refresh, Roll, Spec, Strategy},
    tui::{theme::Role, widget::Span},
};

type Line = Vec<Span<'static>>;

/// What the operator asked for, in the words of its kind.
pub(super) fn terms(it: &Operation, at: Timestamp) -> Vec<Line> {
    match &it.spec {
        Spec::Drain(drain) => drain_terms(it, drain, at),
        Spec::Freeze(freeze) => freeze_terms(freeze),
        Spec::Roll(roll) => roll_terms(it, roll, at),
        Spec::Refresh(refresh) => refresh_terms(refresh),
    }
}

pub(super) fn fact(name: &str, value: Span<'static>) -> Line {
    vec![dim(format!("{name:<9} ")), value]
}

fn refresh_terms(refresh: &Refresh) -> Vec<Line> {
    let terms = match &refresh.follows {
        Some(id) => format!("follows {id}, which was under way"),
        None => refresh.terms.to_string(),
    };
    let copy = refresh.copy.iter();
    let copy = copy.map(|it| format!("{} → a copy with {}", it.from, it.image));
    let mut lines: Vec<Line> = copy.map(|it| fact("template", plain(it))).collect();
    lines.push(fact("refresh", dim(terms)));
    lines
}

fn freeze_terms(freeze: &Freeze) -> Vec<Line> {
    let names: Vec<&str> = freeze.processes.iter().map(Process::as_str).collect();
    let lasts = freeze.duration.map_or_else(
        || "until somebody thaws it".to_owned(),
        |it| format!("{}, and thaws by itself", short_duration(it)),
    );
    vec![
        fact("suspends", dim(names.join(" "))),
        fact("lasts", dim(lasts)),
    ]
}

/// How a roll goes about it.
fn roll_terms(it: &Operation, roll: &Roll, at: Timestamp) -> Vec<Line> {
    let change = |it: &PoolRoll| {
        let to = match &it.to {
            Change::Existing(source) => source.to_string(),
            Change::Copy { image: Some(image) } => format!("a copy with {image}"),
            Change::Copy { image: None } => "a copy that boots afresh".to_owned(),
        };
        format!("{} → {to}", it.from)
    };
    let pools = roll.pools.iter();
    let mut lines: Vec<Line> = pools
        .map(|it| fact("template", plain(change(it))))
        .collect();
    let strategy = match roll.strategy {
        Strategy::Surge => "new ones first",
        Strategy::TerminateFirst => "old ones first",
    };
    let batch = roll.pools.iter().map(|it| it.batch).max().unwrap_or(1);
    let canary = match roll.canary {
        0 => "no canary".to_owned(),
        n => format!("{n} first, watched for {}", short_duration(roll.bake)),
    };
    let most = most_missing(it, roll.max_unavailable);
    lines.push(fact(
        "roll",
        dim(format!(
            "{strategy}, {batch} at a time, {canary}; at most {most}"
        )),
    ));
    if let Some(why) = it.turned_back() {
        lines.push(fact("back", Span::new(why.to_owned(), Role::Danger)));
    }
    lines.extend(roll.deadline.filter(|_| !it.is_over()).map(|deadline| {
        let left = (it.started_at + deadline).since(at);
        let text = format!("in {}, then the rest is given back", short_duration(left));
        fact("deadline", Span::new(text, Role::Waiting))
    }));
    lines
}

fn drain_terms(it: &Operation, drain: &Drain, at: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let size = if drain.decrement {
        "desired goes down with each".to_owned()
    } else {
        let most = most_missing(it, drain.max_unavailable);
        format!("the group replaces each; at most {most} at a time")
    };
    lines.push(fact("size", dim(size)));
    if drain.force {
        let text = "forced: terminates without looking at the jobs";
        lines.push(fact("proof", Span::new(text, Role::Danger)));
    } else {
        let proof = &drain.proof;
        let span = short_duration(proof.span);
        let text = format!(
            "{} idle readings over {span} or more, all after the cordon",
            proof.n_readings
        );
        lines.push(fact("proof", dim(text)));
    }
    lines.extend(drain.deadline.filter(|_| !it.is_over()).map(|deadline| {
        let ends = it.started_at + deadline;
        let text = if at < ends {
            format!(
                "in {}, then the rest is given back",
                short_duration(ends.since(at))
            )
        } else {
            "over: the rest is given back".to_owned()
        };
        fact("deadline", Span::new(text, Role::Waiting))
    }));
    lines
}

/// Says how many may be missing, and that this was changed while it ran.
fn most_missing(it: &Operation, planned: u32) -> String {
    match it.max_unavailable().filter(|it| *it != planned) {
        Some(now) => format!("{now} missing (sped up from {planned})"),
        None => format!("{planned} missing"),
    }
}
