//! The rotation of a key against a small world: a path of Vault with its versions, the Secret that copies it, and the
//! services that read it. Values are letters here, and a fingerprint is the value with a mark: whatever the machine does
//! with fingerprints is seen in what the world holds afterwards.
//!
//! Length: one small world and what happens in it; apart, neither can be read.

use super::*;
use crate::runbook::ids::EffectKey;
use crate::runbook::patch::{Action, Source};
use crate::runbook::verb::Verb;
use std::collections::{BTreeSet, VecDeque};
use std::sync::OnceLock;

const PATH: &str = "secret/veza/production";
const READERS: [&str; 3] = ["chat-server", "stream-server", "veza-backend"];

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Served,
    LostBefore,
    LostAfter,
    /// Somebody changes something else of the same object first.
    Elsewhere,
    /// Somebody changes the very key first.
    Hostile,
    Denied,
}

type Keys = BTreeMap<String, String>;

#[derive(Clone)]
pub(super) struct World {
    pub(super) book: Arc<Runbook>,
    versions: Vec<Keys>,
    destroyed: BTreeSet<usize>,
    secret: Keys,
    secret_version: u64,
    stamps: BTreeMap<String, Vec<String>>,
    owner: &'static str,
    overlap: bool,
    /// The number of the process: a key made by one is not known to the next.
    process: u32,
    fates: VecDeque<Fate>,
    /// Effective changes by effect key.
    landed: BTreeMap<String, u32>,
    pub(super) disk: Vec<Entry>,
    pub(super) now: Timestamp,
    asks: Vec<Ask>,
    pub(super) params: BTreeMap<String, String>,
    /// Nothing is confirmed beforehand.
    unconfirmed: bool,
    /// How it stood after each effect, where that is kept.
    past: Option<Vec<World>>,
}

