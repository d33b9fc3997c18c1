//! The loop: takes what happened, lets the app decide, does what it asks, draws once.

use std::{io, pin::Pin, sync::Arc, time::Duration};

use crossterm::event::Event as Input;
use ratatui::layout::Size;
use rustix::process::{self, kill_current_process_group};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Sleep,
};

use super::{
    app::{App, Effect, Msg, Severity},
    clipboard::{self, Multiplexer},
    input,
    keymap::Keymap,
    paint::Painter,
    takeover,
    terminal::{self, Held, Output},
    theme::Theme,
    view,
};
use crate::{
    engine::{Event, Handle, Outcome, Verdict},
    operation::{OnQuit, OperationId},
};

/// What the console is told once, at its start.
#[derive(Clone, Debug)]
pub struct Options {
    pub keymap: Keymap,
    pub theme: Theme,
    pub multiplexer: Multiplexer,
    /// What becomes of operations that are driven here when the console ends.
    pub on_quit: OnQuit,
}

/// How the console was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub ending: Ending,
    /// What became of each operation that was driven here, in a sentence.
    pub words: Vec<String>,
}

/// Why the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The operator left.
    Quit,
    /// A signal asked for it; the exit code is 128 and this number.
    Signal(i32),
    /// The terminal vanished.
    TerminalGone,
}

/// How many inputs are taken before a frame is drawn, at the most.
const N_DRAINED_MAX: usize = 512;
/// How long a stopped process has to be stopped before we believe that it was not.
const STOP_MAX: Duration = Duration::from_millis(500);

/// Runs the console until the operator leaves, a signal comes, or the terminal is gone.
///
/// The first frame is on the screen before anything is waited for.
pub async fn run(
    handle: Handle,
    events: mpsc::Receiver<Event>,
    options: Options,
) -> io::Result<Left> {
    // Before anything is on the screen: a signal that comes early finds its way, too.
    let signals = Signals::open()?;
    let mut held = Held::take()?;
    let mut console = Console::new(handle, options);
    console.paint()?;
    let mut inlets = Inlets {
        keys: input::keys(),
        hangup: input::hangup(),
        events,
        signals,
        ended: JoinSet::new(),
    };
    // What an earlier session left behind is told at once.
    console.handle.fetch_operations();
    let ending = console.serve(&mut inlets, &mut held).await;
    drop(held);
    let ending = match ending {
        Err(error) if is_gone(&error) => Ok(Ending::TerminalGone),
        other => other,
    };
    let goes_on = match ending {
        Ok(Ending::Quit) => console.goes_on,
        // Nobody can be asked any more.
        _ => console.app.on_quit != OnQuit::Stop && console.app.cannot_detach.is_none(),
    };
    let left = console.handle.leave_operations(&mut inlets.events, goes_on);
    let words = left.await;
    ending.map(|ending| Left { ending, words })
}

/// The errors of a terminal that nobody is at.
fn is_gone(error: &io::Error) -> bool {
    let gone = [
        rustix::io::Errno::IO,
        rustix::io::Errno::PIPE,
        rustix::io::Errno::NXIO,
    ];
    gone.iter()
        .any(|it| error.raw_os_error() == Some(it.raw_os_error()))
}

/// Everything that the loop hears.
struct Inlets {
    keys: mpsc::Receiver<Input>,
    hangup: oneshot::Receiver<()>,
    events: mpsc::Receiver<Event>,
    signals: Signals,
    /// The operations that were taken over here.
    ended: JoinSet<(OperationId, Option<Outcome>)>,
}

struct Signals {
    resized: Signal,
    continued: Signal,
    terminate: Signal,
    hung_up: Signal,
    interrupt: Signal,
}

impl Signals {
    fn open() -> io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))?,
            terminate: signal(SignalKind::terminate())?,
            hung_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// One thing that the loop heard.
enum Heard {
    Input(Input),
    Engine(Event),
    /// An operation that was taken over here came to its end.
    Over(OperationId, Option<Outcome>),
    Resized,
    /// Time that the app asked for has passed.
    Tick,
    /// The question on the screen was there long enough.
    Seen,
    Continued,
    Ended(Ending),
}

