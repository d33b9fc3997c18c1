//! `reami` and `rollback`: another template for a pool, and then every member replaced.

use std::{sync::Arc, time::Duration};

use super::drain::{self, Terms};
use crate::{
    action::{
        draft::Draft,
        grammar::PoolArg,
        plan::Refusal,
        rolling::{OnFailureArg, Pools, Reami, RollTerms, Rollback, StrategyArg},
    },
    fleet::{
        ActivityStatus, Call, Health, ImageId, Instance, LaunchSource, Lookup, Phase, Pool,
        Process, RefreshStatus, Template, TemplateVersion, Work, short_duration,
    },
    operation::{self, Change, OnFailure, PoolRoll, Roll, Spec, Strategy},
};

/// AWS' own budget for a machine that nobody configured one for.
const BOOT_BUDGET: Duration = Duration::from_mins(10);

/// What an operator wants a pool to launch.
#[derive(Clone, Copy, Debug)]
enum Wanted<'a> {
    Image(&'a ImageId),
    Version(&'a str),
    Bootstrap,
}

pub(in crate::action) fn reami(draft: &mut Draft<'_>, asked: &Reami) -> Result<(), Refusal> {
    let Some(pools) = &asked.pools else {
        return Err(draft.incomplete("a pool; name it, or select one"));
    };
    let wanted = match (&asked.image, &asked.template_version, asked.bootstrap) {
        (Some(image), ..) => Wanted::Image(image),
        (None, Some(version), _) => Wanted::Version(version),
        (None, None, true) => Wanted::Bootstrap,
        (None, None, false) => {
            return Err(
                draft.incomplete("an image such as ami-…, or --template-version, or --bootstrap")
            );
        }
    };
    let wanted = vec![wanted; pools.0.len()];
    roll(draft, pools, &wanted, &asked.terms, false)
}

pub(in crate::action) fn rollback(draft: &mut Draft<'_>, asked: &Rollback) -> Result<(), Refusal> {
    let Some(pools) = &asked.pools else {
        return Err(draft.incomplete("a pool or an operation; name it, or select a pool"));
    };
    if asked.to.is_empty() {
        return Err(draft.incomplete(
            "a version to go back to; no roll of this host is known: add --to VERSION",
        ));
    }
    if asked.to.len() != pools.0.len() {
        return Err(Refusal::Unsound(format!(
            "{} pools and {} versions: --to takes one for each pool",
            pools.0.len(),
            asked.to.len()
        )));
    }
    let wanted: Vec<Wanted<'_>> = asked.to.iter().map(|it| Wanted::Version(it)).collect();
    roll(draft, pools, &wanted, &asked.terms, true)
}

fn roll(
    draft: &mut Draft<'_>,
    pools: &Pools,
    wanted: &[Wanted<'_>],
    terms: &RollTerms,
    is_rollback: bool,
) -> Result<(), Refusal> {
    let strategy = match terms.strategy {
        StrategyArg::Surge => Strategy::Surge,
        StrategyArg::TerminateFirst => Strategy::TerminateFirst,
    };
    let least = u32::from(strategy == Strategy::TerminateFirst);
    let max_unavailable = terms.max_unavailable.unwrap_or(least).max(least);
    let holds = terms.no_rollback || terms.on_failure == OnFailureArg::Hold;
    let mut checkpoints = terms.checkpoints.clone();
    checkpoints.sort_unstable();
    let mut roll = Roll {
        pools: Vec::new(),
        strategy,
        canary: terms.canary,
        max_unavailable,
        max_unavailable_total: terms.max_unavailable_total.map(|it| it.max(least)),
        bake: terms.bake,
        checkpoints,
        checkpoint_delay: terms.checkpoint_delay,
        deadline: terms.deadline,
        on_failure: if holds || is_rollback {
            OnFailure::Hold
        } else {
            OnFailure::Rollback
        },
        proof: draft.proof,
        is_rollback,
    };
    for (name, wanted) in pools.0.iter().zip(wanted) {
        let arg = PoolArg {
            pool: Some(name.clone()),
            scope: terms.scope.clone(),
        };
        let plan = plan_pool(draft, &arg, *wanted, terms, &roll)?;
        let most = roll.max_unavailable.max(plan.batch).max(roll.canary);
        draft.n_unnamed = draft.n_unnamed.max(most);
        roll.pools.push(plan);
    }
    if let [_, _, ..] = roll.pools[..] {
        draft.warn(
            "the pools roll at once; new instances that do not come up in one stop all of them",
        );
    }
    draft.warn(match roll.on_failure {
        OnFailure::Rollback => {
            "when new instances do not come up within their boot budget it goes back by itself"
        }
        OnFailure::Hold => {
            "when new instances do not come up within their boot budget it waits for an operator"
        }
    });
    if let Some(why) = roll.proof.weakness() {
        draft.warn(why);
    }
    draft.changes_automation = true;
    draft.plan.is_destructive = true;
    draft.plan.operation = Some(Spec::Roll(roll));
    Ok(())
}

fn plan_pool(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    wanted: Wanted<'_>,
    terms: &RollTerms,
    roll: &Roll,
) -> Result<PoolRoll, Refusal> {
    let (pool, capacity) = draft.group(arg)?;
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let Some(template) = &pool.template else {
        return unsound(format!(
            "{key} has no launch template and no launch configuration to change"
        ));
    };
    let Some(from) = template.source() else {
        return unsound(format!(
            "what {} means to {key} could not be read, so there is nothing to go back to",
            template.version
        ));
    };
    check_pool(pool, roll)?;
    draft.check_cordon(pool)?;
    let to = change(draft, pool, template, &from, wanted)?;
    let targets = targets(draft, pool, &to)?;
    if targets.is_empty() && matches!(&to, Change::Existing(it) if it.is_same(&from)) {
        return Err(Refusal::AlreadySo(format!(
            "{key} launches {from} already, and every member is of it"
        )));
    }
    let runs = !pool.is_suspended(&Process::AzRebalance) && 1 < pool.zones.len();
    let plan = PoolRoll {
        pool: key.clone(),
        from: from.clone(),
        word: Some(template.version.clone()).filter(|it| it.starts_with('$')),
        to,
        targets: targets.iter().map(|it| it.id.clone()).collect(),
        capacity,
        suspends: runs.then_some(Process::AzRebalance).into_iter().collect(),
        batch: terms.batch.of(capacity.desired),
        boot_budget: terms
            .boot_budget
            .or_else(|| pool.ci.as_ref().map(|it| it.boot_budget))
            .unwrap_or(BOOT_BUDGET),
    };
    record(draft, pool, &plan, roll, &targets);
    warn(draft, pool, template, &plan, roll, &targets);
    Ok(plan)
}

/// Refuses what no roll can do without ending a job, or what somebody else is about.
fn check_pool(pool: &Pool, roll: &Roll) -> Result<(), Refusal> {
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    if pool.ci.is_none() {
        return unsound(format!(
            "no CI controller is configured for {key}, so nothing can prove an instance idle; add a [[pool]] \
             with its controller, or let AWS roll it with an instance refresh, which asks no job"
        ));
    }
    let refresh = pool.refresh.as_ref();
    if let Some(refresh) = refresh.filter(|it| !RefreshStatus::is_over(&it.status)) {
        return unsound(format!(
            "instance refresh {} of {key} is {}; cancel it first",
            refresh.id, refresh.status
        ));
    }
    if let Some(process) = [Process::Launch, Process::Terminate]
        .iter()
        .find(|it| pool.is_suspended(it))
    {
        return unsound(format!(
            "the {process} process of {key} is suspended, and a roll needs it; `resume {} {process}` first",
            pool.name
        ));
    }
    let capacity = pool.capacity;
    if let Some(capacity) = capacity.filter(|_| roll.strategy == Strategy::TerminateFirst)
        && capacity.desired <= capacity.min
        && 0 < capacity.desired
    {
        return unsound(format!(
            "{key} wants {}, its min: terminate-first would leave it below until the replacement is up; use \
             --strategy surge, or lower min first",
            capacity.desired
        ));
    }
    Ok(())
}

/// Works out what the pool shall launch, and whether that can be.
fn change(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    from: &LaunchSource,
    wanted: Wanted<'_>,
) -> Result<Change, Refusal> {
    let key = pool.key();
    let image = match wanted {
        Wanted::Version(version) => {
            let source = match from {
                LaunchSource::Template(it) => LaunchSource::Template(TemplateVersion {
                    version: version.to_owned(),
                    ..it.clone()
                }),
                LaunchSource::Configuration(_) => LaunchSource::Configuration(version.to_owned()),
            };
            if version.starts_with('$') {
                return Err(Refusal::Unsound(format!(
                    "{version} may mean something else tomorrow; name the number"
                )));
            }
            draft.change(&key, "template", from, &source);
            return Ok(Change::Existing(source));
        }
        Wanted::Image(image) => image,
        Wanted::Bootstrap => template.image.as_ref().ok_or_else(|| {
            Refusal::Unsound(format!(
                "the image of {from} could not be read, so no version can be made of it"
            ))
        })?,
    };
    if matches!(wanted, Wanted::Image(_)) {
        if template.image.as_ref() == Some(image) {
            return Err(Refusal::AlreadySo(format!(
                "{from} has {image} already; --bootstrap makes a version with the same image, and \
                 `reami {} --template-version {}` replaces the members that are not of it",
                pool.name,
                from.version()
            )));
        }
        check_image(draft, pool, template, image)?;
    }
    let is_was = template.image.as_ref().map_or("not known", ImageId::as_str);
    draft.change(&key, "image", is_was, image);
    draft.change(&key, "template", from, "a new version of it");
    Ok(Change::Copy {
        image: Some(image.clone()),
    })
}

fn check_image(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    wanted: &ImageId,
) -> Result<(), Refusal> {
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let image = match draft.fleet.image(&pool.scope, wanted) {
        None => {
            draft.warn(format!("{wanted} is looked up before anything is called"));
            return Ok(());
        }
        Some(Lookup::Failed(why)) => {
            draft.warn(format!("{wanted} could not be looked up: {why}"));
            return Ok(());
        }
        Some(Lookup::Missing) => {
            return unsound(format!(
                "image {wanted} does not exist in {}, or is not shared with this account",
                pool.scope
            ));
        }
        Some(Lookup::Found(it)) => it,
    };
    if !image.is_available() {
        return unsound(format!(
            "image {wanted} is {}; only one that is available can be launched",
            image.state
        ));
    }
    let old = template
        .image
        .as_ref()
        .and_then(|it| draft.fleet.image(&pool.scope, it));
    if let Some(Lookup::Found(old)) = old
        && let (Some(is), Some(was)) = (&image.architecture, &old.architecture)
        && is != was
    {
        return unsound(format!(
            "image {wanted} is for {is}, and {} launches machines for {was}",
            pool.key()
        ));
    }
    Ok(())
}

/// Returns who has to go: unhealthy ones first, then the oldest. When it is an instance's
/// turn, idle ones of the fullest zone are preferred.
fn targets<'a>(
    draft: &mut Draft<'a>,
    pool: &Pool,
    to: &Change,
) -> Result<Vec<&'a Arc<Instance>>, Refusal> {
    let fleet = draft.fleet;
    let is_outdated = |it: &&Arc<Instance>| match to {
        Change::Existing(source) => !source.is_of(it),
        Change::Copy { .. } => true,
    };
    let members = &fleet.roster(&pool.key()).instances;
    let mut targets: Vec<_> = members
        .iter()
        .filter(|it| it.phase() == Phase::InService && is_outdated(it))
        .collect();
    if let Some((id, owner)) = targets
        .iter()
        .find_map(|it| Some((&it.id, it.tags.get(operation::TAG)?)))
    {
        return Err(Refusal::Unsound(format!(
            "another operation owns {id} ({owner}); `ops` tells more, and `ops abort` frees it"
        )));
    }
    targets.sort_by_key(|it| {
        (
            it.health != Some(Health::Unhealthy),
            it.launched_at,
            it.id.clone(),
        )
    });
    let aside = |phase: Phase| {
        members
            .iter()
            .filter(|it| it.phase() == phase && is_outdated(it))
            .count()
    };
    for (phase, what) in [
        (Phase::Standby, "in standby: they stay as they are"),
        (
            Phase::Warm,
            "in the warm pool: each is replaced once it comes into service",
        ),
        (
            Phase::Pending,
            "coming up: they are replaced once they are in service",
        ),
        (
            Phase::PendingWait,
            "coming up: they are replaced once they are in service",
        ),
    ] {
        let n = aside(phase);
        if 0 < n {
            draft.warn(format!("{n} members of {} are {what}", pool.key()));
        }
    }
    Ok(targets)
}

