//! A drill: the console on a simulated platform, a fault that the trainee does not know, and what they made of it.
//!
//! What is seen of the trainee is [`Seen`], plain data taken from the App after every batch; [`Drill::see`] is pure, and
//! what it wants of the world leaves as a [`Cue`]. [`score`] makes the last page of it.

pub mod cases;
pub mod score;
mod watch;

use crate::domain::verdict::Level;
use crate::runbook::machine::RunState;
use cases::{Case, Goal, Twist};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Signals count as recovered once they held for so long; recovered they were when that began.
const HELD: SignedDuration = SignedDuration::from_secs(15);
/// The most stops of the path that are kept.
const STOPS: usize = 200;
/// How fast time runs where nothing is decided.
const BRISK: f64 = 5.0;

/// What a drill wants of the simulated world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cue {
    /// Its time runs so many times as fast as the machine's.
    Pace(f64),
    /// Its time is this moment now.
    Leap(Timestamp),
    /// Somebody else has mended the cause.
    Mend,
    /// Somebody else writes to the path of Vault that is being worked on.
    MoveVault,
}

/// What the screen shows of an object, as far as it tells something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A list, with the object under the cursor.
    List,
    /// The alerts.
    Alerts,
    /// The object itself, in words or lines.
    Closely,
    /// What tells its trouble: its rollout, its signals, why it is judged so.
    Evidence,
}

/// The run that is carried out, as far as a drill needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunSeen {
    /// Its id.
    pub id: String,
    /// Its runbook.
    pub runbook: String,
    /// The workload it is about, by name.
    pub subject: Option<String>,
    /// Its parameters, as they are shown.
    pub params: BTreeMap<String, String>,
    /// The runbooks it has called so far, each with what it was given.
    pub calls: Vec<(String, BTreeMap<String, String>)>,
    /// Whether it is of a kind that changes something.
    pub changes: bool,
    /// Whether something was changed.
    pub effects: bool,
    /// A person went past what was seen to be false.
    pub past_red: Option<String>,
    /// A person is asked.
    pub asks: bool,
    /// It lets time pass until then.
    pub waits_until: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<RunState>,
}

/// What is seen of the trainee and of the service at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// What is looked at: how, the workload by name, and the words for the path.
    pub look: Option<(Look, Option<String>, String)>,
    /// How well each workload is judged, by name.
    pub levels: BTreeMap<String, Level>,
    /// The run.
    pub run: Option<RunSeen>,
}

/// A wrong turn, and what would have told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub what: String,
    /// What would have told.
    pub told: String,
}

/// The moments that count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// The right thing was looked at for the first time.
    pub noticed: Option<Timestamp>,
    /// Somebody said that they have it.
    pub acknowledged: Option<Timestamp>,
    /// The right evidence was opened, or the right runbook begun on the right object.
    pub diagnosed: Option<Timestamp>,
    /// A runbook that fits was begun on what it is for.
    pub decided: Option<Timestamp>,
    /// The goal was reached.
    pub reached: Option<Timestamp>,
    /// Where the trainee was, in order.
    pub path: Vec<(Timestamp, String)>,
    /// What did not help.
    pub turns: Vec<Turn>,
}

/// One drill.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent things that happened or not, not one state"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct Drill {
    /// What is rehearsed.
    pub case: &'static Case,
    /// The runbook that was asked for.
    pub runbook: Option<Arc<str>>,
    /// Which of all drills it is.
    pub seed: u64,
    /// Time runs faster where nothing is decided.
    pub fast: bool,
    /// When the trainee began; before that, time stands still.
    pub began: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// What counted.
    pub marks: Marks,
    /// Another one is wanted.
    pub again: bool,
    hurt: bool,
    well_since: Option<Timestamp>,
    runs: Vec<String>,
    judged: Vec<(String, &'static str)>,
    twisted: bool,
    /// Whether the pace was ever told, and which was told last.
    pace: Option<f64>,
    leapt: Option<Timestamp>,
}

impl Drill {
    /// A drill of a case that nobody has begun.
    pub fn new(case: &'static Case, runbook: Option<Arc<str>>, seed: u64, fast: bool) -> Self {
        Self {
            case,
            runbook,
            seed,
            fast,
            began: None,
            ended: None,
            marks: Marks::default(),
            again: false,
            hurt: false,
            well_since: None,
            runs: Vec::new(),
            judged: Vec::new(),
            twisted: false,
            pace: None,
            leapt: None,
        }
    }

