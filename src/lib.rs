//! Vigie, the lookout: a terminal operations console for people who run a platform on Kubernetes.
//!
//! This page is the map. The house is one crate of floors; a room imports only from the floors below it
//! (`tests/it/tidy.rs` reads the sources and keeps it so):
//!
//! | floor | rooms | may import |
//! |---|---|---|
//! | 0 | [`domain`], [`sim`], [`terminal`] | nothing of ours |
//! | 1 | [`runbook`], [`platform`], [`config`] | `domain` |
//! | 2 | [`app`], [`journal`] | `runbook`, `domain` |
//! | 3 | [`keymap`], [`engine`] | `app`; the engine also `platform`, `journal`, `runbook`, `domain` |
//! | 4 | [`ui`] | `keymap`, `app`, `runbook`, `domain` |
//! | 5 | [`tui`] | `ui`, `engine`, `keymap`, `app`, `terminal`, `domain` |
//! | 6 | [`cli`] | everything below, and it alone imports `sim` |
//! | 7 | `main` | `cli` |
//!
//! Words, small on purpose: a *fact* is something learned, a *command* something the operator asks, a
//! *message* either; an *effect* is something to be done outside; a *verdict* is a judgement with its reason;
//! a *link* says how fresh a source is; a *runbook* is a plan of *steps*, a *run* one execution of it, the
//! *journal* its record; a *screen* is what is shown, a *layer* what lies over it; a *world* is the simulated
//! side; the *target* is the pinned cluster and namespace.
//!
//! Absent on purpose: nothing in `ui` awaits or changes state; `platform` does not know runbooks; `sim`
//! imports nothing of ours, so that a mistake in decoding cannot be mirrored by the same one in encoding;
//! outside `engine`, `tui` and `sim` the present moment is an argument.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod keymap;
pub mod platform;
pub mod runbook;
pub mod sim;
pub mod terminal;
pub mod tui;
pub mod ui;
