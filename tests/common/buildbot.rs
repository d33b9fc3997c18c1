//! A Buildbot master with real workers and a steady stream of builds.

use tempfile::TempDir;

use super::{Tied, free_port, python_program, wait_for_http};

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers");

/// A running master and its workers, ended when it is dropped.
#[derive(Debug)]
pub(crate) struct BuildbotMaster {
    port: u16,
    pb_port: u16,
    workers: Option<Tied>,
    master: Tied,
    _directory: TempDir,
}

/// Who may pause workers.
pub(crate) const BUILDBOT_USER: &str = "pooldeck";

impl BuildbotMaster {
    /// Starts a master with workers `w0`, `w1`, …, and as many schedulers for all of them
    /// as `n_wide`, each of which asks for a build of about four seconds every second.
    pub(crate) fn start(n_workers: u32, n_wide: u32, password: &str) -> Self {
        Self::start_with("buildbot/master.cfg", true, n_workers, n_wide, password)
    }

    /// Starts a master for the first so many instances of a region that counts them; their
    /// workers are somebody else's to start, on [`pb_port`](Self::pb_port).
    pub(crate) fn start_for_a_fleet(n_workers: u32, password: &str) -> Self {
        Self::start_with("fleet/master.cfg", false, n_workers, 0, password)
    }

    fn start_with(
        config: &str,
        has_workers: bool,
        n_workers: u32,
        n_wide: u32,
        password: &str,
    ) -> Self {
        let directory = quick_directory();
        let at = |name: &str| directory.path().join(name);
        let (www_port, pb_port) = (free_port(), free_port());
        for name in ["master", "workers"] {
            std::fs::create_dir(at(name)).expect("a directory of the test's own");
        }
        let run = |program: &str, place: &str| {
            let mut command = python_program(program);
            command
                .current_dir(at(place))
                .env("N_WORKERS", n_workers.to_string())
                .env("N_WIDE", n_wide.to_string())
                .env("PASSWORD", password)
                .env("PB_PORT", pb_port.to_string())
                .env("WWW_PORT", www_port.to_string());
            command
        };
        let made = run("buildbot", "master")
            .args(["create-master", "-r", "."])
            .output();
        let made = made.expect("the environment has buildbot");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        std::fs::copy(format!("{SERVERS}/{config}"), at("master/master.cfg"))
            .expect("the test's directory");
        let twistd = |application: &str, place: &str| {
            let log = at(&format!("{place}/twistd.log"));
            let mut command = run("twistd", place);
            // Twisted's epoll sometimes forgets to let go of a descriptor, and then refuses every
            // connection that gets its number. Its own log file: nobody reads its standard output, which would fill and stop it.
            command
                .args([
                    "--reactor=poll",
                    "--nodaemon",
                    "--pidfile=",
                    "--python",
                    application,
                    "--logfile",
                ])
                .arg(&log);
            Tied::start(&command, &log)
        };
        let mut master = twistd("buildbot.tac", "master");
        let workers =
            has_workers.then(|| twistd(&format!("{SERVERS}/buildbot/workers.tac"), "workers"));
        wait_for_http(&mut master, www_port, "/api/v2/masters");
        Self {
            port: www_port,
            pb_port,
            workers,
            master,
            _directory: directory,
        }
    }

    /// Ends the workers' process, as when their machines are lost.
    pub(crate) fn lose_workers(&mut self) {
        self.workers = None;
    }

    /// Returns the end of the master's log, for a test that fails.
    pub(crate) fn log_tail(&self) -> String {
        let text = self.master.log_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the port that workers connect to.
    pub(crate) fn pb_port(&self) -> u16 {
        self.pb_port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// Makes a directory in memory where there is one: every step of a build is a transaction,
/// and a disk makes a build a second of them.
fn quick_directory() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a temporary directory")
}
