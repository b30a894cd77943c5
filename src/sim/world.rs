//! The simulated world: pure and seeded. Time is an argument, chance comes from the seed, nothing here reads a clock or a socket. The HTTP faces ask it and its `verbs`.

use super::crowd::Crowd;
use super::ledger::Ledger;
use super::scenario::Scenario;
use super::state::{State, Task};
use super::store::Store;
use super::vault::{self, Vault};
use super::{autoscaler, controllers, external, kubelet, routing, story};

const HOUR: i64 = 3_600_000;
/// How long the customer's pods have run when a scenario begins.
const PODS_AGE: i64 = 6 * 24 * HOUR;
/// How often traffic is divided anew.
const FLOW: i64 = 5_000;

/// One simulated platform.
#[derive(Debug)]
pub struct World {
    pub(super) state: State,
    crowd: Option<Crowd>,
    settled: u64,
}

impl World {
    /// A platform whose scenario begins at `start_ms`, with a past of days in its objects and its ledger.
    pub fn new(scenario: Scenario, seed: u64, start_ms: i64) -> Self {
        Self::of(None, scenario, seed, start_ms)
    }

    /// The same with identifiers of its own, so that no two worlds are taken for one.
    pub fn of(world: Option<u64>, scenario: Scenario, seed: u64, start_ms: i64) -> Self {
        let mut state = State::new(scenario, seed, start_ms);
        state.world = world;
        story::populate(&mut state);
        state.now_ms = start_ms - PODS_AGE;
        let mut world = Self {
            state,
            crowd: None,
            settled: 0,
        };
        world.advance(start_ms - PODS_AGE + 120_000);
        let mut quiet = start_ms - 6 * HOUR;
        while quiet < start_ms {
            world.state.now_ms = quiet;
            routing::flow(&mut world.state);
            quiet += 60_000;
        }
        world.state.now_ms = start_ms;
        world.state.prune();
        world.state.after(FLOW, Task::Traffic);
        autoscaler::sync(&mut world.state);
        world.state.store.compact();
        world.state.after(autoscaler::SYNC, Task::Autoscale);
        story::schedule(&mut world.state);
        external::begin(&mut world.state);
        world
    }

    /// Adds a crowd of pods, of which some change every second.
    pub fn gather(&mut self, pods: usize, churn: usize) {
        self.crowd = Some(Crowd::gather(&mut self.state, pods, churn));
        self.state.store.compact();
    }

