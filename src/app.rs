//! App: everything the operator can see or has chosen. One owner; [`App::update`] is the only place it changes.
//!
//! Facts and commands go in, effects come out as data. Nothing here reads a clock, a file or a socket.

pub mod act;
mod answer;
pub mod arm;
pub mod ask;
mod browse;
pub mod changes;
pub mod chart;
pub mod cluster;
pub mod command;
pub mod compare;
mod describe;
pub mod desk;
pub mod drill;
pub mod effect;
pub mod explain;
mod go;
pub mod headline;
mod hear;
pub mod incidents;
pub mod judge;
mod keep;
pub mod kind;
pub mod layer;
pub mod lines;
pub mod links;
pub mod list;
pub mod logs;
pub mod message;
pub mod moments;
mod motion;
pub mod needs;
pub mod next;
mod offers;
pub mod own_links;
pub mod palette;
pub mod panes;
mod perform;
pub mod places;
pub mod reading;
mod retell;
pub mod roster;
pub mod runs;
#[cfg(test)]
mod scale;
pub mod screen;
pub mod services;
pub mod signals;
pub mod state;
pub mod stock;
pub mod table;
pub mod text;
pub mod told;
pub mod trail;
mod update;
pub mod wants;

pub use state::{App, HORIZON, Headline, Settings};
