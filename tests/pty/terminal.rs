//! A real pseudo-terminal with a program in it, and what its screen shows.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{LocalModes, tcgetattr},
};

/// Longer than anything takes on a busy machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Shown>,
    reader: Option<thread::JoinHandle<()>>,
    state_dir: tempfile::TempDir,
}

/// What came out of the program, and what a terminal makes of it.
struct Shown {
    inside: Mutex<Inside>,
    changed: Condvar,
}

struct Inside {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    is_over: bool,
    is_hung_up: bool,
}

impl Inside {
    fn has(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len()).any(|it| it == bytes)
    }
}

/// The program under test, on the demo.
pub(crate) fn console() -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pooldeck"));
    command.arg("--demo");
    command
}

/// The console of tests/pty/panicking.rs, which Cargo builds beside the tests.
pub(crate) fn panicking(how: &str) -> CommandBuilder {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.ancestors().nth(2).unwrap().to_owned();
    let program = target.join("examples/panicking_console");
    assert!(
        program.exists(),
        "`cargo build --example panicking_console` makes it; `cargo test` does so by itself"
    );
    let mut command = CommandBuilder::new(program);
    command.arg(how);
    command
}

impl Terminal {
    pub(crate) fn start(command: CommandBuilder) -> Self {
        Self::sized(command, 100, 30)
    }

    pub(crate) fn sized(mut command: CommandBuilder, width: u16, height: u16) -> Self {
        let state_dir = tempfile::tempdir().unwrap();
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("HOME", state_dir.path());
        command.env("XDG_STATE_HOME", state_dir.path());
        command.env("XDG_CONFIG_HOME", state_dir.path());
        command.cwd(state_dir.path());
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let (rows, columns) = (height.try_into().unwrap(), width.try_into().unwrap());
        let shown = Arc::new(Shown {
            inside: Mutex::new(Inside {
                parser: vt100::Parser::new(rows, columns, 0),
                bytes: Vec::new(),
                is_over: false,
                is_hung_up: false,
            }),
            changed: Condvar::new(),
        });
        let mut output = pair.master.try_clone_reader().unwrap();
        let reader = shown.clone();
        // Ends when the program has closed its side, or with the first output after a hangup.
        let reader_thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let n_read = output.read(&mut buffer).unwrap_or(0);
                let mut inside = reader.inside.lock().unwrap();
                inside.parser.process(&buffer[..n_read]);
                inside.bytes.extend(&buffer[..n_read]);
                inside.is_over = n_read == 0;
                reader.changed.notify_all();
                if n_read == 0 || inside.is_hung_up {
                    return;
                }
            }
        });
        Self {
            keys: pair.master.take_writer().unwrap(),
            master: Some(pair.master),
            child,
            shown,
            reader: Some(reader_thread),
            state_dir,
        }
    }

    pub(crate) fn press(&mut self, bytes: &str) {
        self.keys.write_all(bytes.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_wanted: impl Fn(&vt100::Screen) -> bool) {
        let inside = self.shown.inside.lock().unwrap();
        let is_missing = |it: &mut Inside| !is_wanted(it.parser.screen()) && !it.is_over;
        let (inside, _) = self
            .shown
            .changed
            .wait_timeout_while(inside, PATIENCE, is_missing)
            .unwrap();
        let screen = inside.parser.screen();
        assert!(
            is_wanted(screen),
            "waited for {what}, and saw:\n{}",
            screen.contents()
        );
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(text, |it| it.contents().contains(text));
    }

    /// Returns how many bytes the program has written so far.
    pub(crate) fn n_bytes(&self) -> usize {
        self.shown.inside.lock().unwrap().bytes.len()
    }

    pub(crate) fn wrote(&self, bytes: &[u8]) -> bool {
        self.shown.inside.lock().unwrap().has(bytes)
    }

    #[track_caller]
    pub(crate) fn wait_until_written(&self, bytes: &[u8]) {
        let inside = self.shown.inside.lock().unwrap();
        let is_missing = |it: &mut Inside| !it.has(bytes) && !it.is_over;
        let (inside, _) = self
            .shown
            .changed
            .wait_timeout_while(inside, PATIENCE, is_missing)
            .unwrap();
        assert!(
            inside.has(bytes),
            "{:?} was not written",
            String::from_utf8_lossy(bytes)
        );
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        let (rows, columns) = (height.try_into().unwrap(), width.try_into().unwrap());
        self.shown
            .inside
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows, columns);
        self.master
            .as_ref()
            .unwrap()
            .resize(size(width, height))
            .unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Takes the terminal away, as a connection that breaks does.
    pub(crate) fn hang_up(&mut self) {
        self.shown.inside.lock().unwrap().is_hung_up = true;
        // The reader holds the terminal until it has read something more.
        self.resize(60, 20);
        self.signal(Signal::WINCH);
        self.reader.take().unwrap().join().unwrap();
        self.keys = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let pause = Duration::from_millis(20);
        let n_tries = PATIENCE.as_millis() / pause.as_millis();
        for _ in 0..n_tries {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(pause);
        }
        self.child.kill().unwrap();
        panic!("it did not end");
    }

    /// Checks that the terminal is as it was before the program came.
    #[track_caller]
    pub(crate) fn is_restored(&self) {
        self.wait("the shell's screen", |it| !it.alternate_screen());
        self.wait("the cursor", |it| !it.hide_cursor());
        self.wait("no bracketed paste", |it| !it.bracketed_paste());
        assert!(self.is_cooked(), "the terminal is still raw");
    }

    /// Whether the terminal echoes and edits lines, as a shell wants it.
    pub(crate) fn is_cooked(&self) -> bool {
        let path = self.master.as_ref().unwrap().tty_name().unwrap();
        let modes = tcgetattr(File::open(path).unwrap()).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    pub(crate) fn state_dir(&self) -> &std::path::Path {
        self.state_dir.path()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing of a failed test is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}
