//! A long text over the screen: console output, the whole of an activity or a message.

use super::{activity, finding, middle, sources, wrap};
use crate::{
    engine::{Explained, operations_in_the_way},
    fleet::{Obstacle, PoolKey, obstacles, sanitize, sanitize_lines},
    tui::{
        app::{App, Reader, ReaderText},
        theme::Role,
        widget::Canvas,
    },
};

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, reader: &Reader) {
    let area = middle(
        app,
        app.size.width.saturating_sub(4).max(20),
        app.size.height.saturating_sub(2).max(3),
    );
    let inside = canvas.frame(area, &title(app, reader), Role::Overlay);
    let lines = lines(app, reader, inside.width.saturating_sub(2));
    for (y, line) in (inside.y..inside.bottom()).zip(lines.iter().skip(reader.scroll)) {
        canvas.put(
            inside.x + 1,
            y,
            inside.width.saturating_sub(2),
            line,
            Role::Text,
        );
    }
    let shown = reader.scroll + usize::from(inside.height);
    if shown < lines.len() {
        let more = format!(" {} more lines ", lines.len() - shown);
        canvas.put_right(
            area.x,
            area.bottom().saturating_sub(1),
            area.width.saturating_sub(2),
            &more,
            Role::Dim,
        );
    }
}

pub(super) fn max_scroll(app: &App, reader: &Reader) -> usize {
    let width = app
        .size
        .width
        .saturating_sub(4)
        .max(20)
        .min(app.size.width)
        .saturating_sub(4);
    let height = app
        .size
        .height
        .saturating_sub(2)
        .max(3)
        .min(app.size.height)
        .saturating_sub(2);
    lines(app, reader, width)
        .len()
        .saturating_sub(usize::from(height))
}

/// The whole chain, what needs an operator marked.
fn explanation(app: &App, key: &PoolKey) -> Vec<String> {
    let mut chain = Vec::new();
    if app.policy.read_only {
        let what = "this session is read-only: it changes nothing";
        chain.push(Obstacle::new(what, false));
    }
    chain.extend(obstacles(&app.observation, key));
    let views = app.operations.values().map(|it| &**it);
    chain.extend(operations_in_the_way(views, key));
    if chain.is_empty() {
        return vec!["nothing is in its way, and nothing is asked of it".to_owned()];
    }
    let line = |it: &Obstacle| {
        let mark = if it.is_alarming { "! " } else { "  " };
        sanitize(&format!("{mark}{}", it.what)).into_owned()
    };
    chain.iter().map(line).collect()
}

/// Returns the text as it was, for the clipboard.
pub(super) fn whole_text(app: &App, reader: &Reader) -> String {
    lines(app, reader, u16::MAX).join("\n")
}

fn title(app: &App, reader: &Reader) -> String {
    match &reader.text {
        ReaderText::Console(id) => {
            let fetched = app.consoles.get(id);
            let at = fetched.and_then(|it| it.answer.as_ref()?.as_ref().ok()?.at);
            let at = at.map_or(String::new(), |it| {
                format!(", as EC2 kept it at {}", it.clock_time())
            });
            let asked = if fetched.is_some_and(|it| it.is_asked) {
                ", asking"
            } else {
                ""
            };
            format!("console output of {id}{at}{asked}")
        }
        ReaderText::Message(_) => "message".to_owned(),
        ReaderText::Activity(_) => "activity".to_owned(),
        ReaderText::Explanation(key) => format!("{key}: why nothing is happening"),
        ReaderText::Source(id) => id.to_string(),
        ReaderText::Finding(kind, ..) => kind.as_str().replace('_', " "),
        ReaderText::Instance(id) => format!("{id}: what is known of it, and how"),
    }
}

fn lines(app: &App, reader: &Reader, width: u16) -> Vec<String> {
    let texts: Vec<String> = match &reader.text {
        ReaderText::Console(id) => match app.consoles.get(id).and_then(|it| it.answer.as_ref()) {
            None => vec!["asking EC2 for it".to_owned()],
            Some(Err(failure)) => vec![failure.what.clone()],
            Some(Ok(output)) if output.text.trim().is_empty() => {
                vec![
                    "EC2 kept nothing yet; the output lags behind the machine by minutes"
                        .to_owned(),
                ]
            }
            Some(Ok(output)) => sanitize_lines(&output.text)
                .map(std::borrow::Cow::into_owned)
                .collect(),
        },
        ReaderText::Explanation(key) => explanation(app, key),
        ReaderText::Message(id) => app.messages.get(*id).map_or_else(Vec::new, |it| {
            vec![it.at.to_string(), String::new(), it.text.clone()]
        }),
        ReaderText::Activity(id) => {
            let found = app
                .observation
                .fleet
                .activities
                .iter()
                .find(|it| it.id == *id);
            found.map_or_else(
                || vec!["not in the last reading any more".to_owned()],
                |it| activity::lines(it),
            )
        }
        ReaderText::Source(id) => sources::lines(id, app),
        ReaderText::Finding(kind, pool, nth) => {
            let found = app.findings.finding(*kind, pool.as_ref(), *nth);
            found.map_or_else(
                || vec!["the last reading does not show it any more".to_owned()],
                |it| finding::lines(app, it),
            )
        }
        ReaderText::Instance(id) => {
            let observation = &app.observation;
            let explained = Explained::new(observation, id, &app.policy.proof);
            explained.map_or_else(
                || vec!["gone: the last reading does not have it any more".to_owned()],
                |it| it.in_words(observation),
            )
        }
    };
    texts.iter().flat_map(|it| wrap(it, width)).collect()
}
