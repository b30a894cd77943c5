//! What the configuration says of sources, as the engine takes it: ways, templates, windows.

use crate::config::Config;
use crate::config::settings::Source;
use crate::domain::signal::SignalName;
use crate::engine::setting::{Sought, Way};
use crate::platform::failure::public_address;
use crate::platform::http::{Direct, Http};
use crate::platform::prometheus::Template;
use crate::ui::widget::text::sanitize;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a source may be: what the context names, and what the environment's variable names.
pub fn sought(
    http: &Http,
    named: Option<&Source>,
    ambient: Option<&String>,
    variable: &str,
) -> Result<Sought, String> {
    let named = named.map(|source| way(http, source)).transpose()?;
    let ambient = ambient
        .filter(|_| named.is_none())
        .map(|url| {
            Direct::new(http, url).map_err(|_| {
                format!(
                    "{variable} is `{}`, which is not an address that begins with http:// or https://",
                    sanitize(&public_address(url))
                )
            })
        })
        .transpose()?;
    Ok(Sought { named, ambient })
}

fn way(http: &Http, source: &Source) -> Result<Way, String> {
    let tenant = source.tenant.as_deref();
    if let Some(url) = &source.url {
        let mut direct = Direct::new(http, url).map_err(|failure| failure.to_string())?;
        if let Some(path) = &source.token_file {
            direct = direct.token_file(path.into());
        }
        if let Some(tenant) = tenant {
            direct = direct.tenant_in(&source.tenant_header, tenant);
        }
        return Ok(Way::Address(direct));
    }
    let service = source.service.as_deref().unwrap_or_default();
    let (namespace, place) = service
        .split_once('/')
        .ok_or_else(|| format!("`{service}` is not NAMESPACE/NAME:PORT"))?;
    let (name, port) = place.rsplit_once(':').unwrap_or((place, ""));
    Ok(Way::Service {
        namespace: namespace.into(),
        name: name.into(),
        port: port.into(),
        tenant: tenant.map(|tenant| (source.tenant_header.as_str().into(), tenant.into())),
    })
}

/// Signals by queries of one's own. Names that are no signal's are for runbooks, which ask for them themselves.
pub fn templates(config: &Config) -> Vec<Template> {
    let known = config
        .signals
        .iter()
        .filter_map(|(name, signal)| Some((SignalName::parse(name)?, signal)));
    known
        .flat_map(|(signal, configured)| {
            let services = configured.services.iter();
            services.map(move |service| Template {
                service: (service != "*").then(|| service.as_str().into()),
                signal,
                promql: configured.query.as_str().into(),
                by_version: configured.by_version.as_deref().map(Arc::from),
            })
        })
        .collect()
}

/// The windows of services that have one of their own.
pub fn windows(config: &Config) -> BTreeMap<String, SignedDuration> {
    let own = config.services.iter().filter_map(|(name, service)| {
        let window = SignedDuration::try_from(service.thresholds.window?.get()).ok()?;
        Some((name.clone(), window))
    });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Signal;

    #[test]
    fn a_service_is_taken_apart_and_what_is_none_is_said() {
        let source = |service: &str| Source {
            service: Some(service.into()),
            tenant: Some("veza".into()),
            ..Source::default()
        };
        let http = Http::default();
        let Ok(Way::Service {
            namespace,
            name,
            port,
            tenant,
        }) = way(&http, &source("monitoring/https:prometheus:9090"))
        else {
            panic!("no way")
        };
        assert_eq!(
            (&*namespace, &*name, &*port),
            ("monitoring", "https:prometheus", "9090")
        );
        assert_eq!(tenant, Some(("X-Scope-OrgID".into(), "veza".into())));
        assert!(way(&http, &source("prometheus")).is_err());
    }

    #[test]
    fn variables_bind_only_where_the_context_names_nothing() {
        let http = Http::default();
        let url = Some("http://127.0.0.1:9".to_owned());
        let named = Source {
            url: url.clone(),
            ..Source::default()
        };
        let both = sought(&http, Some(&named), url.as_ref(), "X").unwrap();
        assert!(both.named.is_some() && both.ambient.is_none());
        let alone = sought(&http, None, url.as_ref(), "X").unwrap();
        assert!(alone.named.is_none() && alone.ambient.is_some());
        let wrong = sought(&http, None, Some(&"foo".to_owned()), "PROMETHEUS_URL").err();
        assert!(wrong.is_some_and(|why| why.starts_with("PROMETHEUS_URL is `foo`")));
    }

    #[test]
    fn a_template_for_two_services_is_two_and_one_without_a_signal_is_none() {
        let mut config = Config::default();
        let signal = |services: &[&str]| Signal {
            query: "x".into(),
            by_version: Some("y".into()),
            services: services.iter().map(|name| (*name).to_owned()).collect(),
        };
        config.signals.insert("p99".into(), signal(&["a", "b-*"]));
        config.signals.insert("requests".into(), signal(&["*"]));
        config.signals.insert("queue_depth".into(), signal(&["*"]));
        let told: Vec<_> = templates(&config)
            .into_iter()
            .map(|template| (template.signal, template.service))
            .collect();
        assert_eq!(
            told,
            [
                (SignalName::P99, Some("a".into())),
                (SignalName::P99, Some("b-*".into())),
                (SignalName::Requests, None)
            ]
        );
    }
}
