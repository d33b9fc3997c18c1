//! The console without a terminal: keys in, effects and screens out.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up fails there"
)]

mod acting;
mod agents;
mod asking;
mod budget;
mod chaos;
mod data;
mod goldens;
mod graphs;
mod headless;
mod known;
mod money;
mod moving;
mod operating;
mod reading;
mod robot;
mod shapes;
mod sources;
mod svg;
