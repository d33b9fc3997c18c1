//! Help, derived from the keymap and the grammar: it cannot say what is not so.

use ratatui::layout::Rect;

use super::dim;
use crate::{
    fleet::{Grade, Phase},
    tui::{
        app::{App, Command, Group, verbs},
        glyph::Glyphs,
        keymap::{Binding, Context},
        theme::Role,
        widget::{Canvas, Span, role_of},
    },
};

type Line = Vec<Span<'static>>;

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    for (y, line) in (area.y..area.bottom()).zip(
        lines(app, canvas.glyphs())
            .into_iter()
            .skip(app.screen().scroll),
    ) {
        match &line[..] {
            [only] if only.role == Role::Title => canvas.title(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                &line,
            ),
            _ => {
                canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
            }
        }
    }
}

pub(super) fn n_lines(app: &App) -> usize {
    lines(app, Glyphs::Unicode).len()
}

fn lines(app: &App, glyphs: Glyphs) -> Vec<Line> {
    let mut lines = Vec::new();
    // The keys of every screen, those that only some screens have, and those of overlays.
    let on_screens = app.keymap.bindings(Context::Screen);
    let groups = [
        Group::Act,
        Group::Open,
        Group::Move,
        Group::Mark,
        Group::Find,
        Group::Session,
    ];
    for group in groups {
        section(&mut lines, group.title(), &on_screens, |it| {
            it.command.group() == group
        });
    }
    for (title, context) in [
        ("Of operations", Context::Operations),
        ("Of findings", Context::Doctor),
    ] {
        section(&mut lines, title, &app.keymap.bindings(context), |_| true);
    }
    let in_graphs = app.keymap.bindings(Context::Graph);
    section(&mut lines, Group::Graph.title(), &in_graphs, |it| {
        it.command.group() == Group::Graph
    });
    for (title, context) in [
        (Group::Confirm.title(), Context::Confirm),
        (Group::Edit.title(), Context::Input),
        ("In a list to choose from", Context::Picker),
        ("In a long text", Context::Reader),
    ] {
        section(&mut lines, title, &app.keymap.bindings(context), |_| true);
    }
    let under_plans = app.keymap.bindings(Context::TypedName);
    section(&mut lines, "While a name is typed", &under_plans, |it| {
        it.command.group() == Group::Move
    });
    lines.push(vec![Span::new("The signs of a lifecycle bar", Role::Title)]);
    for phase in Phase::ALL {
        let words = phase.as_str().replace('_', " ");
        lines.push(vec![
            Span::new(format!("{:<20} ", glyphs.phase(phase)), role_of(phase)),
            Span::new(words, Role::Text),
        ]);
    }
    lines.push(vec![
        Span::new(format!("{:<20} ", glyphs.missing()), Role::Dim),
        Span::new("wanted and not there", Role::Text),
    ]);
    lines.push(vec![Span::new(
        "How safely a worker is emptied, by the kind of its controller",
        Role::Title,
    )]);
    for grade in Grade::ALL {
        for kind in grade.kinds() {
            lines.push(vec![
                Span::new(format!("{kind:<20} "), Role::Text),
                dim(format!("{}: {}", grade.as_str(), grade.sentence())),
            ]);
        }
    }
    lines.push(vec![Span::new("What can be typed after :", Role::Title)]);
    for verb in verbs() {
        lines.push(vec![
            Span::new(format!("{:<48} ", verb.usage), Role::Text),
            dim(verb.about.clone()),
        ]);
    }
    for entry in Command::ENTRIES {
        let argument = entry
            .argument
            .map_or(String::new(), |it| format!(" [{it}]"));
        let usage = format!("{}{argument}", entry.name);
        lines.push(vec![
            Span::new(format!("{usage:<48} "), Role::Text),
            dim(entry.about),
        ]);
    }
    lines
}

fn section(
    lines: &mut Vec<Line>,
    title: &'static str,
    bindings: &[&Binding],
    is_part: impl Fn(&Binding) -> bool,
) {
    let mut rows: Vec<(String, String)> = Vec::new();
    for binding in bindings.iter().filter(|it| is_part(it)) {
        let about = binding.command.about();
        // All keys of a command stand in one line.
        match rows.iter_mut().find(|it| it.1 == about) {
            Some((keys, _)) => *keys = format!("{keys}  {}", binding.keys),
            None => rows.push((binding.keys.to_string(), about)),
        }
    }
    if rows.is_empty() {
        return;
    }
    lines.push(vec![Span::new(title, Role::Title)]);
    for (keys, about) in rows {
        lines.push(vec![
            Span::new(format!("{keys:<20} "), Role::Key),
            Span::new(about, Role::Text),
        ]);
    }
}
