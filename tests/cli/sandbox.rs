//! Runs the real binary with a home of its own, and writes down what it said.

use std::{path::Path, process::Command};

use snapbox::cmd::cargo_bin;

/// A home directory that nobody else uses, and a command line on it.
pub(crate) struct Sandbox {
    home: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes the configuration file.
    pub(crate) fn configure(&self, text: &str) {
        let directory = self.home().join(".config/pooldeck");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("config.toml"), text).unwrap();
    }

    /// Returns a command that inherits nothing; `line` is written as in a shell.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(cargo_bin!("pooldeck"));
        command
            .env_clear()
            .env("HOME", self.home())
            .env("USER", "tester")
            .current_dir(self.home())
            .args(shlex::split(line).unwrap());
        command
    }

    /// Runs `pooldeck LINE`, and returns what a terminal log would show.
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code().unwrap();
        let mut text = format!("$ pooldeck {line}\n{stdout}");
        if !stderr.is_empty() {
            text = format!("{text}--- stderr\n{stderr}");
        }
        if code != 0 {
            text = format!("{text}--- exit code {code}\n");
        }
        without_request_ids(text)
    }
}

/// A request id depends on everything that the simulated region did before.
fn without_request_ids(mut text: String) -> String {
    const LENGTH: usize = 36;
    let is_id = |it: &[u8]| {
        it.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    while let Some(at) = text.as_bytes().windows(LENGTH).position(is_id) {
        text.replace_range(at..at + LENGTH, "[REQUEST]");
    }
    text
}

/// Runs `pooldeck LINE` in a fresh sandbox and compares what it said.
///
/// The demo stands still (`--speed 0`) unless the line says otherwise, so that
/// every time in it is the same each run.
#[track_caller]
pub(crate) fn check(line: &str, expected: impl snapbox::IntoData) {
    snapbox::assert_data_eq!(Sandbox::new().run(line), expected.into_data().raw());
}
