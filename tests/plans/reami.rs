//! `reami` and `rollback`: what they would call, and what they will not.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::{ActionLine, Plan, Policy, Refusal},
    fleet::*,
    operation::{
        Change, Drain, Event, Happening, Operation, OperationId, Owner, Proof, Roll, Spec, Strategy,
    },
};

use crate::{IDS, plan_with, served_part};

const SCOPE: &str = "dev/us-east-1";
const OLD: &str = "ami-00000000000000001";
const NEW: &str = "ami-00000000000000002";

/// The served pool, all of version 3 of its template, which is what `$Latest` means.
pub(crate) fn part(edit: impl FnOnce(&mut Part)) -> Part {
    let mut part = served_part();
    let served = Arc::make_mut(&mut part.pools[0]);
    served.template = Some(Template {
        kind: TemplateKind::LaunchTemplate,
        id: Some("lt-1".into()),
        name: "linux".into(),
        version: "$Latest".into(),
        resolved_version: Some("3".into()),
        image: Some(OLD.into()),
        instance_type: None,
    });
    served.zones = vec!["us-east-1a".into(), "us-east-1b".into()];
    for instance in &mut part.instances {
        let it = Arc::make_mut(instance);
        it.template_name = Some("linux".into());
        it.template_version = Some("3".into());
    }
    edit(&mut part);
    part
}

fn image(id: &str, state: &str, architecture: &str) -> Lookup<Image> {
    Lookup::Found(Image {
        id: id.into(),
        name: None,
        state: state.into(),
        architecture: Some(architecture.into()),
    })
}

fn fleet(edit: impl FnOnce(&mut Part)) -> Fleet {
    fleet_of(&part(edit))
}

pub(crate) fn fleet_of(part: &Part) -> Fleet {
    let mut fleet = Fleet::join([part]);
    fleet.note_image(SCOPE.into(), OLD.into(), image(OLD, "available", "x86_64"));
    fleet.note_image(SCOPE.into(), NEW.into(), image(NEW, "available", "x86_64"));
    fleet
}

fn plan(line: &str, fleet: &Fleet) -> Result<Plan, Refusal> {
    plan_with(line, fleet, &Policy::default())
}

fn roll(plan: &Plan) -> &Roll {
    let Some(Spec::Roll(roll)) = &plan.operation else {
        panic!("no roll: {:?}", plan.operation)
    };
    roll
}

#[track_caller]
fn check_refused(line: &str, fleet: &Fleet, expected: &str) {
    let refusal = plan(line, fleet).unwrap_err().to_string();
    assert!(refusal.contains(expected), "{line}: {refusal}");
}

#[track_caller]
fn check_warns(plan: &Plan, expected: &str) {
    assert!(
        plan.warnings.iter().any(|it| it.contains(expected)),
        "{expected}: {:#?}",
        plan.warnings
    );
}

