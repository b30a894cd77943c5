//! Exec credential plugins: run by us, once, with or without the terminal, and never printed.
//!
//! The client would run them several times and let them read the operator's keys in the middle of a session.
//! Here the first run owns the terminal; every later one has none, and a plugin that needs a person then fails cleanly.

use super::setup::setup;
use crate::platform::failure::{Failure, FailureKind};
use base64::Engine as _;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use std::io::IsTerminal as _;
use std::process::Stdio;
use std::time::Duration;

/// How long a plugin without a terminal may take.
const SILENT_LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Credential {
    status: Issued,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Issued {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin and puts what it issues into the login.
pub(super) async fn authenticate(
    plugin: &ExecConfig,
    login: &mut AuthInfo,
    terminal: bool,
) -> Result<(), Failure> {
    let name = plugin.command.clone().unwrap_or_default();
    let output = run(plugin, &name, terminal).await?;
    let issued = serde_json::from_slice::<Credential>(&output)
        .ok()
        .or_else(|| serde_saphyr::from_slice(&output).ok())
        .map(|credential| credential.status)
        .ok_or_else(|| refused(&name, "printed something that is no credential"))?;
    if let (Some(certificate), Some(key)) = (issued.client_certificate_data, issued.client_key_data)
    {
        let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        login.client_certificate_data = Some(encode(certificate));
        login.client_key_data = Some(encode(key).into());
    } else if issued.token.is_none() {
        return Err(refused(&name, "issued neither token nor certificate"));
    }
    if let Some(token) = issued.token {
        login.token = Some(token.into());
    }
    Ok(())
}

async fn run(plugin: &ExecConfig, name: &str, terminal: bool) -> Result<Vec<u8>, Failure> {
    if name.is_empty() {
        return Err(setup("the credential plugin has no command"));
    }
    let (owned, asks) = (terminal, plugin.interactive_mode.clone());
    // Who has no terminal to give cannot lend it, whatever the plugin would like.
    let terminal =
        owned && asks != Some(ExecInteractiveMode::Never) && std::io::stdin().is_terminal();
    if !terminal && asks == Some(ExecInteractiveMode::Always) {
        return Err(refused(name, "needs a terminal"));
    }
    let mut command = tokio::process::Command::new(name);
    command
        .args(plugin.args.iter().flatten())
        .kill_on_drop(true);
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    let mut spec = serde_json::json!({ "interactive": terminal });
    if plugin.provide_cluster_info {
        spec["cluster"] = serde_json::to_value(&plugin.cluster).unwrap_or_default();
    }
    let info = serde_json::json!({ "apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdout(Stdio::piped());
    if terminal {
        command.stdin(Stdio::inherit());
    } else {
        command.stdin(Stdio::null());
    }
    // What it complains about is for the operator, as long as no screen is in the way.
    if owned {
        command.stderr(Stdio::inherit());
    } else {
        command.stderr(Stdio::null());
    }
    let child = command.spawn().map_err(|error| {
        let hint = plugin.install_hint.as_deref().unwrap_or_default();
        let said = format!(
            "credential plugin {name} cannot be started: {}. {hint}",
            error.kind()
        );
        setup(said.trim_end())
    })?;
    let output = if terminal {
        child.wait_with_output().await
    } else {
        tokio::time::timeout(SILENT_LIMIT, child.wait_with_output())
            .await
            .map_err(|_| refused(name, "did not answer within 30 s"))?
    };
    let output = output.map_err(|error| refused(name, &error.kind().to_string()))?;
    if !output.status.success() {
        return Err(refused(name, &format!("failed ({})", output.status)));
    }
    Ok(output.stdout)
}

fn refused(name: &str, what: &str) -> Failure {
    Failure::new(
        FailureKind::Unauthorized,
        "sign in",
        "",
        &format!("credential plugin {name} {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".into()),
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            ..ExecConfig::default()
        }
    }

    #[tokio::test]
    async fn a_token_reaches_the_login() {
        let mut login = AuthInfo::default();
        let script = r#"echo '{"kind":"ExecCredential","status":{"token":"abc"}}'"#;
        authenticate(&plugin(script), &mut login, false)
            .await
            .unwrap();
        assert!(login.token.is_some());
    }

    #[tokio::test]
    async fn what_a_plugin_says_is_never_repeated() {
        let mut login = AuthInfo::default();
        let failing = plugin("echo hush-secret; echo hush-secret >&2; exit 3");
        let failure = authenticate(&failing, &mut login, false).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unauthorized);
        assert!(!format!("{failure:?} {failure}").contains("hush"));
        let gibberish = plugin("echo hush-secret");
        let failure = authenticate(&gibberish, &mut login, false)
            .await
            .unwrap_err();
        assert!(!format!("{failure:?} {failure}").contains("hush"));
    }

    #[tokio::test]
    async fn a_plugin_without_a_terminal_cannot_read_keys() {
        let mut login = AuthInfo::default();
        let asking = plugin(
            r#"read x && exit 9; echo "{\"status\":{\"token\":\"t$KUBERNETES_EXEC_INFO\"}}" | tr -d '\\{}' >/dev/null; exit 4"#,
        );
        let failure = authenticate(&asking, &mut login, false).await.unwrap_err();
        assert!(failure.said.contains("exit status: 4"), "{failure}");
    }
}
