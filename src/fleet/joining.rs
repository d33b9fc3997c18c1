//! Joins agents to machines: which instance an agent runs on, and how we know.
//!
//! A wrong join would take one machine's idleness for another's, so a doubtful one is none.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ControllerName, Executor, Instance, InstanceId, MachineState, Pool, PoolKey};

/// The tag that is tried when no rule is configured.
const DEFAULT_TAG: &str = "Name";

/// How an agent names its instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinRule {
    /// The instance id stands in the agent's name.
    Name,
    /// What the controller says of the host holds the instance id, or is its DNS name.
    Host,
    /// The agent's name or host is an address of the instance.
    Address,
    /// A tag of the instance has the agent's name, or what the controller says of its host.
    Tag(String),
}

impl fmt::Display for JoinRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::Host => f.write_str("host"),
            Self::Address => f.write_str("address"),
            Self::Tag(key) => write!(f, "tag:{key}"),
        }
    }
}

impl FromStr for JoinRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("tag:")) {
            ("name", _) => Ok(Self::Name),
            ("host", _) => Ok(Self::Host),
            ("address", _) => Ok(Self::Address),
            (_, Some(key)) if !key.is_empty() => Ok(Self::Tag(key.to_owned())),
            _ => Err(format!(
                "`{text}` is not a way to find an agent's instance; use name, host, address or tag:KEY"
            )),
        }
    }
}

impl Serialize for JoinRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JoinRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// How we know an agent's machine, or why we do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Joining {
    /// Nothing that the controller says of it names a machine that we see.
    #[default]
    NoMatch,
    /// It names a machine that no scope shows: not launched by now, gone, or elsewhere.
    Unseen { instance: InstanceId },
    /// The controller named the instance itself.
    Told,
    Matched {
        rule: JoinRule,
        /// The text that matched.
        by: String,
    },
    /// Several machines fit, so it is joined to none.
    Ambiguous {
        rule: JoinRule,
        by: String,
        instances: Vec<InstanceId>,
    },
}

impl fmt::Display for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch => f.write_str("nothing that its controller says names an instance"),
            Self::Unseen { instance } => write!(f, "it names {instance}, which is in no scope"),
            Self::Told => f.write_str("its controller names the instance"),
            Self::Matched { rule, by } => write!(f, "rule `{rule}` matched {by:?}"),
            Self::Ambiguous {
                rule,
                by,
                instances,
            } => {
                let ids: Vec<&str> = instances.iter().map(InstanceId::as_str).collect();
                write!(f, "rule `{rule}`: {by:?} fits {}", ids.join(" and "))
            }
        }
    }
}

/// What the rules look agents up in; made once for each fleet.
pub(super) struct Machines<'a> {
    pools: &'a BTreeMap<PoolKey, Arc<Pool>>,
    by_id: &'a BTreeMap<InstanceId, Arc<Instance>>,
    linked: BTreeSet<&'a ControllerName>,
    /// Every rule that any pool uses, strongest first.
    rules: Vec<JoinRule>,
    /// Made when the first agent needs it: most carry the id in their name.
    index: OnceCell<Index<'a>>,
}

/// The machines by everything that is not their id.
#[derive(Default)]
struct Index<'a> {
    dns: HashMap<String, Vec<&'a Instance>>,
    address: HashMap<String, Vec<&'a Instance>>,
    tag: HashMap<(&'a str, &'a str), Vec<&'a Instance>>,
}

impl<'a> Machines<'a> {
    pub(super) fn new(
        pools: &'a BTreeMap<PoolKey, Arc<Pool>>,
        instances: &'a BTreeMap<InstanceId, Arc<Instance>>,
    ) -> Self {
        let links = || pools.values().filter_map(|it| it.ci.as_ref());
        let mut rules = vec![JoinRule::Name, JoinRule::Host, JoinRule::Address];
        for rule in links().filter_map(|it| it.instance_from.as_ref()) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        let default_tag = JoinRule::Tag(DEFAULT_TAG.to_owned());
        if !rules.contains(&default_tag) {
            rules.push(default_tag);
        }
        Self {
            pools,
            by_id: instances,
            linked: links().map(|it| &it.controller).collect(),
            rules,
            index: OnceCell::new(),
        }
    }

