//! `hook`, `freeze`, `thaw` and `harden`: what they would call, and what they will not.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::{Confirmation, Plan, Policy, Refusal},
    fleet::*,
    operation::Spec,
};

use crate::{IDS, instance, plan_with, pool, served_part};

const SCOPE: &str = "dev/us-east-1";

fn terminating(default_result: HookResult) -> Hook {
    let timeout = Duration::from_mins(15);
    Hook::new(
        "drain",
        HookTransition::Terminating,
        timeout,
        default_result,
    )
}

/// The served pool with hooks: one agent idle and cordoned, one idle, one busy, one that nobody knows.
fn held(lifecycle: &Lifecycle, edit: impl FnOnce(&mut Pool)) -> Fleet {
    let mut part = served_part();
    let served = Arc::make_mut(&mut part.pools[0]);
    served.hooks = vec![
        Hook::new(
            "boot",
            HookTransition::Launching,
            Duration::from_mins(10),
            HookResult::Abandon,
        ),
        terminating(HookResult::Abandon),
    ];
    served.hooks_read_at = Some(Timestamp::EPOCH);
    edit(served);
    for instance in &mut part.instances {
        Arc::make_mut(instance).lifecycle = Some(lifecycle.clone());
    }
    Arc::make_mut(&mut part.executors[0]).cordoned = true;
    Fleet::join([&part])
}

fn plan(line: &str, fleet: &Fleet) -> Result<Plan, Refusal> {
    plan_with(line, fleet, &Policy::default())
}

