//! Steps of a runbook: the keys all kinds share, then each kind's own. A key not asked for here is a mistake.
//!
//! Length: one reader per kind; splitting them would separate the kinds from the keys they share.

use std::collections::BTreeMap;

use crate::runbook::check::{Check, Test};
use crate::runbook::format::reader::Reader;
use crate::runbook::model::{
    Approve, Branch, ChecklistItem, Confirm, Each, GateDecl, GateOn, KINDS, MetricDecl, OnFailure,
    PLANNED, Retry, Side, SignedMillis, Step, StepKind, Subject, Target, Then, ThenBy, Timeout,
    Undo, WaitFor, When,
};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;
use crate::runbook::quantity::{Limit, Unit};
use crate::runbook::template::{Path, Slot};

/// Signals with names, and the unit of each.
pub const SIGNALS: &[(&str, Unit)] = &[
    ("requests", Unit::Count),
    ("error_ratio", Unit::Ratio),
    ("success_ratio", Unit::Ratio),
    ("unauthorized_ratio", Unit::Ratio),
    ("saturation", Unit::Ratio),
    ("p50", Unit::Seconds),
    ("p95", Unit::Seconds),
    ("p99", Unit::Seconds),
    ("restarts", Unit::Count),
];

/// Where a step stands: its section and the prose above it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Index of the section.
    pub section: usize,
    /// The prose right above.
    pub prose: String,
}

/// Reads one step.
pub fn step(table: Reader<'_, '_, '_>, standing: &Standing) -> Option<Step> {
    let id = table.need("id");
    if !id.is_empty() && !crate::runbook::format::reader::good_id(&id) {
        table.error(
            format!(
                "`{}` is not an id: small letters, digits, hyphens, at most 63",
                bounded(&id, 70)
            ),
            None,
        );
    }
    let place = table.sink().place(table.at());
    let kind = step_kind(&table);
    let step = kind.map(|kind| Step {
        section: standing.section,
        prose: standing.prose.clone(),
        place,
        when: table.table("when").and_then(when),
        timeout: timeout(&table),
        retry: table.table("retry").map(retry),
        on_failure: table.word("on_failure", OnFailure::WORDS, OnFailure::from_word),
        confirm: confirm(&table),
        approve: table.table("approve").map(approve),
        undo: undo(&table),
        barrier: table.flag("barrier").unwrap_or_default(),
        capture: capture(&table),
        checks: table
            .tables("check")
            .into_iter()
            .filter_map(check)
            .collect(),
        critical: table.flag("critical").unwrap_or_default(),
        evidence: table.string("evidence"),
        sensitive_output: table.flag("sensitive_output").unwrap_or_default(),
        wait: table.table("wait").and_then(wait_for),
        each: if matches!(kind, StepKind::Each { .. }) {
            None
        } else {
            table.table("each").and_then(each)
        },
        id,
        kind,
    });
    if step.is_some() {
        table.finish();
    }
    step
}

/// The keys every kind shares.
pub const COMMON_KEYS: &[&str] = &[
    "id",
    "kind",
    "when",
    "timeout",
    "retry",
    "on_failure",
    "confirm",
    "type",
    "approve",
    "undo",
    "why",
    "barrier",
    "capture",
    "check",
    "critical",
    "evidence",
    "sensitive_output",
    "wait",
    "each",
];

/// Reads the kind alone, so that its own keys have been asked for.
pub fn step_keys(table: &Reader<'_, '_, '_>) -> Option<StepKind> {
    step_kind(table)
}

fn step_kind(table: &Reader<'_, '_, '_>) -> Option<StepKind> {
    let name = table.need("kind");
    let kind = match name.as_str() {
        "note" => StepKind::Note,
        "input" => StepKind::Input {
            param: table.need("param"),
        },
        "choose" => StepKind::Choose {
            options: table.tables("options").into_iter().map(branch).collect(),
        },
        "checklist" => StepKind::Checklist {
            items: table
                .tables("items")
                .into_iter()
                .map(checklist_item)
                .collect(),
        },
        "confirm" => StepKind::Confirm {
            show: table.strings("show"),
        },
        "check" => StepKind::Check {
            object: table.has("target").then(|| target(table)),
        },
        "diff" => StepKind::Diff {
            of: table.need("of"),
        },
        "http" => StepKind::Http {
            url: table.need_text("url"),
            via: table
                .string("via")
                .unwrap_or_else(|| "pod-proxy".to_owned()),
            expect: table
                .data("expect")
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default(),
        },
        "gate" => gate(table),
        "wait" => StepKind::Wait {
            span: need_duration(table, "for"),
            plus: table.duration_slot("plus"),
            since: table.path("since"),
        },
        "use" => StepKind::Use {
            block: table.need("block"),
        },
        "each" => repeated(table)?,
        "audit" => StepKind::Audit {
            event: table.need("event"),
            with: table.text_map("with"),
        },
        "notify" => StepKind::Notify {
            channel: table.need("channel"),
            text: table.need_text("text"),
        },
        other => {
            if let Some(action) = action(other, table, !table.has("each")) {
                action
            } else {
                unknown_kind(table, other);
                return None;
            }
        }
    };
    Some(kind)
}