#[test]
fn a_surge_is_planned_call_by_call() {
    let plan = plan(&format!("reami linux {NEW} --batch 2"), &fleet(|_| {})).unwrap();
    let calls: Vec<String> = plan.calls.iter().map(ToString::to_string).collect();
    let mark = "pooldeck:operation";
    let first = [
        format!(
            "autoscaling:CreateOrUpdateTags group=linux {mark}=the operation's id propagate=false"
        ),
        format!(
            "ec2:CreateLaunchTemplateVersion from=linux:3 image={NEW} token=the operation's id"
        ),
        "autoscaling:SuspendProcesses group=linux processes=AZRebalance".to_owned(),
        "autoscaling:SetDesiredCapacity group=linux desired=5".to_owned(),
        "autoscaling:SetDesiredCapacity group=linux desired=6".to_owned(),
        format!(
            "ec2:CreateTags instances={} pooldeck:operation=the operation's id",
            IDS[0]
        ),
    ];
    assert_eq!(calls[..6], first);
    check_warns(&plan, "1 of them first, alone, and watched for 10m");
    let terminate = |id: &str| {
        format!(
            "autoscaling:TerminateInstanceInAutoScalingGroup group=linux instance={id} decrement=true"
        )
    };
    let end = terminate(IDS[2]);
    // Nobody knows an agent of the last one, so nothing proves it idle.
    let maybe = plan.conditional_calls.iter();
    let maybe: Vec<String> = maybe
        .map(|it| format!("{}: {}", it.call, it.when))
        .collect();
    let unseen = IDS[3];
    for words in [
        format!("{}: once its agent is seen", terminate(unseen)),
        format!(
            "autoscaling:EnterStandby group=linux instances={unseen} decrement=true: if its agent is not seen within \
             the boot budget"
        ),
        "autoscaling:SetDesiredCapacity group=linux desired=6: again, as old ones of a batch are gone".to_owned(),
    ] {
        assert!(maybe.contains(&words), "{words}\n{maybe:#?}");
    }
    let back = |it: &String| it.ends_with("if it turns back: then the new ones go as these");
    assert!(maybe.iter().any(back), "{maybe:#?}");
    assert_eq!(
        calls[calls.len() - 3..],
        [
            end,
            "autoscaling:ResumeProcesses group=linux processes=AZRebalance".to_owned(),
            format!("autoscaling:DeleteTags group=linux {mark}"),
        ]
    );
    let roll = roll(&plan);
    assert_eq!(roll.strategy, Strategy::Surge);
    assert_eq!(
        (roll.canary, roll.max_unavailable, roll.pools[0].batch),
        (1, 0, 2)
    );
    assert_eq!(roll.pools[0].targets.len(), 4);
    assert_eq!(roll.pools[0].word.as_deref(), Some("$Latest"));
    assert!(plan.is_destructive);
    assert!(
        plan.jobs_at_risk[0]
            .to_string()
            .starts_with(&format!("deploy on {}, its end is not known", IDS[2]))
    );
    check_warns(&plan, "says $Latest, which is the new version at once");
    check_warns(&plan, "takes unknown: no boot of this pool is known yet");
    check_warns(&plan, "no agent is known on 1 of them");
    check_warns(&plan, "the jobs run to their end");
}

#[test]
fn a_roll_believes_what_the_configuration_says_that_it_takes() {
    let proof = Proof {
        n_readings: 5,
        span: Duration::from_secs(20),
        ..Proof::default()
    };
    let policy = Policy {
        proof,
        ..Policy::default()
    };
    let line = format!("reami linux {NEW}");
    let made = plan_with(&line, &fleet(|_| {}), &policy).unwrap();
    assert_eq!(roll(&made).proof, proof);
    check_warns(&made, "believes 5 readings over 20s");
    let usual = plan(&line, &fleet(|_| {})).unwrap();
    assert!(!usual.warnings.iter().any(|it| it.contains("believes")));
}

#[test]
fn a_pool_without_room_borrows_its_max() {
    let full = fleet(|it| {
        Arc::make_mut(&mut it.pools[0]).capacity = Some(Capacity {
            desired: 4,
            min: 2,
            max: 4,
        });
    });
    let plan = plan(&format!("reami linux {NEW} --batch 50%"), &full).unwrap();
    let bounds: Vec<String> = plan
        .calls
        .iter()
        .filter(|it| matches!(it, Call::UpdateBounds { .. }))
        .map(Call::parameters)
        .collect();
    // First for the canary, then for a batch.
    let expected = [
        "group=linux max=5",
        "group=linux max=6",
        "group=linux max=4",
    ];
    assert_eq!(bounds, expected);
}

#[test]
fn old_ones_first_lowers_nothing() {
    let plan = plan(
        &format!("reami linux {NEW} --strategy terminate-first"),
        &fleet(|_| {}),
    )
    .unwrap();
    assert!(
        !plan
            .calls
            .iter()
            .any(|it| matches!(it, Call::SetDesiredCapacity { .. }))
    );
    assert!(plan.calls.iter().any(|it| matches!(
        it,
        Call::TerminateInstance {
            decrement: false,
            ..
        }
    )));
    assert_eq!(roll(&plan).max_unavailable, 1);
    check_warns(&plan, "up to 1 of 4 are missing meanwhile");
    // A batch is no more than may be missing.
    let line = format!("reami linux {NEW} --strategy terminate-first --batch 3");
    let batched = self::plan(&line, &fleet(|_| {})).unwrap();
    check_warns(&batched, "4 instances are replaced, 1 at a time");
    let at_min = fleet(|it| {
        Arc::make_mut(&mut it.pools[0]).capacity = Some(Capacity {
            desired: 4,
            min: 4,
            max: 8,
        });
    });
    let line = format!("reami linux {NEW} --strategy terminate-first");
    check_refused(&line, &at_min, "would leave it below");
}

