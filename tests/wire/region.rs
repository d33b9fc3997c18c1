//! A simulated region for one test: what it holds, and doors to it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_autoscaling::types::{LaunchTemplateSpecification, Tag as GroupTag};
use aws_sdk_ec2::types::{
    InstanceType, RequestLaunchTemplateData, ResourceType, Tag, TagSpecification,
};
use pooldeck::{
    cloud::{
        Cloud, Reading,
        aws::{Aws, Connection, Credentials, Patience, Selection},
    },
    fleet::{Instance, Lifecycle, Pool, PoolKey, Scope, Timestamp},
};

use crate::common::Moto;

pub(crate) const SCOPE: &str = "test/us-east-1";
pub(crate) const ZONE: &str = "us-east-1a";

/// One region of its own, and clients to fill it with.
pub(crate) struct Region {
    pub(crate) moto: Moto,
    pub(crate) scaling: aws_sdk_autoscaling::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
}

impl Region {
    /// Starts a region whose instances boot in no time.
    pub(crate) fn start() -> Self {
        Self::of(Moto::start())
    }

    pub(crate) fn of(moto: Moto) -> Self {
        let scaling = aws_sdk_autoscaling::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url(moto.endpoint());
        let ec2 = aws_sdk_ec2::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url(moto.endpoint());
        Self {
            scaling: aws_sdk_autoscaling::Client::from_conf(scaling.build()),
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            moto,
        }
    }

    /// Opens a door to every group of the region.
    pub(crate) fn door(&self) -> Aws {
        self.door_to(Selection::default())
    }

    pub(crate) fn door_to(&self, selection: Selection) -> Aws {
        self.door_with(selection, Patience::default())
    }

    pub(crate) fn door_with(&self, selection: Selection, patience: Patience) -> Aws {
        let connection = Connection {
            endpoint: Some(self.moto.endpoint().to_owned()),
            credentials: Some(credentials()),
            patience,
            ..Connection::default()
        };
        Aws::open(scope(), selection, connection).expect("nothing to refuse")
    }

    /// Makes a launch template with one version.
    pub(crate) async fn template(&self, name: &str, image: &str) -> String {
        let made = self
            .ec2
            .create_launch_template()
            .launch_template_name(name)
            .launch_template_data(template_data(image))
            .send()
            .await
            .unwrap();
        let template = made.launch_template.unwrap();
        template.launch_template_id.unwrap()
    }

    /// Adds a version to a launch template.
    pub(crate) async fn template_version(&self, name: &str, image: &str) {
        self.ec2
            .create_launch_template_version()
            .launch_template_name(name)
            .launch_template_data(template_data(image))
            .send()
            .await
            .unwrap();
    }

    /// Makes a group from a template's version, with a pool's tag.
    pub(crate) async fn group(&self, name: &str, template: &str, version: &str, desired: i32) {
        let template = LaunchTemplateSpecification::builder()
            .launch_template_name(template)
            .version(version)
            .build();
        self.scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .min_size(1.min(desired))
            .max_size(20)
            .desired_capacity(desired)
            .launch_template(template)
            .availability_zones(ZONE)
            .tags(pool_tag(name))
            .send()
            .await
            .unwrap();
    }

    /// Makes a template and a group of that many instances from it.
    pub(crate) async fn simple_group(&self, name: &str, desired: i32) {
        self.template(name, "ami-0000000a").await;
        self.group(name, name, "1", desired).await;
    }

    /// Puts a hook on a group: `LAUNCHING` or `TERMINATING`.
    pub(crate) async fn hook(&self, group: &str, transition: &str, timeout: i32) {
        self.scaling
            .put_lifecycle_hook()
            .auto_scaling_group_name(group)
            .lifecycle_hook_name(format!("on-{}", transition.to_lowercase()))
            .lifecycle_transition(format!("autoscaling:EC2_INSTANCE_{transition}"))
            .heartbeat_timeout(timeout)
            .default_result("CONTINUE")
            .send()
            .await
            .unwrap();
    }

