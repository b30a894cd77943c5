//! Questions of a run to the person: the ways to answer, the safest first and none chosen, and the lines that must be
//! typed. Pure: what comes out is a [`Decision`] or the next thing to type; nothing here moves a run.
//!
//! Length: every kind of question has its form, its keys and its answer side by side.

use crate::runbook::machine::item::Item;
use crate::runbook::machine::{Ask, AskKind, Decision, Human, Reason, Run, Way};
use crate::runbook::model::Evidence;
use crate::runbook::patch::Planned;
use crate::runbook::preflight::Level;
use crate::runbook::revision::{Choice as Suggested, Revision, remark};
use std::fmt;

/// What a plain yes is typed as, where nothing longer is asked for. A key alone could be meant for another screen.
pub const YES: &str = "y";
/// The longest lines of a kind that are typed.
const SHOWN: usize = 200;

/// So many undos are named where the way back is offered; more are counted.
const FEW: usize = 2;

/// One way to answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it is called.
    pub label: String,
    /// What it does.
    pub effect: String,
    /// What it leads to.
    pub leads: Leads,
}

/// Where a choice leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// This is the answer.
    Decide(Decision),
    /// Something is typed first.
    Type(Purpose),
    /// Away from the question, which stays.
    Away,
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Going ahead with the planned changes.
    Confirm,
    /// Taking a run up again.
    Resume,
    /// The reason for going on over amber lines.
    Reason,
    /// An approval that was carried here by hand, or the way past it; whether that is confirmed now.
    Approval(bool),
    /// The value of a parameter.
    Param(String),
    /// A secret: what is typed is not shown.
    Secret(String),
    /// Whether a program did its work, and how that is known.
    Happened(bool),
    /// Evidence for an item of a checklist, in the way of the list that is chosen.
    Item {
        /// The item.
        id: String,
        /// What it takes.
        ways: Vec<Evidence>,
    },
    /// A line for the record.
    Note,
    /// Going back: the reason.
    Undo,
    /// Arming: the namespace.
    Arm,
    /// Arming: the reason.
    ArmReason,
}

/// A dialog in which something is typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// What for.
    pub purpose: Purpose,
    /// What was typed.
    pub line: String,
    /// The text that must be typed, where there is one.
    pub wanted: Option<String>,
    /// Whether pasting is refused.
    pub by_hand: bool,
    /// Whether identifiers are shown.
    pub identifiers: bool,
    /// Lines scrolled down.
    pub top: usize,
    /// Why the last enter did nothing.
    pub refused: Option<&'static str>,
    /// The question it answers, as the number of entries its run had: an answer is for the question that was read.
    pub asked: Option<u64>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("purpose", &self.purpose)
            .field("line", &self.shown())
            .finish_non_exhaustive()
    }
}

/// What an enter in a form means.
#[derive(Clone, PartialEq, Eq)]
pub enum Entered {
    /// Not yet: the form stays and says why.
    Not(&'static str),
    /// This was typed, and it is enough.
    Text(String),
}

impl Form {
    /// A form for a purpose; `wanted` is what must be typed to the letter.
    pub fn new(purpose: Purpose, wanted: Option<String>) -> Self {
        Self {
            by_hand: wanted.is_some(),
            purpose,
            line: String::new(),
            wanted,
            identifiers: false,
            top: 0,
            refused: None,
            asked: None,
        }
    }

    /// The same for one question only.
    #[must_use]
    pub fn asked(mut self, entries: u64) -> Self {
        self.asked = Some(entries);
        self
    }

    /// What of the typed line may be seen.
    pub fn shown(&self) -> &str {
        match self.purpose {
            Purpose::Secret(_) => "",
            _ => &self.line,
        }
    }

    /// Which evidence is being typed, where it is that.
    pub fn evidence(&self) -> Option<Evidence> {
        match &self.purpose {
            Purpose::Item { ways, .. } => ways.first().copied(),
            _ => None,
        }
    }

    /// The other page of the dialog: identifiers, or the next kind of evidence.
    pub fn turn(&mut self) {
        match &mut self.purpose {
            Purpose::Item { ways, .. } if !ways.is_empty() => ways.rotate_left(1),
            _ => self.identifiers = !self.identifiers,
        }
    }

    /// Types one character.
    pub fn push(&mut self, c: char) {
        self.refused = None;
        if !c.is_control() && self.line.len() < self.room() {
            self.line.push(c);
        }
    }

    /// Takes pasted text, where that is allowed.
    pub fn paste(&mut self, text: &str) {
        if self.by_hand {
            self.refused = Some("Type it: pasting is refused here.");
            return;
        }
        let room = self.room().min(text.len());
        let long = matches!(self.purpose, Purpose::Approval(false) | Purpose::Secret(_));
        let taken = if long { room } else { SHOWN * 2 };
        text.chars().take(taken).for_each(|c| self.push(c));
    }

