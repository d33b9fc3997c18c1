//! `refresh`: EC2 Auto Scaling's own roll, begun, followed, held, ended and turned round.

mod reach;
mod words;

use std::time::Duration;

use self::{
    reach::Reach,
    words::{warn_of_jobs, warn_of_pace, warn_of_terms},
};
use crate::{
    action::{
        draft::Draft,
        grammar::{PoolArg, RefreshAnswer, RefreshFlags},
        plan::Refusal,
        verb::source::check_source,
    },
    fleet::{
        Call, LaunchSource, Pool, Process, Refresh, RefreshTerms, Reluctance, Template,
        TemplateKind, TemplateVersion,
    },
    operation::{self, Spec, VersionCopy},
};

/// What AWS takes.
const DELAY_MAX: Duration = Duration::from_hours(48);
const N_ALARMS_MAX: usize = 10;

pub(in crate::action) fn refresh(
    draft: &mut Draft<'_>,
    answer: RefreshAnswer,
    arg: &PoolArg,
    flags: &RefreshFlags,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    draft.changes_automation = true;
    if answer == RefreshAnswer::Start {
        let version = flags.template_version.as_ref();
        if let Some(version) = version.filter(|it| !it.starts_with('$')) {
            let wanted = LaunchSource::Template(version_of(pool, version)?);
            check_source(draft, pool, template_of(pool)?, &wanted)?;
        }
        return start(draft, pool, flags, reason);
    }
    let bare = RefreshFlags {
        force: flags.force,
        ..RefreshFlags::default()
    };
    if *flags != bare {
        return Err(Refusal::Unsound(format!(
            "the terms of a refresh are set when it starts; `refresh {answer}` takes none"
        )));
    }
    let key = pool.key();
    let active = active(pool)?;
    match answer {
        RefreshAnswer::Start => {}
        RefreshAnswer::Follow => {
            draft.changes_automation = false;
            draft.plan.operation = Some(Spec::Refresh(operation::Refresh {
                pool: key,
                terms: RefreshTerms::default(),
                copy: None,
                from: None,
                follows: Some(active.id.clone()),
                force: false,
            }));
        }
        RefreshAnswer::Pause => {
            if pool.is_suspended(&Process::InstanceRefresh) {
                return Err(Refusal::AlreadySo(format!(
                    "the refresh of {key} rests: its process is suspended"
                )));
            }
            draft.change(&key, "refresh", &active.status, "at rest");
            draft.call(Call::SuspendProcesses {
                pool: key,
                processes: vec![Process::InstanceRefresh],
            });
        }
        RefreshAnswer::Resume => {
            if !pool.is_suspended(&Process::InstanceRefresh) {
                return Err(Refusal::AlreadySo(format!(
                    "the refresh of {key} goes on: its process is not suspended"
                )));
            }
            let goes = Reach::of_active(active).members(draft.fleet, pool);
            warn_of_jobs(draft, pool, &goes, flags, reason)?;
            draft.change(&key, "refresh", "at rest", &active.status);
            draft.call(Call::ResumeProcesses {
                pool: key,
                processes: vec![Process::InstanceRefresh],
            });
        }
        RefreshAnswer::Cancel => {
            draft.change(&key, "refresh", &active.status, "cancelled");
            draft.warn("what was replaced stays replaced; `refresh rollback` would turn it round");
            draft.call(Call::CancelRefresh { pool: key });
        }
        RefreshAnswer::Rollback => roll_back(draft, pool, active, flags, reason)?,
    }
    Ok(())
}

fn active(pool: &Pool) -> Result<&Refresh, Refusal> {
    let found = pool.refresh.as_ref().filter(|it| !it.status.is_over());
    found.ok_or_else(|| {
        let last = pool.refresh.as_ref().map_or(String::new(), |it| {
            format!("; the last one ended as {}", it.status)
        });
        Refusal::Unsound(format!("no refresh of {} is under way{last}", pool.key()))
    })
}

