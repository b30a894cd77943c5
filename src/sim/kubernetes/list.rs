//! Reading: one object, or a list of them, whole or in pages, in the shape that is wanted. Large lists go out in blocks cut from the stored texts.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::kind::Resource;
use super::super::refusal::Refusal;
use super::super::select::Selection;
use super::super::shared::Shared;
use super::super::store::{Id, Object};
use super::super::tree;
use super::answer::{self, Shape};
use super::asked::Asked;
use super::route::Path;
use super::table;

/// How large the blocks of a list are.
const BLOCK: usize = 128 * 1024;

/// The selection a request asks for; a name in the path is one too.
pub fn selection(asked: &Asked) -> Result<Selection, Refusal> {
    Selection::parse(
        asked.query.text("labelSelector"),
        asked.query.text("fieldSelector"),
    )
}

/// The namespace in a request's path.
pub fn namespace(asked: &Asked) -> &str {
    match &asked.path {
        Path::Object { namespace, .. } => namespace,
        _ => "",
    }
}

/// One object.
pub fn one(
    shared: &Shared,
    asked: &Asked,
    resource: &'static Resource,
) -> Result<Response, Refusal> {
    let Path::Object {
        namespace, name, ..
    } = &asked.path
    else {
        return Err(Refusal::no_such_path());
    };
    let (object, now) = shared.with(|world| {
        (
            world.store().get(resource.kind, namespace, name).cloned(),
            world.now_ms(),
        )
    });
    let object = object.ok_or_else(|| Refusal::not_found(resource, name))?;
    Ok(match asked.shape {
        Shape::Whole | Shape::Aggregated => answer::of_type(200, "application/json", object.text()),
        Shape::Metadata => answer::json(200, &answer::metadata_of(&object.tree())),
        Shape::Table => {
            let rows = [object.tree().into_owned()];
            answer::json(
                200,
                &table::table(
                    resource,
                    &rows,
                    (object.version, None),
                    now,
                    asked.query.text("includeObject"),
                ),
            )
        }
    })
}

struct Page {
    objects: Vec<Arc<Object>>,
    version: u64,
    next: Option<String>,
    left: usize,
    now_ms: i64,
}

/// A list.
pub fn list(
    shared: &Shared,
    asked: &Asked,
    resource: &'static Resource,
) -> Result<Response, Refusal> {
    let page = page(shared, asked, resource)?;
    Ok(match asked.shape {
        Shape::Table => {
            let rows: Vec<Value> = page.objects.iter().map(|o| o.tree().into_owned()).collect();
            let include = asked.query.text("includeObject");
            answer::json(
                200,
                &table::table(
                    resource,
                    &rows,
                    (page.version, page.next.as_deref()),
                    page.now_ms,
                    include,
                ),
            )
        }
        Shape::Metadata => {
            let items: Vec<Value> = page
                .objects
                .iter()
                .map(|o| answer::metadata_of(&o.tree()))
                .collect();
            let list = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta(&page), "items": items});
            answer::json(200, &list)
        }
        Shape::Whole | Shape::Aggregated => whole(resource, page),
    })
}

fn list_meta(page: &Page) -> Value {
    let mut meta = json!({"resourceVersion": page.version.to_string()});
    if let Some(next) = &page.next {
        tree::put(&mut meta, &["continue"], next.as_str());
        tree::put(&mut meta, &["remainingItemCount"], page.left);
    }
    meta
}

fn page(shared: &Shared, asked: &Asked, resource: &Resource) -> Result<Page, Refusal> {
    let selection = selection(asked)?;
    let namespace = namespace(asked).to_owned();
    let limit = asked
        .query
        .number("limit")
        .filter(|n| *n > 0)
        .map_or(usize::MAX, |n| n as usize);
    let token = asked.query.text("continue");
    let resumed = if token.is_empty() {
        None
    } else {
        Some(read_token(token)?)
    };
    let asked_version = asked.query.text("resourceVersion");
    let wanted: u64 = if asked_version.is_empty() {
        0
    } else {
        asked_version.parse().map_err(|_| {
            Refusal::bad_request(format!(
                "resourceVersion: Invalid value: \"{asked_version}\""
            ))
        })?
    };
    shared.with(|world| {
        let store = world.store();
        if wanted > store.version() {
            let message = format!("Too large resource version: {wanted}, current: {}", store.version());
            let mut refusal = Refusal::new(504, "Timeout", message);
            refusal.details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
            return Err(refusal);
        }
        let version = resumed.as_ref().map_or(store.version(), |(version, _)| *version);
        if let Err(gone) = store.continues(version) {
            let mut refusal = Refusal::expired(version, gone.oldest);
            refusal.message = "The provided continue parameter is too old to display a consistent list result.".into();
            return Err(refusal);
        }
        let after = |object: &&Arc<Object>| resumed.as_ref().is_none_or(|(_, last)| object.id > *last);
        let mut all = store.list(resource.kind, &namespace).filter(after).filter(|o| selection.is_all() || selection.takes(&o.tree()));
        let objects: Vec<Arc<Object>> = all.by_ref().take(limit).cloned().collect();
        let left = if objects.len() < limit { 0 } else { all.count() };
        let next = objects.last().filter(|_| left > 0).map(|last| write_token(version, &last.id));
        Ok(Page { objects, version, next, left, now_ms: world.now_ms() })
    })
}

fn write_token(version: u64, last: &Id) -> String {
    URL_SAFE_NO_PAD.encode(json!({"v": version, "ns": last.0, "name": last.1}).to_string())
}

fn read_token(token: &str) -> Result<(u64, Id), Refusal> {
    let bad = || Refusal::bad_request("continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    let version = value["v"].as_u64().ok_or_else(bad)?;
    Ok((
        version,
        (
            tree::text(&value, &["ns"]).into(),
            tree::text(&value, &["name"]).into(),
        ),
    ))
}

/// The list itself, in blocks, without kind and version on its items.
fn whole(resource: &'static Resource, page: Page) -> Response {
    let head = format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
        resource.name,
        resource.api_version(),
        list_meta(&page)
    );
    let prefix = format!(
        "{{\"apiVersion\":\"{}\",\"kind\":\"{}\",",
        resource.api_version(),
        resource.name
    );
    let mut objects = page.objects.into_iter().peekable();
    let mut pending = Some(head);
    let mut first = true;
    let blocks = std::iter::from_fn(move || {
        let mut block = pending.take()?.into_bytes();
        while block.len() < BLOCK {
            let Some(object) = objects.next() else {
                block.extend_from_slice(b"]}");
                return Some(Ok::<Bytes, std::convert::Infallible>(Bytes::from(block)));
            };
            if !first {
                block.push(b',');
            }
            first = false;
            append(&mut block, &object, prefix.as_bytes());
        }
        pending = Some(String::new());
        Some(Ok(Bytes::from(block)))
    });
    answer::of_type(
        200,
        "application/json",
        Body::from_stream(futures::stream::iter(blocks)),
    )
}

fn append(block: &mut Vec<u8>, object: &Object, prefix: &[u8]) {
    let text = object.text();
    if let Some(rest) = text.strip_prefix(prefix) {
        block.push(b'{');
        block.extend_from_slice(rest);
        return;
    }
    let mut tree = object.tree().into_owned();
    for key in ["apiVersion", "kind"] {
        tree::remove(&mut tree, &[key]);
    }
    block.extend_from_slice(tree.to_string().as_bytes());
}
