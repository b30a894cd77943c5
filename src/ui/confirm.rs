//! ```text
//! ┌ Go back to revision 42 ─────────────────────────────────────────────────────────┐
//! │ cluster    veza-prod  (https://10.2.0.1:6443, uid 5f1c…)            PRODUCTION    │
//! │ sends      PATCH spec.template: image v1.1.0 → v1.0.0                             │
//! │ type the namespace to go ahead:  veza-prod▏                                       │
//! └ esc no ──────────────────────────────────────────────────── enter when it matches ┘
//! ```
//! Dialogs in which something is typed: where it would happen, to what, what is sent and what undoes it. Default: no.
//!
//! Length: every dialog with what it shows and what it asks for.

use super::paper::plain;
use super::run::plan::number_of;
use super::run::{changed, final_steps, groups, many, sends, takes, touched, vault};
use super::theme::Tone;
use super::view::View;
use super::widget::dialog::{Dialog, Entry};
use crate::app::App;
use crate::app::arm::ARMED;
use crate::app::ask::{self, Form, Purpose, YES};
use crate::domain::object::ObjectRef as Named;
use crate::domain::pod::short;
use crate::domain::workload::{Strategy, Workload};
use crate::runbook::machine::{Ahead, AskKind, Run};
use crate::runbook::model::{Evidence, StepKind};
use crate::runbook::patch::{ObjectRef, Planned};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::touch::runs_pods;
use crate::runbook::verb::Verb;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// How the lines of the preflight end that are about the way back.
const WAY_BACK: &str = "(for the way back)";
/// So many changes are undone one by one in the dialog; more are folded.
const FEW: usize = 3;

/// One fact of a dialog.
struct Fact {
    label: &'static str,
    value: String,
    note: String,
    style: Style,
}

struct Page {
    title: String,
    facts: Vec<Fact>,
    question: String,
    right: &'static str,
    changes: bool,
}

/// Draws the dialog of a form over the screen.
pub fn draw(view: &View<'_>, form: &Form, run: Option<&Run>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let page = page(view, form, run);
    let entries: Vec<Entry<'_>> = page
        .facts
        .iter()
        .map(|fact| Entry::new(fact.label, &fact.value, fact.style).with_note(&fact.note))
        .collect();
    let dialog = Dialog {
        title: &page.title,
        entries: &entries,
        prompt: Some((&page.question, form.shown())),
        refused: form.refused.unwrap_or_default(),
        left: "esc no",
        right: page.right,
        scroll: form.top,
        frame: if page.changes {
            theme.armed()
        } else {
            theme.border(true)
        },
        theme,
    };
    Widget::render(&dialog, area, buf);
}

/// Draws the frame of a console that may change guarded things over the borders of an area.
pub fn armed_frame(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let armed = app.armed() || app.shown_run().is_some_and(goes_ahead);
    if !(armed && app.target.environment.guarded) || area.is_empty() {
        return;
    }
    let style = view.theme.armed();
    for x in area.left()..area.right() {
        for y in [area.top(), area.bottom() - 1] {
            restyle(buf, x, y, style);
        }
    }
    for y in area.top()..area.bottom() {
        for x in [area.left(), area.right() - 1] {
            restyle(buf, x, y, style);
        }
    }
}

/// A run that was confirmed is armed by that until it is over.
fn goes_ahead(run: &Run) -> bool {
    let confirmed = run.ledger().steps.iter().any(|step| step.authorised);
    confirmed && run.ledger().end.is_none() && !run.start().dry_run
}

/// Titles in the border keep their looks: only the lines become red.
fn restyle(buf: &mut Buffer, x: u16, y: u16, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y))
        && !cell.symbol().chars().any(char::is_alphanumeric)
    {
        cell.set_style(style);
    }
}

