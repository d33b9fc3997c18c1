//! The row of a scaling activity.

use std::sync::Arc;

use super::field;
use crate::fleet::{
    Activity,
    Align::{Left, Right},
    Field, InstanceId, Record, Timestamp, Value,
};

/// A scaling activity.
#[derive(Clone, Debug)]
pub struct ActivityRow<'a>(pub &'a Arc<Activity>);

impl Record for ActivityRow<'_> {
    const NOUN: &'static str = "an activity";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("started_at", "STARTED", "when it began", Left, true),
            field("age", "AGE", "time since it began", Right, false),
            field("pool", "POOL", "the group that did it", Left, true),
            field("scope", "SCOPE", "account alias and region", Left, false),
            field("status", "STATUS", "status code", Left, true),
            field("description", "DESCRIPTION", "what is done", Left, true),
            field(
                "message",
                "MESSAGE",
                "AWS' reason for the status",
                Left,
                true,
            ),
            field("cause", "CAUSE", "who or what caused it", Left, false),
            field(
                "instance",
                "INSTANCE",
                "the instance that it is about",
                Left,
                false,
            ),
            field("percent", "%", "progress", Right, false),
            field("ended_at", "ENDED", "when it ended", Left, false),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.0;
        match field {
            "started_at" => Value::Time(it.started_at),
            "age" => Value::Age(now.since(it.started_at)),
            "pool" => Value::text(it.pool.name.as_str()),
            "scope" => Value::text(it.pool.scope.as_str()),
            "status" => Value::text(it.status.as_str()),
            "description" => Value::text(it.description.as_str()),
            "message" => Value::maybe_text(it.status_message.as_deref()),
            "cause" => Value::text(it.cause.as_str()),
            "instance" => Value::maybe_text(it.instance.as_ref().map(InstanceId::as_str)),
            "percent" => Value::maybe_count(it.percent),
            "ended_at" => it.ended_at.map_or(Value::Missing, Value::Time),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.0.pool.name.as_str());
        visit(&self.0.description);
        visit(&self.0.cause);
        if let Some(message) = &self.0.status_message {
            visit(message);
        }
    }
}
