//! The runbook format as a whole: shipped files, mistakes with their places, hostile files.

mod checklist_rows;
mod hostile;
mod meaning;

use std::time::Instant;

use vigie::runbook::format::{MAX_BYTES, parse, parse_bytes, parse_overlay};
use vigie::runbook::place::Severity;
use vigie::runbook::{SHIPPED, lint};

/// A small runbook that is right; tests bend one thing each.
pub const GOOD: &str = r#"+++
schema  = 1
id      = "tiny"
version = "1.0.0"
title   = "Tiny"
risk    = "low"
[[source]]
doc = "GUIDE"
ref = "1"
[params.namespace]
type = "namespace"
[params.strategy]
type    = "choice"
choices = ["a", "b"]
default = "a"
[params.n]
type    = "int"
default = 3
+++

Intro.

## Go

Why.

```toml step
id   = "go"
kind = "confirm"
type = "{{params.namespace}}"
```

## Scale

Because.

```toml step
id       = "scale"
kind     = "k8s.scale"
ns       = "{{params.namespace}}"
target   = "Deployment/x"
replicas = "{{params.n}}"
when     = { param = "strategy", is = "a" }
undo     = "previous-values"
capture  = { was = "out.before" }
```
"#;

pub fn mistakes(text: &str) -> Vec<String> {
    parse("t.runbook.md", text)
        .err()
        .map(|problems| problems.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

/// GOOD with one replacement; the file's mistakes.
pub fn bent(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "the test's anchor `{from}` is gone");
    mistakes(&GOOD.replacen(from, to, 1))
}

#[test]
fn the_small_runbook_is_right_and_reads_as_written() {
    let runbook = parse("t", GOOD).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(
        runbook
            .sections
            .iter()
            .map(|section| section.title.as_str())
            .collect::<Vec<_>>(),
        ["Go", "Scale"]
    );
    assert_eq!(
        (runbook.intro.as_str(), runbook.sections[1].prose.as_str()),
        ("Intro.", "Because.")
    );
    assert_eq!(runbook.steps.len(), 2);
    assert_eq!(runbook.steps[1].place.line, 38);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with its cases")]
fn every_mistake_has_its_place_and_what_to_write_instead() {
    let table = [
        (
            "risk    = \"low\"",
            "risk    = \"lwo\"",
            "t.runbook.md:6:11",
            "did you mean `low`",
        ),
        (
            "title   =",
            "titel   =",
            "t.runbook.md:5:1",
            "did you mean `title`",
        ),
        (
            "schema  = 1",
            "schema  = 9",
            "t.runbook.md:",
            "only version",
        ),
        (
            "id      = \"tiny\"",
            "id      = \"../../etc/passwd\"",
            "t.runbook.md:",
            "small letters",
        ),
        (
            "kind = \"confirm\"",
            "kind = \"confrim\"",
            "t.runbook.md:29:8",
            "did you mean `confirm`",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{params.namespce}}\"",
            "t.runbook.md:30:8",
            "did you mean `namespace`",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{secrets.key}}\"",
            "t.runbook.md:30:8",
            "secret",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{steps.scale.was}}\"",
            "t.runbook.md:30:8",
            "only earlier steps",
        ),
        (
            "id       = \"scale\"",
            "id       = \"go\"",
            "t.runbook.md:",
            "taken",
        ),
        (
            "undo     = \"previous-values\"\n",
            "",
            "t.runbook.md:38:1",
            "no way back",
        ),
        (
            "undo     = \"previous-values\"",
            "undo     = \"none\"",
            "t.runbook.md:",
            "needs `why`",
        ),
        (
            "is = \"a\" }",
            "is = \"c\" }",
            "t.runbook.md:38:1",
            "never `c`",
        ),
        (
            "replicas = \"{{params.n}}\"",
            "replicas = 2.5",
            "t.runbook.md:42:12",
            "whole number",
        ),
        (
            "replicas = \"{{params.n}}\"\n",
            "",
            "t.runbook.md:",
            "`replicas` is missing",
        ),
        (
            "target   = \"Deployment/x\"",
            "target   = \"\"",
            "t.runbook.md:41:12",
            "empty target",
        ),
        (
            "target   = \"Deployment/x\"",
            "target   = \"Deployment/x\"\nwait = { rollout = \"complete\" }",
            "t.runbook.md:38:1",
            "no timeout",
        ),
        (
            "capture  = { was = \"out.before\" }",
            "capture  = { was = \"params.n\" }",
            "t.runbook.md:",
            "must begin with out",
        ),
        (
            "capture  = { was = \"out.before\" }",
            "surprise = 1",
            "t.runbook.md:45:1",
            "unknown key `surprise`",
        ),
        (
            "id   = \"go\"\n",
            "id   = \"go\"\nid = \"go\"\n",
            "t.runbook.md:29:1",
            "duplicate",
        ),
        (
            "default = \"a\"",
            "default = \"z\"",
            "t.runbook.md:",
            "does not fit",
        ),
        (
            "```toml step\nid   = \"go\"",
            "```toml Step\nid   = \"go\"",
            "t.runbook.md:27:1",
            "would not run",
        ),
    ];
    for (from, to, place, hint) in table {
        let found = bent(from, to);
        assert!(
            found
                .iter()
                .any(|line| line.starts_with(place) && line.contains(hint)),
            "{to}: wanted {place} … {hint}, got {found:#?}"
        );
    }
}

