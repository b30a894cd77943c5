//! The bare clients that the console's table is held against: one list of all pods, decoded, and nothing else. The typed one is
//! what `kube` gives: the whole body, then `k8s_openapi`'s Pod. The slim one decodes only names, which no table could be made of.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde::Deserialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A client of the kubeconfig's present context.
pub fn client(runtime: &Runtime, kubeconfig: &Path) -> kube::Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    runtime.block_on(async {
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
        kube::Client::try_from(config.unwrap()).unwrap()
    })
}

/// Lists all pods with every field, over a new connection; how long it took, and how many there are.
pub fn typed(runtime: &Runtime, kubeconfig: &Path) -> (Duration, usize) {
    let began = Instant::now();
    let client = client(runtime, kubeconfig);
    let pods = Api::<Pod>::all(client);
    let list = runtime.block_on(pods.list(&ListParams::default())).unwrap();
    (began.elapsed(), list.items.len())
}

#[derive(Deserialize)]
struct SlimList<'a> {
    #[serde(borrow)]
    items: Vec<SlimPod<'a>>,
}

#[derive(Deserialize)]
struct SlimPod<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
}

#[derive(Deserialize)]
struct SlimMeta<'a> {
    name: &'a str,
}

/// Lists all pods and decodes their names, over a new connection.
pub fn slim(runtime: &Runtime, kubeconfig: &Path) -> (Duration, usize) {
    let began = Instant::now();
    let client = client(runtime, kubeconfig);
    let request = http::Request::get("/api/v1/pods").body(Vec::new()).unwrap();
    let text = runtime.block_on(client.request_text(request)).unwrap();
    let list: SlimList<'_> = serde_json::from_str(&text).unwrap();
    let named = list
        .items
        .iter()
        .filter(|pod| !pod.metadata.name.is_empty());
    let count = named.count();
    (began.elapsed(), count)
}