fn keys(pairs: &[(&str, &str)]) -> Keys {
    let each = pairs.iter();
    each.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn prints(of: &Keys) -> Value {
    let each = of.iter();
    let each = each.map(|(key, value)| (key.clone(), json!(format!("p:{value}"))));
    Value::Object(each.collect())
}

/// The shipped runbook, read once for all worlds.
fn book() -> Arc<Runbook> {
    static BOOK: OnceLock<Arc<Runbook>> = OnceLock::new();
    BOOK.get_or_init(|| {
        let text = SHIPPED.iter().find(|one| one.id == "jwt-rotate").unwrap();
        Arc::new(format::parse(text.file, text.text).unwrap())
    })
    .clone()
}

impl World {
    pub(super) fn new(strategy: &str) -> Self {
        let old = keys(&[("jwt_secret", "k-old"), ("database_url", "db")]);
        Self {
            book: book(),
            versions: vec![old],
            destroyed: BTreeSet::new(),
            secret: keys(&[("jwt-secret", "k-old"), ("database-url", "db")]),
            secret_version: 50,
            stamps: BTreeMap::new(),
            owner: "none",
            overlap: true,
            process: 1,
            fates: VecDeque::new(),
            landed: BTreeMap::new(),
            disk: Vec::new(),
            now: Timestamp::from_second(1_772_000_000).unwrap(),
            asks: Vec::new(),
            past: None,
            unconfirmed: false,
            params: BTreeMap::from([
                ("strategy".to_owned(), strategy.to_owned()),
                ("namespace".to_owned(), "prod".to_owned()),
                ("vault_path".to_owned(), PATH.to_owned()),
                ("hold".to_owned(), "15s".to_owned()),
            ]),
        }
    }

    /// From now on a run waits for its confirmation.
    pub(super) fn asks_first(&mut self) {
        self.unconfirmed = true;
    }

    pub(super) fn start(&self) -> Start {
        let given = super::start().answers;
        let confirm = if self.unconfirmed {
            Vec::new()
        } else {
            given.confirm.clone()
        };
        Start {
            attended: self.unconfirmed,
            run: RunId::new(Timestamp::UNIX_EPOCH, [9; 10]),
            runbook: self.book.id.clone(),
            version: self.book.version.clone(),
            model: self.book.model_digest(),
            params: crate::runbook::param::settle(&self.book, &self.params).unwrap(),
            answers: Answers {
                yes: !self.unconfirmed,
                confirm,
                ..given
            },
            ..super::start()
        }
    }

    fn vault(&self) -> ObjectState {
        let version = self.versions.len();
        let states = (1..=version).map(|number| {
            let gone = self.destroyed.contains(&number);
            let state = if gone { "destroyed" } else { "there" };
            (number.to_string(), json!(state))
        });
        ObjectState {
            object: ObjectRef {
                uid: "made-then".into(),
                ..ObjectRef::vault(PATH)
            },
            resource_version: version.to_string(),
            generation: version as i64,
            body: json!({"data": prints(&self.versions[version - 1]), "created": "2026-02-01T00:00:00Z",
                "versions": Value::Object(states.collect())}),
            facts: ObjectFacts::default(),
        }
    }

    fn secret(&self, asked: &SecretQuestion) -> Answer {
        let mut state = if asked.object.in_vault() {
            self.vault()
        } else {
            ObjectState {
                object: ObjectRef {
                    uid: "s1".into(),
                    ..asked.object.clone()
                },
                resource_version: self.secret_version.to_string(),
                generation: 0,
                body: json!({"data": prints(&self.secret)}),
                facts: ObjectFacts::default(),
            }
        };
        if asked.beside.is_some() {
            state.body["beside"] = self.vault().body;
            state.body["pairs"] = json!(asked.keys);
        }
        for made in &asked.made {
            state.body["made"][&made.name] = json!(format!("p:k-new{}", self.process));
        }
        for text in &asked.texts {
            state.body["texts"][text] = json!(format!("p:{text}"));
        }
        Answer::Object(state)
    }

    fn workload(&self, name: &str) -> ObjectState {
        let stamps = self.stamps.get(name);
        let last = stamps.and_then(|stamps| stamps.last());
        let last = last
            .and_then(|stamp| stamp.split_once('@'))
            .map(|(_, at)| at);
        let notes = last.map_or(
            json!({}),
            |stamp| json!({"kubectl.kubernetes.io/restartedAt": stamp}),
        );
        ObjectState {
            object: reader(name),
            resource_version: format!("{name}{}", stamps.map_or(0, Vec::len)),
            generation: stamps.map_or(1, |stamps| stamps.len() as i64 + 1),
            body: json!({"spec": {"template": {"metadata": {"annotations": notes}}}}),
            facts: ObjectFacts::default(),
        }
    }

    fn external(&self) -> Value {
        let asked = self.stamps.get("veza").and_then(|stamps| stamps.last());
        let asked = asked.and_then(|stamp| stamp.split_once('@'));
        asked.map_or(
            json!({}),
            |(_, at)| json!({"metadata": {"annotations": {"force-sync": at}}}),
        )
    }

    fn consumers(&self) -> Value {
        let list = READERS.map(|name| {
            json!({"ref": format!("Deployment/{name}"), "kind": "Deployment", "name": name, "namespace": "prod", "uid": name,
                "role": if name == "veza-backend" { "issuer" } else { "verifier" }})
        });
        json!({"secret": "veza-secrets", "secret_uid": "s1", "data": prints(&self.secret), "owner": self.owner, "owner_name": "x", "external_secret": "veza",
            "refresh_policy": "Periodic", "workloads": list, "overlap": self.overlap, "unread": []})
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Consumers { .. } => Answer::Found(self.consumers()),
            Question::Secret(asked) => self.secret(asked),
            Question::Proof(asked) => {
                assert_eq!(asked.consumers.len(), READERS.len());
                Answer::Found(json!({"pods": [], "old": [], "differing": []}))
            }
            Question::Object { object } | Question::Probe { object, .. }
                if object.kind == "ExternalSecret" =>
            {
                Answer::Object(ObjectState {
                    object: ObjectRef {
                        uid: "e1".into(),
                        ..object.clone()
                    },
                    body: self.external(),
                    ..self.workload("external")
                })
            }
            Question::Object { object } | Question::Probe { object, .. } => {
                Answer::Object(self.workload(&object.name))
            }
            Question::Preflight { requirements, .. } => Answer::Preflight {
                access: requirements
                    .iter()
                    .map(|requirement| Access {
                        requirement: requirement.clone(),
                        allowed: Some(true),
                        reason: "RBAC".into(),
                    })
                    .collect(),
                facts: Some(ObjectFacts::default()),
                more: Vec::new(),
            },
            Question::Rollout { .. } | Question::Synced { .. } => {
                Answer::Rollout(Rollout::Complete("done".into()))
            }
            other => unreachable!("{other:?}"),
        }
    }

    /// The value of a change's fingerprint, as the engine would find it.
    fn value(&self, change: &crate::runbook::patch::FieldChange) -> Option<String> {
        let print = change.after.as_ref()?.as_str()?;
        let value = print.strip_prefix("p:")?.to_owned();
        if matches!(change.from, Some(Source::Secret(_))) {
            assert_eq!(
                value,
                format!("k-new{}", self.process),
                "a key of another process is not known here"
            );
        }
        Some(value)
    }

    /// Does what a request says, if its precondition holds.
    fn apply(&mut self, action: &Action) -> Result<String, Status> {
        let planned = &action.planned;
        let name = |path: &str| path.rsplit('/').next().unwrap().replace("~1", "/");
        match planned.verb() {
            Verb::Destroy => {
                for change in &planned.changes {
                    self.destroyed.insert(name(&change.path).parse().unwrap());
                }
                return Ok(self.versions.len().to_string());
            }
            Verb::Keys if planned.object.in_vault() => {
                if action.resource_version != self.versions.len().to_string() {
                    return Err(Status::Conflict);
                }
                let mut next = self.versions.last().unwrap().clone();
                for change in &planned.changes {
                    match self.value(change) {
                        Some(value) => next.insert(name(&change.path), value),
                        None => next.remove(&name(&change.path)),
                    };
                }
                self.versions.push(next);
                return Ok(self.versions.len().to_string());
            }
            Verb::Keys => {
                if action.resource_version != self.secret_version.to_string() {
                    return Err(Status::Conflict);
                }
                for change in &planned.changes {
                    match self.value(change) {
                        Some(value) => self.secret.insert(name(&change.path), value),
                        None => self.secret.remove(&name(&change.path)),
                    };
                }
                self.secret_version += 1;
                return Ok(self.secret_version.to_string());
            }
            _ => {}
        }
        if planned.object.kind == "ExternalSecret" {
            let from = self.versions.last().unwrap().clone();
            for (key, there) in [
                ("jwt-secret", "jwt_secret"),
                ("jwt-secret-next", "jwt_secret_next"),
                ("jwt-secret-previous", "jwt_secret_previous"),
            ] {
                match from.get(there) {
                    Some(value) => self.secret.insert(key.into(), value.clone()),
                    None => self.secret.remove(key),
                };
            }
            self.secret_version += 1;
        }
        let of = planned.object.name.clone();
        if action.resource_version != self.workload(&of).resource_version
            && planned.object.kind != "ExternalSecret"
        {
            return Err(Status::Conflict);
        }
        let stamp = self.secret.get("jwt-secret").cloned().unwrap_or_default();
        let after = planned.changes[0].after.as_ref().unwrap();
        let inner = after.pointer("/annotations/kubectl.kubernetes.io~1restartedAt");
        let inner = inner.or_else(|| after.pointer("/kubectl.kubernetes.io~1restartedAt"));
        let at = inner.unwrap_or(after).as_str().unwrap();
        let stamp = format!("{stamp}@{at}");
        self.stamps.entry(of).or_default().push(stamp);
        Ok(String::new())
    }

    fn disturb(&mut self, action: &Action, hostile: bool) {
        let object = &action.planned.object;
        if object.in_vault() {
            let mut other = self.versions.last().unwrap().clone();
            let key = if hostile {
                "jwt_secret"
            } else {
                "stripe_api_key"
            };
            other.insert(key.into(), "theirs".into());
            self.versions.push(other);
        } else if object.kind == "Secret" {
            let key = if hostile {
                "jwt-secret"
            } else {
                "stripe-api-key"
            };
            self.secret.insert(key.into(), "theirs".into());
            self.secret_version += 1;
        }
    }

    fn send(&mut self, effect: EffectKey, attempt: u32, action: &Action) -> Event {
        let intent = |entry: &Entry| {
            matches!(&entry.fact, Fact::Intent(intent) | Fact::UndoIntent(intent)
                if intent.effect == effect && intent.attempt == attempt)
        };
        assert!(self.disk.iter().any(intent), "I1: sent without an intent");
        let fate = self.fates.pop_front().unwrap_or(Fate::Served);
        let lost = |effect: EffectKey| Event::Unknown {
            effect,
            attempt,
            why: "reset".into(),
        };
        match fate {
            Fate::LostBefore => return lost(effect),
            Fate::Elsewhere => self.disturb(action, false),
            Fate::Hostile => self.disturb(action, true),
            _ => {}
        }
        let refused = |effect: EffectKey, status| Event::Refused {
            effect,
            attempt,
            status,
            http: 400,
            message: "no".into(),
        };
        if fate == Fate::Denied {
            return refused(effect, Status::Denied);
        }
        match self.apply(action) {
            Err(status) => refused(effect, status),
            Ok(version) => {
                *self.landed.entry(effect.to_string()).or_default() += 1;
                if fate == Fate::LostAfter {
                    return lost(effect);
                }
                Event::Performed {
                    effect,
                    attempt,
                    http: 200,
                    resource_version: version,
                    generation: 0,
                }
            }
        }
    }

    pub(super) fn perform(
        &mut self,
        effect: Effect,
        wakes: &mut BTreeSet<Timestamp>,
    ) -> Option<Event> {
        match effect {
            Effect::Record(entries) => {
                self.disk.extend(entries);
                Some(Event::Recorded)
            }
            Effect::Read(id, question) => {
                Some(Event::Answered(id, Box::new(self.answer(&question))))
            }
            Effect::Perform {
                effect,
                attempt,
                action,
                ..
            } => Some(self.send(effect, attempt, &action)),
            Effect::Measure {
                id, spec, others, ..
            } => {
                assert_eq!(others.len(), READERS.len() - 1);
                let readings = spec.metrics.iter().map(|metric| Reading {
                    requests: (metric.signal != "restarts").then_some(900.0),
                    ..Reading::of(0.0, 0.0)
                });
                Some(Event::Measured(id, readings.collect()))
            }
            Effect::Wake(at) => {
                wakes.insert(at);
                None
            }
            Effect::Ask(ask) => {
                self.asks.push(*ask);
                None
            }
            _ => None,
        }
    }

    /// Goes on for so many effects, or until nothing moves any more.
    fn drive(&mut self, mut run: Run, effects: Vec<Effect>, limit: usize) -> (Run, usize) {
        let (mut queue, mut wakes) = (VecDeque::from(effects), BTreeSet::new());
        let mut done = 0;
        loop {
            let event = match queue.pop_front() {
                Some(_) if done == limit => return (run, done),
                Some(effect) => {
                    done += 1;
                    if let Some(mut past) = self.past.take() {
                        past.push(self.clone());
                        self.past = Some(past);
                    }
                    self.perform(effect, &mut wakes)
                }
                None => match wakes.pop_first() {
                    Some(_) if run.ledger().end.is_some() || run.ask().is_some() => {
                        return (run, done);
                    }
                    Some(at) => {
                        self.now = self.now.max(at);
                        Some(Event::Tick)
                    }
                    None => return (run, done),
                },
            };
            if let Some(event) = event {
                let (next, more) = step(run, self.now, event);
                run = next;
                queue.extend(more);
            }
        }
    }

    pub(super) fn run(&mut self, limit: usize) -> (Run, usize) {
        let run = Run::new(self.book.clone(), self.start(), self.now).unwrap();
        let (run, effects) = begin(run, self.now);
        self.drive(run, effects, limit)
    }

    /// Another process takes it up: whatever was only in memory is gone.
    fn resume(&mut self, limit: usize) -> (Run, usize) {
        self.process += 1;
        self.asks.clear();
        let run = replay(self.book.clone(), &self.disk).unwrap();
        let answers = Answers {
            yes: true,
            confirm: vec!["prod".into()],
            ..Answers::default()
        };
        let (run, mut effects) = step(run, self.now, Event::Prepared(answers));
        let event = Event::Resume {
            by: "oncall".into(),
            hand_over: None,
            confirm: Some("prod".into()),
        };
        let (run, more) = step(run, self.now, event);
        effects.extend(more);
        self.drive(run, effects, limit)
    }

    fn again(&mut self, run: Run, way: Way) -> Run {
        let decided = Event::Decided {
            by: "oncall".into(),
            decision: Decision::Way(way),
        };
        let (run, effects) = step(run, self.now, decided);
        self.drive(run, effects, usize::MAX).0
    }

    /// What must hold whatever happened: no effect landed twice, and keys that are nobody's business here are as they were.
    fn untouched(&self, case: &str) {
        let twice: Vec<_> = self
            .landed
            .iter()
            .filter(|(_, times)| **times > 1)
            .collect();
        assert!(twice.is_empty(), "{case}: O3 {twice:?}");
        for version in &self.versions {
            assert_eq!(
                version.get("database_url").map(String::as_str),
                Some("db"),
                "{case}"
            );
        }
        assert_eq!(
            self.secret.get("database-url").map(String::as_str),
            Some("db"),
            "{case}"
        );
        let told = serde_json::to_string(&self.disk).unwrap();
        assert!(
            !told.contains("\"k-old\"") && !told.contains("\"k-new"),
            "{case}: a value in the journal"
        );
    }

    /// What a rotation that succeeded has left.
    fn rotated(&self, case: &str) {
        self.untouched(case);
        let now = self.versions.last().unwrap();
        let key = now.get("jwt_secret").unwrap();
        assert!(key.starts_with("k-new"), "{case}: {now:?}");
        assert_eq!(self.secret.get("jwt-secret"), Some(key), "{case}");
        for (mine, theirs) in [
            ("jwt-secret-next", "jwt_secret_next"),
            ("jwt-secret-previous", "jwt_secret_previous"),
        ] {
            assert_eq!(
                (self.secret.get(mine), now.get(theirs)),
                (None, None),
                "{case}"
            );
        }
        for name in READERS {
            let last = self.stamps.get(name).and_then(|stamps| stamps.last());
            let last = last.unwrap_or_else(|| panic!("{case}: {name} was not restarted"));
            assert!(last.starts_with(key.as_str()), "{case}: {name} runs {last}");
        }
    }
}

