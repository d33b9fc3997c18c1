//! A plan in words, as it is shown before it is confirmed.

use crate::{
    action::{Plan, Target, conditional_words},
    fleet::{Fleet, Scope, sanitize},
};

/// Writes what the action would do: where, to what, by which calls, at what risk.
pub(super) fn in_words(plan: &Plan, fleet: &Fleet) -> String {
    let mut lines = vec![plan.command_line.clone()];
    let mut say = |label: &str, text: &str| lines.push(format!("  {label:<9} {text}"));
    for target in &plan.targets {
        say("pool", &pool(target, fleet.scope(&target.pool.scope)));
        for id in &target.instances {
            say("instance", id.as_str());
        }
    }
    for change in &plan.changes {
        say(
            "change",
            &format!("{} {} -> {}", change.what, change.from, change.to),
        );
    }
    if let Some(cost) = &plan.cost {
        say("cost", &cost.to_string());
    }
    if !plan.jobs_at_risk.is_empty() {
        let label = if plan.is_destructive {
            "at risk"
        } else {
            "job"
        };
        for job in &plan.jobs_at_risk {
            say(label, &job.to_string());
        }
    }
    for warning in &plan.warnings {
        say("warning", warning);
    }
    if let Some(guardrail) = &plan.guardrail {
        say("guardrail", guardrail);
    }
    // Last, because there may be many of them.
    for call in &plan.calls {
        say("call", &call.to_string());
    }
    for text in conditional_words(&plan.conditional_calls) {
        say("maybe", &text);
    }
    let clean = lines.iter().map(|it| sanitize(it));
    clean.fold(String::new(), |text, it| text + &it + "\n")
}

/// `demo/us-east-1/workhorse, account 123456789012 as ci-operator, production`.
fn pool(target: &Target, scope: Option<&Scope>) -> String {
    let mut text = target.pool.to_string();
    if let Some(scope) = scope {
        if let Some(identity) = &scope.identity {
            text = format!(
                "{text}, account {} as {}",
                identity.account,
                identity.role()
            );
        }
        if let Some(environment) = &scope.environment {
            text = format!("{text}, {environment}");
        }
    }
    text
}
