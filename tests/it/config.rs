//! The configuration as its users meet it: files that are accepted, files that are not with the exact sentence, and who wins.
//!
//! `configs/invalid/*.toml` begin with lines `# expect: LINE:COLUMN: sentence`, one for each mistake in order, and
//! `# hint: text` where the hint after it matters.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vigie::config::layer::{self, Flag, Layers, Merged, Origin};
use vigie::config::mistake::Mistakes;
use vigie::config::settings::{Image, Level, Notify};
use vigie::config::unit::{Ratio, Time};
use vigie::config::{Folders, Inputs, load, place, show};

fn samples(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/configs")
        .join(folder);
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    found.sort();
    assert!(found.len() > 2, "the samples are there");
    found
}

fn merge(text: &str, variables: &[(&str, &str)], flags: &[Flag]) -> Result<Merged, Mistakes> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    layer::merge(&Layers {
        file: Some(("c.toml".into(), text.into())),
        variables,
        flags: flags.to_vec(),
    })
}

fn flag(key: &'static str, name: &'static str, value: &str) -> Flag {
    Flag {
        key,
        value: value.into(),
        name,
    }
}

fn key(dotted: &str) -> Vec<String> {
    dotted.split('.').map(str::to_owned).collect()
}

#[test]
fn every_valid_sample_is_accepted() {
    for (name, text) in samples("valid") {
        let merged = merge(&text, &[], &[]);
        assert!(merged.is_ok(), "{name}: {}", merged.unwrap_err());
    }
}