fn page(view: &View<'_>, form: &Form, run: Option<&Run>) -> Page {
    let theme = view.theme;
    let mut page = Page {
        title: String::new(),
        facts: Vec::new(),
        question: question(form),
        right: match form.wanted.as_deref() {
            Some(YES) => "y, then enter",
            Some(_) => "enter when it matches",
            None => "enter takes it",
        },
        changes: false,
    };
    match (&form.purpose, run) {
        (Purpose::Confirm, Some(run)) => confirm(view, form, run, &mut page),
        (Purpose::Resume, Some(run)) => resume(view, form, run, &mut page),
        (Purpose::Undo, Some(run)) => undo(view, form, run, &mut page),
        (Purpose::Reason, Some(run)) => {
            page.title = "Why go on?".into();
            open_lines(view, run, &mut page);
            page.say(
                "audit",
                "the reason is kept with the run and in the audit log",
                theme.dim(),
            );
        }
        (Purpose::Approval(glass), Some(run)) => {
            page.title = if *glass {
                "Break the glass?".into()
            } else {
                "What did they sign?".into()
            };
            let target = &run.start().target;
            page.say("namespace", &target.namespace, theme.strong());
            let words = if *glass {
                "type the namespace: it goes on without a second person, and the record says so"
            } else {
                "the text that vigie approve printed; or break-glass: and a reason of twenty characters"
            };
            page.say("", words, theme.dim());
        }
        (Purpose::Param(name), Some(run)) => {
            page.title = format!("{name}?");
            let help = run
                .runbook()
                .param(name)
                .and_then(|param| param.help.as_deref());
            page.say(
                "",
                &plain(help.unwrap_or("A value of this run.")),
                theme.text(),
            );
        }
        (Purpose::Happened(did), Some(_)) => happened(view, *did, &mut page),
        (Purpose::Secret(name), Some(_)) => {
            page.title = format!("{name}?");
            let words = "it goes into the change that needs it, and into no file, record or screen";
            page.say("", words, theme.dim());
            let typed = if form.line.is_empty() {
                "nothing is typed yet"
            } else {
                "something is typed"
            };
            page.say("", typed, theme.text());
        }
        (Purpose::Item { id, .. }, Some(run)) => item(id, form, run, &mut page),
        (Purpose::Note, _) => {
            page.title = "A line for the record".into();
            page.say(
                "",
                "It is kept with the run, with your name and the time.",
                theme.dim(),
            );
        }
        (Purpose::Arm | Purpose::ArmReason, _) => arm(view, form, &mut page),
        (_, None) => page.say("", "The run is not here any more.", theme.text()),
    }
    page
}

fn happened(view: &View<'_>, did: bool, page: &mut Page) {
    let (title, words) = if did {
        ("It did its work?", "the run goes on after it")
    } else {
        (
            "It did not do its work?",
            "the program is started once more",
        )
    };
    page.title = title.into();
    let words = format!("your word is recorded, and {words}");
    page.say("audit", &words, view.theme.text());
}

fn question(form: &Form) -> String {
    match (&form.purpose, form.wanted.as_deref()) {
        (Purpose::Confirm, Some(YES)) => "y goes ahead:".into(),
        (Purpose::Resume, Some(YES)) => "y goes on:".into(),
        (Purpose::Confirm, _) => "type the namespace to go ahead:".into(),
        (Purpose::Resume, _) => "type the namespace to go on:".into(),
        (Purpose::Arm, _) => "type the namespace to arm:".into(),
        (Purpose::Param(name), _) => format!("{name}:"),
        (Purpose::Secret(name), _) => format!("{name} (it is not shown):"),
        (Purpose::Item { .. }, _) => evidence(form),
        (Purpose::Approval(true), _) => "namespace:".into(),
        (Purpose::Approval(false), _) => "approval:".into(),
        (Purpose::Note, _) => "note:".into(),
        (Purpose::Happened(_), _) => "how you know:".into(),
        (Purpose::Reason | Purpose::Undo | Purpose::ArmReason, _) => "why:".into(),
    }
}

/// What is typed for an item of a checklist.
fn evidence(form: &Form) -> String {
    match form.evidence() {
        Some(Evidence::Link) => "address of the proof:".into(),
        Some(Evidence::Na) => "why it does not apply:".into(),
        _ => "your name: what you saw".into(),
    }
}

fn item(id: &str, form: &Form, run: &Run, page: &mut Page) {
    let Some(AskKind::Checklist(items)) = run.ask().map(|ask| &ask.kind) else {
        return;
    };
    let Some(item) = items.iter().find(|item| item.id == id) else {
        return;
    };
    page.title = item.text.clone();
    let style = Style::new();
    if let Some((holds, said)) = &item.record.seen {
        let word = match holds {
            Some(false) => "FALSE",
            _ => "seen",
        };
        page.say(word, said, style);
    }
    if let Some(help) = &item.help {
        page.say("how", &plain(help), style);
    }
    let chosen = form.evidence();
    let others: Vec<&str> = item
        .ways
        .iter()
        .filter(|way| Some(**way) != chosen)
        .map(|way| ask::proof(*way))
        .collect();
    let way = chosen.map_or("", ask::proof);
    let tab = if others.is_empty() {
        String::new()
    } else {
        format!("; tab: {}", others.join(", or "))
    };
    page.say("evidence", &format!("{way}{tab}"), style);
    page.say(
        "audit",
        "it is kept with the run and in the audit log, with the time",
        style,
    );
}

