//! The question to a person, alone: what is known, what is not, and the ways to answer with what each one does. The
//! safest stands first; none is chosen.

use super::ahead::{final_steps, groups, takes, touched, vault};
use super::changes::changed;
use super::choice::{pointed, write_choice};
use super::words::sends;
use crate::app::ask::{self, Choice, Leads};
use crate::domain::object::ObjectRef as Named;
use crate::runbook::machine::{Ahead, Ask, AskKind, Fact, Run};
use crate::runbook::model::StepKind;
use crate::runbook::patch::Planned;
use crate::runbook::preflight::{Level, Line};
use crate::runbook::revision::{Choice as Suggested, Evidence, Revision};
use crate::ui::lines::{clock, since};
use crate::ui::paper::{Paper, cut, plain, sign};
use crate::ui::theme::Tone;
use crate::ui::view::View;
use crate::ui::widget::text;
use jiff::SignedDuration;
use ratatui::style::Style;

/// Writes the open question.
pub fn write(view: &View<'_>, run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let Some(ask) = run.ask() else { return };
    let choices = ask::choices(run);
    let chosen = view.app.desk.chosen(run);
    paper.judged(Tone::Watch, &heading(run, ask), theme.strong());
    paper.gap();
    known(view, run, ask, paper);
    paper.gap();
    if let AskKind::Checklist(items) = &ask.kind {
        // The list may be long: what to press is said above it.
        hint(chosen, paper);
        paper.gap();
        return super::checklist::write(items, (&choices, chosen), &ask.message, paper);
    }
    if let AskKind::Revision {
        revisions,
        suggested,
    } = &ask.kind
    {
        revision_rows(view, (revisions, suggested), chosen, paper);
        let rest = choices.iter().enumerate();
        for (index, choice) in rest.filter(|(_, choice)| is_end(choice)) {
            write_choice(choice, chosen == Some(index), paper);
        }
    } else {
        for (index, choice) in choices.iter().enumerate() {
            write_choice(choice, chosen == Some(index), paper);
        }
    }
    paper.gap();
    hint(chosen, paper);
    // Whoever rehearses reads beside each question why it is asked.
    if view.app.drill.is_some() {
        let why = super::step::prose(run);
        paper.gap();
        paper.words(&why, theme.text());
    }
}

/// What to press.
fn hint(chosen: Option<usize>, paper: &mut Paper<'_>) {
    let words = if chosen.is_some() {
        "enter takes the chosen one"
    } else {
        "nothing is chosen: j k choose, enter takes it"
    };
    paper.words(words, paper.theme.dim());
}

fn is_end(choice: &Choice) -> bool {
    !matches!(
        &choice.leads,
        Leads::Decide(crate::runbook::machine::Decision::Value(_))
    )
}

fn heading(run: &Run, ask: &Ask) -> String {
    let what = match &ask.kind {
        // The question itself says whether a workload or a pod is meant.
        AskKind::Workload(_) if ask.message == "which pod?" => return "Which pod is meant?".into(),
        AskKind::Workload(_) if ask.message == "which workload?" => {
            return "Which workload is meant?".into();
        }
        AskKind::Workload(_) => "Which workload is meant?",
        // What is suggested stands below with its evidence.
        AskKind::Revision { .. } => return "Which revision?".into(),
        // The ways stand below, each with what it means.
        AskKind::Branch(_) if ask.message.starts_with("choose one of ") => {
            return "Which way?".into();
        }
        AskKind::Branch(_) => "Which way?",
        AskKind::Checklist(items) => return super::checklist::heading(items, &ask.message),
        AskKind::Param(name) => return format!("What is {name}? {}", ask.message),
        AskKind::Secret(name) => return format!("{name} is a secret: {}", ask.message),
        AskKind::Confirm { .. } => "Go ahead?",
        AskKind::Approval { .. } => return "Somebody else must agree.".into(),
        // What is open stands below, line by line.
        AskKind::Reason(lines) if lines.iter().any(|line| line.level != Level::Passed) => {
            return "It may go on, but not without a reason.".into();
        }
        AskKind::Reason(_) => "It may go on, but not without a reason.",
        AskKind::Happened { .. } => "Did it do its work? Nothing here can tell.",
        AskKind::Trouble(_) => return ask.message.clone(),
        AskKind::Resume { .. } => "Go on with this run?",
    };
    let message = named(run, &ask.message);
    match message.as_str() {
        "" | "waits for a confirmation" => what.into(),
        message => format!("{what} {message}"),
    }
}

