//! A size: absolute, or relative to the one that is.

/// A size as an operator writes it: absolute, or relative to desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    To(u32),
    By(i64),
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("`{text}` is not a size; write 12, +2 or -1");
        if text.starts_with(['+', '-']) {
            let by: i64 = text.parse().map_err(|_| expected())?;
            return if u32::try_from(by.unsigned_abs()).is_ok() {
                Ok(Self::By(by))
            } else {
                Err(expected())
            };
        }
        text.parse().map(Self::To).map_err(|_| expected())
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::To(n) => write!(f, "{n}"),
            Self::By(by) => write!(f, "{by:+}"),
        }
    }
}