    /// Launches machines outside any group, in one reservation.
    pub(crate) async fn loose(&self, n: i32, tags: &[(&str, &str)]) -> Vec<String> {
        let tags = tags.iter().map(|(key, value)| {
            let tag = Tag::builder().key(*key).value(*value);
            tag.build()
        });
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(tags.collect()))
            .build();
        let launched = self
            .ec2
            .run_instances()
            .image_id("ami-0000000b")
            .instance_type(InstanceType::M5Large)
            .min_count(n)
            .max_count(n)
            .tag_specifications(tags)
            .send()
            .await
            .unwrap();
        let instances = launched.instances.unwrap();
        instances
            .into_iter()
            .filter_map(|it| it.instance_id)
            .collect()
    }

    /// Reads until `is_there`, for what the region does in its own time.
    pub(crate) async fn observe_until(
        &self,
        door: &Aws,
        what: &str,
        is_there: impl Fn(&Seen) -> bool,
    ) -> Seen {
        const TRIES: u32 = 100;
        for _ in 0..TRIES {
            let seen = observe(door).await;
            if is_there(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never seen: {what}");
    }

    /// Reads until every group has its desired instances in service, and known to EC2.
    pub(crate) async fn observe_at_rest(&self, door: &Aws) -> Seen {
        let is_at_rest = |seen: &Seen| {
            seen.pools.values().all(|pool| {
                let serving = seen
                    .of(pool)
                    .filter(|it| it.lifecycle == Some(Lifecycle::InService) && it.state.is_some());
                let desired = pool.capacity.map_or(0, |it| it.desired);
                seen.of(pool).count() == serving.count()
                    && seen.of(pool).count() == usize::try_from(desired).unwrap()
            })
        };
        self.observe_until(door, "every group at rest", is_at_rest)
            .await
    }
}

/// A reading, by name.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) reading: Reading,
    pub(crate) pools: BTreeMap<String, Arc<Pool>>,
}

impl Seen {
    pub(crate) fn pool(&self, name: &str) -> &Pool {
        let names = || self.pools.keys().collect::<Vec<_>>();
        let pool = self.pools.get(name);
        pool.unwrap_or_else(|| panic!("no pool {name} in {:?}", names()))
    }

    pub(crate) fn instances(&self) -> &[Arc<Instance>] {
        &self.reading.part.instances
    }

    pub(crate) fn of(&self, pool: &Pool) -> impl Iterator<Item = &Arc<Instance>> {
        let key = pool.key();
        self.instances()
            .iter()
            .filter(move |it| it.pool.as_ref() == Some(&key))
    }

    /// Returns the lifecycle states of a pool's instances, sorted.
    pub(crate) fn lifecycles(&self, pool: &str) -> Vec<String> {
        let states = self.of(self.pool(pool));
        let words = states
            .filter_map(|it| it.lifecycle.as_ref())
            .map(ToString::to_string);
        let mut words: Vec<String> = words.collect();
        words.sort();
        words
    }
}

impl From<Reading> for Seen {
    fn from(reading: Reading) -> Self {
        let pools = reading.part.pools.iter();
        Self {
            pools: pools.map(|it| (it.name.to_string(), it.clone())).collect(),
            reading,
        }
    }
}

/// Makes one reading that must miss nothing.
pub(crate) async fn observe(door: &Aws) -> Seen {
    let reading = door.observe(now()).await.unwrap();
    assert_eq!(reading.missing, []);
    reading.into()
}

/// Returns the time of the clock on the wall, which the server's activities carry.
pub(crate) fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap())
}

pub(crate) fn key(pool: &str) -> PoolKey {
    PoolKey::new(SCOPE, pool)
}

pub(crate) fn scope() -> Scope {
    Scope {
        id: SCOPE.into(),
        profile: None,
        region: "us-east-1".into(),
        alias: "test".into(),
        environment: None,
        read_only: false,
        identity: None,
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("AKIDTEST", "not-a-secret", None, None, "test")
}

pub(crate) fn pool_tag(group: &str) -> GroupTag {
    GroupTag::builder()
        .key("ci-pool")
        .value(group)
        .resource_id(group)
        .resource_type("auto-scaling-group")
        .propagate_at_launch(true)
        .build()
}

fn template_data(image: &str) -> RequestLaunchTemplateData {
    RequestLaunchTemplateData::builder()
        .image_id(image)
        .instance_type(InstanceType::M5Large)
        .build()
}

/// A door to a server of our own on loopback.
pub(crate) fn door_at(endpoint: String) -> Aws {
    let connection = Connection {
        endpoint: Some(endpoint),
        credentials: Some(credentials()),
        ..Connection::default()
    };
    Aws::open(scope(), Selection::default(), connection).unwrap()
}

/// A client of CloudWatch beside the door, to prepare and to look.
pub(crate) fn cloudwatch(endpoint: String) -> aws_sdk_cloudwatch::Client {
    let config = aws_sdk_cloudwatch::Config::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .endpoint_url(endpoint);
    aws_sdk_cloudwatch::Client::from_conf(config.build())
}
