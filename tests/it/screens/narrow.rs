//! What gives way when room is short, and what must not: where I am, how often a pod restarted, what happened.

use super::night::{after, drawn, rows, send};
use super::themes;
use vigie::app::command::Command;
use vigie::app::screen::Screen;
use vigie::sim::scenario::Scenario;

#[test]
fn restarts_are_written_as_kubectl_writes_them_and_the_age_goes_before_the_count() {
    for screen in [Screen::Overview, Screen::Pods] {
        for width in [80, 100, 120, 160, 200] {
            let mut app = after(Scenario::CrashLoop, 60);
            send(&mut app, [Command::Open(screen.clone())]);
            let pod = app.cluster.pods.iter().max_by_key(|pod| pod.restarts);
            let (name, count) = pod.map(|pod| (pod.name.clone(), pod.restarts)).unwrap();
            assert!(count > 0, "the story has a pod that restarts");
            let rows = rows(&drawn(&mut app, &themes()[0], (width, 50)));
            let Some(row) = rows
                .iter()
                .skip(2)
                .find(|row| row.contains("CrashLoopBackOff  "))
            else {
                assert!(screen == Screen::Overview && width < 120, "{rows:#?}");
                continue;
            };
            let said = row.split_once("CrashLoopBackOff").unwrap().1.trim_start();
            assert!(
                said.starts_with(&format!("{count} ")),
                "{width}: {name}: {row}"
            );
            let aged = said
                .split_once(" ago)")
                .is_some_and(|(age, _)| age.contains(" ("));
            assert_eq!(aged, width >= 120, "{width}: {row}");
        }
    }
}
