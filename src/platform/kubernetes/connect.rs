//! The way to the API server: sockets, proxy, TLS and the layers of a client, from a configuration. No request is made.
//!
//! The client library's own way has no TCP keep-alive: over a path that died a watch would only notice by its silence.

use base64::Engine as _;
use http::HeaderValue;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::Config;
use std::time::Duration;
use tower::{BoxError, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

/// A connection that carries nothing for so long is probed, and again after as long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// So many probes without an answer end it.
const PROBES: u32 = 3;

/// A client of the configured server.
pub(super) fn client(config: &Config) -> kube::Result<kube::Client> {
    let sockets = sockets();
    let Some(proxy) = config.proxy_url.clone() else {
        let secure = config.rustls_https_connector_with_connector(sockets)?;
        return layered(TimeoutConnector::new(secure), config);
    };
    match proxy.scheme_str() {
        Some("socks5") => {
            let way = SocksV5::new(proxy, sockets);
            let secure = config.rustls_https_connector_with_connector(way)?;
            layered(TimeoutConnector::new(secure), config)
        }
        Some("http") => {
            let way = tunnel(&proxy, sockets);
            let secure = config.rustls_https_connector_with_connector(way)?;
            layered(TimeoutConnector::new(secure), config)
        }
        Some("https") => {
            let sealed = config.rustls_https_connector_with_connector(sockets)?;
            let way = tunnel(&proxy, sealed);
            let secure = config.rustls_https_connector_with_connector(way)?;
            layered(TimeoutConnector::new(secure), config)
        }
        _ => Err(kube::Error::ProxyProtocolUnsupported {
            proxy_url: Box::new(proxy),
        }),
    }
}

fn sockets() -> HttpConnector {
    let mut sockets = HttpConnector::new();
    sockets.enforce_http(false);
    sockets.set_nodelay(true);
    sockets.set_keepalive(Some(KEEP_ALIVE));
    sockets.set_keepalive_interval(Some(KEEP_ALIVE));
    sockets.set_keepalive_retries(Some(PROBES));
    sockets
}

/// A proxy that is asked to connect, with the credentials of its address.
fn tunnel<C>(proxy: &http::Uri, way: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.clone(), way);
    match credentials(proxy) {
        Some(credentials) => tunnel.with_auth(credentials),
        None => tunnel,
    }
}

/// What stands before the `@` of a proxy's address, as its header.
fn credentials(proxy: &http::Uri) -> Option<HeaderValue> {
    let (named, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let named = base64::engine::general_purpose::STANDARD.encode(unescaped(named));
    let mut value = HeaderValue::from_str(&format!("Basic {named}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A text with `%40` and the like read back; what is no such thing stays.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = (*first == b'%').then(|| Some(digit(0)? * 16 + digit(1)?));
        let (byte, left) = match escaped.flatten() {
            Some(byte) => (byte as u8, &after[2..]),
            None => (*first, after),
        };
        out.push(byte);
        rest = left;
    }
    out
}

/// Everything a request passes through, the address first and the connection last. Nothing here repeats one.
fn layered<C>(mut way: TimeoutConnector<C>, config: &Config) -> kube::Result<kube::Client>
where
    TimeoutConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    way.set_connect_timeout(config.connect_timeout);
    way.set_read_timeout(config.read_timeout);
    way.set_write_timeout(config.write_timeout);
    let sender: Client<_, Body> = Client::builder(TokioExecutor::new()).build(way);
    let unpacked = DecompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .gzip(!config.disable_compression);
    let base = config.base_uri_layer();
    let signed = ClientBuilder::new(
        sender.map_err(BoxError::from),
        config.default_namespace.clone(),
    )
    .with_layer(&config.extra_headers_layer()?);
    Ok(match config.auth_layer()? {
        Some(login) => signed
            .with_layer(&login)
            .with_layer(&unpacked)
            .with_layer(&base)
            .build(),
        None => signed.with_layer(&unpacked).with_layer(&base).build(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_credentials_are_read_back_before_they_are_sent() {
        let header = |address: &str| {
            let value = credentials(&address.parse().unwrap())?;
            assert!(value.is_sensitive());
            Some(value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            header("http://user:pa%40ss%3Aword@proxy:3128").as_deref(),
            Some("Basic dXNlcjpwYUBzczp3b3Jk")
        );
        assert_eq!(header("http://proxy:3128"), None);
        assert_eq!(unescaped("%+A%4%zz%41"), b"%+A%4%zzA");
    }

    #[tokio::test]
    async fn every_way_is_built_and_an_unknown_one_is_refused() {
        for (proxy, known) in [
            ("", true),
            ("http://proxy:3128", true),
            ("https://user:word@proxy:3128", true),
            ("socks5://proxy:1080", true),
            ("ftp://proxy:21", false),
        ] {
            let mut config = Config::new("https://cluster:6443".parse().unwrap());
            config.root_cert = Some(Vec::new());
            config.proxy_url = (!proxy.is_empty()).then(|| proxy.parse().unwrap());
            assert_eq!(client(&config).is_ok(), known, "{proxy}");
        }
    }
}
