//! The verbs and their flags, read off the definition of the command line.

use clap::CommandFactory as _;

use super::ActionLine;

/// A verb as help and the palette show it, read off the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    pub name: String,
    pub about: String,
    pub usage: String,
    /// What the words after the verb are, in their order: `POOL`, `INSTANCE`; the last may repeat.
    pub arguments: Vec<String>,
    pub flags: Vec<Flag>,
}

/// A flag of a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// With its dashes.
    pub name: String,
    pub about: String,
    /// The word for its value, where it takes one.
    pub value: Option<String>,
}

/// Returns every verb of the grammar, in its order.
pub fn verbs() -> Vec<Verb> {
    let mut command = ActionLine::command();
    command.build();
    command
        .get_subcommands_mut()
        .map(|it| Verb {
            name: it.get_name().to_owned(),
            about: it.get_about().map(ToString::to_string).unwrap_or_default(),
            usage: it
                .render_usage()
                .to_string()
                .trim_start_matches("Usage: ")
                .trim()
                .to_owned(),
            arguments: it.get_positionals().map(value_name).collect(),
            flags: it
                .get_opts()
                .chain(switches(it))
                .filter_map(flag_of)
                .collect(),
        })
        .collect()
}

/// Returns the flags that take no value.
fn switches(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    let is_switch = |it: &&clap::Arg| !it.is_positional() && !it.get_action().takes_values();
    command.get_arguments().filter(is_switch)
}

fn value_name(arg: &clap::Arg) -> String {
    let name = arg.get_value_names().and_then(<[_]>::first);
    name.map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string)
}

fn flag_of(arg: &clap::Arg) -> Option<Flag> {
    Some(Flag {
        name: format!("--{}", arg.get_long()?),
        about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        value: arg.get_action().takes_values().then(|| value_name(arg)),
    })
}
