//! Runbooks by whoever means harm: each is refused at its place or made harmless, whatever it holds, and what is read and
//! said stays bounded. Times are not asserted: what is asserted is that nothing grows with what is hostile.

use super::{GOOD, bent, mistakes};
use vigie::runbook::format::{MAX_BYTES, parse, parse_bytes, parse_overlay};
use vigie::runbook::prose::steers;

/// Test 19 of the design, one row each: what is changed in a good runbook, where it is told, and with which words.
#[test]
fn every_hostile_part_is_refused_at_its_place() {
    let rows: &[(&str, &str, &str, &str)] = &[
        (
            "id      = \"tiny\"",
            "id = \"../../../etc/passwd\"",
            "3:",
            "small letters",
        ),
        (
            "id      = \"tiny\"",
            "id = \"/etc/shadow\"",
            "3:",
            "small letters",
        ),
        (
            "id   = \"go\"",
            "id = \"go/../../x\"",
            "28:",
            "is not an id",
        ),
        (
            "id      = \"tiny\"",
            "id = \"tiny\"\nid = \"tiny\"",
            "4:",
            "duplicate",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"x\"\nshell = \"rm -rf /\"",
            "31:",
            "unknown key `shell`",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{steps.scale.was}}\"",
            "30:",
            "only earlier steps",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{params.{{secrets.key}}}}\"",
            "30:",
            "not a reference",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"{{secrets.key}}\"",
            "30:",
            "a secret cannot be put into a text",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"a\\u001b]52;c;AA\\u0007\"",
            "30:",
            "control or direction",
        ),
        (
            "type = \"{{params.namespace}}\"",
            "type = \"a\u{202e}b\"",
            "30:",
            "control or direction",
        ),
        (
            "title   = \"Tiny\"",
            "title = \"a\\u202eb\"",
            "5:",
            "control or direction",
        ),
        (
            "kind = \"confirm\"",
            "kind = \"exce\"",
            "29:",
            "no step kind `exce`",
        ),
        (
            "## Scale",
            "## Scale {{secrets.key}}",
            "33:1",
            "a secret cannot be put into a text",
        ),
        (
            "## Scale",
            "## Scale {{params.nope}}",
            "33:1",
            "no such parameter",
        ),
        (
            "target   = \"Deployment/x\"",
            "target = \"\"",
            "42:",
            "an empty target",
        ),
    ];
    for (from, to, place, words) in rows {
        let found = bent(from, to);
        let told = found
            .iter()
            .any(|line| line.contains(&format!("t.runbook.md:{place}")) && line.contains(words));
        assert!(told, "{to:?}: {found:#?}");
        assert!(
            found.iter().all(|line| !line.chars().any(steers)),
            "{found:?}"
        );
    }
}

#[test]
fn a_fence_in_a_translation_runs_nothing_and_hostile_prose_becomes_visible() {
    let book = parse("t.runbook.md", GOOD).unwrap();
    let overlay = |body: &str| {
        parse_overlay(
            "t.fr.md",
            &format!("+++\nof = \"tiny\"\nlang = \"fr\"\n+++\n{body}"),
            &book,
        )
    };
    for fence in [
        "```toml step\nid = \"x\"\nkind = \"note\"\n```",
        "~~~toml block\nid = \"x\"\n~~~",
        "```toml  step\nx\n```",
    ] {
        let found = overlay(&format!("## [go] A\n\n{fence}\n")).unwrap_err();
        assert_eq!(found[0].place.line, 7, "{found:?}");
    }
    let shown = overlay(
        "## [go] A\u{1b}[31m\n\nClick \u{1b}]8;;http://evil\u{7}here\u{1b}]8;;\u{7} \u{202e}\n",
    )
    .unwrap();
    let (translated, _) = shown.apply(&book);
    let section = &translated.sections[0];
    assert!(
        !section
            .title
            .chars()
            .chain(section.prose.chars())
            .any(steers),
        "{section:?}"
    );
    assert!(section.prose.contains("‹U+001B›"), "{}", section.prose);
}