    /// How much may be typed: an approval is a long text.
    fn room(&self) -> usize {
        match self.purpose {
            Purpose::Approval(false) | Purpose::Secret(_) => 8192,
            _ => 512,
        }
    }

    /// Deletes the last character.
    pub fn erase(&mut self) {
        self.refused = None;
        self.line.pop();
    }

    /// Whether what was typed is enough.
    pub fn enough(&self) -> bool {
        matches!(self.enter(), Entered::Text(_))
    }

    /// What enter means now.
    pub fn enter(&self) -> Entered {
        let typed = self.line.trim();
        match (&self.wanted, typed) {
            (Some(wanted), typed) if wanted == typed => Entered::Text(typed.to_owned()),
            (Some(wanted), _) if wanted == YES => Entered::Not("Nothing was sent: y goes ahead."),
            (Some(_), _) => Entered::Not("Nothing was sent: it does not match."),
            (None, "") => Entered::Not("Something must be typed; esc leaves it."),
            (None, typed) => Entered::Text(typed.to_owned()),
        }
    }
}

/// The answer a filled-in form gives to a run's question, where it answers one.
pub fn decision(form: &Form) -> Option<Decision> {
    let Entered::Text(text) = form.enter() else {
        return None;
    };
    match &form.purpose {
        Purpose::Confirm | Purpose::Resume => {
            let typed = form.wanted.as_deref().filter(|wanted| *wanted != YES);
            Some(Decision::Yes(typed.map(|_| text)))
        }
        Purpose::Item { id, .. } => {
            let kind = match form.evidence()? {
                Evidence::Link => "link",
                Evidence::Na => "na",
                Evidence::Attest | Evidence::Auto => "attest",
            };
            Some(Decision::Item(id.clone(), format!("{kind}:{text}")))
        }
        Purpose::Happened(true) => Some(Decision::Value(format!("done: {text}"))),
        Purpose::Happened(false) => Some(Decision::Value(format!("not-done: {text}"))),
        Purpose::Reason | Purpose::Param(_) | Purpose::Approval(_) => Some(Decision::Value(text)),
        // A secret goes another way than an answer.
        Purpose::Secret(_) | Purpose::Note | Purpose::Undo | Purpose::Arm | Purpose::ArmReason => {
            None
        }
    }
}

/// The form for what a choice wants typed.
pub fn form(purpose: Purpose, ask: &Ask) -> Form {
    let wanted = match &ask.kind {
        AskKind::Confirm { typed, .. } | AskKind::Resume { typed } => {
            Some(typed.clone().unwrap_or_else(|| YES.to_owned()))
        }
        _ => None,
    };
    Form::new(purpose, wanted)
}

/// The ways to answer the open question, the safest first; empty where nothing is asked.
pub fn choices(run: &Run) -> Vec<Choice> {
    let Some(ask) = run.ask() else {
        return Vec::new();
    };
    let untouched = !run.has_effects() && run.unresolved().is_none();
    let end = untouched.then(|| Choice {
        label: "no, end here".into(),
        effect: "Nothing was changed, and nothing will be.".into(),
        leads: Leads::Decide(Decision::No),
    });
    match &ask.kind {
        AskKind::Workload(objects) => objects
            .iter()
            .map(|object| {
                let name = object.short();
                value(name.clone(), format!("in {}", object.namespace), name)
            })
            .chain(end)
            .collect(),
        AskKind::Revision {
            revisions,
            suggested,
        } => ordered(revisions, suggested)
            .into_iter()
            .map(revision_choice)
            .chain(end)
            .collect(),
        AskKind::Branch(branches) => branches
            .iter()
            .map(|branch| {
                let help = branch.help.clone().unwrap_or_default();
                value(branch.label.clone(), help, branch.id.clone())
            })
            .chain(end)
            .collect(),
        AskKind::Checklist(items) => items
            .iter()
            .filter(|item| item.is_open())
            .map(item_choice)
            .chain(again_choice(items))
            .chain(end)
            .collect(),
        AskKind::Param(name) => end
            .into_iter()
            .chain([typed(
                &format!("give {name}"),
                "It is typed next.".into(),
                Purpose::Param(name.clone()),
            )])
            .collect(),
        AskKind::Secret(name) => end
            .into_iter()
            .chain([typed(
                &format!("type {name}"),
                "It is shown nowhere, and kept in memory alone.".into(),
                Purpose::Secret(name.clone()),
            )])
            .collect(),
        AskKind::Confirm { plans, .. } => end
            .into_iter()
            .chain([typed("go ahead", sends(plans), Purpose::Confirm)])
            .collect(),
        AskKind::Approval { glass, .. } => {
            end.into_iter().chain([approval(glass.is_some())]).collect()
        }
        AskKind::Reason(_) => end
            .into_iter()
            .chain([typed(
                "go on, and say why",
                "The reason goes into the audit log.".into(),
                Purpose::Reason,
            )])
            .collect(),
        AskKind::Happened { .. } => happened().into(),
        AskKind::Trouble(ways) => trouble(run, ask, ways),
        AskKind::Resume { .. } => taken_up().into(),
    }
}

fn typed(label: &str, effect: String, purpose: Purpose) -> Choice {
    Choice {
        label: label.into(),
        effect,
        leads: Leads::Type(purpose),
    }
}

/// What a person may say of a program whose end nobody saw.
fn happened() -> [Choice; 2] {
    let went_on = "You say how you know; the run goes on after it.";
    let again = "You say how you know; the program is started once more.";
    [
        typed("it did", went_on.into(), Purpose::Happened(true)),
        typed("it did not", again.into(), Purpose::Happened(false)),
    ]
}

/// The ways with a run that was taken up again.
fn taken_up() -> [Choice; 2] {
    [
        Choice {
            label: "not now".into(),
            effect: "The run stays as it is, and stays on the list.".into(),
            leads: Leads::Away,
        },
        Choice {
            label: "go on".into(),
            effect: "What was found stands above; the next step follows.".into(),
            leads: Leads::Type(Purpose::Resume),
        },
    ]
}

/// The way to answer where somebody else is waited for; `glass`: it waits for the word to go on without them.
fn approval(glass: bool) -> Choice {
    let (label, effect) = if glass {
        (
            "break the glass",
            "The namespace is typed; the record says that nobody else agreed.",
        )
    } else {
        (
            "paste an approval",
            "A text that vigie approve printed; or break-glass: and why, twenty characters at least.",
        )
    };
    Choice {
        label: label.into(),
        effect: effect.into(),
        leads: Leads::Type(Purpose::Approval(glass)),
    }
}

fn value(label: String, effect: String, value: String) -> Choice {
    Choice {
        label,
        effect,
        leads: Leads::Decide(Decision::Value(value)),
    }
}

/// What counts as evidence, for people.
pub fn proof(way: Evidence) -> &'static str {
    match way {
        Evidence::Auto => "a look at the platform",
        Evidence::Link => "an address",
        Evidence::Attest => "a name and what was seen",
        Evidence::Na => "why it does not apply",
    }
}

