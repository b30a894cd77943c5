//! Steps that look as files declare them: what they ask for, and what of it the file alone shows to be wrong.

use serde_json::json;

use crate::runbook::format::reader::Reader;
use crate::runbook::model::{Expect, LookStep, Method, SAMPLE, Texts, Via};
use crate::runbook::prose::bounded;
use crate::runbook::request::Address;
use crate::runbook::scan::Patterns;

/// Reads one request.
pub fn http(table: &Reader<'_, '_, '_>) -> LookStep {
    let url = table.need_text("url");
    let via = table.word("via", Via::WORDS, Via::from_word);
    let method = table.word("method", Method::WORDS, Method::from_word);
    let method = method.unwrap_or(Method::Get);
    let expect = table.table("expect").map(expect).unwrap_or_default();
    // What holds references is looked at when they are filled in.
    if table.has("url")
        && url.paths().next().is_none()
        && let Err(why) = Address::parse(url.source())
    {
        let help = "as http://NAME.NAMESPACE:8080/health";
        table.error_at("url", why, Some(help));
    }
    if method == Method::Head && (expect.body_contains.is_some() || !expect.json.is_empty()) {
        table.error_at(
            "expect",
            "an answer to HEAD has no body",
            Some("ask with GET, or expect only a status"),
        );
    }
    LookStep::Http {
        url,
        via: via.unwrap_or(Via::PodProxy),
        method,
        expect,
    }
}

fn expect(table: Reader<'_, '_, '_>) -> Expect {
    let json = table.data("json").unwrap_or_else(|| json!({}));
    let fields = json.as_object().cloned();
    if fields.is_none() {
        table.error_at("json", "`json` is not a table", None);
    }
    let expect = Expect {
        status: table.int("status"),
        body_contains: table.text("body_contains"),
        json: fields.unwrap_or_default().into_iter().collect(),
    };
    if expect
        .status
        .is_some_and(|status| !(100..600).contains(&status))
    {
        table.error_at("status", "`status` must be between 100 and 599", None);
    }
    table.finish();
    expect
}

/// Reads a search.
pub fn scan(table: &Reader<'_, '_, '_>) -> LookStep {
    let (target, selector) = (table.text("target"), table.text("selector"));
    if target.is_some() == selector.is_some() {
        table.error(
            "a scan needs either `target` or `selector`",
            Some("as target = \"Deployment/api\"; no pods are never all pods"),
        );
    }
    for (key, text) in [("target", &target), ("selector", &selector)] {
        if text
            .as_ref()
            .is_some_and(|text| text.source().trim().is_empty())
        {
            table.error_at(
                key,
                format!("an empty `{key}`"),
                Some("name whose texts are searched"),
            );
        }
    }
    let pattern = table.text("pattern");
    let fixed = pattern
        .as_ref()
        .filter(|text| text.paths().next().is_none());
    if let Some(Err(why)) = fixed.map(|text| Patterns::new(Some(text.source()))) {
        table.error_at("pattern", bounded(&why, 200), None);
    }
    let sample = table.int("sample").unwrap_or(SAMPLE.0);
    if !(1..=SAMPLE.1).contains(&sample) {
        let message = format!("`sample` must be between 1 and {}", SAMPLE.1);
        table.error_at("sample", message, None);
    }
    LookStep::Scan {
        ns: table.need_text("ns"),
        target,
        selector,
        texts: table
            .word("in", Texts::WORDS, Texts::from_word)
            .unwrap_or(Texts::Logs),
        pattern,
        sample,
        since: table.duration_slot("since"),
    }
}
