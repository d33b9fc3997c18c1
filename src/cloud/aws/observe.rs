//! One reading of a scope: the groups first, then everything that hangs on them, at once.

use super::{
    NamePattern, Selection,
    denials::Subject,
    groups,
    groups::Group,
    machines::{self, Machine},
    memory::{Memory, Todo},
    open::Clients,
    pages::Walk,
    rows::Sources,
    status::{self, Status},
    walks::SlowWalk,
};
use crate::{
    cloud::{Error, Reading},
    fleet::{Failure, FailureKind, InstanceId, Part, Scope, Timestamp, matches_wildcards, nearest},
};

/// Reads the scope. Fails only when not even one page of groups could be read.
pub(super) async fn observe(
    clients: &Clients,
    scope: Scope,
    selection: &Selection,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<Reading, Error> {
    let mut listing = groups::list(clients, selection, &scope.id).await;
    let mut missing = Vec::new();
    if listing.failure.is_none() {
        missing.extend(unknown_names(selection, &listing, &scope, now));
    }
    if let Some(error) = listing.failure.take() {
        if listing.n_pages == 0 {
            return Err(error);
        }
        missing.push(broken_off(&listing, error.clone(), now));
        listing.failure = Some(error);
    }
    let is_listed = listing.failure.is_none();
    memory.take_groups(listing, now);
    let todo = memory.todo(selection, now);
    // Boxed: it holds the futures of a dozen requests.
    let answers = Box::pin(ask(clients, &scope, selection, memory, todo, now)).await;
    let is_missed = answers.errors.iter().any(|it| it.0 == Subject::Machines);
    if is_listed && !is_missed && !memory.denials.is_denied(Subject::Machines, now) {
        memory.whole_at = Some(now);
    }
    keep(memory, answers, now, &mut missing);
    memory.settle();
    Ok(Reading {
        part: part(scope, selection, memory, now),
        missing,
    })
}

/// Explains a listing that failed after its first page.
fn broken_off(listing: &Walk<Group>, error: Error, now: Timestamp) -> Failure {
    let n = listing.rows.len();
    let mut failure = error.into_failure(now, None);
    failure.what = format!(
        "{}; the groups after the first {n} are as last read",
        failure.what
    );
    failure
}

/// Names the configured names that no group has: an empty screen would look like an empty fleet.
fn unknown_names(
    selection: &Selection,
    listing: &Walk<Group>,
    scope: &Scope,
    now: Timestamp,
) -> Vec<Failure> {
    let known = || listing.rows.iter().map(|it| it.pool.name.as_str());
    let is_unknown = |it: &&NamePattern| !known().any(|name| matches_wildcards(name, &it.pattern));
    let unknown = selection.names.iter().filter(is_unknown);
    unknown
        .map(|NamePattern { pattern, place }| Failure {
            kind: FailureKind::NotFound,
            what: format!(
                "{place}: no group of {} is called {pattern:?}{}",
                scope.id,
                nearest(pattern, known())
                    .map_or(String::new(), |it| format!("; did you mean `{it}`?"))
            ),
            at: now,
            retry_at: None,
        })
        .collect()
}

/// What came back beside the groups.
struct Answers {
    errors: Vec<(Subject, Error)>,
    loose: Option<Walk<(InstanceId, Machine)>>,
    statuses: Option<Walk<(InstanceId, Status)>>,
}

async fn ask(
    clients: &Clients,
    scope: &Scope,
    selection: &Selection,
    memory: &mut Memory,
    todo: Todo,
    now: Timestamp,
) -> Answers {
    let Memory {
        groups,
        templates,
        machines,
        details,
        log,
        ..
    } = memory;
    let (resolved, read, told, acted, loose, statuses) = tokio::join!(
        templates.resolve(
            clients,
            &todo.blueprints,
            todo.walks.contains(&SlowWalk::Pointers),
            now
        ),
        machines.read(clients, &todo.members, now),
        details.read(clients, todo.errands, now),
        async {
            if todo.reads_activities {
                log.read(clients, &scope.id, groups, now).await
            } else {
                None
            }
        },
        async {
            match selection
                .tag
                .as_deref()
                .filter(|_| todo.walks.contains(&SlowWalk::Loose))
            {
                Some(tag) => Some(machines::tagged(clients, tag).await),
                None => None,
            }
        },
        async {
            if todo.walks.contains(&SlowWalk::Status) {
                Some(status::read(clients).await)
            } else {
                None
            }
        },
    );
    let mut errors = told;
    errors.extend(resolved.into_iter().map(|it| (Subject::Templates, it)));
    errors.extend(read.into_iter().map(|it| (Subject::Machines, it)));
    errors.extend(acted.map(|it| (Subject::Activities, it)));
    Answers {
        errors,
        loose,
        statuses,
    }
}

fn keep(memory: &mut Memory, answers: Answers, now: Timestamp, missing: &mut Vec<Failure>) {
    for (subject, error) in answers.errors {
        memory.denials.take(subject, error, now, missing);
    }
    if let Some(walk) = answers.loose {
        let mut loose: std::collections::BTreeSet<InstanceId> = walk
            .rows
            .iter()
            .filter(|(_, machine)| !machine.is_member())
            .map(|(id, _)| id.clone())
            .collect();
        if let Some(error) = walk.failure {
            // What the walk did not reach may well still be there.
            loose.append(&mut memory.loose);
            memory.denials.take(Subject::Loose, error, now, missing);
        } else {
            memory.loose_walk.done(walk.n_pages, now);
        }
        memory.loose = loose;
        memory.machines.take(walk.rows, now);
    }
    if let Some(walk) = answers.statuses {
        if let Some(error) = walk.failure {
            memory.denials.take(Subject::Status, error, now, missing);
            memory.statuses.extend(walk.rows);
        } else {
            memory.status_walk.done(walk.n_pages, now);
            memory.statuses = walk.rows.into_iter().collect();
        }
    }
    missing.extend(memory.denials.failures(now));
}

fn part(scope: Scope, selection: &Selection, memory: &mut Memory, now: Timestamp) -> Part {
    let sources = Sources {
        scope: &scope.id,
        tag: selection.tag.as_deref(),
        groups: &memory.groups,
        details: &memory.details,
        templates: &memory.templates,
        machines: &memory.machines,
        loose: &memory.loose,
        statuses: &memory.statuses,
        log: &memory.log,
    };
    let (pools, instances) = memory.rows.make(&sources, now);
    let activities = memory.log.all().to_vec();
    Part {
        scopes: vec![scope],
        read_at: memory.whole_at,
        pools,
        instances,
        activities,
        ..Part::default()
    }
}
