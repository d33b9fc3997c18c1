//! The fleet, and what its servers themselves say of it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, de::DeserializeOwned};
use tempfile::TempDir;

use crate::common::{BuildbotMaster, Moto, Tied, python_program};

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/fleet");
pub(crate) const PASSWORD: &str = "known to the master";
/// More than the instances that a test launches.
const N_WORKERS: u32 = 40;
/// Buildbot's results of a build whose worker went away.
const EXCEPTION: i32 = 4;
const RETRY: i32 = 5;

/// Everything that runs. The fields are dropped in their order: machines first.
pub(crate) struct Fleet {
    _hosts: Tied,
    pub(crate) master: BuildbotMaster,
    pub(crate) moto: Moto,
    _directory: TempDir,
}

/// What the region truly holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Truth {
    /// What the group launches from, and how many versions of that there are.
    pub(crate) version: String,
    pub(crate) n_versions: u32,
    pub(crate) desired: u32,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) suspended: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) lifecycle: String,
    pub(crate) protected: bool,
    pub(crate) version: String,
    pub(crate) image: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Build {
    pub(crate) buildid: u64,
    pub(crate) workerid: u64,
    pub(crate) complete: bool,
    pub(crate) results: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Worker {
    pub(crate) workerid: u64,
    pub(crate) name: String,
    pub(crate) paused: bool,
    pub(crate) connected_to: Vec<serde_json::Value>,
}

impl Fleet {
    /// Starts six instances, and waits until each has its worker and builds run.
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let moto = Moto::start_counting(1.0);
        let master = BuildbotMaster::start_for_a_fleet(N_WORKERS, PASSWORD);
        region(&moto, &["make"]);
        let mut hosts = python_program("python");
        hosts
            .arg(format!("{SERVERS}/hosts.py"))
            .arg(moto.endpoint())
            .arg(master.pb_port().to_string())
            .arg(directory.path())
            .env("PASSWORD", PASSWORD);
        let mut hosts = Tied::start(&hosts, &directory.path().join("hosts.log"));
        hosts.first_line();
        let fleet = Self {
            _hosts: hosts,
            master,
            moto,
            _directory: directory,
        };
        fleet.until("six busy workers", Duration::from_mins(1), |it| {
            let n_connected = it.workers().iter().filter(|it| it.is_connected()).count();
            n_connected == 6 && 3 <= it.n_running()
        });
        fleet
    }

    pub(crate) fn until(&self, what: &str, patience: Duration, is_so: impl Fn(&Self) -> bool) {
        let is_so = self.comes_to(patience, is_so);
        assert!(
            is_so,
            "not within {patience:?}: {what}; {:#?}\n{}",
            self.truth(),
            self.master.log_tail()
        );
    }

    /// Waits for something, and returns whether it came in time.
    pub(crate) fn comes_to(&self, patience: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let started = Instant::now();
        while !is_so(self) {
            if patience <= started.elapsed() {
                return false;
            }
            thread::sleep(Duration::from_millis(300));
        }
        true
    }

    pub(crate) fn truth(&self) -> Truth {
        serde_json::from_str(&region(&self.moto, &["look"])).unwrap()
    }

    /// Terminates instances behind everybody's back.
    pub(crate) fn kill(&self, ids: &[String]) {
        let ids = ids.iter().map(String::as_str);
        region(
            &self.moto,
            &["kill"].into_iter().chain(ids).collect::<Vec<_>>(),
        );
    }

    pub(crate) fn builds(&self) -> Vec<Build> {
        self.recorded("builds")
    }

    pub(crate) fn workers(&self) -> Vec<Worker> {
        self.recorded("workers")
    }

    fn n_running(&self) -> usize {
        self.builds().iter().filter(|it| !it.complete).count()
    }

    /// Returns the numbers of the builds that did not end by themselves, as the master has them.
    pub(crate) fn killed(&self) -> Vec<u64> {
        let was_killed = |it: &Build| matches!(it.results, Some(EXCEPTION | RETRY));
        let killed = self.builds().into_iter().filter(was_killed);
        killed.map(|it| it.buildid).collect()
    }

    /// Asks the master for everything of a kind.
    fn recorded<T: DeserializeOwned>(&self, what: &str) -> Vec<T> {
        // A busy master sometimes closes a connection without an answer.
        let mut tries = std::iter::repeat_with(|| self.ask(what)).take(4).flatten();
        let text = tries
            .next()
            .unwrap_or_else(|| panic!("{}", self.master.log_tail()));
        let mut answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(answer[what].take()).unwrap()
    }

    fn ask(&self, what: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.master.port())).ok()?;
        // The old protocol: an answer in one piece, ended by the end of the connection.
        let request = format!("GET /api/v2/{what} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let is_found = head.split_whitespace().nth(1) == Some("200");
        is_found.then(|| body.to_owned())
    }
}

impl Worker {
    pub(crate) fn is_connected(&self) -> bool {
        !self.connected_to.is_empty()
    }
}

/// Runs a verb of `region.py`, and returns what it printed.
fn region(moto: &Moto, arguments: &[&str]) -> String {
    let mut command = python_program("python");
    command
        .arg(format!("{SERVERS}/region.py"))
        .arg(moto.endpoint())
        .args(arguments);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
