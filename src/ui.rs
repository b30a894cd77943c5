//! Draws the App. Only reads; one file per thing you can point at.

pub mod theme;
pub mod widget;
