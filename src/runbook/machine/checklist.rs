//! Checklists: what the program sees for itself, what a person gives as evidence, and what is still open. An item that
//! was seen to be false is never settled by a mere tick: going past it takes a named person and a reason, and stays on
//! record as overridden.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Answer, Ask, AskKind, Effect, Question};
use crate::runbook::machine::item::{Item, ItemRecord, LONGEST, Look, Seen, Tick, read_evidence};
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{Asked, ChecklistItem, Evidence, Proof, Step, StepKind, Then};
use crate::runbook::prose::bounded;
use crate::runbook::template::Text;

/// The least reason for going past what was seen to be false, in characters.
const LEAST_REASON: usize = 10;
impl Run {
    /// The items of a checklist step: its own, or the front matter's.
    fn items_of(&self, index: usize) -> &[ChecklistItem] {
        let Some(step) = self.plan.get(index) else {
            return &[];
        };
        match &step.kind {
            StepKind::Checklist { items } if items.is_empty() => &self.book_of(step).checklist,
            StepKind::Checklist { items } => items,
            _ => &[],
        }
    }

    /// The items of a checklist step as they stand.
    pub fn checklist_items(&self, index: usize) -> Vec<Item> {
        let records = self.ledger.steps.get(index).map(|record| &record.items);
        let items = self.items_of(index).iter();
        items
            .map(|item| {
                let record = records.and_then(|records| records.get(&item.id));
                let record = record.cloned().unwrap_or_default();
                Item {
                    id: item.id.clone(),
                    text: item.text.clone(),
                    help: item.help.clone(),
                    ways: ways(item, &record),
                    trap: item.trap.clone(),
                    left_out: item
                        .when
                        .as_ref()
                        .is_some_and(|when| !self.holds(&self.plan[index], when)),
                    record,
                }
            })
            .collect()
    }

