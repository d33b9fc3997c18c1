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
        let output = Command::new(env!("CARGO_BIN_EXE_pooldeck"))
            .env_clear()
            .env("HOME", home.path())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("PLANTED", TOKEN)
            .env("POOLDECK_LOG", "trace")
            .args(["--config".as_ref(), config.as_os_str()])
            .args(["--state-dir".as_ref(), state.path().as_os_str()])
            .args(line.split(' '))
            .output()
            .unwrap();
        let (stdout, stderr) = (output.stdout, output.stderr);
        write!(seen, "\n$ {line}: {}\n", output.status).unwrap();
        seen += &String::from_utf8(stdout).unwrap();
        seen += &String::from_utf8(stderr).unwrap();
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
    let encoded = BASE64_STANDARD.encode(format!("pooldeck:{TOKEN}"));
    for planted in [TOKEN, encoded.as_str()] {
        let at = seen.find(planted);
        let around = at.map(|it| seen.get(it.saturating_sub(300)..it + 40));
        assert_eq!(at, None, "{around:?}");
    }
}
