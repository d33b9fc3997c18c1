//! An action headless: plan, ask, submit, follow, and what came of it.

use std::time::Duration;

use super::{
    ActFlags, ActFormat, Error, Exit, Session, confirm, exit,
    json::{self, ActionResult, Applied, Launched, What},
    ops::Heard,
    plan,
    session::{self, Interrupts, Sight},
    table,
};
use crate::{
    action::{self, Action, Plan, Refusal},
    engine::{Consent, Event, OperationView, Outcome, Progress, Submission, SubmissionId},
    fleet::{Align, Fleet, SourceId, sanitize},
    operation::{OperationId, detached_words, stopped_words},
};

/// A wait longer than this is talked about, even where nobody looks at a terminal.
const LONG: Duration = Duration::from_secs(5);

/// An action on its way.
struct Acting<'s, 'a> {
    session: &'s mut Session<'a>,
    action: Action,
    flags: ActFlags,
    result: ActionResult,
    /// Why an event could not be written. What was begun is followed all the same.
    unwritten: Option<Error>,
    /// Who refused the last call.
    failed_at: Option<SourceId>,
    heard: Heard,
}

/// How following a submission ended.
enum Followed {
    Ended(Outcome),
    /// The operator or `--timeout` ended the following; what was called goes on.
    Left(&'static str),
    /// The long operation rests in its journal.
    Stopped(&'static str),
}

/// Carries out an action from its plan to its end.
pub(super) async fn run(
    session: &mut Session<'_>,
    action: Action,
    flags: ActFlags,
) -> Result<Exit, Error> {
    let (views, _) = session.handle.operations();
    let action = action.find_way_back(views.iter().map(|it| &it.operation));
    check(session, &action, &flags)?;
    let mut sight = session.read_all(flags.timeout).await?;
    if let Some(fleet) = session
        .handle
        .with_images(&action, &sight.observation.fleet)
        .await
    {
        let mut observation = (*sight.observation).clone();
        observation.fleet = fleet;
        sight.observation = observation.into();
    }
    let now = session.handle.clock().now();
    let mut acting = Acting {
        result: ActionResult::new(now, action.to_string(), flags.reason.clone()),
        session,
        action,
        flags,
        unwritten: None,
        failed_at: None,
        heard: Heard::default(),
    };
    let mut plan = match acting.plan(&sight) {
        Ok(plan) => plan,
        Err(refusal) => return acting.refused(&refusal, &sight),
    };
    sight.warn(acting.session.printer);
    loop {
        acting.show(&plan, &sight.observation.fleet);
        if acting.flags.dry_run {
            return acting.end("planned", Exit::Done, Vec::new(), None);
        }
        if acting.flags.detach && plan.operation.is_none() {
            let what = "its calls are made at once, and nothing goes on after them";
            return acting.end(
                "refused",
                Exit::Usage,
                vec![format!("--detach is for long operations: {what}")],
                None,
            );
        }
        if !acting.flags.yes
            && !confirm::ask(acting.session.printer, &plan, &sight.observation.fleet)
        {
            let why = vec!["not confirmed; nothing was done".to_owned()];
            return acting.end("declined", Exit::Refused, why, None);
        }
        match acting.carry_out(&plan).await? {
            Followed::Ended(Outcome::Changed(fresh)) if !acting.flags.yes => {
                let printer = &mut *acting.session.printer;
                printer.warn("the fleet changed meanwhile; this is what it would do now");
                plan = *fresh;
            }
            Followed::Ended(outcome) => return acting.ended(outcome, &sight),
            Followed::Left(why) => return acting.left(why),
            Followed::Stopped(why) => return acting.stopped(why),
        }
    }
}

/// Checks what needs no reading: missing words, and nobody to ask.
fn check(session: &Session<'_>, action: &Action, flags: &ActFlags) -> Result<(), Error> {
    let policy = &session.handle.config().policy;
    let reason = flags.reason.as_deref();
    let blind = action::plan(action, reason, &Fleet::default(), policy);
    if let Err(refusal @ Refusal::Incomplete { .. }) = blind {
        let help = format!(
            "`pooldeck {} --help` shows how it is written",
            action.verb()
        );
        return Err(Error::usage(refusal.to_string()).hint(help));
    }
    if flags.detach
        && let Some(why) = session.handle.why_not_detach()
    {
        return Err(Error::usage(format!("--detach is not possible: {why}")));
    }
    let can_ask = session.printer.terminal.can_ask();
    if !flags.yes && !flags.dry_run && !can_ask {
        let verb = action.verb();
        return Err(Error::usage(format!(
            "{verb} asks before it acts, and there is no terminal to ask on"
        ))
        .hint("look at the plan with --dry-run, then add --yes"));
    }
    Ok(())
}

impl Acting<'_, '_> {
    fn plan(&self, sight: &Sight) -> Result<Plan, Refusal> {
        let policy = &self.session.handle.config().policy;
        let reason = self.flags.reason.as_deref();
        action::plan(&self.action, reason, &sight.observation.fleet, policy)
    }

    /// Shows the plan: a dry run's is data, any other is talk.
    fn show(&mut self, plan: &Plan, fleet: &Fleet) {
        if self.flags.yes && !self.flags.dry_run {
            return self.show_plan(plan);
        }
        self.note_plan(plan);
        let text = plan::in_words(plan, fleet);
        if self.flags.dry_run {
            if self.flags.output == ActFormat::Table {
                self.write(&text);
            }
        } else {
            self.session.printer.talk_lines(&text);
        }
    }

    /// Nobody is asked, but whoever reads the log is warned.
    fn show_plan(&mut self, plan: &Plan) {
        self.note_plan(plan);
        for warning in &plan.warnings {
            self.session.printer.warn(warning);
        }
    }

    fn note_plan(&mut self, plan: &Plan) {
        self.result.plan = Some(json::Plan::new(plan));
        self.tell(|| What::Planned {
            plan: json::Plan::new(plan),
        });
    }

    /// Submits the plan and listens until it has ended.
    async fn carry_out(&mut self, plan: &Plan) -> Result<Followed, Error> {
        let submission = Submission {
            action: self.action.clone(),
            reason: self.flags.reason.clone(),
            confirmed: plan.clone(),
            consent: if self.flags.yes {
                Consent::InAdvance
            } else {
                Consent::Read
            },
        };
        let id = if self.flags.detach {
            self.session.handle.submit_detached(submission)
        } else {
            self.session.handle.submit(submission)
        };
        self.result.calls.clear();
        let is_terminal = self.session.printer.terminal.stderr_is_terminal;
        let mut is_talkative = is_terminal;
        let mut interrupts = if plan.operation.is_some() {
            Interrupts::all()
        } else {
            Interrupts::new()
        };
        let long = tokio::time::sleep(LONG);
        let deadline = tokio::time::sleep(self.flags.timeout.unwrap_or(Duration::MAX));
        tokio::pin!(long, deadline);
        loop {
            tokio::select! {
                event = self.session.events.recv() => {
                    if let Some(Event::Operation(view)) = &event {
                        self.note_operation(view);
                        continue;
                    }
                    if let Some(progress) = progress_of(id, event)? {
                        if let Progress::Ended(outcome) = progress {
                            return Ok(Followed::Ended(outcome));
                        }
                        self.note(progress, is_talkative);
                    }
                }
                () = &mut long, if !is_talkative => is_talkative = true,
                () = &mut deadline => return Ok(self.leave("--timeout is over", interrupts).await),
                () = interrupts.next() => return Ok(self.leave("interrupted", interrupts).await),
            }
        }
    }

    /// A long operation does not die in the middle of a step; anything else is left as it is.
    async fn leave(&mut self, why: &'static str, mut interrupts: Interrupts) -> Followed {
        if self.result.operation.is_none() {
            return Followed::Left(why);
        }
        self.session.stop(&mut interrupts).await;
        Followed::Stopped(why)
    }

    /// Writes down one step, and says it where somebody waits for it.
    fn note(&mut self, progress: Progress, is_talkative: bool) {
        match progress {
            Progress::Observing => {
                self.session.printer.status("reading once more …");
                self.tell(|| What::Observing);
            }
            Progress::ChoseOthers(plan) => {
                let words = "other instances than a moment ago answer the same request best; it goes on with those";
                self.session.printer.warn(words);
                self.show_plan(&plan);
            }
            Progress::Calling(call) => {
                let text = format!("calling {call} …");
                self.session.printer.status(&text);
                self.tell(|| What::Calling {
                    call: json::PlannedCall::new(&call),
                });
            }
            Progress::Applied(call, receipt) => {
                let applied = Applied::answered(&call, &receipt);
                self.result.calls.push(applied.clone());
                if is_talkative {
                    self.session.printer.talk(&format!("applied {call}"));
                }
                self.tell(|| What::Applied { call: applied });
            }
            Progress::Failed(call, failure) => {
                self.failed_at = Some(call.source());
                let failed = Applied::failed(&call, &failure);
                self.result.calls.push(failed.clone());
                self.tell(|| What::Failed { call: failed });
            }
            Progress::Launching(launches) => {
                let instances: Vec<Launched> = launches.iter().map(Launched::new).collect();
                if is_talkative {
                    self.say_what_moved(&instances);
                }
                self.result.instances.clone_from(&instances);
                self.tell(|| What::Launching { instances });
            }
            Progress::Operating(id) => self.result.operation = Some(id.to_string()),
            // The caller has taken it.
            Progress::Ended(_) => {}
        }
    }

    /// Says what a long operation waits for, each time that this changes.
    fn note_operation(&mut self, view: &OperationView) {
        if self.result.operation.as_deref() != Some(&view.operation.id.0) {
            return;
        }
        for line in self.heard.news(view) {
            self.session.printer.talk(&line);
        }
        let operation = json::Operation::new(view);
        self.tell(|| What::Operation { operation });
    }

    fn say_what_moved(&mut self, instances: &[Launched]) {
        let printer = &mut *self.session.printer;
        for it in instances {
            if !self.result.instances.contains(it)
                && let Some(id) = &it.id
            {
                let why = it
                    .why
                    .as_ref()
                    .map_or(String::new(), |it| format!(": {it}"));
                printer.talk(&format!("{id} {}{why}", it.state));
            }
        }
        let n_there = instances
            .iter()
            .filter(|it| it.state == "in_service")
            .count();
        printer.status(&format!("{n_there} of {} in service …", instances.len()));
    }

    fn refused(mut self, refusal: &Refusal, sight: &Sight) -> Result<Exit, Error> {
        let is_unknown = matches!(
            refusal,
            Refusal::NoSuchPool { .. } | Refusal::NoSuchInstance { .. }
        );
        if is_unknown && !sight.failures.is_empty() {
            // It may well exist, where we could not look.
            let mut why = vec![refusal.to_string()];
            why.extend(sight.warnings());
            return self.end("unavailable", sight.exit(), why, None);
        }
        let outcome = if matches!(refusal, Refusal::AlreadySo(_)) {
            "already_so"
        } else {
            "refused"
        };
        let why = vec![refusal.to_string()];
        self.end(outcome, Exit::of_refusal(refusal), why, None)
    }

    fn ended(mut self, outcome: Outcome, sight: &Sight) -> Result<Exit, Error> {
        let exit = Exit::of_outcome(&outcome);
        match outcome {
            Outcome::Done => self.end("done", exit, Vec::new(), None),
            Outcome::Refused(refusal) => self.refused(&refusal, sight),
            Outcome::Changed(fresh) => {
                let text = plan::in_words(&fresh, &sight.observation.fleet);
                self.session.printer.talk_lines(&text);
                self.result.plan = Some(json::Plan::new(&fresh));
                let why = "the fleet changed since the plan was made; nothing was done";
                let hint = "above is what it would do now; run it again if that is right";
                self.end("changed", exit, vec![why.to_owned()], Some(hint))
            }
            Outcome::Unavailable(source, failure) => {
                let why = format!("{source}: {}; nothing was done", failure.what);
                let hint = exit::hint_of(&source, failure.kind);
                self.end("unavailable", exit, vec![why], hint)
            }
            Outcome::Failed(failure) => {
                let source = self.failed_at.as_ref();
                let hint = source.and_then(|it| exit::hint_of(it, failure.kind));
                self.end("failed", exit, vec![failure.what], hint)
            }
            Outcome::Partly(why) => self.end("partly", exit, why, None),
            Outcome::Aborted { why, left } => {
                let why = std::iter::once(format!("aborted: {why}")).chain(left);
                self.end("aborted", exit, why.collect(), None)
            }
            Outcome::Stopped(_) => self.stopped("interrupted"),
            Outcome::Detached { operation, process } => {
                let words = detached_words(&operation, process);
                self.end("detached", exit, vec![words], None)
            }
        }
    }

    /// Ends before the operation does: it rests in its journal.
    fn stopped(mut self, why: &str) -> Result<Exit, Error> {
        let id = self.result.operation.clone().unwrap_or_default();
        let words = format!("{why}: {}", stopped_words(&OperationId(id)));
        self.end("stopped", Exit::Partly, vec![words], None)
    }

    /// Ends without knowing the end: what was called goes on by itself.
    fn left(mut self, why: &str) -> Result<Exit, Error> {
        let planned = self.result.plan.as_ref().map_or(0, |it| it.calls.len());
        let n_made = self.result.calls.len();
        let exit = if n_made == 0 {
            Exit::Failed
        } else {
            Exit::Partly
        };
        let why = if n_made < planned {
            format!("{why}: {n_made} of {planned} calls were answered, and one may be under way")
        } else {
            format!("{why}: every call was made, and the group goes on by itself")
        };
        let hint = "the audit log in the state directory has every call";
        self.end("unfollowed", exit, vec![why], Some(hint))
    }

    /// Writes the result, and the last words.
    fn end(
        &mut self,
        outcome: &'static str,
        exit: Exit,
        why: Vec<String>,
        hint: Option<&str>,
    ) -> Result<Exit, Error> {
        self.result.at = self.session.handle.clock().now();
        self.result.outcome = outcome;
        self.result.exit_code = exit.code();
        self.result.why = why;
        match self.flags.output {
            ActFormat::Table if outcome == "detached" => {
                let id = self.result.operation.clone().unwrap_or_default();
                self.write(&format!("{id}\n"));
            }
            ActFormat::Table => {
                let text = in_rows(&self.result, self.session.printer.width());
                let written = self.session.printer.table(&text, true);
                self.unwritten = self.unwritten.take().or(written.err());
            }
            ActFormat::Json => self.write(&json::to_text(&self.result)),
            ActFormat::Ndjson => {
                let result = self.result.clone();
                self.tell(|| What::Ended { result });
            }
        }
        let printer = &mut *self.session.printer;
        let why = self.result.why.join("\n  ");
        match exit {
            Exit::Done if outcome == "already_so" => printer.talk_lines(&capitalized(&why)),
            Exit::Done if outcome == "planned" => {}
            Exit::Done if matches!(outcome, "detached" | "aborted") => {
                printer.talk_lines(&capitalized(&why));
            }
            Exit::Done => printer.talk(&format!("Done: {}", self.result.command_line)),
            exit => {
                let mut error = Error::new(exit, why);
                error.hint = hint.map(str::to_owned);
                printer.error(&error);
            }
        }
        match self.unwritten.take() {
            // What was done outweighs what could not be told.
            Some(error) if exit == Exit::Done => Err(error),
            _ => Ok(exit),
        }
    }

    /// Writes an event, where each is asked for.
    fn tell(&mut self, what: impl FnOnce() -> What) {
        if self.flags.output == ActFormat::Ndjson {
            let at = self.session.handle.clock().now();
            self.write(&json::to_line(&json::Event { at, what: what() }));
        }
    }

    fn write(&mut self, text: &str) {
        let written = self.session.printer.data(text);
        self.unwritten = self.unwritten.take().or(written.err());
    }
}

/// Returns the progress of one submission, if the event is about it.
fn progress_of(id: SubmissionId, event: Option<Event>) -> Result<Option<Progress>, Error> {
    match event {
        Some(Event::Submission { id: of, progress }) if of == id => Ok(Some(progress)),
        other => session::hear(other).map(|()| None),
    }
}

/// Lays out what was launched, or else what was called.
fn in_rows(result: &ActionResult, width: Option<u16>) -> String {
    let clean = |text: &str| sanitize(text).into_owned();
    let or_dash = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), clean);
    if !result.instances.is_empty() {
        let rows = result.instances.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|it| vec![or_dash(&it.id), it.state.to_owned(), or_dash(&it.why)])
            .collect();
        return table::of_cells(
            Some(&["INSTANCE", "STATE", "WHY"]),
            &rows,
            &[Align::Left; 3],
            width,
        );
    }
    if result.calls.is_empty() {
        return String::new();
    }
    let rows = result.calls.iter();
    let rows: Vec<Vec<String>> = rows
        .map(|it| {
            let call = format!("{} {}", it.call.operation, it.call.parameters);
            vec![it.result.to_owned(), clean(&call), or_dash(&it.request_id)]
        })
        .collect();
    table::of_cells(
        Some(&["RESULT", "CALL", "REQUEST"]),
        &rows,
        &[Align::Left; 3],
        width,
    )
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|it| it.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