fn reader(name: &str) -> ObjectRef {
    ObjectRef {
        kind: "Deployment".into(),
        namespace: "prod".into(),
        name: name.into(),
        uid: name.into(),
    }
}

fn ended(run: &Run) -> (RunState, Option<String>) {
    let human = run
        .ledger()
        .human
        .as_ref()
        .map(|human| human.message.clone());
    (run.ledger().state, human)
}

#[test]
fn a_cutover_makes_one_version_and_restarts_every_reader() {
    let mut world = World::new("cutover");
    let (run, _) = world.run(usize::MAX);
    assert_eq!(ended(&run), (RunState::Succeeded, None));
    world.rotated("cutover");
    assert_eq!(world.versions.len(), 2);
    let restarts: Vec<usize> = world.stamps.values().map(Vec::len).collect();
    assert_eq!(restarts, [1, 1, 1]);
    let order: Vec<&str> = run
        .plan()
        .iter()
        .filter_map(|step| step.id.strip_prefix("switched/restart["))
        .collect();
    assert_eq!(order, ["chat-server]", "stream-server]", "veza-backend]"]);
}

#[test]
fn an_overlap_announces_switches_waits_and_retires() {
    let mut world = World::new("overlap");
    let begun = world.now;
    let (run, _) = world.run(usize::MAX);
    assert_eq!(ended(&run), (RunState::Succeeded, None));
    world.rotated("overlap");
    let keys = |version: usize| {
        let of = |key: &str| {
            world.versions[version]
                .get(key)
                .cloned()
                .unwrap_or_default()
        };
        [
            of("jwt_secret"),
            of("jwt_secret_next"),
            of("jwt_secret_previous"),
        ]
    };
    assert_eq!(keys(1), ["k-old", "k-new1", ""], "announced");
    assert_eq!(keys(2), ["k-new1", "", "k-old"], "switched");
    assert_eq!(keys(3), ["k-new1", "", ""], "retired");
    assert_eq!(world.versions.len(), 4);
    assert!(world.now.duration_since(begun) >= SignedDuration::from_hours(7 * 24));
}