fn roll_back(
    draft: &mut Draft<'_>,
    pool: &Pool,
    active: &Refresh,
    flags: &RefreshFlags,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let key = pool.key();
    if active.version.is_none() {
        return Err(Refusal::Unsound(format!(
            "the refresh of {key} was started without a desired configuration, so there is no way back; \
             `refresh cancel {}` stops it where it is",
            pool.name
        )));
    }
    let goes = Reach::of_active(active).members(draft.fleet, pool);
    warn_of_jobs(draft, pool, &goes, flags, reason)?;
    draft.change(&key, "refresh", &active.status, "rolled back");
    draft.call(Call::RollbackRefresh { pool: key });
    Ok(())
}

/// Plans a refresh to what the flags name, or of the same anew.
pub(super) fn start(
    draft: &mut Draft<'_>,
    pool: &Pool,
    flags: &RefreshFlags,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let version = flags.template_version.as_ref();
    let template = version.map(|it| version_of(pool, it)).transpose()?;
    begin(draft, pool, flags, template, None, reason)
}

/// Plans a refresh to a version that is made before it starts.
pub(super) fn start_copy(
    draft: &mut Draft<'_>,
    pool: &Pool,
    flags: &RefreshFlags,
    copy: VersionCopy,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    template_of(pool)?;
    let template = TemplateVersion {
        version: "the new version".to_owned(),
        ..copy.from.clone()
    };
    begin(draft, pool, flags, Some(template), Some(copy), reason)
}

fn begin(
    draft: &mut Draft<'_>,
    pool: &Pool,
    flags: &RefreshFlags,
    template: Option<TemplateVersion>,
    copy: Option<VersionCopy>,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let key = pool.key();
    if let Ok(active) = active(pool) {
        return Err(Refusal::Unsound(format!(
            "a refresh of {key} is {} already; `refresh follow {}` watches it, `refresh cancel {}` ends it",
            active.status, pool.name, pool.name
        )));
    }
    let terms = terms(pool, flags, template)?;
    let goes = Reach::of_terms(pool, &terms).members(draft.fleet, pool);
    warn_of_jobs(draft, pool, &goes, flags, reason)?;
    warn_of_pace(draft, pool, &goes, &terms);
    warn_of_terms(draft, pool, &terms);
    let from = pool.template.as_ref().map_or_else(
        || "not known".to_owned(),
        |it| format!("{}:{}", it.name, it.version),
    );
    let to = terms
        .template
        .as_ref()
        .map_or_else(|| format!("{from}, anew"), ToString::to_string);
    let n_going = u32::try_from(goes.len()).unwrap_or(u32::MAX);
    if 0 < n_going {
        draft.change(&key, &format!("{n_going} instances made from"), from, to);
    }
    draft.n_unnamed = n_going;
    let ids = goes.iter().map(|it| it.id.clone()).collect();
    draft.replaced.insert(key.clone(), ids);
    if let Some(copy) = &copy {
        draft.call(Call::CreateTemplateVersion {
            pool: key.clone(),
            from: copy.from.clone(),
            image: Some(copy.image.clone()),
            token: "the operation's id".to_owned(),
        });
    }
    draft.call(Call::StartRefresh {
        pool: key.clone(),
        terms: Box::new(terms.clone()),
    });
    let before = match pool.template.as_ref().and_then(Template::source) {
        Some(LaunchSource::Template(it)) if copy.is_none() && terms.template.is_some() => {
            Some(Box::new(it))
        }
        _ => None,
    };
    draft.plan.operation = Some(Spec::Refresh(operation::Refresh {
        pool: key,
        from: before,
        // Which version that will be is known once it is made.
        terms: RefreshTerms {
            template: terms.template.filter(|_| copy.is_none()),
            ..terms
        },
        copy,
        follows: None,
        force: flags.force,
    }));
    Ok(())
}

