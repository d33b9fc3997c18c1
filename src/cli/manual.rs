//! The manual pages and the completion scripts, both read off the command line's definition.

use super::{CommandLine, Error, Exit, Printer};
use crate::fleet::nearest;

/// Writes a completion script.
pub(super) fn completions(
    printer: &mut Printer,
    shell: clap_complete::Shell,
) -> Result<Exit, Error> {
    let mut definition = CommandLine::definition();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition, "pooldeck", &mut script);
    write(printer, &script)
}

/// Writes the manual page of pooldeck, or of one command.
pub(super) fn page(printer: &mut Printer, command: Option<&str>) -> Result<Exit, Error> {
    let mut definition = CommandLine::definition();
    definition.build();
    let definition = match command {
        None => definition,
        Some(name) => definition
            .find_subcommand(name)
            .ok_or_else(|| no_such_command(&definition, name))?
            .clone()
            .display_name(format!("pooldeck-{name}")),
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(definition)
        .render(&mut page)
        .expect("a vector takes every byte");
    write(printer, &page)
}

fn write(printer: &mut Printer, text: &[u8]) -> Result<Exit, Error> {
    let text = std::str::from_utf8(text).expect("both generators write UTF-8");
    printer.data(text)?;
    Ok(Exit::Done)
}

fn no_such_command(definition: &clap::Command, name: &str) -> Error {
    let names = definition.get_subcommands().map(clap::Command::get_name);
    let error = Error::usage(format!("there is no command `{name}`"));
    match nearest(name, names) {
        Some(it) => error.hint(format!("did you mean `{it}`?")),
        None => error.hint("`pooldeck --help` lists them"),
    }
}