#[test]
fn an_overlap_stops_before_the_first_effect_where_no_service_reads_two_keys() {
    let mut world = World::new("overlap");
    world.overlap = false;
    let (run, _) = world.run(usize::MAX);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.refused && end.message.contains("second key"),
        "{}",
        end.message
    );
    assert!(world.landed.is_empty());
}

#[test]
fn a_secret_that_something_else_writes_is_left_to_it() {
    let mut world = World::new("cutover");
    world.owner = "externalsecret";
    let (run, _) = world.run(usize::MAX);
    assert_eq!(ended(&run), (RunState::Succeeded, None));
    let wrote = |entry: &Entry| matches!(&entry.fact, Fact::Intent(intent) if intent.action.planned.kind == "k8s.secret-set");
    assert!(!world.disk.iter().any(wrote), "T03");
    world.rotated("external secrets");
    let mut world = World::new("cutover");
    world.owner = "Sealed Secrets";
    let (run, _) = world.run(usize::MAX);
    assert!(
        run.ledger().end.as_ref().is_some_and(|end| end.refused),
        "T03"
    );
    assert!(world.landed.is_empty());
}

#[test]
fn without_a_vault_the_secret_alone_is_changed() {
    for strategy in ["cutover", "overlap"] {
        let mut world = World::new(strategy);
        world.params.remove("vault_path");
        let (run, _) = world.run(usize::MAX);
        assert_eq!(ended(&run), (RunState::Succeeded, None), "{strategy}");
        assert_eq!(world.versions.len(), 1);
        world.untouched(strategy);
        assert_eq!(
            world.secret.get("jwt-secret").map(String::as_str),
            Some("k-new1")
        );
        assert_eq!(world.secret.len(), 2);
    }
}