#[test]
fn all_mistakes_come_in_one_pass_in_file_order() {
    let text = GOOD
        .replace("risk    = \"low\"", "risk = \"x\"")
        .replace("kind = \"confirm\"", "kind = \"confirm\"\nfoo = 1")
        .replace("replicas = \"{{params.n}}\"", "replicas = true");
    let problems = parse("t", &text).unwrap_err();
    let lines: Vec<u32> = problems.iter().map(|problem| problem.place.line).collect();
    assert_eq!(lines, [6, 30, 43], "{problems:#?}");
}

#[test]
fn a_change_before_any_confirmation_is_refused() {
    let found = bent(
        "kind = \"confirm\"\ntype = \"{{params.namespace}}\"",
        "kind = \"note\"",
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("before anything was confirmed")),
        "{found:#?}"
    );
}

#[test]
fn the_shipped_runbooks_are_right_lint_clean_and_translated() {
    for shipped in SHIPPED {
        let runbook =
            parse(shipped.file, shipped.text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(
            (runbook.id.as_str(), format!("{}.runbook.md", runbook.id)),
            (shipped.id, shipped.file.to_owned())
        );
        let findings = lint::lint(shipped.file, &runbook, Some(jiff::civil::date(2026, 12, 1)));
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(
            shipped.overlays.iter().any(|(lang, ..)| *lang == "fr"),
            "{} has no French",
            shipped.id
        );
        for (lang, file, text) in shipped.overlays {
            let overlay = parse_overlay(file, text, &runbook)
                .unwrap_or_else(|problems| panic!("{problems:#?}"));
            let (translated, missing) = overlay.apply(&runbook);
            assert_eq!((overlay.lang.as_str(), missing), (*lang, 0), "{file}");
            assert_eq!(
                translated.model_digest(),
                runbook.model_digest(),
                "a translation changes no behaviour"
            );
        }
    }
}

#[test]
fn the_rollback_has_the_steps_of_the_run_picture_and_its_deviations() {
    let runbook = parse("rollback", SHIPPED[0].text).unwrap();
    let titles: Vec<&str> = runbook
        .sections
        .iter()
        .map(|section| section.title.as_str())
        .collect();
    assert_eq!(titles.len(), 6, "{titles:?}");
    assert_eq!(titles[4], "Hold: is it good again?");
    let traps: Vec<&str> = runbook
        .deviations
        .iter()
        .filter_map(|deviation| deviation.trap.as_deref())
        .collect();
    for trap in ["T16", "T20", "T21", "T22", "T23", "T54"] {
        assert!(traps.contains(&trap), "{trap} is not explained");
    }
}

#[test]
fn prose_does_not_change_the_digest_and_behaviour_does() {
    let digest = |text: &str| parse("t", text).unwrap().model_digest();
    assert_eq!(
        digest(GOOD),
        digest(
            &GOOD
                .replace("Because.", "For another reason.")
                .replace("title   = \"Tiny\"", "title   = \"Other\"")
        )
    );
    assert_ne!(
        digest(GOOD),
        digest(&GOOD.replace("Deployment/x", "Deployment/y"))
    );
    assert_ne!(
        digest(GOOD),
        digest(&GOOD.replace("default = 3", "default = 4"))
    );
}

#[test]
fn a_translation_cannot_hold_steps_or_unknown_ones() {
    let runbook = parse("t", GOOD).unwrap();
    let overlay = |body: &str| {
        let text = format!("+++\nof = \"tiny\"\nlang = \"fr\"\n+++\n{body}");
        parse_overlay("t.fr.md", &text, &runbook)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert!(overlay("## [go] Aller\n\nPourquoi.\n").is_ok());
    for (body, hint) in [
        (
            "## [go] A\n\n```toml step\nid = \"x\"\n```\n",
            "cannot hold steps",
        ),
        ("## [gone] A\n", "no step `gone`"),
        ("## A\n", "without a step's id"),
    ] {
        let found = overlay(body).unwrap_err();
        assert!(
            found.iter().any(|line| line.contains(hint)),
            "{body}: {found:?}"
        );
    }
}

#[test]
fn control_and_direction_characters_are_refused_in_keys_and_neutralised_in_prose() {
    let runbook = parse(
        "t",
        &GOOD.replace("Because.", "\u{1b}]52;c;aGk=\u{7} \u{202e}evil"),
    )
    .unwrap();
    assert!(
        !runbook.sections[1]
            .prose
            .chars()
            .any(|c| c == '\u{1b}' || c == '\u{202e}'),
        "{:?}",
        runbook.sections[1].prose
    );
    assert!(
        bent("title   = \"Tiny\"", "title   = \"\\u001b[2J\"")
            .iter()
            .any(|line| line.contains("control or direction"))
    );
    let title = parse("t", &GOOD.replace("## Scale", "## Sc\u{202e}ale")).unwrap();
    assert!(!title.sections[1].title.contains('\u{202e}'));
}

#[test]
fn hostile_files_are_refused_quickly_and_without_a_crash() {
    let deep_toml = format!(
        "+++\nschema = {}1{}\n+++\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let deep_tables = format!("+++\n{} = 1\n+++\n", vec!["a"; 60_000].join("."));
    let deep_quotes = format!("+++\n+++\n{}x\n", ">".repeat(200_000));
    let brackets = format!("+++\n+++\n{}\n", "[".repeat(200_000));
    let fences = format!("+++\n+++\n## T\n{}", "```toml step\n```\n".repeat(8_000));
    let stars = format!("+++\n+++\n{}\n", "*a_ ".repeat(50_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("no end", b"+++\nid = 1\n".to_vec()),
        ("100 MB", vec![b'a'; 100 * 1024 * 1024]),
        ("one byte too many", vec![b'a'; MAX_BYTES + 1]),
        ("not UTF-8", b"+++\n\xff\xfe\n+++\n".to_vec()),
        ("carriage returns", GOOD.replace('\n', "\r\n").into_bytes()),
        ("NUL in the front matter", GOOD.replace("Tiny", "Ti\0ny").into_bytes()),
        ("deep TOML", deep_toml.into_bytes()),
        ("deep dotted keys", deep_tables.into_bytes()),
        ("deep quotations", deep_quotes.into_bytes()),
        ("brackets", brackets.into_bytes()),
        ("thousands of fences", fences.into_bytes()),
        ("emphasis", stars.into_bytes()),
        ("template in a template", GOOD.replace("{{params.namespace}}", "{{params.{{secrets.key}}}}").into_bytes()),
        ("self-including block", GOOD.replace("## Scale", "```toml block\nid = \"b\"\n[[do]]\nid = \"x\"\nkind = \"use\"\nblock = \"b\"\n```\n## Scale").into_bytes()),
    ];
    for (name, bytes) in cases {
        let started = Instant::now();
        let problems = parse_bytes("h", &bytes).expect_err(name);
        assert!(
            problems
                .iter()
                .all(|problem| problem.severity == Severity::Error && problem.place.line > 0),
            "{name}"
        );
        assert!(
            problems
                .iter()
                .all(|problem| problem.to_string().len() < 1000),
            "{name}: a bounded sentence"
        );
        assert!(
            started.elapsed().as_secs() < 5,
            "{name} took {:?}",
            started.elapsed()
        );
    }
}

mod generated {
    use super::{GOOD, parse, parse_bytes};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_give_a_runbook_or_errors_never_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_bytes("f", &bytes);
        }

        #[test]
        fn any_cut_or_flip_of_a_good_file_gives_a_runbook_or_placed_errors(at in 0..GOOD.len(), with in any::<char>()) {
            let mut text: String = GOOD.chars().take(at).collect();
            text.push(with);
            text.extend(GOOD.chars().skip(at + 1));
            if let Err(problems) = parse("f", &text) {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