#[test]
fn an_image_that_cannot_be_launched_is_refused() {
    let line = format!("reami linux {NEW}");
    let with = |lookup| {
        let mut fleet = fleet(|_| {});
        fleet.note_image(SCOPE.into(), NEW.into(), lookup);
        fleet
    };
    check_refused(
        &line,
        &with(Lookup::Missing),
        "does not exist in dev/us-east-1",
    );
    check_refused(&line, &with(image(NEW, "pending", "x86_64")), "is pending");
    check_refused(
        &line,
        &with(image(NEW, "available", "arm64")),
        "is for arm64",
    );
    let failed = plan(&line, &with(Lookup::Failed("AWS is silent".into()))).unwrap();
    check_warns(&failed, "could not be looked up: AWS is silent");
    let unknown = plan(&line, &Fleet::join([&part(|_| {})])).unwrap();
    check_warns(&unknown, "is looked up before anything is called");
    check_refused(
        &format!("reami linux {OLD}"),
        &fleet(|_| {}),
        "nothing to do",
    );
    assert!(
        "reami linux ami-xyz"
            .parse::<ActionLine>()
            .unwrap_err()
            .contains("not an image id")
    );
}

#[test]
fn where_a_roll_stops_on_its_way_is_said() {
    let line = format!("reami linux {NEW} --canary 2 --bake 5m --checkpoints 25,50");
    let plan = plan(&line, &fleet(|_| {})).unwrap();
    check_warns(
        &plan,
        "2 of them first, alone, and watched for 5m00s; it stops at 25 % and 50 % for 1h00m each",
    );
}

#[test]
fn a_version_that_cannot_be_launched_is_refused() {
    let version = LaunchSource::Template(TemplateVersion {
        id: Some("lt-1".into()),
        name: "linux".into(),
        version: "2".into(),
    });
    let of_image = |image: &str| {
        let mut template = fleet(|_| {}).pools[&PoolKey::new(SCOPE, "linux")]
            .template
            .clone()
            .unwrap();
        template.image = Some(image.into());
        Lookup::Found(template)
    };
    let with = |source, image| {
        let mut fleet = hooked(|_| {});
        fleet.note_source(SCOPE.into(), version.clone(), source);
        fleet.note_image(SCOPE.into(), NEW.into(), image);
        fleet
    };
    for line in [
        "reami linux --template-version 2".to_owned(),
        "rollback linux --to 2".to_owned(),
        format!("reami linux --template-version 2 {BY_AWS}"),
        "refresh start linux --template-version 2".to_owned(),
    ] {
        let sound = image(NEW, "available", "x86_64");
        let action = line.parse::<ActionLine>().unwrap().action;
        assert_eq!(
            action.sources(&hooked(|_| {})),
            [(SCOPE.into(), version.clone())].into(),
            "{line}"
        );
        let fleet = with(of_image(NEW), sound.clone());
        let images = action.images(&fleet);
        assert!(images.contains(&(SCOPE.into(), NEW.into())), "{line}");
        let change = |it: &&pooldeck::action::Change| it.what == "image" && it.to == NEW;
        let changes = plan(&line, &fleet).unwrap().changes;
        assert_eq!(changes.iter().filter(change).count(), 1, "{line}");
        let gone = with(Lookup::Missing, sound.clone());
        check_refused(&line, &gone, "launch template linux has no version 2");
        let mute = with(of_image(NEW), Lookup::Missing);
        check_refused(&line, &mute, "does not exist in dev/us-east-1");
        let arm = with(of_image(NEW), image(NEW, "available", "arm64"));
        check_refused(&line, &arm, "is for arm64");
        let silent = with(Lookup::Failed("AWS is silent".into()), sound);
        let silent = plan(&line, &silent).unwrap();
        check_warns(&silent, "linux:2 could not be looked up: AWS is silent");
    }
}

