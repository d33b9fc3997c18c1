//! Every exit code, reached: by the weather, by the service, by somebody else.

use pooldeck::{
    action::{Confirmation, Guardrail},
    cli::Exit,
    fleet::{Call, PoolKey, SourceId},
    sim::{CloudFaults, Faults},
};

use crate::stage::{Refuses, START, Stage};

fn cloud(cloud: CloudFaults) -> Stage {
    Stage::with_faults(Faults {
        cloud,
        ..Faults::none()
    })
}

fn linux() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

#[test]
fn everything_was_read_is_0() {
    let said = Stage::new().run("pools");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert_eq!(said.stdout.lines().count(), 3, "{said:?}");
    assert_eq!(said.stderr, "");
}

#[test]
fn a_silent_region_is_6_and_the_other_is_shown() {
    let stage = Stage::new();
    let source = SourceId::Scope("sim/eu-west-1".into());
    let hour = std::time::Duration::from_hours(1);
    stage.world.lock().unwrap().silence(source, hour);
    let said = stage.run("pools -o json");
    assert_eq!(said.exit, Exit::Unavailable, "{said:?}");
    let document = said.json();
    assert_eq!(document["pools"][0]["name"], "linux");
    assert_eq!(document["errors"][0]["source"], "sim/eu-west-1");
    assert_eq!(document["errors"][0]["kind"], "unknown");
    assert_eq!(document["scopes"].as_array().unwrap().len(), 2);
    assert!(said.stderr.contains("warning: sim/eu-west-1: "), "{said:?}");
}

#[test]
fn a_region_that_hangs_is_6_after_the_timeout() {
    let mut stage = Stage::new();
    stage.hung.push("sim/eu-west-1".into());
    let said = stage.run("instances --timeout 1s");
    assert_eq!(said.exit, Exit::Unavailable, "{said:?}");
    assert_eq!(said.stdout.lines().count(), 7, "{said:?}");
    assert_eq!(said.stderr, "warning: sim/eu-west-1: no answer within 1s\n");
}

#[test]
fn a_login_page_of_a_controller_is_7_and_no_matter_of_aws_credentials() {
    let mut faults = Faults::none();
    faults.ci.login_page = 1.0;
    let said = Stage::with_faults(faults).run("executors");
    assert_eq!(said.exit, Exit::Credentials, "{said:?}");
    assert!(said.stderr.contains("200 with a web page"), "{said:?}");
    assert!(!said.stderr.contains("aws sso login"), "{said:?}");
}

#[test]
fn throttled_reads_are_6() {
    let said = cloud(CloudFaults {
        throttled: 1.0,
        ..CloudFaults::default()
    })
    .run("pools");
    assert_eq!(said.exit, Exit::Unavailable, "{said:?}");
    assert!(said.stderr.contains("Throttling"), "{said:?}");
    assert!(said.stderr.contains("No pools could be read."), "{said:?}");
}

#[test]
fn expired_credentials_are_7() {
    let stage = cloud(CloudFaults {
        credentials_end: Some(START),
        ..CloudFaults::default()
    });
    for line in ["pools", "scale linux 8 --yes"] {
        let said = stage.run(line);
        assert_eq!(said.exit, Exit::Credentials, "{said:?}");
        assert!(said.stderr.contains("ExpiredToken"), "{said:?}");
    }
}

#[test]
fn a_write_that_we_may_not_make_is_7() {
    let said = cloud(CloudFaults {
        denied: vec!["autoscaling:SetDesiredCapacity".to_owned()],
        ..CloudFaults::default()
    })
    .run("scale linux 8 --yes -o json");
    assert_eq!(said.exit, Exit::Credentials, "{said:?}");
    let result = said.json();
    assert_eq!(result["outcome"], "failed");
    assert_eq!(result["exit_code"], 7);
    assert_eq!(result["calls"][0]["result"], "failed");
    assert_eq!(result["calls"][0]["error"]["kind"], "denied");
    assert!(said.stderr.contains("hint: "), "{said:?}");
}

#[test]
fn a_lost_reply_is_1_and_says_that_it_may_have_happened() {
    let said = cloud(CloudFaults {
        lost_reply: 1.0,
        ..CloudFaults::default()
    })
    .run("suspend linux AZRebalance --yes -o json");
    assert_eq!(said.exit, Exit::Failed, "{said:?}");
    assert_eq!(said.json()["calls"][0]["result"], "unknown");
}

