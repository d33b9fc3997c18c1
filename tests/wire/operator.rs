//! The binary as an operator runs it headless, with a home of its own and a controller that
//! the stand-in speaks for (`tests/servers/lifecycle/agents.py`): every agent is idle.

use std::process::Command;

use pooldeck::{
    engine::{AuditEvent, AuditRecord},
    fleet::Call,
};
use serde_json::Value;
use snapbox::cmd::cargo_bin;
use tempfile::TempDir;

use crate::{common::Request, region::Region};

pub(crate) struct Operator {
    home: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Operator {
    /// Believes faster than anybody should, because here no agent lies.
    pub(crate) fn of(region: &Region) -> Self {
        let home = TempDir::new().unwrap();
        let directory = home.path().join(".config/pooldeck");
        std::fs::create_dir_all(&directory).unwrap();
        let endpoint = region.moto.endpoint();
        let configuration = format!(
            r#"
            refresh = "2s"
            [[scope]]
            alias = "test"
            regions = ["us-east-1"]
            endpoint_url = "{endpoint}"
            [[controller]]
            name = "agents"
            kind = "command"
            url = "{endpoint}/agents"
            [[pool]]
            match = "*"
            controller = "agents"
            boot_budget = "1m"
            [proof]
            readings = 2
            span = "1s"
            settle = "1s"
            "#
        );
        std::fs::write(directory.join("config.toml"), configuration).unwrap();
        Self { home }
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(cargo_bin!("pooldeck"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("USER", "operator")
            .env("AWS_ACCESS_KEY_ID", "OPERATOR")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .current_dir(self.home.path())
            .args(shlex::split(line).unwrap());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        Said::of(&mut self.command(line))
    }

    /// Plans, and counts that the server was asked to change nothing.
    #[track_caller]
    pub(crate) fn plan(&self, region: &Region, line: &str) -> Value {
        let n_before = writes(region).len();
        let said = self.run(&format!("{line} --dry-run -o json"));
        assert_eq!(said.code, 0, "{line}: {said:?}");
        assert_eq!(writes(region).len(), n_before, "{line}: a dry run wrote");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        document["plan"].clone()
    }

    /// Returns the calls that were answered with a yes, as the audit log has them.
    pub(crate) fn applied(&self, command_line: &str) -> Vec<Call> {
        let log = self.home.path().join(".local/state/pooldeck/audit.jsonl");
        let log = std::fs::read_to_string(log).unwrap();
        let records = log.lines().map(|it| serde_json::from_str(it).unwrap());
        let is_it =
            |it: &AuditRecord| it.event == AuditEvent::Applied && it.command_line == command_line;
        records.filter(is_it).map(|it| it.call).collect()
    }
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Returns what an operator's command asked the servers to change; the setup signs otherwise.
pub(crate) fn writes(region: &Region) -> Vec<Request> {
    let mut requests = region.moto.requests();
    requests.retain(|it| it.mutating && (it.key == "OPERATOR" || it.service == "ci"));
    requests
}