/// Kinds that act; an undo may leave the target to its step.
fn action(name: &str, table: &Reader<'_, '_, '_>, needs_target: bool) -> Option<StepKind> {
    let at = || (needs_target || table.has("target")).then(|| target(table));
    Some(match name {
        "k8s.rollback" => StepKind::Rollback {
            at: at(),
            to: table.need_text("to"),
        },
        "k8s.scale" => StepKind::Scale {
            at: at(),
            replicas: table
                .int_slot("replicas")
                .unwrap_or_else(|| missing(table, "replicas", Slot::Fixed(0))),
        },
        "k8s.rollout-restart" => StepKind::RolloutRestart { at: at() },
        "k8s.pause" => StepKind::Pause { at: at() },
        "k8s.resume" => StepKind::Resume { at: at() },
        "k8s.set-image" => StepKind::SetImage {
            at: at(),
            container: table.string("container"),
            image: table.need_text("image"),
        },
        "k8s.annotate" => StepKind::Annotate {
            at: at(),
            set: table.text_map("set"),
        },
        other => {
            let (name, _, keys) = PLANNED.iter().find(|(known, ..)| *known == other)?;
            let keys = keys
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), table.data(key)?)))
                .collect();
            StepKind::Planned {
                name: (*name).to_owned(),
                keys,
            }
        }
    })
}

fn missing<T>(table: &Reader<'_, '_, '_>, key: &str, fallback: T) -> T {
    if !table.has(key) {
        table.error(format!("`{key}` is missing"), None);
    }
    fallback
}

fn unknown_kind(table: &Reader<'_, '_, '_>, name: &str) {
    if name.is_empty() {
        return;
    }
    let at = table.item("kind").map_or(table.at(), |(_, at)| at);
    let known = KINDS
        .iter()
        .copied()
        .chain(PLANNED.iter().map(|(known, ..)| *known));
    let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    table
        .sink()
        .error(at, format!("no step kind `{}`", bounded(name, 60)), help);
}

