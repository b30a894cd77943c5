//! The shipped themes: complete, readable, and apart for every eye. The limits are those of the measuring code; one
//! test shows that they can be missed.

use ratatui::style::{Color, Modifier};
use vigie::ui::theme::file::load;
use vigie::ui::theme::measure::{APART_LIMIT, Finding, TEXT_LIMIT, Vision, findings, lowest};
use vigie::ui::theme::{Depth, Role, SHIPPED, Theme};

#[test]
fn every_shipped_theme_defines_every_role() {
    for (name, text) in SHIPPED {
        let sheet = load(name, &[(name, text)]).unwrap_or_else(|error| panic!("{error}"));
        let coloured = Role::ALL
            .iter()
            .filter(|role| sheet.paint(**role).colour.is_some())
            .count();
        let want = if name == "mono" { 0 } else { Role::ALL.len() };
        assert_eq!(coloured, want, "{name}");
    }
}

#[test]
fn every_shipped_theme_is_readable_and_its_verdicts_stay_apart() {
    for (name, text) in SHIPPED {
        let sheet = load(name, &[(name, text)]).expect("a shipped theme loads");
        println!(
            "{name}: lowest text contrast and separation {:?}",
            lowest(&sheet)
        );
        assert_eq!(findings(&sheet), [], "{name}");
    }
}

#[test]
fn the_measured_values_are_those_that_are_documented() {
    let table = [
        ("night", 4.7, 0.18),
        ("day", 4.5, 0.11),
        ("contrast", 4.9, 0.18),
        ("distinct", 5.1, 0.12),
    ];
    for (name, text, apart) in table {
        let sheet = Theme::sheet(name, &[]).expect("a shipped theme loads");
        let (have_text, have_apart) = lowest(&sheet).expect("a theme with colours");
        assert!(
            have_text >= TEXT_LIMIT && have_apart >= APART_LIMIT,
            "{name}"
        );
        assert!(
            (have_text - text).abs() < 0.06,
            "{name}: contrast {have_text}"
        );
        assert!(
            (have_apart - apart).abs() < 0.006,
            "{name}: separation {have_apart}"
        );
    }
}

#[test]
fn a_bad_palette_is_found_out() {
    let bad = "extends = \"night\"\n[palette]\nslate = \"#2a2f3a\"\nsteel = \"#1a1f28\"\nteal = \"#58b358\"\ncoral = \"#c98a3c\"\n";
    let sheet = Theme::sheet("bad", &[("bad", bad)]).expect("loads");
    let found = findings(&sheet);
    let faint = |wanted: Role| {
        found
            .iter()
            .any(|one| matches!(one, Finding::Faint { role, .. } if *role == wanted))
    };
    assert!(faint(Role::TextDim) && faint(Role::Border), "{found:?}");
    let alike = |one: &Finding| {
        matches!(
            one,
            Finding::Alike {
                vision: Vision::Deutan | Vision::Protan,
                ..
            }
        )
    };
    assert!(found.iter().any(alike), "{found:?}");
    assert!(!faint(Role::Text), "what was not touched stays good");
}

#[test]
fn mono_and_terminals_without_colour_use_attributes_alone() {
    let mono = Theme::named("mono", &[], Depth::True).expect("loads");
    let night = Theme::named("night", &[], Depth::None).expect("loads");
    for role in Role::ALL {
        for theme in [&mono, &night] {
            let style = theme.role(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
            assert_eq!(
                style,
                Theme::plain().role(role),
                "{role:?}: the built-in plain theme equals mono"
            );
        }
    }
    assert!(mono.selected().add_modifier.contains(Modifier::REVERSED));
    assert_ne!(mono.role(Role::Failing), mono.role(Role::Watch));
    assert_ne!(mono.role(Role::Watch), mono.role(Role::Unknown));
}

#[test]
fn the_four_verdicts_differ_at_every_depth() {
    for (name, _) in SHIPPED.iter().filter(|(name, _)| *name != "mono") {
        for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
            let theme = Theme::named(name, &[], depth).expect("loads");
            let verdicts = [Role::Healthy, Role::Watch, Role::Failing, Role::Unknown]
                .map(|role| theme.role(role).fg);
            for (at, one) in verdicts.iter().enumerate() {
                assert!(
                    verdicts[..at].iter().all(|other| other != one),
                    "{name} at {depth:?}: {verdicts:?}"
                );
            }
        }
    }
}

#[test]
fn sixteen_colours_follow_the_fixed_table() {
    let theme = Theme::named("night", &[], Depth::Ansi16).expect("loads");
    let table = [
        (Role::Healthy, Some(Color::Cyan)),
        (Role::Watch, Some(Color::Yellow)),
        (Role::Failing, Some(Color::Red)),
        (Role::Unknown, Some(Color::Magenta)),
        (Role::Text, None),
        (Role::TextDim, Some(Color::DarkGray)),
        (Role::Accent, Some(Color::Blue)),
    ];
    for (role, want) in table {
        assert_eq!(theme.role(role).fg, want, "{role:?}");
    }
}

#[test]
fn the_ground_is_painted_only_where_the_theme_says_so() {
    let ground = |name: &str| {
        Theme::named(name, &[], Depth::True)
            .expect("loads")
            .ground()
            .bg
    };
    assert_eq!(ground("night"), None);
    assert_eq!(ground("contrast"), Some(Color::Rgb(0, 0, 0)));
}
