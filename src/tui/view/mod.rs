//! Draws the screen from the app alone: no clock, no IO, no change of anything.

mod activity;
mod band;
mod boots;
mod columns;
mod confirm;
mod cost;
mod dialog;
mod executor;
mod finding;
mod foot;
mod graph;
mod help;
mod hints;
mod instance;
mod list;
mod liveness;
mod money;
mod operation;
mod picker;
mod pool;
mod prices;
mod prompt;
mod question;
mod reader;
mod sources;
mod stray;
mod terms;
mod week;

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{
    app::{App, Overlay, RowId, View},
    layout,
    theme::{Role, Theme},
    widget::{Canvas, Span, width_of},
};

/// Paints everything, and returns where the terminal's cursor belongs.
pub fn draw(buffer: &mut Buffer, app: &App, theme: &Theme) -> Option<Position> {
    let mut canvas = Canvas::new(buffer, theme);
    let screen = app.screen();
    let areas = layout::areas(app.size);
    band::draw(&mut canvas, areas.band, app);
    match &screen.view {
        View::Fleet
        | View::Instances
        | View::Executors
        | View::Strays
        | View::Doctor
        | View::Operations
        | View::Activities
        | View::Messages
        | View::Sources => {}
        View::Pool(key) => pool::draw_facts(&mut canvas, layout::pool_facts(app.size), app, key),
        View::Instance(id) => instance::draw(&mut canvas, areas.body, app, id),
        View::Executor(controller, id) => {
            executor::draw(&mut canvas, areas.body, app, controller, id);
        }
        View::Operation(id) => operation::draw(&mut canvas, areas.body, app, id),
        View::Help => help::draw(&mut canvas, areas.body, app),
        View::Graph(key) => graph::draw(&mut canvas, app, key),
        View::CostGraph(key) => money::draw(&mut canvas, app, key.as_ref()),
        View::Utilisation(key) => week::draw(&mut canvas, areas.body, app, key),
        View::Boots(key) => boots::draw(&mut canvas, areas.body, app, key),
        View::Cost => cost::draw(&mut canvas, app),
    }
    for (panel_idx, area) in layout::panels(app.size, &screen.view)
        .into_iter()
        .enumerate()
    {
        // The screen of costs has columns that are no fields of a pool.
        if let Some(list) = screen.panels.get(panel_idx)
            && screen.view != View::Cost
        {
            let has_focus = screen.focus == panel_idx && app.overlays.is_empty();
            list::draw(&mut canvas, area, app, list, has_focus);
        }
    }
    foot::draw(&mut canvas, areas.foot, app);
    for overlay in &app.overlays {
        match overlay {
            Overlay::Confirm(it) => confirm::draw(&mut canvas, app, it),
            Overlay::Question(it) => question::draw(&mut canvas, app, it),
            Overlay::Prompt(it) => prompt::draw(&mut canvas, app, it),
            Overlay::Filter(it) => prompt::draw_filter(&mut canvas, app, it),
            Overlay::Picker(it) => picker::draw(&mut canvas, app, it),
            Overlay::Reader(it) => reader::draw(&mut canvas, app, it),
        }
    }
    hints::draw(&mut canvas, app);
    canvas.cursor()
}

/// Returns after how long the screen is different without any news; none when never.
pub(super) fn changes_in(app: &App) -> Option<Duration> {
    [band::changes_in(app), list::changes_in(app)]
        .into_iter()
        .flatten()
        .min()
}

/// Returns how far a screen of text can be scrolled.
pub(super) fn max_scroll(app: &App) -> usize {
    let height = usize::from(layout::areas(app.size).body.height);
    let n_lines = match &app.screen().view {
        View::Instance(id) => instance::n_lines(app, id),
        View::Executor(controller, id) => executor::n_lines(app, controller, id),
        View::Operation(id) => operation::n_lines(app, id),
        View::Help => help::n_lines(app),
        View::Boots(key) => boots::n_lines(app, key),
        View::Fleet
        | View::Pool(_)
        | View::Instances
        | View::Executors
        | View::Strays
        | View::Doctor
        | View::Operations
        | View::Activities
        | View::Messages
        | View::Sources
        | View::Graph(_)
        | View::CostGraph(_)
        | View::Utilisation(_)
        | View::Cost => 0,
    };
    n_lines.saturating_sub(height)
}

/// Returns how far the text of the overlay can be scrolled; none when it has no text.
pub(super) fn max_overlay_scroll(app: &App) -> Option<usize> {
    match app.overlay()? {
        Overlay::Reader(it) => Some(reader::max_scroll(app, it)),
        Overlay::Confirm(it) => Some(confirm::max_scroll(app, it)),
        Overlay::Question(it) => Some(question::max_scroll(app, it)),
        Overlay::Prompt(_) | Overlay::Filter(_) | Overlay::Picker(_) => None,
    }
}

