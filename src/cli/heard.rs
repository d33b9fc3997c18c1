//! What is said of an operation that is followed: each thing once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::OperationView,
    fleet::sanitize,
    operation::{Spec, Subject},
};

/// Remembers what was said of an operation, so that nothing is said twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    is_named: bool,
    waits: BTreeMap<Subject, String>,
    halts: BTreeSet<String>,
    n_fights: usize,
}

impl Heard {
    /// Returns the lines that are new.
    pub(super) fn news(&mut self, view: &OperationView) -> Vec<String> {
        let mut lines = Vec::new();
        let id = &view.operation.id;
        if !std::mem::replace(&mut self.is_named, true) {
            let undoes = match view.operation.spec {
                Spec::Drain(_) | Spec::Roll(_) => "gives back what is not terminated",
                Spec::Freeze(_) => "resumes what it suspended",
                Spec::Refresh(_) => "has AWS stop where it is",
            };
            lines.push(match &view.operation.spec {
                // It is over as soon as the processes are suspended.
                Spec::Freeze(it) if it.duration.is_none() => {
                    format!("operation {id}: `pooldeck thaw {}` {undoes}", it.pool.name)
                }
                _ => format!("operation {id}: `pooldeck ops abort {id}` {undoes}"),
            });
        }
        let fights = view.operation.fights();
        for (_, fight) in fights.iter().skip(self.n_fights) {
            lines.push(sanitize(&format!("{fight}; it is left so")).into_owned());
        }
        self.n_fights = fights.len();
        for (subject, waiting_on) in &view.waits {
            // The count of a proof is not worth a line each time.
            let text = sanitize(&waiting_on.to_string()).into_owned();
            let kind = text
                .split(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                .next()
                .unwrap_or("")
                .to_owned();
            if self.waits.insert(subject.clone(), kind.clone()) != Some(kind) {
                lines.push(format!("{subject} waits for {text}"));
            }
        }
        for halt in &view.halts {
            let text = sanitize(&halt.to_string()).into_owned();
            if self.halts.insert(text.clone()) {
                lines.push(text);
            }
        }
        lines
    }
}
