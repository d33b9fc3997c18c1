//! The row of a stray: where the two worlds disagree.

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    Field, InstanceId, Record, Stray, Timestamp, Value,
};

#[derive(Clone, Debug)]
pub struct StrayRow<'a>(pub &'a Stray);

impl<'a> StrayRow<'a> {
    pub fn all(strays: &'a [Stray]) -> Vec<Self> {
        strays.iter().map(Self).collect()
    }
}

impl Record for StrayRow<'_> {
    const NOUN: &'static str = "a stray";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("kind", "KIND", "how the two worlds disagree", Left, true),
            field("name", "NAME", "the agent, or the pool", Left, true),
            field("instance", "INSTANCE", "the machine", Left, true),
            field(
                "pool",
                "POOL",
                "the pool that it should belong to",
                Left,
                false,
            ),
            field("for", "FOR", "since when", Right, true),
            field("why", "WHY", "what was expected, and what is", Left, true),
            field("since", "SINCE", "since when, as a time", Left, false),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.0;
        match field {
            "kind" => Value::text(it.kind.as_str()),
            "name" => Value::text(it.name.as_str()),
            "instance" => Value::maybe_text(it.instance.as_ref().map(InstanceId::as_str)),
            "pool" => Value::maybe_text(it.pool.as_ref().map(|it| it.name.as_str())),
            "for" => it
                .since
                .map_or(Value::Missing, |it| Value::Age(now.since(it))),
            "why" => Value::text(it.why.as_str()),
            "since" => it.since.map_or(Value::Missing, Value::Time),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.0.kind.as_str());
        visit(&self.0.name);
        visit(&self.0.why);
        if let Some(instance) = &self.0.instance {
            visit(instance.as_str());
        }
    }
}
