//! Keys from the terminal, and the news that the terminal is gone.
//!
//! Two threads of their own: reading a terminal that vanished spins inside the
//! library that parses keys, and the loop must hear of it all the same.

use std::{io, thread};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::{mpsc, oneshot};

/// More than anyone types while a frame is drawn; a paste is one event.
const N_EVENTS_MAX: usize = 1024;

/// Starts to read; the thread ends when the receiver is dropped, or with the terminal.
pub(super) fn keys() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(N_EVENTS_MAX);
    thread::spawn(move || {
        while wait_for(PollFlags::IN) {
            // Ready means that this does not block, but for the rest of a sequence.
            let Ok(event) = event::read() else {
                return;
            };
            if sender.blocking_send(event).is_err() {
                return;
            }
            while let Ok(true) = event::poll(std::time::Duration::ZERO) {
                let Ok(event) = event::read() else {
                    return;
                };
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// Starts to watch for the end of the terminal; the thread ends with it.
pub(super) fn hangup() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        wait_for(PollFlags::empty());
        // The loop may have ended before.
        let _ = sender.send(());
    });
    receiver
}

/// Waits until standard input is ready for `wanted`; false when it is gone.
fn wait_for(wanted: PollFlags) -> bool {
    loop {
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, wanted)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
            Ok(_) => {
                let seen = fds[0].revents();
                if seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                    return false;
                }
                if seen.intersects(wanted) {
                    return true;
                }
            }
        }
    }
}