#[test]
fn a_leaked_key_is_destroyed_and_nothing_else() {
    let mut world = World::new("cutover");
    world.params.insert("leaked".into(), "true".into());
    let (run, _) = world.run(usize::MAX);
    assert_eq!(ended(&run), (RunState::Succeeded, None));
    assert_eq!(world.destroyed, BTreeSet::from([1]));
    world.rotated("leaked");
}

#[test]
fn going_back_restores_the_keys_and_then_restarts() {
    let mut world = World::new("cutover");
    // The third restart is refused: a person decides to go back.
    world.fates = VecDeque::from([
        Fate::Served,
        Fate::Served,
        Fate::Served,
        Fate::Served,
        Fate::Denied,
    ]);
    let (run, _) = world.run(usize::MAX);
    assert_eq!(
        run.ledger().state,
        RunState::NeedsHuman,
        "{:?}",
        ended(&run)
    );
    let run = world.again(run, Way::RollBack);
    assert_eq!(
        run.ledger().state,
        RunState::RolledBack,
        "{:?}",
        run.ledger().end
    );
    world.untouched("rolled back");
    assert_eq!(
        world
            .versions
            .last()
            .unwrap()
            .get("jwt_secret")
            .map(String::as_str),
        Some("k-old")
    );
    assert_eq!(
        world.secret.get("jwt-secret").map(String::as_str),
        Some("k-old")
    );
    for name in &READERS[..2] {
        let last = world.stamps[*name].last().unwrap();
        assert!(
            last.starts_with("k-old@"),
            "{name} was restarted before the Secret was as before: {last}"
        );
    }
}