    /// A checklist step that has begun: looks, takes what was answered beforehand, asks for the rest.
    pub(super) fn checklist(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        match self.to_look_at(index) {
            Ok((seen, looks)) if looks.is_empty() && !seen.is_empty() => {
                return self.saw(now, index, seen, out);
            }
            Ok((_, looks)) if !looks.is_empty() => {
                return self.read(
                    Purpose::Checklist(index),
                    Question::Checklist { looks },
                    out,
                );
            }
            Ok(_) => {}
            Err(why) => return self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
        match self.given_beforehand(index) {
            Ok(facts) if facts.is_empty() => {}
            Ok(facts) => return self.record(now, facts, out),
            Err(why) => return self.await_person(now, index, Reason::Input, why, out),
        }
        let items = self.checklist_items(index);
        let open: Vec<String> = items
            .iter()
            .filter(|item| item.is_open())
            .map(needs)
            .collect();
        if open.is_empty() || self.start.dry_run {
            return self.finish(now, index, told(&items), out);
        }
        let message = match open.as_slice() {
            [one] => format!("1 item is open: {one}"),
            many => format!("{} items are open: {}", many.len(), many.join("; ")),
        };
        self.await_person(now, index, Reason::Input, message, out);
    }

    /// What has to be looked at: values of the run are seen at once, the rest is asked of the platform.
    fn to_look_at(&self, index: usize) -> Result<(Vec<Seen>, Vec<Look>), String> {
        let (mut seen, mut looks) = (Vec::new(), Vec::new());
        let shown = self.checklist_items(index);
        let again = self.live.look_again;
        let wanted = self
            .items_of(index)
            .iter()
            .zip(&shown)
            .filter(|(_, shown)| {
                let looked = shown.record.seen.is_some();
                let red = shown.is_open() && again;
                !shown.left_out && (!looked || red)
            });
        for (item, _) in wanted {
            match &item.proof {
                None => {}
                Some(Proof::Value(check)) => {
                    let known = self
                        .scope_of(&self.plan[index], None)
                        .get(&check.that)
                        .is_some();
                    let finding = check.find(&self.scope_of(&self.plan[index], None));
                    seen.push(Seen {
                        item: item.id.clone(),
                        holds: known.then_some(finding.holds),
                        said: finding.fact,
                    });
                }
                Some(Proof::Asked(asked)) => {
                    looks.push(self.look_of(&self.plan[index], &item.id, asked)?);
                }
            }
        }
        Ok((seen, looks))
    }

    fn look_of(&self, step: &Step, item: &str, asked: &Asked) -> Result<Look, String> {
        let scope = self.scope_of(step, None);
        let fill = |text: &Option<Text>| text.as_ref().map(|text| text.fill(&scope)).transpose();
        let target = fill(&asked.target)?;
        if target
            .as_deref()
            .is_some_and(|target| target.trim().is_empty())
        {
            return Err(format!("item {item}: the target is empty"));
        }
        Ok(Look {
            item: item.to_owned(),
            ask: asked.ask,
            namespace: asked.ns.fill(&scope)?,
            target,
            signal: asked.signal.clone(),
            limit: asked.limit.clone(),
            image: fill(&asked.image)?,
            path: fill(&asked.path)?,
            keys: asked.keys.clone(),
            values: asked.values.clone(),
            windows: asked.windows.clone(),
        })
    }

    /// The platform's answers came: they are written down together with what the run could see itself.
    pub(super) fn take_checklist(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Answer::Checklist(mut answers) = answer else {
            return;
        };
        match self.to_look_at(index) {
            Ok((seen, looks)) => {
                answers.retain(|one| looks.iter().any(|look| look.item == one.item));
                // What was asked and not answered is not known, and is not asked for ever.
                let missing: Vec<Seen> = looks
                    .iter()
                    .filter(|look| !answers.iter().any(|one| one.item == look.item))
                    .map(|look| Seen {
                        item: look.item.clone(),
                        holds: None,
                        said: "not known: there was no answer".to_owned(),
                    })
                    .collect();
                let all = seen.into_iter().chain(answers).chain(missing).collect();
                self.saw(now, index, all, out);
            }
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    fn saw(&mut self, now: Timestamp, index: usize, seen: Vec<Seen>, out: &mut Vec<Effect>) {
        self.live.look_again = false;
        let step = self.plan[index].id.clone();
        let facts = seen
            .into_iter()
            .map(|seen| Fact::Looked {
                step: step.clone(),
                item: seen.item,
                holds: seen.holds,
                said: bounded(&seen.said, LONGEST),
            })
            .collect();
        self.record(now, facts, out);
    }

    /// What was answered beforehand for open items; a wrong answer is a sentence, and nothing is taken.
    fn given_beforehand(&self, index: usize) -> Result<Vec<Fact>, String> {
        let by = format!("{} by --answer", self.person());
        let step = &self.plan[index].id;
        let mut facts = Vec::new();
        let open = self.checklist_items(index).into_iter();
        for item in open.filter(Item::is_open) {
            let key = format!("{step}.{}", item.id);
            if let Some(text) = self.answered_beforehand(&key) {
                let tick = self.tick_of(index, &item, &text, &by);
                let tick = tick.map_err(|why| format!("--answer {key}: {why}"))?;
                facts.push(Fact::Ticked(tick));
            }
        }
        Ok(facts)
    }

    /// Evidence for an item, held against what the item takes and what was seen.
    fn tick_of(&self, index: usize, item: &Item, text: &str, by: &str) -> Result<Tick, String> {
        let (evidence, name, text) = read_evidence(text)?;
        if !item.ways.contains(&evidence) {
            let ways: Vec<&str> = item.ways.iter().map(|way| way.word()).collect();
            let red = matches!(item.record.seen, Some((Some(false), _)));
            let seen = if red {
                ", which was seen to be false,"
            } else {
                ""
            };
            return Err(format!("{}{seen} takes {}", item.id, ways.join(" or ")));
        }
        let declared = self.items_of(index).iter().find(|one| one.id == item.id);
        let declared = declared.map_or(&[][..], |one| &one.evidence);
        let overridden = match &item.record.seen {
            Some((Some(false), _)) => true,
            Some((None, _)) => !declared.contains(&evidence),
            _ => false,
        };
        if overridden && text.chars().count() < LEAST_REASON {
            return Err(format!(
                "{} was not seen to be true; going past it wants a reason of {LEAST_REASON} characters, as `Ada: the dashboard is down, curl answers 200`",
                item.id
            ));
        }
        Ok(Tick {
            step: self.plan[index].id.clone(),
            item: item.id.clone(),
            evidence,
            text,
            name,
            by: by.to_owned(),
            overridden,
        })
    }

    /// A person answered an item.
    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what was answered by whom, and where effects go"
    )]
    pub(super) fn tick_item(
        &mut self,
        now: Timestamp,
        index: usize,
        by: &str,
        (item, text): (&str, &str),
        ask: Ask,
        out: &mut Vec<Effect>,
    ) {
        let items = self.checklist_items(index);
        let Some(found) = items.iter().find(|one| one.id == item && one.is_open()) else {
            return self.ask_again(ask, out);
        };
        match self.tick_of(index, found, text, by) {
            Ok(tick) => self.record(now, vec![Fact::Ticked(tick)], out),
            Err(message) => self.ask_again(Ask { message, ..ask }, out),
        }
    }

    /// What was seen to be false or could not be seen is looked at once more.
    pub(super) fn look_again(
        &mut self,
        now: Timestamp,
        by: &str,
        ask: &Ask,
        out: &mut Vec<Effect>,
    ) {
        self.live.look_again = true;
        let decision = Fact::Decision {
            step: ask.step.clone(),
            by: by.to_owned(),
            answer: "look again".to_owned(),
            accepted: true,
        };
        self.record(now, vec![decision], out);
    }

    /// The question about a checklist's open items.
    pub(super) fn checklist_question(&self, index: usize) -> AskKind {
        AskKind::Checklist(self.checklist_items(index))
    }

    /// Folds what was seen or given in; what a person gave answers the open question.
    pub(super) fn apply_item(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Looked {
                step,
                item,
                holds,
                said,
            } => self.set(step, |record| {
                record.items.entry(item.clone()).or_default().seen = Some((*holds, said.clone()));
            }),
            Fact::Ticked(tick) => {
                let asked = self.ledger.human.as_ref();
                if asked.is_some_and(|human| human.step.as_ref() == Some(&tick.step)) {
                    self.release();
                }
                self.set(&tick.step, |record| {
                    if record.state == StepState::Authorising {
                        record.state = StepState::Running;
                    }
                    record.items.entry(tick.item.clone()).or_default().given =
                        Some((tick.clone(), at));
                });
            }
            _ => {}
        }
    }