fn item_choice(item: &Item) -> Choice {
    let ways: Vec<&str> = item.ways.iter().copied().map(proof).collect();
    let more = if ways.len() > 1 {
        "; tab in the dialog changes which"
    } else {
        ""
    };
    Choice {
        label: item.text.clone(),
        effect: format!("takes {}{more}.", ways.join(", or ")),
        leads: Leads::Type(Purpose::Item {
            id: item.id.clone(),
            ways: item.ways.clone(),
        }),
    }
}

/// Looking again, where something was seen to be false or could not be seen.
fn again_choice(items: &[Item]) -> Option<Choice> {
    let looked = |item: &&Item| item.is_open() && item.record.seen.is_some();
    items.iter().find(looked).map(|_| Choice {
        label: "look again".into(),
        effect: "What does not hold is looked at once more; nothing is sent.".into(),
        leads: Leads::Decide(Decision::Again),
    })
}

fn sends(plans: &[Planned]) -> String {
    let lines: Vec<&str> = plans
        .iter()
        .flat_map(|plan| plan.lines.iter().map(String::as_str))
        .collect();
    if lines.is_empty() {
        "It is confirmed in a dialog of its own.".into()
    } else {
        format!("{}; it is confirmed in a dialog first.", lines.join(", "))
    }
}

/// The suggested revision first, then the others from the newest; the one that runs now is no choice.
pub fn ordered<'r>(revisions: &'r [Revision], suggested: &Suggested) -> Vec<&'r Revision> {
    let first = |revision: &Revision| matches!(suggested, Suggested::Take { uid, .. } if *uid == revision.uid);
    let mut others: Vec<&Revision> = revisions
        .iter()
        .filter(|revision| !revision.current)
        .collect();
    others.sort_by_key(|revision| (!first(revision), std::cmp::Reverse(revision.number)));
    others
}

fn revision_choice(revision: &Revision) -> Choice {
    value(
        format!("revision {}", revision.number),
        remark(revision),
        revision.number.to_string(),
    )
}

