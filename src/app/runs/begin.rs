//! The form a runbook is started from: its parameters, filled in from the target and from what the runbook was opened for.
//! What is typed is read by the runbook's own types before anything begins.

use super::order::RunRequest;
use crate::app::command::Command;
use crate::app::effect::Effect;
use crate::app::incidents::sheet::{Aim, Came, Field, Sheet};
use crate::app::layer::Layer;
use crate::app::state::App;
use crate::runbook::Runbook;
use crate::runbook::model::{Param, ParamType};
use crate::runbook::param::may_stay_open;
use crate::runbook::template::plain;
use std::collections::BTreeMap;
use std::sync::Arc;

impl App {
    /// A runbook of the shelf that can be started.
    fn readable(&self, id: &str) -> Option<&Arc<Runbook>> {
        self.runs.book(id)?.book.as_ref().ok()
    }

    /// What a runbook is started with where nobody says more: the workload it was opened for, and where that is.
    pub(in crate::app) fn given(&self, id: &str) -> BTreeMap<String, String> {
        let mut given = BTreeMap::new();
        let Some(book) = self.readable(id) else {
            return given;
        };
        let takes = |name| book.param(name).is_some();
        if let Some(subject) = &self.desk.subject {
            let object = &subject.object;
            if takes("workload") {
                let workload = format!("{}/{}", object.kind, object.name);
                given.insert("workload".into(), workload);
            }
            if takes("namespace") {
                given.insert("namespace".into(), object.namespace.to_string());
            }
        }
        if takes("namespace")
            && !given.contains_key("namespace")
            && let Some(namespace) = self.target.scope.namespace()
        {
            given.insert("namespace".into(), namespace.to_string());
        }
        given
    }

    /// The parameters of a runbook with what each would be, in their order; empty where it would be asked for or left out.
    pub fn starts_with(&self, book: &Runbook) -> Vec<(String, String)> {
        let given = self.given(&book.id);
        let value = |param: &Param| {
            let given = given.get(&param.name).cloned();
            given.or_else(|| param.default.as_ref().map(plain))
        };
        let params = book.params.iter();
        params
            .map(|param| (param.name.clone(), value(param).unwrap_or_default()))
            .collect()
    }

    /// Whether a runbook has a choice that its operator should see before it begins.
    pub(in crate::app) fn wants_form(&self, id: &str) -> bool {
        let choice = |param: &Param| param.ty == ParamType::Choice;
        self.readable(id)
            .is_some_and(|book| book.params.iter().any(choice))
    }

    /// Lays the form over the screen.
    pub(in crate::app) fn fill_in(&mut self, id: &Arc<str>) {
        let Some(book) = self.readable(id).cloned() else {
            return self.tell("This runbook cannot be read; it cannot be started.");
        };
        if book.params.is_empty() {
            return self.tell("It has no parameters: enter starts it.");
        }
        let values = self.starts_with(&book);
        let fields = book.params.iter().zip(values);
        let fields = fields
            .map(|(param, (_, value))| field(&book, param, &value))
            .collect();
        let sheet = Sheet::new(
            Aim::Start(id.clone()),
            format!("Start {}: {}", book.id, book.title),
            fields,
        );
        let sheet = sheet.fact("", "Nothing is changed before it was shown and confirmed.");
        self.layers.push(Layer::Sheet(Box::new(sheet)));
    }

    /// Obeys a key while the form lies over the screen.
    pub(in crate::app) fn obey_start(
        &mut self,
        id: &Arc<str>,
        mut sheet: Sheet,
        command: &Command,
    ) -> Vec<Effect> {
        match sheet.obey(command) {
            Came::Left => {
                self.tell("Left: nothing was started.");
                return Vec::new();
            }
            Came::Stays => {}
            Came::Filled => match self.request(id, &sheet) {
                Ok(request) => return self.obey_run(Command::StartRun(Box::new(request))),
                Err((at, why)) => {
                    sheet.at = at;
                    sheet.refused = Some(why);
                }
            },
        }
        self.layers.push(Layer::Sheet(Box::new(sheet)));
        Vec::new()
    }

    /// The run that was asked for, or which field does not fit and why.
    fn request(&self, id: &Arc<str>, sheet: &Sheet) -> Result<RunRequest, (usize, String)> {
        let Some(book) = self.readable(id) else {
            return Err((0, "The runbook is not there any more.".to_owned()));
        };
        let mut params = BTreeMap::new();
        for (at, field) in sheet.fields.iter().enumerate() {
            let text = field.text();
            if text.is_empty() {
                continue;
            }
            if let Some(param) = book.param(&field.name) {
                param.read(text).map_err(|why| (at, why))?;
            }
            params.insert(field.name.to_string(), text.to_owned());
        }
        Ok(RunRequest::new(id, params))
    }
}

fn field(book: &Runbook, param: &Param, value: &str) -> Field {
    let one_of = |all: &[String]| {
        let at = all.iter().position(|choice| choice == value);
        Field::choice(param.name.clone(), all, at.unwrap_or(0))
    };
    let mut field = match param.ty {
        ParamType::Choice => one_of(&param.choices),
        ParamType::Bool => one_of(&["false".to_owned(), "true".to_owned()]),
        _ => Field::line(param.name.clone(), value),
    };
    field.optional = may_stay_open(book, param);
    field.help(param.help.as_deref().unwrap_or_default())
}
