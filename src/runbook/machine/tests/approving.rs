//! Four eyes in the machine: what is asked of somebody else, whose answer counts, for what and how long, how often it is
//! used, and the way past it. Keys and signatures are OpenSSH's own.

use super::*;
use crate::runbook::approval::tests::{approval, key};
use crate::runbook::machine::{BREAKS_GLASS, Offered};
use std::fmt::Write as _;
use std::path::Path;

/// The small world with a runbook of critical risk, and a look for approvals that is answered by hand.
struct Office {
    world: World,
    keys: tempfile::TempDir,
    signers: String,
}

impl Office {
    fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let mut signers = String::new();
        for name in ["bob", "carol"] {
            let public = key(keys.path(), name, &["ed25519"]);
            let public: Vec<&str> = public.split_whitespace().take(2).collect();
            let _ = writeln!(signers, "{name}@veza.app {}", public.join(" "));
        }
        let text = SHIPPED[0].text.replace("\"high\"", "\"critical\"");
        let book = Arc::new(format::parse("rollback", &text).unwrap());
        let world = World {
            book,
            ..World::new()
        };
        Self {
            world,
            keys,
            signers,
        }
    }

    /// A run that wants so many others, as far as it comes without them.
    fn waiting(&mut self, count: i64, attended: bool) -> (Run, Vec<Effect>) {
        self.waiting_for(count, attended, &[])
    }

    /// The same with some who may not agree.
    fn waiting_for(&mut self, count: i64, attended: bool, kept: &[&str]) -> (Run, Vec<Effect>) {
        let start = Start {
            model: self.world.book.model_digest(),
            attended,
            ..start()
        };
        let mut run = Run::new(self.world.book.clone(), start, self.world.now).unwrap();
        run.demand_approvals(count);
        run.keep_from_approving(kept.iter().map(|name| (*name).to_owned()));
        let (run, effects) = begin(run, self.world.now);
        self.drive(run, effects)
    }

    /// Goes on until something is asked about approvals, which stays in the queue.
    fn drive(&mut self, mut run: Run, effects: Vec<Effect>) -> (Run, Vec<Effect>) {
        let mut queue = std::collections::VecDeque::from(effects);
        loop {
            let Some(effect) = queue.pop_front() else {
                // A person at the screen takes the suggested revision.
                let revision = run
                    .ask()
                    .is_some_and(|ask| matches!(ask.kind, AskKind::Revision { .. }));
                if !revision {
                    break;
                }
                let decided = Event::Decided {
                    by: "oncall".into(),
                    decision: Decision::Value("42".into()),
                };
                let (next, more) = step(run, self.world.now, decided);
                run = next;
                queue.extend(more);
                continue;
            };
            let asks = |effect: &Effect| matches!(effect, Effect::Read(_, question) if matches!(**question, Question::Approval { .. }));
            if asks(&effect) {
                queue.push_front(effect);
                break;
            }
            if let Some(event) = self.world.perform(effect) {
                let (next, more) = step(run, self.world.now, event);
                run = next;
                queue.extend(more);
            }
        }
        (run, queue.into())
    }

    /// Answers the look that is open with these texts, and goes on.
    fn offer(&mut self, run: Run, effects: Vec<Effect>, texts: &[String]) -> (Run, Vec<Effect>) {
        let mut effects = effects.into_iter();
        let Some(Effect::Read(id, _)) = effects.next() else {
            panic!("nothing is looked for");
        };
        let offered = Answer::Offered(Offered {
            texts: texts.to_vec(),
            signers: Ok(self.signers.clone()),
            now: self.world.now,
            place: Ok("in a ConfigMap".into()),
        });
        let (run, more) = step(run, self.world.now, Event::Answered(id, Box::new(offered)));
        self.drive(run, more.into_iter().chain(effects).collect())
    }

    /// The approval of one of them for what is asked now.
    fn signed(&self, who: &str, effects: &[Effect], minutes: i64) -> String {
        let request = asked(effects);
        let words = request.words(self.world.now + SignedDuration::from_mins(minutes));
        approval(Path::new(self.keys.path()), who, &words)
    }
}

/// What somebody else is asked.
fn asked(effects: &[Effect]) -> &crate::runbook::approval::Request {
    let look = effects.iter().find_map(|effect| match effect {
        Effect::Read(_, question) => match &**question {
            Question::Approval { request, .. } => Some(&**request),
            _ => None,
        },
        _ => None,
    });
    look.expect("somebody is asked")
}

fn refusals(world: &World) -> Vec<String> {
    let refused = world.disk.iter().filter_map(|entry| match &entry.fact {
        Fact::ApprovalRefused { why, .. } => Some(why.clone()),
        _ => None,
    });
    refused.collect()
}

#[test]
fn nothing_is_sent_before_somebody_else_agreed_and_one_agreement_is_used_once() {
    let mut office = Office::new();
    let (run, effects) = office.waiting(1, false);
    assert_eq!(office.world.sent, 0);
    let request = asked(&effects);
    assert_eq!(request.actor, "oncall");
    assert!(!request.plans.is_empty(), "they see what would be sent");
    let good = office.signed("bob", &effects, 10);
    let (run, rest) = office.offer(run, effects, std::slice::from_ref(&good));
    let (run, _) = office.world.drive(run, rest, 5_000);
    assert_eq!(
        run.ledger().end.as_ref().unwrap().state,
        RunState::Succeeded
    );
    assert_eq!(office.world.writes, 1);
    let record = |run: &Run| {
        let mut steps = run.ledger().steps.iter();
        steps.find(|step| step.effect.is_some()).unwrap().clone()
    };
    let used = record(&run);
    assert_eq!(used.approvals.len(), 1);
    assert_eq!(used.spent, [used.approvals[0].id.clone()], "it is used up");
    assert_eq!(used.approvals[0].by, "bob@veza.app");
    let again = replay(office.world.book.clone(), &office.world.disk).unwrap();
    assert_eq!(record(&again).spent, used.spent, "the journal knows it");
}