#[test]
fn a_size_whose_reply_was_lost_is_looked_for_and_never_asked_for_twice() {
    let mut stage = cloud(CloudFaults {
        lost_reply: 1.0,
        ..CloudFaults::default()
    });
    stage.speed = 600.0;
    let said = stage.run("launch linux --count 2 --yes -o json");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    let result = said.json();
    assert_eq!(result["calls"].as_array().unwrap().len(), 1, "{result}");
    assert_eq!(result["calls"][0]["result"], "applied");
    assert_eq!(result["instances"][1]["state"], "in_service");
    assert_eq!(desired(&stage), 8);

    // One that never arrived is told from it, and is not sent again by us.
    let mut stage = cloud(CloudFaults {
        lost_call: 1.0,
        ..CloudFaults::default()
    });
    stage.speed = 600.0;
    let said = stage.run("launch linux --count 2 --yes -o json");
    assert_eq!(said.exit, Exit::Failed, "{said:?}");
    assert_eq!(said.json()["calls"][0]["result"], "unknown");
    assert!(said.stderr.contains("linux still wants 6"), "{said:?}");
    assert_eq!(desired(&stage), 6);
}

fn desired(stage: &Stage) -> u32 {
    let world = stage.world.lock().unwrap();
    world.group(&linux()).unwrap().capacity().unwrap().desired
}

fn protect(id: &str) -> Call {
    Call::SetInstanceProtection {
        pool: linux(),
        instances: vec![id.into()],
        protected: true,
    }
}

#[test]
fn who_says_yes_beforehand_named_nobody_so_others_may_go_for_the_same_request() {
    let mut stage = Stage::new();
    let target = |plan: &serde_json::Value| {
        let name = &plan["targets"][0]["instances"][0];
        name.as_str().unwrap().to_owned()
    };
    let planned = stage.run("scale linux 5 --dry-run -o json").json();
    let first = target(&planned["plan"]);
    // Whoever protects it before the second look wants it to stay.
    stage.meddling = Some(protect(&first));
    stage.speed = 600.0;
    let said = stage.run("scale linux 5 --yes -o json");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    let result = said.json();
    let gone = target(&result["plan"]);
    assert_ne!(
        gone, first,
        "the plan that it tells is the one that it made"
    );
    assert!(said.stderr.contains("other instances"), "{said:?}");
    {
        let world = stage.world.lock().unwrap();
        let ids: Vec<String> = world
            .members(&linux())
            .map(|it| it.id().to_string())
            .collect();
        assert!(ids.contains(&first) && !ids.contains(&gone), "{ids:?}");
    }
    assert_eq!(desired(&stage), 5);
}

#[test]
fn a_request_that_comes_to_something_else_is_4_whoever_says_yes() {
    // Another size to begin from is another request.
    let mut stage = Stage::new();
    stage.meddling = Some(Call::SetDesiredCapacity {
        pool: linux(),
        desired: 7,
    });
    let said = stage.run("scale linux 4 --yes");
    assert_eq!(said.exit, Exit::Changed, "{said:?}");
    // Whom an operator names, nobody replaces.
    let mut stage = Stage::new();
    let planned = stage.run("scale linux 5 --dry-run -o json").json();
    let first = planned["plan"]["targets"][0]["instances"][0]
        .as_str()
        .unwrap();
    stage.meddling = Some(protect(first));
    let said = stage.run(&format!("drain {first} --yes"));
    assert_eq!(said.exit, Exit::Changed, "{said:?}");
    // Whoever read the names is asked again.
    let mut stage = Stage::new().on_a_terminal("y\nn\n");
    stage.meddling = Some(protect(first));
    let said = stage.run("scale linux 5");
    assert_eq!(said.exit, Exit::Refused, "{said:?}");
    assert!(
        said.stderr.contains("the fleet changed meanwhile"),
        "{said:?}"
    );
}

#[test]
fn what_a_controller_refuses_is_no_matter_of_aws_credentials() {
    let mut stage = Stage::new();
    let planned = stage.run("scale linux 5 --dry-run -o json").json();
    let id = planned["plan"]["targets"][0]["instances"][0]
        .as_str()
        .unwrap();
    for (refuses, outcome) in [(Refuses::Reads, "unavailable"), (Refuses::Writes, "failed")] {
        stage.refuses = Some(refuses);
        let said = stage.run(&format!("cordon {id} --yes -o json"));
        assert_eq!(said.exit, Exit::Credentials, "{said:?}");
        assert_eq!(said.json()["outcome"], outcome);
        assert!(said.stderr.contains("jenkins: 401"), "{said:?}");
        assert!(!said.stderr.contains("aws sso login"), "{said:?}");
    }
}

#[test]
fn the_first_call_of_two_is_5() {
    let stage = cloud(CloudFaults {
        denied: vec!["autoscaling:SetDesiredCapacity".to_owned()],
        ..CloudFaults::default()
    });
    let said = stage.run("scale linux 20 --max 30 --yes");
    assert_eq!(said.exit, Exit::Partly, "{said:?}");
    assert!(said.stdout.contains("applied"), "{said:?}");
    assert!(said.stdout.contains("failed"), "{said:?}");
    assert!(
        said.stderr.contains("1 of 2 calls were not made"),
        "{said:?}"
    );
}

#[test]
fn a_launch_without_capacity_is_5_in_the_words_of_aws() {
    let mut stage = cloud(CloudFaults {
        no_capacity: 1.0,
        ..CloudFaults::default()
    });
    stage.speed = 600.0;
    let said = stage.run("launch linux --count 2 --yes");
    assert_eq!(said.exit, Exit::Partly, "{said:?}");
    assert!(
        said.stdout.contains("InsufficientInstanceCapacity"),
        "{said:?}"
    );
}

