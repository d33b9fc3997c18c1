use super::*;

fn parse(line: &str) -> Action {
    line.parse::<ActionLine>().unwrap().action
}

#[test]
fn every_verb_writes_itself_as_it_is_read() {
    for line in [
        "scale workhorse 12",
        "scale workhorse +2 --min 1 --max 30",
        "scale workhorse -1 --scope prod/us-east-1",
        "scale workhorse --max 9",
        "launch workhorse --count 3",
        "drain i-0123456789abcdef0 --replace --max-unavailable 2 --deadline 7200s",
        "drain --pool workhorse --count 2 --scope prod/us-east-1",
        "reami workhorse ami-0123456789abcdef0",
        "reami 'workhorse,arm' --bootstrap --strategy terminate-first --canary 0 --batch 2 --max-unavailable 2 \
         --max-unavailable-total 3 --bake 60s --checkpoints '25,50' --checkpoint-delay 600s --boot-budget 900s \
         --deadline 7200s --on-failure hold --scope prod/us-east-1",
        "reami workhorse --template-version 7 --no-rollback",
        "reami workhorse --bootstrap --engine instance-refresh --min-healthy 90 --max-healthy 110 --warmup 60s \
         --alarm a --alarm b --protected refresh --standby ignore --force --checkpoints '20,100' --no-rollback",
        "rollback 'workhorse,arm' --to '3,5'",
        "rollback op-20251121-abcde",
        "terminate i-0123456789abcdef0 --force --replace",
        "cordon i-0123456789abcdef0",
        "uncordon i-0123456789abcdef0",
        "protect i-0123456789abcdef0 i-0123456789abcdef1",
        "unprotect i-0123456789abcdef0",
        "suspend workhorse Launch AZRebalance",
        "resume workhorse",
        "standby i-0123456789abcdef0 --replace",
        "activate i-0123456789abcdef0",
        "enable-metrics workhorse",
        "hook complete i-0123456789abcdef0 i-0123456789abcdef1 --hook drain --force",
        "hook heartbeat i-0123456789abcdef0",
        "freeze workhorse --for 3600s --scope prod/us-east-1",
        "freeze workhorse",
        "refresh start workhorse --template-version 7 --min-healthy 50 --max-healthy 120 --checkpoints '20,100' \
         --checkpoint-delay 600s --bake 60s --alarm a --alarm b --auto-rollback --all --protected ignore \
         --standby terminate --force",
        "refresh rollback workhorse --scope prod/us-east-1",
        "thaw workhorse",
        "harden workhorse --heartbeat 900s --launch-hook --no-protection",
        "tag 'owner=build' i-0123456789abcdef0",
        "tag 'note=two words' --pool workhorse --propagate",
    ] {
        assert_eq!(parse(line).to_string(), line);
    }
}

#[test]
fn a_drain_takes_a_pool_where_it_takes_instances() {
    let by_flag = parse("drain --pool workhorse --count 2");
    assert_eq!(parse("drain workhorse --count 2"), by_flag);
    assert_eq!(
        parse("drain i-0123456789abcdef0 --decrement").to_string(),
        "drain i-0123456789abcdef0 --decrement"
    );
    for (line, words) in [
        ("drain workhorse", "`drain POOL --count N`"),
        ("drain --count 2", "--count is of a pool"),
        (
            "drain i-0123456789abcdef0 --count 2",
            "--count is of a pool",
        ),
        ("drain workhorse arm", "is not an instance id"),
        (
            "drain workhorse --count 2 --replace --decrement",
            "cannot be used with",
        ),
    ] {
        let error = line.parse::<ActionLine>().unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
}

#[test]
fn a_line_keeps_its_reason_quoted_for_a_shell() {
    for line in [
        "scale workhorse 12 --reason monday",
        "scale workhorse 12 --reason 'it is monday; rm -rf $HOME'",
        "scale workhorse 12 --reason \"it's late\"",
    ] {
        let read: ActionLine = line.parse().unwrap();
        assert_eq!(read.to_string(), line);
    }
    let bare: ActionLine = "scale workhorse 12 --reason ' '".parse().unwrap();
    assert_eq!(bare.to_string(), "scale workhorse 12");
}

#[test]
fn one_word_is_the_size_when_a_pool_is_selected() {
    let selection = Selection {
        pool: Some(PoolKey::new("prod/us-east-1", "workhorse")),
        instances: Vec::new(),
    };
    let filled = |line| parse(line).fill(&selection).to_string();
    assert_eq!(
        filled("scale 12"),
        "scale workhorse 12 --scope prod/us-east-1"
    );
    assert_eq!(
        filled("scale +2"),
        "scale workhorse +2 --scope prod/us-east-1"
    );
    assert_eq!(filled("scale other 3"), "scale other 3");
    assert_eq!(
        filled("suspend launch"),
        "suspend workhorse Launch --scope prod/us-east-1"
    );
}

#[test]
fn a_bad_line_is_answered_with_a_sentence() {
    let error = |line: &str| line.parse::<ActionLine>().unwrap_err();
    assert!(
        error("scael workhorse 12").contains("scale"),
        "{}",
        error("scael workhorse 12")
    );
    assert!(error("protect i-xyz").contains("not an instance id"));
    assert!(error("suspend workhorse Lanch").contains("did you mean `Launch`?"));
    assert!(error("tag aws:x=1").contains("for itself"));
    assert!(error("freeze workhorse --for 10s").contains("from 1m to 7d"));
    assert!(error("freeze workhorse --for soon").contains("not a duration"));
    assert!(error("harden workhorse --heartbeat 3h").contains("30s to 2h"));
    assert!(error("hook compleet i-0123456789abcdef0").contains("complete"));
    assert!(error("scale 'open").contains("quotation"));
    assert!(!error("scale a b c d").contains('\n'));
}

#[test]
fn the_words_and_flags_of_a_verb_are_read_off_the_grammar() {
    let verbs = verbs();
    let scale = verbs.iter().find(|it| it.name == "scale").unwrap();
    assert_eq!(scale.arguments, ["POOL", "SIZE"]);
    let flag = |name: &str| scale.flags.iter().find(|it| it.name == name).unwrap();
    assert_eq!(flag("--max").value.as_deref(), Some("N"));
    assert_eq!(flag("--scope").value.as_deref(), Some("SCOPE"));
    let standby = verbs.iter().find(|it| it.name == "standby").unwrap();
    let replace = standby
        .flags
        .iter()
        .find(|it| it.name == "--replace")
        .unwrap();
    assert_eq!(
        (replace.value.as_deref(), replace.about.is_empty()),
        (None, false)
    );
}

#[test]
fn every_verb_says_what_it_does() {
    for verb in verbs() {
        assert!(
            !verb.about.is_empty() && !verb.about.ends_with('.'),
            "{}",
            verb.name
        );
    }
}