#[test]
fn an_approval_of_the_initiator_of_another_plan_or_out_of_time_is_none_and_said_so() {
    let mut office = Office::new();
    let (run, effects) = office.waiting_for(1, true, &["bob@veza.app"]);
    let own = office.signed("bob", &effects, 10);
    let late = office.signed("carol", &effects, -1);
    let long = office.signed("carol", &effects, 600);
    let mut other = asked(&effects).clone();
    other.plans.clear();
    let elsewhere = {
        let words = other.words(office.world.now + SignedDuration::from_mins(10));
        approval(office.keys.path(), "carol", &words)
    };
    let texts = [own, late, long, elsewhere, "approval:garbage".to_owned()];
    let (run, _) = office.offer(run, effects, &texts);
    assert_eq!(
        state_of(&run),
        (RunState::NeedsHuman, Some(Reason::Approval))
    );
    assert_eq!(office.world.sent, 0);
    let said = refusals(&office.world);
    assert_eq!(said.len(), texts.len(), "{said:#?}");
    assert!(
        said[0].contains("somebody else must approve it"),
        "{said:#?}"
    );
    assert!(said[1].contains("the approval held until"), "{said:#?}");
    assert!(said[2].contains("longer than the"), "{said:#?}");
    assert!(said[3].contains("for another plan"), "{said:#?}");
    let granted = office.world.count("approval");
    assert_eq!(granted, 0);
}

#[test]
fn two_agreements_are_of_two_people() {
    let mut office = Office::new();
    let (run, effects) = office.waiting(2, true);
    let twice = [
        office.signed("bob", &effects, 9),
        office.signed("bob", &effects, 10),
    ];
    let (run, effects) = office.offer(run, effects, &twice);
    assert_eq!(
        state_of(&run).1,
        Some(Reason::Approval),
        "bob is one person"
    );
    assert_eq!(office.world.sent, 0);
    let ask = run.ask().unwrap();
    assert!(ask.message.contains("2 others must approve it"), "{ask:?}");
    let second = office.signed("carol", &effects, 10);
    let (run, rest) = office.offer(run, effects, &[second]);
    let (run, _) = office.world.drive(run, rest, 5_000);
    assert_eq!(
        run.ledger().end.as_ref().unwrap().state,
        RunState::Succeeded
    );
}

#[test]
fn the_glass_is_broken_with_a_reason_of_twenty_characters_and_the_namespace_only() {
    let mut office = Office::new();
    let (run, effects) = office.waiting(1, true);
    let (run, _) = office.offer(run, effects, &[]);
    let said = |office: &mut Office, run: Run, text: &str| {
        let decided = Event::Decided {
            by: "oncall".into(),
            decision: Decision::Value(text.into()),
        };
        let (run, effects) = step(run, office.world.now, decided);
        office.drive(run, effects)
    };
    let glass = |run: &Run| match &run.ask().unwrap().kind {
        AskKind::Approval { glass, .. } => glass.clone(),
        other => panic!("{other:?}"),
    };
    let (run, _) = said(&mut office, run, "break-glass: because");
    assert_eq!(glass(&run), None);
    let ask = run.ask().unwrap();
    assert!(ask.message.contains("twenty characters"), "{ask:?}");
    let why = "INC-7: nobody else can be reached";
    let (run, _) = said(&mut office, run, &format!("break-glass: {why}"));
    assert_eq!(glass(&run).as_deref(), Some(why));
    assert_eq!(office.world.sent, 0, "it is confirmed first");
    let (run, _) = said(&mut office, run, "production");
    assert_eq!(office.world.sent, 0, "another namespace is a no");
    let (run, _) = said(&mut office, run, &format!("break-glass: {why}"));
    let (run, rest) = said(&mut office, run, "prod");
    let decided = office.world.disk.iter().any(|entry| {
        matches!(&entry.fact, Fact::Decision { answer, accepted: true, .. } if answer.starts_with(BREAKS_GLASS))
    });
    assert!(decided, "the record says so");
    let (run, _) = office.world.drive(run, rest, 5_000);
    assert_eq!(
        run.ledger().end.as_ref().unwrap().state,
        RunState::Succeeded
    );
}

#[test]
fn what_is_offered_late_or_for_another_question_changes_nothing() {
    let mut office = Office::new();
    let (run, effects) = office.waiting(1, true);
    let good = office.signed("bob", &effects, 10);
    let before = office.world.disk.len();
    let stray = Answer::Offered(Offered {
        texts: vec![good],
        signers: Ok(office.signers.clone()),
        now: office.world.now,
        place: Ok("in a ConfigMap".into()),
    });
    let (run, more) = step(
        run,
        office.world.now,
        Event::Answered(9_999, Box::new(stray)),
    );
    assert!(more.is_empty(), "{more:?}");
    assert_eq!((office.world.disk.len(), office.world.sent), (before, 0));
    assert!(!run.has_effects());
}
