//! Whatever comes in: readers of text that somebody else wrote, fed with anything and with the likely mistakes of real files.
//! A failure is shrunk to its smallest case and printed with its seed; `PROPTEST_CASES=100000 cargo test --test it random`
//! looks longer.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use proptest::sample::Index;
use vigie::journal::record::{Condition, GENESIS, decode, encode};
use vigie::keymap::chord::{Chord, Sequence};
use vigie::platform::scrape::exposition::{SAMPLES, read};
use vigie::runbook::format::{parse, parse_bytes, parse_overlay};
use vigie::runbook::place::Problem;
use vigie::runbook::{SHIPPED, lint};

/// So many cases of each, unless PROPTEST_CASES says more: enough to notice, few enough to wait for.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What likely mistakes and hostile hands put into a runbook.
const SPLINTERS: &[&str] = &[
    "+++\n",
    "```toml step\n",
    "```toml block\n",
    "```\n",
    "## ",
    "\n",
    "[[",
    "]]",
    "{{",
    "}}",
    "{{params.",
    "{{secrets.x}}",
    "\"",
    "'''",
    "= ",
    "[params.x]\n",
    "[[check]]\n",
    "[[do]]\n",
    "id = \"x\"\n",
    "kind = \"call\"\n",
    "kind = \"each\"\n",
    "when = { ",
    "undo = \"none\"\n",
    "\u{202e}",
    "\u{1b}[2J",
    "\0",
    "\u{feff}",
    "é",
    "\r\n",
    "> ",
    "- ",
    "    ",
    "9999999999999999999",
    "-1",
    "[a.b.c]\n",
    "#",
];

/// A text of a shipped runbook with a few cuts, repeats and splinters.
fn bent() -> impl Strategy<Value = String> {
    let edit = (any::<Index>(), any::<Index>(), any::<Index>(), 0_u8..4);
    (any::<Index>(), proptest::collection::vec(edit, 1..8)).prop_map(|(which, edits)| {
        let mut text: Vec<char> = SHIPPED[which.index(SHIPPED.len())].text.chars().collect();
        for (at, until, splinter, how) in edits {
            let at = at.index(text.len().max(1)).min(text.len());
            let until = (at + until.index(200)).min(text.len());
            let splinter = SPLINTERS[splinter.index(SPLINTERS.len())].chars();
            match how {
                0 => drop(text.splice(at..until, [])),
                1 => drop(text.splice(at..at, splinter)),
                2 => drop(text.splice(at..until, splinter)),
                _ => {
                    let again = text[at..until].to_vec();
                    text.splice(at..at, again);
                }
            }
        }
        text.into_iter().collect()
    })
}

/// Pieces of the format in any order.
fn heap() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<Index>().prop_map(|at| SPLINTERS[at.index(SPLINTERS.len())].to_owned()),
        1 => ".{0,12}",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| format!("+++\n{}", pieces.concat()))
}

