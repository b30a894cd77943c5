//! A runbook as a page to read in a terminal: what it is for, what it takes, its steps with the words beside them, where it
//! comes from and departs from, and why.

use crate::app::runs::shelf::Book;
use crate::runbook::model::{ChecklistItem, Param, StepKind, Undo};
use crate::runbook::template::plain as value;
use crate::runbook::{Runbook, Step};
use crate::ui::widget::text::{sanitize, wrap};
use crate::ui::{plain, sends_what};
use jiff::civil::Date;

/// The width where nobody says another.
pub const USUAL: usize = 100;
/// The narrowest and widest page.
const BOUNDS: (usize, usize) = (40, 120);

/// The page, wrapped to so many columns.
pub fn page(shelved: &Book, book: &Runbook, today: Date, columns: usize) -> String {
    let mut page = Page {
        text: String::new(),
        columns: columns.clamp(BOUNDS.0, BOUNDS.1),
    };
    page.say(0, &book.title);
    page.rule('=');
    page.say(
        0,
        &format!("{} {}  ({})", book.id, book.version, shelved.origin()),
    );
    if let Some(due) = book.overdue(today) {
        page.say(0, &format!("!! REVIEW OVERDUE since {due}: read it against the platform as it is before you trust it !!"));
    }
    page.facts(book);
    page.gap();
    page.prose(0, &book.intro);
    page.params(book);
    let mut number = 0;
    for (index, section) in book.sections.iter().enumerate() {
        let steps: Vec<&Step> = book
            .steps
            .iter()
            .filter(|step| step.section == index)
            .collect();
        if steps.is_empty() {
            page.gap();
            page.say(0, &section.title);
        } else {
            number += 1;
            page.gap();
            page.say(0, &format!("{number}  {}", section.title));
        }
        page.prose(3, &section.prose);
        for step in steps {
            page.step(book, step);
        }
    }
    page.origins(book);
    page.text
}

struct Page {
    text: String,
    columns: usize,
}

impl Page {
    fn say(&mut self, indent: usize, words: &str) {
        self.hang(indent, indent, words);
    }