#[test]
fn every_invalid_sample_is_refused_with_its_sentences() {
    let mut wrong = Vec::new();
    for (name, text) in samples("invalid") {
        let expected: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "))
            .collect();
        assert!(!expected.is_empty(), "{name} expects nothing");
        let mistakes = merge(&text, &[], &[]).expect_err(&name).0;
        let said: Vec<String> = mistakes
            .iter()
            .map(|one| one.headline().trim_start_matches("c.toml:").to_owned())
            .collect();
        if said != expected {
            wrong.push(format!("{name}: {said:#?}"));
        }
        let hints = text
            .lines()
            .filter_map(|line| line.strip_prefix("# hint: "));
        wrong.extend(
            hints
                .filter(|hint| !mistakes.iter().any(|one| one.hint.as_deref() == Some(hint)))
                .map(|hint| format!("{name}: nowhere the hint {hint}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_mistake_is_shown_with_its_line_and_a_caret() {
    let text = "theme = \"day\"\n\n[thresholds]\neror_ratio = \"1 %\"\n";
    assert_eq!(
        merge(text, &[], &[]).unwrap_err().to_string(),
        "c.toml:4:1: unknown key `eror_ratio` in [thresholds]\n  |\n4 | eror_ratio = \"1 %\"\n  | ^^^^^^^^^^\n  = did you mean `error_ratio`?"
    );
}

#[test]
fn each_layer_wins_over_the_ones_below_it() {
    let file = "theme = \"day\"\n";
    let no_color = ("NO_COLOR", "1");
    let ours = ("VIGIE_THEME", "contrast");
    let typed = [flag("theme", "--theme", "distinct")];
    for (text, variables, flags, theme, origin) in [
        ("", vec![], &[][..], "auto", None),
        (
            "",
            vec![no_color],
            &[],
            "mono",
            Some(Origin::Ecosystem("NO_COLOR".into())),
        ),
        (
            file,
            vec![no_color],
            &[],
            "day",
            Some(Origin::File {
                file: "c.toml".into(),
                line: 1,
            }),
        ),
        (
            file,
            vec![no_color, ours],
            &[],
            "contrast",
            Some(Origin::Variable("VIGIE_THEME".into())),
        ),
        (
            file,
            vec![no_color, ours],
            &typed,
            "distinct",
            Some(Origin::Flag("--theme".into())),
        ),
    ] {
        let merged = merge(text, &variables, flags).unwrap();
        assert_eq!(merged.config.theme, theme);
        assert_eq!(merged.origins.get(&key("theme")), origin.as_ref());
    }
}

#[test]
fn variables_take_every_type_and_their_short_names() {
    let variables = [
        ("VIGIE_MOUSE", "yes"),
        ("VIGIE_NOTIFY", "osc9"),
        ("VIGIE_REFRESH_FRAMES", "10"),
        ("VIGIE_REFRESH_METRICS", "10 s"),
        ("VIGIE_THRESHOLDS_ERROR_RATIO", "2 %"),
        ("VIGIE_RUNBOOKS_FOLDERS", "/a, /b"),
        ("VIGIE_CONTEXT", "here"),
        ("VIGIE_ALL_NAMESPACES", "1"),
        ("VIGIE_LOG_LEVEL", "debug"),
        ("KUBECONFIG", "/k"),
    ];
    let config = merge("", &variables, &[]).unwrap().config;
    assert!(config.mouse && config.start.all_namespaces);
    assert_eq!(
        (config.notify, config.refresh.frames, config.log.level),
        (Notify::Osc9, 10, Level::Debug)
    );
    assert_eq!(
        (config.refresh.metrics, config.thresholds.error_ratio),
        (Time::seconds(10), Ratio::percent(2.0))
    );
    assert_eq!(config.runbooks.folders, ["/a", "/b"]);
    assert_eq!(
        (
            config.start.context.as_deref(),
            config.kubeconfig.as_deref()
        ),
        (Some("here"), Some("/k"))
    );
}

#[test]
fn a_wrong_variable_or_flag_is_named() {
    for (variables, flags, expected) in [
        (
            vec![("VIGIE_MOUSE", "perhaps")],
            vec![],
            "VIGIE_MOUSE: `mouse` wants true or false, not a text",
        ),
        (
            vec![("VIGIE_REFRESH_FRAMES", "many")],
            vec![],
            "VIGIE_REFRESH_FRAMES: `refresh.frames` wants a number, not a text",
        ),
        (
            vec![("VIGIE_REFRESH_FRAMES", "0")],
            vec![],
            "VIGIE_REFRESH_FRAMES: `refresh.frames` must be between 1 and 120",
        ),
        (
            vec![("VIGIE_REFRESH_METRICS", "1 ms")],
            vec![],
            "VIGIE_REFRESH_METRICS: `metrics` is 1 ms; it must be 1s at least",
        ),
        (
            vec![],
            vec![flag("notify", "--notify", "bel")],
            "--notify: `notify` cannot be \"bel\"",
        ),
    ] {
        let mistakes = merge("", &variables, &flags).unwrap_err().0;
        assert_eq!(
            mistakes
                .iter()
                .map(vigie::config::mistake::Mistake::headline)
                .collect::<Vec<_>>(),
            [expected]
        );
    }
}

#[test]
fn a_variable_that_means_nothing_is_a_notice() {
    let merged = merge(
        "",
        &[
            ("VIGIE_TEME", "day"),
            ("VIGIE_TEST_CLUSTER", "/x"),
            ("VIGIE_CONFIG", "/y"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(
        merged.notices,
        ["The variable VIGIE_TEME means nothing here. Did you mean VIGIE_THEME?"]
    );
}

#[test]
fn a_built_in_environment_is_changed_key_by_key_and_a_new_one_starts_from_production() {
    let text = "[environment.production]\nimage = \"digest\"\n[environment.lab]\nmatch = { contexts = [\"lab\"] }\napprovals = 1\n";
    let config = merge(text, &[], &[]).unwrap().config;
    let production = &config.environment["production"];
    assert_eq!(production.image, Image::Digest);
    assert!(production.read_only && production.belongs.namespaces.contains(&"prod".to_owned()));
    let (name, policy) = place::environment_for(&config, None, "lab", Some("x"), None);
    assert_eq!(name, "lab");
    assert!(policy.read_only && policy.approvals == 1);
}

#[test]
fn a_services_thresholds_fill_up_from_the_general_ones() {
    let config = merge(
        "[thresholds]\np99 = \"400 ms\"\n[services.x.thresholds]\nerror_ratio = 0.02\n",
        &[],
        &[],
    )
    .unwrap()
    .config;
    let own = config.thresholds_for("x");
    assert_eq!(
        (own.error_ratio, own.p99),
        (Ratio::percent(2.0), Time::millis(400))
    );
    assert_eq!(config.thresholds_for("y"), config.thresholds);
}

#[test]
fn config_show_names_the_winner_and_masks_secrets() {
    let text = "[context.\"a b\".prometheus]\nurl = \"https://ada:hush@prom\"\n";
    let variables = [("VIGIE_ASCII", "true"), ("VAULT_TOKEN", "hush")];
    let merged = merge(text, &variables, &[]).unwrap();
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let lines = show::shown(&merged, &variables);
    let said = show::text(&lines);
    let document = show::document(None, &lines).to_string();
    for expected in [
        "ascii = true",
        "# VIGIE_ASCII",
        "context.\"a b\".prometheus.url = \"https://***@prom\"",
        "# c.toml:2",
        "theme = \"auto\"",
        "# default",
        "# VAULT_TOKEN",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(
        !said.contains("hush") && !document.contains("hush"),
        "{said}{document}"
    );
}

fn inputs(folder: &Path, file: Option<PathBuf>) -> Inputs {
    let folders = Folders {
        home: "/h".into(),
        config: folder.to_owned(),
        state: "/s".into(),
    };
    Inputs {
        file,
        variables: BTreeMap::new(),
        flags: Vec::new(),
        folders,
    }
}

#[test]
fn a_file_that_was_named_must_exist_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load(&inputs(folder.path(), None)).unwrap();
    assert_eq!(
        (loaded.file.clone(), loaded.state_dir()),
        (None, PathBuf::from("/s"))
    );
    let missing = folder.path().join("none.toml");
    let mistakes = load(&inputs(folder.path(), Some(missing.clone()))).unwrap_err();
    let expected = format!(
        "--config: cannot read {}: there is no such file",
        missing.display()
    );
    assert_eq!(mistakes.0[0].headline(), expected);
    fs::write(
        folder.path().join("config.toml"),
        "state_dir = \"~/x\"\n[runbooks]\nfolders = [\"mine\", \"/abs\"]\n",
    )
    .unwrap();
    let loaded = load(&inputs(folder.path(), None)).unwrap();
    assert_eq!(loaded.state_dir(), PathBuf::from("/h/x"));
    assert_eq!(
        loaded.runbook_dirs(),
        [
            folder.path().join("runbooks"),
            folder.path().join("mine"),
            PathBuf::from("/abs")
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let mistakes = load(&inputs(folder.path(), None)).unwrap_err();
    assert!(
        mistakes.to_string().contains("it is not UTF-8 text"),
        "{mistakes}"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n\u{e9}\"'\\[\\]={}#.]{0,200}") {
        let _ = merge(&text, &[], &[]).map_err(|mistakes| mistakes.to_string());
    }
}
