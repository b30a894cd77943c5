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
//! *journal* its record of *entries*; a *screen* is what is shown, a *layer* what lies over it; a *world* is the
//! simulated side and a *scenario* what goes wrong in it; the *target* is the pinned cluster and namespace.
//!
//! Where a change begins:
//!
//! | to | begin in | then |
//! |---|---|---|
//! | show another column of the pods | `ui/pods.rs` | a new fact: `domain/pod.rs`, read in `platform/kubernetes/pod.rs` and its twin `platform/kubernetes/protobuf/pod.rs` |
//! | watch another kind | `app/kind.rs` | `platform/kubernetes/kinds.rs`, `engine/watches.rs` |
//! | know another metric family | `platform/prometheus/families.rs` | the simulated pods export it in `sim/series/store.rs` |
//! | judge a workload by something else | `app/judge.rs` | its figures come from `domain/signal.rs` |
//! | check something before a run | `runbook/preflight.rs` | its facts are gathered in `engine/runs/state.rs` |
//! | teach runbooks a step | `runbook/model/step.rs` | read in `runbook/format/steps.rs`, carried out in `runbook/machine/act.rs` |
//! | add a screen | `app/screen.rs` | drawn in a file of `ui`, opened by `keymap/table.rs` |
//! | add a configuration key | `config/settings.rs` | the example file follows, a test compares |
//! | add a subcommand | `cli/args.rs` | a file of its own in `cli` |
//! | write something else into an incident | `domain/incident/event.rs` | what may follow what: `domain/incident/fold.rs`, its sentence: `domain/incident/words.rs` |
//! | let something else go wrong | `sim/scenario.rs` | told in `sim/story.rs` |
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
