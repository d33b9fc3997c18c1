//! The lines that are typed at the foot: the palette and the filter.

use ratatui::layout::Rect;

use super::dim;
use crate::tui::{
    app::{App, FilterLine, Prompt},
    layout,
    theme::Role,
    widget::{Canvas, Span},
};

/// How many proposals are shown at once.
const N_SHOWN_MAX: u16 = 8;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, prompt: &Prompt) {
    let n_shown = u16::try_from(prompt.proposals.len())
        .unwrap_or(u16::MAX)
        .min(N_SHOWN_MAX);
    let n_above = n_shown + 1;
    let height = (n_above + 1).min(app.size.height);
    let area = Rect::new(0, app.size.height - height, app.size.width, height);
    canvas.clear(area, Role::Text);
    if height == n_above + 1 {
        canvas.title(
            area,
            &[
                Span::new("command", Role::Title),
                dim(format!("  on {}", prompt.target.words())),
            ],
        );
        proposals(canvas, area, prompt, n_shown);
    }
    let y = area.bottom().saturating_sub(1);
    line(
        canvas,
        y,
        app,
        ":",
        prompt.input.value(),
        prompt.input.cursor(),
        prompt.error.as_deref(),
    );
    if prompt.error.is_none()
        && let Some(ghost) = prompt.ghost()
    {
        let typed = crate::tui::widget::width_of(prompt.input.value());
        let x = 1 + typed;
        canvas.put(x, y, app.size.width.saturating_sub(x), ghost, Role::Ghost);
    }
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
    let foot = layout::areas(app.size).foot;
    let foot = if foot.height == 0 {
        Rect::new(0, 0, app.size.width, 1)
    } else {
        foot
    };
    canvas.clear(foot, Role::Text);
    let error = filter.error.as_ref().map(|it| it.why.clone());
    let value = filter.input.value();
    line(
        canvas,
        foot.y,
        app,
        "/",
        value,
        filter.input.cursor(),
        error.as_deref(),
    );
    if value.is_empty() {
        let example = " a name, or state=InService az=*a age>2h !spot";
        canvas.put(
            1,
            foot.y,
            app.size.width.saturating_sub(1),
            example,
            Role::Ghost,
        );
    }
}

/// A line that is typed, with what is wrong with it at its right.
fn line(
    canvas: &mut Canvas<'_>,
    y: u16,
    app: &App,
    sign: &str,
    value: &str,
    cursor: usize,
    error: Option<&str>,
) {
    let width = app.size.width;
    let sign_width = canvas.put(0, y, width, sign, Role::Key);
    let room = width.saturating_sub(sign_width);
    let before: String = value.chars().take(cursor).collect();
    let before_width = crate::tui::widget::width_of(&before);
    // A line that is longer than the screen shows the end that is typed at.
    let skip = before_width.saturating_sub(room.saturating_sub(1));
    let shown: String = value.chars().skip(usize::from(skip)).collect();
    let taken = canvas.put(sign_width, y, room, &shown, Role::Input);
    canvas.set_cursor(sign_width + before_width - skip, y);
    if let Some(error) = error {
        let x = sign_width + taken + 2;
        canvas.put(x, y, width.saturating_sub(x), error, Role::Danger);
    }
}
