//! The lines that are typed at the foot: the palette and the filter.

use ratatui::layout::Rect;

use super::{dim, wrap};
use crate::tui::{
    app::{App, FilterLine, Prompt},
    theme::Role,
    widget::{Canvas, Span, width_of},
};

/// How many proposals are shown at once.
const N_SHOWN_MAX: u16 = 8;

/// The line that is typed and the one under it, which says what is wanted.
const N_LINES: u16 = 2;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, prompt: &Prompt) {
    let under = under(app, prompt);
    let n_under = u16::try_from(under.len()).unwrap_or(u16::MAX);
    let n_lines = n_under.saturating_add(1);
    let n_shown = u16::try_from(prompt.proposals.len())
        .unwrap_or(u16::MAX)
        .min(N_SHOWN_MAX)
        .min(app.size.height.saturating_sub(n_lines + 1));
    let area = bottom(app, n_shown + 1 + n_lines);
    canvas.clear(area, Role::Text);
    if n_lines + n_shown < area.height {
        let target = dim(format!("  on {}", prompt.target.words()));
        canvas.title(area, &[Span::new("command", Role::Title), target]);
        proposals(canvas, area, prompt, n_shown);
    }
    let y = area.bottom().saturating_sub(n_lines.min(area.height));
    line(
        canvas,
        y,
        app,
        ":",
        prompt.input.value(),
        prompt.input.cursor(),
    );
    if let Some(ghost) = prompt.ghost() {
        let x = 1 + width_of(prompt.input.value());
        canvas.put(x, y, app.size.width.saturating_sub(x), ghost, Role::Ghost);
    }
    for (y, line) in (y + 1..area.bottom()).zip(under) {
        canvas.put_spans(1, y, area.width.saturating_sub(1), &[line]);
    }
}

/// What is wrong, to its end, or what is wanted.
fn under(app: &App, prompt: &Prompt) -> Vec<Span<'static>> {
    let Some(error) = &prompt.error else {
        return vec![dim(prompt.usage())];
    };
    let lines = wrap(error, app.size.width.saturating_sub(1)).into_iter();
    let n_max = usize::from(app.size.height / 2).max(1);
    lines
        .take(n_max)
        .map(|it| Span::new(it, Role::Danger))
        .collect()
}

fn bottom(app: &App, height: u16) -> Rect {
    let height = height.min(app.size.height);
    Rect::new(0, app.size.height - height, app.size.width, height)
}

fn proposals(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt, n_shown: u16) {
    let chosen = prompt.proposal_idx;
    let first = chosen.map_or(0, |it| (it + 1).saturating_sub(usize::from(n_shown)));
    let shown = prompt
        .proposals
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(n_shown));
    for (y, (proposal_idx, proposal)) in (area.y + 1..).zip(shown) {
        let is_chosen = chosen == Some(proposal_idx);
        let role = if is_chosen {
            Role::Selected
        } else {
            Role::Text
        };
        let cursor = if is_chosen {
            canvas.glyphs().cursor()
        } else {
            " "
        };
        let spans = [
            Span::new(cursor, Role::Cursor),
            Span::new(format!("{:<28} ", proposal.word), role),
            dim(proposal.about.clone()),
        ];
        canvas.put_spans(area.x, y, area.width, &spans);
    }
}

pub(super) fn draw_filter(canvas: &mut Canvas<'_>, app: &App, filter: &FilterLine) {
    let area = bottom(app, N_LINES);
    canvas.clear(area, Role::Text);
    line(
        canvas,
        area.y,
        app,
        "/",
        filter.input.value(),
        filter.input.cursor(),
    );
    let under = match &filter.error {
        Some(error) => Span::new(format!("{}: {}", error.term, error.why), Role::Danger),
        None => dim(
            "words, or field=value field!=value field~part field>2h flag !flag; esc brings the rows back",
        ),
    };
    canvas.put_spans(1, area.y + 1, area.width.saturating_sub(1), &[under]);
}

/// A line that is typed; one that is longer than the screen shows the end that is typed at.
fn line(canvas: &mut Canvas<'_>, y: u16, app: &App, sign: &str, value: &str, cursor: usize) {
    let width = app.size.width;
    let sign_width = canvas.put(0, y, width, sign, Role::Key);
    let room = width.saturating_sub(sign_width);
    let before: String = value.chars().take(cursor).collect();
    let before_width = width_of(&before);
    let skip = before_width.saturating_sub(room.saturating_sub(1));
    let shown: String = value.chars().skip(usize::from(skip)).collect();
    canvas.put(sign_width, y, room, &shown, Role::Input);
    canvas.set_cursor(sign_width + before_width - skip, y);
}
