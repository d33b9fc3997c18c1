//! Journals of a newer version, cut short, or edited: each is named, and the others are listed.

use crate::host::Host;

/// A host with one operation that rests.
fn resting() -> (Host, String) {
    let host = Host::new();
    let said = host.run("drain --pool linux --count 1 --yes --timeout 1s");
    assert_eq!(said.code, 5, "{}", said.stderr);
    let id = host.wait_for_journal();
    (host, id)
}

/// Lists with a second journal of this text; returns what was said of it.
fn listed_beside(text: &[u8]) -> (String, String) {
    let (host, id) = resting();
    let path = host.journal_path("op-20251121-other");
    std::fs::write(&path, text).unwrap();
    let said = host.run("ops -o json");
    assert_eq!(said.code, 5, "{}", said.stderr);
    assert!(
        said.stdout.contains(&id),
        "the other is listed: {}",
        said.stdout
    );
    assert_eq!(std::fs::read(&path).unwrap(), text, "nothing is lost");
    let name = path.to_str().unwrap();
    assert!(said.stderr.contains(name), "{}", said.stderr);
    let resumed = host.run("ops resume op-20251121-other");
    assert_eq!(resumed.code, 1, "{}", resumed.stderr);
    assert_eq!(std::fs::read(&path).unwrap(), text, "nothing is lost");
    (said.stderr, resumed.stderr)
}

fn sample() -> String {
    let (host, id) = resting();
    host.journal(&id)
}

#[test]
fn a_journal_of_a_newer_version_is_named_and_left_alone() {
    let newer =
        sample().replacen("\"version\":1", "\"version\":9", 1) + "{\"at\":1,\"event\":\"sang\"}\n";
    for said in <[String; 2]>::from(listed_beside(newer.as_bytes())) {
        assert!(
            said.contains("line 1 is of journal version 9, and this pooldeck reads 1"),
            "{said}"
        );
    }
}

#[test]
fn an_edited_journal_is_named_with_its_line() {
    let mut lines: Vec<String> = sample().lines().map(str::to_owned).collect();
    lines[1] = "{\"at\": oops".to_owned();
    let text = lines.join("\n") + "\n";
    for said in <[String; 2]>::from(listed_beside(text.as_bytes())) {
        assert!(said.contains("line 2 cannot be read"), "{said}");
    }
}

/// Every line of it is whole, and could be replayed.
#[test]
fn a_journal_with_a_line_taken_out_or_changed_is_named_with_the_line_after() {
    let text = sample();
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|it| it.contains("set_instance_protection"));
    lines.remove(at.unwrap());
    let taken_out = lines.join("\n") + "\n";
    let changed = text.replacen("\"protected\":true", "\"protected\":false", 1);
    assert_ne!(changed, text);
    for edited in [taken_out, changed] {
        let line = format!("line {} cannot be read (its checksum", at.unwrap() + 1);
        for said in <[String; 2]>::from(listed_beside(edited.as_bytes())) {
            assert!(said.contains(&line), "{said}");
        }
    }
}

#[test]
fn a_journal_that_is_no_text_is_named_with_its_line() {
    let mut bytes = sample().into_bytes();
    let end = bytes.iter().position(|it| *it == b'\n').unwrap();
    bytes.insert(end + 3, 0xff);
    for said in <[String; 2]>::from(listed_beside(&bytes)) {
        assert!(said.contains("line 2 cannot be read"), "{said}");
    }
}

#[test]
fn a_journal_cut_short_before_its_plan_is_named() {
    let plan = sample();
    for said in <[String; 2]>::from(listed_beside(&plan.as_bytes()[..40])) {
        assert!(said.contains("line 1: "), "{said}");
    }
}

#[test]
fn a_torn_last_line_is_kept_beside_the_journal_and_the_operation_goes_on() {
    let (host, id) = resting();
    let path = host.journal_path(&id);
    let torn = "{\"at\":12345,\"event\":\"inten";
    std::fs::write(&path, host.journal(&id) + torn).unwrap();
    assert_eq!(host.operations().len(), 1);
    let aborted = host.run(&format!("ops abort {id}"));
    assert_eq!(aborted.code, 0, "{}", aborted.stderr);
    let kept = std::fs::read_to_string(path.with_extension("torn")).unwrap();
    assert_eq!(kept.trim(), torn);
    assert_eq!(host.show(&id)["state"], "aborted");
}

#[test]
fn a_last_line_without_its_end_counts() {
    let (host, id) = resting();
    let path = host.journal_path(&id);
    let text = host.journal(&id);
    std::fs::write(&path, text.trim_end()).unwrap();
    let n_lines = text.lines().count();
    host.run(&format!("ops abort {id}"));
    let now = host.journal(&id);
    assert!(n_lines < now.lines().count());
    assert!(now.starts_with(&text), "the line is still there:\n{now}");
}

#[test]
fn a_read_only_session_moves_no_operation() {
    let (host, id) = resting();
    let before = host.journal(&id);
    for line in ["resume", "abort", "pause", "adopt"] {
        let said = host.run(&format!("--read-only ops {line} {id}"));
        assert_eq!(said.code, 3, "{line}: {}", said.stderr);
        assert!(said.stderr.contains("read-only"), "{line}: {}", said.stderr);
    }
    assert_eq!(host.journal(&id), before);
}

#[test]
fn an_abort_is_not_paused() {
    let (host, id) = resting();
    let text = host.journal(&id);
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let event = serde_json::json!({"at": last["at"], "event": "aborted", "why": "changed my mind"});
    let event = event.to_string();
    let sum = u32::from_str_radix(last["sum"].as_str().unwrap(), 16).unwrap();
    let mut hasher = crc32fast::Hasher::new_with_initial(sum);
    hasher.update(event.as_bytes());
    let open = event.strip_suffix('}').unwrap();
    let line = format!("{open},\"sum\":\"{:08x}\"}}\n", hasher.finalize());
    std::fs::write(host.journal_path(&id), text + &line).unwrap();
    let said = host.run(&format!("ops pause {id}"));
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("only gives back"), "{}", said.stderr);
    assert_eq!(host.show(&id)["state"], "running");
}
