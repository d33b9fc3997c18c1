//! A question about long operations: what it means, and which keys answer it.

use super::{middle, operation, plain, wrap};
use crate::{
    engine::Verdict,
    operation::OperationId,
    tui::{
        app::{About, App, Command, Question, Stage},
        keymap::Context,
        theme::Role,
        widget::{Canvas, Span},
    },
};

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, question: &Question) {
    let width = app.size.width.min(76);
    let inner = width.saturating_sub(4);
    let texts = texts(app, &question.about);
    let lines: Vec<String> = texts.iter().flat_map(|it| wrap(it, inner)).collect();
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(5);
    let (title, role) = match &question.about {
        About::Verdict(_, Verdict::Abort { .. }) => ("abort", Role::OverlayDanger),
        About::Verdict(_, Verdict::Resume) => ("resume", Role::Overlay),
        About::Verdict(_, Verdict::SpeedUp { .. }) => ("speed up", Role::Overlay),
        About::Verdict(_, Verdict::Adopt { .. }) => ("take over", Role::OverlayDanger),
        About::Verdict(_, Verdict::Pause) => ("pause", Role::Overlay),
        About::Leaving => ("leave", Role::OverlayDanger),
    };
    let inside = canvas.frame(middle(app, width, height), title, role);
    let x = inside.x + 1;
    let room = inside.width.saturating_sub(2);
    let last = inside.bottom().saturating_sub(1);
    for (y, line) in (inside.y..last).zip(&lines) {
        canvas.put(x, y, room, line, Role::Text);
    }
    if inside.height == 0 {
        return;
    }
    if let Some(hint) = question.hint.filter(|_| inside.y < last) {
        canvas.put(x, last - 1, room, hint, Role::Warn);
    }
    canvas.put_spans(x, last, room, &answers(app, question));
}

/// The keys that answer, as the keymap has them.
fn answers(app: &App, question: &Question) -> Vec<Span<'static>> {
    let role = if question.stage == Stage::Armed {
        Role::Key
    } else {
        Role::Dim
    };
    let offered: &[(Command, &str)] = match &question.about {
        About::Verdict(..) => &[
            (Command::ConfirmYes, "does it"),
            (Command::ConfirmNo, "does nothing"),
        ],
        About::Leaving => &[
            (Command::LeaveDetach, "go on without the console"),
            (Command::LeaveStop, "stop safely"),
            (Command::ConfirmNo, "stay"),
        ],
    };
    let mut spans = Vec::new();
    for (command, words) in offered {
        let keys = app.keymap.keys_for(Context::Confirm, command);
        let keys = keys.map_or_else(String::new, ToString::to_string);
        spans.push(Span::new(keys, role));
        spans.push(plain(format!(" {words}   ")));
    }
    spans
}

fn texts(app: &App, about: &About) -> Vec<String> {
    match about {
        About::Verdict(id, Verdict::Abort { .. }) => abort_texts(app, id),
        About::Verdict(id, Verdict::Adopt { gives_back }) => adopt_texts(app, id, *gives_back),
        About::Verdict(id, Verdict::SpeedUp { max_unavailable }) => {
            let view = app.operations.get(id);
            let now = view.and_then(|it| it.operation.max_unavailable());
            let (now, then) = (now.unwrap_or(0), max_unavailable.unwrap_or(0));
            vec![
                format!("Speed up operation {id}?"),
                format!(
                    "{then} instances may be missing at a time, where it is {now} now; the guardrails are asked."
                ),
            ]
        }
        About::Verdict(id, verdict) => vec![format!("{} operation {id}?", verdict.verb())],
        About::Leaving => leaving_texts(app),
    }
}

fn abort_texts(app: &App, id: &OperationId) -> Vec<String> {
    let mut texts = vec![format!("Abort operation {id}?")];
    if let Some(view) = app.operations.get(id) {
        let targets: Vec<_> = view.operation.targets().map(|it| it.1.step()).collect();
        let n_out = targets
            .iter()
            .filter(|it| matches!(**it, "gone" | "terminating"))
            .count();
        let n_back = targets.len() - n_out;
        texts.push(format!(
            "{n_out} of {} are terminated already and stay so.",
            targets.len()
        ));
        texts.push(format!(
            "{n_back} are given back: uncordoned, with their protection and tags as they were."
        ));
        let n_surplus = view.operation.n_surplus();
        if 0 < n_surplus {
            texts.push(format!(
                "The pool has {n_surplus} more than it shall have: as many are still drained and terminated, and no \
                 job ends for that."
            ));
        }
    }
    texts
}

fn adopt_texts(app: &App, id: &OperationId, gives_back: bool) -> Vec<String> {
    let mut texts = vec![format!("Take over operation {id}?")];
    let Some(view) = app.operations.get(id) else {
        return texts;
    };
    let it = &view.operation;
    let n_targets = it.targets().count();
    if view.is_foreign {
        texts.push(format!(
            "It is driven by {}, on {n_targets} instances of {}. Its marks there are changed to a new id of ours; a driver \
             that still lives sees that and stops.",
            it.owner,
            it.spec.pool()
        ));
    } else {
        texts.push("Nobody drives it; it goes on here from its journal.".to_owned());
    }
    texts.push(if gives_back {
        "What it has not terminated is given back: uncordoned, with protection and tags as they were.".to_owned()
    } else {
        "It goes on here, with a proof of idleness from the beginning.".to_owned()
    });
    texts
}

fn leaving_texts(app: &App) -> Vec<String> {
    let mut texts = vec!["Leave the console?".to_owned()];
    let driven = app
        .driven_here
        .iter()
        .filter_map(|it| app.operations.get(it));
    texts.extend(driven.map(|it| format!("{}: {}", it.operation.id, operation::briefly(app, it))));
    texts.push(
        "Without the console they can go on in a process of their own, or stop where that is safe and rest until \
         `pooldeck ops resume`."
            .to_owned(),
    );
    texts.extend(app.cut_off());
    texts
}
