//! What stands around a step of any kind: confirmations, approvals, deadlines, repeats, conditions, checks.

use crate::runbook::check::{Check, Test};
use crate::runbook::format::reader::Reader;
use crate::runbook::model::{
    Approve, Confirm, Retry, SignedMillis, Subject, Then, Timeout, WaitFor, When,
};
use crate::runbook::prose::bounded;
use crate::runbook::template::{Path, Slot};

/// Reads `confirm` and `type`.
pub fn confirm(table: &Reader<'_, '_, '_>) -> Confirm {
    if let Some(text) = table.text("type") {
        return Confirm::Type(text);
    }
    match table.word("confirm", &["no", "yes"], |word| {
        matches!(word, "yes" | "no").then_some(word == "yes")
    }) {
        Some(true) => Confirm::Yes,
        _ => Confirm::No,
    }
}

/// Reads a deadline with its consequence.
pub fn timeout(table: &Reader<'_, '_, '_>) -> Option<Timeout> {
    let inner = table.table("timeout")?;
    let timeout = Timeout {
        after: need_duration(&inner, "after"),
        then: inner
            .word("then", Then::WORDS, Then::from_word)
            .unwrap_or(Then::Pause),
    };
    inner.finish();
    Some(timeout)
}

/// Reads automatic repeats.
pub fn retry(table: Reader<'_, '_, '_>) -> Retry {
    let retry = Retry {
        max: table.int("max").unwrap_or(1),
        backoff: table.duration("backoff").map(SignedMillis),
        on: table.strings("on"),
    };
    if !(0..=10).contains(&retry.max) {
        table.error_at("max", "`max` must be between 0 and 10", None);
    }
    if retry.on.is_empty() {
        table.error(
            "`on` is missing",
            Some("say what is tried again: on = [\"transient\"], [\"conflict\"] or both"),
        );
    }
    for word in retry
        .on
        .iter()
        .filter(|word| !matches!(word.as_str(), "transient" | "conflict"))
    {
        table.error_at(
            "on",
            format!("`on` does not know `{}`", bounded(word, 40)),
            Some("transient or conflict"),
        );
    }
    table.finish();
    retry
}

/// Reads who else must agree.
pub fn approve(table: Reader<'_, '_, '_>) -> Approve {
    let approve = Approve {
        when_env: table.string("when_env"),
        ..agreement(&table)
    };
    table.finish();
    approve
}

/// Reads whose agreement is asked for, whether beside a step or as a step of its own.
pub fn agreement(table: &Reader<'_, '_, '_>) -> Approve {
    let approve = Approve {
        count: table.int("count").unwrap_or(1),
        not: table.string("not"),
        ttl: table.duration("ttl").map(SignedMillis),
        when_env: None,
    };
    if !(1..=5).contains(&approve.count) {
        table.error_at("count", "`count` must be between 1 and 5", None);
    }
    if approve.not.as_deref().is_some_and(|who| who != "initiator") {
        table.error_at("not", "`not` knows only \"initiator\"", None);
    }
    approve
}

/// Reads what follows the effect.
pub fn wait_for(table: Reader<'_, '_, '_>) -> Option<WaitFor> {
    const WAITS: [(&str, &str, WaitFor); 3] = [
        ("rollout", "complete", WaitFor::Rollout),
        ("replicas", "reached", WaitFor::Replicas),
        ("pod", "replaced", WaitFor::Replaced),
    ];
    let mut found = None;
    for (key, done, what) in &WAITS {
        let word = table.word(key, &[done], |word| (word == *done).then(|| what.clone()));
        found = word.or(found);
    }
    if WAITS.iter().filter(|(key, ..)| table.has(key)).count() != 1 {
        let known = WAITS.map(|(key, done, _)| format!("`{key} = \"{done}\"`"));
        table.error(format!("`wait` needs one of {}", known.join(", ")), None);
    }
    table.finish();
    found
}

fn test(table: &Reader<'_, '_, '_>) -> Option<Test> {
    let mut tests = Vec::new();
    tests.extend(table.data("is").map(Test::Is));
    tests.extend(table.data("not").map(Test::Not));
    tests.extend(
        table
            .data("in")
            .and_then(|value| value.as_array().cloned())
            .map(Test::In),
    );
    tests.extend(table.data("has").map(|value| {
        Test::Has(
            value
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![value.clone()]),
        )
    }));
    tests.extend(table.limit("limit").map(Test::Limit));
    if tests.len() != 1 {
        table.error("needs exactly one of is, in, not, has, limit", None);
        return None;
    }
    tests.pop()
}

/// Reads a post-condition.
pub fn check(table: Reader<'_, '_, '_>) -> Option<Check> {
    let that = table.path("that");
    if !table.has("that") {
        table.error("`that` is missing", Some("as that = \"out.paused\""));
    }
    let found = test(&table);
    let (say, trap) = (table.string("say"), table.string("trap"));
    table.finish();
    Some(Check {
        that: that?,
        test: found?,
        say,
        trap,
    })
}

/// Reads a condition.
pub fn when(table: Reader<'_, '_, '_>) -> Option<When> {
    let many = |key: &'static str| {
        table
            .tables(key)
            .into_iter()
            .filter_map(when)
            .collect::<Vec<_>>()
    };
    let found = if table.has("all") {
        Some(When::All(many("all")))
    } else if table.has("any") {
        Some(When::Any(many("any")))
    } else if table.has("env") {
        one_of(&table, "env").map(|test| When::Test(Subject::Env, test))
    } else if table.has("severity") {
        one_of(&table, "severity").map(|test| When::Test(Subject::Severity, test))
    } else {
        subject(&table).and_then(|subject| Some(When::Test(subject, test(&table)?)))
    };
    table.finish();
    found
}

/// A word, or a list of words of which one is meant.
fn one_of(table: &Reader<'_, '_, '_>, key: &'static str) -> Option<Test> {
    let list = table.item(key).is_some_and(|(value, _)| value.is_array());
    if list {
        let words = table.strings(key).into_iter().map(Into::into);
        return Some(Test::In(words.collect()));
    }
    table.string(key).map(|word| Test::Is(word.into()))
}

fn subject(table: &Reader<'_, '_, '_>) -> Option<Subject> {
    if let Some(param) = table.string("param") {
        let path = Path::Param(param, Vec::new());
        table.sink().refer(path.clone(), table.at());
        return Some(Subject::Value(path));
    }
    if let Some(step) = table.string("step") {
        let out = table.string("out").unwrap_or_else(|| "choice".to_owned());
        let path = Path::Step(step, vec![out]);
        table.sink().refer(path.clone(), table.at());
        return Some(Subject::Value(path));
    }
    table.error(
        "a condition needs param, step, env or severity",
        Some("as { param = \"strategy\", is = \"overlap\" }"),
    );
    None
}

/// A duration that must be there.
pub fn need_duration(table: &Reader<'_, '_, '_>, key: &'static str) -> Slot<jiff::SignedDuration> {
    table
        .duration_slot(key)
        .unwrap_or_else(|| missing(table, key, Slot::Fixed(jiff::SignedDuration::ZERO)))
}

/// Says that a key is missing and goes on with a fallback.
pub fn missing<T>(table: &Reader<'_, '_, '_>, key: &str, fallback: T) -> T {
    if !table.has(key) {
        table.error(format!("`{key}` is missing"), None);
    }
    fallback
}
