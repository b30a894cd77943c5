//! Which environment a target is in, and so which policy governs it: a pure question about names.

use super::policy::{Policy, fits};
use super::settings::{Config, Environment};

/// The name of the environment that nothing matched; its policy is production's.
pub const UNKNOWN: &str = "unknown";

/// The environment of a target and its policy. What is said of the context itself decides; then the cluster's identity; then
/// the namespace, by its name or its label `environment`; then the context's name. Where several match alike, the strictest
/// holds. Where none does, the environment is [`UNKNOWN`] and production's policy holds.
pub fn environment_for(
    config: &Config,
    cluster_uid: Option<&str>,
    context: &str,
    namespace: Option<&str>,
    label: Option<&str>,
) -> (String, Policy) {
    if let Some(said) = config
        .context
        .get(context)
        .and_then(|context| context.environment.as_deref())
    {
        return named(config, said);
    }
    let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
    let by_cluster = strictest(config, |_, one| {
        cluster_uid.is_some_and(|uid| any(&one.belongs.clusters, uid))
    });
    let by_namespace = || {
        strictest(config, |name, one| {
            label == Some(name)
                || namespace.is_some_and(|namespace| any(&one.belongs.namespaces, namespace))
        })
    };
    let by_context = || strictest(config, |_, one| any(&one.belongs.contexts, context));
    by_cluster
        .or_else(by_namespace)
        .or_else(by_context)
        .unwrap_or_else(|| named(config, UNKNOWN))
}

/// The policy of an environment by name; one that is not configured is [`UNKNOWN`], with production's.
pub fn named(config: &Config, name: &str) -> (String, Policy) {
    if let Some(environment) = config.environment.get(name) {
        return (name.to_owned(), environment.policy());
    }
    let production = config
        .environment
        .get("production")
        .map_or_else(Policy::production, Environment::policy);
    (UNKNOWN.to_owned(), production)
}

fn strictest(
    config: &Config,
    belongs: impl Fn(&str, &Environment) -> bool,
) -> Option<(String, Policy)> {
    let matching = config
        .environment
        .iter()
        .filter(|(name, one)| belongs(name, one));
    matching
        .map(|(name, one)| (name.clone(), one.policy()))
        .max_by_key(|(_, policy)| policy.strictness())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Context, Match};

    fn config() -> Config {
        let mut config = Config::default();
        let mut environment = |name: &str, clusters: &str, contexts: &str, read_only| {
            let belongs = Match {
                clusters: vec![clusters.into()],
                contexts: vec![contexts.into()],
                namespaces: Vec::new(),
            };
            config.environment.insert(
                name.into(),
                Environment {
                    belongs,
                    read_only,
                    ..Environment::default()
                },
            );
        };
        environment("lab", "uid-lab", "lab-*", false);
        environment("shared", "uid-*", "shared", true);
        config.context.insert(
            "odd".into(),
            Context {
                environment: Some("staging".into()),
                ..Context::default()
            },
        );
        config
    }

    #[test]
    fn the_environment_follows_from_what_is_known_most_trusted_first() {
        for (uid, context, namespace, label, expected) in [
            (None, "any", Some("veza-production"), None, "production"),
            (None, "any", Some("veza-staging"), None, "staging"),
            (None, "any", Some("x"), Some("staging"), "staging"),
            (
                None,
                "any",
                Some("veza-production"),
                Some("staging"),
                "production",
            ),
            (None, "lab-1", Some("x"), None, "lab"),
            (None, "lab-1", Some("veza-production"), None, "production"),
            (
                Some("uid-7"),
                "lab-1",
                Some("veza-staging"),
                Some("staging"),
                "shared",
            ),
            (Some("uid-lab"), "any", None, None, "shared"),
            (
                Some("simulated-1"),
                "any",
                Some("veza-production"),
                Some("production"),
                "simulated",
            ),
            (
                Some("uid-7"),
                "odd",
                Some("veza-production"),
                None,
                "staging",
            ),
            (None, "any", None, None, UNKNOWN),
            (None, "any", Some("x"), Some("nonsense"), UNKNOWN),
        ] {
            let (name, _) = environment_for(&config(), uid, context, namespace, label);
            assert_eq!(name, expected, "{uid:?} {context} {namespace:?} {label:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_held_to_productions_policy() {
        let mut config = config();
        if let Some(production) = config.environment.get_mut("production") {
            production.approvals = 1;
        }
        let (_, policy) = environment_for(&config, None, "any", None, None);
        assert!(policy.read_only);
        assert_eq!(policy.approvals, 1);
    }
}
