//! How long instances take from their request to their first job, by image and type: medians, phase by phase.

use std::{collections::BTreeMap, time::Duration};

use ratatui::layout::Rect;

use super::{dim, plain};
use crate::{
    cost::past::Took,
    fleet::{Boot, ImageId, PoolKey, Timestamp, short_duration},
    tui::{
        app::{App, Topic},
        glyph::Glyphs,
        theme::Role,
        widget::{Canvas, Span, width_of},
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

/// How long a phase took, of the instances in which it was seen.
type Phase = Option<Took>;

/// The lengths of time that a scale may be cut into.
const NICE_SECS: [u64; 10] = [5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400];
/// A mark of the scale and its label, with room between them.
const MARK_WIDTH: f64 = 10.0;

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
    let mut about = vec![dim(counted(past.boots.len()))];
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
    let whole = |it: &[Phase; 3]| it.iter().flatten().map(|it| it.median).sum::<Duration>();
    let longest = phases.iter().map(whole).max().unwrap_or_default();
    if !longest.is_zero() {
        lines.push(scale(longest, width));
    }
    for (group, phases) in groups.iter().zip(&phases) {
        lines.push(Vec::new());
        lines.extend(group.head(width));
        lines.push(bar(phases, longest, width, glyphs));
        lines.push(numbers(phases));
    }
    lines
}

fn counted(n_instances: usize) -> String {
    let noun = if n_instances == 1 {
        "instance"
    } else {
        "instances"
    };
    format!("{n_instances} {noun}")
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
            let times = both.filter_map(|it| Some(until(it)?.since(from(it)?)));
            Took::of(times.collect())
        };
        let running = between(|it| it.requested_at, |it| it.running_at);
        let registered = match running {
            Some(_) => between(|it| it.running_at, |it| it.registered_at),
            // Nobody saw them run: what is known is the two phases together.
            None => between(|it| it.requested_at, |it| it.registered_at),
        };
        let first_job = between(|it| it.registered_at, |it| it.first_job_at);
        [running, registered, first_job]
    }

    /// Names the group and how soon it was ready, in a line where there is room for both.
    fn head(&self, width: u16) -> Vec<Line> {
        let image = self.image.map_or("image not known", ImageId::as_str);
        let mut line = vec![
            plain(format!("{image} {}", self.instance_type)),
            dim(format!("  {}", counted(self.boots.len()))),
        ];
        let ready = self.boots.iter().filter_map(|it| it.time_to_ready());
        let ready: Vec<Duration> = ready.collect();
        let n_never = self.boots.len() - ready.len();
        if 0 < n_never {
            line.push(Span::new(
                format!("  {n_never} not seen to register"),
                Role::Warn,
            ));
        }
        let mut readiness = Vec::new();
        if let Some(took) = Took::of(ready) {
            readiness.push(dim("  ready in "));
            readiness.push(plain(short_duration(took.median)));
            let slow = short_duration(took.p90);
            readiness.push(dim(format!(", nine of ten in {slow}")));
        }
        let wide: u16 = line
            .iter()
            .chain(&readiness)
            .map(|it| width_of(&it.text))
            .sum();
        if wide + 2 <= width {
            line.extend(readiness);
            return vec![line];
        }
        vec![line, readiness]
    }
}

/// The time from the request on, in steps that a reader can add up.
fn scale(longest: Duration, width: u16) -> Line {
    let (secs, room) = (longest.as_secs_f64().max(1.0), bar_width(width));
    let fits = |step: &u64| {
        let step = u32::try_from(*step).unwrap_or(u32::MAX);
        MARK_WIDTH <= f64::from(step) / secs * room
    };
    let step = NICE_SECS.into_iter().find(fits).unwrap_or(86_400);
    let mut text = String::new();
    for mark_idx in 0.. {
        let at = Duration::from_secs(step * mark_idx);
        let column_idx = cells(at, longest, width);
        let label = format!("|{}", short_duration(at));
        if longest < at || usize::from(width) <= column_idx + label.len() {
            break;
        }
        text.push_str(&" ".repeat(column_idx.saturating_sub(text.len())));
        text.push_str(&label);
    }
    vec![dim(text)]
}

fn bar_width(width: u16) -> f64 {
    f64::from(width.saturating_sub(4).max(1))
}

/// Returns how many cells a time takes.
fn cells(time: Duration, longest: Duration, width: u16) -> usize {
    let part = time.as_secs_f64() / longest.as_secs_f64().max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the width of a terminal"
    )]
    let n_cells = (part * bar_width(width)).round() as usize;
    n_cells
}

/// The phases after each other, all groups on one scale.
fn bar(phases: &[Phase; 3], longest: Duration, width: u16, glyphs: Glyphs) -> Line {
    let mut line = Vec::new();
    let (mut until, mut drawn) = (Duration::ZERO, 0_usize);
    for (phase_idx, (phase, (_, role))) in phases.iter().zip(PHASES).enumerate() {
        let Some(took) = phase else {
            line.push(Span::new("?", Role::Unknown));
            continue;
        };
        until += took.median;
        // A phase that was seen is never invisible.
        let n_cells = cells(until, longest, width).saturating_sub(drawn).max(1);
        drawn += n_cells;
        line.push(Span::new(glyphs.fill(phase_idx).repeat(n_cells), role));
    }
    line
}

fn numbers(phases: &[Phase; 3]) -> Line {
    let mut line = Vec::new();
    for (phase, (name, role)) in phases.iter().zip(PHASES) {
        line.push(dim(format!("{name} ")));
        if let Some(took) = phase {
            line.push(Span::new(short_duration(took.median), role));
            line.push(dim(format!(" of {}   ", took.n)));
        } else {
            line.push(Span::new("not seen", Role::Unknown));
            line.push(dim("   "));
        }
    }
    line
}