/// Returns the name or the id under the cursor, for the clipboard.
pub(super) fn id_under_cursor(app: &App) -> Option<String> {
    if let Some(Overlay::Reader(it)) = app.overlay() {
        return Some(reader::whole_text(app, it));
    }
    match &app.screen().view {
        View::Instance(id) => return Some(id.to_string()),
        View::Executor(_, id) => return Some(id.clone()),
        View::Operation(id) => return Some(id.to_string()),
        View::Help => return None,
        View::Graph(key)
        | View::CostGraph(Some(key))
        | View::Utilisation(key)
        | View::Boots(key) => return Some(key.name.to_string()),
        _ => {}
    }
    let row = app.screen().list()?.cursor()?;
    Some(match row {
        RowId::Pool(key) | RowId::Waiting(key, None, _) => key.name.to_string(),
        RowId::Instance(id) | RowId::Waiting(_, Some(id), _) => id.to_string(),
        RowId::Executor(_, id) | RowId::Activity(id) => id.clone(),
        RowId::Queue(_, label) => label.clone(),
        RowId::Stray(_, name, instance) => instance
            .as_ref()
            .map_or_else(|| name.clone(), ToString::to_string),
        RowId::Finding(kind, pool, nth) => {
            let found = app.findings.finding(*kind, pool.as_ref(), *nth)?;
            let fix = found.fix.as_ref();
            fix.map_or_else(|| kind.as_str().to_owned(), |it| format!("pooldeck {it}"))
        }
        RowId::Operation(id) => id.to_string(),
        RowId::Message(id) => app.messages.get(*id)?.text.clone(),
        RowId::Source(source) => source.to_string(),
    })
}

/// Returns the cells of the row under the cursor, separated by tabs.
pub(super) fn row_under_cursor(app: &App) -> Option<String> {
    let list = app.screen().list()?;
    let row = list.cursor()?;
    let cells = list::cells_of(app, list, row);
    let texts = cells
        .iter()
        .map(|cell| cell.iter().map(|it| it.text.as_ref()).collect::<String>());
    Some(texts.collect::<Vec<_>>().join("\t"))
}

/// The middle of the screen, for an overlay of this size.
fn middle(app: &App, width: u16, height: u16) -> Rect {
    let width = width.min(app.size.width);
    let height = height.min(app.size.height);
    Rect::new(
        (app.size.width - width) / 2,
        (app.size.height - height) / 2,
        width,
        height,
    )
}

/// Breaks text into lines of at most `width` cells, at spaces where it can.
fn wrap(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        let taken = line.chars().count();
        if taken != 0 && width < taken + 1 + word.chars().count() {
            lines.push(std::mem::take(&mut line));
        } else if taken != 0 {
            line.push(' ');
        }
        // A word that is longer than a line is cut: an ARN, a path.
        while width < word.chars().count() {
            let end = word.char_indices().nth(width).map_or(word.len(), |it| it.0);
            lines.push(word[..end].to_owned());
            word = &word[end..];
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Breaks a line of several texts where it is wider than the screen; what goes on is indented.
fn fold(line: Vec<Span<'static>>, indent: u16, width: u16) -> Vec<Vec<Span<'static>>> {
    let taken: u16 = line.iter().map(|it| width_of(&it.text)).sum();
    if taken <= width {
        return vec![line];
    }
    let indent = usize::from(indent.min(width / 2));
    let chars = line
        .iter()
        .flat_map(|it| it.text.chars().map(|c| (c, it.role)));
    let chars: Vec<(char, Role)> = chars.collect();
    let (head, rest) = chars.split_at(indent.min(chars.len()));
    let text: String = rest.iter().map(|it| it.0).collect();
    let room = usize::from(width).saturating_sub(indent);
    // Breaking takes nothing away but spaces, so each letter is found again in its order.
    let mut rest = rest.iter();
    let wrapped = wrap(&text, u16::try_from(room).unwrap_or(u16::MAX));
    let lines = wrapped.into_iter().enumerate();
    lines
        .map(|(line_idx, line)| {
            let kept = line.chars().filter_map(|c| rest.find(|it| it.0 == c));
            let kept: Vec<(char, Role)> = kept.copied().collect();
            if line_idx == 0 {
                spans(head.iter().chain(&kept))
            } else {
                let blank = plain(" ".repeat(indent));
                std::iter::once(blank).chain(spans(kept.iter())).collect()
            }
        })
        .collect()
}

/// Joins letters of the same role.
fn spans<'a>(chars: impl Iterator<Item = &'a (char, Role)>) -> Vec<Span<'static>> {
    let mut spans: Vec<(String, Role)> = Vec::new();
    for (c, role) in chars {
        match spans.last_mut() {
            Some((text, last)) if last == role => text.push(*c),
            _ => spans.push((c.to_string(), *role)),
        }
    }
    spans
        .into_iter()
        .map(|(text, role)| Span::new(text, role))
        .collect()
}

/// Paints a screen of text from the line that it is scrolled to; a heading rules its line.
fn text(canvas: &mut Canvas<'_>, area: Rect, app: &App, lines: Vec<Vec<Span<'static>>>) {
    let shown = lines.into_iter().skip(app.screen().scroll);
    for (y, line) in (area.y..area.bottom()).zip(shown) {
        match &line[..] {
            [only] if only.role == Role::Title => {
                let height = 1;
                canvas.title(Rect { y, height, ..area }, &line);
            }
            _ => {
                canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
            }
        }
    }
}

/// Text, for a place where what it means is plain.
fn plain(text: impl Into<String>) -> Span<'static> {
    Span::new(text.into(), Role::Text)
}

fn dim(text: impl Into<String>) -> Span<'static> {
    Span::new(text.into(), Role::Dim)
}
