//! How runs move: commands become the machine's events, its effects become orders and calls for attention.
//!
//! Length: every command and every piece of news that moves a run, one after the other.

use super::Refusal;
use super::news::RunNews;
use super::order::{Opening, RunOrder, RunRequest};
use crate::app::command::Command;
use crate::app::effect::Effect;
use crate::app::message::Notice;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::runbook::Runbook;
use crate::runbook::answers;
use crate::runbook::link::link;
use crate::runbook::machine::{self, Event, Run};
use crate::runbook::param;
use jiff::Timestamp;
use std::sync::Arc;

/// A runbook that has all it calls, and the texts of what it calls.
type Linked = (Arc<Runbook>, Vec<(String, Arc<str>)>);

/// How the warning begins that a run is left.
const STAYS: &str = "A run goes on here; left, it stays";

impl App {
    /// Takes in what the engine reports about runs.
    pub(in crate::app) fn learn_run(&mut self, news: RunNews) -> Vec<Effect> {
        match news {
            RunNews::Event(id, event) => {
                let present = self.runs.present.as_ref();
                if present.is_some_and(|run| run.start().run == id) {
                    return self.step_run(*event);
                }
                Vec::new()
            }
            RunNews::Opened(run) => {
                self.show_run(&run);
                let (run, effects) = machine::begin(*run, self.now);
                self.took(run, effects)
            }
            RunNews::Reopened {
                run,
                entries,
                by,
                hand_over,
            } => {
                self.show_run(&run);
                self.runs.present = Some(run);
                self.runs.carrier = Some(by.clone());
                self.runs.entries = entries;
                let answers = std::mem::take(&mut self.runs.answers);
                let mut effects = self.step_run(Event::Prepared(answers));
                effects.extend(self.step_run(Event::Resume {
                    by,
                    hand_over,
                    confirm: None,
                }));
                effects
            }
            RunNews::Lost(id, why) => {
                let present = self.runs.present.as_ref();
                // Without a person at it the machine's own question ends it, as soon as something was to be sent.
                if present.is_some_and(|run| run.start().run == id && run.start().attended) {
                    self.runs.lost = Some(why);
                }
                Vec::new()
            }
            RunNews::Lines(id, lines) => {
                let present = self.runs.present.as_ref();
                if present.is_some_and(|run| run.start().run == id) {
                    self.runs.lines = lines;
                }
                Vec::new()
            }
            RunNews::Refused(refusal) => {
                self.refuse_run(refusal);
                Vec::new()
            }
            RunNews::Shelved(books) => {
                self.runs.library = books;
                Vec::new()
            }
            RunNews::Listed(past) => {
                self.runs.past = past;
                self.runs.shelve();
                Vec::new()
            }
            RunNews::Announced(found) => {
                self.runs.announced = found;
                Vec::new()
            }
        }
    }

