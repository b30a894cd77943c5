//! What needs the operator's terminal: signing in by a credential plugin, a shell in a pod. The loop leaves the screen first.

use super::outside::Outside;
use crate::domain::object::ObjectRef;
use std::process::Stdio;
use std::sync::Arc;

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
    let status = command
        .args(arguments(outside, object, container))
        .stdin(Stdio::inherit())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "A shell needs kubectl on the PATH.".to_owned(),
            kind => format!("kubectl cannot be run: {kind}."),
        })?;
    match status.code() {
        Some(0) => Ok(format!("The shell in {} has ended.", object.name)),
        Some(code) => Err(format!(
            "The shell in {} ended with code {code}.",
            object.name
        )),
        None => Err(format!("The shell in {} was killed.", object.name)),
    }
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