struct Console {
    handle: Handle,
    app: App,
    theme: Theme,
    multiplexer: Multiplexer,
    painter: Painter<Output>,
    /// Runs while a question is on the screen that cannot be answered yet.
    unseen: Option<Pin<Box<Sleep>>>,
    /// Whether the operator left so that operations go on.
    goes_on: bool,
}

impl Console {
    fn new(handle: Handle, options: Options) -> Self {
        let mut app = App::new(
            Arc::new(options.keymap),
            handle.config().policy.clone(),
            handle.observation(),
            handle.clock().now(),
            terminal::size(),
        );
        app.on_quit = options.on_quit;
        app.cannot_detach = handle.why_not_detach();
        Self {
            handle,
            app,
            theme: options.theme,
            multiplexer: options.multiplexer,
            painter: Painter::new(terminal::output()),
            unseen: None,
            goes_on: false,
        }
    }

    async fn serve(&mut self, inlets: &mut Inlets, held: &mut Held) -> io::Result<Ending> {
        loop {
            let heard = self.hear(inlets).await;
            if let Some(ending) = self.take(heard, inlets, held).await? {
                return Ok(ending);
            }
            // What has queued up meanwhile is one frame.
            for _ in 0..N_DRAINED_MAX {
                let next = inlets.keys.try_recv().map(Heard::Input);
                let next = next.or_else(|_| inlets.events.try_recv().map(Heard::Engine));
                let Ok(heard) = next else {
                    break;
                };
                if let Some(ending) = self.take(heard, inlets, held).await? {
                    return Ok(ending);
                }
            }
            self.paint()?;
        }
    }

