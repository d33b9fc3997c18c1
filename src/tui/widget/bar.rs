//! A lifecycle bar: one sign per share of instances, each phase with a sign of its own.

use super::canvas::Span;
use crate::{
    fleet::{Counts, Phase},
    tui::{glyph::Glyphs, theme::Role},
};

/// Returns the role that a phase is painted with.
pub(crate) fn role_of(phase: Phase) -> Role {
    match phase {
        Phase::InService => Role::InService,
        Phase::Pending => Role::Pending,
        Phase::PendingWait | Phase::TerminatingWait => Role::Waiting,
        Phase::Standby => Role::Standby,
        Phase::Terminating => Role::Terminating,
        Phase::Retained => Role::Danger,
        Phase::Warm | Phase::Detached | Phase::Unattached | Phase::Other => Role::Other,
    }
}

/// Draws the phases of a pool in `width` cells.
///
/// Up to `width` instances each is one cell; beyond that every phase gets its
/// share, and at least one cell, so that a single stuck instance stays visible.
pub(crate) fn bar(counts: &Counts, desired: u32, width: u16, glyphs: Glyphs) -> Vec<Span<'static>> {
    let n_there: u32 = counts.total();
    let n_missing = desired.saturating_sub(
        [Phase::InService, Phase::Pending, Phase::PendingWait]
            .into_iter()
            .map(|it| counts.get(it))
            .sum(),
    );
    let n_all = n_there + n_missing;
    let parts = counts.iter().filter(|(_, n)| 0 < *n);
    let parts: Vec<(u32, Role, &'static str)> = parts
        .map(|(phase, n)| (n, role_of(phase), glyphs.phase(phase)))
        .chain((0 < n_missing).then_some((n_missing, Role::Dim, glyphs.missing())))
        .collect();
    let shares = shares(&parts, n_all, u32::from(width));
    let parts = parts.into_iter().zip(shares);
    parts
        .map(|((_, role, sign), n)| Span::new(sign.repeat(usize::try_from(n).unwrap_or(0)), role))
        .collect()
}

fn shares(parts: &[(u32, Role, &'static str)], n_all: u32, width: u32) -> Vec<u32> {
    if n_all <= width {
        return parts.iter().map(|it| it.0).collect();
    }
    let share = |n: u32| (u64::from(n) * u64::from(width) / u64::from(n_all)).max(1);
    let mut shares: Vec<u32> = parts
        .iter()
        .map(|it| u32::try_from(share(it.0)).unwrap_or(width))
        .collect();
    // The rounding, up or down, is the largest part's.
    let sum: u32 = shares.iter().sum();
    if let Some(largest) = shares.iter_mut().max_by_key(|it| **it) {
        *largest = (*largest + width).saturating_sub(sum);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(counts: &[(Phase, u32)], desired: u32, width: u16) -> String {
        let mut all = Counts::default();
        for (phase, n) in counts {
            (0..*n).for_each(|_| all.add(*phase));
        }
        let spans = bar(&all, desired, width, Glyphs::Ascii);
        spans.iter().map(|it| it.text.as_ref()).collect()
    }

    #[test]
    fn a_small_pool_has_one_sign_for_each_instance() {
        assert_eq!(
            text(&[(Phase::InService, 3), (Phase::Pending, 1)], 5, 10),
            "###+."
        );
        assert_eq!(text(&[], 0, 10), "");
    }

    #[test]
    fn one_stuck_instance_among_a_thousand_stays_visible() {
        let bar = text(
            &[(Phase::InService, 999), (Phase::TerminatingWait, 1)],
            999,
            10,
        );
        assert_eq!(bar, "#########W");
    }

    #[test]
    fn a_bar_is_never_wider_than_its_place() {
        for width in 0..20 {
            let all: Vec<(Phase, u32)> = Phase::ALL.into_iter().map(|it| (it, 7)).collect();
            let n = text(&all, 200, width).chars().count();
            assert!(n <= usize::from(width).max(12), "{n} in {width}");
        }
    }
}