/// Reads the flags; what AWS would refuse is refused here, with the reason.
fn terms(
    pool: &Pool,
    flags: &RefreshFlags,
    template: Option<TemplateVersion>,
) -> Result<RefreshTerms, Refusal> {
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let (min, max) = (flags.min_healthy, flags.max_healthy);
    if min.is_some_and(|it| 100 < it) || max.is_some_and(|it| !(100..=200).contains(&it)) {
        return unsound(
            "--min-healthy is 0 to 100, and --max-healthy 100 to 200 percent".to_owned(),
        );
    }
    match (min, max) {
        (None, Some(_)) => {
            return unsound("--max-healthy needs --min-healthy beside it".to_owned());
        }
        (Some(min), Some(max)) if 100 < max - min => {
            return unsound(format!(
                "--min-healthy {min} and --max-healthy {max} are more than 100 apart"
            ));
        }
        _ => {}
    }
    let ascends = flags.checkpoints.windows(2).all(|it| it[0] < it[1]);
    if !ascends || flags.checkpoints.iter().any(|it| *it == 0 || 100 < *it) {
        return unsound(
            "--checkpoints are percentages from 1 to 100, each above the last".to_owned(),
        );
    }
    if flags.checkpoint_delay.is_some() && flags.checkpoints.is_empty() {
        return unsound("--checkpoint-delay needs --checkpoints, such as 20,50,100".to_owned());
    }
    for (name, it) in [
        ("--checkpoint-delay", flags.checkpoint_delay),
        ("--bake", flags.bake),
        ("--warmup", flags.warmup),
    ] {
        if it.is_some_and(|it| DELAY_MAX < it) {
            return unsound(format!("{name} is at most 48h"));
        }
    }
    if N_ALARMS_MAX < flags.alarms.len() {
        return unsound(format!("a refresh watches at most {N_ALARMS_MAX} alarms"));
    }
    if flags.auto_rollback {
        check_way_back(pool, template.is_some())?;
    }
    Ok(RefreshTerms {
        template,
        min_healthy_percent: min,
        max_healthy_percent: max,
        warmup: flags.warmup,
        checkpoints: flags.checkpoints.clone(),
        checkpoint_delay: flags.checkpoint_delay,
        bake: flags.bake,
        alarms: flags.alarms.clone(),
        auto_rollback: flags.auto_rollback,
        skip_matching: !flags.all,
        protected: flags.protected.map_or(Reluctance::Wait, Into::into),
        standby: flags.standby.map_or(Reluctance::Wait, Into::into),
    })
}

fn check_way_back(pool: &Pool, has_version: bool) -> Result<(), Refusal> {
    let floats = pool
        .template
        .as_ref()
        .is_some_and(|it| it.version.starts_with('$'));
    let why = if !has_version {
        "--auto-rollback needs --template-version: without a desired configuration there is no way back"
            .to_owned()
    } else if floats {
        format!(
            "the group launches by a version that floats ({}), and AWS does not roll back to one; pin it first",
            pool.template.as_ref().map_or("", |it| it.version.as_str())
        )
    } else {
        return Ok(());
    };
    Err(Refusal::Unsound(why))
}

/// Names the version of the pool's template that is to be launched.
fn version_of(pool: &Pool, wanted: &str) -> Result<TemplateVersion, Refusal> {
    let template = template_of(pool)?;
    if wanted.parse::<u32>().is_err() {
        return Err(Refusal::Unsound(format!(
            "`{wanted}` is not the number of a template version; one that floats could not be rolled back"
        )));
    }
    Ok(TemplateVersion {
        id: template.id.clone(),
        name: template.name.clone(),
        version: wanted.to_owned(),
    })
}

/// Returns the launch template of a pool whose desired configuration can be a version of it.
fn template_of(pool: &Pool) -> Result<&Template, Refusal> {
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    if pool.mixed.is_some() {
        return unsound(format!(
            "{key} has a mixed instances policy, and a desired configuration would replace all of it; \
             change its template first, and start a refresh without --template-version"
        ));
    }
    let template = pool
        .template
        .as_ref()
        .filter(|it| it.kind == TemplateKind::LaunchTemplate);
    let Some(template) = template else {
        return unsound(format!(
            "{key} is not made from a launch template, so it has no versions; a refresh without \
             --template-version replaces its instances with fresh ones"
        ));
    };
    Ok(template)
}
