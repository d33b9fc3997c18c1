//! The row of a running job.

use std::sync::Arc;

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    Executor, Field, Fleet, InstanceId, Job, Record, Timestamp, Value,
};

/// A job and the agent that runs it.
#[derive(Clone, Debug)]
pub struct JobRow<'a> {
    pub job: &'a Job,
    pub executor: &'a Arc<Executor>,
}

impl<'a> JobRow<'a> {
    pub fn all(fleet: &'a Fleet) -> Vec<Self> {
        let executors = fleet.executors.iter();
        executors
            .flat_map(|executor| {
                executor
                    .jobs()
                    .iter()
                    .map(move |job| Self { job, executor })
            })
            .collect()
    }
}

impl Record for JobRow<'_> {
    const NOUN: &'static str = "a job";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("name", "JOB", "the job's name", Left, true),
            field("executor", "EXECUTOR", "the agent that runs it", Left, true),
            field("pool", "POOL", "the pool of its instance", Left, true),
            field(
                "instance",
                "INSTANCE",
                "the machine that it runs on",
                Left,
                true,
            ),
            field("controller", "CONTROLLER", "the controller", Left, false),
            field("age", "AGE", "time since it began", Right, true),
            field(
                "ends_in",
                "ENDS",
                "expected time to its end; late when that is over",
                Right,
                true,
            ),
            field("started_at", "STARTED", "when it began", Left, false),
            field(
                "expected_end",
                "EXPECTED END",
                "the controller's estimate",
                Left,
                false,
            ),
            field("url", "URL", "link to it", Left, true),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let (job, executor) = (self.job, self.executor);
        match field {
            "name" => Value::text(job.name.as_str()),
            "executor" => Value::text(executor.name.as_str()),
            "pool" => Value::maybe_text(executor.pool.as_ref().map(|it| it.name.as_str())),
            "instance" => Value::maybe_text(executor.instance.as_ref().map(InstanceId::as_str)),
            "controller" => Value::text(executor.controller.as_str()),
            "age" => job
                .started_at
                .map_or(Value::Missing, |it| Value::Age(now.since(it))),
            "ends_in" => match job.expected_end {
                Some(end) if end <= now => Value::text("late"),
                Some(end) => Value::Age(end.since(now)),
                None => Value::Missing,
            },
            "started_at" => job.started_at.map_or(Value::Missing, Value::Time),
            "expected_end" => job.expected_end.map_or(Value::Missing, Value::Time),
            "url" => Value::maybe_text(job.url.as_deref()),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(&self.job.name);
        visit(&self.executor.name);
        if let Some(pool) = &self.executor.pool {
            visit(pool.name.as_str());
        }
    }
}
