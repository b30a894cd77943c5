//! The parts screens are built from. A widget knows values and a theme, never the App, and what it puts on the
//! screen goes through [`text::put`], which lets nothing through that a terminal could act on.

pub mod ascii;
pub mod canvas;
pub mod chart;
pub mod dialog;
pub mod diff;
pub mod figures;
pub mod gauge;
pub mod keyhints;
pub mod pane;
pub mod scale;
pub mod sparkline;
pub mod table;
pub mod text;
pub mod textview;
pub mod window;

#[cfg(test)]
pub mod sample;
#[cfg(test)]
mod together;
