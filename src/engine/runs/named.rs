//! Runs of before that a run names as evidence: whether each is on this machine and holds, what it was about and how it ended.

use super::means::Means;
use super::records;
use crate::engine::incidents::evidence::{self, Evidence};
use crate::runbook::machine::Start;
use crate::runbook::preflight::{Level, Line};

/// One line for each.
pub async fn lines(means: &Means, start: &Start, named: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    for run in named {
        let (state, id) = (means.keeping.state.clone(), run.clone());
        let found = records::off(move || evidence::of(&state, &id)).await;
        lines.push(match found {
            Ok(Ok(found)) => of(&found, start),
            Ok(Err(why)) | Err(why) => Line::new(Level::Red, "the evidence that is named", why)
                .fix("name a run that `vigie runs --all` lists, or leave `evidence` out"),
        });
    }
    lines
}

fn of(found: &Evidence, start: &Start) -> Line {
    let text = format!("evidence {} {}", found.runbook, found.run);
    let about = |workload: &String| {
        let wanted = start.params.get("workload");
        let wanted = wanted.map(crate::runbook::template::plain);
        wanted.is_none_or(|wanted| {
            let bare = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            bare(&wanted) == bare(workload)
        })
    };
    let mut doubts = Vec::new();
    if !found.checklist {
        doubts.push("it settles no checklist".to_owned());
    }
    if !found.good {
        doubts.push("it has not come to its good end".to_owned());
    }
    if found.namespace != start.target.namespace {
        doubts.push(format!("it is about {}", found.namespace));
    } else if let Some(workload) = found.workload.as_ref().filter(|one| !about(one)) {
        doubts.push(format!("it is about {workload}"));
    }
    if !found.overridden.is_empty() {
        doubts.push(format!("gone past: {}", found.overridden.join("; ")));
    }
    if doubts.is_empty() {
        return Line::new(Level::Noted, text, found.text.clone());
    }
    let fact = format!("{}; {}", doubts.join(", "), found.text);
    Line::new(Level::Amber, text, fact).fix("look at it: vigie runs, then its record")
}
