//! How long instances take from their request to their first job, by image and type: medians, phase by phase.

use std::{collections::BTreeMap, time::Duration};

use ratatui::layout::Rect;

use super::{dim, plain};
use crate::{
    fleet::{Boot, ImageId, PoolKey, Timestamp, short_duration},
    tui::{
        app::{App, Topic},
        glyph::Glyphs,
        theme::Role,
        widget::{Canvas, Span},
    },
};

type Line = Vec<Span<'static>>;

/// The phases, what each ends with, and its look.
const PHASES: [(&str, Role); 3] = [
    ("to running", Role::Curve1),
    ("to registered", Role::Curve8),
    ("to first job", Role::Curve5),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App, key: &PoolKey) {
    let lines = lines(app, key, area.width, canvas.glyphs());
    super::text(canvas, area, app, lines);
}

pub(super) fn n_lines(app: &App, key: &PoolKey) -> usize {
    lines(app, key, app.size.width, Glyphs::Unicode).len()
}

/// The boots of one image on one type.
struct Group<'a> {
    image: Option<&'a ImageId>,
    instance_type: &'a str,
    boots: Vec<&'a Boot>,
}

/// How long a phase took: the median, and of how many.
#[derive(Clone, Copy)]
struct Phase {
    median: Option<Duration>,
    n_seen: usize,
}

fn lines(app: &App, key: &PoolKey, width: u16, glyphs: Glyphs) -> Vec<Line> {
    let asked = app.pasts.get(&Topic::Boots(key.clone()));
    let mut lines = vec![vec![Span::new(
        format!("time to ready of {}, last 30 days", key.name),
        Role::Title,
    )]];
    let Some(past) = asked.and_then(|it| it.past.as_ref()) else {
        lines.push(vec![dim("the past is being read")]);
        return lines;
    };
    let mut about = vec![dim(format!("{} instances", past.boots.len()))];
    about.extend(super::graph::reading(app, asked));
    about.push(dim(format!("  {}", past.notes.join("; "))));
    lines.push(about);
    if past.boots.is_empty() {
        lines.push(vec![dim("no instance was seen to come up in this time")]);
        return lines;
    }
    lines.push(key_line(glyphs));
    let groups = groups(&past.boots);
    let phases: Vec<[Phase; 3]> = groups.iter().map(Group::phases).collect();
    let whole = |it: &[Phase; 3]| it.iter().filter_map(|it| it.median).sum::<Duration>();
    let longest = phases.iter().map(whole).max().unwrap_or_default();
    for (group, phases) in groups.iter().zip(&phases) {
        lines.push(Vec::new());
        lines.push(group.head());
        lines.push(bar(phases, longest, width, glyphs));
        lines.push(numbers(phases));
    }
    lines
}

fn key_line(glyphs: Glyphs) -> Line {
    let mut line = vec![dim("medians  requested")];
    for (phase_idx, (name, role)) in PHASES.into_iter().enumerate() {
        let sign = glyphs.fill(phase_idx).repeat(2);
        line.push(Span::new(format!("  {sign}"), role));
        line.push(dim(format!(" {name}")));
    }
    line
}

/// The newest image first: it is the one that is being compared.
fn groups(boots: &[Boot]) -> Vec<Group<'_>> {
    let mut by_key: BTreeMap<(Option<&ImageId>, &str), Vec<&Boot>> = BTreeMap::new();
    for boot in boots {
        let key = (boot.image.as_ref(), boot.instance_type.as_str());
        by_key.entry(key).or_default().push(boot);
    }
    let mut groups: Vec<Group<'_>> = by_key
        .into_iter()
        .map(|((image, instance_type), boots)| Group {
            image,
            instance_type,
            boots,
        })
        .collect();
    groups.sort_by_key(|it| std::cmp::Reverse(it.newest()));
    groups
}

impl Group<'_> {
    fn newest(&self) -> Option<Timestamp> {
        self.boots.iter().filter_map(|it| it.requested_at).max()
    }

    fn phases(&self) -> [Phase; 3] {
        let between = |from: fn(&Boot) -> Option<Timestamp>,
                       until: fn(&Boot) -> Option<Timestamp>| {
            let both = self.boots.iter();
            let mut times: Vec<Duration> = both
                .filter_map(|it| Some(until(it)?.since(from(it)?)))
                .collect();
            Phase {
                n_seen: times.len(),
                median: median(&mut times),
            }
        };
        [
            between(|it| it.requested_at, |it| it.running_at),
            between(|it| it.running_at, |it| it.registered_at),
            between(|it| it.registered_at, |it| it.first_job_at),
        ]
    }

    fn head(&self) -> Line {
        let image = self.image.map_or("image not known", ImageId::as_str);
        let mut line = vec![
            plain(format!("{image} {}", self.instance_type)),
            dim(format!("  {} instances", self.boots.len())),
        ];
        let mut ready: Vec<Duration> = self
            .boots
            .iter()
            .filter_map(|it| it.time_to_ready())
            .collect();
        let n_never = self.boots.len() - ready.len();
        if 0 < n_never {
            line.push(Span::new(
                format!("  {n_never} not seen to register"),
                Role::Warn,
            ));
        }
        if let Some(median) = median(&mut ready) {
            let slow = ready[(ready.len() * 9 / 10).min(ready.len() - 1)];
            line.push(dim("  ready in "));
            line.push(plain(short_duration(median)));
            line.push(dim(format!(", nine of ten in {}", short_duration(slow))));
        }
        line
    }
}

/// Returns the middle of some durations, and leaves them in order.
fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    let n_times = times.len();
    if n_times == 0 {
        return None;
    }
    Some((times[(n_times - 1) / 2] + times[n_times / 2]) / 2)
}

/// The phases after each other, all groups on one scale.
fn bar(phases: &[Phase; 3], longest: Duration, width: u16, glyphs: Glyphs) -> Line {
    let room = f64::from(width.saturating_sub(4).max(1));
    let mut line = Vec::new();
    let (mut until, mut drawn) = (0.0, 0_usize);
    for (phase_idx, (phase, (_, role))) in phases.iter().zip(PHASES).enumerate() {
        let Some(median) = phase.median else {
            line.push(Span::new("?", Role::Unknown));
            continue;
        };
        until += median.as_secs_f64() / longest.as_secs_f64().max(1.0) * room;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the width of a terminal"
        )]
        let end = until.round() as usize;
        // A phase that was seen is never invisible.
        let n_cells = end.saturating_sub(drawn).max(1);
        drawn += n_cells;
        line.push(Span::new(glyphs.fill(phase_idx).repeat(n_cells), role));
    }
    line
}

fn numbers(phases: &[Phase; 3]) -> Line {
    let mut line = Vec::new();
    for (phase, (name, role)) in phases.iter().zip(PHASES) {
        line.push(dim(format!("{name} ")));
        match phase.median {
            Some(median) => line.push(Span::new(short_duration(median), role)),
            None => line.push(Span::new("not seen", Role::Unknown)),
        }
        line.push(dim(format!(" of {}   ", phase.n_seen)));
    }
    line
}
