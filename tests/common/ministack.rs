//! CloudWatch as ministack serves it.

use tempfile::TempDir;

use super::{Tied, free_port, python_program, wait_for_http};

#[derive(Debug)]
pub(crate) struct Ministack {
    port: u16,
    _server: Tied,
    _directory: TempDir,
}

impl Ministack {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let mut command = python_program("ministack");
        command
            .env("GATEWAY_PORT", port.to_string())
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .current_dir(directory.path());
        let mut server = Tied::start(&command, &directory.path().join("ministack.log"));
        wait_for_http(&mut server, port, "/_ministack/health");
        Self {
            port,
            _server: server,
            _directory: directory,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