/// Lists the calls in the order of the first of each kind; each is made when its time has come.
fn record(
    draft: &mut Draft<'_>,
    pool: &Pool,
    plan: &PoolRoll,
    roll: &Roll,
    targets: &[&Arc<Instance>],
) {
    let key = || plan.pool.clone();
    record_launch(draft, plan);
    let processes = || plan.suspends.clone();
    if !plan.suspends.is_empty() && !targets.is_empty() {
        draft.call(Call::SuspendProcesses {
            pool: key(),
            processes: processes(),
        });
    }
    let n_ahead = match roll.strategy {
        Strategy::Surge => plan
            .batch
            .max(roll.canary)
            .min(u32::try_from(targets.len()).unwrap_or(u32::MAX)),
        Strategy::TerminateFirst => 0,
    };
    let most = plan.capacity.desired.saturating_add(n_ahead);
    let borrows_max = plan.capacity.max < most;
    let bounds = |max| Call::UpdateBounds {
        pool: key(),
        min: None,
        max: Some(max),
    };
    if borrows_max {
        draft.call(bounds(most));
    }
    if 0 < n_ahead {
        draft.call(Call::SetDesiredCapacity {
            pool: key(),
            desired: most,
        });
    }
    let terms = Terms {
        decrement: roll.strategy == Strategy::Surge,
        ..Terms::default()
    };
    for instance in targets {
        note_jobs(draft, instance);
        drain::record(
            draft,
            pool,
            instance,
            terms,
            if roll.is_rollback {
                "rollback"
            } else {
                "reami"
            },
        );
    }
    if borrows_max {
        draft.call(bounds(plan.capacity.max));
    }
    if !plan.suspends.is_empty() && !targets.is_empty() {
        draft.call(Call::ResumeProcesses {
            pool: key(),
            processes: processes(),
        });
    }
}

