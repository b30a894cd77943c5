//! Acknowledging and silencing at the real console with a real Alertmanager: what it has of it afterwards, said by itself.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::console::Console;
use super::desk::Desk;

/// Asks the real Alertmanager.
fn ask(desk: &Desk, path: &str, body: Option<&str>) -> String {
    let address = desk.world.variable("ALERTMANAGER_URL");
    let mut command = Command::new("curl");
    command.args(["-fsS", &format!("{address}{path}")]);
    if let Some(body) = body {
        command.args(["-H", "content-type: application/json", "-d", body]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{path}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An alert about the test's namespace that fires now.
fn fire(desk: &Desk, name: &str) {
    let namespace = &desk.world.namespace;
    let alert = format!(
        r#"[{{"labels":{{"alertname":"{name}","severity":"critical","namespace":"{namespace}","service":"chat-server"}},"annotations":{{"summary":"chat-server fails"}}}}]"#
    );
    ask(desk, "/api/v2/alerts", Some(&alert));
}

/// The silences that name an alert.
fn silences(desk: &Desk, name: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(&ask(desk, "/api/v2/silences", None)).unwrap();
    let about = |silence: &Value| {
        let matchers = silence["matchers"].as_array().unwrap();
        matchers.iter().any(|one| one["value"] == name)
    };
    all.into_iter().filter(about).collect()
}

fn minutes(silence: &Value) -> i64 {
    let moment =
        |name: &str| -> jiff::Timestamp { silence[name].as_str().unwrap().parse().unwrap() };
    let span = moment("endsAt").duration_since(moment("startsAt"));
    (span.as_secs() + 30) / 60
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn an_acknowledgement_silences_for_a_quarter_of_an_hour_and_a_silence_by_hand_is_confirmed() {
    let desk = Desk::new("silence");
    let (first, second) = (
        format!("FirstOf{}", std::process::id()),
        format!("SecondOf{}", std::process::id()),
    );
    let config = desk.home.path().join("config/vigie");
    std::fs::create_dir_all(&config).unwrap();
    let text = "[incidents]\nacknowledge_silences = true\n";
    std::fs::write(config.join("config.toml"), text).unwrap();
    fire(&desk, &first);
    let mut console = Console::open(&desk.world, "oncall", desk.home.path());
    console.until("the alert is heard", |text| {
        (text.contains("critical") || text.contains(&first)).then_some(())
    });
    console.keys(":alerts\r");
    console.until("the alerts are listed", |text| {
        text.contains(&first).then_some(())
    });
    // Nothing is open here: the acknowledgement opens an incident, three fields are there already.
    console.keys("a");
    console.until("the sheet says what goes with it", |text| {
        text.contains("silent in Alertmanager for 15 min")
            .then_some(())
    });
    for _ in 0..3 {
        console.keys("\r");
        std::thread::sleep(Duration::from_millis(300));
    }
    console.until("it is said", |text| {
        text.contains("is silent until").then_some(())
    });
    let found = desk.world.wait_for("Alertmanager has it", || {
        let found = silences(&desk, &first);
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["createdBy"], "vigie-ack", "{found:#?}");
    assert!(
        found[0]["comment"].as_str().unwrap().contains("vigie-ack"),
        "{found:#?}"
    );
    assert_eq!(minutes(&found[0]), 15, "{found:#?}");

    // By hand, in what counts as production: the namespace is typed.
    fire(&desk, &second);
    console.keys(":alerts\r");
    console.until("the second is listed", |text| {
        text.contains(&second).then_some(())
    });
    console.keys(&format!("/{second}\r"));
    std::thread::sleep(Duration::from_millis(500));
    console.keys("z");
    console.until("the sheet is there", |text| {
        text.contains("POST /api/v2/silences").then_some(())
    });
    console.keys("\ra fix goes out\r");
    console.keys(&format!("{}\r", desk.world.namespace));
    let found = desk.world.wait_for("Alertmanager has that one, too", || {
        let found = silences(&desk, &second);
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(found[0]["createdBy"], "vigie", "{found:#?}");
    assert!(
        found[0]["comment"]
            .as_str()
            .unwrap()
            .contains("a fix goes out"),
        "{found:#?}"
    );
    assert!(
        desk.requests().is_empty(),
        "the cluster itself was not changed"
    );
    drop(console);
}