/// What is said of the next step, which the plan beside it knows by its heading and not by its name in the file.
fn named(run: &Run, message: &str) -> String {
    let Some((before, id)) = message.rsplit_once("next: ") else {
        return message.to_owned();
    };
    let found = run.plan().iter().position(|step| step.id == id);
    found.map_or_else(
        || message.to_owned(),
        |index| format!("{before}next: {}", super::ahead::heading(run, index)),
    )
}

/// What follows a yes: the changes that are worked out, and by headings those that later steps will make.
fn will_send(
    view: &View<'_>,
    run: &Run,
    (plans, ahead, lines): (&[Planned], &[Ahead], &[Line]),
    paper: &mut Paper<'_>,
) {
    let theme = paper.theme;
    for plan in plans {
        paper.fact("object", &plan.object.short(), theme.strong());
        paper.fact("sends", &sends(plan), theme.text());
    }
    if ahead.is_empty() {
        return;
    }
    let touched = touched(view.app, plans, ahead);
    paper.fact("touches", &touched, theme.strong());
    if let Some(vault) = vault(run, lines, plans, ahead) {
        paper.fact("vault", &vault, theme.text());
    }
    for (index, group) in groups(run, ahead).iter().enumerate() {
        let name = if index == 0 { "will send" } else { "" };
        let words = format!("{}: {}", group.title, group.counts());
        paper.fact(name, &words, theme.text());
        if view.app.desk.identifiers {
            for step in &group.steps {
                paper.fact("", &format!("  {}", step.sentence()), theme.dim());
            }
        }
    }
    if let Some(long) = takes(view.app, run) {
        paper.fact("takes", &long, theme.text());
    }
    let stays = final_steps(run, ahead);
    if !stays.is_empty() {
        let words = format!("no way back from {}", stays.join(", "));
        paper.fact("undo", &words, theme.tone(Tone::Watch));
    }
    let words = if view.app.desk.identifiers {
        "v folds the steps"
    } else {
        "v shows every step; tab, twice, the fields"
    };
    paper.fact("", words, theme.dim());
}

fn known(view: &View<'_>, run: &Run, ask: &Ask, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    match &ask.kind {
        AskKind::Confirm {
            plans,
            lines,
            ahead,
            ..
        } => {
            will_send(view, run, (plans, ahead, lines), paper);
            let passed = lines
                .iter()
                .filter(|line| line.level >= Level::Noted)
                .count();
            let words = format!("{passed} of {} checks passed", lines.len());
            paper.fact("preflight", &words, theme.text());
            for line in lines.iter().filter(|line| line.level != Level::Passed) {
                paper.check(line);
            }
        }
        AskKind::Reason(lines) => {
            for line in lines.iter().filter(|line| line.level != Level::Passed) {
                paper.check(line);
            }
            let passed = lines
                .iter()
                .filter(|line| line.level == Level::Passed)
                .count();
            paper.words(
                &format!("{passed} other checks passed; tab shows them"),
                theme.dim(),
            );
        }
        AskKind::Approval { .. } => approval(run, ask, paper),
        AskKind::Trouble(_) => trouble(view, run, ask, paper),
        AskKind::Resume { .. } => {
            if let Some(words) = before(view) {
                paper.fact("stopped", &words, theme.text());
            }
            changed(run).write("in force", paper);
            if !run.has_effects() {
                paper.words("Nothing was changed so far.", theme.text());
            }
        }
        AskKind::Revision { suggested, .. } => revision(view, run, suggested, paper),
        AskKind::Param(name) => {
            let help = run
                .runbook()
                .param(name)
                .and_then(|param| param.help.as_deref());
            paper.words(&plain(help.unwrap_or_default()), theme.text());
        }
        // The items say for themselves what is known; of a secret nothing is.
        AskKind::Checklist(_) | AskKind::Secret(_) => {}
        AskKind::Happened { command, undo } => happened(command, *undo, paper),
        AskKind::Workload(_) | AskKind::Branch(_) => {
            let namespace = view.app.target.scope.to_string();
            paper.fact("where", &namespace, theme.text());
        }
    }
}

