//! The row of a finding: what is wrong with a pool, how we know, and what mends it.

use super::field;
use crate::fleet::{Align::Left, Field, Finding, Record, Timestamp, Value};

#[derive(Clone, Debug)]
pub struct FindingRow<'a>(pub &'a Finding);

impl<'a> FindingRow<'a> {
    pub fn all(findings: &'a [Finding]) -> Vec<Self> {
        findings.iter().map(Self).collect()
    }
}

impl Record for FindingRow<'_> {
    const NOUN: &'static str = "a finding";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field(
                "severity",
                "SEVERITY",
                "danger, warning, unknown or advice",
                Left,
                true,
            ),
            field("pool", "POOL", "the pool that has it", Left, true),
            field("finding", "FINDING", "what is wrong, by name", Left, true),
            field("fix", "FIX", "the command that mends it", Left, true),
            field("evidence", "EVIDENCE", "how we know", Left, true),
            field("scope", "SCOPE", "account alias and region", Left, false),
        ];
        FIELDS
    }

    fn value(&self, field: &str, _now: Timestamp) -> Value<'_> {
        let it = self.0;
        match field {
            "severity" => Value::text(it.severity.as_str()),
            "pool" => Value::maybe_text(it.pool.as_ref().map(|it| it.name.as_str())),
            "finding" => Value::text(it.kind.as_str()),
            "fix" => Value::maybe_text(it.fix.as_deref()),
            "evidence" => Value::text(it.evidence.as_str()),
            "scope" => Value::text(it.source.to_string()),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.0.severity.as_str());
        visit(self.0.kind.as_str());
        visit(&self.0.evidence);
        if let Some(pool) = &self.0.pool {
            visit(pool.name.as_str());
        }
    }
}