#[test]
fn what_no_roll_can_do_is_refused() {
    let line = format!("reami linux {NEW}");
    let edited = |edit: fn(&mut Pool)| fleet(|it| edit(Arc::make_mut(&mut it.pools[0])));
    check_refused(
        &line,
        &edited(|it| it.ci = None),
        "no CI controller is configured",
    );
    check_refused(
        &line,
        &edited(|it| it.template = None),
        "no launch template",
    );
    check_refused(
        &line,
        &edited(|it| it.template.as_mut().unwrap().resolved_version = None),
        "could not be read",
    );
    check_refused(
        &line,
        &edited(|it| it.kind = PoolKind::Static),
        "no Auto Scaling group",
    );
    check_refused(
        &line,
        &edited(|it| {
            it.refresh = Some(Refresh {
                id: "r-1".into(),
                status: RefreshStatus::InProgress,
                reason: None,
                percent_complete: None,
                n_instances_to_update: None,
                started_at: None,
                ended_at: None,
                on_protected: None,
                version: None,
            });
        }),
        "instance refresh r-1",
    );
    let suspended = edited(|it| {
        it.suspended.push(Suspension {
            process: Process::Launch,
            reason: String::new(),
        });
    });
    check_refused(&line, &suspended, "`resume linux Launch` first");
    let frozen = edited(|it| {
        it.tags
            .insert(FreezeMark::TAG.to_owned(), "for ever".to_owned());
    });
    check_refused(&line, &frozen, "is frozen; `thaw linux` first");
    let weighted = edited(|it| {
        it.mixed = Some(MixedInstances {
            unit: Some("weighted capacity".to_owned()),
            ..MixedInstances::default()
        });
    });
    check_refused(&line, &weighted, "counts weighted capacity, not instances");
    let owned = fleet(|it| {
        let tags = &mut Arc::make_mut(&mut it.instances[1]).tags;
        tags.insert("pooldeck:operation".into(), "op-1".into());
    });
    let refusal = format!("operation op-1 owns {}", IDS[1]);
    check_refused(&line, &owned, &refusal);
    check_refused("reami linux", &fleet(|_| {}), "needs an image");
    check_refused(
        "reami linux --template-version $Latest",
        &fleet(|_| {}),
        "name the number",
    );
    check_refused(
        "reami linux --template-version v3",
        &fleet(|_| {}),
        "v3 is not the number of a version",
    );
    check_refused(
        "reami linux --template-version 3",
        &fleet(|_| {}),
        "launches linux:3 already",
    );
}

#[test]
fn only_those_that_are_not_of_the_version_go() {
    let mixed = fleet(|it| Arc::make_mut(&mut it.instances[0]).template_version = Some("2".into()));
    let plan = plan("reami linux --template-version 3", &mixed).unwrap();
    assert_eq!(roll(&plan).pools[0].targets, [InstanceId::from(IDS[0])]);
    assert!(
        !plan
            .calls
            .iter()
            .any(|it| matches!(it, Call::LaunchFrom { .. })),
        "it launches that already"
    );
}

#[test]
fn an_image_that_is_there_already_comes_with_a_way_that_does_something() {
    let everywhere = fleet(|_| {});
    let refused = plan(&format!("reami linux {OLD}"), &everywhere).unwrap_err();
    assert!(matches!(refused, Refusal::AlreadySo(_)), "{refused}");
    let words = refused.to_string();
    assert!(
        words.contains("every member is of it; --bootstrap"),
        "{words}"
    );
    assert!(!words.contains("--template-version"), "{words}");
    let mixed = fleet(|it| Arc::make_mut(&mut it.instances[0]).template_version = Some("2".into()));
    let line = format!("reami linux {OLD}");
    check_refused(&line, &mixed, "`reami linux --template-version 3` replaces");
    assert!(plan("reami linux --template-version 3", &mixed).is_ok());
}

#[test]
fn bootstrap_copies_the_image_that_is_there() {
    let plan = plan("reami linux --bootstrap", &fleet(|_| {})).unwrap();
    let expected = Change::Copy {
        image: Some(OLD.into()),
    };
    assert_eq!(roll(&plan).pools[0].to, expected);
}

#[test]
fn a_launch_configuration_is_copied_with_advice() {
    let old = fleet(|it| {
        let template = Arc::make_mut(&mut it.pools[0]).template.as_mut().unwrap();
        template.kind = TemplateKind::LaunchConfiguration;
        template.name = "linux-2019".into();
        template.version = String::new();
    });
    let plan = plan(&format!("reami linux {NEW}"), &old).unwrap();
    assert!(matches!(&plan.calls[1], Call::CopyConfiguration { from, .. } if from == "linux-2019"));
    assert!(matches!(&plan.calls[2], Call::LaunchFrom { .. }));
    check_warns(&plan, "move it to a launch template");
}