    /// Waits for the next thing to happen.
    async fn hear(&mut self, inlets: &mut Inlets) -> Heard {
        let clock = self.handle.clock();
        let tick = after(self.app.tick_in().map(|it| clock.sleep_for(it)));
        let seen = async {
            match &mut self.unseen {
                Some(it) => it.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = inlets.signals.terminate.recv() => Heard::Ended(Ending::Signal(process::Signal::TERM.as_raw())),
            _ = inlets.signals.interrupt.recv() => Heard::Ended(Ending::Signal(process::Signal::INT.as_raw())),
            _ = inlets.signals.hung_up.recv() => Heard::Ended(Ending::TerminalGone),
            _ = &mut inlets.hangup => Heard::Ended(Ending::TerminalGone),
            key = inlets.keys.recv() => key.map_or(Heard::Ended(Ending::TerminalGone), Heard::Input),
            _ = inlets.signals.resized.recv() => Heard::Resized,
            _ = inlets.signals.continued.recv() => Heard::Continued,
            Some(event) = inlets.events.recv() => Heard::Engine(event),
            Some(Ok((id, outcome))) = inlets.ended.join_next() => Heard::Over(id, outcome),
            () = seen => Heard::Seen,
            () = tick => Heard::Tick,
        }
    }

    async fn take(
        &mut self,
        heard: Heard,
        inlets: &mut Inlets,
        held: &mut Held,
    ) -> io::Result<Option<Ending>> {
        let msg = match heard {
            Heard::Ended(ending) => return Ok(Some(ending)),
            Heard::Continued => {
                // Someone else stopped us, and the shell has changed the modes.
                held.release();
                held.take_again()?;
                self.painter.forget();
                Msg::Resize(terminal::size())
            }
            Heard::Input(Input::Key(key)) => {
                // Whoever still types has not looked yet.
                self.unseen = None;
                Msg::Key(key)
            }
            Heard::Input(Input::Paste(text)) => Msg::Paste(text),
            Heard::Input(Input::FocusGained) => Msg::FocusGained,
            Heard::Input(Input::FocusLost) => Msg::FocusLost,
            Heard::Resized => {
                // Even to the same size: it may have been another one for a moment.
                self.painter.forget();
                Msg::Resize(terminal::size())
            }
            // The signal said so already.
            Heard::Input(Input::Resize(..) | Input::Mouse(_)) => return Ok(None),
            // One that waited in the queue is older than what may be on the screen already.
            Heard::Engine(Event::Observed(_)) => {
                Msg::Engine(Event::Observed(self.handle.observation()))
            }
            Heard::Engine(event) => Msg::Engine(event),
            Heard::Over(id, outcome) => {
                self.handle.fetch_operations();
                takeover::notice(&id, outcome)
            }
            Heard::Tick => Msg::Tick,
            Heard::Seen => {
                self.unseen = None;
                Msg::Seen
            }
        };
        for effect in self.update(msg) {
            if let Some(ending) = self.perform(effect, inlets, held).await? {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.app.update(msg, self.handle.clock().now())
    }

    async fn perform(
        &mut self,
        effect: Effect,
        inlets: &mut Inlets,
        held: &mut Held,
    ) -> io::Result<Option<Ending>> {
        match effect {
            Effect::Quit => return Ok(Some(Ending::Quit)),
            Effect::QuitDetached => {
                self.goes_on = true;
                return Ok(Some(Ending::Quit));
            }
            Effect::Submit(submission) => {
                let id = self.handle.submit((*submission).clone());
                self.update(Msg::Submitted(id, submission));
            }
            Effect::Refresh => self.handle.refresh(),
            Effect::FetchConsole(id) => self.handle.fetch_console_output(id),
            Effect::FetchPast(query) => self.handle.fetch_past(*query),
            Effect::FetchOperations => self.handle.fetch_operations(),
            Effect::Tell(id, verdict) => self.tell(id, verdict, inlets),
            Effect::FetchActivities(pool) => self.handle.fetch_activities(pool),
            Effect::Copy(text) => self.copy(&text)?,
            Effect::Forget(observation) => {
                tokio::task::spawn_blocking(move || drop(observation));
            }
            Effect::Redraw => self.painter.forget(),
            Effect::Background => self.stop(inlets, held).await?,
        }
        Ok(None)
    }

    /// Tells an operation what to do; how it ends is heard if it is driven here from now on.
    fn tell(&mut self, id: OperationId, verdict: Verdict, inlets: &mut Inlets) {
        if let Verdict::Adopt { gives_back } = verdict {
            let handle = self.handle.clone();
            // Ends with the driver.
            let adopted = async move { takeover::adopt(&handle, id, gives_back).await };
            inlets.ended.spawn(adopted);
            return;
        }
        match takeover::tell(&self.handle, &id, verdict) {
            Ok(Some(ended)) => {
                // Ends with the driver.
                inlets.ended.spawn(async move { (id, ended.await.ok()) });
            }
            Ok(None) => {}
            Err(error) => {
                self.update(Msg::Notice(Severity::Failure, error.to_string()));
            }
        }
        self.handle.fetch_operations();
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let notice = match clipboard::sequence(text, self.multiplexer) {
            Ok(bytes) => {
                self.painter.write(&bytes)?;
                // The terminal does not answer: whether it kept the text is not known.
                let first = text.lines().next().unwrap_or("");
                Msg::Notice(
                    Severity::Note,
                    format!("sent to the terminal's clipboard: {first}"),
                )
            }
            Err(why) => Msg::Notice(Severity::Warning, why),
        };
        self.update(notice);
        Ok(())
    }

    /// Stops the process, as `ctrl-z` does elsewhere, and comes back when it is continued.
    async fn stop(&mut self, inlets: &mut Inlets, held: &mut Held) -> io::Result<()> {
        held.release();
        // The whole group: a wrapper that started us has to stop as well.
        kill_current_process_group(process::Signal::TSTP)?;
        let was_stopped = tokio::select! {
            _ = inlets.signals.continued.recv() => true,
            () = tokio::time::sleep(STOP_MAX) => false,
        };
        held.take_again()?;
        self.painter.forget();
        self.update(Msg::Resize(terminal::size()));
        if !was_stopped {
            let why = "there is no shell to return to: the console was not stopped";
            self.update(Msg::Notice(Severity::Warning, why.to_owned()));
        }
        Ok(())
    }

    fn paint(&mut self) -> io::Result<()> {
        let (app, theme) = (&self.app, &self.theme);
        let Size { width, height } = app.size;
        self.painter.paint(Size { width, height }, |buffer| {
            view::draw(buffer, app, theme)
        })?;
        self.update(Msg::Painted);
        let seen_in = self.app.seen_in();
        self.unseen = seen_in.map(|it| {
            self.unseen
                .take()
                .unwrap_or_else(|| Box::pin(tokio::time::sleep(it)))
        });
        Ok(())
    }
}

/// Sleeps, or never ends.
async fn after(duration: Option<Duration>) {
    match duration {
        Some(it) => tokio::time::sleep(it).await,
        None => std::future::pending().await,
    }
}