/// Lists the calls after which the group launches from the new template.
fn record_launch(draft: &mut Draft<'_>, plan: &PoolRoll) {
    let key = || plan.pool.clone();
    let token = "the operation's id".to_owned();
    match (&plan.to, &plan.from) {
        (Change::Copy { image }, LaunchSource::Template(from)) => {
            draft.call(Call::CreateTemplateVersion {
                pool: key(),
                from: from.clone(),
                image: image.clone(),
                token,
            });
            if plan.word.as_deref() != Some("$Latest") {
                let version = "the new version".to_owned();
                let source = LaunchSource::Template(TemplateVersion {
                    version,
                    ..from.clone()
                });
                draft.call(Call::LaunchFrom {
                    pool: key(),
                    source,
                });
            }
        }
        (Change::Copy { image }, LaunchSource::Configuration(from)) => {
            draft.call(Call::CopyConfiguration {
                pool: key(),
                from: from.clone(),
                name: token.clone(),
                image: image.clone(),
            });
            let source = LaunchSource::Configuration(token);
            draft.call(Call::LaunchFrom {
                pool: key(),
                source,
            });
        }
        (Change::Existing(source), from) if !source.is_same(from) => {
            let source = source.clone();
            draft.call(Call::LaunchFrom {
                pool: key(),
                source,
            });
        }
        (Change::Existing(_), _) => {}
    }
}

