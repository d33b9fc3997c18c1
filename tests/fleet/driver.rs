//! The binary as an operator runs it headless, and as a bad day ends it: by SIGKILL.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use snapbox::cmd::cargo_bin;
use tempfile::TempDir;

use crate::fleet::{Fleet, PASSWORD};

/// A home directory with a configuration, and the memory of who was killed when.
pub(crate) struct Operator {
    home: TempDir,
    dice: fastrand::Rng,
    n_runs: u32,
    pub(crate) n_kills: u32,
}

impl Operator {
    pub(crate) fn of(fleet: &Fleet, seed: u64) -> Self {
        let home = TempDir::new().unwrap();
        let directory = home.path().join(".config/pooldeck");
        std::fs::create_dir_all(&directory).unwrap();
        // Builds take seconds here, and the master tells of each at once; so does the proof.
        let configuration = format!(
            r#"
            refresh = "2s"
            [[scope]]
            alias = "test"
            regions = ["us-east-1"]
            endpoint_url = "{}"
            [[controller]]
            name = "master"
            kind = "buildbot"
            url = "{}"
            user = "pooldeck"
            token = {{ env = "MASTER_PASSWORD" }}
            [[pool]]
            match = "workhorse"
            controller = "master"
            label = "workhorse"
            instance_from = "name"
            boot_budget = "1m"
            [proof]
            readings = 3
            span = "4s"
            settle = "4s"
            "#,
            fleet.moto.endpoint(),
            fleet.master.url()
        );
        std::fs::write(directory.join("config.toml"), configuration).unwrap();
        Self {
            home,
            dice: fastrand::Rng::with_seed(seed),
            n_runs: 0,
            n_kills: 0,
        }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(cargo_bin!("pooldeck"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("USER", "operator")
            .env("AWS_ACCESS_KEY_ID", "pooldeck")
            .env("AWS_SECRET_ACCESS_KEY", "pooldeck")
            .env("MASTER_PASSWORD", PASSWORD)
            .current_dir(self.home.path())
            .args(shlex::split(line).unwrap());
        command
    }

    /// Carries a verb out to its end, through so many deaths of its driver.
    #[track_caller]
    pub(crate) fn carry_out(&mut self, line: &str, n_kills: u32) {
        let started = Instant::now();
        let n_known = self.operations().len();
        for _ in 0..n_kills {
            // Within a few seconds of its start it does most of what it does.
            let lives_for = Duration::from_millis(self.dice.u64(500..7000));
            let next = self.next(line, n_known);
            let Some(status) = self.live_for(&next, lives_for) else {
                println!("`{next}` was killed after {lives_for:?}");
                continue;
            };
            // It was faster than we.
            assert!(status.success(), "`{next}`: {status}\n{}", self.told());
            println!("`{line}` ended in {:?}", started.elapsed());
            return;
        }
        let next = self.next(line, n_known);
        let status = self.live_for(&next, Duration::from_mins(2));
        let status = status.unwrap_or_else(|| panic!("`{next}` does not end\n{}", self.told()));
        assert!(status.success(), "`{next}`: {status}\n{}", self.told());
        println!("`{line}` ended in {:?}", started.elapsed());
    }

    /// Returns what goes on with a verb: the verb itself, as long as it has not begun anything.
    fn next(&self, line: &str, n_known: usize) -> String {
        let operations = self.operations();
        match operations.get(n_known) {
            Some(operation) => format!("ops resume {}", operation["id"].as_str().unwrap()),
            None => line.to_owned(),
        }
    }

    /// Runs a command for so long, then kills it; returns its status if it ended by itself.
    fn live_for(&mut self, line: &str, patience: Duration) -> Option<ExitStatus> {
        self.n_runs += 1;
        let log = File::create(self.log(self.n_runs)).unwrap();
        let mut child = self
            .command(line)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.n_kills += 1;
        None
    }

    /// Returns the operations of this host, oldest first, as their journals have them.
    pub(crate) fn operations(&self) -> Vec<Value> {
        let output = self.command("ops -o json").output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let mut operations = document["operations"].as_array().unwrap().clone();
        operations.sort_by_key(|it| it["started_at"].as_str().unwrap().to_owned());
        operations
    }

    fn log(&self, n: u32) -> PathBuf {
        self.home.path().join(format!("run-{n}.log"))
    }

    /// Returns what every run said, and the journals, for a test that fails.
    pub(crate) fn told(&self) -> String {
        let logs = (1..=self.n_runs).map(|n| text(&self.log(n)));
        let state = self.home.path().join(".local/state/pooldeck/operations");
        let journals = std::fs::read_dir(&state).into_iter().flatten().flatten();
        let journals = journals.map(|it| text(&it.path()));
        logs.chain(journals).collect::<Vec<_>>().join("\n")
    }
}

fn text(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    format!("--- {}\n{text}", path.display())
}