#[test]
fn a_launch_is_followed_to_its_end() {
    let mut stage = Stage::new();
    stage.speed = 600.0;
    let said = stage.run("launch linux --count 2 --yes -o json");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    let result = said.json();
    let states: Vec<_> = (0..2).map(|it| &result["instances"][it]["state"]).collect();
    assert_eq!(states, ["in_service", "in_service"]);
}

#[test]
fn a_launch_that_is_left_alone_is_5() {
    let said = Stage::new().run("launch linux --yes --timeout 1s -o json");
    assert_eq!(said.exit, Exit::Partly, "{said:?}");
    assert_eq!(said.json()["outcome"], "unfollowed");
}

#[test]
fn a_fleet_that_changed_is_4_and_nothing_is_done() {
    let mut stage = Stage::new();
    stage.meddling = Some(Call::SetDesiredCapacity {
        pool: linux(),
        desired: 7,
    });
    let said = stage.run("scale linux +2 --yes -o json");
    assert_eq!(said.exit, Exit::Changed, "{said:?}");
    let result = said.json();
    assert_eq!(result["outcome"], "changed");
    assert_eq!(result["calls"].as_array().unwrap().len(), 0);
    assert_eq!(result["plan"]["changes"][0]["to"], "9");
    let world = stage.world.lock().unwrap();
    assert_eq!(
        world.group(&linux()).unwrap().capacity().unwrap().desired,
        7
    );
}

#[test]
fn an_operator_on_a_terminal_is_asked_again_when_the_fleet_changed() {
    let mut stage = Stage::new().on_a_terminal("y\ny\n");
    stage.meddling = Some(Call::SetDesiredCapacity {
        pool: linux(),
        desired: 7,
    });
    let said = stage.run("scale linux +2");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert!(said.stderr.contains("desired 6 -> 8"), "{said:?}");
    assert!(said.stderr.contains("desired 7 -> 9"), "{said:?}");
}

#[test]
fn anything_but_yes_is_3_and_nothing_is_done() {
    for input in ["", "n\n", "yess\n", "\n"] {
        let stage = Stage::new().on_a_terminal(input);
        let said = stage.run("scale linux 8");
        assert_eq!(said.exit, Exit::Refused, "{said:?}");
        assert!(
            said.stderr.contains("not confirmed; nothing was done"),
            "{said:?}"
        );
        let world = stage.world.lock().unwrap();
        assert_eq!(
            world.group(&linux()).unwrap().capacity().unwrap().desired,
            6
        );
    }
}

#[test]
fn a_guardrail_wants_the_name_of_the_pool() {
    let rule = Guardrail {
        confirm: Some(Confirmation::TypePoolName),
        reason: Some("page the build team first".to_owned()),
        ..Guardrail::default()
    };
    for (input, exit) in [("y\n", Exit::Refused), ("linux\n", Exit::Done)] {
        let mut stage = Stage::new().on_a_terminal(input);
        stage.policy.guardrails.push(rule.clone());
        let said = stage.run("scale linux 8");
        assert_eq!(said.exit, exit, "{said:?}");
        assert!(
            said.stderr.contains("page the build team first"),
            "{said:?}"
        );
    }
}

#[test]
fn a_pool_that_may_be_where_we_could_not_look_is_not_refused() {
    let stage = Stage::new();
    let source = SourceId::Scope("sim/eu-west-1".into());
    let hour = std::time::Duration::from_hours(1);
    stage.world.lock().unwrap().silence(source, hour);
    for line in ["scale mac 8 --yes", "instances mac"] {
        let said = stage.run(line);
        assert_eq!(said.exit, Exit::Unavailable, "{said:?}");
        assert!(said.stderr.contains("no pool is called `mac`"), "{said:?}");
        assert!(said.stderr.contains("sim/eu-west-1"), "{said:?}");
    }
}

#[test]
fn a_dry_run_makes_no_call() {
    let stage = Stage::new();
    for line in [
        "scale linux +2 --max 30 --dry-run",
        "launch linux --dry-run",
        "suspend linux --dry-run",
        "enable-metrics linux --dry-run",
        "tag a=b --pool linux --dry-run",
    ] {
        let said = stage.run(line);
        assert_eq!(said.exit, Exit::Done, "{said:?}");
        assert!(said.stdout.contains("  call "), "{said:?}");
    }
    let group = stage.world.lock().unwrap().group(&linux()).unwrap().clone();
    assert_eq!(group.capacity().unwrap().desired, 6);
    assert!(group.row.suspended.is_empty() && !group.row.tags.contains_key("a"));
}

#[test]
fn whoever_says_yes_beforehand_is_warned_all_the_same() {
    let said = Stage::new().run("suspend linux Launch --yes");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert!(said.stderr.contains("warning: without Launch"), "{said:?}");
}
