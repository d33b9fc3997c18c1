//! Layers on each other, so that their height is a sum; what is not known stands on top as a question.

use ratatui::layout::Rect;

use super::Scale;
use crate::tui::{theme::Role, widget::Canvas};

/// One part of a sum, in columns of cells.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// What its area is filled with: layers are told apart without any colour.
    pub(crate) fill: &'static str,
    pub(crate) role: Role,
    /// None where it is not known.
    pub(crate) values: Vec<Option<f64>>,
}

/// Draws layers on each other, the first at the bottom.
///
/// A column with a layer that is not known has a sign on top: the sum is at least this.
pub(crate) fn stack(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scale: &Scale,
    layers: &[Layer],
    cursor: Option<usize>,
) {
    for column_idx in 0..usize::from(area.width) {
        let is_read = cursor == Some(column_idx);
        column(canvas, area, scale, layers, column_idx, is_read);
    }
}

fn column(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scale: &Scale,
    layers: &[Layer],
    column_idx: usize,
    is_read: bool,
) {
    let values: Vec<Option<f64>> = layers
        .iter()
        .map(|it| it.values.get(column_idx).copied().flatten())
        .map(|it| it.filter(|it| it.is_finite()))
        .collect();
    if values.iter().all(Option::is_none) {
        return;
    }
    let Ok(offset) = u16::try_from(column_idx) else {
        return;
    };
    let (x, glyphs) = (area.x + offset, canvas.glyphs());
    let per_row = (scale.top - scale.bottom) / f64::from(area.height.max(1));
    let sum: f64 = values.iter().flatten().map(|it| it.max(0.0)).sum();
    let rows = sum / per_row;
    let mut y = area.bottom();
    for row in 0..area.height {
        let row = f64::from(row);
        if rows <= row {
            break;
        }
        // The layer in the middle of what the sum fills of the cell.
        let at = (row + (rows - row).min(1.0) / 2.0) * per_row;
        let Some(layer) = layer_at(layers, &values, at) else {
            break;
        };
        y -= 1;
        // The top of the sum is as exact as the letters allow.
        let part = glyphs.eighths(rows - row);
        // The column that is read keeps its signs, and stands out by its colour.
        let role = if is_read { Role::Cursor } else { layer.role };
        canvas.put(x, y, 1, part.unwrap_or(layer.fill), role);
    }
    let is_unknown = values.iter().any(Option::is_none);
    if is_unknown && area.top() < y {
        canvas.put(x, y - 1, 1, "?", Role::Unknown);
    }
}

fn layer_at<'a>(layers: &'a [Layer], values: &[Option<f64>], at: f64) -> Option<&'a Layer> {
    let mut top = 0.0;
    let parts = layers.iter().zip(values);
    let known = parts.filter_map(|(layer, value)| Some((layer, value.as_ref()?.max(0.0))));
    let mut found = None;
    for (layer, value) in known {
        top += value;
        if 0.0 < value {
            found = Some(layer);
        }
        if at <= top && 0.0 < value {
            return found;
        }
    }
    found
}
