//! Letters that take two columns.
//!
//! A buffer may hold half of one: what was drawn later covers the other half. No terminal
//! shows halves, and each has its own idea of what is left, so a frame is made whole first.

use ratatui::buffer::{Buffer, Cell};
use unicode_width::UnicodeWidthStr as _;

/// What stands in the second column of a wide letter: nothing, not even a blank.
const TAIL: &str = "";

/// Gives every wide letter its second column, and turns one without room into a blank.
pub(super) fn make_whole(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        let mut x = 0;
        while x < row.len() {
            if !is_wide(&row[x]) {
                x += 1;
                continue;
            }
            // ratatui leaves a blank behind a wide letter; anything else was drawn over it.
            let has_room = row.get(x + 1).is_some_and(|it| it.symbol() == " ");
            if has_room {
                let mut tail = row[x].clone();
                tail.set_symbol(TAIL);
                row[x + 1] = tail;
                x += 2;
            } else {
                row[x].set_symbol(" ");
                x += 1;
            }
        }
    }
}

/// Returns the cells to write, left to right, so that `shown` becomes `next`; both are whole.
pub(super) fn changed<'a>(
    shown: &'a Buffer,
    next: &'a Buffer,
) -> impl Iterator<Item = (u16, u16, &'a Cell)> {
    let width = next.area.width.max(1);
    let columns = (0..).flat_map(move |y| (0..width).map(move |x| (x, y)));
    let cells = shown.content.iter().zip(&next.content).zip(columns);
    // A tail is written with its letter.
    cells.filter_map(|((shown, next), (x, y))| {
        (shown != next && next.symbol() != TAIL).then_some((x, y, next))
    })
}

fn is_wide(cell: &Cell) -> bool {
    // Nearly every cell is one byte, and those need no table.
    1 < cell.symbol().len() && 1 < cell.symbol().width()
}