#[test]
fn who_is_not_in_service_is_named() {
    let some = fleet(|it| {
        Arc::make_mut(&mut it.instances[0]).lifecycle = Some(Lifecycle::Standby);
        Arc::make_mut(&mut it.instances[1]).lifecycle = Some(Lifecycle::WarmedStopped);
    });
    let plan = plan(&format!("reami linux {NEW}"), &some).unwrap();
    check_warns(&plan, "1 in standby, left there");
    check_warns(&plan, "1 in the warm pool, to be replaced once in service");
    assert_eq!(roll(&plan).pools[0].targets.len(), 2);
}

#[test]
fn a_boot_that_was_seen_makes_an_estimate() {
    let seen = fleet(|it| {
        it.activities.push(launch(ActivityStatus::Successful, None));
    });
    let plan = plan(&format!("reami linux {NEW} --canary 0 --batch 2"), &seen).unwrap();
    check_warns(&plan, "takes about 6m00s, by 2m00s of a boot");
}

/// A launch of the pool, and how it ended.
fn launch(status: ActivityStatus, message: Option<&str>) -> Arc<Activity> {
    let started_at = Timestamp::from_secs(1000);
    Arc::new(Activity {
        id: "a-1".into(),
        pool: PoolKey::new(SCOPE, "linux"),
        started_at,
        ended_at: Some(started_at + Duration::from_mins(2)),
        status,
        status_message: message.map(str::to_owned),
        description: "Launching a new EC2 instance: i-1".into(),
        cause: String::new(),
        percent: None,
        instance: None,
    })
}

#[test]
fn a_roll_of_a_pool_that_is_short_says_what_it_waits_for() {
    let line = format!("reami linux {NEW} --batch 2");
    let first = format!("{line} --strategy terminate-first");
    let wanting_6 = |part: &mut Part| {
        Arc::make_mut(&mut part.pools[0]).capacity = Some(Capacity {
            desired: 6,
            min: 2,
            max: 8,
        });
        let boot = launch(ActivityStatus::Successful, None);
        part.activities.push(boot);
    };
    let short = fleet(wanting_6);
    let made = plan(&first, &short).unwrap();
    check_warns(&made, "2 of 6 are missing already");
    check_warns(
        &made,
        "drained until the pool is whole, as at most 1 may be",
    );
    check_warns(&made, "that is from when the pool is whole");
    let surge = plan(&line, &short).unwrap();
    check_warns(&surge, "drained until more than 6 are in service");
    let two = plan(&format!("{first} --max-unavailable 2"), &short).unwrap();
    check_warns(&two, "drained until fewer than 2 are missing");
    let three = plan(&format!("{first} --max-unavailable 3"), &short).unwrap();
    assert!(!three.warnings.iter().any(|it| it.contains("until")));

    let message = "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We do not have \
                   sufficient capacity in the Availability Zone you requested (us-east-1b).";
    let failing = fleet(|part| {
        wanting_6(part);
        let failed = launch(ActivityStatus::Failed, Some(message));
        part.activities.insert(0, failed);
    });
    let made = plan(&first, &failing).unwrap();
    check_warns(
        &made,
        "how long it takes is not known: launches fail now (InsufficientInstanceCapacity in us-east-1b)",
    );
    assert!(!made.warnings.iter().any(|it| it.contains("takes about")));
}

#[test]
fn a_job_that_ends_meanwhile_is_no_other_roll() {
    let line = format!("reami linux {NEW}");
    let later = fleet(|it| Arc::make_mut(&mut it.executors[2]).work = Work::Idle { since: None });
    let (before, after) = (
        plan(&line, &fleet(|_| {})).unwrap(),
        plan(&line, &later).unwrap(),
    );
    assert!(after.does_the_same_as(&before));
}

/// A journal of one operation, as this host may have it.
fn rolled(id: &str, plan: &Plan) -> Operation {
    let event = Event {
        at: Timestamp::from_secs(1000),
        what: Happening::Planned {
            version: Event::VERSION,
            id: OperationId(id.into()),
            spec: plan.operation.clone().unwrap(),
            owner: Owner::default(),
            reason: None,
            command_line: plan.command_line.clone(),
        },
    };
    Operation::replay(&[event]).unwrap()
}

