//! Plans, results and events of actions in JSON.

use serde::Serialize;

use super::VERSION;
use crate::{
    action, engine,
    fleet::{self, Call, FailureKind, Receipt, SourceId, Timestamp, Usd},
};

/// What an action writes at its end; with `--dry-run`, what it would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionResult {
    pub version: u32,
    pub at: Timestamp,
    /// The command line that asks for the same.
    pub command_line: String,
    pub reason: Option<String>,
    /// `planned` (a dry run), `done`, `already_so`, `declined`, `refused`,
    /// `changed`, `unavailable`, `failed`, `partly`, `unfollowed`, `aborted`,
    /// `stopped` (the operation rests) or `detached` (it goes on without us).
    pub outcome: &'static str,
    pub exit_code: u8,
    /// A sentence for each thing that stands in the way or went wrong.
    pub why: Vec<String>,
    /// Null when there was none. With `changed`, what the action would do now.
    pub plan: Option<Plan>,
    /// The calls that were made, in their order.
    pub calls: Vec<Applied>,
    /// The instances that were launched; empty for every other action.
    pub instances: Vec<Launched>,
    /// The id of the long operation that was started.
    pub operation: Option<String>,
    /// That operation as it stood at the end: what became of each instance, and why; null where
    /// there was none. Its calls are in the audit log.
    pub operation_at_end: Option<Box<super::Operation>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub command_line: String,
    pub verb: String,
    /// The exact writes, in their order.
    pub calls: Vec<PlannedCall>,
    /// What a long operation calls besides, where it is needed.
    pub conditional_calls: Vec<ConditionalCall>,
    pub targets: Vec<Target>,
    pub changes: Vec<Change>,
    /// Dollars per hour before it, after it, and the difference; null when as many
    /// instances run as before, and null within where a price is not known.
    pub usd_per_hour: Option<CostChange>,
    pub jobs_at_risk: Vec<String>,
    pub warnings: Vec<String>,
    pub destructive: bool,
    /// How it is confirmed on a terminal: `yes-no`, `type-pool-name`, `type-account-alias`.
    pub confirmation: &'static str,
    /// The words of the guardrail that applies.
    pub guardrail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedCall {
    /// As IAM names it: `autoscaling:SetDesiredCapacity`.
    pub operation: &'static str,
    /// `name=value` words in the order of the API reference.
    pub parameters: String,
    /// The `id` of a scope, or the name of a controller.
    pub source: String,
    pub instances: Vec<String>,
}

/// A call that depends on what is found when its time comes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConditionalCall {
    #[serde(flatten)]
    pub call: PlannedCall,
    /// When it is made, in words.
    pub when: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    pub pool: String,
    pub scope: String,
    /// The instances that the action names; empty when it means the pool itself.
    pub instances: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub pool: String,
    pub scope: String,
    pub what: String,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostChange {
    pub from: Option<Usd>,
    pub to: Option<Usd>,
    pub change: Option<Usd>,
    /// Why it is not known.
    pub why: Option<String>,
}

/// A call that was made, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    #[serde(flatten)]
    pub call: PlannedCall,
    /// `applied`, `failed`, or `unknown` when no answer came: it may have happened.
    pub result: &'static str,
    pub request_id: Option<String>,
    pub message: Option<String>,
    pub error: Option<CallError>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallError {
    pub kind: FailureKind,
    pub what: String,
}

/// An instance that was asked for, as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Launched {
    /// Null while it is only asked for, or when it failed before it had an id.
    pub id: Option<String>,
    /// `requested`, `pending`, `running`, `in_service` or `failed`.
    pub state: &'static str,
    pub why: Option<String>,
}

/// One line of `-o ndjson`, as it happens; `ended` is the last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    Planned { plan: Plan },
    Observing,
    Calling { call: PlannedCall },
    Applied { call: Applied },
    Failed { call: Applied },
    Launching { instances: Vec<Launched> },
    Operation { operation: super::Operation },
    Ended { result: ActionResult },
}

impl ActionResult {
    /// Makes the result of an action of which nothing is known yet but its words.
    pub fn new(at: Timestamp, command_line: String, reason: Option<String>) -> Self {
        Self {
            version: VERSION,
            at,
            command_line,
            reason,
            outcome: "failed",
            exit_code: 1,
            why: Vec::new(),
            plan: None,
            calls: Vec::new(),
            instances: Vec::new(),
            operation: None,
            operation_at_end: None,
        }
    }
}

impl Plan {
    pub fn new(plan: &action::Plan) -> Self {
        Self {
            command_line: plan.command_line.clone(),
            verb: plan.verb.clone(),
            calls: plan.calls.iter().map(PlannedCall::new).collect(),
            conditional_calls: plan
                .conditional_calls
                .iter()
                .map(ConditionalCall::new)
                .collect(),
            targets: plan.targets.iter().map(Target::new).collect(),
            changes: plan.changes.iter().map(Change::new).collect(),
            usd_per_hour: plan.cost.as_ref().map(|it| CostChange {
                from: it.from,
                to: it.to,
                change: it.change,
                why: it.why.clone(),
            }),
            jobs_at_risk: plan.jobs_at_risk.iter().map(ToString::to_string).collect(),
            warnings: plan.warnings.clone(),
            destructive: plan.is_destructive,
            confirmation: plan.confirmation.as_str(),
            guardrail: plan.guardrail.clone(),
        }
    }
}

impl ConditionalCall {
    fn new(conditional: &action::ConditionalCall) -> Self {
        Self {
            call: PlannedCall::new(&conditional.call),
            when: conditional.when,
        }
    }
}

impl PlannedCall {
    pub fn new(call: &Call) -> Self {
        let source: SourceId = call.source();
        Self {
            operation: call.operation(),
            parameters: call.parameters(),
            source: source.to_string(),
            instances: call.instances().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Target {
    fn new(target: &action::Target) -> Self {
        Self {
            pool: target.pool.name.to_string(),
            scope: target.pool.scope.to_string(),
            instances: target.instances.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Change {
    fn new(change: &action::Change) -> Self {
        Self {
            pool: change.pool.name.to_string(),
            scope: change.pool.scope.to_string(),
            what: change.what.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        }
    }
}

impl Applied {
    pub fn answered(call: &Call, receipt: &Receipt) -> Self {
        Self {
            call: PlannedCall::new(call),
            result: "applied",
            request_id: receipt.request_id.clone(),
            message: receipt.message.clone(),
            error: None,
        }
    }

    pub fn failed(call: &Call, failure: &fleet::Failure) -> Self {
        let is_unknown = failure.kind == FailureKind::Unknown;
        Self {
            call: PlannedCall::new(call),
            result: if is_unknown { "unknown" } else { "failed" },
            request_id: None,
            message: None,
            error: Some(CallError {
                kind: failure.kind,
                what: failure.what.clone(),
            }),
        }
    }
}

impl Launched {
    pub fn new(launch: &engine::Launch) -> Self {
        use engine::LaunchState as State;
        let (state, why) = match &launch.state {
            State::Requested => ("requested", None),
            State::Pending => ("pending", None),
            State::Running => ("running", None),
            State::InService => ("in_service", None),
            State::Failed(why) => ("failed", Some(why.clone())),
        };
        Self {
            id: launch.instance.as_ref().map(ToString::to_string),
            state,
            why,
        }
    }
}
