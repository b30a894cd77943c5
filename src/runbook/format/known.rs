//! What may be referred to at a point of the file: parameters, earlier steps with what they leave behind, loop
//! variables. A reference to anything else is a mistake at its place.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::format::sink::Sink;
use crate::runbook::model::{LookStep, Runbook, Step, StepKind};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;
use crate::runbook::template::{Path, Text};

/// Values every step leaves behind besides what it captures.
const BUILT_IN_OUTS: &[&str] = &[
    "after",
    "before",
    "choice",
    "finished_at",
    "image",
    "name",
    "revision",
    "started_at",
    "value",
    "verdict",
    "version",
];

/// What may be referred to at a point of the file.
#[derive(Clone, Debug)]
pub struct Known {
    params: BTreeSet<String>,
    ids: BTreeSet<String>,
    outs: BTreeMap<String, BTreeSet<String>>,
    vars: BTreeSet<String>,
}

impl Known {
    /// Before the first step: the parameters.
    pub fn new(runbook: &Runbook) -> Self {
        Self {
            params: runbook
                .params
                .iter()
                .map(|param| param.name.clone())
                .collect(),
            ids: BTreeSet::new(),
            outs: BTreeMap::new(),
            vars: BTreeSet::new(),
        }
    }

    /// Takes an id, unless it is taken.
    pub fn take_id(&mut self, sink: &Sink<'_>, id: &str, at: usize) {
        if !id.is_empty() && !self.ids.insert(id.to_owned()) {
            sink.error(
                at,
                format!("the id `{}` is taken", bounded(id, 70)),
                Some("ids are unique in a file; journals name steps by them".to_owned()),
            );
        }
    }

    /// Adds a step that later ones may refer to.
    pub fn add(&mut self, step: &Step) {
        self.outs.insert(step.id.clone(), outs(step));
    }

    /// Resolves a step's references, with its loop variable and the steps of its body in sight.
    pub fn scoped(&self, sink: &Sink<'_>, step: &Step, refs: Vec<(Path, usize)>) {
        let mut scope = self.clone();
        scope.outs.insert(step.id.clone(), outs(step));
        let each = step.each.as_ref().into_iter().chain(match &step.kind {
            StepKind::Each { over, .. } => Some(over),
            _ => None,
        });
        scope.vars.extend(each.filter_map(|each| each.var.clone()));
        if let StepKind::Each { body, .. } = &step.kind {
            for inner in body {
                if !scope.ids.insert(inner.id.clone()) && !inner.id.is_empty() {
                    sink.error_at(
                        inner.place,
                        format!("the id `{}` is taken", bounded(&inner.id, 70)),
                        Some(format!("rename the step inside `{}`", step.id)),
                    );
                }
                scope.add(inner);
            }
        }
        scope.resolve(sink, refs);
    }

    /// References in a heading are filled once their values are known: any step of the file may be meant.
    pub fn title(&self, sink: &Sink<'_>, title: &str, at: usize) {
        match Text::parse(title) {
            Ok(text) => {
                let paths = text.paths().map(|path| (path.clone(), at)).collect();
                self.resolve(sink, paths);
            }
            Err(why) => sink.error(at, format!("heading: {}", bounded(&why, 200)), None),
        }
    }

    /// Says of every reference that leads nowhere what is near.
    pub fn resolve(&self, sink: &Sink<'_>, refs: Vec<(Path, usize)>) {
        let suggest = |word: &str, set: &BTreeSet<String>| {
            nearest(word, set.iter().map(String::as_str))
                .map(|near| format!("did you mean `{near}`?"))
        };
        for (path, at) in refs {
            match &path {
                Path::Param(name, _) if !self.params.contains(name) => sink.error(
                    at,
                    format!("`{path}`: no such parameter"),
                    suggest(name, &self.params),
                ),
                Path::Step(id, tail) => match self.outs.get(id) {
                    None => {
                        let steps = self.outs.keys().cloned().collect();
                        sink.error(
                            at,
                            format!("`{path}`: no step `{id}` before this one"),
                            suggest(id, &steps).or_else(|| {
                                Some("only earlier steps can be referred to".to_owned())
                            }),
                        );
                    }
                    Some(outs) => {
                        let name = tail.first().map_or("", String::as_str);
                        if !outs.contains(name) && !BUILT_IN_OUTS.contains(&name) {
                            sink.error(at, format!("`{path}`: step `{id}` captures no `{name}`"), suggest(name, outs).or_else(|| Some(format!("add it to the step's `capture`, as {{ {name} = \"out.{name}\" }}"))));
                        }
                    }
                },
                Path::Var(name) if !self.vars.contains(name) => {
                    sink.error(at, format!("`{path}` refers to nothing"), Some("write params.NAME, steps.ID.NAME or run.id; loop variables exist only inside their `each`".to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// What a step leaves behind by its own names.
fn outs(step: &Step) -> BTreeSet<String> {
    let more: &[&str] = match step.kind {
        StepKind::Checklist { .. } => &["items", "overridden", "summary"],
        StepKind::Approve => &["by"],
        StepKind::Look(LookStep::Http { .. }) => &["status", "bytes"],
        StepKind::Look(LookStep::Scan { .. }) => &["pods", "lines"],
        _ => &[],
    };
    let more = more.iter().map(|name| (*name).to_owned());
    step.capture.keys().cloned().chain(more).collect()
}
