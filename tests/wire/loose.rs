//! Machines that carry a pool's tag and belong to no group.

use std::time::Duration;

use pooldeck::{
    cloud::{Cloud, aws::Selection},
    fleet::{MachineState, Phase, PoolKind},
};

use crate::region::{Region, Seen, key, now, observe};

fn by_tag() -> Selection {
    Selection {
        tag: Some("ci-pool".into()),
        ..Selection::default()
    }
}

#[tokio::test]
async fn loose_machines_are_shown_with_the_pool_that_their_tag_names() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    let joined = region
        .loose(1, &[("ci-pool", "workhorse"), ("Name", "extra")])
        .await;
    let hosts = region.loose(3, &[("ci-pool", "macs")]).await;
    let nameless = region.loose(1, &[("ci-pool", "")]).await;
    region.loose(1, &[("team", "database")]).await;
    let door = region.door_to(by_tag());
    region.observe_at_rest_but_loose(&door).await;
    let seen = observe(&door).await;

    let find = |id: &str| {
        let mut instances = seen.instances().iter();
        instances.find(|it| it.id.as_str() == id).unwrap()
    };
    let extra = find(&joined[0]);
    assert_eq!(extra.pool, Some(key("workhorse")));
    assert_eq!(extra.phase(), Phase::Unattached);
    assert_eq!(extra.name(), Some("extra"));
    assert_eq!(extra.state, Some(MachineState::Running));
    assert_eq!(seen.of(seen.pool("workhorse")).count(), 2);

    let macs = seen.pool("macs");
    assert_eq!((macs.kind, macs.capacity), (PoolKind::Static, None));
    assert_eq!(
        seen.of(macs).count(),
        hosts.len(),
        "one reservation, three machines"
    );
    assert_eq!(find(&nameless[0]).pool, None);
    assert_eq!(seen.instances().len(), 1 + 1 + 3 + 1, "and nobody else's");
}

#[tokio::test]
async fn a_loose_machine_that_is_terminated_leaves_with_its_pool() {
    let region = Region::start();
    let ids = region.loose(1, &[("ci-pool", "macs")]).await;
    let door = region.door_to(by_tag());
    assert_eq!(observe(&door).await.pools.len(), 1);
    let request = region.ec2.terminate_instances();
    request.instance_ids(&ids[0]).send().await.unwrap();
    // The next walk is due a minute later.
    let reading = door.observe(now() + Duration::from_secs(61)).await.unwrap();
    let reading = match reading.part.pools.len() {
        0 => reading,
        _ => door
            .observe(now() + Duration::from_secs(122))
            .await
            .unwrap(),
    };
    assert_eq!(Seen::from(reading).instances(), []);
}

#[tokio::test]
async fn without_a_tag_nobody_looks_for_loose_machines() {
    let region = Region::start();
    region.loose(1, &[("ci-pool", "macs")]).await;
    assert_eq!(observe(&region.door()).await.instances(), []);
}

impl Region {
    /// Waits for the groups, whatever else is there.
    async fn observe_at_rest_but_loose(&self, door: &pooldeck::cloud::aws::Aws) {
        let is_at_rest = |seen: &Seen| {
            let members = seen.instances().iter().filter(|it| it.lifecycle.is_some());
            let serving = members.filter(|it| it.phase() == Phase::InService).count();
            let desired = seen.pools.values().filter_map(|it| it.capacity);
            serving == usize::try_from(desired.map(|it| it.desired).sum::<u32>()).unwrap()
        };
        self.observe_until(door, "the groups at rest", is_at_rest)
            .await;
    }
}
