//! Money as far as it is known: all of it, the least that it can be, or nothing.

use std::iter::Sum;

use super::Usd;

/// An amount, and how well it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    Exact(Usd),
    /// A part of it is not known; this is the rest.
    AtLeast(Usd),
    #[default]
    Unknown,
}

impl Amount {
    /// Returns what is known of an amount: the `whole`, or the part that is.
    ///
    /// Nothing is the least of everything, and says nothing.
    pub fn new(whole: Option<Usd>, part: Usd) -> Self {
        match whole {
            Some(whole) => Self::Exact(whole),
            None if Usd::ZERO < part => Self::AtLeast(part),
            None => Self::Unknown,
        }
    }

    /// Returns the whole; `None` when a part of it is not known.
    pub fn exact(self) -> Option<Usd> {
        match self {
            Self::Exact(whole) => Some(whole),
            Self::AtLeast(_) | Self::Unknown => None,
        }
    }

    /// Returns what is known of it; `None` when that is nothing.
    pub fn least(self) -> Option<Usd> {
        match self {
            Self::Exact(amount) | Self::AtLeast(amount) => Some(amount),
            Self::Unknown => None,
        }
    }
}

impl From<Option<Usd>> for Amount {
    fn from(amount: Option<Usd>) -> Self {
        amount.map_or(Self::Unknown, Self::Exact)
    }
}

/// What one part hides is no reason to hide the others.
impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        let (mut known, mut is_whole) = (Usd::ZERO, true);
        for amount in amounts {
            known += amount.least().unwrap_or_default();
            is_whole &= amount.exact().is_some();
        }
        Self::new(is_whole.then_some(known), known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(amounts: &[Amount]) -> Amount {
        amounts.iter().copied().sum()
    }

    #[test]
    fn what_is_not_known_of_a_sum_hides_nothing_that_is() {
        let cents = Usd::from_cents;
        let (three, four) = (Amount::Exact(cents(3)), Amount::AtLeast(cents(4)));
        assert_eq!(sum(&[three, three]), Amount::Exact(cents(6)));
        assert_eq!(sum(&[three, four]), Amount::AtLeast(cents(7)));
        assert_eq!(sum(&[three, Amount::Unknown]), Amount::AtLeast(cents(3)));
        assert_eq!(sum(&[]), Amount::Exact(Usd::ZERO), "nothing runs");
    }

    #[test]
    fn nothing_is_not_the_least_of_what_nobody_knows() {
        let free = Amount::Exact(Usd::ZERO);
        assert_eq!(sum(&[Amount::Unknown, free]), Amount::Unknown);
        assert_eq!(Amount::new(None, Usd::ZERO), Amount::Unknown);
    }
}
