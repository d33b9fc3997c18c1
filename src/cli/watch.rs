//! A listing again and again, until Ctrl-C.

use super::{
    Error, Exit, Format, Session,
    listing::Listing,
    session::{self, Interrupts},
};

/// Writes the listing whenever something changed; on a terminal a table is drawn in place.
pub(super) async fn run(session: &mut Session<'_>, listing: &Listing) -> Result<Exit, Error> {
    let is_table = listing.flags.output == Format::Table;
    let is_drawn = is_table && session.printer.terminal.stdout_is_terminal;
    let mut sight = session.read_all(listing.flags.timeout).await?;
    let mut interrupts = Interrupts::new();
    let mut last = None;
    let mut warned = Vec::new();
    if is_drawn {
        session.printer.begin_redraw()?;
    }
    loop {
        let text = listing.text(session, &mut sight).await?;
        let heading = format!("{}\n", sight.observation.at);
        let is_new = last.as_ref() != Some(&text.fingerprint);
        let warnings: Vec<String> = sight.warnings().collect();
        if is_drawn {
            let mut picture = heading + &text.body;
            for line in warnings.iter().chain(&text.note) {
                picture += line;
                picture.push('\n');
            }
            session.printer.redraw(&picture, text.has_titles)?;
        } else {
            if is_new && is_table {
                // A blank line ends what was seen at one time.
                let gap = if last.is_some() { "\n" } else { "" };
                session
                    .printer
                    .data(&format!("{gap}{heading}{}", text.body))?;
            } else if is_new {
                session.printer.data(&text.body)?;
            }
            for (line, (source, failure)) in warnings.iter().zip(&sight.failures) {
                // A source that stays silent is told of once, not at every reading.
                if !warned.contains(&(source.clone(), failure.kind)) {
                    session.printer.warn(line);
                }
            }
        }
        let failures = sight.failures.iter();
        warned = failures
            .map(|(source, it)| (source.clone(), it.kind))
            .collect();
        last = Some(text.fingerprint);
        if session.printer.is_closed() {
            return Ok(Exit::Done);
        }
        tokio::select! {
            event = session.events.recv() => session::hear(event, session.printer)?,
            () = interrupts.next() => return Ok(Exit::Done),
        }
        sight = session.sight(None);
    }
}
