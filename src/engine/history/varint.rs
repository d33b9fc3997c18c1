//! Whole numbers in as few bytes as they need: seven bits a byte, small ones first.

/// Reads what was written, from its beginning; `None` where bytes are missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn size(&mut self) -> Option<usize> {
        self.unsigned().and_then(|it| usize::try_from(it).ok())
    }

    /// Passes over so many numbers.
    pub(super) fn skip(&mut self, n: usize) -> Option<()> {
        let mut ends = self.0.iter().enumerate().filter(|it| it.1 & 0x80 == 0);
        if let Some(last) = n.checked_sub(1) {
            let (idx, _) = ends.nth(last)?;
            self.0 = self.0.get(idx + 1..)?;
        }
        Some(())
    }

    pub(super) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }
}

pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits fit");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Folds the negative numbers in between the positive: 0, -1, 1, -2, 2, ….
pub(super) fn fold(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

pub(super) fn unfold(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_small_ones_are_short() {
        let numbers = [0, 1, -1, 63, -64, 64, 10_000, i64::MAX, i64::MIN];
        let mut bytes = Vec::new();
        for it in numbers {
            put(&mut bytes, fold(it));
        }
        let mut read = Bytes(&bytes);
        for it in numbers {
            assert_eq!(read.unsigned().map(unfold), Some(it));
        }
        assert_eq!(read.unsigned(), None);
        let mut short = Vec::new();
        put(&mut short, fold(-64));
        assert_eq!(short.len(), 1);
        // Ten bytes that all say that another follows are no number.
        assert_eq!(Bytes(&[0xff; 11]).unsigned(), None);
    }
}