    fn index(&self) -> &Index<'a> {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for instance in self.by_id.values().filter(|it| has_addresses(it)) {
                index.add(instance, &self.rules);
            }
            index
        })
    }
    /// Finds the machine of one agent.
    pub(super) fn machine_of(&self, executor: &Executor) -> (Option<InstanceId>, Joining) {
        if let Some(told) = &executor.instance
            && matches!(executor.joining, Joining::Told | Joining::NoMatch)
        {
            return (Some(told.clone()), Joining::Told);
        }
        for rule in &self.rules {
            let mut found: BTreeMap<&InstanceId, String> = BTreeMap::new();
            for (instance, by) in self.matches(rule, executor) {
                if self.is_allowed(rule, &by, instance, executor) {
                    found.entry(&instance.id).or_insert(by);
                }
            }
            let mut found = found.into_iter();
            let Some((id, by)) = found.next() else {
                continue;
            };
            let rule = rule.clone();
            let others: Vec<InstanceId> = found.map(|(id, _)| id.clone()).collect();
            if others.is_empty() {
                return (Some(id.clone()), Joining::Matched { rule, by });
            }
            let instances = std::iter::once(id.clone()).chain(others).collect();
            return (
                None,
                Joining::Ambiguous {
                    rule,
                    by,
                    instances,
                },
            );
        }
        let unseen =
            texts_of(executor)
                .flat_map(instance_ids_in)
                .next()
                .map_or(Joining::NoMatch, |id| Joining::Unseen {
                    instance: id.into(),
                });
        (None, unseen)
    }

    /// Returns whether an agent that was joined by the id in its name still is, at little cost.
    pub(super) fn is_still_joined(&self, executor: &Executor) -> bool {
        let (Some(id), Joining::Matched { rule, by }) = (&executor.instance, &executor.joining)
        else {
            return false;
        };
        let mut ids = instance_ids_in(by);
        *rule == JoinRule::Name
            && *by == executor.name
            && ids.next() == Some(id.as_str())
            && ids.next().is_none()
            && self.by_id.get(id).is_some_and(|it| {
                it.pool == executor.pool && self.is_allowed(rule, by, it, executor)
            })
    }

    fn matches(&self, rule: &JoinRule, executor: &Executor) -> Vec<(&'a Instance, String)> {
        let by_id = |text: &str| {
            instance_ids_in(text)
                .filter_map(|id| self.by_id.get(id).map(|it| (&**it, text.to_owned())))
                .collect::<Vec<_>>()
        };
        let all = |found: Option<&Vec<&'a Instance>>, by: &str| {
            found
                .into_iter()
                .flatten()
                .map(|it| (*it, by.to_owned()))
                .collect::<Vec<_>>()
        };
        let words = || texts_of(executor).flat_map(words_of);
        match rule {
            JoinRule::Name => by_id(&executor.name),
            JoinRule::Host => {
                let ids = executor.host_hints.iter().flat_map(|it| by_id(it));
                let dns =
                    words().flat_map(|it| all(self.index().dns.get(&it.to_ascii_lowercase()), it));
                ids.chain(dns).collect()
            }
            JoinRule::Address => words()
                .flat_map(|it| all(self.index().address.get(it), it))
                .collect(),
            JoinRule::Tag(key) => texts_of(executor)
                .flat_map(|it| all(self.index().tag.get(&(key.as_str(), it)), it))
                .collect(),
        }
    }

    /// Returns whether this rule may join the two.
    ///
    /// An id is unique in the world. An address or a name is not: two networks use
    /// the same ones, so a weak rule stays inside the pools that the controller serves.
    fn is_allowed(
        &self,
        rule: &JoinRule,
        by: &str,
        instance: &Instance,
        executor: &Executor,
    ) -> bool {
        let link = instance
            .pool
            .as_ref()
            .and_then(|it| self.pools.get(it))
            .and_then(|it| it.ci.as_ref());
        let is_by_id = matches!(rule, JoinRule::Name | JoinRule::Host)
            && instance_ids_in(by).any(|it| it == instance.id.as_str());
        let is_automatic = match rule {
            JoinRule::Name | JoinRule::Host | JoinRule::Address => true,
            JoinRule::Tag(key) => key == DEFAULT_TAG,
        };
        match link {
            Some(link) if link.controller != executor.controller => {
                is_by_id && link.instance_from.is_none()
            }
            Some(link) => link
                .instance_from
                .as_ref()
                .map_or(is_automatic, |it| it == rule),
            None => is_by_id || (is_automatic && !self.linked.contains(&executor.controller)),
        }
    }
}

