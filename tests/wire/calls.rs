//! Every write of AWS' side: it changes what it should, once, and is refused with a reason.

use pooldeck::{
    cloud::{Cloud, aws::Aws},
    fleet::{Call, FailureKind, HookResult, InstanceId, Lifecycle, Process, Receipt},
};
use serde_json::json;

use crate::region::{Region, SCOPE, Seen, key, observe};

async fn apply(door: &Aws, call: &Call) -> Receipt {
    let receipt = door.apply(call).await.unwrap();
    assert!(receipt.request_id.is_some(), "{call}");
    receipt
}

/// Starts a region with `workhorse`, two instances in service.
async fn workhorse() -> (Region, Aws, Vec<InstanceId>) {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let door = region.door();
    let seen = region.observe_at_rest(&door).await;
    let ids = seen.instances().iter().map(|it| it.id.clone()).collect();
    (region, door, ids)
}

fn set_desired(desired: u32) -> Call {
    Call::SetDesiredCapacity {
        pool: key("workhorse"),
        desired,
    }
}

#[tokio::test]
async fn desired_and_bounds_change() {
    let (region, door, _) = workhorse().await;
    apply(&door, &set_desired(4)).await;
    let bounds = Call::UpdateBounds {
        pool: key("workhorse"),
        min: Some(2),
        max: None,
    };
    apply(&door, &bounds).await;
    let seen = region.observe_at_rest(&door).await;
    let capacity = seen.pool("workhorse").capacity.unwrap();
    assert_eq!((capacity.desired, capacity.min, capacity.max), (4, 2, 20));
    assert_eq!(seen.instances().len(), 4);
}

#[tokio::test]
async fn protection_is_set_and_taken_away() {
    let (_region, door, ids) = workhorse().await;
    let protect = |protected| Call::SetInstanceProtection {
        pool: key("workhorse"),
        instances: vec![ids[0].clone()],
        protected,
    };
    let protected = |seen: &Seen| {
        let all = seen.instances().iter();
        let protected = all.filter(|it| it.protected).map(|it| it.id.clone());
        protected.collect::<Vec<_>>()
    };
    apply(&door, &protect(true)).await;
    assert_eq!(protected(&observe(&door).await), [ids[0].clone()]);
    apply(&door, &protect(false)).await;
    assert_eq!(protected(&observe(&door).await), [] as [InstanceId; 0]);
}

