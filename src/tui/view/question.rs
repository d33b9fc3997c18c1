//! A question about long operations: what it means, and which keys answer it.

use super::{
    dialog::{Dialog, flow, inner_width},
    operation, plain, wrap,
};
use crate::{
    engine::{OperationView, Verdict},
    fleet::{Process, Template},
    operation::{OperationId, PoolRoll, Refresh, Spec, WaitingOn},
    tui::{
        app::{About, App, Command, Question, Stage},
        keymap::Context,
        theme::Role,
        widget::{Canvas, Span},
    },
};

const WIDTH: u16 = 76;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, question: &Question) {
    dialog(app, question).draw(canvas, app);
}

pub(super) fn max_scroll(app: &App, question: &Question) -> usize {
    dialog(app, question).max_scroll(app)
}

fn dialog(app: &App, question: &Question) -> Dialog<'static> {
    let width = inner_width(app, WIDTH);
    let texts = texts(app, &question.about);
    let lines = texts.iter().flat_map(|it| wrap(it, width));
    let (title, role) = match &question.about {
        About::Verdict(_, Verdict::Abort { .. }) => ("abort", Role::OverlayDanger),
        About::Verdict(_, Verdict::Resume) => ("resume", Role::Overlay),
        About::Verdict(_, Verdict::SpeedUp { .. }) => ("speed up", Role::Overlay),
        About::Verdict(_, Verdict::Adopt { .. }) => ("take over", Role::OverlayDanger),
        About::Verdict(_, Verdict::Pause) => ("pause", Role::Overlay),
        About::Leaving => ("leave", Role::OverlayDanger),
    };
    Dialog {
        title,
        role,
        width: WIDTH,
        text: lines.map(|it| vec![plain(it)]).collect(),
        scroll: question.scroll,
        hint: question.hint,
        answers: flow(answers(app, question), 3, width),
        typed: None,
    }
}

/// The keys that answer, as the keymap has them.
fn answers(app: &App, question: &Question) -> Vec<Vec<Span<'static>>> {
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
    let offered = offered.iter().map(|(command, words)| {
        let keys = app.keymap.keys_for(Context::Confirm, command);
        let keys = keys.map_or_else(String::new, ToString::to_string);
        vec![Span::new(keys, role), plain(format!(" {words}"))]
    });
    offered.collect()
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
                format!("Speed up {}?", named(app, id)),
                format!(
                    "{then} instances may be missing at a time, where it is {now} now; the guardrails are asked."
                ),
            ]
        }
        About::Verdict(id, verdict) => vec![format!("{} {}?", verdict.verb(), named(app, id))],
        About::Leaving => leaving_texts(app),
    }
}

/// Says which operation is meant: what it does, where, and its id.
fn named(app: &App, id: &OperationId) -> String {
    let Some(view) = app.operations.get(id) else {
        return format!("operation {id}");
    };
    let spec = &view.operation.spec;
    let pools: Vec<String> = spec.pools().iter().map(|it| it.name.to_string()).collect();
    format!("the {} of {}, {id}", spec.kind(), pools.join(", "))
}

fn abort_texts(app: &App, id: &OperationId) -> Vec<String> {
    let mut texts = vec![format!("Abort {}?", named(app, id))];
    let Some(view) = app.operations.get(id) else {
        return texts;
    };
    match &view.operation.spec {
        Spec::Drain(_) => texts.extend(targets_texts(view, "drained")),
        Spec::Roll(roll) => {
            texts.extend(roll_texts(view));
            let pools = roll.pools.iter();
            texts.extend(pools.map(|it| template_text(app, view, it)));
        }
        Spec::Refresh(refresh) => texts.push(refresh_text(view, refresh)),
        Spec::Freeze(freeze) => {
            let processes = freeze.processes.iter().map(Process::as_str);
            texts.push(format!(
                "It thaws now: {} of {} run again, unless somebody else suspended them since.",
                processes.collect::<Vec<_>>().join(", "),
                freeze.pool.name
            ));
        }
    }
    texts
}

