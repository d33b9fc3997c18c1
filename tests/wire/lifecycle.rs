//! Instances as they come, wait, serve and go.

use std::time::Duration;

use pooldeck::{
    cloud::Cloud,
    fleet::{
        ActivityStatus, HookResult, HookTransition, InstanceId, Lifecycle, MachineState,
        RefreshStatus,
    },
};

use crate::{
    common::Moto,
    region::{Region, key, now, observe},
};

impl Region {
    async fn scale(&self, group: &str, desired: i32) {
        let request = self.scaling.set_desired_capacity();
        let request = request.auto_scaling_group_name(group);
        request.desired_capacity(desired).send().await.unwrap();
    }

    async fn terminate_member(&self, id: &InstanceId) {
        let request = self.scaling.terminate_instance_in_auto_scaling_group();
        let request = request.instance_id(id.as_str());
        let request = request.should_decrement_desired_capacity(false);
        request.send().await.unwrap();
    }

    async fn complete(&self, group: &str, hook: &str, id: &InstanceId) {
        let request = self.scaling.complete_lifecycle_action();
        let request = request.auto_scaling_group_name(group);
        let request = request.lifecycle_hook_name(hook).instance_id(id.as_str());
        let request = request.lifecycle_action_result("CONTINUE");
        request.send().await.unwrap();
    }
}

#[tokio::test]
async fn an_instance_is_followed_through_its_launching_hook() {
    let region = Region::of(Moto::start_booting(0.5));
    region.simple_group("workhorse", 0).await;
    region.hook("workhorse", "LAUNCHING", 60).await;
    let door = region.door();
    observe(&door).await;
    let asked_at = now();
    region.scale("workhorse", 1).await;

    let booting = |it: &crate::region::Seen| it.lifecycles("workhorse") == ["Pending"];
    let seen = region.observe_until(&door, "a boot", booting).await;
    assert_eq!(seen.instances()[0].state, Some(MachineState::Pending));

    let waits = |it: &crate::region::Seen| {
        it.lifecycles("workhorse") == ["Pending:Wait"] && !it.pool("workhorse").hooks.is_empty()
    };
    let seen = region
        .observe_until(&door, "a wait, and its hook", waits)
        .await;
    let hook = &seen.pool("workhorse").hooks[0];
    assert_eq!(hook.name, "on-launching");
    assert_eq!(hook.transition, HookTransition::Launching);
    assert_eq!(hook.heartbeat_timeout, Duration::from_mins(1));
    assert_eq!(hook.global_timeout, Duration::from_mins(100));
    assert_eq!(hook.default_result, HookResult::Continue);
    let waiting = seen.instances()[0].clone();
    assert_eq!(
        waiting.state,
        Some(MachineState::Running),
        "EC2 was asked again"
    );
    assert!(asked_at <= waiting.lifecycle_since && waiting.lifecycle_since <= now());
    let again = observe(&door).await;
    assert_eq!(
        again.instances()[0].lifecycle_since,
        waiting.lifecycle_since
    );

    region
        .complete("workhorse", "on-launching", &waiting.id)
        .await;
    let serves = |it: &crate::region::Seen| it.lifecycles("workhorse") == ["InService"];
    let seen = region.observe_until(&door, "service", serves).await;
    assert!(waiting.lifecycle_since < seen.instances()[0].lifecycle_since);
    let launch = &seen.reading.part.activities[0];
    assert_eq!(launch.status, ActivityStatus::Successful);
    assert_eq!(launch.instance.as_ref(), Some(&waiting.id));
    assert!(
        launch
            .cause
            .contains("difference between desired and actual capacity")
    );
}

#[tokio::test]
async fn a_console_that_comes_late_knows_since_when_an_instance_waits() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    region.hook("workhorse", "TERMINATING", 300).await;
    let early = region.door();
    let id = region.observe_at_rest(&early).await.instances()[0]
        .id
        .clone();
    region.terminate_member(&id).await;
    // Long enough that "now" would be told from "then".
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let late = observe(&region.door()).await;
    let waiting = late.instances().iter().find(|it| it.id == id).unwrap();
    assert_eq!(waiting.lifecycle, Some(Lifecycle::TerminatingWait));
    let activities = late.reading.part.activities.iter();
    let mut of_it = activities.filter(|it| it.instance.as_ref() == Some(&id));
    let terminating = of_it.next().unwrap();
    assert_eq!(terminating.status, ActivityStatus::MidLifecycleAction);
    assert_eq!(waiting.lifecycle_since, terminating.started_at);
    assert!(Duration::from_secs(1) <= now().since(waiting.lifecycle_since));
    let hooks = &late.pool("workhorse").hooks;
    assert_eq!(
        hooks[0].transition,
        HookTransition::Terminating,
        "read at once"
    );
}