#[test]
fn who_changes_another_key_is_kept_and_who_changes_the_same_is_not_overwritten() {
    for nth in 0..4 {
        let mut world = World::new("overlap");
        world.fates = std::iter::repeat_n(Fate::Served, nth)
            .chain([Fate::Elsewhere])
            .collect();
        let (run, _) = world.run(usize::MAX);
        assert_eq!(ended(&run), (RunState::Succeeded, None), "{nth}");
        world.rotated("elsewhere");
        let vault = world
            .versions
            .last()
            .unwrap()
            .get("stripe_api_key")
            .is_some();
        assert!(
            vault || world.secret.contains_key("stripe-api-key") || nth > 1,
            "{nth}"
        );
    }
    let mut world = World::new("cutover");
    world.fates = VecDeque::from([Fate::Hostile]);
    let (run, _) = world.run(usize::MAX);
    let human = run.ledger().human.clone().unwrap();
    assert_eq!(human.reason, Reason::Conflict, "{}", human.message);
    assert_eq!(
        world
            .versions
            .last()
            .unwrap()
            .get("jwt_secret")
            .map(String::as_str),
        Some("theirs")
    );
    world.untouched("hostile");
}

/// Killed before each effect of a whole run, and taken up.
fn killed_anywhere(strategy: &str, owner: &'static str) {
    let mut whole = World::new(strategy);
    whole.owner = owner;
    whole.past = Some(Vec::new());
    whole.run(usize::MAX);
    let changes = whole.landed.len();
    let past = whole.past.unwrap().into_iter();
    let mut points = 0;
    for (done, mut world) in past.enumerate().filter(|(_, world)| !world.disk.is_empty()) {
        points += 1;
        let (run, _) = world.resume(usize::MAX);
        let case = format!("{strategy} {owner} killed after {done}");
        assert_eq!(ended(&run), (RunState::Succeeded, None), "{case}");
        world.rotated(&case);
        assert_eq!(world.landed.len(), changes, "{case}");
    }
    assert!(points > 60, "{strategy}: only {points} points");
}

