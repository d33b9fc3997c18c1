//! Money headless: what pools cost, the summary, where prices come from.

use std::collections::BTreeMap;

use pooldeck::{
    cli::Exit,
    cost::{PriceBook, Terms},
    engine::{Keeping, Limits},
    fleet::Usd,
    sim::{Scenario, World, share},
};
use serde_json::Value;
use snapbox::{IntoData, str};

use crate::{
    sandbox::{Sandbox, check},
    stage::{START, Stage, group},
};

/// Two pools of which one has an older price list, and nobody has ever looked.
fn priced() -> Stage {
    let mut stage = Stage::new();
    stage.pricing.book = PriceBook::new(Terms::default());
    stage
}

#[track_caller]
fn check_said(stage: &Stage, line: &str, wanted: impl IntoData) {
    let said = stage.run(line);
    let text = format!("{}--- stderr\n{}", said.stdout, said.stderr);
    snapbox::assert_data_eq!(text, wanted);
}

#[test]
fn what_pools_cost_is_a_table() {
    check_said(
        &priced(),
        "cost",
        str![[r#"
POOL   SCOPE            $/H  WASTE/H  TODAY  MONTH   IDLE  PRICE FROM      AGE
mac    sim/eu-west-1  $1.35    $1.35      -      -  $1.35  bundled     173d10h
linux  sim/us-east-1  $1.21    $1.21      -      -  $1.21  bundled     173d10h
total                 $2.56    $2.56      -      -  $2.56
--- stderr
warning: no history is kept

"#]],
    );
}

#[test]
fn what_a_pool_costs_for_a_spreadsheet() {
    check_said(
        &priced(),
        "cost linux --since 7d -o csv",
        str![[r#"
pool,scope,usd_per_hour,waste_usd_per_hour,today_usd,today_waste_usd,month_usd,projected_month_usd,since_usd,since_waste_usd,savings_usd_per_hour,month_net_savings_usd,busy,idle,booting,draining,standby,retained,stray,unknown,price_source,price_at,priced_usd_per_hour,priced_waste_usd_per_hour,priced_today_usd,priced_month_usd,priced_since_usd,priced_busy,priced_idle,priced_booting,priced_draining,priced_standby,priced_retained,priced_stray,priced_unknown
linux,sim/us-east-1,1.2096,1.2096,,,,,,,0,,0,1.2096,0,0,0,0,0,0,bundled,2025-06-01T00:00:00Z,1.2096,1.2096,,,,0,1.2096,0,0,0,0,0,0
--- stderr

"#]],
    );
}

#[test]
fn what_a_pool_costs_for_a_script() {
    check_said(
        &priced(),
        "cost linux -o json",
        str![[r#"
{
  "version": 1,
  "at": "2025-11-21T10:00:00Z",
  "usd_per_hour": 1.2096,
  "waste_usd_per_hour": 1.2096,
  "priced_usd_per_hour": 1.2096,
  "priced_waste_usd_per_hour": 1.2096,
  "pools": [
    {
      "pool": "linux",
      "scope": "sim/us-east-1",
      "usd_per_hour": 1.2096,
      "waste_usd_per_hour": 1.2096,
      "priced_usd_per_hour": 1.2096,
      "priced_waste_usd_per_hour": 1.2096,
      "today_usd": null,
      "priced_today_usd": null,
      "today_waste_usd": null,
      "today_seen_hours": 0.0,
      "month_usd": null,
      "priced_month_usd": null,
      "projected_month_usd": null,
      "month_seen_hours": 0.0,
      "month_savings": {
        "spot_usd": null,
        "on_demand_usd": null,
        "saved_usd": null,
        "interruptions": 0,
        "lost_job_minutes": 0,
        "interruptions_of_unknown_cost": 0,
        "lost_usd": 0.0,
        "net_usd": null
      },
      "since_usd": null,
      "priced_since_usd": null,
      "since_waste_usd": null,
      "since_seen_hours": null,
      "savings_usd_per_hour": 0.0,
      "by": {
        "booting": 0.0,
        "busy": 0.0,
        "draining": 0.0,
        "idle": 1.2096,
        "retained": 0.0,
        "standby": 0.0,
        "stray": 0.0,
        "unknown": 0.0
      },
      "priced_by": {
        "booting": 0.0,
        "busy": 0.0,
        "draining": 0.0,
        "idle": 1.2096,
        "retained": 0.0,
        "standby": 0.0,
        "stray": 0.0,
        "unknown": 0.0
      },
      "price": {
        "source": "bundled",
        "at": "2025-06-01T00:00:00Z"
      },
      "unpriced": 0
    }
  ],
  "strays": {
    "instances": 0,
    "at_work": 0,
    "usd_per_hour": 0.0,
    "priced_usd_per_hour": 0.0
  },
  "prices": {
    "lists": [
      {
        "source": "bundled",
        "at": "2025-06-01T00:00:00Z",
        "n_prices": 128
      }
    ],
    "spot": null
  },
  "bills": [],
  "own": {
    "metrics_read": 0,
    "metric_writes": 0,
    "bills_read": 0,
    "usd": 0.0
  },
  "errors": []
}
--- stderr

"#]],
    );
}

#[test]
fn without_prices_nothing_is_free() {
    check_said(
        &Stage::new(),
        "cost",
        str![[r#"
POOL   SCOPE          $/H  WASTE/H  TODAY  MONTH  PRICE FROM  AGE
mac    sim/eu-west-1    -        -      -      -  -             -
linux  sim/us-east-1    -        -      -      -  -             -
total                   -        -      -      -
--- stderr
warning: no price is known of m7i.xlarge (Linux/UNIX, on-demand) in eu-west-1: 6 instances
warning: no price is known of m7i.xlarge (Linux/UNIX, on-demand) in us-east-1: 6 instances
warning: no history is kept

"#]],
    );
}

#[test]
fn a_damaged_file_of_prices_is_named_and_everything_goes_on() {
    let mut stage = priced();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prices.json");
    std::fs::write(&file, "{\"version\": 1,\n\"list\": 7}").unwrap();
    stage.pricing.file = Some(file.clone());
    let said = stage.run("cost linux");
    let wanted = format!("warning: {}:2: the kept prices are damaged", file.display());
    assert!(said.stderr.contains(&wanted), "{}", said.stderr);
    assert!(said.stdout.contains("bundled"), "{}", said.stdout);
    std::fs::write(&file, "{\"version\": 2}").unwrap();
    let said = stage.run("cost linux");
    assert!(
        said.stderr.contains("it is of version 2"),
        "{}",
        said.stderr
    );
    // What is read takes the place of what could not be.
    assert_eq!(stage.run("prices --renew").stderr, "");
    let said = stage.run("cost linux");
    assert!(said.stdout.contains("pricing_api"), "{}", said.stdout);
    assert_eq!(said.stderr, "warning: no history is kept\n");
}

#[test]
fn a_fleet_fits_into_a_chat_message() {
    check(
        "summary --demo --speed 0 --no-history",
        str![[r#"
$ pooldeck summary --demo --speed 0 --no-history
7 pools, 72 instances, at least $11.62/h, waste at least $3.19/h, 3 strays, 2026-03-02T09:30:00Z
browsers: 13 of 12 instances (12 in service, 1 standby); 5 m7a.xlarge, 5 m7i.xlarge, 2 c7i.2xlarge, 1 m6i.xlarge; 8 spot, 5 on-demand; ami-0a1d50c6f1f6b9d20; 9 busy, 3 idle, 0 queued; at least $1.36/h, waste at least $0.08/h
ios: 4 instances (4 unattached); mac2.metal; on-demand; ami-0a1d50c6f1f6b9d20; 4 busy, 0 idle, 0 queued; unknown, waste $0.00/h
windows: 7 of 7 instances (7 in service); m7i.2xlarge; on-demand; ami-0a1d50c6f1f6b9d20; 6 busy, 0 idle, 0 queued; unknown, waste $0.00/h
gpu: 3 of 6 instances (3 in service); g5.2xlarge; on-demand; ami-0a1d50c6f1f6b9d20; 3 busy, 0 idle, 16 queued; $3.64/h, waste $0.00/h
  ! 3 of 6 missing: Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient g5.2xlarge capacity…
workhorse: 22 of 20 instances (18 in service, 2 pending wait, 1 terminating wait, 1 unattached); c7i.2xlarge; 21 spot, 1 on-demand; ami-0a1d50c6f1f6b9d20; 9 busy, 11 idle, 0 queued; $2.45/h, waste $1.09/h
  ! stray: its instance i-0ec145c2341720f30 belongs to no Auto Scaling group
arm-linux: 14 of 14 instances (13 in service, 1 pending wait); c7g.2xlarge; spot; ami-0a1d50c6f1f6b9d20; 8 busy, 5 idle, 0 queued; $2.36/h, waste $1.01/h
  ! stray: launched 12m ago, and no agent of jenkins-eu registered within 10m
release: 9 of 8 instances (8 in service, 1 terminating wait); m7i.xlarge; on-demand; 6 ami-0f34c5ae932e6f0e4, 3 ami-0c2b8ca1dad447f8a; 4 busy, 5 idle, 0 queued; $1.81/h, waste $1.01/h
  ! 3 instances are outdated

"#]],
    );
}

#[test]
fn prices_say_where_they_come_from_and_how_old_they_are() {
    check(
        "prices --demo --speed 0",
        str![[r#"
$ pooldeck prices --demo --speed 0
PRICES FROM  OF                       AGE  PRICES
bundled      2025-06-01T00:00:00Z  274d9h     128

"#]],
    );
}

#[test]
fn prices_are_read_anew_when_told() {
    check(
        "prices --demo --speed 0 --renew",
        str![[r#"
$ pooldeck prices --demo --speed 0 --renew
PRICES FROM   OF                       AGE  PRICES
pricing_api   2026-03-02T09:30:00Z      0s       9
bundled       2025-06-01T00:00:00Z  274d9h     128
spot_history  2026-03-02T09:30:00Z      0s      15

"#]],
    );
}

#[test]
fn nobody_is_asked_for_prices_where_that_is_forbidden() {
    check(
        "prices --demo --speed 0 --renew --no-pricing",
        str![[r#"
$ pooldeck prices --demo --speed 0 --renew --no-pricing
--- stderr
error: prices are not read: `pricing = false` in the configuration, or --no-pricing, forbids it
--- exit code 2

"#]],
    );
}

#[test]
fn a_plan_says_what_it_costs() {
    check(
        "scale release +2 --demo --speed 0 --dry-run",
        str![[r#"
$ pooldeck scale release +2 --demo --speed 0 --dry-run
scale release +2
  pool      demo/us-east-1/release, account 123456789012 as ci-operator, production
  change    desired 8 -> 10
  cost      +$0.40 an hour, from $1.81 to $2.22
  call      autoscaling:SetDesiredCapacity group=release desired=10

"#]],
    );
    // It runs spot instances, and asks for their prices.
    check(
        "scale workhorse -1 --demo --speed 0 --dry-run",
        str![[r#"
$ pooldeck scale workhorse -1 --demo --speed 0 --dry-run
scale workhorse -1
  pool      demo/us-east-1/workhorse, account 123456789012 as ci-operator, production
  instance  i-0394a71ddc4133cdc
  change    desired 20 -> 19
  cost      -$0.10 an hour, from $2.45 to $2.36
  warning   i-0394a71ddc4133cdc goes: idle, since 08:45:00
  warning   jenkins-us is durable: A cordon lasts; that no job runs is proven by looking again, not atomically.
  warning   its end is about 09:32:00, in 2m00s
  call      ec2:CreateTags instances=i-0394a71ddc4133cdc pooldeck:operation=the operation's id
  call      autoscaling:SetInstanceProtection group=workhorse instances=i-0394a71ddc4133cdc protected=true
  call      ci:Cordon executor=i-0394a71ddc4133cdc note="drain of i-0394a71ddc4133cdc"
  call      autoscaling:TerminateInstanceInAutoScalingGroup group=workhorse instance=i-0394a71ddc4133cdc decrement=true
  maybe     autoscaling:RecordLifecycleActionHeartbeat group=workhorse instance=i-0394a71ddc4133cdc hook=drain-agent (while the hook holds it and a job may run)
  maybe     autoscaling:CompleteLifecycleAction group=workhorse instance=i-0394a71ddc4133cdc hook=drain-agent result=CONTINUE (once the hook holds it and nothing runs)
  maybe     ci:Uncordon executor=i-0394a71ddc4133cdc (after its instance's end or an abort, if the agent is still known)
  maybe     autoscaling:SetInstanceProtection group=workhorse instances=i-0394a71ddc4133cdc protected=false (at an abort, if it is still there)
  maybe     ec2:DeleteTags instances=i-0394a71ddc4133cdc pooldeck:operation (at an abort, if it is still there)

"#]],
    );
    check(
        "scale windows +1 --demo --speed 0 --dry-run",
        str![[r#"
$ pooldeck scale windows +1 --demo --speed 0 --dry-run
scale windows +1
  pool      demo/us-east-1/windows, account 123456789012 as ci-operator, production
  change    desired 7 -> 8
  cost      not known: nobody has said what one more instance of demo/us-east-1/windows costs
  call      autoscaling:SetDesiredCapacity group=windows desired=8

"#]],
    );
    check(
        "scale release -1 --demo --speed 0 --dry-run",
        str![[r#"
$ pooldeck scale release -1 --demo --speed 0 --dry-run
scale release -1
  pool      demo/us-east-1/release, account 123456789012 as ci-operator, production
  instance  i-0f891058866c2dfaf
  change    desired 8 -> 7
  cost      -$0.20 an hour, from $1.81 to $1.61
  warning   i-0f891058866c2dfaf goes: idle, outdated, since 08:45:00
  warning   this pool's instances are protected from scale-in; a drain names those it takes, so they go all the same
  warning   jenkins-us is durable: A cordon lasts; that no job runs is proven by looking again, not atomically.
  warning   its end is about 09:32:00, in 2m00s
  call      ec2:CreateTags instances=i-0f891058866c2dfaf pooldeck:operation=the operation's id
  call      ci:Cordon executor=release-i-0f891058866c2dfaf note="drain of i-0f891058866c2dfaf"
  call      autoscaling:TerminateInstanceInAutoScalingGroup group=release instance=i-0f891058866c2dfaf decrement=true
  maybe     autoscaling:RecordLifecycleActionHeartbeat group=release instance=i-0f891058866c2dfaf hook=drain-agent (while the hook holds it and a job may run)
  maybe     autoscaling:CompleteLifecycleAction group=release instance=i-0f891058866c2dfaf hook=drain-agent result=CONTINUE (once the hook holds it and nothing runs)
  maybe     ci:Uncordon executor=release-i-0f891058866c2dfaf (after its instance's end or an abort, if the agent is still known)
  maybe     ec2:DeleteTags instances=i-0f891058866c2dfaf pooldeck:operation (at an abort, if it is still there)

"#]],
    );
}

fn usd(value: &Value) -> Usd {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn the_parts_of_the_cost_add_up_to_the_cent() {
    let line = "cost workhorse --demo --speed 0 -o json";
    let output = Sandbox::new().command(line).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pool = &document["pools"][0];
    let by: BTreeMap<String, Value> = serde_json::from_value(pool["by"].clone()).unwrap();
    let sum: Usd = by.values().map(usd).sum();
    assert_eq!(sum, usd(&pool["usd_per_hour"]), "{pool:#}");
    assert!(Usd::ZERO < sum);
    // The six that are promised, whatever else is there.
    for name in ["busy", "idle", "booting", "draining", "standby", "retained"] {
        assert!(by.contains_key(name), "{name}");
    }
}

#[test]
fn the_part_that_is_priced_is_the_same_least_everywhere() {
    let said = |line: &str| {
        let line = format!("{line} --demo --seed 7 --speed 0 --no-pricing --no-history");
        let output = Sandbox::new().command(&line).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let json = |line: &str| -> Value { serde_json::from_str(&said(line)).unwrap() };
    let (cost, summary) = (json("cost -o json"), json("summary -o json"));
    let sum = |document: &Value, of: &dyn Fn(&Value) -> Value| -> Usd {
        let pools = document["pools"].as_array().unwrap().iter().map(of);
        pools.filter(|it| !it.is_null()).map(|it| usd(&it)).sum()
    };
    for name in ["priced_usd_per_hour", "priced_waste_usd_per_hour"] {
        let all = usd(&cost[name]);
        assert_eq!(sum(&cost, &|it| it[name].clone()), all, "{name}");
        assert_eq!(sum(&summary, &|it| it[name].clone()), all, "{name}");
        assert_eq!(usd(&summary[name]), all, "{name}");
        assert!(said("cost").contains(&format!(">{all}")), "{name}");
        assert!(said("summary").contains(&format!("at least {all}/h")));
    }
    let parts = |it: &Value| {
        let by: BTreeMap<String, Value> = serde_json::from_value(it["priced_by"].clone()).unwrap();
        let known = by.values().filter(|it| !it.is_null()).map(usd);
        serde_json::to_value(known.sum::<Usd>()).unwrap()
    };
    assert_eq!(sum(&cost, &parts), usd(&cost["priced_usd_per_hour"]));
    // A pool of which some machines have a price, and what is wholly unknown stays so.
    let browsers = &cost["pools"][1];
    assert!(browsers["usd_per_hour"].is_null(), "{browsers}");
    let part = usd(&browsers["priced_usd_per_hour"]);
    assert!(Usd::ZERO < part);
    let line = "cost browsers -o csv";
    assert!(
        said(line).contains(&format!(",{},", part.as_f64())),
        "{part}"
    );
}

#[test]
fn a_history_that_cannot_be_read_is_an_error_of_every_command_that_asks_it() {
    let mut stage = priced();
    stage.history = Keeping::StateDirectory(Limits::default());
    let file = stage.state.path().join("history.sqlite");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch(
        "create table t (a); pragma user_version = 99; pragma application_id = 1346650955",
    )
    .unwrap();
    drop(db);
    let lines = ["cost", "report waste", "report trends", "history linux"];
    for line in lines {
        let said = stage.run(&format!("{line} -o json"));
        assert_eq!(said.exit, Exit::Unavailable, "{line}");
        let errors = said.json()["errors"].clone();
        assert_eq!(errors.as_array().unwrap().len(), 1, "{line}: {errors}");
        assert_eq!(errors[0]["source_kind"], "history");
        let what = errors[0]["what"].as_str().unwrap();
        assert!(what.contains("written by a newer pooldeck"), "{what}");
        let said = stage.run(line).stderr;
        assert_eq!(said.matches(what).count(), 1, "said once: {said}");
    }
}

#[test]
fn prices_that_may_not_be_read_end_with_7() {
    let mut stage = priced();
    stage.has_no_spot_prices = true;
    let mut scenario = Scenario::of(vec![group("linux", "us-east-1")], Vec::new());
    scenario.regions[0].pools[0].is_spot = true;
    stage.world = share(World::new(1, scenario, START));
    let said = stage.run("cost -o json");
    let errors = said.json()["errors"].clone();
    let is_denial = |it: &Value| it["kind"] == "denied" && it["source_kind"] == "prices";
    assert!(errors.as_array().unwrap().iter().any(is_denial), "{errors}");
    assert_eq!(said.exit, Exit::Credentials);
}

#[test]
fn where_nothing_has_a_price_the_summary_promises_no_least() {
    let said = Stage::new().run("summary").stdout;
    let wanted = "2 pools, 12 instances, unknown, waste unknown,";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn a_sum_that_is_not_there_says_why() {
    check(
        "cost gpu --demo --speed 0 --no-history",
        str![[r#"
$ pooldeck cost gpu --demo --speed 0 --no-history
POOL  SCOPE             $/H  WASTE/H  TODAY  MONTH   BUSY  PRICE FROM     AGE
gpu   demo/us-east-1  $3.64    $0.00      -      -  $3.64  bundled     274d9h
--- stderr
warning: no price is known of c7i.2xlarge (Linux/UNIX, on-demand) in eu-west-1: 1 instance
warning: no price is known of m7a.xlarge (Linux/UNIX, on-demand) in eu-west-1: 1 instance
warning: no price is known of m7i.2xlarge (Windows, on-demand) in us-east-1: 7 instances
warning: no price is known of mac2.metal (Linux/UNIX, on-demand) in us-east-1: 4 instances
2 stray machines: $0.53 an hour, 1 at work. `pooldeck strays` names them.
warning: no history is kept

"#]],
    );
    check(
        "cost gpu --demo --speed 0 --since 0s",
        str![[r#"
$ pooldeck cost gpu --demo --speed 0 --since 0s
--- stderr
error: --since 0s is no time at all
hint: --since 24h is the last day until now
--- exit code 2

"#]],
    );
}

#[test]
fn the_demo_tells_the_same_prices_at_every_start() {
    let sandbox = Sandbox::new();
    let state = sandbox.home().join("state");
    let line = |it: &str| format!("{it} --demo --speed 0 --state-dir {}", state.display());
    let cost = || sandbox.command(&line("cost")).output().unwrap().stdout;
    let first = cost();
    let renewed = sandbox.command(&line("prices --renew")).output().unwrap();
    assert!(renewed.status.success());
    assert_eq!(cost(), first);
    assert!(!state.join("demo/prices.json").exists());
}

#[test]
fn a_damaged_file_of_prices_is_named_though_others_are_read_at_once() {
    let mut stage = priced();
    let file = stage.state.path().join("prices.json");
    std::fs::write(&file, "{\"version\": 1, \"list\": [").unwrap();
    stage.pricing.file = Some(file);
    let mut scenario = Scenario::of(vec![group("linux", "us-east-1")], Vec::new());
    scenario.regions[0].pools[0].is_spot = true;
    stage.world = share(World::new(1, scenario, START));
    let said = stage.run("cost");
    assert!(
        said.stderr.contains("the kept prices are damaged"),
        "{}",
        said.stderr
    );
    assert_eq!(said.exit, Exit::Done);
    // What was read in its place is kept, and said no more.
    let said = stage.run("cost");
    assert!(!said.stderr.contains("damaged"), "{}", said.stderr);
}
