//! The writes about what a group does by itself, on the wire.
//!
//! The stand-in knows no instance lifecycle policy: that `RetainAbandoned` is
//! sent as AWS documents it is read off the request, and what it does is the
//! simulator's to show (`tests/sim/upkeep.rs`).

use std::time::Duration;

use pooldeck::{
    cloud::Cloud,
    fleet::{
        Call, FailureKind, Hook, HookResult, HookTransition, Process, RefreshStatus, RefreshTerms,
        Reluctance, TemplateVersion,
    },
};

use crate::region::{Region, Seen, key, observe};

fn hook(timeout_secs: u64, result: HookResult) -> Hook {
    let timeout = Duration::from_secs(timeout_secs);
    Hook::new("pooldeck", HookTransition::Terminating, timeout, result)
}

async fn workhorse() -> (Region, pooldeck::cloud::aws::Aws) {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    region.template_version("workhorse", "ami-0000000b").await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    (region, door)
}

#[tokio::test]
async fn a_hook_is_added_changed_and_deleted_and_each_is_seen_at_once() {
    let (_region, door) = workhorse().await;
    let pool = key("workhorse");
    for (secs, result) in [(900, HookResult::Continue), (1800, HookResult::Abandon)] {
        let hook = hook(secs, result);
        let put = Call::PutHook {
            pool: pool.clone(),
            hook: hook.clone(),
        };
        let receipt = door.apply(&put).await.unwrap();
        assert!(receipt.request_id.is_some());
        let seen = observe(&door).await;
        assert_eq!(seen.pool("workhorse").hooks, [hook]);
    }
    let delete = Call::DeleteHook {
        pool,
        hook: "pooldeck".to_owned(),
    };
    door.apply(&delete).await.unwrap();
    assert!(observe(&door).await.pool("workhorse").hooks.is_empty());
}

#[tokio::test]
async fn new_instances_are_protected_and_no_longer() {
    let (_region, door) = workhorse().await;
    for protected in [true, false] {
        let pool = key("workhorse");
        let call = Call::ProtectNewInstances { pool, protected };
        door.apply(&call).await.unwrap();
        let seen = observe(&door).await;
        assert_eq!(seen.pool("workhorse").protects_new_instances, protected);
        let capacity = seen.pool("workhorse").capacity.unwrap();
        assert_eq!((capacity.desired, capacity.max), (2, 20), "nothing else");
    }
}

#[tokio::test]
async fn retention_is_one_request_and_changes_nothing_else() {
    let (region, door) = workhorse().await;
    let call = Call::RetainAbandoned {
        pool: key("workhorse"),
        retain: true,
    };
    let before = region.moto.requests().len();
    door.apply(&call).await.unwrap();
    let sent = region.moto.requests().split_off(before);
    let mut writes = sent.iter().filter(|it| it.mutating);
    let write = writes.next().expect("one write");
    assert_eq!(write.action, "UpdateAutoScalingGroup");
    let action = "InstanceLifecyclePolicy.RetentionTriggers.TerminateHookAbandon";
    assert_eq!(write.parameters[action], "retain", "{write:?}");
    assert!(writes.next().is_none());
    let seen = observe(&door).await;
    let capacity = seen.pool("workhorse").capacity.unwrap();
    assert_eq!((capacity.desired, capacity.min, capacity.max), (2, 1, 20));
}

#[tokio::test]
async fn a_tag_of_a_pool_is_taken_away() {
    let (_region, door) = workhorse().await;
    let (pool, name) = (key("workhorse"), "pooldeck:freeze".to_owned());
    let tag = Call::TagPool {
        pool: pool.clone(),
        key: name.clone(),
        value: "by=ann@bastion".to_owned(),
        propagate: false,
    };
    door.apply(&tag).await.unwrap();
    assert!(
        observe(&door)
            .await
            .pool("workhorse")
            .tags
            .contains_key(&name)
    );
    let untag = Call::UntagPool {
        pool,
        key: name.clone(),
    };
    door.apply(&untag).await.unwrap();
    let seen = observe(&door).await;
    let tags = &seen.pool("workhorse").tags;
    assert!(!tags.contains_key(&name) && !tags.is_empty(), "{tags:?}");
}

fn start(version: &str) -> Call {
    Call::StartRefresh {
        pool: key("workhorse"),
        terms: Box::new(RefreshTerms {
            template: Some(TemplateVersion {
                id: None,
                name: "workhorse".to_owned(),
                version: version.to_owned(),
            }),
            min_healthy_percent: Some(50),
            max_healthy_percent: Some(100),
            checkpoints: vec![50, 100],
            checkpoint_delay: Some(Duration::from_mins(1)),
            bake: Some(Duration::from_mins(2)),
            alarms: vec!["build-failures".to_owned()],
            auto_rollback: true,
            skip_matching: true,
            protected: Reluctance::Ignore,
            standby: Reluctance::Ignore,
            ..RefreshTerms::default()
        }),
    }
}

fn status(seen: &Seen) -> Option<RefreshStatus> {
    let refresh = seen.pool("workhorse").refresh.clone();
    refresh.map(|it| it.status)
}

#[tokio::test]
async fn a_refresh_is_started_paused_and_turned_round() {
    let (region, door) = workhorse().await;
    let pool = key("workhorse");
    // Paused before it begins, so that it is caught in the middle.
    let suspend = Call::SuspendProcesses {
        pool: pool.clone(),
        processes: vec![Process::InstanceRefresh],
    };
    door.apply(&suspend).await.unwrap();
    let receipt = door.apply(&start("2")).await.unwrap();
    assert!(receipt.made.is_some(), "the id of the refresh");
    let seen = observe(&door).await;
    let refresh = seen.pool("workhorse").refresh.clone().unwrap();
    assert_eq!(Some(&refresh.id), receipt.made.as_ref());
    assert_eq!(refresh.version.as_deref(), Some("2"));
    assert_eq!(refresh.on_protected, Some(Reluctance::Ignore));
    let error = door.apply(&start("2")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict, "{error}");

    door.apply(&Call::RollbackRefresh { pool: pool.clone() })
        .await
        .unwrap();
    let resume = Call::ResumeProcesses {
        pool: pool.clone(),
        processes: vec![Process::InstanceRefresh],
    };
    door.apply(&resume).await.unwrap();
    let is_back = |it: &Seen| status(it) == Some(RefreshStatus::RollbackSuccessful);
    region.observe_until(&door, "the way back", is_back).await;
    let error = door.apply(&Call::RollbackRefresh { pool }).await;
    assert_eq!(error.unwrap_err().kind, FailureKind::NotFound);
}

#[tokio::test]
async fn a_refresh_is_cancelled() {
    let (region, door) = workhorse().await;
    door.apply(&start("2")).await.unwrap();
    let pool = key("workhorse");
    door.apply(&Call::CancelRefresh { pool }).await.unwrap();
    let is_over = |it: &Seen| status(it) == Some(RefreshStatus::Cancelled);
    region.observe_until(&door, "its end", is_over).await;
}
