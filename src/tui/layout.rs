//! Which part of the screen is whose: the same answer for drawing and for scrolling.

use ratatui::layout::{Rect, Size};

use super::app::View;

/// The band, the body and the foot line of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) band: Rect,
    pub(super) body: Rect,
    pub(super) foot: Rect,
}

/// From this height on there is room for a band of two lines.
const TALL: u16 = 16;
/// From this height on a screen has more than one panel.
const STACKED: u16 = 15;
/// From this width on the lower panels lie side by side.
const WIDE: u16 = 140;

pub(super) fn areas(size: Size) -> Areas {
    let (width, height) = (size.width, size.height);
    let band = match height {
        TALL.. => 2,
        4.. => 1,
        _ => 0,
    };
    let foot = u16::from(3 <= height);
    let body = height.saturating_sub(band + foot);
    Areas {
        band: Rect::new(0, 0, width, band),
        body: Rect::new(0, band, width, body),
        foot: Rect::new(0, band + body, width, foot),
    }
}

/// Returns the areas of a screen's panels, in their order; a panel without room has none.
pub(super) fn panels(size: Size, view: &View) -> Vec<Rect> {
    let body = areas(size).body;
    match view {
        View::Fleet => stack(body, 0),
        View::Pool(_) => stack(body, facts_height(size)),
        View::Executors => two(body),
        View::Instances
        | View::Strays
        | View::Doctor
        | View::Operations
        | View::Activities
        | View::Messages
        | View::Sources => {
            vec![body]
        }
        View::Cost => vec![cost(size).table],
        View::Instance(_)
        | View::Executor(..)
        | View::Operation(_)
        | View::Help
        | View::Graph(_)
        | View::CostGraph(_)
        | View::Utilisation(_)
        | View::Boots(_) => Vec::new(),
    }
}

/// The parts of a graph's screen; one without room has no height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GraphAreas {
    pub(super) title: Rect,
    /// Where the data is from.
    pub(super) notes: Rect,
    pub(super) plot: Rect,
    pub(super) legend: Rect,
    pub(super) readout: Rect,
}

/// How wide an entry of a graph's legend is.
pub(super) const LEGEND_ENTRY: u16 = 19;

/// Divides the body for a graph with so many curves or layers.
pub(super) fn graph(size: Size, n_entries: u16) -> GraphAreas {
    let body = areas(size).body;
    let per_line = (body.width.saturating_sub(1) / LEGEND_ENTRY).max(1);
    let (title, notes, legend, readout) = match body.height {
        18.. => (1, 1, n_entries.div_ceil(per_line).clamp(1, 3), 2),
        11.. => (1, 0, n_entries.div_ceil(per_line).clamp(1, 2), 1),
        7.. => (1, 0, 1, 1),
        5.. => (0, 0, 1, 1),
        3.. => (0, 0, 0, 1),
        _ => (0, 0, 0, 0),
    };
    let plot = body.height - title - notes - legend - readout;
    let mut y = body.y;
    let mut take = |height: u16| {
        let area = Rect { y, height, ..body };
        y += height;
        area
    };
    GraphAreas {
        title: take(title),
        notes: take(notes),
        plot: take(plot),
        legend: take(legend),
        readout: take(readout),
    }
}

/// The parts of the screen of costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CostAreas {
    /// What everything costs together.
    pub(super) facts: Rect,
    pub(super) table: Rect,
}

pub(super) fn cost(size: Size) -> CostAreas {
    let body = areas(size).body;
    let height = match body.height {
        STACKED.. => 5,
        7.. => 1,
        _ => 0,
    };
    CostAreas {
        facts: Rect { height, ..body },
        table: Rect {
            y: body.y + height,
            height: body.height - height,
            ..body
        },
    }
}

/// Returns the area of the facts above a pool's instances.
pub(super) fn pool_facts(size: Size) -> Rect {
    let body = areas(size).body;
    Rect {
        height: facts_height(size),
        ..body
    }
}

fn facts_height(size: Size) -> u16 {
    match areas(size).body.height {
        STACKED.. => 4,
        9.. => 1,
        _ => 0,
    }
}

/// A main panel, and two smaller ones under it where there is room.
fn stack(body: Rect, above: u16) -> Vec<Rect> {
    let none = Rect::new(body.x, body.bottom(), body.width, 0);
    let body = Rect {
        y: body.y + above.min(body.height),
        height: body.height.saturating_sub(above),
        ..body
    };
    if body.height < STACKED - 4 {
        return vec![body, none, none];
    }
    if WIDE <= body.width {
        let low = (body.height / 3).max(5);
        let main = Rect {
            height: body.height - low,
            ..body
        };
        let half = body.width / 2;
        let left = Rect::new(body.x, main.bottom(), half, low);
        let right = Rect::new(body.x + half + 1, main.bottom(), body.width - half - 1, low);
        return vec![main, left, right];
    }
    let low = (body.height / 4).max(4);
    let main = Rect {
        height: body.height - 2 * low,
        ..body
    };
    let waiting = Rect::new(body.x, main.bottom(), body.width, low);
    let feed = Rect::new(body.x, waiting.bottom(), body.width, low);
    vec![main, waiting, feed]
}

/// A main panel, and a smaller one under it where there is room.
fn two(body: Rect) -> Vec<Rect> {
    if body.height < STACKED - 4 {
        return vec![body, Rect::new(body.x, body.bottom(), body.width, 0)];
    }
    let low = (body.height / 4).max(4);
    let main = Rect {
        height: body.height - low,
        ..body
    };
    vec![main, Rect::new(body.x, main.bottom(), body.width, low)]
}

/// Returns how many rows a panel shows: what its title and its head leave.
pub(super) fn n_rows(panel: Rect) -> usize {
    usize::from(panel.height.saturating_sub(head_height(panel)))
}

/// Returns the lines above a panel's rows: the title, and the column heads where there is room.
pub(super) fn head_height(panel: Rect) -> u16 {
    match panel.height {
        6.. => 2,
        2.. => 1,
        _ => 0,
    }
}
