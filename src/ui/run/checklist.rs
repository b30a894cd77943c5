//! ```text
//! 2 of 9 items are open
//! ● Every service is healthy: 5 of 5 workloads are complete and available
//! ▸ ✖ All tests pass for this very image (T43)
//!     false: the pipeline of 4f2a is red
//!     takes an address, or a name and what was seen; tab in the dialog changes which.
//! ```
//! A checklist: what holds by itself, what a person gave, what is open. What somebody went past stays red.

use super::choice::{pointed, write_choice};
use crate::app::ask::{Choice, Leads, Purpose};
use crate::runbook::machine::Run;
use crate::runbook::machine::item::Item;
use crate::runbook::model::StepKind;
use crate::ui::paper::{Paper, cut, plain, sign};
use crate::ui::theme::Tone;
use ratatui::style::Style;

/// The most columns of an item named in that sentence.
const NAMED: usize = 44;

/// The sentence above a list: what came of the last answer, or how many items are open.
pub fn heading(items: &[Item], message: &str) -> String {
    let open = items.iter().filter(|item| item.is_open()).count();
    let counted = match open {
        1 => format!("1 of {} items is open", items.len()),
        open => format!("{open} of {} items are open", items.len()),
    };
    // What was seen to be wrong may stand far down the list.
    let seen = |item: &&Item| matches!(item.record.seen, Some((Some(false), _)));
    let wrong = items.iter().filter(|item| item.is_open()).filter(seen);
    let wrong: Vec<String> = wrong.map(|item| cut(&item.text, NAMED)).collect();
    let counted = match wrong.as_slice() {
        [] => counted,
        [only] => format!("{counted}, 1 of them FALSE: {only}"),
        [one, two] => format!("{counted}, 2 of them FALSE: {one}; {two}"),
        [one, two, more @ ..] => format!(
            "{counted}, {} of them FALSE: {one}; {two}; {} more below",
            wrong.len(),
            more.len()
        ),
    };
    if is_refusal(message) {
        format!("{counted}. {message}")
    } else {
        counted
    }
}

/// Whether the question's sentence says why an answer was not taken; else it lists what is open, as the list does.
fn is_refusal(message: &str) -> bool {
    !message.is_empty() && !message.contains(" open: ")
}

/// Writes the items in their order, the open ones with a cursor, and the other ways to answer below.
pub fn write(
    items: &[Item],
    (choices, chosen): (&[Choice], Option<usize>),
    message: &str,
    paper: &mut Paper<'_>,
) {
    let of = |item: &Item| {
        choices.iter().position(|choice| {
            matches!(&choice.leads, Leads::Type(Purpose::Item { id, .. }) if *id == item.id)
        })
    };
    for item in items {
        match of(item) {
            Some(index) => {
                let here = chosen == Some(index);
                let refused = Some(message).filter(|message| here && is_refusal(message));
                open(item, choices.get(index), (here, refused), paper);
            }
            None => closed(item, paper),
        }
    }
    paper.gap();
    for (index, choice) in choices.iter().enumerate() {
        if !matches!(choice.leads, Leads::Type(Purpose::Item { .. })) {
            if chosen == Some(index) {
                paper.point();
            }
            write_choice(choice, chosen == Some(index), paper);
        }
    }
}

fn named(item: &Item) -> String {
    match &item.trap {
        Some(trap) => format!("{} ({trap})", item.text),
        None => item.text.clone(),
    }
}

fn open(
    item: &Item,
    choice: Option<&Choice>,
    (here, refused): (bool, Option<&str>),
    paper: &mut Paper<'_>,
) {
    let theme = paper.theme;
    let (tone, seen) = match &item.record.seen {
        Some((Some(false), said)) => (Tone::Failing, format!("FALSE: {said}")),
        Some((_, said)) => (Tone::Unknown, said.clone()),
        None => (Tone::Watch, String::new()),
    };
    let (mark, style) = pointed(here, paper);
    if here {
        paper.point();
    }
    let (glyph, colour) = sign(theme, tone);
    paper.hanging(
        &[mark, (format!("{glyph} "), colour)],
        4,
        &named(item),
        style,
    );
    let blank = || ("    ".to_owned(), Style::new());
    if !seen.is_empty() {
        paper.hanging(&[blank()], 4, &seen, theme.tone(tone));
    }
    if let Some(refused) = refused {
        paper.hanging(&[blank()], 4, refused, theme.tone(Tone::Watch));
    }
    if here {
        if let Some(help) = &item.help {
            paper.hanging(&[blank()], 4, &plain(help), theme.dim());
        }
        let effect = choice.map_or("", |choice| choice.effect.as_str());
        paper.hanging(&[blank()], 4, effect, theme.dim());
    }
}

fn closed(item: &Item, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let tone = match (item.left_out, item.record.is_overridden()) {
        (true, _) => Tone::Idle,
        (_, true) => Tone::Failing,
        _ if item.record.is_settled() => Tone::Healthy,
        _ => Tone::Watch,
    };
    let words = if item.left_out {
        "left out: its condition is false".to_owned()
    } else {
        item.record.words()
    };
    let (glyph, colour) = sign(theme, tone);
    let mark = ("  ".to_owned(), Style::new());
    let style = if item.left_out {
        theme.dim()
    } else {
        theme.text()
    };
    paper.hanging(
        &[mark, (format!("{glyph} "), colour)],
        4,
        &named(item),
        style,
    );
    if !words.is_empty() {
        let style = if tone == Tone::Failing {
            theme.tone(tone)
        } else {
            theme.dim()
        };
        paper.hanging(&[("    ".to_owned(), Style::new())], 4, &words, style);
    }
}

/// Writes how every checklist of a run that is over was settled.
pub fn settled(run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    for (index, step) in run.plan().iter().enumerate() {
        let known = run
            .ledger()
            .steps
            .get(index)
            .is_some_and(|record| !record.items.is_empty());
        if !known || !matches!(step.kind, StepKind::Checklist { .. }) {
            continue;
        }
        paper.words(&run.title(step.section), theme.strong());
        for item in run.checklist_items(index) {
            closed(&item, paper);
        }
        paper.gap();
    }
}