    /// Obeys what is asked of runs.
    pub(in crate::app) fn obey_run(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::StartRun(request) => self.start_run(*request),
            Command::ResumeRun { run, answers } => {
                if let Some(refusal) = self.busy().or_else(|| self.forbidden()) {
                    return self.refuse_run(refusal);
                }
                self.runs.answers = answers;
                self.runs.opening = Some(self.now);
                vec![Effect::Run(RunOrder::Reopen(run))]
            }
            Command::Decide(_)
            | Command::StopRun
            | Command::RollBackRun { .. }
            | Command::AbandonRun { .. }
            | Command::NoteRun { .. }
                if self.refuse_lost() =>
            {
                Vec::new()
            }
            Command::Decide(decision) => {
                let by = self.operator();
                self.step_run(Event::Decided { by, decision })
            }
            Command::StopRun => self.step_run(Event::StopRequested),
            Command::RollBackRun { reason } => {
                let by = self.operator();
                self.step_run(Event::RollBack { by, reason })
            }
            Command::AbandonRun { reason } => {
                let by = self.operator();
                self.step_run(Event::Abandon { by, reason })
            }
            Command::NoteRun { text } => {
                let by = self.operator();
                self.step_run(Event::Note { by, text })
            }
            Command::PutRunAway => {
                if self.runs.active().is_none() {
                    self.runs.present = None;
                    self.runs.entries.clear();
                }
                vec![Effect::Run(RunOrder::List)]
            }
            _ => Vec::new(),
        }
    }

    /// The first interrupt stops the run after its step; `None` when nothing runs or a stop is asked for already.
    pub(in crate::app) fn interrupt_run(&mut self) -> Option<Vec<Effect>> {
        let run = self.runs.active()?;
        if run.stopping() || run.ask().is_some() {
            return None;
        }
        Some(self.step_run(Event::StopRequested))
    }

    /// A second has passed for the run too.
    pub(in crate::app) fn tick_run(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.runs.active().is_some() {
            effects = self.step_run(Event::Tick);
        }
        if self.rereads_now() {
            effects.push(Effect::Run(RunOrder::List));
        }
        if self.asks_for_others() {
            effects.push(Effect::Run(RunOrder::Look));
        }
        effects
    }

    /// The program goes down: what the present run is told before.
    pub fn interrupted(&mut self, why: &str) -> Vec<Effect> {
        if self.runs.active().is_none() {
            return Vec::new();
        }
        self.step_run(Event::Interrupted(why.to_owned()))
    }

    /// Leaves, but not by a slip of the finger while a run goes on: that takes the key twice.
    pub(in crate::app) fn leave(&mut self) {
        let warned = |(notice, until): &(Notice, Timestamp)| {
            notice.text.starts_with(STAYS) && *until > self.now
        };
        if self.runs.active().is_none() || self.notice.as_ref().is_some_and(warned) {
            self.leaving = !self.leave_drill();
        } else {
            self.tell(format!(
                "{STAYS} where it is and can be taken up again. Press it again to leave."
            ));
        }
    }

    fn start_run(&mut self, request: RunRequest) -> Vec<Effect> {
        let refused = self.busy().or_else(|| {
            let changes = !request.dry_run;
            self.forbidden().filter(|_| changes)
        });
        let opening = refused.map_or_else(|| self.opening(request), Err);
        match opening {
            Ok(opening) => {
                self.runs.refused = None;
                self.runs.opening = Some(self.now);
                vec![Effect::Run(RunOrder::Open(Box::new(opening)))]
            }
            Err(refusal) => self.refuse_run(refusal),
        }
    }

    /// Why nothing may be changed from here at all, where that is configured.
    fn forbidden(&self) -> Option<Refusal> {
        self.settings.read_only.then(|| Refusal {
            sentence: "Nothing is changed from here: read-only is set (read_only in the configuration, VIGIE_READ_ONLY or --read-only); --dry-run shows what would be done.".into(),
            usage: false,
        })
    }

    fn busy(&self) -> Option<Refusal> {
        let run = self.runs.active()?;
        Some(Refusal {
            sentence: format!(
                "{} {} is not over: K, then p, then enter opens it.",
                run.start().runbook,
                run.start().run.short()
            ),
            usage: false,
        })
    }

    /// What a request comes to: the runbook, its parameters settled, the namespace.
    fn opening(&self, mut request: RunRequest) -> Result<Opening, Refusal> {
        let usage = |sentence: String| Refusal {
            sentence,
            usage: true,
        };
        let known = || {
            let ids: Vec<&str> = self.runs.library.iter().map(|book| &*book.id).collect();
            usage(format!(
                "there is no runbook `{}`; there are {}",
                request.runbook,
                ids.join(", ")
            ))
        };
        let book = self.runs.book(&request.runbook).ok_or_else(known)?;
        let text = book.text.clone();
        let book = book.book.clone().map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            usage(lines.join("\n"))
        })?;
        let (book, called) = self.linked(&book).map_err(usage)?;
        if book.param("namespace").is_some()
            && !request.params.contains_key("namespace")
            && let Some(namespace) = self.target.scope.namespace()
        {
            request
                .params
                .insert("namespace".to_owned(), namespace.to_string());
        }
        if book.param("reason").is_some()
            && let Some(reason) = request.answers.reason.clone()
        {
            request.params.entry("reason".to_owned()).or_insert(reason);
        }
        let unknown = answers::unknown(&book, request.answers.step.keys());
        if !unknown.is_empty() {
            return Err(usage(unknown.join("\n")));
        }
        let params =
            param::settle(&book, &request.params).map_err(|wrong| usage(wrong.join("\n")))?;
        let namespace = params
            .get("namespace")
            .and_then(|value| value.as_str())
            .map(str::to_owned)
            .or_else(|| self.target.scope.namespace().map(ToString::to_string))
            .ok_or_else(|| usage("in which namespace? Set it with --namespace".to_owned()))?;
        Ok(Opening {
            book,
            text,
            called,
            params,
            namespace,
            attended: !request.unattended,
            dry_run: request.dry_run,
            unrecorded: request.unrecorded && request.dry_run,
            answers: request.answers,
        })
    }

    /// A runbook with those it calls, and their texts.
    fn linked(&self, book: &Arc<Runbook>) -> Result<Linked, String> {
        let find = |id: &str| {
            let found = self.runs.book(id)?.book.as_ref().ok()?;
            Some((**found).clone())
        };
        let linked = link((**book).clone(), &find)?;
        let ids = linked.every_called();
        let texts = ids.into_iter().filter_map(|id| {
            let text = self.runs.book(&id)?.text.clone();
            Some((id, text))
        });
        let texts = texts.collect();
        Ok((Arc::new(linked), texts))
    }

    fn refuse_run(&mut self, refusal: Refusal) -> Vec<Effect> {
        self.runs.opening = None;
        let notice = Notice {
            text: refusal.sentence.clone(),
            error: true,
        };
        self.notice = Some((notice, self.now));
        self.runs.refused = Some(refusal);
        Vec::new()
    }

    /// A run that was just opened is what is looked at.
    fn show_run(&mut self, run: &Run) {
        self.runs.opening = None;
        self.runs.refused = None;
        self.runs.entries.clear();
        self.runs.recording.clear();
        self.runs.lines.clear();
        self.runs.carrier = None;
        self.runs.lost = None;
        // What was chosen and shown belongs to the run before, whose record may have been as long.
        (self.desk.chosen, self.desk.opened) = (None, None);
        self.runs.outline = run.outline();
        self.history
            .open(Screen::Run(Arc::from(run.start().run.as_str())));
    }

    fn operator(&self) -> String {
        let known = self.target.user.as_deref().map(str::to_owned);
        let known = known.or_else(|| self.runs.carrier.clone());
        let began = || {
            let run = self.runs.present.as_ref();
            run.map_or_else(String::new, |run| run.start().actor.clone())
        };
        known.unwrap_or_else(began)
    }

    /// Why nothing is decided here any more, said instead of doing it.
    pub(in crate::app) fn refuse_lost(&mut self) -> bool {
        let lost = self.runs.lost().is_some();
        if lost {
            self.tell("Read-only: somebody else carries this run now. K, then p lists the runs.");
        }
        lost
    }

    fn step_run(&mut self, event: Event) -> Vec<Effect> {
        let Some(run) = self.runs.present.take() else {
            return Vec::new();
        };
        if matches!(event, Event::Recorded) {
            let recorded = std::mem::take(&mut self.runs.recording);
            self.runs.entries.extend(recorded);
        }
        let asked = run.ask().cloned();
        let (run, effects) = machine::step(*run, self.now, event);
        // Another page is read from its beginning: what was scrolled was the question, or the step before it.
        let here = self.history.here_mut();
        if run.ask() != asked.as_ref()
            && matches!(&here.screen, Screen::Run(id) if **id == *run.start().run.as_str())
        {
            here.place.top = 0;
        }
        self.took(run, effects)
    }

    /// The plan anew, where it is another than others were told: it grows with what steps find, and loses what is left out.
    fn outline_again(&mut self, run: &Run) -> Option<Effect> {
        let entries = run.ledger().entries;
        if std::mem::replace(&mut self.runs.outlined, entries) == entries {
            return None;
        }
        let outline = run.outline();
        if outline == self.runs.outline {
            return None;
        }
        self.runs.outline.clone_from(&outline);
        Some(Effect::Run(RunOrder::Outline(
            run.start().run.clone(),
            outline,
        )))
    }

    /// Keeps the run, and sorts what it asks for: questions are for the operator, the rest for the engine.
    fn took(&mut self, run: Run, effects: Vec<machine::Effect>) -> Vec<Effect> {
        let (mut perform, mut out) = (Vec::new(), Vec::new());
        let mut list = false;
        for effect in effects {
            match effect {
                machine::Effect::Ask(ask) => {
                    let sentence = format!("{}: {}", run.start().runbook, ask.message);
                    out.push(Effect::Attention(sentence));
                }
                machine::Effect::Done(state) => list |= state.is_terminal(),
                machine::Effect::Record(entries) => {
                    self.runs.recording.clone_from(&entries);
                    perform.push(machine::Effect::Record(entries));
                }
                other => perform.push(other),
            }
        }
        if !perform.is_empty() {
            let order = RunOrder::Perform(run.start().run.clone(), perform);
            out.push(Effect::Run(order));
        }
        if list {
            out.push(Effect::Run(RunOrder::List));
        }
        out.extend(self.outline_again(&run));
        self.runs.present = Some(Box::new(run));
        self.runs.shelve();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Settings;
    use crate::app::message::{Fact, Message};
    use crate::app::runs::Runs;
    use crate::app::runs::shelf::Book;
    use crate::domain::target::{Environment, Scope, Target};
    use crate::runbook::ids::RunId;
    use crate::runbook::machine::{RunTarget, Start};
    use std::collections::BTreeMap;

    fn app() -> App {
        let target = Target {
            context: "here".into(),
            server: "h".into(),
            cluster_uid: None,
            scope: Scope::Namespace("prod".into()),
            environment: Environment {
                name: "production".into(),
                guarded: true,
            },
            user: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut app = App::new(target, Settings::default(), Screen::Overview, now);
        app.runs = Runs::new(Book::shipped());
        app
    }

    fn ask(app: &mut App, runbook: &str, set: &[(&str, &str)]) -> Vec<Effect> {
        let params: BTreeMap<String, String> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let request = RunRequest::new(runbook, params);
        let command = Command::StartRun(Box::new(request));
        app.update(Message::Command(command), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_request_gets_the_targets_namespace_and_its_defaults() {
        let mut app = app();
        let effects = ask(&mut app, "rollback", &[("workload", "api")]);
        let [Effect::Run(RunOrder::Open(opening))] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(opening.params["namespace"], "prod");
        assert_eq!(opening.params["hold"], "3m");
        assert!(opening.attended && app.runs.opening.is_some());
    }

    #[test]
    fn a_request_that_is_wrong_in_itself_is_refused_with_a_sentence() {
        for (runbook, key) in [("rolback", "workload"), ("rollback", "wrkload")] {
            let mut app = app();
            assert!(ask(&mut app, runbook, &[(key, "api")]).is_empty());
            let refused = app.runs.refused.clone();
            assert!(
                refused.as_ref().is_some_and(|refused| refused.usage),
                "{refused:?}"
            );
        }
    }

    fn run(random: u8) -> Option<Run> {
        let book = Book::shipped().first()?.book.clone().ok()?;
        let start = Start {
            run: RunId::new(Timestamp::UNIX_EPOCH, [random; 10]),
            runbook: book.id.clone(),
            version: book.version.clone(),
            model: book.model_digest(),
            params: BTreeMap::new(),
            target: RunTarget {
                environment: "production".into(),
                ..RunTarget::default()
            },
            actor: "ada".into(),
            typed: true,
            attended: true,
            dry_run: false,
            reads_only: false,
            answers: crate::runbook::machine::Answers::default(),
        };
        Run::new(book, start, Timestamp::UNIX_EPOCH).ok()
    }

    #[test]
    fn only_the_present_run_is_stepped_and_only_what_is_on_disk_is_shown() {
        let (mut app, now) = (app(), Timestamp::UNIX_EPOCH);
        let (run, other) = (run(1).unwrap(), run(2).unwrap());
        let id = run.start().run.clone();
        let news = |news| Message::Fact(Fact::Run(news));
        let effects = app.update(news(RunNews::Opened(Box::new(run))), now);
        assert_eq!(effects.len(), 1, "{effects:?}");
        assert!(app.runs.entries.is_empty());
        let recorded = |id| RunNews::Event(id, Box::new(Event::Recorded));
        let late = recorded(other.start().run.clone());
        assert!(app.update(news(late), now).is_empty());
        app.update(news(recorded(id)), now);
        assert_eq!(app.runs.entries.len(), 1);
    }

    #[test]
    fn leaving_while_a_run_goes_on_takes_the_key_twice() {
        let (mut app, now) = (app(), Timestamp::UNIX_EPOCH);
        app.update(Message::Command(Command::Quit), now);
        assert!(app.leaving, "nothing runs");
        app.leaving = false;
        let opened = RunNews::Opened(Box::new(run(1).unwrap()));
        app.update(Message::Fact(Fact::Run(opened)), now);
        app.update(Message::Command(Command::Quit), now);
        assert!(!app.leaving && app.notice.is_some());
        app.update(Message::Command(Command::Quit), now);
        assert!(app.leaving);
    }

    #[test]
    fn a_run_taken_up_again_shows_what_its_journal_holds_and_an_interruption_is_its_last_word() {
        let (mut app, now) = (app(), Timestamp::UNIX_EPOCH);
        let run = run(1).unwrap();
        let id = run.start().run.clone();
        let begun = machine::Entry {
            ts: now,
            fact: machine::Fact::Start(Box::new(run.start().clone())),
        };
        let reopened = RunNews::Reopened {
            run: Box::new(run),
            entries: vec![begun],
            by: "ada".into(),
            hand_over: None,
        };
        app.update(Message::Fact(Fact::Run(reopened)), now);
        assert_eq!(app.runs.entries.len(), 1);
        let recorded = |app: &mut App| {
            let news = RunNews::Event(id.clone(), Box::new(Event::Recorded));
            app.update(Message::Fact(Fact::Run(news)), now);
        };
        recorded(&mut app);
        let known = app.runs.entries.len();
        app.interrupted("the console was left");
        assert!(!app.runs.interrupted_after(known));
        // What was being recorded goes first.
        recorded(&mut app);
        recorded(&mut app);
        assert!(app.runs.interrupted_after(known));
    }
}
