//! A host of the test: a state directory of its own on a region that hosts share.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than anything takes on a busy machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) region: Arc<tempfile::TempDir>,
    state: Arc<tempfile::TempDir>,
    name: &'static str,
}

pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            region: Arc::new(tempfile::tempdir().unwrap()),
            state: Arc::new(tempfile::tempdir().unwrap()),
            name: "desk",
        }
    }

    /// Returns another host that looks at the same region.
    pub(crate) fn other(&self, name: &'static str) -> Self {
        Self {
            region: self.region.clone(),
            state: Arc::new(tempfile::tempdir().unwrap()),
            name,
        }
    }

    pub(crate) fn state_dir(&self) -> &Path {
        self.state.path()
    }

    pub(crate) fn arguments(&self, line: &str) -> Vec<String> {
        let path = |it: &Path| it.to_str().unwrap().to_owned();
        let mut words = vec![path(self.region.path())];
        words.extend(["--state-dir".to_owned(), path(self.state.path())]);
        words.extend(shlex::split(line).unwrap());
        words
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(program());
        command
            .args(self.arguments(line))
            .env_clear()
            .env("USER", "ada")
            .env("HOSTNAME", self.name)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        said(self.command(line).output().unwrap())
    }

    pub(crate) fn spawn(&self, line: &str) -> Child {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn operations(&self) -> Vec<Value> {
        let said = self.run("ops -o json");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        document["operations"].as_array().unwrap().clone()
    }

    pub(crate) fn show(&self, id: &str) -> Value {
        let said = self.run(&format!("ops show {id} -o json"));
        let document: Value = serde_json::from_str(&said.stdout)
            .unwrap_or_else(|it| panic!("{it}: {}{}", said.stdout, said.stderr));
        document["operations"][0].clone()
    }

    /// Waits until the operation is in this state.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        id: &str,
        what: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            last = self.show(id);
            if is_wanted(&last) {
                return last;
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        panic!("waited for {what}, and saw {last:#}\n{}", self.journal(id));
    }

    /// Waits until there is a journal, and returns its operation's id.
    #[track_caller]
    pub(crate) fn wait_for_journal(&self) -> String {
        for _ in 0..1000 {
            if let Some(it) = self.journals().first() {
                return it.file_stem().unwrap().to_str().unwrap().to_owned();
            }
            thread::sleep(PAUSE);
        }
        panic!("no operation was begun");
    }

    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.state_dir().join("operations")) else {
            return Vec::new();
        };
        let paths = entries.flatten().map(|it| it.path());
        paths
            .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
            .collect()
    }

    pub(crate) fn journal_path(&self, id: &str) -> PathBuf {
        let directory = self.state_dir().join("operations");
        directory.join(id).with_extension("jsonl")
    }

    pub(crate) fn journal(&self, id: &str) -> String {
        std::fs::read_to_string(self.journal_path(id)).unwrap_or_default()
    }

    /// Waits until the journal has this text.
    #[track_caller]
    pub(crate) fn wait_until_written(&self, id: &str, text: &str) {
        let mut waited = Duration::ZERO;
        while !self.journal(id).contains(text) {
            assert!(waited < PATIENCE, "no {text} in:\n{}", self.journal(id));
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

pub(crate) fn kill(process: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// The program of tests/lifetime/region.rs, which Cargo builds beside the tests.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let program = target.join("examples/shared_region");
    assert!(
        program.exists(),
        "`cargo build --example shared_region` makes it; `cargo test` does so by itself"
    );
    program
}

/// Returns the number of the process in which an operation goes on.
pub(crate) fn process_in(words: &str) -> u32 {
    let (_, rest) = words.split_once("in process ").expect(words);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
