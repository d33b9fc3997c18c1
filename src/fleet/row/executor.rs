//! The row of a CI agent.

use std::sync::Arc;

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    Executor, Field, Fleet, InstanceId, Job, Record, Timestamp, Value, Work,
};

#[derive(Clone, Debug)]
pub struct ExecutorRow<'a>(pub &'a Arc<Executor>);

impl<'a> ExecutorRow<'a> {
    pub fn all(fleet: &'a Fleet) -> Vec<Self> {
        fleet.executors.iter().map(Self).collect()
    }

    /// Returns why the agent's work is what it is, where that needs a word.
    pub fn why(&self) -> Option<&'a str> {
        match &self.0.work {
            Work::Unknown(why) => Some(why),
            Work::Busy(_) | Work::Idle { .. } | Work::Offline { .. } => None,
        }
    }

    fn first_job(&self) -> Option<&'a Job> {
        self.0.jobs().first()
    }
}

impl Record for ExecutorRow<'_> {
    const NOUN: &'static str = "an executor";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("name", "EXECUTOR", "the agent's name", Left, true),
            field(
                "controller",
                "CONTROLLER",
                "the controller that it serves",
                Left,
                true,
            ),
            field("pool", "POOL", "the pool of its instance", Left, true),
            field(
                "instance",
                "INSTANCE",
                "the machine that it runs on",
                Left,
                true,
            ),
            field("work", "WORK", "busy, idle, offline or unknown", Left, true),
            field(
                "for",
                "FOR",
                "how long it has been idle or offline, or its job has run",
                Right,
                true,
            ),
            field("why", "WHY", "why its work is not known", Left, false),
            field("cordoned", "CORDON", "takes no new jobs", Left, true),
            field(
                "note",
                "NOTE",
                "the controller's note on the cordon",
                Left,
                false,
            ),
            field("slots", "SLOTS", "busy slots of all", Right, true),
            field("job", "JOB", "the job that it runs", Left, true),
            field(
                "ends_in",
                "ENDS",
                "expected time to the end of the job; late when it is over",
                Right,
                true,
            ),
            field("url", "URL", "link to the job", Left, false),
            field("labels", "LABELS", "what jobs may ask for", Left, false),
            field("joined", "JOINED", "how its machine was found", Left, false),
            field("seen", "SEEN", "age of the newest evidence", Right, false),
            field(
                "evidence",
                "EVIDENCE",
                "what the newest evidence says",
                Left,
                false,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.0;
        let newest = it.evidence.iter().max_by_key(|it| it.at);
        let age = |at: Option<Timestamp>| at.map_or(Value::Missing, |it| Value::Age(now.since(it)));
        match field {
            "name" => Value::text(it.name.as_str()),
            "controller" => Value::text(it.controller.as_str()),
            "pool" => Value::maybe_text(it.pool.as_ref().map(|it| it.name.as_str())),
            "instance" => Value::maybe_text(it.instance.as_ref().map(InstanceId::as_str)),
            "work" => Value::text(it.work.as_str()),
            "for" => match &it.work {
                Work::Busy(jobs) => age(jobs.iter().filter_map(|it| it.started_at).min()),
                Work::Idle { since } | Work::Offline { since } => age(*since),
                Work::Unknown(_) => Value::Missing,
            },
            "why" => Value::maybe_text(self.why()),
            "cordoned" => Value::Flag(it.cordoned),
            "note" => Value::maybe_text(it.note.as_deref()),
            "slots" => Value::text(format!("{}/{}", it.n_busy_slots, it.n_slots)),
            "job" => Value::maybe_text(self.first_job().map(|it| it.name.as_str())),
            "ends_in" => match self.first_job().and_then(|it| it.expected_end) {
                Some(end) if end <= now => Value::text("late"),
                Some(end) => Value::Age(end.since(now)),
                None => Value::Missing,
            },
            "url" => Value::maybe_text(self.first_job().and_then(|it| it.url.as_deref())),
            "labels" => Value::text(it.labels.join(",")),
            "joined" => Value::text(it.joining.to_string()),
            "seen" => age(newest.map(|it| it.at)),
            "evidence" => Value::maybe_text(newest.map(|it| it.what.as_str())),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        let it = self.0;
        visit(&it.name);
        visit(it.controller.as_str());
        visit(it.work.as_str());
        let instance = it.instance.as_ref().map(InstanceId::as_str);
        let pool = it.pool.as_ref().map(|it| it.name.as_str());
        let job = self.first_job().map(|it| it.name.as_str());
        for word in [instance, pool, job].into_iter().flatten() {
            visit(word);
        }
    }
}