/// Looking again changes nothing; stopping leaves things as they are; going back sends a change.
fn trouble(run: &Run, ask: &Ask, ways: &[Way]) -> Vec<Choice> {
    let order = [Way::Again, Way::Stop, Way::RollBack];
    order
        .into_iter()
        .filter(|way| ways.contains(way))
        .map(|way| {
            let (label, effect) = match way {
                Way::Again => again(run, ask.reason),
                Way::Stop => ("stop here", stop(run)),
                Way::RollBack => ("go back", back(run)),
            };
            Choice {
                label: label.into(),
                effect,
                // Going back sends a change: like every change it is shown in a dialog before.
                leads: match way {
                    Way::RollBack => Leads::Type(Purpose::Undo),
                    Way::Again | Way::Stop => Leads::Decide(Decision::Way(way)),
                },
            }
        })
        .collect()
}

fn again(run: &Run, reason: Reason) -> (&'static str, String) {
    let human = run.ledger().human.as_ref();
    let step = human.and_then(|human| human.step.as_deref());
    match reason {
        Reason::Input if step.is_some_and(|step| run.program_has_failed(step)) => (
            "start it again",
            "The program is started once more, as it was confirmed.".into(),
        ),
        Reason::Timeout if human.is_some_and(Human::is_over_time) => (
            "go on",
            "It gets the runbook's time once more, and goes on from where it stopped.".into(),
        ),
        Reason::Gate => (
            "measure again",
            "Judged again from zero; nothing is sent.".into(),
        ),
        Reason::Timeout => ("wait again", "Another wait; nothing is sent.".into()),
        Reason::Offline | Reason::Unknown | Reason::Drift | Reason::Conflict => (
            "look again",
            "The world is read first; a change follows only as it was confirmed.".into(),
        ),
        Reason::Input => ("go on", "From where it stopped.".into()),
        _ => ("try again", "From the same step.".into()),
    }
}

fn stop(run: &Run) -> String {
    if run.unresolved().is_some() {
        return "The run ends; whether its last change landed is not known.".into();
    }
    match run.leftovers().len() {
        0 => "The run ends; nothing was changed.".into(),
        1 => "The run ends; its change stays as it is now.".into(),
        many => format!("The run ends; its {many} changes stay as they are now."),
    }
}

fn back(run: &Run) -> String {
    let undone: Vec<String> = run
        .ledger()
        .steps
        .iter()
        .rev()
        .filter(|record| record.effective())
        .filter_map(|record| record.effect.as_ref())
        .map(|effect| {
            let planned = &effect.action.planned;
            format!(
                "undoes {} on {}",
                planned.lines.join(", "),
                planned.object.short()
            )
        })
        .collect();
    match undone.len() {
        0 => "Nothing is left to undo.".into(),
        1..=FEW => format!("Sends a change: {}.", undone.join("; ")),
        many => format!(
            "Sends changes: undoes {many}, the last one first, each looked at before; a dialog shows them."
        ),
    }
}

/// What would mend the failed checks, ready to paste.
pub fn rules(run: &Run) -> Option<String> {
    let (_, lines) = run.ledger().preflight.as_ref()?;
    let fixes: Vec<&str> = lines
        .iter()
        .filter(|line| line.level != Level::Passed)
        .filter_map(|line| line.fix.as_deref())
        .collect();
    (!fixes.is_empty()).then(|| fixes.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &mut Form, text: &str) {
        text.chars().for_each(|c| form.push(c));
    }

    #[test]
    fn a_typed_confirmation_matches_to_the_letter_and_refuses_a_paste() {
        let mut form = Form::new(Purpose::Confirm, Some("veza-production".into()));
        form.paste("veza-production");
        assert_eq!(form.line, "");
        assert!(form.refused.is_some());
        typed(&mut form, "veza-prod");
        assert_eq!((form.enough(), decision(&form)), (false, None));
        typed(&mut form, "uction");
        assert_eq!(
            decision(&form),
            Some(Decision::Yes(Some("veza-production".into())))
        );
    }

    #[test]
    fn a_plain_yes_is_a_letter_and_enter_and_never_enter_alone() {
        let mut form = Form::new(Purpose::Confirm, Some(YES.into()));
        assert!(matches!(form.enter(), Entered::Not(_)));
        form.push('y');
        assert_eq!(decision(&form), Some(Decision::Yes(None)));
    }

    #[test]
    fn a_reason_may_be_pasted_and_must_not_be_empty() {
        let mut form = Form::new(Purpose::Reason, None);
        assert_eq!(decision(&form), None);
        form.paste("INC-14\x1b[2J");
        assert_eq!(decision(&form), Some(Decision::Value("INC-14[2J".into())));
        form.line = "   ".into();
        assert_eq!(decision(&form), None);
    }
}
