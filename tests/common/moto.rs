//! EC2, Auto Scaling and STS as moto serves them, with working lifecycles and faults on request.

use std::{fs, path::PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use super::{Tied, python_program};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/servers/lifecycle_moto.py"
);

/// One simulated AWS. Every test has its own, so that none sees another's groups or faults.
#[derive(Debug)]
pub(crate) struct Moto {
    endpoint: String,
    faults: PathBuf,
    log: PathBuf,
    _server: Tied,
    _directory: TempDir,
}

/// A request that the server answered, as its log has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Request {
    pub(crate) service: String,
    /// The access key that signed it.
    pub(crate) key: String,
    pub(crate) action: String,
    pub(crate) mutating: bool,
    /// What was asked, flat, as the query protocol writes it.
    pub(crate) parameters: std::collections::BTreeMap<String, String>,
    /// The fault that was answered instead of the truth.
    pub(crate) fault: Option<String>,
}

impl Moto {
    /// Starts a region whose instances boot in no time.
    pub(crate) fn start() -> Self {
        Self::start_booting(0.0)
    }

    /// Starts a region whose instances stay `Pending` for this long.
    pub(crate) fn start_booting(boot_seconds: f32) -> Self {
        Self::start_with(boot_seconds, &[])
    }

    /// Starts a region whose instances are called `i-…001`, `i-…002` and so on.
    pub(crate) fn start_counting(boot_seconds: f32) -> Self {
        Self::start_with(boot_seconds, &["--counted-ids"])
    }

    fn start_with(boot_seconds: f32, flags: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let (faults, log) = (
            directory.path().join("faults.json"),
            directory.path().join("requests.ndjson"),
        );
        let mut command = python_program("python");
        command
            .arg(SCRIPT)
            .args(["--port", "0", "--boot", &boot_seconds.to_string()])
            .args(flags)
            .arg("--faults")
            .arg(&faults)
            .arg("--log")
            .arg(&log);
        let mut server = Tied::start(&command, &directory.path().join("moto.log"));
        let endpoint = server.first_line();
        Self {
            endpoint,
            faults,
            log,
            _server: server,
            _directory: directory,
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets what goes wrong from now on; `json!({})` is nothing. See `lifecycle/front.py`.
    pub(crate) fn set_faults(&self, faults: &serde_json::Value) {
        // Renamed into place, so that the server never reads half of it.
        let new = self.faults.with_extension("new");
        fs::write(&new, faults.to_string()).expect("the test's directory");
        fs::rename(&new, &self.faults).expect("the test's directory");
    }

    /// Returns what was asked so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .map(|it| serde_json::from_str(it).expect("a line of the request log"))
            .collect()
    }
}
