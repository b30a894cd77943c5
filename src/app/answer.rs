//! What an operator does at runs and runbooks: choosing an answer, typing a confirmation, starting, holding, undoing,
//! arming. Keys arrive here as commands and leave as the commands of [`super::runs`]; nothing is decided for anybody.

use super::ask::{Entered, Form, Leads, Purpose, choices, decision, form, rules};
use super::command::{Command, Motion};
use super::desk::{RUN_PAGES, Subject, WHY};
use super::effect::Effect;
use super::layer::Layer;
use super::list;
use super::next;
use super::runs::order::{RunOrder, RunRequest};
use super::runs::shelf::{Book, PastRun};
use super::screen::Screen;
use super::state::App;
use crate::domain::hidden::Hidden;
use crate::domain::object::ObjectRef;
use crate::domain::verdict::Level;
use crate::runbook::machine::{AskKind, Decision, Run};
use std::sync::Arc;

/// The runbook that goes back.
const ROLLBACK: &str = "rollback";

impl App {
    /// The run the present screen shows, if it is the one carried out here.
    pub fn shown_run(&self) -> Option<&Run> {
        let Screen::Run(id) = &self.here().screen else {
            return None;
        };
        let run = self.runs.present.as_deref();
        run.filter(|run| run.start().run.as_str() == &**id)
    }

    /// The runbooks that pass the filter, the suggested one first, broken ones last.
    pub fn books(&self) -> Vec<&Book> {
        let filter = &self.here().place.filter;
        let suggested = self.goes_back();
        let mut books: Vec<&Book> = self
            .runs
            .library
            .iter()
            .filter(|book| {
                let title = book.book.as_ref().map_or("", |book| book.title.as_str());
                list::passes(filter, &[&book.id, title])
            })
            .collect();
        books.sort_by_key(|book| (!(suggested && &*book.id == ROLLBACK), book.book.is_err()));
        books
    }

    /// Whether a runbook is the suggested one.
    pub fn suggests(&self, book: &Book) -> bool {
        &*book.id == ROLLBACK && self.goes_back()
    }

    /// Whether going back is suggested now for what the runbooks were opened for: not whether it was when they were.
    pub fn goes_back(&self) -> bool {
        let subject = self.desk.subject.as_ref();
        let row = subject.and_then(|subject| self.services.find(&subject.object));
        row.map_or(subject.is_some_and(|subject| subject.rollback), |row| {
            row.judgement.rollback
        })
    }

    /// Why going back may not help a workload that fails: nothing when it is suggested, and nothing of what is well.
    pub fn doubt(&self, object: &ObjectRef) -> Option<String> {
        let row = self.services.find(object)?;
        let left = row.judgement.cause.as_ref().is_some_and(|cause| cause.left);
        if row.judgement.rollback && !left {
            return None;
        }
        next::suggestion(row)
    }

    /// The runs that pass the filter, those of other clusters last.
    pub fn past_runs(&self) -> Vec<&PastRun> {
        let filter = &self.here().place.filter;
        let passing = self.runs.past.iter().filter(|run| {
            let target = &run.target;
            let about = [&*run.run, &run.runbook, &target.namespace, &target.context];
            list::passes(filter, &about) || list::passes(filter, &[&run.actor])
        });
        let mut runs: Vec<&PastRun> = passing.collect();
        runs.sort_by_key(|run| !self.is_here(run));
        runs
    }

    /// Obeys what concerns runs on the present screen; `None` leaves it to others.
    pub(super) fn obey_desk(&mut self, command: &Command) -> Option<Vec<Effect>> {
        match command {
            Command::Runbooks => {
                self.desk.subject = self.suspect();
                self.history.open(Screen::Runbooks);
                return Some(Vec::new());
            }
            Command::Arm => {
                let was = self.armed_until.is_some();
                match self.arm() {
                    Ok(form) => self.layers.push(Layer::Form(form)),
                    Err(sentence) => self.tell(sentence),
                }
                let disarmed = was && self.armed_until.is_none();
                return Some(Vec::from_iter(
                    disarmed.then(|| self.deed("console.disarmed", None)),
                ));
            }
            _ => {}
        }
        match self.here().screen.clone() {
            Screen::Runbooks => self.at_runbooks(command),
            Screen::Runbook(id) => self.at_runbook(&id, command),
            Screen::Runs => self.at_runs(command),
            Screen::Run(_) => self.at_run(command),
            _ => None,
        }
    }

