//! `history` and `report`, of the past that the demo begins with.

use snapbox::{Data, file};

use crate::sandbox::Sandbox;

/// Before the demo's first reading, so that nothing of it moves with the clock.
const WHEN: &str = "--since 2026-03-01T06:00:00Z --until 2026-03-02T06:00:00Z";

#[track_caller]
fn check(line: &str, expected: Data) {
    snapbox::assert_data_eq!(Sandbox::new().run(line), expected.raw());
}

fn json(line: &str) -> serde_json::Value {
    let said = Sandbox::new().command(line).output().unwrap();
    serde_json::from_slice(&said.stdout).unwrap()
}

#[test]
fn a_day_of_a_pool_is_a_table_with_its_gap() {
    let line = format!("--demo history workhorse --step 2h {WHEN}");
    check(&line, file!["past/history.txt"]);
}

#[test]
fn all_pools_together_are_lines_too() {
    let line = format!("--demo history --step 6h -m in_service,usd_per_hour -o csv {WHEN}");
    check(&line, file!["past/history.csv"]);
    let line = format!("--demo history gpu --step 12h -m queued_jobs -o ndjson {WHEN}");
    check(&line, file!["past/history.ndjson"]);
}

#[test]
fn json_has_nulls_for_gaps_and_says_how_much_was_seen() {
    let document = json(&format!(
        "--demo history workhorse -m busy_executors --step 10m -o json {WHEN}"
    ));
    assert_eq!(
        (&document["version"], &document["step_seconds"]),
        (&1.into(), &600.into())
    );
    let points = document["series"][0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 144);
    let gaps: Vec<_> = points.iter().filter(|it| it["value"].is_null()).collect();
    assert_eq!(gaps.len(), 5, "fifty minutes without the controller");
    assert!(
        gaps.iter()
            .all(|it| it["seen"] == 0.0 && it["least"].is_null())
    );
    let kinds: Vec<_> = document["markers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["kind"])
        .collect();
    assert!(kinds.contains(&&"activity".into()), "{kinds:?}");
}

#[test]
fn a_wrong_metric_pool_or_time_is_answered_with_the_nearest() {
    let said = |line: &str| Sandbox::new().run(line);
    let text = said("--demo history workhorse -m busy_executers");
    assert!(text.contains("did you mean `busy_executors`?"), "{text}");
    let text = said("--demo history workhorze");
    assert!(text.contains("did you mean `workhorse`?"), "{text}");
    let text = said("--demo history workhorse --since yesterday");
    assert!(
        text.contains("neither a duration such as 24h nor a time"),
        "{text}"
    );
    let text = said("--demo history workhorse --since 1h --until 2h");
    assert!(text.contains("is not before --until"), "{text}");
    let text = said("--demo history workhorse --since 30d --step 1s");
    assert!(text.contains("choose a longer --step"), "{text}");
}

#[test]
fn reports_are_tables_of_every_pool() {
    check(
        &format!("--demo report utilisation {WHEN}"),
        file!["past/utilisation.txt"],
    );
    check(
        &format!("--demo report waste {WHEN}"),
        file!["past/waste.txt"],
    );
    check(
        &format!("--demo report savings {WHEN}"),
        file!["past/savings.txt"],
    );
    check(
        &format!("--demo report time-to-ready {WHEN}"),
        file!["past/time-to-ready.txt"],
    );
    check(
        &format!("--demo report trends {WHEN}"),
        file!["past/trends.txt"],
    );
}

#[test]
fn a_time_before_anything_that_is_kept_is_refused() {
    for line in [
        "cost --since 99999999d",
        "report waste --since 401d",
        "history --since 401d",
    ] {
        let said = Sandbox::new().run(&format!("--demo --speed 0 {line}"));
        assert!(
            said.contains("--since reaches back before anything"),
            "{said}"
        );
        assert!(said.contains("--since 400d is as far as it goes"), "{said}");
        assert!(said.contains("exit code 2"), "{said}");
    }
}

#[test]
fn a_history_that_is_not_kept_is_not_said_to_be_kept() {
    let said = Sandbox::new().run("--demo --speed 0 --no-history history gpu");
    assert!(said.contains("no history is kept"), "{said}");
    assert!(!said.contains("The history is kept while"), "{said}");
    // The steps begin where those of a history do.
    let times = said.lines().filter(|it| it.starts_with("2026-"));
    let times: Vec<&str> = times.map(|it| &it[..20]).collect();
    assert!(
        times.iter().skip(1).all(|it| it.ends_with("0:00Z")),
        "{times:?}"
    );
}

#[test]
fn the_help_of_history_names_every_metric() {
    let said = Sandbox::new().run("history --help");
    for metric in [
        "desired",
        "oldest_queued_seconds",
        "priced_on_demand_usd_per_hour",
    ] {
        assert!(said.contains(metric), "{said}");
    }
    let said = Sandbox::new().run("--demo history -m bogus");
    assert!(said.contains("one of desired, min"), "{said}");
}

#[test]
fn a_report_of_trends_compares_the_boots_that_a_summary_does() {
    let slow = "ami-0a1d50c6f1f6b9d20 takes";
    let said = |line: &str| Sandbox::new().run(&format!("--demo --seed 7 --speed 0 {line}"));
    let summary = said("summary");
    assert!(summary.contains(slow), "{summary}");
    let report = said("report trends");
    assert!(report.contains(slow), "{report}");
}

#[test]
fn a_report_since_the_middle_of_a_second_is_that_since_the_second() {
    let said = |since: &str| {
        let until = "--until 2026-03-01T12:00:00Z";
        Sandbox::new().run(&format!("--demo report waste --since {since} {until}"))
    };
    let rows = |text: String| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let whole = rows(said("2026-03-01T10:00:00Z"));
    assert_eq!(rows(said("2026-03-01T10:00:00.500Z")), whole);
}

#[test]
fn the_past_of_the_demo_has_the_prices_of_its_list() {
    // 7 machines of m7i.2xlarge with Windows, as the list of the simulated region has them.
    let line = "--demo history windows -m in_service,usd_per_hour --step 1h -o json";
    let document = json(&format!("{line} {WHEN}"));
    let value = |idx: usize| document["series"][idx]["points"][3]["value"].as_f64();
    let (machines, usd) = (value(0).unwrap(), value(1).unwrap());
    assert!((usd / machines - 0.74).abs() < 1e-6, "{usd} for {machines}");
}

#[test]
fn a_report_in_json_has_unknown_money_as_null() {
    let document = json(&format!("--demo report waste ios release -o json {WHEN}"));
    let rows = document["waste"].as_array().unwrap();
    assert_eq!(rows[0]["pool"], "ios");
    assert!(
        rows[0]["usd"].is_null(),
        "no list has the price of a mac: {}",
        rows[0]
    );
    let release = &rows[1];
    let parts = release["by"].as_object().unwrap().values();
    let sum: f64 = parts.map(|it| it.as_f64().unwrap()).sum();
    assert!(
        (sum - release["usd"].as_f64().unwrap()).abs() < 0.01,
        "{release}"
    );
    assert!(0.0 < release["waste_usd"].as_f64().unwrap());
    let document = json(&format!("--demo report utilisation release -o json {WHEN}"));
    let heat = &document["utilisation"][0]["busy_share_by_hour"];
    assert_eq!(heat.as_array().unwrap().len(), 7);
    assert!(
        heat[6][12].as_f64().is_some(),
        "a Sunday noon was seen: {heat}"
    );
    assert!(heat[2][12].is_null(), "no Wednesday was asked for");
}

#[test]
fn a_command_that_ends_at_once_knows_the_habits_of_the_pools_too() {
    let document = json("--demo doctor -o json");
    let findings = document["findings"].as_array().unwrap();
    let slow = findings.iter().find(|it| it["finding"] == "slow_boots");
    let evidence = slow.unwrap()["evidence"].as_str().unwrap();
    assert!(evidence.contains(" to register, ami-"), "{evidence}");
    let document = json("--demo summary -o json");
    let pools = document["pools"].as_array().unwrap().iter();
    let warnings: Vec<&str> = pools
        .flat_map(|it| it["warnings"].as_array().unwrap())
        .filter_map(|it| it.as_str())
        .collect();
    for habit in ["slow boots: ami-", "idle: "] {
        let is_told = warnings.iter().any(|it| it.starts_with(habit));
        assert!(is_told, "{habit}: {warnings:#?}");
    }
    let document = json("--demo --no-history summary -o json");
    assert!(!document.to_string().contains("slow boots"));
}

#[test]
fn a_summary_is_the_same_each_time_it_is_asked_for() {
    let line = "summary --demo --speed 0";
    let said = || Sandbox::new().run(line);
    let first = said();
    assert!(first.contains("slow boots"), "{first}");
    for _ in 0..4 {
        snapbox::assert_data_eq!(said(), first.clone());
    }
}
