//! The doors as the engine opens them: one world behind both, its time taken from the reader.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    ci::Ci,
    cloud::Cloud,
    fleet::{Call, FailureKind, Grade, Lifecycle},
    sim::{SharedWorld, SimCi, SimCloud, World, big, demo, share},
};

use crate::common::{START, jenkins, key, scope, world};

fn doors(world: World) -> (SharedWorld, SimCloud, SimCi) {
    let scope = world.scopes().next().unwrap().clone();
    let world = share(world);
    let cloud = SimCloud::new(world.clone(), scope);
    let ci = SimCi::new(world.clone(), jenkins());
    (world, cloud, ci)
}

#[tokio::test]
async fn a_reading_brings_the_world_to_the_readers_time_and_never_back() {
    let (world, cloud, ci) = doors(world(1, |_| {}));
    let later = START + Duration::from_mins(5);
    cloud.observe(later).await.unwrap();
    assert_eq!(world.lock().unwrap().now(), later);
    ci.observe(START).await.unwrap();
    assert_eq!(world.lock().unwrap().now(), later);
}

#[tokio::test]
async fn both_doors_open_on_one_world() {
    let (_, cloud, ci) = doors(world(1, |_| {}));
    assert_eq!(cloud.scope().id, scope());
    let identity = cloud.identify().await.unwrap();
    assert_eq!(
        (identity.account.as_str(), identity.role()),
        ("111122223333", "ci-operator")
    );
    let rows = cloud.observe(START).await.unwrap().part.instances;
    let agents = ci.observe(START).await.unwrap().part.executors;
    assert_eq!((rows.len(), agents.len()), (6, 6));
    assert!(
        rows.iter()
            .all(|it| it.lifecycle == Some(Lifecycle::InService))
    );

    let controller = ci.name();
    let (executor, note) = (agents[0].id.clone(), "op".to_owned());
    ci.apply(&Call::Cordon {
        controller,
        executor,
        note,
    })
    .await
    .unwrap();
    let agents = ci.observe(START).await.unwrap().part.executors;
    assert!(agents[0].cordoned);
    assert_eq!(
        (ci.describe().grade, ci.describe().kind.as_str()),
        (Grade::Durable, "simulated")
    );

    cloud
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 7,
        })
        .await
        .unwrap();
    cloud.observe(START + Duration::from_mins(2)).await.unwrap();
    let activities = cloud.activities(&key()).await.unwrap();
    assert!(
        activities[0]
            .description
            .starts_with("Launching a new EC2 instance: i-")
    );
    let refused = cloud
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 70,
        })
        .await;
    assert_eq!(refused.unwrap_err().kind, FailureKind::Invalid);
}

#[tokio::test]
async fn requests_are_counted_as_aws_would_have_been_asked() {
    let n_requests_of_one_reading = async |n_instances| {
        let world = share(big(n_instances, 1, START));
        let scope = world.lock().unwrap().scopes().next().unwrap().clone();
        let cloud = SimCloud::new(world, scope);
        cloud.observe(START).await.unwrap();
        cloud.n_requests()
    };
    // Two pages of groups, and a page for each thousand instances.
    assert_eq!(n_requests_of_one_reading(200).await, 3);
    assert_eq!(n_requests_of_one_reading(2500).await, 5);
    let (_, cloud, ci) = doors(world(1, |_| {}));
    cloud.identify().await.unwrap();
    ci.observe(START).await.unwrap();
    assert_eq!((cloud.n_requests(), ci.n_requests()), (1, 1));
}

#[tokio::test]
async fn the_console_shows_a_boot_and_why_an_agent_did_not_come() {
    let demo = demo(1, START);
    let (well, ill) = {
        let world = demo.world.lock().unwrap();
        let arm = pooldeck::fleet::PoolKey::new("demo/eu-west-1", "arm-linux");
        let is_held =
            |it: &&pooldeck::sim::Machine| it.lifecycle() == Some(&Lifecycle::PendingWait);
        let oldest = world
            .members(&arm)
            .filter(is_held)
            .min_by_key(|it| it.row.launched_at);
        let well = world
            .members(&arm)
            .find(|it| world.agent_on(it.id()).is_some());
        (well.unwrap().id().clone(), oldest.unwrap().id().clone())
    };
    let clouds: Vec<Arc<dyn Cloud>> = demo.clouds.clone();
    let eu = clouds
        .iter()
        .find(|it| it.scope().region.as_str() == "eu-west-1")
        .unwrap();
    let text = eu.console_output(&well).await.unwrap().text;
    assert!(text.starts_with("[    0.000000] Linux version"), "{text}");
    assert!(
        text.contains("ci-agent: connected to the controller"),
        "{text}"
    );
    let output = eu.console_output(&ill).await.unwrap();
    assert!(output.at.is_some_and(|it| it < START), "EC2's copy is late");
    assert!(output.text.contains("403 Forbidden"), "{}", output.text);
    assert!(output.text.contains("did not register"), "{}", output.text);
    let nobody = eu
        .console_output(&"i-0123456789abcdef0".into())
        .await
        .unwrap_err();
    assert_eq!(nobody.kind, FailureKind::NotFound);
}

#[tokio::test]
async fn the_demo_opens_a_door_for_each_region_and_controller() {
    let demo = demo(1, START);
    let regions: Vec<_> = demo
        .clouds
        .iter()
        .map(|it| it.scope().id.to_string())
        .collect();
    assert_eq!(regions, ["demo/eu-west-1", "demo/us-east-1"]);
    let names: Vec<_> = demo.cis.iter().map(|it| it.name().to_string()).collect();
    assert_eq!(names, ["jenkins-eu", "jenkins-us"]);
    for cloud in &demo.clouds {
        assert!(
            !cloud
                .observe(START)
                .await
                .unwrap()
                .part
                .instances
                .is_empty()
        );
    }
}
