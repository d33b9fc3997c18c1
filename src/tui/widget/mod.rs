//! Pieces that every screen is made of. Nothing here knows the app.

mod bar;
mod canvas;
mod graph;
mod table;

pub(super) use bar::{bar, role_of};
pub(super) use canvas::{Canvas, Span, width_of};
pub(super) use graph::{
    Axes, Curve, Extent, Layer, Scale, Sign, Unit, Window, extents, lines, merged, short_number,
    stack,
};
pub(super) use table::{Cell, Column, RowState, Table, fit};
