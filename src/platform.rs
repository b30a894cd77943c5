//! The verbs we may ask of the outside (Kubernetes, Prometheus, Alertmanager, Vault), and their typed failures. Does not know runbooks.

pub mod alertmanager;
pub mod failure;
pub mod http;
pub mod kubernetes;
pub mod program;
pub mod prometheus;
pub mod scrape;
pub mod syslog;
pub mod vault;
pub mod webhook;
