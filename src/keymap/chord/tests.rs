//! Chords in words, from events, and back again.

use super::*;
use proptest::prelude::*;

fn read(given: &str) -> Chord {
    given.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn said(given: &str) -> String {
    given.parse::<Sequence>().expect_err("was read").to_string()
}

#[test]
fn the_chords_of_the_table_are_read() {
    let plain = Chord::key;
    let table = [
        ("g", plain(Key::Char('g'))),
        ("G", plain(Key::Char('G'))),
        ("shift-j", plain(Key::Char('J'))),
        (
            "ctrl-f",
            Chord {
                ctrl: true,
                ..plain(Key::Char('f'))
            },
        ),
        (
            "alt-x",
            Chord {
                alt: true,
                ..plain(Key::Char('x'))
            },
        ),
        (
            "ctrl--",
            Chord {
                ctrl: true,
                ..plain(Key::Char('-'))
            },
        ),
        ("-", plain(Key::Char('-'))),
        ("?", plain(Key::Char('?'))),
        ("space", plain(Key::Char(' '))),
        ("enter", plain(Key::Enter)),
        ("esc", plain(Key::Esc)),
        ("f1", plain(Key::F(1))),
        ("f12", plain(Key::F(12))),
        (
            "shift-tab",
            Chord {
                shift: true,
                ..plain(Key::Tab)
            },
        ),
        ("é", plain(Key::Char('é'))),
    ];
    for (given, want) in table {
        assert_eq!(read(given), want, "{given}");
    }
    let twice: Sequence = "g g".parse().expect("reads");
    assert_eq!(twice.chords(), [read("g"), read("g")]);
    assert!(twice.begins_with(&[read("g")]) && !twice.begins_with(&[read("g"), read("g")]));
}

#[test]
fn mistakes_come_with_what_would_be_right() {
    let table = [
        ("entr", "key \"entr\": unknown key; did you mean enter?"),
        (
            "ctlr-f",
            "key \"ctlr-f\": unknown modifier; did you mean ctrl-f?",
        ),
        (
            "ctrl-i",
            "key \"ctrl-i\": terminals report another key for it; did you mean tab?",
        ),
        (
            "ctrl-shift-x",
            "key \"ctrl-shift-x\": terminals do not tell shift together with control; did you mean ctrl-x?",
        ),
        (
            "shift-1",
            "key \"shift-1\": shift belongs to letters and named keys; write the character itself",
        ),
        (
            "ctrl-ctrl-x",
            "key \"ctrl-ctrl-x\": a modifier is named twice",
        ),
        ("f25", "key \"f25\": unknown key"),
        ("", "key \"\": no key is named"),
        (
            "g g g g g",
            "key \"g g g g g\": a sequence has four keys at most",
        ),
    ];
    for (given, want) in table {
        let said = said(given);
        assert!(said.starts_with(want), "{said}");
    }
}

#[test]
fn events_become_the_chords_that_are_written() {
    let event = |code, modifiers| KeyEvent::new(code, modifiers);
    let table = [
        (event(KeyCode::Char('J'), KeyModifiers::SHIFT), "J"),
        (event(KeyCode::Char('j'), KeyModifiers::SHIFT), "J"),
        (event(KeyCode::Char('?'), KeyModifiers::SHIFT), "?"),
        (
            event(
                KeyCode::Char('F'),
                KeyModifiers::CONTROL | KeyModifiers::SHIFT,
            ),
            "ctrl-f",
        ),
        (event(KeyCode::Char('i'), KeyModifiers::CONTROL), "tab"),
        (event(KeyCode::BackTab, KeyModifiers::NONE), "shift-tab"),
        (event(KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab"),
        (event(KeyCode::Char(' '), KeyModifiers::NONE), "space"),
        (event(KeyCode::Up, KeyModifiers::ALT), "alt-up"),
    ];
    for (event, want) in table {
        assert_eq!(
            Chord::pressed(&event)
                .map(|chord| chord.to_string())
                .as_deref(),
            Some(want)
        );
    }
    let mut release = event(KeyCode::Char('q'), KeyModifiers::NONE);
    release.kind = KeyEventKind::Release;
    assert_eq!(Chord::pressed(&release), None);
    release.kind = KeyEventKind::Repeat;
    assert!(Chord::pressed(&release).is_some());
    assert_eq!(
        Chord::pressed(&event(KeyCode::CapsLock, KeyModifiers::NONE)),
        None
    );
}

fn any_code() -> impl Strategy<Value = KeyCode> {
    prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        proptest::char::range('!', '~').prop_map(KeyCode::Char),
        (1u8..=24).prop_map(KeyCode::F),
        proptest::sample::select(vec![
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Insert,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Char(' '),
        ]),
    ]
}

proptest! {
    #[test]
    fn whatever_is_pressed_can_be_written_and_read_back(code in any_code(), bits in 0u8..8) {
        let Some(chord) = Chord::pressed(&KeyEvent::new(code, KeyModifiers::from_bits_truncate(bits))) else {
            return Ok(());
        };
        // Blanks other than the space bar have no name and cannot be typed on a key.
        if matches!(chord.key, Key::Char(c) if c != ' ' && c.is_whitespace()) {
            return Ok(());
        }
        prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
        let twice = format!("{chord} {chord}");
        prop_assert_eq!(twice.parse::<Sequence>().map(|read| read.to_string()), Ok(twice));
    }

    #[test]
    fn no_text_is_too_strange_to_refuse(given in ".{0,12}") {
        if let Ok(read) = given.parse::<Sequence>() {
            prop_assert_eq!(read.to_string().parse::<Sequence>(), Ok(read));
        }
    }
}
