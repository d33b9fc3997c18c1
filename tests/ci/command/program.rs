//! Programs that speak for a controller, and programs that do not.

use std::{fs, path::Path, time::Duration};

use pooldeck::{
    ci::{
        Ci, Endpoint, Error, Secret,
        command::{CommandCi, Options},
    },
    fleet::{Call, FailureKind},
};
use tempfile::TempDir;

use super::documented;
use crate::{TOKEN, executor, observe};

/// A script, run by the shell as a program of its own.
struct Script(TempDir);

impl Script {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("script.sh"), text).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn door(&self) -> CommandCi {
        door_of(&["/bin/sh", self.path("script.sh").to_str().unwrap()])
    }

    async fn error(&self) -> Error {
        let error = observe(&self.door()).await.unwrap_err();
        assert!(!error.what.contains(TOKEN), "{error}");
        error
    }
}

fn door_of(command: &[&str]) -> CommandCi {
    let endpoint = Endpoint {
        token: Some(Secret::new(TOKEN)),
        timeout: Duration::from_secs(20),
        ..Endpoint::new("queue", "")
    };
    let command = command.iter().map(|it| (*it).to_owned()).collect();
    CommandCi::open(endpoint, Options { command }).unwrap()
}

#[tokio::test]
async fn a_program_is_asked_by_its_last_argument_and_its_standard_input() {
    let script = Script::new("");
    let (asked, answer) = (script.path("asked"), script.path("answer"));
    fs::write(&answer, documented("executors").to_string()).unwrap();
    let text = format!(
        "echo \"$1 $#\" >> {0}; cat >> {0}; echo >> {0}; echo \"$POOLDECK_TOKEN\" >> {0}; cat {1}",
        asked.display(),
        answer.display()
    );
    fs::write(script.path("script.sh"), text).unwrap();
    let door = script.door();
    let reading = observe(&door).await.unwrap();
    assert_eq!(executor(&reading, "worker-2").work.as_str(), "idle");
    let cordon = Call::Cordon {
        controller: "queue".into(),
        executor: "--help; rm -rf /".into(),
        note: "op-7: \"a\" $(b)".into(),
    };
    door.apply(&cordon).await.unwrap();
    let lines = fs::read_to_string(asked).unwrap();
    let question =
        r#"{"version":1,"verb":"cordon","executor":"--help; rm -rf /","note":"op-7: \"a\" $(b)"}"#;
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        [
            "observe 1",
            r#"{"version":1,"verb":"observe"}"#,
            TOKEN,
            "cordon 1",
            question,
            TOKEN
        ]
    );
    assert_eq!(door.n_requests(), 2);
}

#[tokio::test]
async fn a_program_that_fails_tells_its_first_line_without_secrets_or_control_characters() {
    let script = Script::new(
        "printf '\\n\\033[31mno queue for %s\\033[0m\\nsecond line\\n' \"$POOLDECK_TOKEN\" >&2; exit 3",
    );
    let error = script.error().await;
    assert_eq!(error.kind, FailureKind::Unknown);
    assert!(
        error
            .what
            .contains("ended with exit status: 3: [31mno queue for *** [0m"),
        "{error}"
    );
    assert!(
        !error.what.contains("second") && !error.what.contains('\u{1b}'),
        "{error}"
    );
}

#[tokio::test]
async fn a_complaint_is_bounded() {
    let script = Script::new("head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; exit 1");
    let error = script.error().await;
    assert!(error.what.chars().count() < 300, "{}", error.what.len());
}

#[tokio::test]
async fn a_failure_that_is_explained_in_the_answer_keeps_its_kind() {
    let script = Script::new(
        "echo '{\"version\":1,\"error\":{\"kind\":\"denied\",\"what\":\"no\"}}'; exit 1",
    );
    assert_eq!(script.error().await.kind, FailureKind::Denied);
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_its_children() {
    let script = Script::new("");
    let pids = script.path("pids");
    let text = format!(
        "sleep 600 & echo $! > {0}; echo $$ >> {0}; wait",
        pids.display()
    );
    fs::write(script.path("script.sh"), text).unwrap();
    let endpoint = Endpoint {
        timeout: Duration::from_millis(300),
        ..Endpoint::new("queue", "")
    };
    let program = script.path("script.sh").to_str().unwrap().to_owned();
    let command = vec!["/bin/sh".to_owned(), program];
    let door = CommandCi::open(endpoint, Options { command }).unwrap();
    let error = observe(&door).await.unwrap_err();
    assert!(error.what.contains("no answer within 0.3 s"), "{error}");
    for pid in fs::read_to_string(pids).unwrap().lines() {
        until_gone(pid).await;
    }
}

/// Waits until a process has ended; a zombie has.
async fn until_gone(pid: &str) {
    for _ in 0..200 {
        let status = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        if status.map_or(true, |it| it.contains(") Z ")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} is still there");
}

#[tokio::test]
async fn a_program_that_is_not_there_asks_for_the_command() {
    let script = Script::new("");
    let door = door_of(&["/nowhere/queue-status", "--token", TOKEN]);
    let error = observe(&door).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert!(error.what.contains("is `command` right?"), "{error}");
    assert!(!error.what.contains("--token"), "{error}");
    let unrunnable = script.path("script.sh");
    let door = door_of(&[unrunnable.to_str().unwrap()]);
    let error = observe(&door).await.unwrap_err();
    assert!(error.what.contains("may not be run"), "{error}");
}

#[tokio::test]
async fn no_answer_and_half_an_answer_are_unknown() {
    for text in ["exit 0", "printf '{\"version\":1,\"executors\":[{\"na'"] {
        let error = Script::new(text).error().await;
        assert!(error.what.contains("ends in its middle"), "{error}");
    }
    let error = Script::new("echo hello").error().await;
    assert!(error.what.contains("is `kind` right?"), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_question_is_heard_all_the_same() {
    let script = Script::new("exec <&-; echo '{\"version\":1,\"executors\":[]}'");
    observe(&script.door()).await.unwrap();
}

#[tokio::test]
async fn a_program_ended_by_a_signal_says_so() {
    let error = Script::new("kill -9 $$").error().await;
    assert!(error.what.contains("signal: 9"), "{error}");
}
