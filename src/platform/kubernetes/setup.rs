//! From a kubeconfig, an address or a pod's surroundings to a configuration of the client.
//!
//! Reads the files of KUBECONFIG (a missing one of several is skipped, as kubectl does), picks the context, adds
//! impersonation. A credential plugin is taken out of the configuration here and run by `plugin`, never by the client.

use crate::platform::failure::{Failure, FailureKind, public_address};
use kube::config::{
    Config, ExecConfig, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the operator chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A kubeconfig, or several in the form of KUBECONFIG; unset: the variable, else `~/.kube/config`, else in-cluster.
    pub kubeconfig: Option<OsString>,
    /// The context; unset: the current one.
    pub context: Option<String>,
    /// Whom to act as.
    pub act_as: Option<String>,
    /// Groups to act as.
    pub act_as_groups: Vec<String>,
    /// An address to use without any kubeconfig, as the simulated platform has it.
    pub server: Option<String>,
}

/// One context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The API server's address, without credentials.
    pub server: String,
    /// Its namespace, where it names one.
    pub namespace: Option<String>,
    /// The user's name.
    pub user: String,
    /// Whether it is the current one.
    pub current: bool,
    /// The credential plugin it runs, where it uses one.
    pub plugin: Option<String>,
}

/// Everything a client is built from.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) context: String,
    pub(super) plugin: Option<ExecConfig>,
}

/// The contexts of the kubeconfig, in its order; empty where there is no kubeconfig.
pub fn contexts(options: &Options) -> Result<Vec<ContextInfo>, Failure> {
    let Some(kubeconfig) = read(options)? else {
        return Ok(Vec::new());
    };
    Ok(list(&kubeconfig))
}

/// The credential plugin that the chosen context runs, where it uses one.
pub fn plugin_of(options: &Options) -> Result<Option<String>, Failure> {
    if options.server.is_some() {
        return Ok(None);
    }
    let chosen = contexts(options)?.into_iter().find(|context| {
        options
            .context
            .as_ref()
            .map_or(context.current, |name| *name == context.name)
    });
    Ok(chosen.and_then(|context| context.plugin))
}

fn list(kubeconfig: &Kubeconfig) -> Vec<ContextInfo> {
    let named = |context: &kube::config::NamedContext| {
        let inner = context.context.clone().unwrap_or_default();
        let user = inner.user.unwrap_or_default();
        let server = kubeconfig
            .clusters
            .iter()
            .find(|cluster| cluster.name == inner.cluster)
            .and_then(|cluster| cluster.cluster.as_ref()?.server.clone());
        let plugin = kubeconfig
            .auth_infos
            .iter()
            .find(|info| info.name == user)
            .and_then(|info| info.auth_info.as_ref()?.exec.as_ref()?.command.clone());
        ContextInfo {
            name: context.name.clone(),
            cluster: inner.cluster,
            server: public_address(&server.unwrap_or_default()),
            namespace: inner.namespace,
            user,
            current: kubeconfig.current_context.as_ref() == Some(&context.name),
            plugin,
        }
    };
    kubeconfig.contexts.iter().map(named).collect()
}

/// Where the kubeconfig is looked for, and whether somebody named it.
fn paths(options: &Options) -> (Vec<PathBuf>, bool) {
    let named = options
        .kubeconfig
        .clone()
        .or_else(|| std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()));
    let paths = match &named {
        Some(list) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => std::env::home_dir()
            .map(|home| home.join(".kube").join("config"))
            .into_iter()
            .collect(),
    };
    (paths, named.is_some())
}

/// The kubeconfig's files as a sentence names them.
fn files(options: &Options) -> String {
    let (paths, _) = paths(options);
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    names.join(" and ")
}

/// Reads the kubeconfig files; `None` where none was named and none exists.
fn read(options: &Options) -> Result<Option<Kubeconfig>, Failure> {
    let (paths, named) = paths(options);
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        match Kubeconfig::read_from(path) {
            Ok(next) => {
                let first = merged.unwrap_or_default();
                merged = Some(first.merge(next).map_err(|error| setup_failure(&error))?);
            }
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound && (!named || paths.len() > 1) => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    if merged.is_none() && named {
        return Err(setup(&format!(
            "there is no kubeconfig at {}",
            files(options)
        )));
    }
    Ok(merged)
}

/// Builds the configuration. No request is made and no plugin runs.
pub(super) async fn setup_of(options: &Options) -> Result<Setup, Failure> {
    let mut made = match &options.server {
        Some(server) => at_address(server)?,
        None => match read(options)? {
            Some(kubeconfig) => from_kubeconfig(kubeconfig, options)
                .await
                .map_err(|failure| setup(&format!("{} ({})", failure.said, files(options))))?,
            None => in_cluster()?,
        },
    };
    let config = &mut made.config;
    if let Some(user) = &options.act_as {
        config.auth_info.impersonate = Some(user.clone());
    }
    if !options.act_as_groups.is_empty() {
        if config.auth_info.impersonate.is_none() {
            return Err(setup("--as-group needs --as"));
        }
        config.auth_info.impersonate_groups = Some(options.act_as_groups.clone());
    }
    // The client's own retries repeat writes too, unseen: a journal must know how often it asked.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = None;
    let plain = config.cluster_url.scheme_str() == Some("http");
    let secure_proxy = config.proxy_url.as_ref().and_then(|url| url.scheme_str()) == Some("https");
    if plain && !secure_proxy && config.root_cert.is_none() {
        // Without this a machine that has no CA certificates cannot even speak plain HTTP.
        config.root_cert = Some(Vec::new());
    }
    Ok(made)
}

fn at_address(server: &str) -> Result<Setup, Failure> {
    let url: http::Uri = server
        .parse()
        .map_err(|_| setup(&format!("{} is not an address", public_address(server))))?;
    if url.scheme().is_none() || url.host().is_none() {
        return Err(setup(&format!(
            "{} is not an address: it needs http:// or https:// and a host",
            public_address(server)
        )));
    }
    Ok(Setup {
        config: Config::new(url),
        context: "direct".to_owned(),
        plugin: None,
    })
}

async fn from_kubeconfig(kubeconfig: Kubeconfig, options: &Options) -> Result<Setup, Failure> {
    let names: Vec<String> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
    let context = match options
        .context
        .clone()
        .or(kubeconfig.current_context.clone())
    {
        Some(context) if names.contains(&context) => context,
        Some(context) => return Err(setup(&unknown_context(&context, &names))),
        None if names.is_empty() => return Err(setup("the kubeconfig has no contexts")),
        None => {
            return Err(setup(&format!(
                "the kubeconfig has no current context; choose one of: {}",
                names.join(", ")
            )));
        }
    };
    let chosen = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &chosen)
        .await
        .map_err(|error| setup_failure(&error))?;
    let plugin = config.auth_info.exec.take();
    Ok(Setup {
        config,
        context,
        plugin,
    })
}

