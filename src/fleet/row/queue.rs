//! The row of a queue: what waits for one label.

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    Field, Fleet, Queue, Record, Timestamp, Value,
};

#[derive(Clone, Debug)]
pub struct QueueRow<'a>(pub &'a Queue);

impl<'a> QueueRow<'a> {
    pub fn all(fleet: &'a Fleet) -> Vec<Self> {
        fleet.queues.iter().map(Self).collect()
    }
}

impl Record for QueueRow<'_> {
    const NOUN: &'static str = "a queue";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("label", "LABEL", "what the jobs ask for", Left, true),
            field("controller", "CONTROLLER", "the controller", Left, true),
            field("length", "QUEUED", "jobs that wait", Right, true),
            field(
                "oldest",
                "OLDEST",
                "how long the oldest has waited",
                Right,
                true,
            ),
            field(
                "why",
                "WHY",
                "the controller's own words for why the oldest waits",
                Left,
                true,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.0;
        match field {
            "label" => Value::text(it.label.as_str()),
            "controller" => Value::text(it.controller.as_str()),
            "length" => Value::count(it.length),
            "oldest" => it
                .oldest_since
                .map_or(Value::Missing, |it| Value::Age(now.since(it))),
            "why" => Value::maybe_text(it.why.as_deref()),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(&self.0.label);
        visit(self.0.controller.as_str());
        if let Some(why) = &self.0.why {
            visit(why);
        }
    }
}