/// The revision that is proposed, why, and what speaks against going back at all.
fn revision(view: &View<'_>, run: &Run, suggested: &Suggested, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let (tone, words) = match suggested {
        Suggested::Take {
            number,
            evidence,
            amber,
            ..
        } => (
            if *amber { Tone::Watch } else { Tone::Healthy },
            format!("revision {number} is the last good one: {evidence}"),
        ),
        Suggested::Stay { number, evidence } => (
            Tone::Healthy,
            format!("revision {number} is the last good one and runs already: {evidence}"),
        ),
        Suggested::Ask(why) => (
            Tone::Unknown,
            format!("the last good one is not known: {why}"),
        ),
    };
    paper.judged(tone, &words, theme.text());
    let object = run.workload();
    let object = object.map(|object| Named::new(&object.kind, &object.namespace, &object.name));
    if let Some(doubt) = object.and_then(|object| view.app.doubt(&object)) {
        paper.judged(Tone::Watch, &doubt, theme.strong());
    }
}

/// A program whose end nobody saw.
fn happened(command: &str, undo: bool, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let name = if undo { "undo" } else { "program" };
    paper.fact(name, &plain(command), theme.strong());
    let words = "look at what it acts on before you answer";
    paper.words(words, theme.text());
}

/// What somebody else is asked to agree with, and how they find it.
fn approval(run: &Run, ask: &Ask, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let AskKind::Approval {
        code, plans, glass, ..
    } = &ask.kind
    else {
        return;
    };
    paper.fact("code", code, theme.strong());
    for plan in plans {
        paper.fact("object", &plan.object.short(), theme.strong());
        paper.fact("sends", &sends(plan), theme.text());
    }
    paper.words(&plain(&ask.message), theme.text());
    if let Some(why) = glass {
        let namespace = &run.start().target.namespace;
        let words = format!(
            "Breaking the glass: {why}. Type {namespace} to confirm; the audit log and the post-mortem say so."
        );
        paper.words(&plain(&words), theme.tone(Tone::Failing));
    }
}

/// What is known about a step that went wrong: how its gate stood, what its check found, what is in the world.
fn trouble(view: &View<'_>, run: &Run, ask: &Ask, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let at = ask
        .step
        .as_ref()
        .and_then(|id| run.plan().iter().position(|step| step.id == *id));
    let record = at.and_then(|at| run.ledger().steps.get(at));
    let gate = at
        .and_then(|at| run.plan().get(at))
        .is_some_and(|step| matches!(step.kind, StepKind::Gate { .. }));
    if let Some(record) = record.filter(|_| gate) {
        for (metric, count) in &record.bad {
            let words = format!("bad {count} times so far");
            let metric = metric
                .split_once(':')
                .map_or(metric.as_str(), |(_, name)| name);
            paper.fact(&super::gate::name(metric), &words, theme.text());
        }
    }
    // What another step found does not explain this one.
    let (found, step) = (run.findings(), at.and_then(|at| run.plan().get(at)));
    if step.is_some_and(|step| !step.checks.is_empty()) {
        for finding in found {
            super::step::finding(finding, &ask.message, paper);
        }
    }
    let said = record.and_then(|record| record.effect.as_ref());
    if let Some(effect) = said.filter(|effect| !ask.message.contains(&effect.message)) {
        paper.fact("change", &effect.message, theme.text());
    }
    if record.is_some_and(|record| record.effect.is_some()) {
        super::step::last_lines(view, paper);
        paper.gap();
    }
    let changed = changed(run);
    if changed.count() == 0 {
        paper.fact("world", "nothing was changed by this run", theme.text());
    } else {
        changed.write("in force", paper);
    }
}