fn target(table: &Reader<'_, '_, '_>) -> Target {
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

fn need_duration(table: &Reader<'_, '_, '_>, key: &'static str) -> Slot<jiff::SignedDuration> {
    table
        .duration_slot(key)
        .unwrap_or_else(|| missing(table, key, Slot::Fixed(jiff::SignedDuration::ZERO)))
}

fn gate(table: &Reader<'_, '_, '_>) -> StepKind {
    let named = table.string("use");
    let gate = if named.is_none() {
        Some(Box::new(gate_decl(table)))
    } else {
        None
    };
    let hold = if named.is_some() {
        table.duration_slot("hold")
    } else {
        None
    };
    let on = table.table("on").map_or_else(default_on, gate_on);
    StepKind::Gate {
        named,
        gate,
        hold,
        side: table
            .word("side", Side::WORDS, Side::from_word)
            .unwrap_or(Side::All),
        target: table.has("target").then(|| target(table)),
        on,
    }
}

fn default_on() -> GateOn {
    GateOn {
        pass: Then::Next,
        fail: ThenBy::Fixed(Then::Pause),
        inconclusive: Then::Ask,
        lost: Then::RestartGate,
    }
}

fn gate_on(table: Reader<'_, '_, '_>) -> GateOn {
    let word = |key: &'static str| table.word(key, Then::WORDS, Then::from_word);
    let fail = match table.item("fail") {
        Some((value, at)) if value.is_table() => {
            table
                .as_table(value, at, "fail")
                .map_or(ThenBy::Fixed(Then::Pause), |inner| {
                    let param = inner.need("param");
                    let mut map = BTreeMap::new();
                    for (name, text) in inner.text_map("map") {
                        match Then::from_word(text.source()) {
                            Some(then) => {
                                map.insert(name, then);
                            }
                            None => inner.error(
                                format!("`{}` is not a consequence", text.source()),
                                Some("one of next, ask, pause, rollback, abort"),
                            ),
                        }
                    }
                    inner
                        .sink()
                        .refer(Path::Param(param.clone(), Vec::new()), inner.at());
                    inner.finish();
                    ThenBy::Param { param, map }
                })
        }
        Some(_) => ThenBy::Fixed(word("fail").unwrap_or(Then::Pause)),
        None => ThenBy::Fixed(Then::Pause),
    };
    let on = GateOn {
        pass: word("pass").unwrap_or(Then::Next),
        fail,
        inconclusive: word("inconclusive").unwrap_or(Then::Ask),
        lost: word("lost").unwrap_or(Then::RestartGate),
    };
    if matches!(on.inconclusive, Then::Next | Then::Continue) {
        table.error(
            "an inconclusive gate never goes on",
            Some("write inconclusive = \"ask\", \"rollback\" or \"abort\""),
        );
    }
    table.finish();
    on
}

/// Reads a gate's own keys from a table that may hold others.
pub fn gate_decl(table: &Reader<'_, '_, '_>) -> GateDecl {
    const SCOPES: &[&str] = &["gate", "run"];
    const COMBINE: &[&str] = &["all", "any"];
    let gate = GateDecl {
        interval: table
            .duration_slot("interval")
            .unwrap_or(Slot::Fixed(jiff::SignedDuration::from_secs(15))),
        initial_delay: table.duration_slot("initial_delay"),
        hold: need_duration(table, "hold"),
        deadline: need_duration(table, "deadline"),
        min_requests: table.int("min_requests").unwrap_or(1),
        fail_scope_run: table
            .word("fail_scope", SCOPES, |word| {
                SCOPES.contains(&word).then_some(word == "run")
            })
            .unwrap_or_default(),
        any: table
            .word("combine", COMBINE, |word| {
                COMBINE.contains(&word).then_some(word == "any")
            })
            .unwrap_or_default(),
        metrics: table
            .tables("metric")
            .into_iter()
            .filter_map(metric)
            .collect(),
    };
    if gate.metrics.is_empty() {
        table.error(
            "a gate without metrics judges nothing",
            Some("add [[….metric]] with signal and ok"),
        );
    }
    if matches!(gate.interval, Slot::Fixed(interval) if interval < jiff::SignedDuration::from_secs(1))
    {
        table.error("`interval` must be at least 1s", None);
    }
    if let (Slot::Fixed(hold), Slot::Fixed(deadline)) = (&gate.hold, &gate.deadline)
        && hold >= deadline
    {
        table.error("`deadline` must be longer than `hold`", None);
    }
    gate
}

fn metric(table: Reader<'_, '_, '_>) -> Option<MetricDecl> {
    let signal = table.need("signal");
    let query = table.text("query");
    let ok = table.limit("ok");
    if !table.has("ok") {
        table.error("`ok` is missing", Some("as ok = \"<= 1 %\""));
    }
    let metric = ok.map(|ok| MetricDecl {
        signal,
        query,
        ok,
        abort: table.limit("abort"),
        relative: table.limit("relative"),
        fail_at: table.int("fail_at"),
        when: table.table("when").and_then(when),
    });
    if let Some(metric) = &metric {
        check_signal(&table, metric);
        table.finish();
    }
    metric
}

fn check_signal(table: &Reader<'_, '_, '_>, metric: &MetricDecl) {
    let Some((_, unit)) = SIGNALS.iter().find(|(name, _)| *name == metric.signal) else {
        if metric.query.is_none() && !metric.signal.is_empty() {
            let help = nearest(&metric.signal, SIGNALS.iter().map(|(name, _)| *name)).map_or_else(
                || {
                    format!(
                        "one of {}",
                        SIGNALS
                            .iter()
                            .map(|(name, _)| *name)
                            .collect::<Vec<_>>()
                            .join(", ")
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            table.error(
                format!("no signal `{}`", bounded(&metric.signal, 60)),
                Some(&help),
            );
        }
        return;
    };
    let fits = |limit: &Limit| limit.unit() == *unit;
    if !fits(&metric.ok) || metric.abort.as_ref().is_some_and(|abort| !fits(abort)) {
        let unit = match unit {
            Unit::Ratio => "a share: write a percentage, as `<= 1 %`",
            Unit::Seconds => "a time: write ms or s, as `<= 500 ms`",
            Unit::Count => "a count: write a plain number, as `<= 0`",
        };
        table.error(format!("signal {} is {unit}", metric.signal), None);
    }
    if metric.fail_at.is_some_and(|at| at < 1) {
        table.error("`fail_at` must be at least 1", None);
    }
}

fn repeated(table: &Reader<'_, '_, '_>) -> Option<StepKind> {
    let over = Each {
        over: table.path("in")?,
        var: table.string("as"),
        order: table.strings("order"),
        serial: table.int("serial").unwrap_or(1),
    };
    Some(StepKind::Each {
        over,
        body: table
            .tables("do")
            .into_iter()
            .filter_map(|inner| step(inner, &Standing::default()))
            .collect(),
    })
}

fn each(table: Reader<'_, '_, '_>) -> Option<Each> {
    let each = Each {
        over: table.path("in")?,
        var: table.string("as"),
        order: table.strings("order"),
        serial: table.int("serial").unwrap_or(1),
    };
    table.finish();
    Some(each)
}

fn branch(table: Reader<'_, '_, '_>) -> Branch {
    let branch = Branch {
        id: table.need("id"),
        label: table.need("label"),
        help: table.string("help"),
    };
    table.finish();
    branch
}

/// Reads a checklist item.
pub fn checklist_item(table: Reader<'_, '_, '_>) -> ChecklistItem {
    const KNOWN: &[&str] = &["auto", "link", "attest", "n/a"];
    let item = ChecklistItem {
        id: table.need("id"),
        text: table.need("text"),
        evidence: table.strings("evidence"),
    };
    for word in item
        .evidence
        .iter()
        .filter(|word| !KNOWN.contains(&word.as_str()))
    {
        table.error(
            format!("no evidence `{}`", bounded(word, 40)),
            Some("auto, link, attest or n/a"),
        );
    }
    table.finish();
    item
}

fn confirm(table: &Reader<'_, '_, '_>) -> Confirm {
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

fn timeout(table: &Reader<'_, '_, '_>) -> Option<Timeout> {
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

fn retry(table: Reader<'_, '_, '_>) -> Retry {
    let retry = Retry {
        max: table.int("max").unwrap_or(1),
        backoff: table.duration("backoff").map(SignedMillis),
        on: table.strings("on"),
    };
    if !(0..=10).contains(&retry.max) {
        table.error("`max` must be between 0 and 10", None);
    }
    for word in retry
        .on
        .iter()
        .filter(|word| !matches!(word.as_str(), "transient" | "conflict"))
    {
        table.error(
            format!("`on` does not know `{}`", bounded(word, 40)),
            Some("transient or conflict"),
        );
    }
    table.finish();
    retry
}

fn approve(table: Reader<'_, '_, '_>) -> Approve {
    let approve = Approve {
        count: table.int("count").unwrap_or(1),
        not: table.string("not"),
        ttl: table.duration("ttl").map(SignedMillis),
        when_env: table.string("when_env"),
    };
    table.finish();
    approve
}

fn undo(table: &Reader<'_, '_, '_>) -> Option<Undo> {
    let (value, at) = table.item("undo")?;
    let why = table.string("why");
    if let Some(word) = value.as_str() {
        return match word {
            "none" => {
                if why.is_none_or(|why| why.trim().is_empty()) {
                    table.sink().error(
                        at,
                        "undo = \"none\" needs `why`",
                        Some("say in one sentence why there is no way back".to_owned()),
                    );
                }
                Some(Undo::None)
            }
            "previous-values" => Some(Undo::Restore),
            other => {
                table.sink().error(
                    at,
                    format!("`undo` does not know `{}`", bounded(other, 40)),
                    Some("\"none\" with `why`, \"previous-values\", or { kind = … }".to_owned()),
                );
                None
            }
        };
    }
    let inner = table.as_table(value, at, "undo")?;
    let name = inner.need("kind");
    let condition = inner.table("when").and_then(when);
    let Some(kind) = action(&name, &inner, false) else {
        unknown_kind(&inner, &name);
        return None;
    };
    inner.finish();
    let own = table.string("id").unwrap_or_default();
    let restores = matches!(&kind, StepKind::Rollback { to, .. } if to.source() == format!("steps.{own}.before"));
    Some(if restores && condition.is_none() {
        Undo::Restore
    } else {
        Undo::Act(Box::new(kind), condition)
    })
}

fn capture(table: &Reader<'_, '_, '_>) -> BTreeMap<String, Path> {
    let mut out = BTreeMap::new();
    for (name, text) in table.text_map("capture") {
        match Path::parse(text.source()) {
            Ok(path @ Path::Out(_)) => {
                out.insert(name, path);
            }
            _ => table.error(
                format!("`capture` of `{name}` must begin with out"),
                Some("as { uid = \"out.uid\" }"),
            ),
        }
    }
    out
}

fn wait_for(table: Reader<'_, '_, '_>) -> Option<WaitFor> {
    let word = table.word("rollout", &["complete"], |word| {
        (word == "complete").then_some(WaitFor::Rollout)
    });
    if !table.has("rollout") {
        table.error("`wait` needs `rollout = \"complete\"`", None);
    }
    table.finish();
    word
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

fn check(table: Reader<'_, '_, '_>) -> Option<Check> {
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
    } else if let Some(word) = table.string("env") {
        Some(When::Test(Subject::Env, Test::Is(word.into())))
    } else if let Some(word) = table.string("severity") {
        Some(When::Test(Subject::Severity, Test::Is(word.into())))
    } else {
        subject(&table).and_then(|subject| Some(When::Test(subject, test(&table)?)))
    };
    table.finish();
    found
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