/// Names the jobs that run, with when their controller expects their end.
fn note_jobs(draft: &mut Draft<'_>, instance: &Instance) {
    for executor in draft.fleet.executors_on(&instance.id) {
        for job in executor.jobs() {
            let end = job.expected_end.map_or_else(
                || "its end is not known".to_owned(),
                |it| format!("expected to end at {}", it.clock_time()),
            );
            draft
                .plan
                .jobs_at_risk
                .push(format!("{} on {}, {end}", job.name, instance.id));
        }
    }
}

fn warn(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    plan: &PoolRoll,
    roll: &Roll,
    targets: &[&Arc<Instance>],
) {
    let key = &plan.pool;
    let n = targets.len();
    let (desired, batch) = (plan.capacity.desired, plan.batch);
    let dip = match (roll.strategy, roll.max_unavailable) {
        (Strategy::Surge, 0) => {
            format!("up to {batch} more than {desired} run meanwhile, and none is missing")
        }
        (_, most) => format!("up to {most} of {desired} are missing meanwhile"),
    };
    draft.warn(format!(
        "{key}: {n} instances are replaced, {batch} at a time; {dip}"
    ));
    draft.warn(format!(
        "{key}: takes {}",
        duration(draft, pool, plan, roll, n)
    ));
    if let Some(word) = plan
        .word
        .as_ref()
        .filter(|it| *it != "$Latest" || matches!(plan.to, Change::Existing(_)))
    {
        draft.warn(format!(
            "{key} says {word}, which is {}; it will say the number from now on",
            plan.from
        ));
    }
    if plan.word.as_deref() == Some("$Latest") && matches!(plan.to, Change::Copy { .. }) {
        draft.warn(format!("{key} says $Latest, which is the new version at once; if that moves, the number is set instead"));
    }
    if let LaunchSource::Configuration(_) = plan.from {
        draft.warn(format!("{key} launches from a launch configuration, which AWS has left behind: move it to a launch template"));
    }
    if pool.mixed.is_some() {
        draft.warn(format!("{key} has a mixed instances policy: its types and its spread stay; one that names images of its own is refused"));
    }
    if !plan.suspends.is_empty() && 0 < n {
        draft.warn("AZRebalance is suspended meanwhile: it would even the zones out without asking what runs");
    }
    warn_of_instances(draft, targets);
    if template.image.is_none() {
        draft.warn(format!("the image that {} means is not known", plan.from));
    }
    if !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("the jobs run to their end; nothing is terminated before it is proven idle");
    }
}

