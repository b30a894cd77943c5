//! Which key every pod runs, as it was found: by the moment it began against the moment the Secret was written, with the
//! version in Vault and the fingerprints of what was compared. Values are not known here.

use crate::runbook::machine::{Run, StepState};
use crate::runbook::model::{SecretStep, StepKind};
use crate::ui::lines::clock;
use crate::ui::paper::{Paper, cut, sign};
use crate::ui::theme::Tone;
use crate::ui::widget::text;
use jiff::Timestamp;
use serde_json::Value;

/// The most pods that are listed one by one.
const PODS: usize = 60;

/// Writes the proofs a run gathered.
pub fn write(run: &Run, paper: &mut Paper<'_>) {
    for (step, record) in run.plan().iter().zip(&run.ledger().steps) {
        let proof = matches!(step.kind, StepKind::Secret(SecretStep::Proof { .. }));
        if proof
            && record.state == StepState::Succeeded
            && let Some(out) = run.ledger().outs.get(&step.id)
        {
            one(out, paper);
        }
    }
}

fn one(out: &Value, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let pods = out["pods"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let new = pods.iter().filter(|pod| pod["new"] == true).count();
    let at = |value: &Value| {
        let at = value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
        at.map_or_else(|| "–".to_owned(), clock)
    };
    let written = at(&out["secret_written"]);
    let version = out["vault_version"].as_str();
    let version = version.map_or_else(String::new, |version| {
        format!("; version {version} of Vault")
    });
    let words = format!(
        "{new} of {} pods began after the Secret was written ({written}){version}",
        pods.len()
    );
    paper.fact("proof", &words, theme.strong());
    for (key, print) in out["prints"].as_object().into_iter().flatten() {
        if let Some(print) = print.as_str() {
            paper.fact("", &format!("{key} {print}"), theme.dim());
        }
    }
    for pod in pods.iter().take(PODS) {
        let tone = if pod["new"] == true {
            Tone::Healthy
        } else {
            Tone::Failing
        };
        let (mark, colour) = sign(theme, tone);
        let name = pod["pod"].as_str().unwrap_or_default();
        let room = paper.width.saturating_sub(24);
        let words = format!(
            "{}  began {}",
            text::pad_right(&cut(name, room), room.min(40)),
            at(&pod["started"])
        );
        let before = text::pad_right("", 11.min(paper.width / 3));
        paper.row(vec![
            (before, theme.text()),
            (format!("{mark} "), colour),
            (words, theme.text()),
        ]);
    }
    if pods.len() > PODS {
        paper.fact("", &format!("and {} more", pods.len() - PODS), theme.dim());
    }
}
