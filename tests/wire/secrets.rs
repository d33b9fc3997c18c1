//! The real binary before a controller that says back what it was told: the
//! token that it was given is in nothing that a person or a file gets to see.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::region::Region;

const TOKEN: &str = "planted-4f1c9b7e2d";

/// Answers 401 and a login page by turns, each with everything that was sent; returns its port.
fn echoing_controller() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the process of the test.
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let lines = BufReader::new(&stream).lines();
            let head: Vec<String> = lines
                .map_while(Result::ok)
                .take_while(|it| !it.is_empty())
                .collect();
            let status = ["401 Unauthorized", "200 OK"][n % 2];
            let body = format!("<html>Sign in. {} {TOKEN}</html>", head.join(" "));
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
            // A client that has heard enough may hang up.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn everything_below(directory: &Path, seen: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything_below(&path, seen);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            write!(
                seen,
                "{}: {}",
                path.display(),
                String::from_utf8_lossy(&bytes)
            )
            .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_token_is_in_no_stream_no_log_and_no_audit() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let port = echoing_controller();
    let home = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    let text = format!(
        r#"
[[scope]]
alias = "test"
regions = ["us-east-1"]
endpoint_url = "{}"

[[controller]]
name = "main"
kind = "jenkins"
url = "http://127.0.0.1:{port}"
user = "pooldeck"
token = {{ env = "PLANTED" }}

[[pool]]
match = "*"
controller = "main"
"#,
        region.moto.endpoint()
    );
    std::fs::write(&config, text).unwrap();
    let mut seen = String::new();
    for line in [
        "info",
        "info -o json",
        "executors",
        "executors -o json",
        "queue -o json",
        "strays",
        "pools -o json",
        "publish --dry-run",
        "scale workhorse 3 --yes --reason test",
        "scale workhorse 2 --yes --reason test",
        "ops -o json",
    ] {
        run(line, &config, state.path(), &mut seen);
    }
    let said = seen.clone();
    everything_below(state.path(), &mut seen);
    assert!(said.contains("main: "), "the controller failed: {said}");
    assert!(
        seen.contains("SetDesiredCapacity"),
        "it was audited: {said}"
    );
    assert!(
        seen.contains("DEBUG"),
        "a log was written: {}",
        &seen[said.len()..]
    );
    is_free_of_the_token(&seen);
}

/// A queue of two idle agents that takes cordons, and says the token wherever it may say anything.
const TALKATIVE: &str = r#"
import json, os, sys
ids, verb, question = sys.argv[1].split(","), sys.argv[2], json.load(sys.stdin)
token = os.environ["POOLDECK_TOKEN"]
notes = {it: open(it).read() for it in ids if os.path.exists(it)}
if verb == "cordon":
    open(question["executor"], "w").write(question["note"])
    json.dump({"version": 1}, sys.stdout)
elif verb == "observe":
    agents = [{"name": it, "state": "idle", "instance": it, "labels": [token], "cordoned": it in notes,
               "note": f"{notes.get(it, '')} {token}"} for it in ids]
    json.dump({"version": 1, "complete": True, "executors": agents,
               "controller": {"version": token, "cordon": "durable"}}, sys.stdout)
else:
    print(token, file=sys.stderr)
    json.dump({"version": 1, "error": {"kind": "denied", "what": f"not with {token}"}}, sys.stdout)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_token_is_in_no_journal_of_an_operation() {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let seen = region.observe_at_rest(&region.door()).await;
    let ids: Vec<String> = seen
        .instances()
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    let home = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let (config, program) = (
        home.path().join("config.toml"),
        home.path().join("queue.py"),
    );
    std::fs::write(&program, TALKATIVE).unwrap();
    let text = format!(
        r#"
[[scope]]
alias = "test"
regions = ["us-east-1"]
endpoint_url = "{}"

[[controller]]
name = "main"
kind = "command"
command = ["env", "-C", "{}", "python3", "{}", "{}"]
token = {{ env = "PLANTED" }}

[[pool]]
match = "*"
controller = "main"
"#,
        region.moto.endpoint(),
        home.path().display(),
        program.display(),
        ids.join(",")
    );
    std::fs::write(&config, text).unwrap();
    let mut seen = String::new();
    let drain = format!(
        "drain {} --replace --yes --reason test --timeout 12s",
        ids[0]
    );
    for line in [drain.as_str(), "ops", "ops -o json", "executors -o json"] {
        run(line, &config, state.path(), &mut seen);
    }
    let said = seen.clone();
    everything_below(state.path(), &mut seen);
    assert!(
        seen.contains("ci:Cordon") || seen.contains("cordon"),
        "it was cordoned: {said}"
    );
    assert!(
        seen.contains(r#""event":"applied""#),
        "a journal was written: {seen}"
    );
    is_free_of_the_token(&seen);
}

/// Runs `pooldeck LINE` with the token in its environment, and notes what it said.
fn run(line: &str, config: &Path, state: &Path, seen: &mut String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program of the controller is Python, wherever that is"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_pooldeck"))
        .env_clear()
        .env("PATH", path)
        .env("HOME", config.parent().unwrap())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("PLANTED", TOKEN)
        .env("POOLDECK_LOG", "trace")
        .args(["--config".as_ref(), config.as_os_str()])
        .args(["--state-dir".as_ref(), state.as_os_str()])
        .args(line.split(' '))
        .output()
        .unwrap();
    let (stdout, stderr) = (output.stdout, output.stderr);
    write!(seen, "\n$ {line}: {}\n", output.status).unwrap();
    *seen += &String::from_utf8(stdout).unwrap();
    *seen += &String::from_utf8(stderr).unwrap();
}

#[track_caller]
fn is_free_of_the_token(seen: &str) {
    let encoded = BASE64_STANDARD.encode(format!("pooldeck:{TOKEN}"));
    for planted in [TOKEN, encoded.as_str()] {
        let at = seen.find(planted);
        let around = at.map(|it| seen.get(it.saturating_sub(300)..it + 40));
        assert_eq!(at, None, "{around:?}");
    }
}
