//! A planted secret never comes out again: not in what is said, not in what is written.

use std::{fs, path::Path};

use crate::sandbox::Sandbox;

const PLANTED: &str = "s3cr3t-planted-here";

#[test]
fn a_planted_secret_stays_where_it_is() {
    let sandbox = Sandbox::new();
    let token = sandbox.home().join("token");
    fs::write(&token, PLANTED).unwrap();
    let good = format!(
        r#"
        [[controller]]
        name = "one"
        kind = "jenkins"
        url = "https://me:{PLANTED}@127.0.0.1:1/x?token={PLANTED}"
        token = {{ command = "printf {PLANTED}" }}
        [[controller]]
        name = "two"
        kind = "buildbot"
        url = "http://127.0.0.1:1/"
        token = {{ file = "{}" }}
        "#,
        token.display()
    );
    let bad = [
        format!(
            "{good}\n[[controller]]\nname = \"three\"\nkind = \"jenkins\"\ntoken = \"{PLANTED}\"\n"
        ),
        format!(
            "{good}\n[[controller]]\nname = \"four\"\nkind = \"jenkins\"\npassword = \"{PLANTED}\"\n"
        ),
    ];
    for text in [good].iter().chain(&bad) {
        sandbox.configure(text);
        for line in [
            "info",
            "info -o json",
            "pools",
            "pools -o json",
            "pools --demo --speed 0 -o json",
            "scale release 9 --yes --demo --speed 0",
            "scale release 9 --yes",
        ] {
            let mut command = sandbox.command(line);
            command
                .env("POOLDECK_LOG", "trace")
                .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
                .env("AWS_SECRET_ACCESS_KEY", PLANTED)
                .env("AWS_SESSION_TOKEN", PLANTED)
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
            let output = command.output().unwrap();
            for said in [output.stdout, output.stderr] {
                let said = String::from_utf8(said).unwrap();
                assert!(!said.contains(PLANTED), "{line}: {said}");
            }
        }
    }
    let mut n_files = 0;
    for path in files(&sandbox.home().join(".local/state")) {
        n_files += 1;
        // The history is no text, and keeps words as they are.
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(PLANTED), "{}: {text}", path.display());
    }
    assert!(2 <= n_files, "an audit log and a log file were written");
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