impl<'a> Index<'a> {
    fn add(&mut self, instance: &'a Instance, rules: &[JoinRule]) {
        let addresses = [&instance.private_address, &instance.public_address];
        for address in addresses.into_iter().flatten() {
            let found = self.address.entry(address.clone()).or_default();
            found.push(instance);
        }
        if let Some(dns) = &instance.private_dns {
            let dns = dns.to_ascii_lowercase();
            let host = dns.split('.').next().unwrap_or(&dns).to_owned();
            if host != dns {
                self.dns.entry(host).or_default().push(instance);
            }
            self.dns.entry(dns).or_default().push(instance);
        }
        for (key, value) in &instance.tags {
            let is_used = |rule: &JoinRule| matches!(rule, JoinRule::Tag(it) if it == key);
            if rules.iter().any(is_used) {
                let found = self.tag.entry((key, value)).or_default();
                found.push(instance);
            }
        }
    }
}

/// A machine that is gone has given its addresses back, and another may have them now.
fn has_addresses(instance: &Instance) -> bool {
    !matches!(
        instance.state,
        Some(MachineState::Terminated | MachineState::ShuttingDown)
    )
}

fn texts_of(executor: &Executor) -> impl Iterator<Item = &str> {
    std::iter::once(&executor.name)
        .chain(&executor.host_hints)
        .map(String::as_str)
}

/// Splits what a controller says of a host into what may be a name or an address.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |it: char| it.is_whitespace() || "/,;()[]@=\"'".contains(it);
    std::iter::once(text).chain(text.split(is_between).flat_map(|word| {
        // `host:port`; an IPv6 address has more than one colon.
        let without_port = match word.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => word,
        };
        [word, without_port].into_iter().filter(|it| !it.is_empty())
    }))
}

/// Returns the instance ids that stand in `text` as words.
fn instance_ids_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("i-").filter_map(|(start, _)| {
        let is_word_start = start == 0 || !text.as_bytes()[start - 1].is_ascii_alphanumeric();
        let rest = &text[start + 2..];
        let n_hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let candidate = &text[start..start + 2 + n_hex];
        let is_word_end = !rest
            .as_bytes()
            .get(n_hex)
            .is_some_and(u8::is_ascii_alphanumeric);
        (is_word_start && is_word_end && InstanceId::is_well_formed(candidate)).then_some(candidate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_found_inside_a_name() {
        let found = |text| instance_ids_in(text).next().map(ToString::to_string);
        assert_eq!(
            found("agent (i-0123456789abcdef0)"),
            Some("i-0123456789abcdef0".to_owned())
        );
        assert_eq!(found("linux-i-0a1b2c3d"), Some("i-0a1b2c3d".to_owned()));
        assert_eq!(
            found("ci-12345678"),
            None,
            "`ci-` is not the start of an id"
        );
        assert_eq!(found("i-12345678g"), None, "`g` is not the end of an id");
        assert_eq!(found("i-xyz"), None);
    }

    #[test]
    fn a_rule_reads_as_it_is_written() {
        for text in ["name", "host", "address", "tag:ci-agent"] {
            assert_eq!(text.parse::<JoinRule>().unwrap().to_string(), text);
        }
        for text in ["", "tag:", "tag", "Name", "ip"] {
            assert!(text.parse::<JoinRule>().is_err(), "{text}");
        }
    }
}
