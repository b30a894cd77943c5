//! Runbooks that call others: each call finds its runbook once, before anything runs, so that a run carries all it needs.
//! What cannot be found, calls itself, or goes too deep is said by name.

use std::sync::Arc;

use crate::runbook::model::{Runbook, Step, StepKind};

/// How deep calls may go.
pub const DEEPEST: usize = 4;

/// A runbook with everything it calls, and what those call. `find` gives a runbook by its id, unlinked.
pub fn link(book: Runbook, find: &dyn Fn(&str) -> Option<Runbook>) -> Result<Runbook, String> {
    let chain = vec![book.id.clone()];
    linked(book, find, &chain)
}

fn linked(
    mut book: Runbook,
    find: &dyn Fn(&str) -> Option<Runbook>,
    chain: &[String],
) -> Result<Runbook, String> {
    let mut wanted = Vec::new();
    called(&book.steps, &mut wanted);
    for block in book.blocks.values() {
        called(block, &mut wanted);
    }
    for (step, id) in wanted {
        if book.calls.contains_key(&id) {
            continue;
        }
        if chain.contains(&id) {
            return Err(format!(
                "step `{step}`: {} calls itself by way of {}",
                id,
                chain.join(" → ")
            ));
        }
        if chain.len() > DEEPEST {
            return Err(format!(
                "step `{step}`: calls go deeper than {DEEPEST}: {}",
                chain.join(" → ")
            ));
        }
        let found =
            find(&id).ok_or_else(|| format!("step `{step}`: there is no runbook `{id}`"))?;
        let mut chain = chain.to_vec();
        chain.push(id.clone());
        let found = linked(found, find, &chain)?;
        book.calls.insert(id, Arc::new(found));
    }
    Ok(book)
}

impl Runbook {
    /// The ids of everything it calls, and what those call.
    pub fn every_called(&self) -> Vec<String> {
        let mut all: Vec<String> = self.calls.keys().cloned().collect();
        all.extend(self.calls.values().flat_map(|book| book.every_called()));
        all.sort();
        all.dedup();
        all
    }
}

/// The calls among some steps: the step's id, and the runbook's.
pub fn called(steps: &[Step], found: &mut Vec<(String, String)>) {
    for step in steps {
        match &step.kind {
            StepKind::Call { runbook, .. } => found.push((step.id.clone(), runbook.clone())),
            StepKind::Each { body, .. } => called(body, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::format;

    fn book(id: &str, calls: &[&str]) -> Runbook {
        let step = |called: &&str| {
            format!(
                "```toml step\nid = \"do-{called}\"\nkind = \"call\"\nrunbook = \"{called}\"\n```\n\n"
            )
        };
        let steps = calls.iter().map(step).collect::<Vec<_>>().concat();
        let note = "```toml step\nid = \"n\"\nkind = \"note\"\n```\n";
        let text = format!(
            "+++\nschema = 1\nid = \"{id}\"\nversion = \"1\"\ntitle = \"T\"\n+++\n\n## A\n\nwhy\n\n{steps}{note}"
        );
        format::parse(id, &text).unwrap()
    }

    #[test]
    fn calls_are_found_and_those_that_lead_nowhere_are_named() {
        let shelf = |id: &str| match id {
            "b" => Some(book("b", &["c"])),
            "c" => Some(book("c", &[])),
            "loop" => Some(book("loop", &["back"])),
            "back" => Some(book("back", &["loop"])),
            "d1" => Some(book("d1", &["d2"])),
            "d2" => Some(book("d2", &["d3"])),
            "d3" => Some(book("d3", &["d4"])),
            "d4" => Some(book("d4", &["d5"])),
            "d5" => Some(book("d5", &[])),
            _ => None,
        };
        let linked = link(book("a", &["b", "c"]), &shelf).unwrap();
        assert_eq!(linked.calls.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert!(linked.calls["b"].calls.contains_key("c"));
        for (calls, why) in [
            ("x", "no runbook `x`"),
            ("loop", "calls itself"),
            ("a", "calls itself"),
            ("d1", "deeper than 4"),
        ] {
            let error = link(book("a", &[calls]), &shelf).unwrap_err();
            assert!(error.contains(why), "{calls}: {error}");
        }
        let alone = link(book("a", &["c"]), &shelf).unwrap();
        assert_ne!(
            alone.model_digest(),
            book("a", &["c"]).model_digest(),
            "what is called counts"
        );
    }
}
