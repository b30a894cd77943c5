//! `vigie runs export`: one run as a file that proves itself elsewhere.

use super::super::args::{ExportRun, Output};
use super::super::exit::{Failed, UNKNOWN, USAGE};
use super::super::print;
use super::super::session::Start;
use super::super::shelf::cleaned;
use crate::engine::clock::Clock;
use crate::engine::incidents::{Hand, Ledger};
use crate::engine::runs::export::{Wanted, export as write_out};
use crate::engine::runs::records::Who;
use crate::ui::widget::text::sanitize;
use serde_json::json;

/// Writes a run out and says what was written.
pub fn export(start: &Start, asked: &ExportRun) -> Result<u8, Failed> {
    let ledger = Ledger {
        state: start.loaded.state_dir(),
        cleaner: cleaned,
    };
    let wanted = Wanted {
        run: asked.run.clone(),
        folder: asked.dir.clone(),
        pseudonymised: asked.pseudonymised,
    };
    // Nothing is asked of the cluster: what is written out is on this machine.
    let hand = Hand::by(&Clock::system(), Who::here());
    let made = write_out(&ledger, &hand, &wanted).map_err(|refusal| {
        let code = if refusal.usage { USAGE } else { UNKNOWN };
        Failed::new(code, refusal.sentence)
    })?;
    for missing in &made.missing {
        print::note(&sanitize(missing));
    }
    let file = made.file.display().to_string();
    if start.global.output == Output::Json {
        let note = made.note.as_ref();
        return print::text(&print::line(&json!({
            "schema": 1, "run": made.run, "files": [file], "head": made.head, "bundle_sha256": made.bundle,
            "copy": note.is_some(), "pseudonymised": note.is_some_and(|note| note.pseudonymised),
            "masked": note.map_or(0, |note| note.masked), "missing": made.missing,
        })));
    }
    if let Some(note) = made.note.as_ref().filter(|note| note.masked > 0) {
        print::note(&format!(
            "{} records hold a text that is masked: the bundle is a copy of the chain, not the chain",
            note.masked
        ));
    }
    let file = sanitize(&file);
    print::text(&format!("{file}\n{}", proves(&file, made.head.as_deref())))
}

/// How a bundle is checked.
pub fn proves(bundle: &str, head: Option<&str>) -> String {
    match head {
        Some(head) => {
            format!("The bundle proves itself: vigie audit verify {bundle} --anchor {head}\n")
        }
        None => format!(
            "It is a copy: vigie audit verify {bundle} says whether it is whole, and here, whether it was made of the originals.\n"
        ),
    }
}
