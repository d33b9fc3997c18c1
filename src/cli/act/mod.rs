//! An action headless: plan, ask, submit and follow.

mod ending;
mod telling;

use std::time::Duration;

use super::{
    ActFlags, ActFormat, Error, Exit, Printer, Session, confirm,
    heard::Heard,
    json::{self, ActionResult, What},
    plan,
    session::{self, Interrupts, Sight},
};
use crate::{
    action::{self, Action, Plan, Refusal},
    engine::{Consent, Event, Outcome, Progress, Submission, SubmissionId, Wanted},
    fleet::{Fleet, SourceId},
};

/// A wait longer than this is talked about, even where nobody looks at a terminal.
const LONG: Duration = Duration::from_secs(5);

/// A plan waits no longer than this for the prices of its change in cost.
const PRICES_MAX: Duration = Duration::from_secs(5);

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
    mut flags: ActFlags,
) -> Result<Exit, Error> {
    flags.yes |= action.only_watches();
    let (views, _) = session.handle.operations();
    let action = action.find_way_back(views.iter().map(|it| &it.operation));
    check(session, &action, &flags)?;
    let mut sight = session.read_all(flags.timeout).await?;
    look_up(session, &action, &mut sight).await;
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
    if acting.lacks_prices(&plan) {
        sight = acting.read_prices().await;
        plan = match acting.plan(&sight) {
            Ok(plan) => plan,
            Err(refusal) => return acting.refused(&refusal, &sight),
        };
    }
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

/// Adds what is known of the images that the action names.
async fn look_up(session: &Session<'_>, action: &Action, sight: &mut Sight) {
    let fleet = &sight.observation.fleet;
    if let Some(fleet) = session.handle.with_lookups(action, fleet).await {
        let mut observation = (*sight.observation).clone();
        observation.fleet = fleet;
        sight.observation = observation.into();
    }
}

impl Acting<'_, '_> {
    /// Returns whether somebody looks at a change in cost that more prices may tell.
    fn lacks_prices(&self, plan: &Plan) -> bool {
        let is_read = self.flags.dry_run || !self.flags.yes;
        is_read && plan.cost.as_ref().is_some_and(|it| it.change.is_none())
    }

    /// Asks for spot prices, as nobody does by itself in a command; what does not come in time is
    /// not known, and no reason not to act.
    async fn read_prices(&mut self) -> Sight {
        self.session.printer.status("reading spot prices …");
        let asked = self.session.handle.read_prices(Wanted::Spot);
        let _ = tokio::time::timeout(PRICES_MAX, asked).await;
        self.session.printer.clear_status();
        let mut sight = self.session.sight(self.flags.timeout);
        look_up(self.session, &self.action, &mut sight).await;
        sight
    }

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
                    if let Some(progress) = progress_of(id, event, self.session.printer)? {
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
}

/// Returns the progress of one submission, if the event is about it.
fn progress_of(
    id: SubmissionId,
    event: Option<Event>,
    printer: &mut Printer,
) -> Result<Option<Progress>, Error> {
    match event {
        Some(Event::Submission { id: of, progress }) if of == id => Ok(Some(progress)),
        other => session::hear(other, printer).map(|()| None),
    }
}