#[test]
fn a_cutover_killed_anywhere_and_taken_up_makes_one_change_for_each_step() {
    killed_anywhere("cutover", "none");
}

#[test]
fn an_overlap_killed_anywhere_and_taken_up_makes_one_change_for_each_step() {
    killed_anywhere("overlap", "none");
}

#[test]
fn with_external_secrets_killed_anywhere_and_taken_up_it_makes_one_change_for_each_step() {
    killed_anywhere("overlap", "externalsecret");
}

/// A small generator: the same seed, the same schedule.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A world whose next forty requests have a random fate.
fn fated(dice: &mut Dice) -> World {
    let strategy = ["cutover", "overlap"][dice.roll(2) as usize];
    let mut world = World::new(strategy);
    world.owner = ["externalsecret", "none", "none"][dice.roll(3) as usize];
    if dice.roll(4) == 0 {
        world.params.insert("leaked".into(), "true".into());
    }
    for _ in 0..40 {
        world.fates.push_back(match dice.roll(12) {
            0 => Fate::LostBefore,
            1 => Fate::LostAfter,
            2 => Fate::Elsewhere,
            3 if dice.roll(4) == 0 => Fate::Hostile,
            4 if dice.roll(4) == 0 => Fate::Denied,
            _ => Fate::Served,
        });
    }
    world
}

/// One random schedule: requests lost before and after they landed, refused, overtaken; the console killed again and
/// again, also while it takes a run up or goes back.
fn schedule(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = fated(&mut dice);
    let case = format!("seed {seed}");
    let (mut run, _) = world.run(dice.roll(400) as usize + 2);
    for _ in 0..12 {
        if world.disk.is_empty() {
            return;
        }
        if run.ledger().end.is_some() {
            break;
        }
        let limit = if dice.roll(2) == 0 {
            usize::MAX
        } else {
            dice.roll(120) as usize + 1
        };
        (run, _) = world.resume(limit);
        if run.ledger().human.is_some() && dice.roll(2) == 0 {
            let way = if dice.roll(3) == 0 {
                Way::RollBack
            } else {
                Way::Again
            };
            run = world.again(run, way);
        }
    }
    world.untouched(&case);
    let folded = replay(world.book.clone(), &world.disk).unwrap();
    assert_eq!(
        folded.ledger(),
        run.ledger(),
        "{case}: the journal says something else"
    );
    match run.ledger().state {
        RunState::Succeeded => {
            assert_eq!(run.unresolved(), None, "{case}: O2");
            let theirs = |keys: &Keys| keys.values().any(|value| value == "theirs");
            let disturbed = world.versions.iter().any(|keys| {
                theirs(keys) && keys.get("jwt_secret").map(String::as_str) == Some("theirs")
            });
            if !disturbed && world.secret.get("jwt-secret").map(String::as_str) != Some("theirs") {
                world.rotated(&case);
            }
        }
        RunState::RolledBack => {
            let key = world.versions.last().unwrap().get("jwt_secret").unwrap();
            assert!(key == "k-old" || key == "theirs", "{case}: O6 {key}");
        }
        state => assert!(
            matches!(state, RunState::RollbackIncomplete)
                == run
                    .ledger()
                    .end
                    .as_ref()
                    .is_some_and(|end| !end.leftovers.is_empty())
                || !state.is_terminal()
                || state == RunState::Failed
                || state == RunState::Aborted,
            "{case}: O6 {state:?}"
        ),
    }
}

#[test]
fn random_faults_break_nothing() {
    let many = std::env::var("VIGIE_SCHEDULES")
        .ok()
        .and_then(|many| many.parse().ok());
    for seed in 1..=many.unwrap_or(150) {
        schedule(seed);
    }
}
