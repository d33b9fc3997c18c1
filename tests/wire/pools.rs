//! Pools as the groups say them: pages, templates, mixed instances, and every other fact.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{
    InstancesDistribution, LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification,
    MixedInstancesPolicy,
};
use pooldeck::{
    cloud::{
        Cloud as _,
        aws::{NamePattern, Selection},
    },
    fleet::{Capacity, Health, MachineState, Market, PoolKind, Process, TemplateKind},
};

use crate::region::{Region, Seen, ZONE, now, observe};

#[tokio::test]
async fn a_hundred_and_twenty_groups_are_all_seen_in_two_pages() {
    let region = Region::start();
    region.template("shared", "ami-0000000a").await;
    for n in 0..120 {
        region
            .group(&format!("pool-{n:03}"), "shared", "1", 0)
            .await;
    }
    let seen = observe(&region.door()).await;
    assert_eq!(seen.pools.len(), 120);
    let pages = region.moto.requests();
    let pages = pages
        .iter()
        .filter(|it| it.action == "DescribeAutoScalingGroups");
    assert_eq!(pages.count(), 2);
}

#[tokio::test]
async fn a_tag_and_exact_names_are_pushed_to_the_server() {
    let region = Region::start();
    for name in ["workhorse", "workhorse-arm", "database"] {
        region.simple_group(name, 0).await;
    }
    let names = |seen: Seen| seen.pools.into_keys().collect::<Vec<_>>();
    let written = |pattern: &str| NamePattern {
        pattern: pattern.to_owned(),
        place: "config.toml:5: pools.names".to_owned(),
    };
    let by = |names: &[&str]| Selection {
        names: names.iter().map(|it| written(it)).collect(),
        ..Selection::default()
    };
    let door = region.door_to(by(&["workhorse", "workhorze"]));
    let exact = door.observe(now()).await.unwrap();
    let [unknown] = &exact.missing[..] else {
        panic!("{:?}", exact.missing)
    };
    assert_eq!(
        unknown.what,
        "config.toml:5: pools.names: no group of test/us-east-1 is called \"workhorze\"; \
         did you mean `workhorse`?"
    );
    assert_eq!(names(Seen::from(exact)), ["workhorse"]);
    let asked = region.moto.requests().pop().unwrap();
    let listing = region
        .moto
        .requests()
        .into_iter()
        .rfind(|it| it.action == "DescribeAutoScalingGroups");
    let parameters = listing.unwrap_or(asked).parameters;
    assert_eq!(parameters["AutoScalingGroupNames.member.1"], "workhorse");

    let pattern = observe(&region.door_to(by(&["work*"]))).await;
    assert_eq!(names(pattern), ["workhorse", "workhorse-arm"]);

    let tagged = Selection {
        tag: Some("ci-pool".into()),
        ..Selection::default()
    };
    observe(&region.door_to(tagged)).await;
    let filtered = region.moto.requests().into_iter();
    let mut filtered = filtered.filter(|it| it.action == "DescribeAutoScalingGroups");
    let last = filtered.next_back().unwrap();
    assert_eq!(last.parameters["Filters.member.1.Name"], "tag-key");
    assert_eq!(
        last.parameters["Filters.member.1.Values.member.1"],
        "ci-pool"
    );
}

#[tokio::test]
async fn every_fact_of_a_group_and_its_members_arrives() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    region
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("workhorse")
        .scaling_processes("AZRebalance")
        .send()
        .await
        .unwrap();
    region
        .scaling
        .put_warm_pool()
        .auto_scaling_group_name("workhorse")
        .min_size(3)
        .send()
        .await
        .unwrap();
    let seen = region.observe_at_rest(&region.door()).await;
    let pool = seen.pool("workhorse");
    assert_eq!(pool.kind, PoolKind::Group);
    let capacity = Capacity {
        desired: 2,
        min: 1,
        max: 20,
    };
    assert_eq!(pool.capacity, Some(capacity));
    assert_eq!(pool.zones, [ZONE]);
    assert!(pool.is_suspended(&Process::AzRebalance));
    assert!(pool.suspended[0].reason.starts_with("User suspended at "));
    assert!(!pool.protects_new_instances);
    assert_eq!(pool.warm_pool_size, Some(3));
    assert_eq!(pool.health_check.as_deref(), Some("EC2"));
    assert_eq!(pool.termination_policies, ["Default"]);
    assert_eq!(pool.enabled_metrics, [""; 0]);
    assert!(pool.created_at.is_some());
    assert_eq!(pool.tags["ci-pool"], "workhorse");

    let instances: Vec<_> = seen.of(pool).collect();
    assert_eq!(instances.len(), 2);
    let ids: BTreeSet<_> = instances.iter().map(|it| &it.id).collect();
    assert_eq!(ids.len(), 2, "one reservation holds both");
    for instance in instances {
        assert_eq!(instance.state, Some(MachineState::Running));
        assert_eq!(instance.health, Some(Health::Healthy));
        assert_eq!(instance.market, Market::OnDemand);
        assert_eq!(instance.instance_type, "m5.large");
        assert_eq!(instance.zone, ZONE);
        assert_eq!(instance.image.as_ref().unwrap().as_str(), "ami-0000000a");
        assert_eq!(instance.template_name.as_deref(), Some("workhorse"));
        assert_eq!(instance.template_version.as_deref(), Some("1"));
        assert!(instance.launched_at.is_some());
        assert!(instance.private_address.is_some());
        assert!(instance.private_dns.is_some());
        assert_eq!(instance.tags["ci-pool"], "workhorse");
    }
}