impl Page {
    fn say(&mut self, label: &'static str, value: &str, style: Style) {
        self.facts.push(Fact {
            label,
            value: value.to_owned(),
            note: String::new(),
            style,
        });
    }

    /// The same, hanging under the facts even where it has no name of its own.
    fn under(&mut self, label: &'static str, value: &str, style: Style) {
        let label = if label.is_empty() { " " } else { label };
        self.say(label, value, style);
    }

    fn note(&mut self, note: &str) {
        if let Some(last) = self.facts.last_mut() {
            note.clone_into(&mut last.note);
        }
    }
}

/// Where a run acts: cluster, namespace, and the environment loud.
fn place(view: &View<'_>, form: &Form, run: &Run, page: &mut Page) {
    let theme = view.theme;
    let target = &run.start().target;
    let uid: String = target.cluster_uid.chars().take(4).collect();
    // The name in row 1 is the one the operator knows this server by.
    let here = &view.app.target;
    let context = if *here.server == *target.server {
        &*here.context
    } else {
        &target.context
    };
    let cluster = if form.identifiers {
        format!(
            "{}  ({}, uid {})",
            context, target.server, target.cluster_uid
        )
    } else {
        format!("{}  ({}, uid {uid}…)", context, target.server)
    };
    page.say("cluster", &cluster, theme.strong());
    page.note(&target.environment.to_uppercase());
    page.say("namespace", &target.namespace, theme.strong());
}

fn confirm(view: &View<'_>, form: &Form, run: &Run, page: &mut Page) {
    let theme = view.theme;
    let Some((plans, ahead, lines, undoable)) = run.ask().and_then(|ask| match &ask.kind {
        AskKind::Confirm {
            plans,
            ahead,
            lines,
            undo,
            ..
        } => Some((plans, ahead, lines, *undo)),
        _ => None,
    }) else {
        page.title = "Nothing to confirm".into();
        page.say("", "The question is answered already.", theme.text());
        return;
    };
    page.changes = true;
    page.title = if groups(run, ahead).len() > 1 {
        run.runbook().title.clone()
    } else {
        title(run)
    };
    place(view, form, run, page);
    for planned in plans {
        object(view, form, planned, page);
        page.say("sends", &sends(planned), theme.text());
        page.say("touches", &moves(view.app, planned), theme.text());
    }
    if ahead.is_empty() {
        if let Some(vault) = vault(run, lines, plans, ahead) {
            page.say("vault", &vault, theme.text());
        }
    } else {
        will_send(view, form, run, (plans, ahead, lines), page);
    }
    if let Some(long) = takes(view.app, run) {
        page.say("takes", &long, theme.text());
    }
    let undo = if undoable {
        undo_words(lines)
    } else {
        no_undo(run, plans, ahead)
    };
    page.say("undo", &undo, theme.text());
    let open = lines
        .iter()
        .filter(|line| line.level < Level::Noted)
        .count();
    let checks = match open {
        0 => format!("{} checks, all passed", lines.len()),
        open => format!("{} checks, {open} open, gone on with a reason", lines.len()),
    };
    page.say("preflight", &checks, theme.text());
    for line in lines.iter().filter(|line| line.level != Level::Passed) {
        page.say(
            "",
            &line.words(),
            if line.level == Level::Noted {
                theme.text()
            } else {
                theme.tone(Tone::Watch)
            },
        );
    }
    let gates = run.plan().iter().enumerate();
    let mut gates = gates.filter(|(index, _)| !run.is_left_out(*index));
    if gates.any(|(_, step)| matches!(step.kind, StepKind::Gate { .. })) {
        let words =
            "by this console alone; if it closes, the change stays and the run can be resumed";
        page.say("watched", words, theme.text());
    }
}

/// What later steps will send: counted, then by headings, each step only where it is asked for.
fn will_send(
    view: &View<'_>,
    form: &Form,
    run: &Run,
    (plans, ahead, lines): (&[Planned], &[Ahead], &[Line]),
    page: &mut Page,
) {
    let theme = view.theme;
    page.say("touches", &touched(view.app, plans, ahead), theme.strong());
    if let Some(vault) = vault(run, lines, plans, ahead) {
        page.say("vault", &vault, theme.text());
    }
    for (index, group) in groups(run, ahead).iter().enumerate() {
        let name = if index == 0 { "sends" } else { "" };
        // Under their names the headings stand where a fact stands; a step stands deeper.
        let words = format!("{}: {}", group.title, group.counts());
        page.under(name, &words, theme.text());
        if index == 0 {
            let words = if form.identifiers {
                "tab folds"
            } else {
                "tab for every step"
            };
            page.note(words);
        }
        if form.identifiers {
            for step in &group.steps {
                page.under("", &format!("  {}", step.sentence()), theme.dim());
            }
        }
    }
}