/// What an operator should know of those that go.
fn warn_of_instances(draft: &mut Draft<'_>, targets: &[&Arc<Instance>]) {
    let lacks_agent = |it: &&&Arc<Instance>| draft.fleet.executors_on(&it.id).next().is_none();
    let n_agentless = targets.iter().filter(lacks_agent).count();
    if 0 < n_agentless {
        draft.warn(format!("no agent is known on {n_agentless} of them: nothing proves these idle, so they go to standby and run on"));
    }
    let hides = |it: &Instance| {
        let mut agents = draft.fleet.executors_on(&it.id);
        agents.any(|it| {
            matches!(it.work, Work::Unknown(_)) || it.jobs().is_empty() && 0 < it.n_busy_slots
        })
    };
    let n_hidden = targets.iter().filter(|it| hides(it)).count();
    if 0 < n_hidden {
        draft.warn(format!(
            "what runs on {n_hidden} of them is hidden from us: the jobs above are not all"
        ));
    }
    let is_protected = |it: &&&Arc<Instance>| it.protected;
    let n_protected = targets.iter().filter(is_protected).count();
    if 0 < n_protected {
        draft.warn(format!("{n_protected} of them are protected from scale-in; a roll names them, so they go all the same"));
    }
}

/// Estimates from the real boots of the pool, as its activities tell; jobs come on top.
fn duration(draft: &Draft<'_>, pool: &Pool, plan: &PoolRoll, roll: &Roll, n: usize) -> String {
    let key = pool.key();
    let took = |it: &&Arc<crate::fleet::Activity>| {
        let is_boot = it.pool == key
            && it.status == ActivityStatus::Successful
            && it.description.starts_with("Launching");
        it.ended_at
            .filter(|_| is_boot)
            .map(|end| end.since(it.started_at))
    };
    let mut boots: Vec<Duration> = draft
        .fleet
        .activities
        .iter()
        .filter_map(|it| took(&it))
        .collect();
    boots.sort();
    let jobs = "and as long as the jobs that run take";
    let Some(boot) = boots.get(boots.len() / 2) else {
        return format!("unknown: no boot of this pool is known yet; {jobs}");
    };
    let batch = usize::try_from(plan.batch).unwrap_or(usize::MAX).max(1);
    let n_batches = u32::try_from(n.div_ceil(batch)).unwrap_or(u32::MAX);
    let stops = u32::try_from(roll.checkpoints.len()).unwrap_or(u32::MAX);
    let bake = if 0 < roll.canary {
        roll.bake
    } else {
        Duration::ZERO
    };
    let whole = (*boot + roll.proof.span).saturating_mul(n_batches)
        + bake
        + roll.checkpoint_delay.saturating_mul(stops);
    format!(
        "about {}, by {} of a boot; {jobs}",
        short_duration(whole),
        short_duration(*boot)
    )
}