#[test]
fn what_is_told_of_a_huge_or_deep_file_does_not_grow_with_it() {
    let wide = |part: &str, times: usize| {
        format!(
            "{}{}",
            GOOD.split("## Go").next().unwrap(),
            part.repeat(times)
        )
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("100 MB", vec![b'a'; 100 << 20]),
        (
            "deep arrays",
            format!(
                "+++\nx = {}{}\n+++\n",
                "[".repeat(120_000),
                "]".repeat(120_000)
            )
            .into_bytes(),
        ),
        (
            "deep inline tables",
            format!(
                "+++\nx = {}1{}\n+++\n",
                "{ a = ".repeat(40_000),
                " }".repeat(40_000)
            )
            .into_bytes(),
        ),
        (
            "deep dotted keys",
            format!("+++\n{} = 1\n+++\n", vec!["a"; 60_000].join(".")).into_bytes(),
        ),
        (
            "deep tables",
            format!("+++\n[{}]\n+++\n", vec!["a"; 60_000].join(".")).into_bytes(),
        ),
        (
            "deep quotations",
            format!("+++\n+++\n{}x\n", ">".repeat(200_000)).into_bytes(),
        ),
        (
            "deep lists",
            format!("+++\n+++\n{}x\n", "- ".repeat(100_000)).into_bytes(),
        ),
        (
            "many wrong steps",
            wide("## A\n\n```toml step\nx = 1\n```\n\n", 5_000).into_bytes(),
        ),
        ("many headings", wide("## A\n", 40_000).into_bytes()),
        (
            "many references",
            wide("## {{params.x}}{{params.y}}\n", 8_000).into_bytes(),
        ),
        ("one long line", wide(&"x".repeat(200_000), 1).into_bytes()),
        (
            "one long key",
            format!("+++\n{} = 1\n+++\n", "k".repeat(200_000)).into_bytes(),
        ),
    ];
    for (name, bytes) in cases {
        assert!(
            name == "100 MB" || bytes.len() <= MAX_BYTES,
            "{name} is read whole"
        );
        let problems = parse_bytes("h", &bytes).expect_err(name);
        assert!(
            (1..=1100).contains(&problems.len()),
            "{name}: {} mistakes",
            problems.len()
        );
        let told: usize = problems
            .iter()
            .map(|problem| problem.to_string().len())
            .sum();
        assert!(told < 300_000, "{name}: {told} bytes of sentences");
        assert!(
            problems.iter().all(|problem| problem.place.line >= 1),
            "{name}"
        );
    }
}

#[test]
fn a_runbook_that_calls_itself_in_a_circle_or_too_deep_is_refused_across_the_shelf() {
    use vigie::runbook::Runbook;
    use vigie::runbook::lint::shelf::calls;
    let book = |id: &str, called: &str, with: &str| -> Runbook {
        let step = if called.is_empty() {
            String::new()
        } else {
            format!(
                "## Call\n\nWhy.\n\n```toml step\nid = \"call\"\nkind = \"call\"\nrunbook = \"{called}\"\nwith = {{ {with} }}\n```\n"
            )
        };
        let text = GOOD.replace("\"tiny\"", &format!("\"{id}\"")) + "\n" + &step;
        parse("f", &text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    };
    let told = |books: &[Runbook]| -> Vec<String> {
        let shelf: Vec<&Runbook> = books.iter().collect();
        let of = |one: &Runbook| calls(&one.id, one, &shelf);
        books
            .iter()
            .flat_map(of)
            .map(|problem| problem.to_string())
            .collect()
    };
    assert_eq!(
        told(&[book("a", "b", ""), book("b", "", "")]),
        Vec::<String>::new()
    );
    let circle = told(&[book("a", "b", ""), book("b", "c", ""), book("c", "a", "")]);
    assert!(
        circle[0].contains("a:58:") && circle[0].contains("a → b → c → a"),
        "{circle:?}"
    );
    assert!(told(&[book("a", "a", "")])[0].contains("a → a"));
    let chain: Vec<Runbook> = [
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "e"),
        ("e", "f"),
        ("f", ""),
    ]
    .map(|(id, next)| book(id, next, ""))
    .into();
    let deep = told(&chain);
    assert_eq!(deep.len(), 1, "{deep:?}");
    assert!(
        deep[0].contains("a:") && deep[0].contains("5 deep, at most 4"),
        "{deep:?}"
    );
    let wrong = told(&[book("a", "bb", ""), book("b", "", "")]);
    assert!(
        wrong[0].contains("no runbook `bb`; did you mean `b`?"),
        "{wrong:?}"
    );
    let with = told(&[
        book("a", "b", "m = 1, strategy = \"c\", n = \"x\""),
        book("b", "", ""),
    ]);
    assert_eq!(with.len(), 3, "{with:?}");
    assert!(with[0].contains("no parameter `m`"), "{with:?}");
    let hidden = told(&[book("a", "{{params.strategy}}", "")]);
    assert_eq!(
        hidden,
        Vec::<String>::new(),
        "what only the run knows is judged in the run"
    );
}

#[test]
fn a_mistake_never_repeats_what_steers_a_terminal() {
    let text = GOOD.replace("risk    = \"low\"", "\"ri\u{1b}[2Jsk\u{202e}\" = \"low\"");
    let found = mistakes(&text);
    assert!(
        !found.is_empty() && found.iter().all(|line| !line.chars().any(steers)),
        "{found:?}"
    );
}
