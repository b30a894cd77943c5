//! Writing: bodies and patches read, handed to the world's verbs, and noted in the write log whatever becomes of them.

use axum::response::Response;
use serde_json::{Value, json};

use super::super::kind::{Kind, Resource};
use super::super::refusal::Refusal;
use super::super::shared::{Shared, Written};
use super::super::store::Id;
use super::super::verbs::{Patch, Write};
use super::super::world::World;
use super::answer::{self, Shape};
use super::asked::Asked;
use super::list;
use super::removal;
use super::route::Path;
use super::table;

/// Performs a mutating request.
pub fn write(shared: &Shared, asked: &Asked, verb: &'static str) -> Result<Response, Refusal> {
    let body: Value = if asked.body.is_empty() {
        Value::Null
    } else if (asked.content.contains("yaml") && !is_apply(asked))
        || asked.content.contains("protobuf")
    {
        return Err(Refusal::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json",
        ));
    } else {
        serde_json::from_slice(&asked.body).map_err(|why| {
            Refusal::bad_request(format!("the object provided is unrecognized: {why}"))
        })?
    };
    let how = Write {
        by: asked.manager(),
        dry_run: removal::dry_run(asked, &body)?,
    };
    let outcome = perform(shared, asked, verb, &body, &how);
    shared.note(Written {
        at_ms: shared.now_ms(),
        user: asked.who.name().into(),
        verb,
        path: asked.uri.clone(),
        audit_id: asked.audit_id.clone(),
        dry_run: how.dry_run,
        code: outcome
            .as_ref()
            .map_or_else(|refusal| refusal.code, |(code, _)| *code),
        body,
    });
    let (code, object) = outcome?;
    Ok(shaped(shared, asked, code, &object))
}

fn perform(
    shared: &Shared,
    asked: &Asked,
    verb: &str,
    body: &Value,
    how: &Write,
) -> Result<(u16, Value), Refusal> {
    let Path::Object {
        resource,
        namespace,
        name,
        part,
        ..
    } = &asked.path
    else {
        return Err(Refusal::no_such_path());
    };
    let (kind, at) = (resource.kind, (namespace.as_str(), name.as_str()));
    check_part(resource, part, verb)?;
    let hooks = shared.admission();
    if let Some(refusal) = hooks.objection(verb, resource.plural, how.dry_run, body) {
        return Err(refusal);
    }
    shared.with(|world| match verb {
        "create" if part == "eviction" => world.evict(at, body, how).map(|object| (201, object)),
        "create" => world
            .create(kind, namespace, body.clone(), how)
            .map(|object| (201, object)),
        "update" => world
            .replace(kind, at, part, body, how)
            .map(|object| (200, object)),
        "patch" if is_apply(asked) => apply(world, asked, (kind, at, part), body, how),
        "patch" => world
            .patch(kind, at, part, &patch(asked, body)?, how)
            .map(|object| (200, object)),
        "delete" => {
            let options = removal::options(asked, body);
            world
                .delete(kind, at, &options, how)
                .map(|object| (200, object))
        }
        "deletecollection" => sweep(world, asked, resource, body, how).map(|list| (200, list)),
        _ => Err(Refusal::not_allowed()),
    })
}

fn check_part(resource: &Resource, part: &str, verb: &str) -> Result<(), Refusal> {
    let known = match part {
        "" => true,
        "status" => resource.kind.has_status() && matches!(verb, "update" | "patch"),
        "scale" => resource.kind.scales() && matches!(verb, "update" | "patch"),
        "eviction" => resource.kind == Kind::Pod && verb == "create",
        _ => false,
    };
    if known {
        Ok(())
    } else {
        Err(Refusal::no_such_path())
    }
}

/// Whether a patch is a configuration to apply; `kubectl` and its like send it as JSON.
fn is_apply(asked: &Asked) -> bool {
    asked.content.starts_with("application/apply-patch+yaml")
}

fn apply(
    world: &mut World,
    asked: &Asked,
    (kind, at, part): (Kind, (&str, &str), &str),
    body: &Value,
    how: &Write,
) -> Result<(u16, Value), Refusal> {
    if !part.is_empty() {
        return Err(Refusal::new(
            415,
            "UnsupportedMediaType",
            format!("server-side apply is not served on the part \"{part}\"; patch it instead"),
        ));
    }
    if asked.query.text("fieldManager").is_empty() {
        return Err(Refusal::new(
            422,
            "Invalid",
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let (new, object) = world.apply(kind, at, body, asked.query.is_true("force"), how)?;
    Ok((if new { 201 } else { 200 }, object))
}

fn patch(asked: &Asked, body: &Value) -> Result<Patch, Refusal> {
    match asked.content.split(';').next().unwrap_or_default().trim() {
        "application/merge-patch+json" => Ok(Patch::Merge(body.clone())),
        "application/strategic-merge-patch+json" => Ok(Patch::Strategic(body.clone())),
        "application/json-patch+json" => {
            let operations = body.as_array().cloned();
            operations.map(Patch::Json).ok_or_else(|| {
                Refusal::bad_request(
                    "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
                )
            })
        }
        other => Err(Refusal::new(
            415,
            "UnsupportedMediaType",
            format!("the body of the request was in an unknown format: {other}"),
        )),
    }
}

fn sweep(
    world: &mut World,
    asked: &Asked,
    resource: &'static Resource,
    body: &Value,
    how: &Write,
) -> Result<Value, Refusal> {
    let selection = list::selection(asked)?;
    let namespace = list::namespace(asked);
    let ids: Vec<Id> = world
        .store()
        .list(resource.kind, namespace)
        .filter(|o| selection.takes(&o.tree()))
        .map(|o| o.id.clone())
        .collect();
    let mut items = Vec::new();
    for id in ids {
        items.push(world.read(resource.kind, (&id.0, &id.1))?);
        world.delete(
            resource.kind,
            (&id.0, &id.1),
            &removal::options(asked, body),
            how,
        )?;
    }
    let version = world.store().version().to_string();
    Ok(
        json!({"kind": format!("{}List", resource.name), "apiVersion": resource.api_version(), "metadata": {"resourceVersion": version}, "items": items}),
    )
}

fn shaped(shared: &Shared, asked: &Asked, code: u16, object: &Value) -> Response {
    let Path::Object { resource, .. } = &asked.path else {
        return answer::json(code, object);
    };
    match asked.shape {
        Shape::Table if object["kind"] == resource.name => {
            let version = object["metadata"]["resourceVersion"]
                .as_str()
                .and_then(|v| v.parse().ok())
                .unwrap_or_default();
            let table = table::table(
                resource,
                std::slice::from_ref(object),
                (version, None),
                shared.now_ms(),
                "",
            );
            answer::json(code, &table)
        }
        Shape::Metadata if object["kind"] == resource.name => {
            answer::json(code, &answer::metadata_of(object))
        }
        _ => answer::json(code, object),
    }
}