#[tokio::test]
async fn a_template_is_resolved_to_the_image_that_it_means_now() {
    let region = Region::start();
    let id = region.template("builder", "ami-0000000a").await;
    region.template_version("builder", "ami-0000000b").await;
    for (group, version) in [
        ("pinned", "1"),
        ("default", "$Default"),
        ("latest", "$Latest"),
    ] {
        region.group(group, "builder", version, 0).await;
    }
    let seen = observe(&region.door()).await;
    let resolved = |group: &str| {
        let template = seen.pool(group).template.clone().unwrap();
        assert_eq!(template.kind, TemplateKind::LaunchTemplate);
        assert_eq!(
            (template.name.as_str(), template.id.as_ref()),
            ("builder", Some(&id))
        );
        assert_eq!(template.instance_type.as_deref(), Some("m5.large"));
        (
            template.version,
            template.resolved_version.unwrap(),
            template.image.unwrap().to_string(),
        )
    };
    let expected = |version: &str, number: &str, image: &str| {
        (version.to_owned(), number.to_owned(), image.to_owned())
    };
    assert_eq!(resolved("pinned"), expected("1", "1", "ami-0000000a"));
    assert_eq!(
        resolved("default"),
        expected("$Default", "1", "ami-0000000a")
    );
    assert_eq!(resolved("latest"), expected("$Latest", "2", "ami-0000000b"));
}

#[tokio::test]
async fn a_new_version_is_noticed_a_minute_later() {
    use std::time::Duration;

    use pooldeck::cloud::Cloud;

    use crate::region::now;

    let region = Region::start();
    region.template("builder", "ami-0000000a").await;
    region.group("latest", "builder", "$Latest", 0).await;
    let door = region.door();
    observe(&door).await;
    region.template_version("builder", "ami-0000000b").await;
    let mut image = None;
    // The walks take turns; this one has its turn within three readings.
    for minute in 1..=3 {
        let later = now() + Duration::from_secs(61 * minute);
        let seen = Seen::from(door.observe(later).await.unwrap());
        image = seen.pool("latest").template.clone().unwrap().image;
    }
    assert_eq!(image.unwrap().as_str(), "ami-0000000b");
}

#[tokio::test]
async fn a_launch_configuration_is_resolved_too() {
    let region = Region::start();
    region
        .scaling
        .create_launch_configuration()
        .launch_configuration_name("old-style")
        .image_id("ami-0000000c")
        .instance_type("c5.xlarge")
        .send()
        .await
        .unwrap();
    region
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("legacy")
        .launch_configuration_name("old-style")
        .min_size(1)
        .max_size(2)
        .availability_zones(ZONE)
        .send()
        .await
        .unwrap();
    let seen = region.observe_at_rest(&region.door()).await;
    let template = seen.pool("legacy").template.clone().unwrap();
    assert_eq!(template.kind, TemplateKind::LaunchConfiguration);
    assert_eq!(template.name, "old-style");
    assert_eq!(template.image.unwrap().as_str(), "ami-0000000c");
    assert_eq!(template.instance_type.as_deref(), Some("c5.xlarge"));
    let instance = &seen.instances()[0];
    assert_eq!(instance.template_name.as_deref(), Some("old-style"));
    assert_eq!(instance.template_version, None);
}

#[tokio::test]
async fn a_mixed_instances_policy_shows_types_and_markets() {
    let region = Region::start();
    region.template("builder", "ami-0000000a").await;
    let specification = LaunchTemplateSpecification::builder()
        .launch_template_name("builder")
        .version("$Latest")
        .build();
    let kind = |it: &str| LaunchTemplateOverrides::builder().instance_type(it).build();
    let template = LaunchTemplate::builder()
        .launch_template_specification(specification)
        .overrides(kind("m5.large"))
        .overrides(kind("m6i.large"))
        .build();
    let spread = InstancesDistribution::builder()
        .on_demand_base_capacity(1)
        .on_demand_percentage_above_base_capacity(0)
        .spot_allocation_strategy("price-capacity-optimized")
        .build();
    let policy = MixedInstancesPolicy::builder()
        .launch_template(template)
        .instances_distribution(spread)
        .build();
    region
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("mixed")
        .mixed_instances_policy(policy)
        .min_size(1)
        .max_size(9)
        .desired_capacity(4)
        .availability_zones(ZONE)
        .send()
        .await
        .unwrap();
    let seen = region.observe_at_rest(&region.door()).await;
    let pool = seen.pool("mixed");
    let mixed = pool.mixed.clone().unwrap();
    assert_eq!(mixed.instance_types, ["m5.large", "m6i.large"]);
    assert_eq!(
        (mixed.on_demand_base, mixed.on_demand_percent_above_base),
        (1, 0)
    );
    assert_eq!(
        mixed.spot_allocation.as_deref(),
        Some("price-capacity-optimized")
    );
    let template = pool.template.clone().unwrap();
    assert_eq!(template.resolved_version.as_deref(), Some("1"));
    assert_eq!(template.image.unwrap().as_str(), "ami-0000000a");
    let n_spot = seen.of(pool).filter(|it| it.market == Market::Spot).count();
    assert_eq!(n_spot, 3);
    let types: BTreeSet<_> = seen.of(pool).map(|it| it.instance_type.as_str()).collect();
    assert_eq!(
        types.into_iter().collect::<Vec<_>>(),
        ["m5.large", "m6i.large"]
    );
}