/// Every mistake stands inside the file, in order, in a bounded sentence that steers no terminal.
fn placed(text: &str, problems: &[Problem]) -> Result<(), TestCaseError> {
    let lines = text.split('\n').count() as u32;
    prop_assert!(!problems.is_empty() && problems.len() <= 1100);
    for problem in problems {
        let place = problem.place;
        prop_assert!(
            (1..=lines).contains(&place.line),
            "{problem} of {lines} lines"
        );
        let line = text
            .split('\n')
            .nth(place.line as usize - 1)
            .unwrap_or_default();
        prop_assert!(
            place.column as usize <= line.chars().count() + 1,
            "{problem}: {line:?}"
        );
        let words = problem.to_string();
        prop_assert!(words.chars().count() < 2500, "{} characters", words.len());
        prop_assert!(
            !words.chars().any(vigie::runbook::prose::steers),
            "{words:?}"
        );
    }
    prop_assert!(problems.windows(2).all(|two| two[0].place <= two[1].place));
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_runbook_is_read_or_told_where_it_is_wrong(text in prop_oneof![bent(), heap()]) {
        match parse("f", &text) {
            Err(problems) => placed(&text, &problems)?,
            Ok(book) => {
                // What is read can be looked at, digested and translated.
                prop_assert!(lint::errors("f", &book).is_empty());
                prop_assert_eq!(book.model_digest().len(), 64 + "sha256:".len());
                prop_assert!(parse_overlay("f.fr.md", &text, &book).is_err(), "a runbook is no translation");
            }
        }
    }

    #[test]
    fn bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Err(problems) = parse_bytes("f", &bytes) {
            prop_assert!(problems.iter().all(|problem| problem.place.line >= 1));
        }
    }

    #[test]
    fn a_translation_is_read_or_told_where_it_is_wrong(text in heap()) {
        let book = parse(SHIPPED[0].file, SHIPPED[0].text).unwrap();
        match parse_overlay("f", &text, &book) {
            Err(problems) => placed(&text, &problems)?,
            Ok(overlay) => {
                let (translated, _) = overlay.apply(&book);
                prop_assert_eq!(translated.model_digest(), book.model_digest());
            }
        }
    }

    #[test]
    fn a_journal_cut_or_flipped_anywhere_keeps_what_holds_and_never_goes_on_over_the_rest(
        texts in proptest::collection::vec("[^\\x00]{0,40}", 1..8),
        cut in proptest::option::of(any::<Index>()),
        flip in proptest::option::of((any::<Index>(), 1_u8..=255)),
    ) {
        let (mut bytes, mut prev, mut ends) = (Vec::new(), GENESIS.to_owned(), vec![0_usize]);
        let payloads: Vec<String> = texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
        for payload in &payloads {
            let (record, hash) = encode(&prev, payload);
            bytes.extend(record);
            prev = hash;
            ends.push(bytes.len());
        }
        let whole = bytes.clone();
        if let Some(cut) = &cut {
            bytes.truncate(cut.index(whole.len() + 1));
        }
        if let Some((at, with)) = flip && !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= with;
        }
        let opened = decode(&bytes);
        // What is kept is exactly a beginning of what was written, and nothing that was altered.
        prop_assert!(payloads.starts_with(&opened.payloads));
        let good = opened.good_len as usize;
        prop_assert_eq!(good, ends[opened.payloads.len()]);
        prop_assert_eq!(&bytes[..good], &whole[..good]);
        match opened.condition {
            Condition::Whole => prop_assert_eq!(good, bytes.len()),
            Condition::Torn(rest) => prop_assert_eq!(good + rest as usize, bytes.len()),
            Condition::Damaged(damage) => {
                prop_assert_eq!(damage.offset as usize, good);
                prop_assert_eq!(damage.record as usize, opened.payloads.len() + 1);
                prop_assert!(flip.is_some(), "a cut alone is a torn tail");
            }
        }
        if flip.is_none() && cut.is_none() {
            prop_assert_eq!(opened.payloads.len(), payloads.len());
        }
    }

    #[test]
    fn any_bytes_are_no_reason_to_break_a_journal(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let opened = decode(&bytes);
        prop_assert!(opened.good_len as usize <= bytes.len());
    }

    #[test]
    fn a_metrics_page_gives_what_it_says_or_counts_it_as_malformed(
        lines in proptest::collection::vec(prop_oneof![
            4 => "[a-z_:]{1,6}(\\{([a-z]{1,3}=\"[a-z\\\\\"{},= ]{0,8}\",?){0,3}\\})? (NaN|[+-]?Inf|-?[0-9]{1,4}(\\.[0-9]{1,3})?(e[0-9])?)( [0-9]{1,13})?",
            2 => "# (HELP|TYPE|EOF)[ a-z]{0,12}",
            2 => ".{0,40}",
        ], 0..30),
    ) {
        let text = lines.join("\n");
        let page = read(&text, |_| true);
        let given = text.lines().map(|line| line.trim_matches([' ', '\t', '\r'])).filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        prop_assert_eq!(page.samples.len() + page.malformed + page.left_out, given, "every line is told of once");
        prop_assert!(page.samples.len() <= SAMPLES);
        for sample in &page.samples {
            prop_assert!(text.contains(&*sample.name), "no name is made up");
            prop_assert!(sample.labels.keys().all(|name| text.contains(&**name)));
        }
        // Nothing is wanted: nothing is kept, and what is malformed stays so.
        let none = read(&text, |_| false);
        prop_assert!(none.samples.is_empty() && none.malformed <= page.malformed);
    }

    #[test]
    fn a_plain_sample_comes_back_as_it_was_written(
        name in "[a-z_:][a-z0-9_:]{0,10}",
        labels in proptest::collection::btree_map("[a-z_][a-z0-9_]{0,6}", "\\PC{0,12}", 0..5),
        value in prop_oneof![any::<i32>().prop_map(f64::from), any::<f64>().prop_filter("a figure", |value| value.is_finite())],
    ) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let line = if pairs.is_empty() { format!("{name} {value}") } else { format!("{name}{{{}}} {value}", pairs.join(",")) };
        let page = read(&line, |_| true);
        prop_assert_eq!(page.malformed, 0, "{}", line);
        let [sample] = page.samples.as_slice() else { panic!("{line}") };
        prop_assert_eq!(&*sample.name, name.as_str());
        prop_assert!((sample.value - value).abs() <= f64::EPSILON * value.abs(), "{} {}", sample.value, value);
        let read: Vec<(&str, &str)> = sample.labels.iter().map(|(name, text)| (&**name, &**text)).collect();
        let written: Vec<(&str, &str)> = labels.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_key_is_read_back_as_it_is_shown(text in prop_oneof!["((ctrl|alt|shift|crtl)-){0,3}(.|f[0-9]{1,2}|enter|esc|space|pagedown|tab|up)", ".{0,12}"]) {
        match text.parse::<Chord>() {
            Ok(chord) => prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord)),
            Err(error) => {
                prop_assert_eq!(&error.given, &text);
                if let Some(right) = error.suggestion {
                    prop_assert!(!right.is_empty());
                }
            }
        }
        if let Ok(sequence) = text.parse::<Sequence>() {
            prop_assert!(!sequence.chords().is_empty());
        }
    }

    #[test]
    fn whatever_is_pressed_has_a_name_that_means_it(c in any::<char>(), modifiers in 0_u8..8) {
        let held = [KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT];
        let modifiers = held.into_iter().enumerate().filter(|(bit, _)| modifiers & (1 << bit) != 0).map(|(_, held)| held).collect();
        let event = KeyEvent::new(KeyCode::Char(c), modifiers);
        if let Some(chord) = Chord::pressed(&event)
            && !c.is_whitespace()
        {
            prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord), "{:?}", chord.to_string());
        }
    }
}
