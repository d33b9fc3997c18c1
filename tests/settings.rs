//! The configuration file: what it accepts, and how it refuses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, time::Duration};

use pooldeck::{
    action::Confirmation,
    cost::Discount,
    fleet::{JoinRule, Usd},
    operation::Proof,
    settings::{ControllerKind, SecretSource, Settings, example},
};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(Path::new("config.toml"), text).map_err(|it| it.to_string())
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.contains(expected), "{error}\n  lacks: {expected}");
    assert!(
        error.starts_with("config.toml:"),
        "no file and line: {error}"
    );
}

#[test]
fn no_key_at_all_is_fine() {
    let settings = parse("").unwrap();
    assert_eq!(settings.refresh, Duration::from_secs(10));
    assert!(settings.scopes.is_empty());
    assert_eq!(
        Settings::load(None, Some(Path::new("no/such/directory"))).unwrap(),
        Settings::default()
    );
    assert!(Settings::load(Some(Path::new("no/such/file.toml")), None).is_err());
}

#[test]
fn the_printed_example_is_a_configuration() {
    let settings = parse(example()).unwrap();
    assert_eq!(settings.scopes[0].selection.tag.as_deref(), Some("ci-pool"));
    assert_eq!(settings.controllers[0].kind, ControllerKind::Jenkins);
    assert_eq!(
        settings.controllers[0].token,
        Some(SecretSource::Env("JENKINS_TOKEN".into()))
    );
    assert_eq!(settings.pools[0].instance_from, Some(JoinRule::Name));
    assert_eq!(
        settings.guardrails[0].confirm,
        Some(Confirmation::TypePoolName)
    );
}

#[test]
fn the_example_documents_every_key() {
    // The keys that the reader knows are named in its complaint about an unknown one.
    for table in [
        "",
        "[[scope]]\n",
        "[[controller]]\n",
        "[[pool]]\n",
        "[[guardrail]]\n",
        "[proof]\n",
        "[cost]\n",
        "[history]\n",
        "[[cost.price]]\n",
    ] {
        let error = parse(&format!("{table}zzz = 1\n")).unwrap_err();
        let known = error.split("expected ").nth(1).unwrap();
        for key in known.lines().next().unwrap().split('`').skip(1).step_by(2) {
            let is_there = example().lines().any(|it| {
                let line = it.trim_start_matches(['#', ' ', '[']);
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("{key}]"))
                    || line.ends_with(&format!(".{key}]]"))
            });
            assert!(is_there, "the example lacks `{key}` of {table:?}");
        }
    }
}

