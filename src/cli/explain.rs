//! `explain INSTANCE` (and, by `why`, a pool or an operation): what we know of one machine and its agents, how we know
//! it, and what is missing before anybody may call it idle.

use std::time::Duration;

use clap::Args;

use super::{ActFormat, Error, Exit, Session, json, session::Sight, why};
use crate::{
    engine::Explained,
    fleet::{InstanceId, nearest, parse_duration},
};

#[derive(Clone, Debug, Args)]
pub struct ExplainFlags {
    /// An instance's or an operation's id, or a pool: then, why nothing is happening
    #[arg(value_name = "INSTANCE|POOL|OPERATION")]
    pub instance: String,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: ActFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

pub(super) async fn run(session: &mut Session<'_>, flags: &ExplainFlags) -> Result<Exit, Error> {
    let sight = session.read_all(flags.timeout).await?;
    let observation = &*sight.observation;
    let id = InstanceId::from(flags.instance.as_str());
    let Some(explained) = Explained::new(observation, &id, &session.handle.config().policy.proof)
    else {
        let found = why::explain(session, &sight, &flags.instance, flags.output)?;
        return found.ok_or_else(|| no_such_instance(&flags.instance, &sight));
    };
    let text = match flags.output {
        ActFormat::Table => explained.in_words(observation).join("\n") + "\n",
        ActFormat::Json => json::to_text(&json::Explanation::new(&explained, &sight)),
        ActFormat::Ndjson => json::to_line(&json::Explanation::new(&explained, &sight)),
    };
    session.printer.data(&text)?;
    sight.warn(session.printer);
    Ok(sight.exit())
}

fn no_such_instance(name: &str, sight: &Sight) -> Error {
    let what = format!("no instance is called `{name}`");
    let unread: Vec<String> = sight.warnings().collect();
    if !unread.is_empty() {
        let what = format!(
            "{what}, and not everything could be read: {}",
            unread.join("; ")
        );
        return Error::new(sight.exit(), what);
    }
    let fleet = &sight.observation.fleet;
    let error = Error::new(Exit::Refused, what);
    if let Some(id) = nearest(name, fleet.instances.keys().map(InstanceId::as_str)) {
        return error.hint(format!("did you mean `{id}`?"));
    }
    let scopes: Vec<&str> = fleet.scopes.iter().map(|it| it.id.as_str()).collect();
    error.hint(format!("looked in {}", scopes.join(", ")))
}
