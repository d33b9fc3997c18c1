//! The pinned Python environment of the servers, made once under the target directory.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

const REQUIREMENTS: &str = include_str!("../servers/requirements.txt");

/// Returns a command that runs a program of the environment, such as `python` or `buildbot`.
///
/// Makes the environment first, which takes about a minute, once.
pub(crate) fn python_program(name: &str) -> Command {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(make_environment);
    let program = ENVIRONMENT.join("bin").join(name);
    assert!(
        program.exists(),
        "tests/servers/requirements.txt brings no `{name}`"
    );
    let mut command = Command::new(program);
    // The operator's own settings must not reach a test.
    for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
        command.env_remove(name);
    }
    command.env("PYTHONUNBUFFERED", "1");
    command
}

fn make_environment() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let root = target.join("servers-python");
    // Several test binaries may want it at once; the lock ends with the file.
    let lock = File::create(target.join("servers-python.lock")).expect("the target directory");
    lock.lock().expect("a lock in the target directory");
    // Written last, so an environment that was interrupted is made again.
    let stamp = root.join("made-from.txt");
    let is_made = root.join("bin/python").exists()
        && fs::read_to_string(&stamp).is_ok_and(|it| it == REQUIREMENTS);
    if !is_made {
        let requirements = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/servers/requirements.txt"
        );
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&root));
        run(Command::new(root.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--requirement", requirements]));
        fs::write(&stamp, REQUIREMENTS).expect("a stamp in the environment");
    }
    root
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("the servers of the tests need Python 3 with venv: {command:?}: {error}")
    });
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