#[test]
fn a_rollback_finds_where_the_roll_came_from() {
    let there = rolled(
        "op-1",
        &plan(&format!("reami linux {NEW}"), &fleet(|_| {})).unwrap(),
    );
    // It rolled to version 4 meanwhile.
    let now = fleet(|it| {
        Arc::make_mut(&mut it.pools[0])
            .template
            .as_mut()
            .unwrap()
            .resolved_version = Some("4".into());
        for instance in &mut it.instances {
            Arc::make_mut(instance).template_version = Some("4".into());
        }
    });
    for line in ["rollback op-1", "rollback linux"] {
        let asked: ActionLine = line.parse().unwrap();
        let action = asked.action.find_way_back([&there].into_iter());
        assert!(
            action.to_string().starts_with("rollback linux --to 3"),
            "{action}"
        );
        let plan = plan(&action.to_string(), &now).unwrap();
        let roll = roll(&plan);
        assert!(roll.is_rollback);
        assert_eq!(roll.pools[0].targets.len(), 4);
        let Change::Existing(to) = &roll.pools[0].to else {
            panic!("{roll:?}")
        };
        assert_eq!(to.to_string(), "linux:3");
    }
    check_refused("rollback linux", &now, "add --to VERSION");
}

#[test]
fn a_drain_is_nothing_to_go_back_from() {
    let mut drain = plan(&format!("reami linux {NEW}"), &fleet(|_| {})).unwrap();
    drain.operation = Some(Spec::Drain(Drain {
        pool: PoolKey::new(SCOPE, "linux"),
        targets: Vec::new(),
        decrement: true,
        max_unavailable: 1,
        proof: Proof::default(),
        deadline: None,
        force: false,
    }));
    let drained = rolled("op-2", &drain);
    let asked: ActionLine = "rollback linux".parse().unwrap();
    let action = asked.action.find_way_back([&drained].into_iter());
    assert_eq!(action.to_string(), "rollback linux");
}

/// The pool with a number instead of `$Latest`, and a hook that makes AWS wait.
fn hooked(edit: impl FnOnce(&mut Pool)) -> Fleet {
    fleet(|part| {
        let served = Arc::make_mut(&mut part.pools[0]);
        served.template.as_mut().unwrap().version = "3".into();
        served.hooks.push(Hook::new(
            "drain",
            HookTransition::Terminating,
            Duration::from_mins(5),
            HookResult::Abandon,
        ));
        served.hooks_read_at = Some(Timestamp::EPOCH);
        edit(served);
    })
}

fn refresh(plan: &Plan) -> &pooldeck::operation::Refresh {
    let Some(Spec::Refresh(refresh)) = &plan.operation else {
        panic!("no refresh: {:?}", plan.operation)
    };
    refresh
}

const BY_AWS: &str = "--engine instance-refresh";

#[test]
fn aws_rolls_to_a_version_that_is_made_first() {
    let line = format!(
        "reami linux {NEW} {BY_AWS} --checkpoints 25,50 --checkpoint-delay 10m --bake 5m --alarm failures --warmup 1m"
    );
    let plan = plan(&line, &hooked(|_| {})).unwrap();
    let calls: Vec<String> = plan.calls.iter().map(ToString::to_string).collect();
    let expected = [
        format!(
            "ec2:CreateLaunchTemplateVersion from=linux:3 image={NEW} token=the operation's id"
        ),
        "autoscaling:StartInstanceRefresh group=linux template=linux:the new version min-healthy=100 max-healthy=110 \
         warmup=60s checkpoints=25,50,100 checkpoint-delay=600s bake=300s alarms=failures auto-rollback=true \
         skip-matching=true protected=Wait standby=Wait"
            .to_owned(),
    ];
    assert_eq!(calls, expected);
    assert!(plan.is_destructive);
    let refresh = refresh(&plan);
    let copy = refresh.copy.as_ref().unwrap();
    assert_eq!((&*copy.from.version, copy.image.as_str()), ("3", NEW));
    assert_eq!(refresh.terms.template, None, "known once it is made");
    check_warns(&plan, "busy workers like idle ones");
    check_warns(&plan, "outlives this console");
}