/// What cannot be taken back, named.
fn no_undo(run: &Run, plans: &[Planned], ahead: &[Ahead]) -> String {
    let stays = final_steps(run, ahead);
    match (plans.len() + ahead.len(), stays.is_empty()) {
        (1, _) => "there is no way back from it".into(),
        (_, true) => "not everything can be undone".into(),
        (_, false) => format!(
            "no way back from {}; the rest can be undone",
            stays.join(", ")
        ),
    }
}

fn title(run: &Run) -> String {
    let steps = run.plan().iter().zip(&run.ledger().steps).enumerate();
    steps
        .filter(|(index, (_, record))| run.is_ahead(*index) && !record.effective())
        .map(|(_, (step, _))| run.title(step.section))
        .next()
        .unwrap_or_else(|| run.start().runbook.clone())
}

fn object(view: &View<'_>, form: &Form, planned: &Planned, page: &mut Page) {
    let theme = view.theme;
    page.say("object", &planned.object.short(), theme.strong());
    if form.identifiers {
        page.say("uid", &planned.object.uid, theme.dim());
        let words = "taken at the intent; what is confirmed are the fields and their values";
        page.say("version", words, theme.dim());
    } else {
        page.note("tab for identifiers");
    }
}

/// What a change moves. Of a number of replicas the line itself says it all; a removal touches the one pod.
fn moves(app: &App, planned: &Planned) -> String {
    match planned.verb() {
        Verb::Patch | Verb::Apply if planned.kind == "k8s.service-selector" => {
            "where it sends its traffic, at once; no pod".into()
        }
        Verb::Patch | Verb::Apply if !runs_pods(&planned.object.kind) => {
            "these fields alone; no pod".into()
        }
        Verb::Patch | Verb::Apply => touches(app, &planned.object),
        Verb::Create => "one new object, with what it makes".into(),
        Verb::Scale => "pods are added, or the newest end first".into(),
        Verb::Delete => "this one pod; no disruption budget is asked".into(),
        Verb::Evict => "this one pod, if its disruption budget allows".into(),
        Verb::Keys => "these keys alone; no pod before it is restarted".into(),
        Verb::Destroy => "these versions, for good".into(),
        Verb::Run => "whatever the program acts on; nothing here can tell".into(),
    }
}

/// How many pods a change moves, and how.
fn touches(app: &App, object: &ObjectRef) -> String {
    let named = Named::new(&object.kind, &object.namespace, &object.name);
    let Some(workload) = app
        .cluster
        .all_workloads()
        .find(|workload| workload.object() == named)
    else {
        return "its pods; how many is not known here".into();
    };
    let pods = match workload.desired {
        1 => "1 pod".to_owned(),
        many => format!("{many} pods"),
    };
    format!("{pods}, {}", strategy(workload))
}

fn strategy(workload: &Workload) -> String {
    match &workload.strategy {
        Strategy::Rolling {
            max_surge,
            max_unavailable,
            ..
        } => format!("step by step (maxSurge {max_surge}, maxUnavailable {max_unavailable})"),
        Strategy::Recreate => "all at once: the old ones go first (Recreate)".into(),
        Strategy::OnDelete => "each only when somebody deletes it (OnDelete)".into(),
        Strategy::Other(name) => format!("by {name}"),
    }
}

/// Whether the operator may go back, by the worst of what was asked.
fn undo_words(lines: &[Line]) -> String {
    let rights = lines.iter().filter(|line| line.text.ends_with(WAY_BACK));
    match rights.map(|line| line.level).min() {
        Some(Level::Passed | Level::Noted) => {
            "back to the values of now: possible, you may (checked)".into()
        }
        Some(Level::Red) => "possible, but you may not (checked)".into(),
        _ => "possible; whether you may is not known".into(),
    }
}