    /// The workload that is looked at, and whether going back is suggested for it; where none is, the one that fails worst.
    fn suspect(&self) -> Option<Subject> {
        let object = match &self.here().screen {
            Screen::Rollout(object) | Screen::Signals(object) | Screen::Logs(object) => {
                Some(object.clone())
            }
            _ => list::selected(self).map(|item| item.object),
        };
        let named = |object: &ObjectRef| {
            let mut rows = self.services.in_order();
            rows.find(|row| row.object == *object).or_else(|| {
                self.services
                    .in_order()
                    .find(|row| row.object.name == object.name)
            })
        };
        let looked_at = object.as_ref().and_then(|object| {
            let owner = || {
                let pod = self.pods_of(object).next()?;
                Some(self.cluster.workload_of(pod)?.object())
            };
            named(object).or_else(|| named(&owner()?))
        });
        let row = looked_at.or_else(|| {
            let mut rows = self.services.in_order();
            rows.next().filter(|row| row.level() == Level::Failing)
        })?;
        Some(Subject {
            object: row.object.clone(),
            rollback: row.judgement.rollback,
        })
    }

    fn at_runbooks(&mut self, command: &Command) -> Option<Vec<Effect>> {
        if *command != Command::Enter {
            return None;
        }
        if let Some(item) = list::selected(self) {
            self.history.open(Screen::Runbook(item.object.name));
        }
        Some(Vec::new())
    }

