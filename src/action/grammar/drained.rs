//! Whom a drain empties: instances by id, or so many of a pool.

use clap::{ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

use super::parse::parse_instance;
use crate::fleet::{InstanceId, PoolName, ScopeId};

/// Whom a drain empties. `drain POOL --count 2` and `drain --pool POOL --count 2` are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    pub instances: Vec<InstanceId>,
    /// Where pooldeck chooses `count` of them.
    pub pool: Option<PoolName>,
    pub count: Option<u32>,
    pub scope: Option<ScopeId>,
}

/// As it is written, before it is known whether a word is an instance or a pool.
#[derive(Args)]
struct Words {
    /// The instances, by id; or one pool, of which pooldeck chooses --count
    #[arg(value_name = "INSTANCE")]
    named: Vec<String>,
    /// Let pooldeck choose --count instances of this pool
    #[arg(
        long,
        value_name = "POOL",
        conflicts_with = "named",
        requires = "count"
    )]
    pool: Option<PoolName>,
    /// With a pool: how many
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// With a pool: the scope, where several have a pool of that name
    #[arg(long, value_name = "SCOPE", requires = "count")]
    scope: Option<ScopeId>,
}

impl Args for Drained {
    fn augment_args(command: Command) -> Command {
        Words::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Words::augment_args_for_update(command)
    }
}

impl FromArgMatches for Drained {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let words = Words::from_arg_matches(matches)?;
        let invalid = |why: String| clap::Error::raw(ErrorKind::ValueValidation, why + "\n");
        let is_pool = |it: &str| words.count.is_some() && !InstanceId::is_well_formed(it);
        let (pool, named) = match &words.named[..] {
            [name] if is_pool(name) => (Some(PoolName::from(name.as_str())), &[][..]),
            named => (words.pool, named),
        };
        if words.count.is_some() && pool.is_none() {
            return Err(invalid(
                "--count is of a pool: `drain POOL --count N`; instances are named one by one"
                    .to_owned(),
            ));
        }
        let instances = named.iter().map(|it| parse_instance(it));
        let instances = instances.collect::<Result<_, String>>().map_err(|why| {
            invalid(format!(
                "{why}; to drain so many of a pool, write `drain POOL --count N`"
            ))
        })?;
        Ok(Self {
            instances,
            pool,
            count: words.count,
            scope: words.scope,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
