//! `vigie demo` without a terminal: every scenario, theme and size is a picture, the same one each time.

use super::super::command::{Home, no_crash, plain};
use vigie::sim::scenario::Scenario;

fn is_picture(text: &str, size: &str) {
    let (width, height) = size.split_once('x').unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), height.parse::<usize>().unwrap(), "{size}");
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= width.parse().unwrap(), "{size}: {widest}");
    assert!(plain(text), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_without_a_terminal_is_a_picture_and_says_how_to_see_it_live() {
    let home = Home::new();
    let said = home.run(&["demo"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    is_picture(&said.out, "120x40");
    assert!(
        said.out.contains("veza-backend") && said.err.contains("`vigie demo` shows it live"),
        "data to stdout, all else to stderr: {said:?}"
    );
    for size in ["40x12", "80x24", "200x60", "300x80"] {
        let said = home.run(&["demo", "--frame", size]).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{size}");
        is_picture(&said.out, size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_is_the_same_picture_each_time_in_every_theme() {
    let home = Home::new();
    for scenario in Scenario::ALL {
        let name = scenario.name();
        let mut first = None;
        for theme in ["night", "day", "contrast", "distinct", "mono"] {
            let said = home
                .run(&[
                    "demo",
                    "--frame",
                    "120x40",
                    "--scenario",
                    name,
                    "--theme",
                    theme,
                ])
                .await;
            assert_eq!(
                (said.code, said.err.as_str()),
                (Some(0), ""),
                "{name} {theme}: {said:?}"
            );
            is_picture(&said.out, "120x40");
            assert_eq!(
                first.get_or_insert_with(|| said.out.clone()),
                &said.out,
                "{name} {theme}"
            );
        }
    }
    assert!(no_crash(home.folder.path()));
}