#[tokio::test]
async fn a_machine_that_ec2_terminated_is_shown_as_gone_while_its_hook_waits() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    region.hook("workhorse", "TERMINATING", 300).await;
    let door = region.door();
    let id = region.observe_at_rest(&door).await.instances()[0]
        .id
        .clone();
    let request = region.ec2.terminate_instances();
    request.instance_ids(id.as_str()).send().await.unwrap();
    let is_stuck = |seen: &crate::region::Seen| {
        seen.instances().iter().any(|it| {
            it.id == id
                && it.lifecycle == Some(Lifecycle::TerminatingWait)
                && it.state == Some(MachineState::Terminated)
        })
    };
    let seen = region
        .observe_until(&door, "the dead machine that waits", is_stuck)
        .await;
    assert!(
        seen.instances().iter().any(|it| it.id != id),
        "its replacement"
    );
}

#[tokio::test]
async fn standby_and_the_way_back_are_seen() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let door = region.door();
    let id = region.observe_at_rest(&door).await.instances()[0]
        .id
        .clone();
    let request = region.scaling.enter_standby();
    let request = request.auto_scaling_group_name("workhorse");
    let request = request.instance_ids(id.as_str());
    let request = request.should_decrement_desired_capacity(true);
    request.send().await.unwrap();
    let seen = observe(&door).await;
    assert_eq!(seen.lifecycles("workhorse"), ["InService", "Standby"]);
    let request = region.scaling.exit_standby();
    let request = request.auto_scaling_group_name("workhorse");
    request.instance_ids(id.as_str()).send().await.unwrap();
    region.observe_at_rest(&door).await;
}

#[tokio::test]
async fn a_launch_that_fails_says_aws_own_reason() {
    let region = Region::start();
    region.simple_group("workhorse", 1).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    let faults = serde_json::json!({"no_capacity": ["workhorse"]});
    region.moto.set_faults(&faults);
    region.scale("workhorse", 3).await;
    let has_failed = |seen: &crate::region::Seen| {
        let newest = seen.reading.part.activities.first();
        newest.is_some_and(|it| it.status == ActivityStatus::Failed)
    };
    let seen = region.observe_until(&door, "the failure", has_failed).await;
    let failed = &seen.reading.part.activities[0];
    assert!(
        failed
            .description
            .starts_with("Launching a new EC2 instance")
    );
    let reason = failed.status_message.as_deref().unwrap();
    assert!(
        reason.contains("do not have sufficient capacity"),
        "{reason}"
    );
    assert_eq!(failed.instance, None);
}

#[tokio::test]
async fn an_instance_refresh_is_found_and_followed_to_its_end() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    // The quiet readings before learn that there was none.
    let knows = |seen: &crate::region::Seen| seen.pool("workhorse").hooks_read_at.is_some();
    region.observe_until(&door, "the details", knows).await;
    let request = region.scaling.start_instance_refresh();
    request
        .auto_scaling_group_name("workhorse")
        .send()
        .await
        .unwrap();
    let status = |seen: &crate::region::Seen| {
        let refresh = seen.pool("workhorse").refresh.clone();
        refresh.map(|it| it.status)
    };
    let runs = |seen: &crate::region::Seen| status(seen) == Some(RefreshStatus::InProgress);
    let seen = region.observe_until(&door, "the refresh", runs).await;
    let refresh = seen.pool("workhorse").refresh.clone().unwrap();
    assert!(refresh.started_at.is_some() && refresh.percent_complete.is_some());
    let is_over = |seen: &crate::region::Seen| status(seen) == Some(RefreshStatus::Successful);
    region.observe_until(&door, "its end", is_over).await;
}

#[tokio::test]
async fn activities_and_console_output_come_on_demand() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    region.simple_group("other", 1).await;
    let door = region.door();
    let seen = region.observe_at_rest(&door).await;
    let activities = door.activities(&key("workhorse")).await.unwrap();
    assert_eq!(activities.len(), 2);
    assert!(activities.iter().all(|it| it.pool == key("workhorse")));
    let pairs = activities.windows(2);
    assert!(
        pairs
            .into_iter()
            .all(|it| it[1].started_at <= it[0].started_at)
    );

    let id = &seen.instances()[0].id;
    let output = door.console_output(id).await.unwrap();
    assert_eq!(output.instance, *id);
    assert!(output.text.contains("Linux version"), "{}", output.text);
    assert!(output.at.is_some());
}
