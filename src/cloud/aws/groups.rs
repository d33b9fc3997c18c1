//! The Auto Scaling groups of a scope and their members, a hundred to the page.

use std::time::Duration;

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Filter, Instance, InstanceLifecyclePolicy, LaunchTemplateSpecification,
    RetentionAction, RetentionTriggers, SuspendedProcess,
};

use super::{
    NamePattern, Selection,
    errors::refuse,
    open::Clients,
    pages::{Page, Walk, walk},
    templates::Blueprint,
    words::{count, tags, text, timestamp},
};
use crate::fleet::{
    Capacity, Health, ImageId, InstanceId, Lifecycle, MixedInstances, Pool, PoolKind, PoolName,
    Process, ScopeId, Suspension, Upkeep, matches_wildcards,
};

const PAGE_SIZE: i32 = 100;

/// A group as its listing says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// Without what costs a call of its own: hooks, refresh, and what the template resolves to.
    pub(super) pool: Pool,
    pub(super) blueprint: Option<Blueprint>,
    pub(super) members: Vec<Member>,
}

/// A machine as its group says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) id: InstanceId,
    pub(super) lifecycle: Lifecycle,
    pub(super) health: Option<Health>,
    pub(super) protected: bool,
    pub(super) instance_type: String,
    pub(super) zone: String,
    pub(super) template_name: Option<String>,
    pub(super) template_version: Option<String>,
    /// Given only when it differs from what the template says.
    pub(super) image: Option<ImageId>,
}

/// Lists the groups that are pools.
pub(super) async fn list(clients: &Clients, selection: &Selection, scope: &ScopeId) -> Walk<Group> {
    let mut found = Walk {
        rows: Vec::new(),
        n_pages: 0,
        failure: None,
    };
    for names in questions(selection) {
        let walk = walk("list the Auto Scaling groups", |token| async {
            let request = clients
                .scaling
                .describe_auto_scaling_groups()
                .max_records(PAGE_SIZE)
                .set_auto_scaling_group_names(names.clone())
                .set_filters(tag_filter(selection))
                .set_next_token(token);
            let answer = request.send().await;
            let answer = answer.map_err(|error| refuse("list the Auto Scaling groups", &error))?;
            Ok(Page {
                rows: answer.auto_scaling_groups.unwrap_or_default(),
                next: answer.next_token,
            })
        })
        .await;
        found.n_pages += walk.n_pages;
        let groups = walk.rows.iter().filter_map(|it| group(it, scope));
        found
            .rows
            .extend(groups.filter(|it| selection.has_name(&it.pool.name)));
        if walk.failure.is_some() {
            found.failure = walk.failure;
            break;
        }
    }
    found
}

/// Returns the names to ask for, page by page; `None` asks for every group.
///
/// Auto Scaling knows no patterns, so names are pushed only when all are exact.
fn questions(selection: &Selection) -> Vec<Option<Vec<String>>> {
    let patterns = selection.names.iter().map(|it| it.pattern.clone());
    let names: Vec<String> = patterns.collect();
    if names.is_empty() || names.iter().any(|it| it.contains('*')) {
        return vec![None];
    }
    let size = usize::try_from(PAGE_SIZE).unwrap_or(1);
    names.chunks(size).map(|it| Some(it.to_vec())).collect()
}

fn tag_filter(selection: &Selection) -> Option<Vec<Filter>> {
    let tag = selection.tag.as_ref()?;
    Some(vec![Filter::builder().name("tag-key").values(tag).build()])
}

impl Selection {
    fn has_name(&self, name: &PoolName) -> bool {
        let fits = |it: &NamePattern| matches_wildcards(name.as_str(), &it.pattern);
        self.names.is_empty() || self.names.iter().any(fits)
    }
}