fn resume(view: &View<'_>, form: &Form, run: &Run, page: &mut Page) {
    let theme = view.theme;
    page.title = format!(
        "Go on with {} {}",
        run.start().runbook,
        run.start().run.short()
    );
    page.changes = true;
    place(view, form, run, page);
    if let Some(human) = &run.ledger().human {
        let found = human.message.strip_prefix("found: ");
        page.say("found", found.unwrap_or(&human.message), theme.text());
    }
    in_force(view, "in force", run, page);
    let next = run
        .current()
        .and_then(|index| number_of(run, index).zip(run.plan().get(index)))
        .map_or_else(
            || "nothing more".to_owned(),
            |(number, step)| format!("step {number}, {}", run.title(step.section)),
        );
    page.say("next", &next, theme.text());
}

fn undo(view: &View<'_>, form: &Form, run: &Run, page: &mut Page) {
    let theme = view.theme;
    page.changes = true;
    page.title = match run.undo_reach().and_then(|index| number_of(run, index)) {
        Some(number) => format!("Undo back to step {number}"),
        None => "Nothing to undo".into(),
    };
    place(view, form, run, page);
    let effects = run.ledger().steps.iter();
    let effects = effects.filter(|record| record.effective()).count();
    if effects > FEW {
        in_force(view, "takes back", run, page);
        let pods = takes_back(view.app, run);
        if pods > 0 {
            let words = format!(
                "{} restart again, one workload at a time",
                many(pods, "pod")
            );
            page.say("touches", &words, theme.text());
        }
    } else {
        each_undo(view, form, run, page);
    }
    let words =
        "only where the fields still are as this run left them; else the command is printed";
    page.say("happens", words, theme.text());
}

/// The changes one by one, where they are few.
fn each_undo(view: &View<'_>, form: &Form, run: &Run, page: &mut Page) {
    let theme = view.theme;
    let steps = run.ledger().steps.iter().rev();
    for effect in steps
        .filter(|record| record.effective())
        .filter_map(|record| record.effect.as_ref())
    {
        let planned = &effect.action.planned;
        object(view, form, planned, page);
        let words = format!("takes back {}", planned.lines.join(", "));
        page.say("sends", &words, theme.text());
        page.say("touches", &touches(view.app, &planned.object), theme.text());
    }
}

/// What the run changed, folded.
fn in_force(view: &View<'_>, label: &'static str, run: &Run, page: &mut Page) {
    let theme = view.theme;
    let changed = changed(run);
    for (index, (object, said)) in changed.objects.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        let last = said.last().map_or("", String::as_str);
        page.under(label, &format!("{object}: {last}"), theme.text());
    }
    if !changed.restarted.is_empty() {
        let names: Vec<&str> = changed
            .restarted
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        page.say("restarted", &names.join(", "), theme.text());
    }
    for said in &changed.doubtful {
        page.say("not known", said, theme.strong());
    }
}

/// How many pods an undo restarts.
fn takes_back(app: &App, run: &Run) -> usize {
    let changed = changed(run);
    let names = changed.restarted.iter().map(|(name, _)| name.as_str());
    let namespace = &run.start().target.namespace;
    let desired = names.filter_map(|name| {
        let (kind, name) = name.split_once('/')?;
        let object = Named::new(kind, namespace, name);
        let mut all = app.cluster.all_workloads();
        let found = all.find(|workload| workload.object() == object)?;
        usize::try_from(found.desired).ok()
    });
    desired.sum()
}

fn open_lines(view: &View<'_>, run: &Run, page: &mut Page) {
    let theme = view.theme;
    let lines = run.ledger().preflight.iter().flat_map(|(_, lines)| lines);
    for line in lines.filter(|line| line.level != Level::Passed) {
        let tone = super::paper::tone(line.level);
        let words = format!("{} {}", theme.glyphs().tone(tone), line.words());
        page.say("", &words, theme.tone(tone));
    }
}

fn arm(view: &View<'_>, form: &Form, page: &mut Page) {
    let (app, theme) = (view.app, view.theme);
    let target = &app.target;
    page.title = "Arm this console".into();
    page.changes = true;
    let cluster = format!("{}  ({})", target.context, target.server);
    page.say("cluster", &cluster, theme.strong());
    page.note(&target.environment.name.to_uppercase());
    page.say("namespace", &target.scope.to_string(), theme.strong());
    let words = format!(
        "changes are allowed for {}; each is still confirmed",
        short(ARMED)
    );
    page.say("means", &words, theme.text());
    page.say("undo", "W disarms at once", theme.text());
    if form.purpose == Purpose::ArmReason {
        page.say(
            "reason",
            "kept in the audit log: a ticket, an incident, a sentence",
            theme.text(),
        );
    }
}
