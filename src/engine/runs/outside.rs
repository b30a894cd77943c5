//! Reads the ConfigMaps and Secrets that two templates name, for what going back does not bring back. A Secret's values
//! are dropped where it is read: only its marks of time are kept.

use super::means::Means;
use super::state::known;
use crate::platform::failure::FailureKind;
use crate::runbook::machine::GoingBack;
use crate::runbook::outside::{self, Found, Named, Way};
use crate::runbook::preflight::Line;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most objects that are read for it.
const MOST: usize = 40;

/// What going back to a revision does not bring back.
pub async fn lines(means: &Means, namespace: &str, body: &Value, back: &GoingBack) -> Vec<Line> {
    let template = &body["spec"]["template"];
    let (now, then) = (outside::names(template), outside::names(&back.template));
    let mut found = BTreeMap::new();
    for named in then.iter().take(MOST) {
        found.insert(named.clone(), read(means, namespace, named).await);
    }
    for named in then.iter().skip(MOST) {
        found.insert(named.clone(), Found::Hidden("too many".to_owned()));
    }
    let way = Way {
        to: back.to,
        to_began: back.to_began,
        from: back.from,
        from_began: back.from_began,
    };
    let mut lines = outside::lines(&now, &then, &found, &way);
    lines.extend(outside::migration(template, back.from));
    lines
}

async fn read(means: &Means, namespace: &str, named: &Named) -> Found {
    let Ok(kind) = known(named.kind) else {
        return Found::Hidden("not a kind here".to_owned());
    };
    match means.cluster.object_of(&kind, namespace, &named.name).await {
        Ok(object) => Found::There(outside::written(&object)),
        Err(failure) if failure.kind == FailureKind::NotFound => Found::Missing,
        Err(failure) => Found::Hidden(failure.short().to_string()),
    }
}