fn group(it: &AutoScalingGroup, scope: &ScopeId) -> Option<Group> {
    let name = PoolName::from(it.auto_scaling_group_name()?);
    // AWS promises no order; without one, the same group would look changed.
    let mut suspended: Vec<Suspension> = it
        .suspended_processes()
        .iter()
        .filter_map(suspension)
        .collect();
    suspended.sort_by(|a, b| a.process.cmp(&b.process));
    let mut zones = it.availability_zones().to_vec();
    zones.sort();
    let metrics = it.enabled_metrics().iter();
    let mut enabled_metrics: Vec<String> = metrics.filter_map(|it| text(it.metric())).collect();
    enabled_metrics.sort();
    let mut members: Vec<Member> = it.instances().iter().filter_map(member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    let pool = Pool {
        scope: scope.clone(),
        name,
        kind: PoolKind::Group,
        capacity: Some(Capacity {
            desired: count(it.desired_capacity()),
            min: count(it.min_size()),
            max: count(it.max_size()),
        }),
        template: None,
        mixed: mixed(it),
        zones,
        suspended,
        protects_new_instances: it.new_instances_protected_from_scale_in().unwrap_or(false),
        hooks: Vec::new(),
        hooks_read_at: None,
        warm_pool_size: it
            .warm_pool_configuration()
            .map(|_| count(it.warm_pool_size())),
        refresh: None,
        upkeep: upkeep(it),
        health_check: text(it.health_check_type()),
        termination_policies: it.termination_policies().to_vec(),
        enabled_metrics,
        created_at: it.created_time().and_then(timestamp),
        status: text(it.status()),
        tags: tags(it.tags().iter().map(|it| (it.key(), it.value()))),
        ci: None,
        next_price: None,
    };
    Some(Group {
        pool,
        blueprint: blueprint(it),
        members,
    })
}

fn upkeep(it: &AutoScalingGroup) -> Upkeep {
    let on_abandon = it
        .instance_lifecycle_policy()
        .and_then(InstanceLifecyclePolicy::retention_triggers)
        .and_then(RetentionTriggers::terminate_hook_abandon);
    // Zero is how AWS writes a lifetime that was taken away.
    let lifetime = it.max_instance_lifetime().filter(|it| 0 < *it);
    Upkeep {
        retains_abandoned: on_abandon == Some(&RetentionAction::Retain),
        max_lifetime: lifetime.map(|it| Duration::from_secs(u64::from(count(Some(it))))),
        rebalances_capacity: it.capacity_rebalance().unwrap_or(false),
    }
}

fn suspension(it: &SuspendedProcess) -> Option<Suspension> {
    Some(Suspension {
        process: Process::from(it.process_name()?),
        reason: it.suspension_reason().unwrap_or_default().to_owned(),
    })
}

fn blueprint(it: &AutoScalingGroup) -> Option<Blueprint> {
    if let Some(name) = text(it.launch_configuration_name()) {
        return Some(Blueprint::Configuration(name));
    }
    let of_policy = || {
        let template = it.mixed_instances_policy()?.launch_template()?;
        template.launch_template_specification()
    };
    template(it.launch_template().or_else(of_policy)?)
}

fn template(it: &LaunchTemplateSpecification) -> Option<Blueprint> {
    Some(Blueprint::Template {
        id: text(it.launch_template_id()),
        name: text(it.launch_template_name().or(it.launch_template_id()))?,
        // "If the value is not specified, the default version is used."
        version: text(it.version()).unwrap_or_else(|| "$Default".to_owned()),
    })
}

fn mixed(it: &AutoScalingGroup) -> Option<MixedInstances> {
    let policy = it.mixed_instances_policy()?;
    let overrides = policy
        .launch_template()
        .map(aws_sdk_autoscaling::types::LaunchTemplate::overrides);
    let overrides = overrides.unwrap_or_default();
    let types = overrides.iter();
    let mut weights = overrides.iter().filter_map(|it| it.weighted_capacity());
    let is_weighted = weights.any(|it| it != "1");
    let unit = text(it.desired_capacity_type()).filter(|it| it != "units");
    let spread = policy.instances_distribution();
    Some(MixedInstances {
        on_demand_base: count(spread.and_then(aws_sdk_autoscaling::types::InstancesDistribution::on_demand_base_capacity)),
        // 100 where the group does not say.
        on_demand_percent_above_base: spread
            .and_then(aws_sdk_autoscaling::types::InstancesDistribution::on_demand_percentage_above_base_capacity)
            .map_or(100, |it| count(Some(it))),
        spot_allocation: spread.and_then(|it| text(it.spot_allocation_strategy())),
        spot_max_price: spread.and_then(|it| text(it.spot_max_price())),
        instance_types: types.filter_map(|it| text(it.instance_type())).collect(),
        unit: unit.or_else(|| is_weighted.then(|| "weighted capacity".to_owned())),
    })
}

/// Reads a member of a group or of its warm pool.
pub(super) fn member(it: &Instance) -> Option<Member> {
    let template = it.launch_template();
    let template_name = template
        .and_then(|it| it.launch_template_name().or(it.launch_template_id()))
        .or(it.launch_configuration_name());
    Some(Member {
        id: InstanceId::from(it.instance_id()?),
        lifecycle: Lifecycle::from(it.lifecycle_state()?.as_str()),
        health: text(it.health_status()).map(|it| Health::from(it.as_str())),
        protected: it.protected_from_scale_in().unwrap_or(false),
        instance_type: it.instance_type().unwrap_or_default().to_owned(),
        zone: it.availability_zone().unwrap_or_default().to_owned(),
        template_name: text(template_name),
        template_version: template.and_then(|it| text(it.version())),
        image: text(it.image_id()).map(ImageId::from),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{EnabledMetric, LifecycleState};

    use super::*;

    #[test]
    fn the_order_in_which_aws_answers_changes_nothing() {
        let answer = |first: &str, second: &str| {
            let mut group = AutoScalingGroup::builder().auto_scaling_group_name("workhorse");
            for word in [first, second] {
                let member = Instance::builder()
                    .instance_id(format!("i-{word}"))
                    .lifecycle_state(LifecycleState::InService);
                let process = SuspendedProcess::builder().process_name(word);
                group = group
                    .instances(member.build())
                    .suspended_processes(process.build())
                    .enabled_metrics(EnabledMetric::builder().metric(word).build())
                    .availability_zones(word);
            }
            super::group(&group.build(), &"prod/us-east-1".into())
        };
        assert!(answer("a", "b").is_some_and(|it| it.members.len() == 2));
        assert_eq!(answer("a", "b"), answer("b", "a"));
    }
}