    fn at_runbook(&mut self, id: &Arc<str>, command: &Command) -> Option<Vec<Effect>> {
        match command {
            Command::FillIn => self.fill_in(id),
            // A choice that decides what becomes of everybody's sessions is made before, not left at its default.
            Command::Enter if self.wants_form(id) => self.fill_in(id),
            Command::Enter => {
                let request = RunRequest::new(id, self.given(id));
                return Some(self.obey_run(Command::StartRun(Box::new(request))));
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn at_runs(&mut self, command: &Command) -> Option<Vec<Effect>> {
        if *command != Command::Enter {
            return None;
        }
        let Some(item) = list::selected(self) else {
            return Some(Vec::new());
        };
        let present = self.runs.present.as_ref();
        // One that somebody else carries by now is not opened as it was, but taken up anew.
        let lost = self.runs.lost().is_some();
        if !lost && present.is_some_and(|run| run.start().run.as_str() == &*item.object.name) {
            self.history.open(Screen::Run(item.object.name));
            return Some(Vec::new());
        }
        let past = self.runs.past.iter();
        let mut past = past.filter(|run| run.run == item.object.name);
        if let Some(run) = past.find(|run| !self.is_here(run)) {
            self.tell(Self::elsewhere(run));
            return Some(Vec::new());
        }
        Some(self.obey_run(Command::ResumeRun {
            run: item.object.name,
            answers: crate::runbook::machine::Answers::default(),
        }))
    }

    fn at_run(&mut self, command: &Command) -> Option<Vec<Effect>> {
        let run = self.shown_run()?;
        let asked = run.ask().is_some() && self.runs.lost().is_none();
        match command {
            Command::Move(Motion::Down | Motion::Up)
                if asked && self.here().place.pane.is_multiple_of(RUN_PAGES) =>
            {
                let (mut desk, down) = (self.desk.clone(), *command == Command::Move(Motion::Down));
                desk.step(run, down);
                self.desk = desk;
            }
            Command::Enter if self.runs.lost().is_none() => return Some(self.answer()),
            Command::Escape if self.leaving_is_no() => {
                let effects = self.say_no();
                self.history.back();
                return Some(effects);
            }
            Command::NextPane => {
                let place = &mut self.history.here_mut().place;
                (place.pane, place.top) = (place.pane + 1, 0);
            }
            Command::Why => {
                let place = &mut self.history.here_mut().place;
                let why = place.pane % RUN_PAGES == WHY;
                (place.pane, place.top) = (if why { 0 } else { WHY }, 0);
            }
            Command::Identifiers => self.desk.identifiers = !self.desk.identifiers,
            Command::Hold | Command::Undo | Command::Note | Command::Enter
                if self.runs.lost().is_some() =>
            {
                self.refuse_lost();
            }
            Command::Hold if run.ledger().end.is_some() => self.tell("This run is over."),
            Command::Hold if asked => self.tell("It waits for you already."),
            Command::Hold => {
                self.tell("Holding: after this step a person is asked.");
                return Some(self.obey_run(Command::StopRun));
            }
            Command::Undo => self.undo_form(),
            Command::Note if run.ledger().end.is_some() => self.tell("This run is over."),
            Command::Note => self
                .layers
                .push(Layer::Form(Form::new(Purpose::Note, None))),
            Command::Copy => return Some(self.copy_run()),
            Command::Logs => {
                let object = run
                    .ledger()
                    .steps
                    .iter()
                    .find_map(|step| step.plan.as_ref());
                let object = object.filter(|plan| !plan.object.is_program());
                let object = object.map(|plan| {
                    let object = &plan.object;
                    ObjectRef::new(&object.kind, &object.namespace, &object.name)
                });
                match object {
                    Some(object) => self.history.open(Screen::Logs(object)),
                    None => self.tell("No workload has been settled yet."),
                }
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn undo_form(&mut self) {
        let Some(run) = self.shown_run() else { return };
        if run.ledger().end.is_some() {
            self.tell("This run is over; a new one goes back.");
        } else if run.undo_reach().is_none() {
            self.tell("Nothing to undo: this run has changed nothing that can be taken back.");
        } else {
            let form = Form::new(Purpose::Undo, None);
            self.layers.push(Layer::Form(form));
        }
    }

    fn copy_run(&mut self) -> Vec<Effect> {
        let text = self.shown_run().and_then(rules).or_else(|| {
            let end = self.shown_run()?.ledger().end.clone()?;
            Some(format!(
                "{} {}",
                end.message,
                super::links::update_to_paste(self)
            ))
        });
        let text = text.unwrap_or_else(|| super::links::update_to_paste(self));
        self.tell(super::links::COPIED);
        vec![Effect::Copy(text)]
    }

    /// Takes the chosen answer to the open question.
    fn answer(&mut self) -> Vec<Effect> {
        let Some(run) = self.shown_run() else {
            return Vec::new();
        };
        let Some(ask) = run.ask() else {
            let words = if run.ledger().end.is_some() {
                "This run is over. K opens the runbooks, q goes back."
            } else {
                "Nothing to decide now: it goes on by itself. The key . holds it."
            };
            self.tell(words);
            return Vec::new();
        };
        let chosen = self.desk.chosen(run);
        let Some(choice) = chosen.and_then(|index| choices(run).into_iter().nth(index)) else {
            self.tell("Nothing is chosen yet: j and k choose.");
            return Vec::new();
        };
        match choice.leads {
            Leads::Decide(decision) => self.obey_run(Command::Decide(decision)),
            Leads::Type(purpose) => {
                let form = form(purpose, ask).asked(run.ledger().entries);
                self.layers.push(Layer::Form(form));
                Vec::new()
            }
            Leads::Away => {
                self.history.back();
                Vec::new()
            }
        }
    }

    /// Opens the confirmation's dialog once when its question comes and its run is looked at, and announces unfinished
    /// runs once when they are known.
    pub(super) fn raise_question(&mut self) {
        let question = self.shown_run().and_then(|run| {
            let ask = run.ask().filter(|_| self.runs.lost().is_none())?;
            let entries = run.ledger().entries;
            let confirm = matches!(ask.kind, AskKind::Confirm { .. });
            confirm.then(|| (entries, form(Purpose::Confirm, ask).asked(entries)))
        });
        if let Some((entries, form)) = question
            && self.layers.is_empty()
            && self.desk.opened != Some(entries)
        {
            self.desk.opened = Some(entries);
            self.layers.push(Layer::Form(form));
        }
        if self.target.cluster_uid.is_none() {
            return;
        }
        // What is said just now is about where we are; the runs wait until it has been.
        if self.desk.announced || self.runs.past.is_empty() || self.notice.is_some() {
            return;
        }
        self.desk.announced = true;
        let here = |run: &&PastRun| self.is_here(run) && !run.carried;
        let runs: Vec<String> = self
            .runs
            .unfinished()
            .filter(here)
            .map(|run| format!("{} in {}", run.runbook, run.target.namespace))
            .collect();
        if let Some(first) = runs.first() {
            let which = if runs.len() == 1 { "run" } else { "runs" };
            let words = format!(
                "{} unfinished {which}: {first}. K, then p lists them.",
                runs.len()
            );
            self.tell(words);
        }
    }

    /// Keys while something is typed.
    pub(super) fn obey_form(&mut self, mut form: Form, command: Command) -> Vec<Effect> {
        match command {
            Command::Escape => {
                if form.purpose == Purpose::Confirm && self.leaving_is_no() {
                    return self.say_no();
                }
                self.refuse(&form);
                return Vec::new();
            }
            Command::Enter => match form.enter() {
                Entered::Text(text) => return self.entered(form, text),
                Entered::Not(why) => form.refused = Some(why),
            },
            Command::Type(c) => form.push(c),
            Command::Paste(text) => form.paste(&text),
            Command::Erase => form.erase(),
            Command::EraseAll => form.line.clear(),
            Command::NextPane | Command::Identifiers => form.turn(),
            Command::Move(Motion::Down) => form.top = (form.top + 1).min(100),
            Command::Move(Motion::Up) => form.top = form.top.saturating_sub(1),
            _ => {}
        }
        self.layers.push(Layer::Form(form));
        Vec::new()
    }

    /// Ends a run that sent nothing, by its operator's no.
    fn say_no(&mut self) -> Vec<Effect> {
        let effects = self.obey_run(Command::Decide(Decision::No));
        self.tell("No: nothing was sent, and this run is over.");
        effects
    }

    /// A secret goes straight to whoever carries the run out; the run learns only that it is there.
    fn gave(&mut self, name: String, text: String) -> Vec<Effect> {
        let Some(run) = self.shown_run().map(|run| run.start().run.clone()) else {
            return Vec::new();
        };
        let value = Hidden::new(text);
        let mut effects = vec![Effect::Run(RunOrder::Give { run, name, value })];
        effects.extend(self.obey_run(Command::Decide(Decision::Given)));
        effects
    }

    fn refuse(&mut self, form: &Form) {
        let words = match form.purpose {
            Purpose::Confirm => "No: nothing was sent. The question stays: j chooses, enter takes.",
            Purpose::Undo => "No: nothing is undone.",
            Purpose::Arm | Purpose::ArmReason => "No: still read-only.",
            _ => return,
        };
        self.tell(words);
    }

    fn entered(&mut self, mut form: Form, text: String) -> Vec<Effect> {
        let entries = self.shown_run().map(|run| run.ledger().entries);
        if form.asked.is_some() && form.asked != entries {
            self.tell("The question has changed meanwhile: nothing was sent.");
            return Vec::new();
        }
        if let Some(decision) = decision(&form) {
            return self.obey_run(Command::Decide(decision));
        }
        match form.purpose {
            Purpose::Note => {
                self.tell("Written down.");
                self.obey_run(Command::NoteRun { text })
            }
            Purpose::Secret(name) => self.gave(name, text),
            Purpose::Undo => self.obey_run(Command::RollBackRun { reason: text }),
            Purpose::Arm => {
                form = Form::new(Purpose::ArmReason, None);
                self.layers.push(Layer::Form(form));
                Vec::new()
            }
            Purpose::ArmReason => {
                self.tell("ARMED for 30 m. W disarms.");
                self.armed_now(text)
            }
            _ => Vec::new(),
        }
    }
}