    /// Whether every screen is explained: the first drill, without a fault.
    pub fn guided(&self) -> bool {
        self.seed == 0
    }

    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.began.is_some() && self.ended.is_none()
    }

    /// The trainee begins.
    pub fn begin(&mut self, now: Timestamp) {
        self.began.get_or_insert(now);
    }

    /// The trainee says that they have it.
    pub fn acknowledge(&mut self, now: Timestamp) {
        if self.goes_on() {
            self.marks.acknowledged.get_or_insert(now);
        }
    }

    /// It is over, however far it came.
    pub fn end(&mut self, now: Timestamp) {
        if self.began.is_some() {
            self.ended.get_or_insert(now);
        }
    }

    /// Whether nothing more is to be done: the goal is reached and no run goes on.
    pub fn is_done(&self, seen: &Seen) -> bool {
        let idle = seen.run.as_ref().is_none_or(|run| run.ended.is_some());
        self.goes_on() && self.marks.reached.is_some() && idle
    }

    /// Takes in what is seen now; says what the world is to do.
    pub fn see(&mut self, seen: &Seen, now: Timestamp) -> Vec<Cue> {
        let mut cues = Vec::new();
        if self.goes_on() {
            self.follow(seen, now);
            self.look(seen, now);
            if let Some(run) = &seen.run {
                self.judge(run, seen, now);
            }
            self.reach(seen, now);
            cues.extend(self.twist(seen, now));
        }
        cues.extend(self.tempo(seen));
        cues
    }

    fn follow(&mut self, seen: &Seen, now: Timestamp) {
        let Some((.., words)) = &seen.look else {
            return;
        };
        let path = &mut self.marks.path;
        if path.len() < STOPS && path.last().is_none_or(|(_, last)| last != words) {
            path.push((now, words.clone()));
        }
    }

    fn look(&mut self, seen: &Seen, now: Timestamp) {
        let Some((look, object, _)) = &seen.look else {
            return;
        };
        let right = object.as_deref() == Some(self.case.subject);
        if (right && *look != Look::List) || *look == Look::Alerts {
            self.marks.noticed.get_or_insert(now);
        }
        if right && *look == Look::Evidence && self.case.goal == Goal::Recover {
            self.marks.diagnosed.get_or_insert(now);
        }
    }

    /// Whether a run is one that fits: its runbook, its parameters and its object.
    fn fits(&self, run: &RunSeen) -> bool {
        if self.guided() {
            return true;
        }
        let called = run.calls.iter().map(|(book, given)| (book, given));
        let mut begun = called.chain([(&run.runbook, &run.params)]);
        let meant = begun.any(|(book, given)| {
            let with =
                |(name, value): &(&str, &str)| given.get(*name).is_some_and(|said| said == value);
            let mut cures = self.case.cures.iter();
            cures.any(|cure| cure.runbook == book && cure.with.iter().all(with))
        });
        meant && self.is_about_subject(run)
    }

    /// A run that names no workload is about the whole namespace.
    fn is_about_subject(&self, run: &RunSeen) -> bool {
        let subject = run.subject.as_deref();
        subject.is_none_or(|subject| subject == self.case.subject)
    }

    fn judge(&mut self, run: &RunSeen, seen: &Seen, now: Timestamp) {
        if !self.runs.contains(&run.id) {
            self.runs.push(run.id.clone());
            let on = run
                .subject
                .as_deref()
                .map_or_else(String::new, |s| format!(" on {s}"));
            self.marks
                .path
                .push((now, format!("began {}{on}", run.runbook)));
        }
        // Which object a run is about, and what it was given, is settled on its first steps.
        if self.fits(run) {
            self.marks.noticed.get_or_insert(now);
            self.marks.diagnosed.get_or_insert(now);
            self.marks.decided.get_or_insert(now);
        } else if run.effects || run.ended.is_none() && run.asks {
            self.astray(run, seen, now);
        }
        if let Some(words) = &run.past_red {
            self.turn(
                (&run.id, "red"),
                now,
                format!("went on over a red line: {words}"),
                "A red line is what was looked at and is not so; it stays in the record with the name of whoever went past it.".into(),
            );
        }
        if run.ended == Some(RunState::Failed) && run.effects {
            self.turn(
                (&run.id, "left"),
                now,
                format!("ended {} with its change left half-way", run.runbook),
                "The run's own page lists what is left in the world; undo goes back to the last barrier.".into(),
            );
        }
    }

    /// A run that does not fit, and what would have told.
    fn astray(&mut self, run: &RunSeen, seen: &Seen, now: Timestamp) {
        if self.guided() || !run.changes && self.case.cures.is_empty() {
            return;
        }
        let subject = run.subject.as_deref().unwrap_or("the namespace");
        let what = format!("{} on {subject}", run.runbook);
        let vain = self.case.vain.iter().find(|vain| {
            let mut called = run.calls.iter();
            vain.runbook == run.runbook || called.any(|(book, _)| book == vain.runbook)
        });
        let elsewhere = !self.is_about_subject(run);
        if elsewhere && run.changes {
            let well = seen.levels.get(subject) == Some(&Level::Healthy);
            let told = if well {
                format!(
                    "{subject} was within its limits: its row, and why it is judged so, say it."
                )
            } else {
                format!("The page was about {}.", self.case.subject)
            };
            self.turn((&run.id, "elsewhere"), now, what, told);
        } else if let Some(vain) = vain {
            self.turn((&run.id, "vain"), now, what, vain.told.into());
        }
    }

    fn turn(&mut self, once: (&str, &'static str), at: Timestamp, what: String, told: String) {
        let once = (once.0.to_owned(), once.1);
        if !self.judged.contains(&once) {
            self.judged.push(once);
            self.marks.turns.push(Turn { at, what, told });
        }
    }

    fn reach(&mut self, seen: &Seen, now: Timestamp) {
        if self.marks.reached.is_some() {
            return;
        }
        match self.case.goal {
            Goal::Recover => self.recover(seen, now),
            Goal::Finish | Goal::StopInTime => {
                let Some(run) = seen.run.as_ref().filter(|run| self.fits(run)) else {
                    return;
                };
                let ended = match run.ended {
                    None => false,
                    Some(_) if self.guided() => true,
                    Some(_) if self.case.goal == Goal::StopInTime => !run.effects,
                    Some(state) if run.changes => {
                        matches!(state, RunState::Succeeded | RunState::RolledBack)
                    }
                    Some(_) => true,
                };
                if ended {
                    self.marks.reached = Some(now);
                }
            }
        }
    }

    fn recover(&mut self, seen: &Seen, now: Timestamp) {
        match seen.levels.get(self.case.subject) {
            Some(Level::Healthy) if self.hurt => {
                let since = *self.well_since.get_or_insert(now);
                if now.duration_since(since) >= HELD {
                    self.marks.reached = Some(since);
                }
            }
            Some(Level::Failing | Level::Watch) => {
                self.hurt = true;
                self.well_since = None;
            }
            _ => self.well_since = None,
        }
    }

    fn twist(&mut self, seen: &Seen, now: Timestamp) -> Option<Cue> {
        if self.twisted {
            return None;
        }
        let cue = match self.case.twist? {
            Twist::Mended(after) => {
                let due = self.marks.diagnosed? + SignedDuration::from_secs(after);
                (now >= due).then_some(Cue::Mend)
            }
            Twist::VaultMoves => {
                let run = seen.run.as_ref()?;
                (run.effects && run.ended.is_none()).then_some(Cue::MoveVault)
            }
        };
        self.twisted = cue.is_some();
        cue
    }

    /// How fast time runs: it stands while the opening page is read, and runs where nothing is decided.
    fn tempo(&mut self, seen: &Seen) -> Option<Cue> {
        let run = seen
            .run
            .as_ref()
            .filter(|run| run.ended.is_none() && !run.asks);
        if let Some(until) = run.and_then(|run| run.waits_until)
            && self.fast
            && self.goes_on()
            && self.leapt != Some(until)
        {
            self.leapt = Some(until);
            return Some(Cue::Leap(until));
        }
        let mending = self.case.twist.is_some_and(|twist| {
            matches!(twist, Twist::Mended(_))
                && self.marks.diagnosed.is_some()
                && seen.run.is_none()
        });
        let cured = seen.run.as_ref().is_some_and(|run| {
            run.ended == Some(RunState::Succeeded) && self.marks.reached.is_none()
        });
        let pace = match () {
            () if self.began.is_none() => 0.0,
            () if self.fast && self.goes_on() && (run.is_some() || mending || cured) => BRISK,
            () => 1.0,
        };
        (self.pace.replace(pace) != Some(pace)).then_some(Cue::Pace(pace))
    }
}

#[cfg(test)]
mod tests;
