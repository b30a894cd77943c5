//! Steps that change fields of an object as files declare them. What may not be patched is a mistake at its place, not
//! a refusal in the night.

use serde_json::{Value, json};

use crate::runbook::format::reader::Reader;
use crate::runbook::model::{
    APPLICATION, ARGO_HOME, ObjectStep, PATCHABLE, StepKind, Target, Undo, fields, is_manifest,
    patchable,
};
use crate::runbook::prose::bounded;
use crate::runbook::template::Text;

/// Reads a step that changes fields of an object; `None` where the kind is another.
pub fn object_step(
    name: &str,
    table: &Reader<'_, '_, '_>,
    needs_target: bool,
) -> Option<ObjectStep> {
    Some(match name {
        "k8s.patch" => {
            let at = (needs_target || table.has("target")).then(|| target(table));
            ObjectStep::Patch {
                at,
                patch: patch(table),
                remove: removed(table),
            }
        }
        "k8s.service-selector" => {
            let at = named(table, "Service", None, needs_target);
            let set = table.text_map("set");
            if set.is_empty() {
                table.error(
                    "`set` names no label",
                    Some("as set = { version = \"green\" }; an empty selector is never meant"),
                );
            }
            ObjectStep::Selector { at, set }
        }
        "argocd.suspend" => ObjectStep::Suspend {
            at: named(table, APPLICATION, Some(ARGO_HOME), needs_target),
        },
        "argocd.resume" => ObjectStep::Resume {
            at: named(table, APPLICATION, Some(ARGO_HOME), needs_target),
        },
        "k8s.job-run" => ObjectStep::JobRun {
            ns: table.need_text("ns"),
            name: table.text("name"),
            from: template_of(table),
        },
        "k8s.apply" => ObjectStep::Apply {
            ns: table.need_text("ns"),
            manifest: manifest(table),
        },
        _ => return None,
    })
}

/// What a Job is made from.
fn template_of(table: &Reader<'_, '_, '_>) -> Text {
    let from = table.need_text("from");
    let known = |source: &str| {
        let kind = source.split_once('/').filter(|(_, name)| !name.is_empty());
        kind.is_some_and(|(kind, _)| matches!(kind, "CronJob" | "Job"))
    };
    if table.has("from") && !known(from.source()) {
        table.error_at(
            "from",
            "a Job is made from a CronJob or from another Job",
            Some("as from = \"CronJob/nightly\""),
        );
    }
    from
}

/// An object that stands in the file.
fn manifest(table: &Reader<'_, '_, '_>) -> Value {
    if !table.has("manifest") {
        table.error("`manifest` is missing", None);
    }
    let found = table.data("manifest").unwrap_or_else(|| json!({}));
    if let Err(why) = is_manifest(&found) {
        table.error_at("manifest", why, None);
    }
    found
}

/// The way back of the kinds that have one of their own: what was suspended is resumed, what was made is deleted.
pub fn own_way_back(kind: &StepKind) -> Option<Undo> {
    let own = matches!(
        kind,
        StepKind::Object(
            ObjectStep::Suspend { .. } | ObjectStep::Resume { .. } | ObjectStep::JobRun { .. }
        )
    );
    own.then_some(Undo::Restore)
}

/// Reads the object a step acts on.
pub fn target(table: &Reader<'_, '_, '_>) -> Target {
    if let Some((value, at)) = table.item("target")
        && value.as_str().is_some_and(|text| text.trim().is_empty())
    {
        table.sink().error(
            at,
            "an empty target",
            Some(
                "name one workload, as \"{{params.workload}}\"; an empty set is never everything"
                    .to_owned(),
            ),
        );
    }
    Target {
        ns: table.need_text("ns"),
        target: table.need_text("target"),
    }
}

/// The object of a kind whose steps name it by `ns` and `name` alone.
fn named(
    table: &Reader<'_, '_, '_>,
    kind: &str,
    home: Option<&str>,
    needed: bool,
) -> Option<Target> {
    let (ns, name) = (table.text("ns"), table.text("name"));
    for (key, found) in [
        ("ns", ns.is_some() || home.is_some()),
        ("name", name.is_some()),
    ] {
        if needed && !found {
            table.error(format!("`{key}` is missing"), None);
        }
    }
    let name = name?;
    if name.source().trim().is_empty() {
        table.error_at("name", "an empty name", Some("name one object"));
    }
    let target = Text::parse(&format!("{kind}/{}", name.source())).ok()?;
    let ns = ns.or_else(|| home.map(Text::literal))?;
    Some(Target { ns, target })
}

/// The fields of a merge patch, as far as they may be patched.
fn patch(table: &Reader<'_, '_, '_>) -> Value {
    let found = table.data("patch").unwrap_or_else(|| json!({}));
    let named = fields(&found);
    if named.is_empty() && !table.has("remove") {
        table.error(
            "`patch` names no field",
            Some("as patch = { spec = { minReadySeconds = 10 } }"),
        );
    }
    for (field, value) in named {
        if !patchable(&field) {
            refuse(table, "patch", &field);
        }
        let mut items = value.as_array().into_iter().flatten();
        if items.any(Value::is_object) {
            let field = bounded(&field, 80);
            let message = format!("`{field}`: a list of tables would be replaced as a whole");
            let help = "use k8s.set-image for an image, k8s.apply for the rest";
            table.error_at("patch", message, Some(help));
        }
    }
    let secret = table
        .string("target")
        .is_some_and(|target| is_secret(&target));
    if secret {
        table.error_at(
            "target",
            "a Secret is not patched: its values would stand in the journal",
            Some("use k8s.secret-set"),
        );
    }
    found
}

fn is_secret(target: &str) -> bool {
    let kind = target.split('/').next().unwrap_or_default();
    kind.eq_ignore_ascii_case("secret") || kind.eq_ignore_ascii_case("secrets")
}

fn refuse(table: &Reader<'_, '_, '_>, key: &str, field: &str) {
    let message = format!("`{}` is not to be patched", bounded(field, 80));
    let help = format!("only what is inside of {}", PATCHABLE.join(", "));
    table.error_at(key, message, Some(&help));
}

fn removed(table: &Reader<'_, '_, '_>) -> Vec<Text> {
    let all = table.texts("remove");
    for text in &all {
        if !patchable(text.source()) {
            refuse(table, "remove", text.source());
        }
    }
    all
}
