//! Instance refresh: what starts one, ends one and turns one round, and how a listing tells of it.

use std::time::Duration;

use aws_sdk_autoscaling::types::{
    AlarmSpecification, DesiredConfiguration, InstanceRefresh, LaunchTemplateSpecification,
    RefreshPreferences, RefreshStrategy, ScaleInProtectedInstances, StandbyInstances,
};

use super::{
    apply::{invalid, receipt},
    open::Writers,
    words::{count, text, timestamp},
};
use crate::{
    cloud::Error,
    fleet::{
        Call, PoolKey, Receipt, Refresh, RefreshStatus, RefreshTerms, Reluctance, TemplateVersion,
    },
};

pub(super) async fn start(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    terms: &RefreshTerms,
) -> Result<Receipt, Error> {
    let desired = terms.template.as_ref().map(desired_configuration);
    let request = writers.scaling.start_instance_refresh();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.strategy(RefreshStrategy::Rolling);
    let request = request.set_desired_configuration(desired);
    let request = request.preferences(preferences(call, terms)?);
    let answer = request.send().await;
    let id = answer
        .as_ref()
        .ok()
        .and_then(|it| it.instance_refresh_id().map(str::to_owned));
    receipt(call, answer).map(|it| Receipt { made: id, ..it })
}

pub(super) async fn cancel(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
) -> Result<Receipt, Error> {
    let request = writers.scaling.cancel_instance_refresh();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.wait_for_transitioning_instances(true);
    receipt(call, request.send().await)
}

pub(super) async fn roll_back(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
) -> Result<Receipt, Error> {
    let request = writers.scaling.rollback_instance_refresh();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    receipt(call, request.send().await)
}

/// Reads a refresh from the listing.
pub(super) fn refresh(it: &InstanceRefresh) -> Option<Refresh> {
    let protected = it
        .preferences()
        .and_then(RefreshPreferences::scale_in_protected_instances);
    let template = it
        .desired_configuration()
        .and_then(DesiredConfiguration::launch_template);
    Some(Refresh {
        id: it.instance_refresh_id()?.to_owned(),
        status: RefreshStatus::from(it.status()?.as_str()),
        reason: text(it.status_reason()),
        percent_complete: it.percentage_complete().map(|it| count(Some(it))),
        n_instances_to_update: it.instances_to_update().map(|it| count(Some(it))),
        started_at: it.start_time().and_then(timestamp),
        ended_at: it.end_time().and_then(timestamp),
        on_protected: protected.and_then(|it| match it {
            ScaleInProtectedInstances::Refresh => Some(Reluctance::Replace),
            ScaleInProtectedInstances::Ignore => Some(Reluctance::Ignore),
            ScaleInProtectedInstances::Wait => Some(Reluctance::Wait),
            // A word that AWS added: not known.
            _ => None,
        }),
        version: template.and_then(|it| text(it.version())),
    })
}

/// A template is named by its id or by its name, never by both.
fn desired_configuration(it: &TemplateVersion) -> DesiredConfiguration {
    let template = LaunchTemplateSpecification::builder().version(&it.version);
    let template = match &it.id {
        Some(id) => template.launch_template_id(id),
        None => template.launch_template_name(&it.name),
    };
    DesiredConfiguration::builder()
        .launch_template(template.build())
        .build()
}

fn preferences(call: &Call, it: &RefreshTerms) -> Result<RefreshPreferences, Error> {
    let number = |n: u32| i32::try_from(n).map_err(|_| invalid(call, "a number is too large"));
    let seconds = |it: Duration| {
        i32::try_from(it.as_secs()).map_err(|_| invalid(call, "a duration is too long"))
    };
    let checkpoints: Vec<i32> = it
        .checkpoints
        .iter()
        .map(|it| number(*it))
        .collect::<Result<_, _>>()?;
    let alarms = AlarmSpecification::builder()
        .set_alarms(Some(it.alarms.clone()))
        .build();
    Ok(RefreshPreferences::builder()
        .set_min_healthy_percentage(it.min_healthy_percent.map(number).transpose()?)
        .set_max_healthy_percentage(it.max_healthy_percent.map(number).transpose()?)
        .set_instance_warmup(it.warmup.map(seconds).transpose()?)
        .set_checkpoint_percentages(Some(checkpoints).filter(|it| !it.is_empty()))
        .set_checkpoint_delay(it.checkpoint_delay.map(seconds).transpose()?)
        .set_bake_time(it.bake.map(seconds).transpose()?)
        .set_alarm_specification((!it.alarms.is_empty()).then_some(alarms))
        .auto_rollback(it.auto_rollback)
        .skip_matching(it.skip_matching)
        .scale_in_protected_instances(match it.protected {
            Reluctance::Replace => ScaleInProtectedInstances::Refresh,
            Reluctance::Ignore => ScaleInProtectedInstances::Ignore,
            Reluctance::Wait => ScaleInProtectedInstances::Wait,
        })
        .standby_instances(match it.standby {
            Reluctance::Replace => StandbyInstances::Terminate,
            Reluctance::Ignore => StandbyInstances::Ignore,
            Reluctance::Wait => StandbyInstances::Wait,
        })
        .build())
}
