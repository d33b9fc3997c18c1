//! The environment, the terminal and the machine: read here, and passed down.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use pooldeck::cli::{self, ColorChoice, CommandLine, Terminal};

/// Returns a variable that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here and passed down"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|it| !it.is_empty())
}

/// Decides what stands behind the streams, and whether it likes colour.
pub(crate) fn terminal(args: &CommandLine) -> Terminal {
    let is_plain = variable("NO_COLOR").is_some() || variable("TERM").as_deref() == Some("dumb");
    let has_color = |is_terminal: bool| match args.global.color {
        _ if args.global.no_color => false,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !is_plain,
    };
    let (stdout, stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    Terminal {
        stdin_is_terminal: io::stdin().is_terminal(),
        stdout_is_terminal: stdout,
        stderr_is_terminal: stderr,
        size: if stdout { cli::terminal_size() } else { None },
        stdout_has_color: has_color(stdout),
        stderr_has_color: has_color(stderr),
    }
}

pub(crate) fn user() -> String {
    let name = variable("USER").or_else(|| variable("LOGNAME"));
    name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

pub(crate) fn host() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}