/// What becomes of the instances of a roll: what was borrowed goes again, so not all that was
/// begun is given back.
fn roll_texts(view: &OperationView) -> Vec<String> {
    let n_surplus = usize::try_from(view.operation.n_surplus()).unwrap_or(usize::MAX);
    if n_surplus == 0 {
        return targets_texts(view, "replaced");
    }
    let targets: Vec<_> = view.operation.targets().map(|it| it.1.step()).collect();
    let n_out = targets
        .iter()
        .filter(|it| matches!(**it, "gone" | "terminating"))
        .count();
    vec![
        format!(
            "{n_out} of {} {} terminated already, for good.",
            targets.len(),
            are(n_out)
        ),
        format!(
            "The pool wants {n_surplus} more than it shall have. As many as are really too many still go, one by one and \
             without ending a job: newcomers that took no job first, then who is under way, then idle ones."
        ),
        "All others stay, and what was begun with them is given back: uncordoned, with protection and tags as they \
         were."
            .to_owned(),
    ]
}

/// What becomes of the instances: those that are gone, those that were begun, and the others.
fn targets_texts(view: &OperationView, done: &str) -> Vec<String> {
    let targets: Vec<_> = view.operation.targets().map(|it| it.1.step()).collect();
    let count = |words: &[&str]| targets.iter().filter(|it| words.contains(it)).count();
    let (n_out, n_open) = (count(&["gone", "terminating"]), count(&["to come"]));
    let n_over = count(&["given back", "standby"]);
    let n_begun = targets.len() - n_out - n_open - n_over;
    let mut texts = vec![format!(
        "{n_out} of {} {} terminated already, for good.",
        targets.len(),
        are(n_out)
    )];
    if 0 < n_begun {
        texts.push(format!(
            "{n_begun} {} under way and given back: uncordoned, with protection and tags as they were.",
            are(n_begun)
        ));
    }
    if 0 < n_open {
        texts.push(format!(
            "{n_open} {} not begun and not {done}.",
            are(n_open)
        ));
    }
    texts
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// An abort stops a roll where it is: it leads nobody back to the template before.
fn template_text(app: &App, view: &OperationView, roll: &PoolRoll) -> String {
    let name = &roll.pool.name;
    let pool = app.observation.fleet.pool(&roll.pool);
    let template = pool.and_then(|it| it.template.as_ref());
    let in_use = template.and_then(Template::source);
    match in_use {
        Some(it) if it == roll.from => {
            format!("{name} launches from {it}, as before, and goes on so.")
        }
        Some(it) => format!(
            "{name} launches from {it} and goes on so; `rollback {name}` leads back to {}.",
            roll.from
        ),
        None if view.is_foreign => format!("What {name} launches from stays as it is."),
        None => format!(
            "What {name} launches from stays as it is; it was {} before.",
            roll.from
        ),
    }
}

/// AWS replaces by itself: what it has replaced is all that is known, and stays.
fn refresh_text(view: &OperationView, refresh: &Refresh) -> String {
    let name = &refresh.pool.name;
    let percent = view.waits.iter().find_map(|it| match &it.1 {
        WaitingOn::Refresh { percent, .. } => *percent,
        _ => None,
    });
    let replaced = percent.map_or_else(
        || "What it has replaced stays replaced".to_owned(),
        |it| format!("The {it} % that it has replaced stay replaced"),
    );
    format!(
        "EC2 Auto Scaling's own refresh of {name} is cancelled. {replaced}; the other instances stay as they are."
    )
}

fn adopt_texts(app: &App, id: &OperationId, gives_back: bool) -> Vec<String> {
    let mut texts = vec![format!("Take over {}?", named(app, id))];
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
    texts.extend(driven.map(|it| format!("{}: {}", it.operation.id, operation::briefly(it))));
    texts.push(
        "Without the console they can go on in a process of their own, or stop where that is safe and rest until \
         `pooldeck ops resume`."
            .to_owned(),
    );
    texts.extend(app.cut_off());
    texts
}