/// When the run was last heard of before it was taken up again, and for how long nobody watched.
fn before(view: &View<'_>) -> Option<String> {
    let entries = &view.app.runs.entries;
    let at = entries
        .iter()
        .rposition(|entry| matches!(entry.fact, Fact::Resumed { .. }))?;
    let (last, again) = (entries.get(at.checked_sub(1)?)?, entries.get(at)?);
    let gap = SignedDuration::from_secs(again.ts.duration_since(last.ts).as_secs().max(0));
    let why = match &last.fact {
        Fact::Interrupted { why } => format!(", {why}"),
        _ => ", without a last word".to_owned(),
    };
    Some(format!(
        "{}{why}; nobody watched for {}",
        clock(last.ts),
        crate::domain::pod::short(gap)
    ))
}

/// Revisions as rows: number, image, age, how long it was available, who; the evidence below where it does not fit.
fn revision_rows(
    view: &View<'_>,
    (revisions, suggested): (&[Revision], &Suggested),
    chosen: Option<usize>,
    paper: &mut Paper<'_>,
) {
    let theme = paper.theme;
    let wide = paper.width >= 64;
    let head = if wide {
        "    REV  IMAGE             AGE  SERVED  BY"
    } else {
        "    REV  IMAGE             AGE"
    };
    paper.words(&cut(head, paper.width), theme.dim());
    let ordered = ask::ordered(revisions, suggested);
    let current = revisions.iter().filter(|revision| revision.current);
    for (index, revision) in ordered.into_iter().chain(current).enumerate() {
        let here = chosen == Some(index) && !revision.current;
        let (mark, style) = pointed(here, paper);
        let (tone, why) = evidence(revision);
        let style = if revision.current { theme.dim() } else { style };
        let image = text::pad_right(short_image(&revision.image), 14);
        let age = since(Some(revision.created_at), view.app.now);
        let number = text::pad_left(&revision.number.to_string(), 4);
        let mut words = format!("{number}  {image}  {}", text::pad_left(&age, 5));
        if wide {
            let served = served(revision);
            let by = revision.change_cause.as_deref().unwrap_or("–");
            let room = paper.width.saturating_sub(43);
            words = format!("{words}  {}  {}", text::pad_left(&served, 6), cut(by, room));
        }
        let (glyph, colour) = sign(theme, tone);
        paper.row(vec![mark, (format!("{glyph} "), colour), (words, style)]);
        let why = if wide {
            why
        } else {
            format!("{why}; served {}", served(revision))
        };
        let remark = match (revision.current, suggested) {
            (true, _) => format!("running now; {why}"),
            (_, Suggested::Take { uid, .. }) if *uid == revision.uid => {
                format!("last good; {why}")
            }
            _ if revision.rolled_back_from => format!("was rolled back from; {why}"),
            _ => why,
        };
        let blank = (" ".repeat(9), Style::new());
        paper.hanging(&[blank], 9, &remark, theme.dim());
        if view.app.desk.identifiers {
            let blank = (" ".repeat(9), Style::new());
            paper.hanging(
                &[blank],
                9,
                &format!("{} {}", revision.name, revision.uid),
                theme.dim(),
            );
        }
    }
}

fn evidence(revision: &Revision) -> (Tone, String) {
    match &revision.evidence {
        Evidence::Good(why) => (Tone::Healthy, why.clone()),
        Evidence::Bad(why) => (Tone::Failing, why.clone()),
        Evidence::Unknown(why) => (Tone::Unknown, format!("unknown: {why}")),
    }
}

/// How long it was available; `never` where its pods never took over.
fn served(revision: &Revision) -> String {
    if revision.served.took_over == Some(false) {
        return "never".to_owned();
    }
    revision.available_s.map_or_else(
        || "–".to_owned(),
        |seconds| crate::domain::pod::short(SignedDuration::from_secs(seconds)),
    )
}

fn short_image(image: &str) -> &str {
    crate::domain::workload::tag_of(image)
}