    /// Every item that somebody went past, as `step.item`.
    pub fn overridden(&self) -> Vec<String> {
        let steps = self.ledger.steps.iter();
        steps
            .flat_map(|record| {
                let gone = record.items.iter().filter(|(_, item)| item.is_overridden());
                gone.map(|(id, _)| format!("{}.{id}", record.path))
            })
            .collect()
    }

    /// The last sentence of a run whose steps are all done.
    pub(super) fn done_words(&self) -> String {
        match self.overridden() {
            gone if gone.is_empty() => "every step is done".to_owned(),
            gone => format!("every step is done; OVERRIDDEN: {}", gone.join(", ")),
        }
    }
}

/// What a person may give for an item as it stands. What was seen to be false takes an attestation, whatever the file
/// says, and is then overridden; a link alone proves nothing against it.
fn ways(item: &ChecklistItem, record: &ItemRecord) -> Vec<Evidence> {
    let declared = |way: Evidence| item.evidence.contains(&way);
    let red = matches!(record.seen, Some((Some(false), _)));
    let looked = item.proof.is_some();
    let order = [Evidence::Link, Evidence::Attest, Evidence::Na];
    order
        .into_iter()
        .filter(|way| match way {
            Evidence::Link => declared(*way) && !red,
            Evidence::Attest => declared(*way) || looked,
            _ => declared(*way),
        })
        .collect()
}

/// An open item with what it takes and why it is open.
fn needs(item: &Item) -> String {
    let ways: Vec<&str> = item.ways.iter().map(|way| way.word()).collect();
    match &item.record.seen {
        Some((Some(false), said)) => format!("{} is false: {said} ({})", item.id, ways.join(", ")),
        Some((None, said)) => format!("{} is not known: {said} ({})", item.id, ways.join(", ")),
        _ => format!("{} ({})", item.id, ways.join(", ")),
    }
}

/// What a checklist leaves behind: every item with its evidence, and a sentence about all of them.
fn told(items: &[Item]) -> Value {
    let mut kept = serde_json::Map::new();
    let (mut counts, mut gone): (BTreeMap<&str, usize>, Vec<&str>) = (BTreeMap::new(), Vec::new());
    for item in items {
        let state = match (&item.record.given, item.left_out) {
            (_, true) => "left out",
            (Some((tick, _)), _) if tick.overridden => "OVERRIDDEN",
            (Some((tick, _)), _) => match tick.evidence {
                Evidence::Link => "by link",
                Evidence::Na => "not applicable",
                _ => "attested",
            },
            (None, _) if item.record.is_settled() => "seen",
            (None, _) => "open",
        };
        *counts.entry(state).or_default() += 1;
        if state == "OVERRIDDEN" {
            gone.push(&item.id);
        }
        kept.insert(
            item.id.clone(),
            json!({"state": state, "said": item.record.words()}),
        );
    }
    let counted: Vec<String> = counts
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let summary = format!("{} items: {}", items.len(), counted.join(", "));
    let overridden = if gone.is_empty() {
        "none".to_owned()
    } else {
        gone.join(", ")
    };
    json!({"items": kept, "summary": summary, "overridden": overridden})
}
