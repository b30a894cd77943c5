//! Keys of the configuration by what they do: a key without an effect is a promise that is not kept.

use super::super::command::Home;

async fn checked(text: &str) -> (Option<i32>, String) {
    let home = Home::new();
    home.write("config/vigie/config.toml", text);
    let said = home.run(&["config", "check"]).await;
    (said.code, said.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_a_table_and_a_column_that_do_not_exist_are_named_with_the_nearest() {
    for (text, place, words) in [
        (
            "[start]\nscreen = \"podz\"\n",
            "config.toml:2:",
            "there are overview",
        ),
        (
            "[columns]\npodds = [\"name\"]\n",
            "config.toml:2:",
            "did you mean `pods`?",
        ),
        (
            "theme = \"mono\"\n[columns]\npods = [\"name\", \"sttus\"]\n",
            "config.toml:3:",
            "did you mean \"status\"?",
        ),
        (
            "[services.api]\nissues_token = true\n",
            "config.toml:2:",
            "unknown key",
        ),
    ] {
        let (code, said) = checked(text).await;
        assert_eq!(code, Some(2), "{text}: {said}");
        assert!(
            said.contains(place) && said.contains(words),
            "{text}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_columns_are_the_ones_that_are_drawn() {
    let home = Home::new();
    let usual = home.run(&["demo", "--frame", "160x45"]).await.out;
    home.write(
        "config/vigie/config.toml",
        "[columns]\npods = [\"status\", \"name\"]\n",
    );
    let chosen = home.run(&["demo", "--frame", "160x45"]).await.out;
    let header = |picture: &str| {
        picture
            .lines()
            .find(|line| line.contains(" STATUS "))
            .unwrap()
            .to_owned()
    };
    assert!(header(&usual).contains("RESTARTS"), "{usual}");
    let header = header(&chosen);
    assert!(
        !header.contains("RESTARTS") && !header.contains("NODE"),
        "{header}"
    );
    assert!(header.find("STATUS") < header.find("NAME"), "{header}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runbooks_speak_the_language_asked_for_where_they_can() {
    let home = Home::new();
    let english = home.run(&["runbook", "list"]).await.out;
    home.write(
        "config/vigie/config.toml",
        "[runbooks]\nlanguage = \"fr\"\n",
    );
    let french = home.run(&["runbook", "list"]).await.out;
    assert!(
        english.contains("Roll back") && !french.contains("Roll back"),
        "{french}"
    );
    home.write(
        "config/vigie/config.toml",
        "[runbooks]\nlanguage = \"tlh\"\n",
    );
    assert_eq!(home.run(&["runbook", "list"]).await.out, english);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_named_is_looked_at_and_none_is_not() {
    let mut home = Home::on(vigie::sim::scenario::Scenario::Healthy, 60).await;
    let without = home.run(&["doctor"]).await;
    assert!(!without.out.contains("vault"), "{without:?}");
    home.set("VAULT_ADDR", "http://127.0.0.1:1");
    let with = home.run(&["doctor"]).await;
    assert_eq!(with.code, Some(1), "{with:?}");
    assert!(
        with.out.contains("vault") && with.out.contains("does not answer"),
        "{with:?}"
    );
}