fn calls(line: &str, fleet: &Fleet) -> Vec<String> {
    let plan = plan(line, fleet).unwrap_or_else(|it| panic!("{line}: {it}"));
    plan.calls.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn refused(line: &str, fleet: &Fleet, expected: &str) {
    let refusal = plan(line, fleet).unwrap_err().to_string();
    assert!(
        refusal.contains(expected),
        "{line}: {refusal}\n  lacks: {expected}"
    );
}

#[test]
fn a_hook_is_answered_for_who_is_idle_and_cordoned_and_for_nobody_else() {
    let fleet = held(&Lifecycle::TerminatingWait, |_| ());
    let line = format!("hook complete {}", IDS[0]);
    assert_eq!(
        calls(&line, &fleet),
        [format!(
            "autoscaling:CompleteLifecycleAction group=linux instance={} hook=drain result=CONTINUE",
            IDS[0]
        )]
    );
    assert!(plan(&line, &fleet).unwrap().is_destructive);
    for (id, why) in [
        (IDS[1], "may be given a job at any moment"),
        (IDS[2], "runs deploy"),
        (IDS[3], "unknown is not idle"),
    ] {
        for answer in ["complete", "abandon"] {
            let line = format!("hook {answer} {id}");
            refused(&line, &fleet, why);
            refused(&format!("{line} --force"), &fleet, "needs a reason");
            let forced = format!("{line} --force --reason stuck");
            let forced = plan(&forced, &fleet).unwrap();
            assert!(forced.is_destructive && forced.warnings.iter().any(|it| it.contains(why)));
        }
        // More time harms nobody.
        let beat = plan(&format!("hook heartbeat {id}"), &fleet).unwrap();
        assert!(!beat.is_destructive && beat.calls.len() == 1);
    }
    let line = format!("hook complete {} --force --reason x", IDS[2]);
    let plan = plan(&line, &fleet).unwrap();
    assert_eq!(
        plan.jobs_at_risk[0].to_string(),
        format!("deploy on {}, its end is not known", IDS[2])
    );
}

#[test]
fn to_abandon_a_termination_is_to_retain_or_to_terminate_as_the_group_says() {
    let line = format!("hook abandon {}", IDS[2]);
    let retains = held(&Lifecycle::TerminatingWait, |it| {
        it.upkeep.retains_abandoned = true;
    });
    let kept = plan(&line, &retains).unwrap();
    assert!(!kept.is_destructive, "its job goes on: {kept:#?}");
    assert_eq!(kept.changes[0].to, "retained");
    let ends = held(&Lifecycle::TerminatingWait, |_| ());
    refused(&line, &ends, "runs deploy");
    let idle = plan(&format!("hook abandon {}", IDS[0]), &ends).unwrap();
    assert_eq!(idle.changes[0].to, "terminated");
    assert!(idle.warnings.iter().any(|it| it.contains("`harden linux`")));
}

#[test]
fn a_launch_is_let_in_or_replaced() {
    let fleet = held(&Lifecycle::PendingWait, |_| ());
    let into_service = plan(&format!("hook complete {}", IDS[2]), &fleet).unwrap();
    assert!(!into_service.is_destructive);
    assert_eq!(into_service.changes[0].to, "in service");
    refused(&format!("hook abandon {}", IDS[2]), &fleet, "runs deploy");
    let line = format!("hook abandon {} --force --reason dud", IDS[3]);
    assert_eq!(
        plan(&line, &fleet).unwrap().changes[0].to,
        "terminated and replaced"
    );
}

#[test]
fn what_no_hook_holds_is_said_so() {
    let line = format!("hook complete {}", IDS[0]);
    for (lifecycle, why) in [
        (Lifecycle::InService, "no hook holds"),
        (Lifecycle::WarmedStopped, "it is Warmed:Stopped"),
        (Lifecycle::TerminatingRetained, "it is Terminating:Retained"),
        (Lifecycle::TerminatingProceed, "is complete already"),
        (Lifecycle::PendingProceed, "is complete already"),
        (
            Lifecycle::from("Pending:Teleport"),
            "it is Pending:Teleport",
        ),
    ] {
        refused(&line, &held(&lifecycle, |_| ()), why);
    }
    let unread = held(&Lifecycle::TerminatingWait, |it| it.hooks.clear());
    refused(&line, &unread, "was not read yet");
    assert!(plan(&format!("{line} --hook drain"), &unread).is_ok());
    let several = held(&Lifecycle::TerminatingWait, |it| {
        it.hooks.push(Hook {
            name: "logs".to_owned(),
            ..terminating(HookResult::Continue)
        });
    });
    refused(&line, &several, "which of drain, logs still hold it");
    refused(&format!("{line} --hook lgos"), &several, "has drain, logs");
    let named = calls(&format!("{line} --hook logs"), &several);
    assert!(named[0].contains("hook=logs"), "{named:?}");
    refused("hook complete i-0000000000000dead", &several, "is known");
    refused("hook complete", &several, "at least one instance");
}

#[test]
fn a_warm_instance_is_answered_like_any_other() {
    let fleet = held(&Lifecycle::WarmedPendingWait, |_| ());
    let named = calls(&format!("hook complete {}", IDS[0]), &fleet);
    assert!(named[0].contains("hook=boot result=CONTINUE"), "{named:?}");
}

#[test]
fn a_machine_that_ec2_terminated_has_no_job_to_lose() {
    let mut part = served_part();
    let served = Arc::make_mut(&mut part.pools[0]);
    served.hooks = vec![terminating(HookResult::Abandon)];
    let dead = Arc::make_mut(&mut part.instances[3]);
    dead.lifecycle = Some(Lifecycle::TerminatingWait);
    dead.state = Some(MachineState::Terminated);
    let fleet = Fleet::join([&part]);
    assert_eq!(calls(&format!("hook complete {}", IDS[3]), &fleet).len(), 1);
}

/// A pool of two in production, whose hooks were read.
fn group(edit: impl FnOnce(&mut Pool)) -> Fleet {
    let mut it = pool(SCOPE, "mac");
    it.hooks_read_at = Some(Timestamp::EPOCH);
    edit(&mut it);
    let production = Scope {
        id: SCOPE.into(),
        profile: None,
        region: "us-east-1".into(),
        alias: "dev".into(),
        environment: Some("production".to_owned()),
        read_only: false,
        identity: None,
    };
    let part = Part {
        scopes: vec![production],
        pools: vec![Arc::new(it)],
        instances: IDS[..2]
            .iter()
            .map(|it| Arc::new(instance(SCOPE, "mac", it)))
            .collect(),
        ..Part::default()
    };
    Fleet::join([&part])
}

#[test]
fn a_pool_is_hardened_once() {
    let soft = group(|_| ());
    assert_eq!(
        calls("harden mac", &soft),
        [
            "autoscaling:PutLifecycleHook group=mac hook=pooldeck-terminating transition=terminating \
             heartbeat=1800s default=ABANDON",
            "autoscaling:UpdateAutoScalingGroup group=mac terminate-hook-abandon=retain",
            "autoscaling:UpdateAutoScalingGroup group=mac protect-new-instances=true",
            &format!(
                "autoscaling:SetInstanceProtection group=mac instances={},{} protected=true",
                IDS[0], IDS[1]
            ),
        ]
    );
    let plan_of_soft = plan("harden mac", &soft).unwrap();
    assert_eq!(plan_of_soft.confirmation, Confirmation::TypePoolName);
    for cost in [
        "waits up to 30m",
        "retained: billed",
        "scales in nothing by itself",
    ] {
        let says = |it: &String| it.contains(cost);
        assert!(plan_of_soft.warnings.iter().any(says), "{cost}");
    }

    let hard = group(|it| {
        it.hooks = vec![terminating(HookResult::Abandon)];
        it.upkeep.retains_abandoned = true;
        it.protects_new_instances = true;
    });
    let left = calls("harden mac", &hard);
    assert_eq!(left.len(), 1, "the present instances: {left:?}");
    refused(
        "harden mac --no-protection",
        &hard,
        "nothing to do: dev/us-east-1/mac is hard already",
    );
    let longer = calls("harden mac --no-protection --heartbeat 1h", &hard);
    assert!(longer[0].contains("hook=drain") && longer[0].contains("heartbeat=3600s"));
}

#[test]
fn a_hook_that_is_there_is_hardened_and_keeps_its_name_and_time() {
    let fleet = group(|it| it.hooks = vec![terminating(HookResult::Continue)]);
    let made = calls("harden mac --no-protection --launch-hook", &fleet);
    assert_eq!(
        made[..2],
        [
            "autoscaling:PutLifecycleHook group=mac hook=drain transition=terminating heartbeat=900s \
             default=ABANDON",
            "autoscaling:PutLifecycleHook group=mac hook=pooldeck-launching transition=launching heartbeat=600s \
             default=ABANDON",
        ]
    );
    let unread = group(|it| it.hooks_read_at = None);
    refused("harden mac", &unread, "were not read yet");
    refused("harden macc", &unread, "did you mean `mac`?");
}

fn suspension(process: Process, reason: &str) -> Suspension {
    Suspension {
        process,
        reason: reason.to_owned(),
    }
}

#[test]
fn a_freeze_suspends_what_runs_and_leaves_what_somebody_suspended() {
    let theirs = suspension(
        Process::AzRebalance,
        "User suspended at 2025-11-01T00:00:00Z",
    );
    let fleet = group(|it| it.suspended = vec![theirs]);
    let plan = plan("freeze mac --for 1h", &fleet).unwrap();
    let Some(Spec::Freeze(spec)) = &plan.operation else {
        panic!("{plan:#?}")
    };
    assert_eq!(spec.duration, Some(Duration::from_hours(1)));
    assert!(!spec.processes.contains(&Process::AzRebalance));
    assert!(!spec.processes.contains(&Process::AddToLoadBalancer));
    assert_eq!(spec.processes.len(), FreezeMark::PROCESSES.len() - 1);
    assert!(
        plan.warnings
            .iter()
            .any(|it| it.ends_with("not thawed with the rest: AZRebalance"))
    );
    assert_eq!(plan.confirmation, Confirmation::TypePoolName);
    refused("freeze macc", &fleet, "did you mean `mac`?");
}

fn frozen(tag: &str, suspended: Vec<Suspension>) -> Fleet {
    group(|it| {
        it.tags.insert(FreezeMark::TAG.to_owned(), tag.to_owned());
        it.suspended = suspended;
    })
}

#[test]
fn a_thaw_resumes_what_is_still_as_the_freeze_left_it() {
    let tag = "by=ann@bastion at=2025-11-21T10:00:00Z processes=Launch/Terminate/HealthCheck/AlarmNotification";
    let fleet = frozen(
        tag,
        vec![
            // AWS' clock is a little off ours.
            suspension(Process::Launch, "User suspended at 2025-11-21T10:01:30Z"),
            // Somebody resumed it, and suspended it again an hour later.
            suspension(Process::Terminate, "User suspended at 2025-11-21T11:00:00Z"),
            suspension(
                Process::HealthCheck,
                "administratively suspended after a day of failed launches",
            ),
            suspension(
                Process::AzRebalance,
                "User suspended at 2025-11-21T10:00:00Z",
            ),
        ],
    );
    assert_eq!(
        calls("thaw mac", &fleet),
        [
            "autoscaling:ResumeProcesses group=mac processes=Launch",
            "autoscaling:DeleteTags group=mac pooldeck:freeze",
        ]
    );
    let warnings = plan("thaw mac", &fleet).unwrap().warnings.join("\n");
    for word in [
        "Terminate was suspended anew",
        "HealthCheck is suspended by AWS",
        "AlarmNotification was resumed",
    ] {
        assert!(warnings.contains(word), "{word}: {warnings}");
    }
    refused("freeze mac", &fleet, "is frozen already: ann@bastion");
}

#[test]
fn what_cannot_be_read_is_not_thawed_and_what_is_not_frozen_neither() {
    let odd = frozen("yes please", Vec::new());
    refused("thaw mac", &odd, "says `yes please`");
    refused("freeze mac", &odd, "is frozen already");
    refused("thaw mac", &group(|_| ()), "nothing to do");
    let all = FreezeMark::PROCESSES.map(|it| suspension(it, "User suspended at x"));
    let still = group(|it| it.suspended = all.to_vec());
    refused("freeze mac", &still, "nothing to do");
}

/// A pool of a launch template's version 6, with a termination hook.
fn rolled(edit: impl FnOnce(&mut Pool)) -> Fleet {
    group(|it| {
        it.hooks = vec![terminating(HookResult::Abandon)];
        it.template = Some(Template {
            kind: TemplateKind::LaunchTemplate,
            id: Some("lt-1".to_owned()),
            name: "mac".to_owned(),
            version: "6".to_owned(),
            resolved_version: Some("6".to_owned()),
            image: None,
            instance_type: None,
        });
        edit(it);
    })
}

fn under_way(version: Option<&str>) -> Refresh {
    Refresh {
        id: "r-1".to_owned(),
        status: RefreshStatus::InProgress,
        reason: None,
        percent_complete: Some(10),
        n_instances_to_update: None,
        started_at: None,
        ended_at: None,
        on_protected: None,
        version: version.map(str::to_owned),
    }
}

#[test]
fn a_refresh_says_what_it_does_to_whom() {
    let fleet = rolled(|_| ());
    let line = "refresh start mac --template-version 7 --min-healthy 50 --max-healthy 120 --checkpoints 20,50 \
                --checkpoint-delay 10m --bake 5m --alarm errors --auto-rollback --protected ignore";
    assert_eq!(
        calls(line, &fleet),
        [
            "autoscaling:StartInstanceRefresh group=mac template=mac:7 min-healthy=50 max-healthy=120 \
             checkpoints=20,50 checkpoint-delay=600s bake=300s alarms=errors auto-rollback=true skip-matching=true \
             protected=Ignore standby=Wait"
        ]
    );
    let plan = plan(line, &fleet).unwrap();
    assert!(plan.is_destructive && plan.confirmation == Confirmation::TypePoolName);
    for word in ["busy workers like idle ones", "the last checkpoint is 50 %"] {
        assert!(plan.warnings.iter().any(|it| it.contains(word)), "{word}");
    }
}

#[test]
fn a_refresh_that_would_end_jobs_wants_force_and_a_reason() {
    let bare = rolled(|it| it.hooks.clear());
    let line = "refresh start mac --template-version 7";
    refused(line, &bare, "busy workers are ended with their jobs");
    refused(&format!("{line} --force"), &bare, "needs a reason");
    let forced = plan(&format!("{line} --force --reason now"), &bare).unwrap();
    assert!(forced.warnings.iter().any(|it| it.starts_with("by force")));
    let unread = rolled(|it| {
        it.hooks.clear();
        it.hooks_read_at = None;
    });
    refused(line, &unread, "its hooks were not read yet");
}

#[test]
fn what_aws_would_refuse_of_a_refresh_is_refused_before() {
    let fleet = rolled(|_| ());
    for (flags, why) in [
        ("--template-version 7x", "is not the number"),
        ("--template-version '$Latest'", "one that floats"),
        ("--max-healthy 150", "needs --min-healthy"),
        ("--min-healthy 101", "0 to 100"),
        ("--min-healthy 20 --max-healthy 150", "more than 100 apart"),
        ("--checkpoints 50,20", "each above the last"),
        ("--checkpoint-delay 5m", "needs --checkpoints"),
        ("--bake 49h", "at most 48h"),
        ("--auto-rollback", "needs --template-version"),
    ] {
        refused(&format!("refresh start mac {flags}"), &fleet, why);
    }
    let mixed = rolled(|it| it.mixed = Some(MixedInstances::default()));
    let line = "refresh start mac --template-version 7";
    refused(line, &mixed, "would replace all of it");
    let floats = rolled(|it| it.template.as_mut().unwrap().version = "$Latest".to_owned());
    refused(
        &format!("{line} --auto-rollback"),
        &floats,
        "floats ($Latest)",
    );
    let old = rolled(|it| {
        it.template.as_mut().unwrap().kind = TemplateKind::LaunchConfiguration;
    });
    refused(line, &old, "has no versions");
    assert!(plan("refresh start mac", &old).is_ok());
    let busy = rolled(|it| it.refresh = Some(under_way(None)));
    refused(line, &busy, "`refresh follow mac` watches it");
}

#[test]
fn a_refresh_under_way_is_followed_held_and_ended() {
    let fleet = rolled(|it| it.refresh = Some(under_way(Some("7"))));
    let follow = plan("refresh follow mac", &fleet).unwrap();
    assert!(follow.calls.is_empty() && !follow.is_destructive);
    let Some(Spec::Refresh(spec)) = &follow.operation else {
        panic!("{follow:#?}")
    };
    assert_eq!(spec.follows.as_deref(), Some("r-1"));
    for (answer, call) in [
        (
            "pause",
            "SuspendProcesses group=mac processes=InstanceRefresh",
        ),
        (
            "cancel",
            "CancelInstanceRefresh group=mac wait-for-transitioning=true",
        ),
        ("rollback", "RollbackInstanceRefresh group=mac"),
    ] {
        let made = calls(&format!("refresh {answer} mac"), &fleet);
        assert_eq!(made, [format!("autoscaling:{call}")]);
    }
    refused("refresh resume mac", &fleet, "nothing to do");
    let held = rolled(|it| {
        it.hooks.clear();
        it.refresh = Some(under_way(Some("7")));
        it.suspended = vec![suspension(Process::InstanceRefresh, "User suspended at x")];
    });
    refused("refresh resume mac", &held, "busy workers are ended");
    let resumed = calls("refresh resume mac --force --reason x", &held);
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    refused("refresh cancel mac --bake 1m", &fleet, "takes none");
    let one_way = rolled(|it| it.refresh = Some(under_way(None)));
    refused("refresh rollback mac", &one_way, "there is no way back");
    refused("refresh cancel mac", &rolled(|_| ()), "no refresh");
}