    /// Lets time pass up to a moment; the past is left alone.
    pub fn advance(&mut self, to_ms: i64) {
        self.settle();
        while let Some(task) = self.state.take(to_ms) {
            self.perform(task);
            self.settle();
        }
        self.state.now_ms = self.state.now_ms.max(to_ms);
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Pod(id, uid) => kubelet::step(&mut self.state, &id, &uid),
            Task::Look => controllers::review(&mut self.state),
            Task::Traffic => {
                routing::flow(&mut self.state);
                self.state.prune();
                self.state.after(FLOW, Task::Traffic);
            }
            Task::Autoscale => {
                autoscaler::sync(&mut self.state);
                self.state.after(autoscaler::SYNC, Task::Autoscale);
            }
            Task::Sync(id) => external::work(&mut self.state, &id),
            Task::Refresh(id) => external::told(&mut self.state, &id),
            Task::Story(number) => story::step(&mut self.state, number),
            Task::Churn => {
                if let Some(crowd) = &mut self.crowd {
                    crowd.change(&mut self.state);
                }
            }
        }
    }

    /// Lets the controllers work until there is nothing left to do at this moment.
    pub(super) fn settle(&mut self) {
        if self.settled != self.state.store.version() {
            self.settled = controllers::settle(&mut self.state, self.settled);
        }
    }

    /// A new identifier.
    pub fn fresh_id(&mut self) -> String {
        self.state.rng.uuid()
    }

    /// When something will happen next, if nobody asks for anything.
    pub fn due(&self) -> Option<i64> {
        self.state.due()
    }

    /// The present moment of the world.
    pub fn now_ms(&self) -> i64 {
        self.state.now_ms
    }

    /// The objects.
    pub fn store(&self) -> &Store {
        &self.state.store
    }

    /// What the pods have served.
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// The scenario.
    pub fn scenario(&self) -> Scenario {
        self.state.scenario
    }

    /// The platform's Vault.
    pub fn vault(&self) -> &Vault {
        &self.state.vault
    }

    /// The platform's Vault, to be sealed, robbed of rights, changed by somebody else.
    pub fn vault_mut(&mut self) -> &mut Vault {
        &mut self.state.vault
    }

    /// Answers a request to Vault.
    pub fn ask_vault(&mut self, request: &vault::Request<'_>) -> vault::Answer {
        let State {
            vault, rng, now_ms, ..
        } = &mut self.state;
        vault::ask(vault, request, *now_ms, rng)
    }

    /// Lets the controller of ExternalSecrets do nothing from now on, or work again. What it said of itself stays.
    pub fn rest_external(&mut self, rests: bool) {
        self.state.external_rests = rests;
    }

    /// From now on a token that the customer's services sign is good for so many milliseconds.
    pub fn tokens_live(&mut self, ms: i64) {
        self.state.sessions.live(ms);
    }

    /// Makes every scrape of the pods' metrics fail from now on, or succeed again.
    pub fn silence(&mut self, silent: bool) {
        let now = self.state.now_ms;
        self.state.ledger.silence(now, silent);
    }

    /// Releases a version of one of the customer's services, as the pipeline does.
    pub fn deploy(&mut self, service: &str, version: &str, commit: &str) {
        story::deploy(&mut self.state, service, version, commit);
        self.settle();
    }

    /// Trouble that has no release ends: somebody else has mended it.
    pub fn relieve(&mut self) {
        story::relieve(&mut self.state);
        routing::flow(&mut self.state);
    }

    /// Forgets the log of changes: every watcher that is behind gets 410.
    pub fn compact(&mut self) {
        self.state.store.compact();
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::super::{patch as patches, replicas, rollout, tree};
    use super::*;
    use serde_json::{Value, json};

    const START: i64 = 1_795_316_412_000;
    const NS: &str = "veza-production";

    fn deployment(world: &World, name: &str) -> Value {
        world
            .store()
            .tree(Kind::Deployment, NS, name)
            .unwrap()
            .clone()
    }

    fn reason(world: &World, name: &str) -> String {
        let deployment = deployment(world, name);
        tree::text(
            tree::condition(&deployment, "Progressing").unwrap(),
            &["reason"],
        )
        .to_owned()
    }

    fn images(world: &World) -> Vec<String> {
        let backend = |p: &&Value| p["metadata"]["labels"]["app"] == "veza-backend";
        world
            .store()
            .live(Kind::Pod, NS)
            .filter(backend)
            .map(|p| tree::text(&p["spec"]["containers"][0], &["image"]).to_owned())
            .collect()
    }

    fn patch(world: &mut World, name: &str, body: impl Into<Value>) {
        let mut changed = deployment(world, name);
        patches::merge(&mut changed, &body.into());
        let generation = tree::int(&changed, &["metadata", "generation"]) + 1;
        tree::put(&mut changed, &["metadata", "generation"], generation);
        world.state.update(Kind::Deployment, changed);
        world.settle();
    }

    #[test]
    fn a_healthy_world_stands_with_its_history_and_nothing_happens_in_it() {
        let mut world = World::new(Scenario::Healthy, 1, START);
        assert_eq!(world.store().list(Kind::Pod, NS).count(), 9);
        assert_eq!(rollout::revision(&deployment(&world, "veza-backend")), 42);
        assert_eq!(world.ledger().pods.len(), 9);
        assert!(
            world
                .ledger()
                .pods
                .values()
                .all(|t| t.began_ms < START - 6 * HOUR && t.spans.len() > 60)
        );
        let before = world.store().version();
        world.advance(START + 300_000);
        let mut since = world.store().since(before).unwrap();
        assert!(
            since.all(|change| change.kind == Kind::HorizontalPodAutoscaler),
            "only the autoscaler's percentage may waver"
        );
        assert_eq!(reason(&world, "veza-backend"), "NewReplicaSetAvailable");
    }

    #[test]
    fn the_same_seed_makes_the_same_world() {
        let dump = |seed| {
            let mut world = World::new(Scenario::BadRelease, seed, START);
            world.advance(START + 60_000);
            world
                .store()
                .live(Kind::Pod, "")
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(dump(4), dump(4));
        assert_ne!(dump(4), dump(5));
    }

    #[test]
    fn a_bad_release_rolls_out_within_its_bounds_and_then_fails_requests() {
        let mut world = World::new(Scenario::BadRelease, 1, START);
        for tick in 0..1200 {
            world.advance(START + tick * 100);
            let ready = world
                .store()
                .live(Kind::Pod, NS)
                .filter(|p| {
                    p["metadata"]["labels"]["app"] == "veza-backend"
                        && replicas::active(p)
                        && tree::is_true(p, "Ready")
                })
                .count();
            let active = world
                .store()
                .live(Kind::Pod, NS)
                .filter(|p| p["metadata"]["labels"]["app"] == "veza-backend" && replicas::active(p))
                .count();
            assert!(
                ready >= 3 && active <= 4,
                "{ready} ready, {active} active at {tick}"
            );
        }
        assert_eq!(rollout::revision(&deployment(&world, "veza-backend")), 43);
        assert!(images(&world).iter().all(|i| i.ends_with(":v1.1.0")));
        let errors: Vec<f64> = world
            .ledger()
            .pods
            .values()
            .filter(|t| t.ended_ms.is_none() && t.version == "v1.1.0")
            .map(|t| t.spans.last().unwrap().behaviour.errors)
            .collect();
        assert_eq!(errors.len(), 3);
        assert!(errors.iter().all(|e| *e > 0.2), "{errors:?}");
    }

    #[test]
    fn going_back_gives_the_old_replica_set_the_next_number_and_heals() {
        let mut world = World::new(Scenario::BadRelease, 1, START);
        world.advance(START + 120_000);
        let set = world
            .store()
            .live(Kind::ReplicaSet, NS)
            .find(|s| rollout::revision(s) == 42)
            .unwrap()
            .clone();
        let mut template = set["spec"]["template"].clone();
        tree::remove(&mut template, &["metadata", "labels", "pod-template-hash"]);
        patch(
            &mut world,
            "veza-backend",
            json!({"spec": {"template": template}}),
        );
        world.advance(START + 180_000);
        let name = tree::id(&set).1;
        let set = world.store().tree(Kind::ReplicaSet, NS, &name).unwrap();
        assert_eq!(rollout::revision(set), 44);
        assert_eq!(
            set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"],
            "42"
        );
        assert_eq!(rollout::revision(&deployment(&world, "veza-backend")), 44);
        assert!(images(&world).iter().all(|i| i.ends_with(":v1.0.0")));
        let live = world
            .ledger()
            .pods
            .values()
            .filter(|t| t.ended_ms.is_none() && t.service == "veza-backend");
        assert!(
            live.clone().count() == 3
                && live
                    .clone()
                    .all(|t| t.spans.last().unwrap().behaviour.errors < 0.002)
        );
    }

    #[test]
    fn a_release_that_never_gets_ready_passes_its_deadline_and_stays_available() {
        let mut world = World::new(Scenario::ImageMissing, 1, START);
        world.advance(START + 60_000);
        let pods: Vec<&Value> = world
            .store()
            .live(Kind::Pod, NS)
            .filter(|p| p["metadata"]["labels"]["version"] == "v2.0.0")
            .collect();
        assert_eq!(pods.len(), 1);
        assert!(
            tree::text(
                &pods[0]["status"]["containerStatuses"][0],
                &["state", "waiting", "reason"]
            )
            .contains("Image")
        );
        assert_ne!(reason(&world, "chat-server"), "ProgressDeadlineExceeded");
        world.advance(START + 120_000);
        assert_eq!(reason(&world, "chat-server"), "ProgressDeadlineExceeded");
        assert!(tree::is_true(
            &deployment(&world, "chat-server"),
            "Available"
        ));
    }

    #[test]
    fn a_crashing_release_restarts_with_growing_pauses() {
        let mut world = World::new(Scenario::CrashLoop, 1, START);
        world.advance(START + 120_000);
        let pod = world
            .store()
            .live(Kind::Pod, NS)
            .find(|p| p["metadata"]["labels"]["version"] == "v1.1.0")
            .unwrap();
        let status = &pod["status"]["containerStatuses"][0];
        assert!(
            (3..=5).contains(&tree::int(status, &["restartCount"])),
            "{status}"
        );
        assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
        let told = world
            .store()
            .live(Kind::Event, NS)
            .any(|e| e["reason"] == "BackOff" && e["type"] == "Warning");
        assert!(told);
    }

    #[test]
    fn a_slow_dependency_hurts_without_any_release() {
        let mut world = World::new(Scenario::SlowDependency, 1, START);
        world.advance(START + 120_000);
        assert_eq!(rollout::revision(&deployment(&world, "veza-backend")), 42);
        let hurt = world
            .ledger()
            .pods
            .values()
            .filter(|t| t.service == "veza-backend");
        assert!(
            hurt.clone()
                .all(|t| t.spans.last().unwrap().behaviour.errors > 0.1)
        );
    }

    #[test]
    fn a_paused_deployment_scales_and_does_not_roll() {
        let mut world = World::new(Scenario::Healthy, 1, START);
        patch(
            &mut world,
            "veza-backend",
            json!({"spec": {"paused": true, "replicas": 4, "template": {"metadata": {"labels": {"version": "x"}}}}}),
        );
        world.advance(START + 30_000);
        assert_eq!(images(&world).len(), 4);
        assert_eq!(rollout::revision(&deployment(&world, "veza-backend")), 42);
        assert_eq!(reason(&world, "veza-backend"), "DeploymentPaused");
    }

    #[test]
    fn recreate_stops_the_old_before_it_starts_the_new() {
        let mut world = World::new(Scenario::Healthy, 1, START);
        let body = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}, "template": {"metadata": {"labels": {"version": "x"}}}}});
        patch(&mut world, "chat-server", body);
        for tick in 0..300 {
            world.advance(START + tick * 100);
            let versions: std::collections::BTreeSet<String> = world
                .store()
                .live(Kind::Pod, NS)
                .filter(|p| p["metadata"]["labels"]["app"] == "chat-server")
                .map(|p| tree::text(p, &["metadata", "labels", "version"]).to_owned())
                .collect();
            assert!(versions.len() <= 1, "{versions:?}");
        }
        assert_eq!(reason(&world, "chat-server"), "NewReplicaSetAvailable");
    }
}
