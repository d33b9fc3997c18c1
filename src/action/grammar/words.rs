//! Actions written back as words, so that every plan shows its command line.

use std::time::Duration;

use super::{Action, PoolArg};
use crate::fleet::InstanceId;

/// Writes the action as the command line that would do the same.
impl std::fmt::Display for Action {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each verb, and nothing else"
    )]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut words = vec![self.verb().to_owned()];
        let ids = |words: &mut Vec<String>, it: &[InstanceId]| {
            words.extend(it.iter().map(ToString::to_string));
        };
        match self {
            Self::Scale {
                pool,
                size,
                min,
                max,
            } => {
                pool.name_to(&mut words);
                words.extend(size.map(|it| it.to_string()));
                flag(&mut words, "--min", min.as_ref());
                flag(&mut words, "--max", max.as_ref());
                pool.scope_to(&mut words);
            }
            Self::Launch { pool, count } => {
                pool.name_to(&mut words);
                flag(&mut words, "--count", Some(count));
                pool.scope_to(&mut words);
            }
            Self::Drain {
                drained,
                replace,
                decrement,
                max_unavailable,
                deadline,
            } => {
                ids(&mut words, &drained.instances);
                flag(&mut words, "--pool", drained.pool.as_ref());
                flag(&mut words, "--count", drained.count.as_ref());
                flag(&mut words, "--scope", drained.scope.as_ref());
                words.extend(replace.then(|| "--replace".to_owned()));
                words.extend(decrement.then(|| "--decrement".to_owned()));
                let shown = (*max_unavailable != 1).then_some(max_unavailable);
                flag(&mut words, "--max-unavailable", shown);
                let deadline = deadline.map(|it| format!("{}s", it.as_secs()));
                flag(&mut words, "--deadline", deadline.as_ref());
            }
            Self::Terminate {
                instances,
                force,
                replace,
            } => {
                ids(&mut words, &instances.instances);
                words.extend(force.then(|| "--force".to_owned()));
                words.extend(replace.then(|| "--replace".to_owned()));
            }
            Self::Protect(it)
            | Self::Unprotect(it)
            | Self::Activate(it)
            | Self::Cordon(it)
            | Self::Uncordon(it) => {
                ids(&mut words, &it.instances);
            }
            Self::Standby { instances, replace } => {
                ids(&mut words, &instances.instances);
                words.extend(replace.then(|| "--replace".to_owned()));
            }
            Self::Suspend { pool, processes } | Self::Resume { pool, processes } => {
                pool.name_to(&mut words);
                words.extend(processes.iter().map(ToString::to_string));
                pool.scope_to(&mut words);
            }
            Self::Hook {
                answer,
                instances,
                name,
                force,
            } => {
                words.push(answer.to_string());
                ids(&mut words, &instances.instances);
                flag(&mut words, "--hook", name.as_ref());
                words.extend(force.then(|| "--force".to_owned()));
            }
            Self::Refresh {
                answer,
                pool,
                terms,
            } => {
                words.push(answer.to_string());
                pool.name_to(&mut words);
                terms.write_to(&mut words);
                pool.scope_to(&mut words);
            }
            Self::Reami(it) => words.extend(it.words()),
            Self::Rollback(it) => words.extend(it.words()),
            Self::Freeze { pool, duration } => {
                pool.name_to(&mut words);
                seconds(&mut words, "--for", *duration);
                pool.scope_to(&mut words);
            }
            Self::Harden {
                pool,
                heartbeat,
                launch_hook,
                no_protection,
            } => {
                pool.name_to(&mut words);
                seconds(&mut words, "--heartbeat", *heartbeat);
                words.extend(launch_hook.then(|| "--launch-hook".to_owned()));
                words.extend(no_protection.then(|| "--no-protection".to_owned()));
                pool.scope_to(&mut words);
            }
            Self::EnableMetrics { pool } | Self::Thaw { pool } => {
                pool.name_to(&mut words);
                pool.scope_to(&mut words);
            }
            Self::Tag {
                tag: (key, value),
                instances,
                pool,
                propagate,
                scope,
            } => {
                words.push(format!("{key}={value}"));
                ids(&mut words, instances);
                flag(&mut words, "--pool", pool.as_ref());
                words.extend(propagate.then(|| "--propagate".to_owned()));
                flag(&mut words, "--scope", scope.as_ref());
            }
        }
        // A NUL byte cannot be quoted, and no argument of ours can hold one.
        let line =
            shlex::try_join(words.iter().map(String::as_str)).map_err(|_| std::fmt::Error)?;
        f.write_str(&line)
    }
}

impl PoolArg {
    fn name_to(&self, words: &mut Vec<String>) {
        words.extend(self.pool.iter().map(ToString::to_string));
    }

    fn scope_to(&self, words: &mut Vec<String>) {
        flag(words, "--scope", self.scope.as_ref());
    }
}

pub(super) fn flag(words: &mut Vec<String>, name: &str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        words.extend([name.to_owned(), value.to_string()]);
    }
}

pub(super) fn seconds(words: &mut Vec<String>, name: &str, value: Option<Duration>) {
    flag(
        words,
        name,
        value.map(|it| format!("{}s", it.as_secs())).as_ref(),
    );
}