#[test]
fn less_proof_than_is_safe_is_believed_only_when_it_is_asked_for() {
    let proof = |text: &str| parse(text).unwrap().proof;
    assert_eq!(proof(""), Proof::default());
    assert_eq!(proof("[proof]\nreadings = 5\n").weakness(), None);
    let weak = proof("[proof]\nspan = \"5s\"\n");
    assert_eq!(weak.span, Duration::from_secs(5));
    assert_eq!(weak.settle, Proof::default().settle);
    let why = weak.weakness().unwrap();
    assert!(why.contains("3 readings over 5s"), "{why}");
    check_refused(
        "[proof]\nreadings = 1\n",
        "config.toml:2: one reading proves nothing",
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    check_refused(
        "theme = \"dark\"\nrefesh = \"5s\"\n",
        "config.toml:2: unknown field `refesh`",
    );
    check_refused("refesh = \"5s\"\n", "did you mean `refresh`?");
    check_refused("[[scope]]\nprofil = \"x\"\n", "did you mean `profile`?");
    check_refused(
        "[[scope]]\npools = { tags = \"x\" }\n",
        "did you mean `tag`?",
    );
}

#[test]
fn a_bad_value_says_what_was_expected() {
    check_refused("refresh = \"soon\"\n", "write it like 90s");
    check_refused("refresh = 10\n", "expected a string");
    check_refused("theme = \n", "config.toml:1:");
    check_refused(
        "[[controller]]\nname = \"a\"\nkind = \"jenkin\"\nurl = \"x\"\n",
        "config.toml:3: no kind of controller is called `jenkin`; did you mean `jenkins`?",
    );
    check_refused(
        "[[controller]]\nname = \"a\"\nkind = \"jenkins\"\n",
        "controller `a` needs a `url`",
    );
    check_refused(
        "[[pool]]\nmatch = \"x\"\ncontroller = \"y\"\n",
        "none is configured",
    );
    check_refused(
        "[[pool]]\nmatch = \"x\"\ninstance_from = \"tag:\"\n",
        "use name, host, address or tag:KEY",
    );
    check_refused(
        "[[guardrail]]\nactions = [\"terminat\", \"scale\"]\n",
        "no action is called `terminat`",
    );
    check_refused("[[guardrail]]\nconfirm = \"maybe\"\n", "type-pool-name");
    check_refused(
        "[[scope]]\nalias = \"a\"\n[[scope]]\nalias = \"a\"\n",
        "config.toml:4: two scopes",
    );
}

#[test]
fn a_key_of_another_kind_of_controller_is_refused() {
    let head = "[[controller]]\nname = \"a\"\nkind = \"jenkins\"\nurl = \"x\"\n";
    for (line, kinds) in [
        ("latent = [\"ec2-*\"]", "buildbot"),
        ("organization = \"x\"", "github and buildkite"),
        ("repositories = [\"x/y\"]", "github"),
        ("job_requests_max = 1", "github"),
        ("pause = \"1h\"", "buildkite"),
        ("agent_token = { env = \"X\" }", "buildkite"),
        ("command = [\"x\"]", "command"),
    ] {
        let key = line.split(' ').next().unwrap();
        check_refused(
            &format!("{head}{line}\n"),
            &format!("`{key}` is for {kinds} controllers, and `a` is a jenkins one"),
        );
    }
}

#[test]
fn a_controller_keeps_what_its_kind_knows() {
    let settings = parse(
        "[[controller]]\nname = \"a\"\nkind = \"jenkins\"\nurl = \"x\"\nblackout = \"2m\"\n\
         proxy = \"http://p:1\"\nca_file = \"ca.pem\"\nload_labels = [\"gpu\"]\n\
         labels = [{ match = \"deploy/*\", label = \"deploy\" }]\n",
    )
    .unwrap();
    let controller = &settings.controllers[0];
    assert_eq!(controller.blackout, Some(std::time::Duration::from_mins(2)));
    assert_eq!(controller.proxy.as_deref(), Some("http://p:1"));
    assert_eq!(
        controller.ca_file.as_deref(),
        Some(std::path::Path::new("ca.pem"))
    );
    assert_eq!(controller.load_labels, ["gpu"]);
    assert_eq!(
        controller.labels,
        [("deploy/*".to_owned(), "deploy".to_owned())]
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_repeated() {
    let head = "[[controller]]\nname = \"a\"\nkind = \"jenkins\"\nurl = \"x\"\n";
    for line in [
        "token = \"s3cr3t-planted\"\n",
        "token = { value = \"s3cr3t-planted\" }\n",
        "token = { env = \"A\", file = \"s3cr3t-planted\" }\n",
        "token = [\"s3cr3t-planted\"]\n",
    ] {
        let error = parse(&format!("{head}{line}")).unwrap_err();
        assert!(error.starts_with("config.toml:5:"), "{error}");
        assert!(!error.contains("s3cr3t-planted"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_edit_of_the_example_makes_the_reader_panic(at in 0usize..4000, cut in 0usize..40, put in "\\PC{0,8}") {
        let mut text = example().to_owned();
        let start = text.floor_char_boundary(at.min(text.len()));
        let end = text.floor_char_boundary((start + cut).min(text.len()));
        text.replace_range(start..end, &put);
        if let Err(error) = parse(&text) {
            prop_assert!(error.starts_with("config.toml:"), "{error}");
        }
    }
}

#[test]
fn a_discount_above_100_percent_is_refused_with_its_line() {
    for (text, expected) in [
        (
            "[history]\nmax_megabytes = 1\n",
            "config.toml:2: `max_megabytes` is 1; a history takes 4 or more",
        ),
        (
            "[cost]\npricing = true\ndiscount_percent = 101\n",
            "config.toml:3: `discount_percent` is 101; a discount is from 0 to 100\n    discount_percent = 101",
        ),
        (
            "[cost]\ndiscount_percent = -1\n",
            "config.toml:2: `discount_percent` is -1",
        ),
        (
            "[[cost.price]]\ntype = \"m5\"\ndiscount_percent = 100.5\n",
            "config.toml:3: `discount_percent` is 100.5",
        ),
        (
            "[[cost.price]]\nusd_per_hour = -0.1\n",
            "config.toml:2: `usd_per_hour` is -0.1",
        ),
        (
            "[[cost.price]]\nusd_per_hour = inf\n",
            "config.toml:2: `usd_per_hour` is inf",
        ),
        (
            "[[cost.price]]\ntype = \"m5\"\n",
            "config.toml:1: a [[cost.price]] needs either `usd_per_hour` or `discount_percent`",
        ),
        (
            "[[cost.price]]\nusd_per_hour = 1\ndiscount_percent = 5\n",
            "needs either `usd_per_hour` or `discount_percent`",
        ),
        (
            "[[cost.price]]\nmarket = \"sport\"\nusd_per_hour = 1\n",
            "config.toml:2: no market is called `sport`; did you mean `spot`?",
        ),
        ("[cost]\npricing = \"yes\"\n", "config.toml:2"),
        ("[cost]\nprising = true\n", "did you mean `pricing`?"),
    ] {
        check_refused(text, expected);
    }
}

#[test]
fn the_operators_own_prices_are_read() {
    let settings = parse(example()).unwrap();
    assert!(settings.cost.pricing);
    let rules = &settings.cost.terms.rules;
    assert_eq!(rules[0].discount, Discount::from_percent(12.5));
    assert_eq!(rules[1].usd_per_hour, Usd::from_f64(0.65));
    assert!(!parse("[cost]\npricing = false\n").unwrap().cost.pricing);
}
