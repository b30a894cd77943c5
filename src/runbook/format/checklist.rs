//! Items of checklists: the evidence each may have, and what the program looks at for those it can answer itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::format::gates::SIGNALS;
use crate::runbook::format::guards::{check, when};
use crate::runbook::format::reader::{Reader, good_id};
use crate::runbook::model::{Asked, ChecklistItem, Evidence, Glance, Proof, Window};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;
use crate::runbook::quantity::Unit;

/// Most items of one list.
const MOST: usize = 60;

/// Reads the items of a list; ids are unique in it.
pub fn items(table: &Reader<'_, '_, '_>, key: &'static str) -> Vec<ChecklistItem> {
    let mut taken = BTreeSet::new();
    let mut read = Vec::new();
    for inner in table.tables(key) {
        let at = inner.at();
        let item = item(inner);
        if !item.id.is_empty() && !taken.insert(item.id.clone()) {
            table.sink().error(
                at,
                format!("the item `{}` is there twice", bounded(&item.id, 70)),
                Some("ids are unique in a list; the record names items by them".to_owned()),
            );
        }
        read.push(item);
    }
    if read.len() > MOST {
        table.error(
            format!("{} items: at most {MOST} in one list", read.len()),
            Some("split the list: nobody reads so many in one go"),
        );
    }
    read
}

fn item(table: Reader<'_, '_, '_>) -> ChecklistItem {
    let id = table.need("id");
    if !id.is_empty() && !good_id(&id) {
        table.error(
            format!(
                "`{}` is not an id: small letters, digits, hyphens, at most 63",
                bounded(&id, 70)
            ),
            None,
        );
    }
    let words = table.strings("evidence");
    let mut evidence = Vec::new();
    for word in &words {
        match Evidence::from_word(word) {
            Some(known) if evidence.contains(&known) => {
                table.error(format!("evidence `{word}` is there twice"), None);
            }
            Some(known) => evidence.push(known),
            None => table.error(
                format!("no evidence `{}`", bounded(word, 40)),
                Some(&format!("one of {}", Evidence::WORDS.join(", "))),
            ),
        }
    }
    if words.is_empty() {
        table.error(
            "`evidence` is missing",
            Some("as evidence = [\"auto\", \"attest\"]: without it nothing could settle the item"),
        );
    }
    let proof = table.table("check").and_then(proof);
    match (evidence.contains(&Evidence::Auto), table.has("check")) {
        (true, false) => table.error(
            "evidence \"auto\" needs a table `check`",
            Some("say what is looked at, as check = { ask = \"rollout-complete\", ns = \"…\", target = \"…\" }"),
        ),
        (false, true) => table.error(
            "`check` is there, and \"auto\" is not among the evidence",
            Some("add \"auto\" to `evidence`"),
        ),
        _ => {}
    }
    let item = ChecklistItem {
        id,
        text: table.need("text"),
        evidence,
        when: table.table("when").and_then(when),
        proof,
        help: table.string("help"),
        trap: table.string("trap"),
    };
    table.finish();
    item
}

/// What is looked at: a value of the run with a test, or a question to the platform.
fn proof(table: Reader<'_, '_, '_>) -> Option<Proof> {
    if !table.has("ask") {
        return check(table).map(Proof::Value);
    }
    let ask = table.word("ask", Glance::WORDS, Glance::from_word)?;
    let (needed, allowed) = ask.keys();
    for key in needed.iter().filter(|key| !table.has(key)) {
        table.error(format!("`ask = \"{}\"` needs `{key}`", ask.word()), None);
    }
    let takes = |key: &str| needed.contains(&key) || allowed.contains(&key);
    let text = |key: &'static str| takes(key).then(|| table.text(key)).flatten();
    let asked = Asked {
        ask,
        ns: table.need_text("ns"),
        target: text("target"),
        signal: takes("signal").then(|| table.string("signal")).flatten(),
        limit: takes("limit").then(|| table.limit("limit")).flatten(),
        image: text("image"),
        path: text("path"),
        keys: if takes("keys") {
            table.strings("keys")
        } else {
            Vec::new()
        },
        values: if takes("values") {
            values(&table)
        } else {
            BTreeMap::new()
        },
        windows: if takes("windows") {
            windows(&table)
        } else {
            Vec::new()
        },
    };
    fits(&table, &asked);
    table.finish();
    Some(Proof::Asked(Box::new(asked)))
}

fn values(table: &Reader<'_, '_, '_>) -> BTreeMap<String, String> {
    let texts = table.text_map("values").into_iter();
    texts
        .map(|(key, text)| (key, text.source().to_owned()))
        .collect()
}

fn windows(table: &Reader<'_, '_, '_>) -> Vec<Window> {
    let mut read = Vec::new();
    for text in table.strings("windows") {
        match Window::parse(&text) {
            Some(window) => read.push(window),
            None => table.error(
                format!("`{}` is not a window", bounded(&text, 60)),
                Some("write a day and a time in UTC, as \"mon 04:00-05:00\" or \"daily 22:00-23:30\""),
            ),
        }
    }
    read
}

/// What the keys of one question must be among themselves.
fn fits(table: &Reader<'_, '_, '_>, asked: &Asked) {
    if let Some(signal) = &asked.signal {
        let known = SIGNALS.iter().find(|(name, _)| name == signal);
        match (known, &asked.limit) {
            (None, _) => {
                let near = nearest(signal, SIGNALS.iter().map(|(name, _)| *name));
                let help = near.map_or_else(
                    || SIGNALS.map_names(),
                    |near| format!("did you mean `{near}`?"),
                );
                table.error(format!("no signal `{}`", bounded(signal, 60)), Some(&help));
            }
            (Some((_, unit)), Some(limit)) if limit.unit() != *unit => {
                let words = match unit {
                    Unit::Ratio => "a share: write a percentage, as \"<= 1 %\"",
                    Unit::Seconds => "a time: write ms or s, as \"<= 500 ms\"",
                    Unit::Count => "a count: write a plain number, as \"<= 0\"",
                };
                table.error(format!("signal {signal} is {words}"), None);
            }
            _ => {}
        }
    }
    if asked.ask == Glance::Replicas
        && asked
            .limit
            .as_ref()
            .is_some_and(|limit| limit.unit() != Unit::Count)
    {
        table.error(
            "replicas are a count: write a plain number, as \">= 2\"",
            None,
        );
    }
    if asked.ask == Glance::KeysPresent {
        if asked.keys.is_empty() && asked.values.is_empty() {
            table.error("`ask = \"keys-present\"` needs `keys` or `values`", None);
        }
        let secret = asked
            .target
            .as_ref()
            .is_some_and(|target| !target.source().starts_with("ConfigMap/"));
        if secret && !asked.values.is_empty() {
            table.error(
                "`values` may be asked of a ConfigMap only",
                Some("values of Secrets are never read for comparison; ask for their `keys`"),
            );
        }
    }
    if asked.ask == Glance::OutsideWindows && asked.windows.is_empty() && table.has("windows") {
        table.error(
            "no window to keep out of",
            Some("as windows = [\"mon 04:00-05:00\"]"),
        );
    }
}

trait Names {
    fn map_names(&self) -> String;
}

impl Names for [(&str, Unit)] {
    fn map_names(&self) -> String {
        let names: Vec<&str> = self.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", "))
    }
}