fn in_cluster() -> Result<Setup, Failure> {
    let config = Config::incluster().map_err(|_| {
        setup("there is no kubeconfig (KUBECONFIG, ~/.kube/config), and this is not a pod")
    })?;
    Ok(Setup {
        config,
        context: "in-cluster".to_owned(),
        plugin: None,
    })
}

fn unknown_context(wanted: &str, names: &[String]) -> String {
    let nearest = names
        .iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, name)) => format!("there is no context {wanted}; did you mean {name}?"),
        None if names.is_empty() => "the kubeconfig has no contexts".to_owned(),
        None => format!(
            "there is no context {wanted}; there are: {}",
            names.join(", ")
        ),
    }
}

pub(super) fn setup(said: &str) -> Failure {
    Failure::new(FailureKind::Setup, "use the kubeconfig", "", said)
}

/// Says what is wrong with one file.
fn unreadable(path: &Path, error: &KubeconfigError) -> Failure {
    let path = path.display();
    setup(&match error {
        KubeconfigError::ReadConfig(error, _) => format!("{path} cannot be read: {}", error.kind()),
        KubeconfigError::Parse(_) => format!("{path}: {}", setup_failure(error).said),
        _ => return setup_failure(error),
    })
}

/// What a kubeconfig points at and cannot be had: the file is named, what is in it is not.
fn unloaded(what: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(error, path) => {
            format!("{what} {} cannot be read: {}", path.display(), error.kind())
        }
        LoadDataError::DecodeBase64(_) => format!("{what} in the kubeconfig is not base64"),
        LoadDataError::NoBase64DataOrFile => format!("{what} is missing from the kubeconfig"),
    }
}

/// Says what is wrong with a kubeconfig. A parser's own text may quote the file, and the file holds credentials: it is left out.
pub(super) fn setup_failure(error: &KubeconfigError) -> Failure {
    let said = match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!(
                "not a kubeconfig in valid YAML, at line {}, column {}",
                at.line(),
                at.column()
            ),
            None => "not a kubeconfig in valid YAML".to_owned(),
        },
        KubeconfigError::LoadClusterOfContext(cluster) => {
            format!("the context's cluster {cluster} is not in the kubeconfig")
        }
        KubeconfigError::MissingClusterUrl => "the cluster has no server address".to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "the cluster's address is not valid".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "the proxy's address is not valid".to_owned(),
        KubeconfigError::LoadCertificateAuthority(error) => {
            unloaded("the certificate authority", error)
        }
        KubeconfigError::LoadClientCertificate(error) => unloaded("the client certificate", error),
        KubeconfigError::LoadClientKey(error) => unloaded("the client key", error),
        KubeconfigError::ParseCertificates(_) => {
            "the certificate authority is no PEM certificate".to_owned()
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "the kubeconfig files are of different kinds".to_owned()
        }
        _ => "the kubeconfig cannot be used".to_owned(),
    };
    setup(&said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: c, cluster: {server: "https://u:secret@example.test:6443"}}]
users: [{name: plain, user: {token: very-secret}}, {name: eks, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [token]}}}]
contexts: [{name: prod, context: {cluster: c, user: eks, namespace: veza}}, {name: stage, context: {cluster: c, user: plain}}]
"#;

    fn two() -> Kubeconfig {
        Kubeconfig::from_yaml(TWO).unwrap()
    }

    #[test]
    fn contexts_name_their_plugin_and_no_password() {
        let all = list(&two());
        assert_eq!(all[0].plugin.as_deref(), Some("aws"));
        assert!(all[0].current && !all[1].current);
        assert_eq!(all[1].plugin, None);
        assert_eq!(all[0].server, "https://example.test:6443");
        assert!(!format!("{all:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_wrong_context_names_the_nearest() {
        let wrong = Options {
            context: Some("stag".into()),
            ..Options::default()
        };
        let said = from_kubeconfig(two(), &wrong).await.err().unwrap();
        assert_eq!(
            said.short().as_ref(),
            "there is no context stag; did you mean stage?"
        );
    }

    #[tokio::test]
    async fn the_clients_own_retries_are_off_and_plain_http_needs_no_roots() {
        let options = Options {
            server: Some("http://127.0.0.1:1".into()),
            ..Options::default()
        };
        let made = setup_of(&options).await.unwrap();
        assert!(!made.config.default_retry);
        assert_eq!(made.config.root_cert, Some(Vec::new()));
        assert!(at_address("127.0.0.1").is_err());
    }
}
