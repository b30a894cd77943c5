//! Server-side apply: an object is made, or becomes what a manager's configuration says and keeps what others said.

use serde_json::Value;

use super::super::kind::Kind;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::{apply, tree};
use super::rules::{keep_identity, well_formed};
use super::{Write, admitted};

impl World {
    /// Applies a configuration; says whether the object is new.
    pub fn apply(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        body: &Value,
        force: bool,
        how: &Write,
    ) -> Result<(bool, Value), Refusal> {
        let resource = kind.resource();
        well_formed(resource, body)?;
        let meant = body["apiVersion"] == resource.api_version() && body["kind"] == resource.name;
        if !meant || tree::text(body, &["metadata", "name"]) != at.1 {
            return Err(Refusal::bad_request(
                "an applied configuration names its apiVersion, its kind and the object's name, as the URL does",
            ));
        }
        let fields = apply::fields_of(body);
        let Some(current) = self.state.store.get(kind, at.0, at.1) else {
            let sign = |state: &super::State, body: &mut Value| {
                apply::sign(body, &how.by, &fields, &state.stamp());
            };
            let made = self.make(kind, at.0, body.clone(), how, sign)?;
            return Ok((true, made));
        };
        let current = current.tree().into_owned();
        let mut wanted = apply::apply(&current, body, &how.by, force)
            .map_err(|conflicts| Refusal::contested(resource, at.1, &conflicts))?;
        keep_identity(resource, at.1, &current, &mut wanted)?;
        if kind.has_status() {
            tree::put(&mut wanted, &["status"], current["status"].clone());
        }
        let mut wanted = admitted(kind, &current, wanted)?;
        if wanted == current && apply::is_signed(&current, &how.by, &fields) {
            return Ok((false, current));
        }
        apply::sign(&mut wanted, &how.by, &fields, &self.state.stamp());
        Ok((false, self.keep(kind, wanted, how)))
    }
}