#[test]
fn the_terms_of_a_roll_are_said_in_aws_words() {
    for (terms, words) in [
        ("--batch 2", "min-healthy=100 max-healthy=150 "),
        ("--batch 25%", "min-healthy=100 max-healthy=125 "),
        (
            "--strategy terminate-first",
            "min-healthy=90 max-healthy=100 ",
        ),
        (
            "--batch 9 --strategy terminate-first",
            "min-healthy=0 max-healthy=100 ",
        ),
        (
            "--min-healthy 75",
            "template=linux:the new version min-healthy=75 auto",
        ),
        ("--no-rollback", "auto-rollback=false"),
        ("--on-failure hold", "auto-rollback=false"),
        (
            "--protected refresh --standby terminate",
            "protected=Refresh standby=Terminate",
        ),
    ] {
        let plan = plan(
            &format!("reami linux {NEW} {BY_AWS} {terms}"),
            &hooked(|_| {}),
        )
        .unwrap();
        let call = plan.calls[1].to_string();
        assert!(call.contains(words), "{terms}: {call}");
    }
    let line = format!("reami linux --template-version 2 {BY_AWS}");
    let made = plan(&line, &hooked(|_| {})).unwrap();
    assert_eq!(made.calls.len(), 1, "{:?}", made.calls);
    assert_eq!(refresh(&made).terms.template.as_ref().unwrap().version, "2");
    let made = plan(
        &format!("reami linux --bootstrap {BY_AWS}"),
        &hooked(|_| {}),
    )
    .unwrap();
    assert_eq!(refresh(&made).copy.as_ref().unwrap().image.as_str(), OLD);
}

#[test]
fn what_aws_cannot_roll_is_refused_with_what_to_do_instead() {
    let line = format!("reami linux {NEW} {BY_AWS}");
    let refused =
        |flags: &str, fleet: &Fleet, why| check_refused(&format!("{line} {flags}"), fleet, why);
    let sound = hooked(|_| {});
    for (flags, why) in [
        ("--canary 2", "--checkpoints stops after a share"),
        ("--max-unavailable 1", "--min-healthy says it in percent"),
        ("--deadline 8h", "--deadline is for pooldeck's own roll"),
        ("--boot-budget 5m", "--warmup is how long"),
        ("--max-healthy 150", "needs --min-healthy"),
        ("--bake 49h", "at most 48h"),
    ] {
        refused(flags, &sound, why);
    }
    check_refused(
        &format!("reami linux,arm {NEW} {BY_AWS}"),
        &sound,
        "name one",
    );
    let floats = hooked(|it| it.template.as_mut().unwrap().version = "$Latest".to_owned());
    refused("", &floats, "add --no-rollback, and it says one");
    let pinned = plan(&format!("{line} --no-rollback"), &floats).unwrap();
    check_warns(&pinned, "it will say the number from now on");
    let bare = hooked(|it| it.hooks.clear());
    refused("", &bare, "busy workers are ended with their jobs");
    refused("--force", &bare, "reami --force on linux needs a reason");
    let forced = plan(&format!("{line} --force --reason now"), &bare).unwrap();
    assert!(refresh(&forced).force && !forced.jobs_at_risk.is_empty());
    let mixed = hooked(|it| it.mixed = Some(MixedInstances::default()));
    refused("", &mixed, "would replace all of it");
    let old = hooked(|it| {
        let template = it.template.as_mut().unwrap();
        template.kind = TemplateKind::LaunchConfiguration;
        template.version.clear();
        template.resolved_version = None;
    });
    refused("", &old, "leave --engine out");
    let mut fleet = hooked(|_| {});
    fleet.note_image(SCOPE.into(), NEW.into(), image(NEW, "available", "arm64"));
    refused("", &fleet, "is for arm64");
    check_refused(
        &format!("reami linux --template-version 3 {BY_AWS}"),
        &sound,
        "every member is of it",
    );
    // And the other way round: pooldeck's own roll drops no word either.
    for flags in ["--alarm x", "--force --reason y", "--min-healthy 50"] {
        let line = format!("reami linux {NEW} {flags}");
        check_refused(&line, &sound, "is for --engine instance-refresh");
    }
}

#[test]
fn a_rollback_finds_where_a_refresh_came_from() {
    for line in [
        format!("reami linux {NEW} {BY_AWS}"),
        "refresh start linux --template-version 2".to_owned(),
    ] {
        let plan = plan(&line, &hooked(|_| {})).unwrap();
        let rolled = rolled("op-1", &plan);
        let line: ActionLine = "rollback op-1".parse().unwrap();
        let found = line.action.find_way_back([&rolled].into_iter());
        assert_eq!(
            found.to_string(),
            format!("rollback linux --to 3 --scope {SCOPE}")
        );
    }
}