    /// Words whose first line begins further left than the rest.
    fn hang(&mut self, first: usize, rest: usize, words: &str) {
        let clean = sanitize(words);
        let lines = wrap(&clean, self.columns.saturating_sub(rest).max(20));
        for (index, line) in lines.iter().enumerate() {
            let indent = if index == 0 { first } else { rest };
            self.text.push_str(&" ".repeat(indent));
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn rule(&mut self, with: char) {
        self.text.push_str(&with.to_string().repeat(self.columns));
        self.text.push('\n');
    }

    /// Paragraphs as paragraphs, headings and marks of markup left out.
    fn prose(&mut self, indent: usize, prose: &str) {
        for paragraph in prose.split("\n\n") {
            let words = plain(paragraph);
            if !words.is_empty() {
                self.say(indent, &words);
                self.gap();
            }
        }
    }

    fn facts(&mut self, book: &Runbook) {
        let anywhere = || "anywhere".to_owned();
        let environments = (!book.environments.is_empty()).then(|| book.environments.join(", "));
        let mut facts = vec![
            ("risk", book.risk.word().to_owned()),
            ("runs in", environments.unwrap_or_else(anywhere)),
            ("keepers", book.owners.join(", ")),
            ("on failure", book.on_failure.word().to_owned()),
        ];
        if let Some(review) = &book.review_by {
            facts.push(("review by", review.clone()));
        }
        if let Some(rehearse) = &book.rehearse {
            facts.push(("rehearsed in", rehearse.environment.clone()));
        }
        for (label, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
            self.hang(0, 14, &format!("{label:<12}  {fact}"));
        }
    }

    fn params(&mut self, book: &Runbook) {
        if book.params.is_empty() {
            return;
        }
        self.gap();
        self.say(0, "What it takes (--set NAME=VALUE)");
        for param in &book.params {
            let help = param.help.as_deref().unwrap_or_default();
            self.hang(3, 5, &format!("{} ({})  {help}", param.name, takes(param)));
        }
        for secret in &book.secrets {
            self.hang(
                3,
                5,
                &format!(
                    "secret {} ({}): never shown, never kept",
                    secret.name, secret.source
                ),
            );
        }
    }

    fn step(&mut self, book: &Runbook, step: &Step) {
        self.hang(3, 5, &format!("> {}: {}", step.id, sends_what(step)));
        if let Some(target) = step.kind.target() {
            self.say(
                5,
                &format!("on {} in {}", target.target.source(), target.ns.source()),
            );
        }
        if let Some(timeout) = &step.timeout {
            let after = serde_json::to_value(&timeout.after).unwrap_or_default();
            self.say(
                5,
                &format!("within {}, then {}", value(&after), timeout.then.word()),
            );
        }
        match &step.undo {
            Some(Undo::None) => self.say(5, "there is no way back"),
            Some(Undo::Act(kind, _)) => self.say(5, &format!("its way back: {}", kind.name())),
            Some(Undo::Restore) => self.say(5, "its way back: the values of before"),
            None if step.barrier => self.say(5, "nothing before it is undone once it is done"),
            None => {}
        }
        if step.when.is_some() {
            self.say(5, "only under its condition");
        }
        for check in &step.checks {
            let say = check
                .say
                .clone()
                .unwrap_or_else(|| format!("{} {}", check.that, check.test.words()));
            self.hang(5, 7, &format!("- {say}{}", trap(check.trap.as_ref())));
        }
        match &step.kind {
            StepKind::Checklist { items } => {
                let items = if items.is_empty() {
                    &book.checklist
                } else {
                    items
                };
                for item in items {
                    self.item(item);
                }
            }
            StepKind::Choose { options } => {
                for option in options {
                    let help = option.help.as_deref().unwrap_or_default();
                    self.hang(5, 7, &format!("- {}: {}  {help}", option.id, option.label));
                }
            }
            _ => {}
        }
        self.gap();
    }

    fn item(&mut self, item: &ChecklistItem) {
        let evidence: Vec<&str> = item.evidence.iter().map(|word| word.word()).collect();
        self.hang(
            5,
            9,
            &format!(
                "[ ] {}{}  ({}: {})",
                item.text,
                trap(item.trap.as_ref()),
                item.id,
                evidence.join(", ")
            ),
        );
        if let Some(help) = &item.help {
            self.say(9, &plain(help));
        }
    }

    fn origins(&mut self, book: &Runbook) {
        if !book.sources.is_empty() {
            self.gap();
            self.say(0, "What it implements");
            for source in &book.sources {
                self.hang(3, 5, &format!("- {} {}", source.doc, source.reference));
            }
        }
        if !book.deviations.is_empty() {
            self.gap();
            self.say(0, "Where it departs from that, and why");
            for deviation in &book.deviations {
                let trap = trap(deviation.trap.as_ref());
                self.hang(
                    3,
                    5,
                    &format!("- {}{trap}: {}", deviation.reference, plain(&deviation.why)),
                );
            }
        }
    }
}

fn trap(trap: Option<&String>) -> String {
    trap.map_or_else(String::new, |trap| format!(" [{trap}]"))
}

/// What a parameter takes: its type, its choices or bounds, its default.
fn takes(param: &Param) -> String {
    let mut words = vec![if param.choices.is_empty() {
        param.ty.word().to_owned()
    } else {
        param.choices.join("|")
    }];
    match (&param.min, &param.max) {
        (Some(min), Some(max)) => words.push(format!("{min} to {max}")),
        (Some(min), None) => words.push(format!("at least {min}")),
        (None, Some(max)) => words.push(format!("at most {max}")),
        (None, None) => {}
    }
    if let Some(pattern) = &param.pattern {
        words.push(format!("like {pattern}"));
    }
    match &param.default {
        Some(default) => words.push(format!("default {}", value(default))),
        None if param.required => words.push("required".to_owned()),
        None => {}
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_width_and_says_everything_a_reader_needs() {
        for shelved in Book::shipped() {
            let book = shelved.book.clone().unwrap();
            for columns in [40, 100] {
                let page = page(&shelved, &book, jiff::civil::date(2030, 1, 1), columns);
                let widest = page.lines().map(crate::ui::widget::text::width).max();
                assert!(widest <= Some(columns), "{}: {widest:?}", book.id);
                assert!(page.contains("REVIEW OVERDUE"), "{}", book.id);
            }
            let page = page(&shelved, &book, jiff::civil::date(2026, 1, 1), 100);
            assert!(!page.contains("REVIEW OVERDUE"));
            for step in &book.steps {
                assert!(page.contains(&format!("> {}:", step.id)), "{}", step.id);
            }
            for trap in book.deviations.iter().filter_map(|one| one.trap.as_ref()) {
                assert!(page.contains(&format!("[{trap}]")), "{trap}");
            }
        }
    }
}