#[tokio::test]
async fn processes_are_suspended_and_resumed_by_name_and_never_all() {
    let (region, door, _) = workhorse().await;
    let processes = vec![Process::Launch, Process::AzRebalance];
    let suspend = Call::SuspendProcesses {
        pool: key("workhorse"),
        processes,
    };
    apply(&door, &suspend).await;
    let suspended = |seen: &Seen| {
        let all = seen.pool("workhorse").suspended.iter();
        let mut names: Vec<String> = all.map(|it| it.process.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(suspended(&observe(&door).await), ["AZRebalance", "Launch"]);
    let resume = Call::ResumeProcesses {
        pool: key("workhorse"),
        processes: vec![Process::Launch],
    };
    apply(&door, &resume).await;
    assert_eq!(suspended(&observe(&door).await), ["AZRebalance"]);

    // To AWS no name means every process.
    let n_before = region.moto.requests().len();
    let nothing = Call::SuspendProcesses {
        pool: key("workhorse"),
        processes: Vec::new(),
    };
    let error = door.apply(&nothing).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert_eq!(region.moto.requests().len(), n_before);
}

#[tokio::test]
async fn standby_decrements_and_comes_back() {
    let (region, door, ids) = workhorse().await;
    let enter = Call::EnterStandby {
        pool: key("workhorse"),
        instances: vec![ids[0].clone()],
        decrement: true,
    };
    apply(&door, &enter).await;
    let seen = observe(&door).await;
    assert_eq!(seen.pool("workhorse").capacity.unwrap().desired, 1);
    assert_eq!(seen.lifecycles("workhorse"), ["InService", "Standby"]);
    let exit = Call::ExitStandby {
        pool: key("workhorse"),
        instances: vec![ids[0].clone()],
    };
    apply(&door, &exit).await;
    let seen = region.observe_at_rest(&door).await;
    assert_eq!(seen.pool("workhorse").capacity.unwrap().desired, 2);
}

#[tokio::test]
async fn standby_without_decrement_makes_room_for_a_replacement() {
    let (region, door, ids) = workhorse().await;
    let enter = Call::EnterStandby {
        pool: key("workhorse"),
        instances: vec![ids[0].clone()],
        decrement: false,
    };
    apply(&door, &enter).await;
    let replaced = |it: &Seen| it.lifecycles("workhorse") == ["InService", "InService", "Standby"];
    let seen = region
        .observe_until(&door, "the replacement", replaced)
        .await;
    assert_eq!(seen.pool("workhorse").capacity.unwrap().desired, 2);
}

#[tokio::test]
async fn every_group_metric_is_enabled() {
    let (_region, door, _) = workhorse().await;
    let pool = key("workhorse");
    apply(&door, &Call::EnableMetrics { pool }).await;
    let seen = observe(&door).await;
    let metrics = &seen.pool("workhorse").enabled_metrics;
    assert!(
        metrics.iter().any(|it| it == "GroupInServiceInstances"),
        "{metrics:?}"
    );
}

#[tokio::test]
async fn pools_and_instances_are_tagged_and_the_tags_are_seen_at_once() {
    let (_region, door, ids) = workhorse().await;
    let pool = Call::TagPool {
        pool: key("workhorse"),
        key: "owner".into(),
        value: "build team".into(),
        propagate: false,
    };
    apply(&door, &pool).await;
    let instances = Call::TagInstances {
        scope: SCOPE.into(),
        instances: ids.clone(),
        key: "pooldeck:operation".into(),
        value: "op-1".into(),
    };
    apply(&door, &instances).await;
    let seen = observe(&door).await;
    assert_eq!(seen.pool("workhorse").tags["owner"], "build team");
    for instance in seen.instances() {
        assert_eq!(instance.tags["pooldeck:operation"], "op-1");
    }
    let untag = Call::UntagInstances {
        scope: SCOPE.into(),
        instances: vec![ids[0].clone()],
        key: "pooldeck:operation".into(),
    };
    apply(&door, &untag).await;
    let seen = observe(&door).await;
    let marked = seen.instances().iter();
    let mut marked = marked.filter(|it| it.tags.contains_key("pooldeck:operation"));
    assert_eq!(marked.next().unwrap().id, ids[1]);
    assert!(marked.next().is_none());
}

#[tokio::test]
async fn a_named_instance_is_terminated_through_its_group_with_or_without_a_replacement() {
    let (region, door, ids) = workhorse().await;
    let terminate = |instance: &InstanceId, decrement| Call::TerminateInstance {
        pool: key("workhorse"),
        instance: instance.clone(),
        decrement,
    };
    apply(&door, &terminate(&ids[0], true)).await;
    let is_alone = |it: &Seen| it.instances().len() == 1;
    let seen = region
        .observe_until(&door, "the other alone", is_alone)
        .await;
    assert_eq!(
        seen.instances()[0].id,
        ids[1],
        "the one that was named went"
    );
    assert_eq!(seen.pool("workhorse").capacity.unwrap().desired, 1);

    let error = door.apply(&terminate(&ids[1], true)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict, "below min: {error}");

    apply(&door, &terminate(&ids[1], false)).await;
    let is_replaced =
        |it: &Seen| it.lifecycles("workhorse") == ["InService"] && it.instances()[0].id != ids[1];
    let seen = region
        .observe_until(&door, "its replacement", is_replaced)
        .await;
    assert_eq!(seen.pool("workhorse").capacity.unwrap().desired, 1);
    let error = door.apply(&terminate(&ids[1], false)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound, "gone: {error}");
}

#[tokio::test]
async fn a_hook_is_kept_waiting_by_heartbeats_and_answered_once() {
    let (region, door, ids) = workhorse().await;
    region.hook("workhorse", "TERMINATING", 2).await;
    let (pool, instance) = (key("workhorse"), ids[0].clone());
    let terminate = Call::TerminateInstance {
        pool: pool.clone(),
        instance: instance.clone(),
        decrement: true,
    };
    apply(&door, &terminate).await;
    let heartbeat = Call::Heartbeat {
        pool: pool.clone(),
        instance: instance.clone(),
        hook: "on-terminating".into(),
    };
    // Three seconds under a timeout of two.
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        apply(&door, &heartbeat).await;
    }
    let waits = observe(&door).await;
    assert_eq!(
        waits.lifecycles("workhorse"),
        ["InService", "Terminating:Wait"]
    );

    let complete = Call::CompleteHook {
        pool,
        instance: instance.clone(),
        hook: "on-terminating".into(),
        result: HookResult::Continue,
    };
    apply(&door, &complete).await;
    let is_gone = |it: &Seen| it.lifecycles("workhorse") == ["InService"];
    region.observe_until(&door, "its end", is_gone).await;
    for call in [complete, heartbeat] {
        let error = door.apply(&call).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::NotFound, "{call}: {error}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_sent_once_and_may_be_sent_again() {
    let (region, door, _) = workhorse().await;
    region
        .moto
        .set_faults(&json!({"lost_reply": 1.0, "only": ["SetDesiredCapacity"]}));
    let n_sent = || {
        let requests = region.moto.requests().into_iter();
        requests
            .filter(|it| it.action == "SetDesiredCapacity")
            .count()
    };
    let error = door.apply(&set_desired(3)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown, "it may have happened");
    assert_eq!(n_sent(), 1, "no retry by ourselves");
    assert!(
        error.what.contains("autoscaling:SetDesiredCapacity")
            && error.what.contains("InternalFailure"),
        "{error}"
    );
    let seen = observe(&door).await;
    assert_eq!(
        seen.pool("workhorse").capacity.unwrap().desired,
        3,
        "it did"
    );

    region.moto.set_faults(&json!({}));
    apply(&door, &set_desired(3)).await;
    let seen = region.observe_at_rest(&door).await;
    assert_eq!(
        seen.instances().len(),
        3,
        "one instance was launched, not two"
    );
}

#[tokio::test]
async fn a_throttled_write_is_refused_and_not_repeated() {
    let (region, door, _) = workhorse().await;
    region
        .moto
        .set_faults(&json!({"throttle": 1.0, "only": ["SetDesiredCapacity"]}));
    let error = door.apply(&set_desired(3)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Throttled);
    let requests = region.moto.requests().into_iter();
    assert_eq!(
        requests
            .filter(|it| it.action == "SetDesiredCapacity")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_login_page_with_status_200_is_no_receipt() {
    let (region, door, _) = workhorse().await;
    region
        .moto
        .set_faults(&json!({"html": true, "only": ["SetDesiredCapacity"]}));
    let error = door.apply(&set_desired(3)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown);
    assert!(error.what.contains("login page"), "{error}");
    assert!(!error.what.contains('<'), "{error}");
}

#[tokio::test]
async fn aws_refusals_come_with_its_reason_and_a_request_id() {
    let (region, door, ids) = workhorse().await;
    let error = door.apply(&set_desired(99)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert!(error.what.contains("above max value 20"), "{error}");
    assert!(error.request_id.is_some());

    let enter = Call::EnterStandby {
        pool: key("workhorse"),
        instances: vec![ids[0].clone()],
        decrement: true,
    };
    apply(&door, &enter).await;
    let error = door.apply(&enter).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict, "{error}");

    let gone = Call::SetDesiredCapacity {
        pool: key("no-such-group"),
        desired: 1,
    };
    let error = door.apply(&gone).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound, "{error}");

    region
        .moto
        .set_faults(&json!({"denied": true, "only": ["SetDesiredCapacity"]}));
    let error = door.apply(&set_desired(3)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied, "{error}");
}

#[tokio::test]
async fn a_call_of_another_scope_or_of_a_controller_never_leaves_the_house() {
    let (region, door, _) = workhorse().await;
    let n_before = region.moto.requests().len();
    let elsewhere = Call::SetDesiredCapacity {
        pool: pooldeck::fleet::PoolKey::new("prod/us-east-1", "workhorse"),
        desired: 0,
    };
    let cordon = Call::Uncordon {
        controller: "jenkins".into(),
        executor: "agent-1".into(),
    };
    for call in [elsewhere, cordon] {
        let error = door.apply(&call).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Conflict);
        assert!(error.what.contains("belongs to"), "{error}");
    }
    assert_eq!(region.moto.requests().len(), n_before);
    let seen = observe(&door).await;
    let states = seen.instances().iter().map(|it| it.lifecycle.clone());
    assert!(
        states
            .into_iter()
            .all(|it| it == Some(Lifecycle::InService))
    );
}
