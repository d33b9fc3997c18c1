//! What an operation writes on what it owns, so that another host can see it, and take it over.

use std::fmt;

use super::{Operation, OperationId, Owner, Spec};

/// The words of a mark: whose it is, who drives it, and on which terms.
///
/// Only the first word is sure to be there; a reader takes what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub id: OperationId,
    pub owner: Option<Owner>,
    pub kind: Option<String>,
    /// Whether desired goes down with each instance; `None` when the mark does not say.
    pub decrement: Option<bool>,
    /// Whether the operation set the protection of the instance, and so has to lift it.
    pub protects: bool,
}

/// AWS takes no longer value of a tag.
const LENGTH_MAX: usize = 256;
const DECREMENT: &str = "decrement";
const REPLACE: &str = "replace";
const PROTECT: &str = "protect";

impl Claim {
    /// Returns what an operation writes on one of its instances.
    pub(super) fn of(operation: &Operation, protects: bool) -> Self {
        Self {
            id: operation.id.clone(),
            owner: Some(operation.owner.clone()),
            kind: Some(operation.spec.kind().to_owned()),
            decrement: match &operation.spec {
                Spec::Drain(it) => Some(it.decrement),
                _ => None,
            },
            protects,
        }
    }

    pub fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let id = OperationId(words.next().unwrap_or_default().to_owned());
        let mut words = words.peekable();
        let owner = words.peek().and_then(|it| {
            let (user, host) = it.split_once('@')?;
            Some(Owner {
                user: user.to_owned(),
                host: host.to_owned(),
            })
        });
        if owner.is_some() {
            words.next();
        }
        let kind = words.next().map(str::to_owned);
        let mut claim = Self {
            id,
            owner,
            kind,
            decrement: None,
            protects: false,
        };
        for word in words {
            match word {
                DECREMENT => claim.decrement = Some(true),
                REPLACE => claim.decrement = Some(false),
                PROTECT => claim.protects = true,
                // Of a newer pooldeck.
                _ => {}
            }
        }
        claim
    }

    /// Reads the note of a cordon, as every kind of operation writes it.
    pub fn of_note(note: &str) -> Option<Self> {
        let rest = note.strip_prefix("pooldeck ")?;
        let (id, rest) = rest.split_once(": ")?;
        let is_id = id.starts_with("op-") && !id.contains(' ');
        let kind = rest.split(' ').next()?;
        is_id.then(|| Self {
            id: OperationId(id.to_owned()),
            owner: None,
            kind: Some(kind.to_owned()),
            decrement: None,
            protects: false,
        })
    }

    /// Says whose it is: `op-20251121-abcde of ada@desk`.
    pub fn words(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{} of {owner}", self.id),
            None => self.id.to_string(),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = vec![self.id.to_string()];
        words.extend(self.owner.as_ref().map(|it| {
            let (user, host) = (plain(&it.user), plain(&it.host));
            format!("{user}@{host}")
        }));
        words.extend(self.kind.clone());
        words.extend(self.decrement.map(|it| {
            let word = if it { DECREMENT } else { REPLACE };
            word.to_owned()
        }));
        words.extend(self.protects.then(|| PROTECT.to_owned()));
        f.write_str(&words.join(" "))
    }
}

/// A name as one word of what a tag may hold; the end of a long one says least.
fn plain(name: &str) -> String {
    const NAME_MAX: usize = (LENGTH_MAX - 64) / 2;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let plain = name.chars().map(|it| if is_plain(it) { it } else { '-' });
    let plain: String = plain.take(NAME_MAX).collect();
    if plain.is_empty() {
        "-".to_owned()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        Claim {
            id: OperationId("op-20251121-abcde".to_owned()),
            owner: Some(Owner {
                user: "ada".to_owned(),
                host: "desk.example".to_owned(),
            }),
            kind: Some("drain".to_owned()),
            decrement: Some(false),
            protects: true,
        }
    }

    #[test]
    fn a_claim_is_read_as_it_was_written() {
        let text = claim().to_string();
        assert_eq!(
            text,
            "op-20251121-abcde ada@desk.example drain replace protect"
        );
        assert_eq!(Claim::parse(&text), claim());
    }

    #[test]
    fn a_claim_of_an_older_or_a_newer_pooldeck_is_read_as_far_as_it_goes() {
        let bare = Claim::parse("op-20251121-abcde");
        assert_eq!(bare.id, claim().id);
        assert_eq!((bare.owner, bare.kind, bare.decrement), (None, None, None));
        let newer = claim().to_string() + " sing=1";
        assert_eq!(Claim::parse(&newer), claim());
        assert_eq!(Claim::parse("").id.0, "");
    }

    #[test]
    fn a_claim_fits_into_a_tag_whatever_the_names() {
        let mut long = claim();
        long.owner = Some(Owner {
            user: "uid 1000 \u{1b}[31m".repeat(40),
            host: "h".repeat(400),
        });
        let text = long.to_string();
        assert!(text.len() <= LENGTH_MAX, "{}", text.len());
        assert_eq!(Claim::parse(&text).kind, long.kind);
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_note_names_its_operation_and_any_other_note_does_not() {
        let note = "pooldeck op-20251121-abcde: drain of i-1 (old image)";
        assert_eq!(Claim::of_note(note).unwrap().id, claim().id);
        assert_eq!(Claim::of_note("pooldeck: by hand"), None);
        assert_eq!(Claim::of_note("broken disk"), None);
    }
}
