//! A graph over time: fixed scales with round ticks, gaps that stay gaps, marks as well as colours.
//!
//! ratatui's `Chart` spaces its labels evenly instead of at round values, joins
//! points across a gap, and has no ASCII; so this is our own.

mod axes;
mod extent;
mod lines;
mod raster;
mod scale;
mod stack;
mod window;

pub(crate) use axes::{Axes, Sign};
pub(crate) use extent::{Extent, extents, merged};
pub(crate) use lines::{Curve, lines};
pub(crate) use scale::{Scale, Unit, short_number};
pub(crate) use stack::{Layer, stack};
pub(crate) use window::Window;
