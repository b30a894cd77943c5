//! What needs the operator's terminal: signing in by a credential plugin, a shell in a pod. The loop leaves the screen first.

use super::outside::Outside;
use crate::domain::object::ObjectRef;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStderr;

/// So much of what kubectl says is kept.
const KEPT: usize = 2048;
/// What it says may arrive so much later than its end.
const GRACE: Duration = Duration::from_millis(300);

/// Something to be done with the terminal.
#[derive(Debug, Clone)]
pub enum Errand {
    /// Sign in again.
    Login,
    /// A shell in a pod.
    Shell {
        /// The pod.
        object: ObjectRef,
        /// The container; unset where it is not known.
        container: Option<Arc<str>>,
    },
}

/// Does it, and says in a sentence what came of it.
pub(super) async fn run(outside: Outside, errand: Errand) -> Result<String, String> {
    match errand {
        Errand::Login if !outside.cluster.uses_plugin() => {
            Err("The login of this context comes from no plugin; it is in the kubeconfig.".into())
        }
        Errand::Login => match outside.cluster.sign_in(true).await {
            Ok(()) => Ok("Signed in.".into()),
            Err(failure) => Err(format!("{failure}. {}", failure.advice())),
        },
        Errand::Shell { object, container } => shell(&outside, &object, container.as_deref()).await,
    }
}

async fn shell(
    outside: &Outside,
    object: &ObjectRef,
    container: Option<&str>,
) -> Result<String, String> {
    let mut command = tokio::process::Command::new("kubectl");
    if let Some(kubeconfig) = &outside.options.kubeconfig {
        // The variable, not the flag: it may name several files.
        command.env("KUBECONFIG", kubeconfig);
    }
    let mut child = command
        .args(arguments(outside, object, container))
        .stdin(Stdio::inherit())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "A shell needs kubectl on the PATH.".to_owned(),
            kind => format!("kubectl cannot be run: {kind}."),
        })?;
    let saying = child
        .stderr
        .take()
        .map(|stderr| tokio::spawn(passed_on(stderr)));
    let status = child.wait().await;
    let status = status.map_err(|error| format!("kubectl cannot be run: {}.", error.kind()))?;
    let said = match saying {
        // What it leaves running may keep the stream open; its own words are there by now.
        Some(saying) => tokio::time::timeout(GRACE, saying).await.ok(),
        None => None,
    };
    let why = said.and_then(Result::ok).and_then(|said| complaint(&said));
    match (status.code(), why) {
        (Some(1..), Some(why)) => Err(format!("No shell in {}: {why}", object.name)),
        (Some(0), _) => Ok(format!("The shell in {} has ended.", object.name)),
        (Some(code), _) => Err(format!(
            "The shell in {} ended with code {code}.",
            object.name
        )),
        (None, _) => Err(format!("The shell in {} was killed.", object.name)),
    }
}

/// Passes on what kubectl itself says, which is not what is said in the pod: a shell in a terminal says all of that on one
/// stream. The last of it is kept.
async fn passed_on(mut from: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        // Nobody may be there to see it.
        let _ = std::io::stderr().write_all(&chunk[..count]);
        kept.extend_from_slice(&chunk[..count]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Why kubectl could not open a shell, where it says so.
fn complaint(said: &str) -> Option<String> {
    let line = said.lines().rev().find_map(|line| {
        let why = line.strip_prefix("error: ");
        why.or_else(|| line.strip_prefix("Error from server "))
            .or_else(|| line.strip_prefix("Unable to connect to the server: "))
    })?;
    // It repeats itself where the server's own sentence begins the same way.
    let twice = "Internal error occurred: ";
    let mut why = line.trim();
    while why.matches(twice).count() > 1 {
        why = why.strip_prefix(twice).unwrap_or(why);
    }
    let short: String = why.chars().take(200).collect();
    (!short.is_empty() && !short.starts_with("command terminated")).then_some(short)
}

/// The same cluster, the same identity, the same pod.
fn arguments(outside: &Outside, object: &ObjectRef, container: Option<&str>) -> Vec<String> {
    let options = &outside.options;
    let mut all: Vec<String> = Vec::new();
    let mut add = |name: &str, value: &str| all.extend([format!("--{name}"), value.to_owned()]);
    if let Some(server) = &options.server {
        add("server", server);
    } else {
        add("context", outside.cluster.context());
    }
    if let Some(user) = &options.act_as {
        add("as", user);
    }
    for group in &options.act_as_groups {
        add("as-group", group);
    }
    add("namespace", &object.namespace);
    all.extend(["exec", "--stdin", "--tty"].map(str::to_owned));
    all.extend(container.map(|container| format!("--container={container}")));
    let best = "command -v bash >/dev/null 2>&1 && exec bash || exec sh";
    all.extend([&object.name, "--", "sh", "-c", best].map(str::to_owned));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_complains_about_is_told_and_a_commands_own_code_is_not() {
        let internal = "Defaulted container \"a\" out of: a, b\nerror: Internal error occurred: Internal error occurred: no exec found for container \"a\"\n";
        assert_eq!(
            complaint(internal).as_deref(),
            Some("Internal error occurred: no exec found for container \"a\"")
        );
        let refused = "Error from server (Forbidden): pods \"x\" is forbidden: User \"viewer\" cannot create resource \"pods/exec\"";
        assert!(complaint(refused).unwrap().starts_with("(Forbidden): pods"));
        assert_eq!(complaint("command terminated with exit code 3\n"), None);
        assert_eq!(complaint("error: command terminated\n"), None);
        assert_eq!(
            complaint(&format!("error: {}", "x".repeat(900)))
                .unwrap()
                .len(),
            200
        );
    }
}
