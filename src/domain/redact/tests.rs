//! Every form in which a value may come back, and what must be left alone.

use super::*;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

const KEY: &str = "k3y/+with \"quotes\", a\nline & <é>?";

/// Each byte in hexadecimal after a mark.
fn marked(text: &str, mark: &str) -> String {
    text.bytes().fold(String::new(), |said, byte| {
        format!("{said}{mark}{byte:02x}")
    })
}

fn percent(text: &str, lower: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b if lower => format!("%{b:02x}"),
            b => format!("%{b:02X}"),
        })
        .collect()
}

/// Every form that must be found, with its name.
fn forms(value: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(value).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let ascii: String = value
        .encode_utf16()
        .map(|unit| match char::from_u32(u32::from(unit)) {
            Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let hexed = marked(value, "");
    let nested =
        serde_json::to_string(&serde_json::json!({"data": {"k": value}}).to_string()).unwrap();
    vec![
        ("raw", value.to_owned()),
        ("base64", STANDARD.encode(value)),
        ("base64url", URL_SAFE.encode(value)),
        ("percent", percent(value, false)),
        ("percent, lower case", percent(value, true)),
        ("form", percent(value, false).replace("%20", "+")),
        ("json", json.clone()),
        ("json, slashes escaped", json.replace('/', "\\/")),
        ("json, ascii only", ascii),
        ("json in json", nested),
        ("hex", hexed.clone()),
        ("HEX", hexed.to_uppercase()),
        ("escaped bytes", marked(value, "\\x")),
        ("base64, percent", percent(&STANDARD.encode(value), false)),
        (
            "base64 of a whole document",
            STANDARD.encode(serde_json::json!({"data": {"k": value}}).to_string()),
        ),
        (
            "base64 of a document, one byte before",
            STANDARD.encode(format!("x{value}yz")),
        ),
        (
            "base64 of a document, two bytes before",
            URL_SAFE.encode(format!("xy{value}z")),
        ),
        (
            "base64 of a document, three bytes before",
            STANDARD.encode(format!("xyz{value}")),
        ),
    ]
}

#[test]
fn a_value_is_taken_out_in_every_encoding() {
    let redactor = Redactor::of([KEY]);
    for (name, form) in forms(KEY) {
        let text = format!("refused: {form} is not allowed");
        let clean = redactor.clean(&text);
        assert!(clean.contains(MARK), "{name}: {clean}");
        assert!(
            clean.starts_with("refused: ") && clean.ends_with(" is not allowed"),
            "{name}: {clean}"
        );
        // Of a value inside a longer base64 a few characters of its neighbours may stay, no more.
        assert!(clean.len() < 80, "{name}: {clean}");
        assert!(redactor.holds(&text), "{name}");
    }
}

#[test]
fn what_holds_no_secret_is_left_as_it_is() {
    let redactor = Redactor::of([KEY, "", "a1"]);
    for text in [
        "",
        "permission denied",
        "a100% of \\q and %zz \u{1F600}",
        "xa1",
    ] {
        assert_eq!(redactor.clean(text), text);
    }
    assert_eq!(Redactor::default().clean(KEY), KEY);
}

#[test]
fn a_short_value_goes_where_it_stands_alone() {
    let redactor = Redactor::of(["42"]);
    assert_eq!(
        redactor.clean("got 42, wanted 1420"),
        "got [secret], wanted 1420"
    );
}

#[test]
fn a_secret_that_a_cut_text_ends_with_goes_too() {
    let redactor = Redactor::of(["first-signing-key"]);
    assert_eq!(
        redactor.clean("bad value \"first-sign…"),
        "bad value \"[secret]…"
    );
    assert_eq!(redactor.clean("bad value first-sign"), "bad value [secret]");
    assert_eq!(redactor.clean("it came first"), "it came first");
}

#[test]
fn the_lines_of_a_key_are_secrets_of_their_own() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----\n";
    let clean = Redactor::of([pem]).clean("at line 2: EFAASCBKcwggSjAgEAAoIBAQ");
    assert_eq!(clean, "at line 2: [secret]");
}

#[test]
fn it_shows_nothing_of_what_it_knows() {
    assert_eq!(format!("{:?}", Redactor::of(["42"])), "Redactor(3 forms)");
}

proptest! {
    #[test]
    fn no_value_survives_in_any_form(value in "\\PC{4,40}", before in "[ -~]{0,12}", after in "[ -~]{0,12}") {
        let redactor = Redactor::of([&value]);
        for (name, form) in forms(&value).into_iter().take(14) {
            let clean = redactor.clean(&format!("{before} {form} {after}"));
            // A value of spaces or of the mark's own letters may be left in the words around it.
            if !MARK.contains(value.trim()) && !before.contains(value.trim()) && !after.contains(value.trim()) {
                prop_assert!(!clean.contains(&form), "{}: {}", name, clean);
            }
        }
    }

    #[test]
    fn any_text_is_cleaned_without_harm(text in "\\PC{0,60}", value in "\\PC{1,8}") {
        let clean = Redactor::of([&value]).clean(&text);
        prop_assert!(clean.len() <= text.len().max(1) * MARK.len() + MARK.len());
    }
}
