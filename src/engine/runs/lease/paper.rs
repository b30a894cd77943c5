//! The Lease as it stands in the cluster: what this run writes into one, and what is read of another's. A Lease of a run
//! says who carries what out, where it stands and what comes next; everything read of it is bounded, none of it is obeyed.

use crate::app::runs::elsewhere::Elsewhere;
use crate::runbook::canonical::hex;
use crate::runbook::prose::bounded;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// How long a Lease holds after its last renewal, in seconds.
pub const HOLDS: i64 = 30;
/// The label of what this program makes, and its value.
pub const MANAGED: (&str, &str) = ("app.kubernetes.io/managed-by", "vigie");
/// The most characters of a name, and of a sentence, that go into an annotation or are read of one.
const NAME: usize = 120;
const SENTENCE: usize = 300;

/// Whose Lease it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `user@host/run-id`.
    pub identity: String,
    /// The process, as its machine can recognise it.
    pub process: Option<String>,
}

/// What a run tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// Its id.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Option<Timestamp>,
    /// Its steps in order, each with the number of the heading it stands under.
    pub steps: Vec<(String, usize)>,
    /// Those of them that let time pass.
    pub pauses: Vec<String>,
    /// The one it is in.
    pub step: Option<String>,
    /// What it waits for a person for.
    pub waits: Option<String>,
    /// The moment it waits for.
    pub until: Option<Timestamp>,
    /// The last hash of its journal: the anchor.
    pub head: String,
}

impl Story {
    /// The run is woken at a moment: where that is not near, and its step lets time pass, it waits for it. What any
    /// other step is woken for is its deadline.
    pub fn wakes(&mut self, at: Timestamp, now: Timestamp) {
        let far = at.duration_since(now) > SignedDuration::from_mins(2);
        let pauses = self
            .step
            .as_ref()
            .is_some_and(|step| self.pauses.contains(step));
        self.until = (far && pauses).then_some(at);
    }

    /// The step's place, as `6 of 11`: the number that its own screen shows.
    fn place(&self) -> Option<String> {
        let (_, number) = self.steps.get(self.at()?)?;
        let last = self.steps.iter().map(|(_, number)| number).max()?;
        Some(format!("{number} of {last}"))
    }

    fn next(&self) -> Option<&String> {
        Some(&self.steps.get(self.at()? + 1)?.0)
    }

    fn at(&self) -> Option<usize> {
        let step = self.step.as_ref()?;
        self.steps.iter().position(|(one, _)| one == step)
    }
}

/// A Lease as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub version: String,
    /// Whose it is; empty where it was given back.
    pub holder: Holder,
    /// When it was last renewed, by its holder's clock.
    pub renewed: Option<Timestamp>,
    /// How often it changed hands.
    pub hands: i64,
    /// What it tells of its run.
    pub told: Elsewhere,
}

/// The name of the Lease of a key.
pub fn name_of(key: &str) -> String {
    let digest = hex(&Sha256::digest(key.as_bytes()));
    format!("vigie-{}", &digest[..16])
}

/// A new Lease.
pub fn fresh(namespace: &str, key: &str, holder: &Holder, story: &Story, now: Timestamp) -> Value {
    let mut spec = spec(holder, now);
    spec["acquireTime"] = json!(micro(now));
    spec["leaseTransitions"] = json!(0);
    let mut notes = notes(key, holder, story);
    if let Some(notes) = notes.as_object_mut() {
        notes.retain(|_, value| !value.is_null());
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": name_of(key), "namespace": namespace,
            "labels": {MANAGED.0: MANAGED.1},
            "annotations": notes,
        },
        "spec": spec,
    })
}

/// The patch that renews our own, or takes over another's: only if it still is as it was read.
pub fn renewal(
    read: (&str, &str),
    key: &str,
    holder: &Holder,
    story: &Story,
    now: Timestamp,
) -> Value {
    let (uid, version) = read;
    json!({
        "metadata": {
            "uid": uid, "resourceVersion": version,
            "labels": {MANAGED.0: MANAGED.1},
            "annotations": notes(key, holder, story),
        },
        "spec": spec(holder, now),
    })
}

/// The same where it changes hands.
pub fn take_over(
    paper: &Paper,
    key: &str,
    holder: &Holder,
    story: &Story,
    now: Timestamp,
) -> Value {
    let mut patch = renewal((&paper.uid, &paper.version), key, holder, story, now);
    patch["spec"]["acquireTime"] = json!(micro(now));
    patch["spec"]["leaseTransitions"] = json!(paper.hands.saturating_add(1));
    patch
}

fn spec(holder: &Holder, now: Timestamp) -> Value {
    json!({"holderIdentity": holder.identity, "leaseDurationSeconds": HOLDS, "renewTime": micro(now)})
}

/// A moment as the API server reads it: exactly six digits of the second.
fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn notes(key: &str, holder: &Holder, story: &Story) -> Value {
    let mut notes = Map::new();
    let mut note = |name: &str, value: Option<String>, most: usize| {
        // What is no longer so is taken away: null removes it.
        let value = value.map_or(Value::Null, |text| json!(bounded(&text, most)));
        notes.insert(format!("vigie/{name}"), value);
    };
    note("key", Some(key.to_owned()), SENTENCE);
    note("run", Some(story.run.clone()), NAME);
    note("runbook", Some(story.runbook.clone()), NAME);
    note("by", Some(story.by.clone()), NAME);
    note("started", story.started.map(|at| at.to_string()), NAME);
    note("step", story.step.clone(), NAME);
    note("place", story.place(), NAME);
    note("next", story.next().cloned(), NAME);
    note("waits", story.waits.clone(), SENTENCE);
    note("until", story.until.map(|at| at.to_string()), NAME);
    note("head", Some(story.head.clone()), NAME);
    note("process", holder.process.clone(), NAME);
    Value::Object(notes)
}

/// Reads a Lease.
pub fn read(body: &Value) -> Paper {
    let meta = &body["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let raw = |name: &str| meta["annotations"][format!("vigie/{name}")].as_str();
    let note = |name: &str, most: usize| {
        let found = raw(name).filter(|text| !text.is_empty());
        found.map(|text| bounded(text, most))
    };
    let moment = |value: Option<&str>| value.and_then(|text| text.parse::<Timestamp>().ok());
    let spec = &body["spec"];
    let identity = text(&spec["holderIdentity"]);
    let renewed = moment(spec["renewTime"].as_str());
    Paper {
        uid: text(&meta["uid"]),
        version: text(&meta["resourceVersion"]),
        renewed,
        hands: spec["leaseTransitions"].as_i64().unwrap_or_default(),
        told: Elsewhere {
            run: note("run", NAME).unwrap_or_default().into(),
            runbook: note("runbook", NAME)
                .unwrap_or_else(|| "a run".into())
                .into(),
            holder: bounded(who(&identity), NAME).into(),
            by: note("by", NAME).unwrap_or_default().into(),
            namespace: bounded(meta["namespace"].as_str().unwrap_or_default(), NAME).into(),
            key: note("key", SENTENCE).unwrap_or_default().into(),
            started: moment(raw("started")),
            renewed,
            step: note("step", NAME).map(Into::into),
            place: note("place", NAME).map(Into::into),
            next: note("next", NAME).map(Into::into),
            waits: note("waits", SENTENCE).map(Into::into),
            until: moment(raw("until")),
            head: note("head", NAME).unwrap_or_default().into(),
        },
        holder: Holder {
            identity,
            process: raw("process").map(str::to_owned),
        },
    }
}

/// `user@host` of a holder's identity.
fn who(identity: &str) -> &str {
    identity.rsplit_once('/').map_or(identity, |(who, _)| who)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        Story {
            run: "01J".into(),
            runbook: "rollback".into(),
            by: "alice".into(),
            started: "2026-03-04T03:02:00Z".parse().ok(),
            steps: [("a", 1), ("b", 2), ("b/1", 2), ("c", 3)]
                .map(|(step, number)| (step.to_owned(), number))
                .to_vec(),
            step: Some("b".into()),
            head: "abc".into(),
            ..Story::default()
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let holder = Holder {
            identity: "alice@laptop-7/01J".into(),
            process: Some("boot/1/2/3".into()),
        };
        let now: Timestamp = "2026-03-04T03:12:07.4Z".parse().unwrap();
        let mut body = fresh("prod", "prod/api/rollout", &holder, &story(), now);
        assert_eq!(body["spec"]["renewTime"], "2026-03-04T03:12:07.400000Z");
        assert_eq!(body["metadata"]["name"], name_of("prod/api/rollout"));
        assert_eq!(name_of("prod/api/rollout").len(), "vigie-".len() + 16);
        body["metadata"]["uid"] = json!("u");
        body["metadata"]["resourceVersion"] = json!("7");
        let paper = read(&body);
        assert_eq!((&*paper.uid, &*paper.version), ("u", "7"));
        assert_eq!(paper.holder, holder);
        assert_eq!(paper.renewed, Some(now));
        assert_eq!(paper.told.place.as_deref(), Some("2 of 3"));
        assert_eq!(paper.told.next.as_deref(), Some("b/1"));
        assert_eq!(
            paper.told.words(),
            "alice@laptop-7 runs rollback since 03:02Z, step 2 of 3 (b)"
        );
    }

    #[test]
    fn a_deadline_is_not_what_a_run_waits_for() {
        let now: Timestamp = "2026-03-04T03:12:07Z".parse().unwrap();
        let later = now + SignedDuration::from_mins(15);
        let mut story = story();
        story.wakes(later, now);
        assert_eq!(story.until, None, "b restarts something");
        story.pauses = vec!["b".to_owned()];
        story.wakes(later, now);
        assert_eq!(story.until, Some(later));
        story.wakes(now + SignedDuration::from_secs(5), now);
        assert_eq!(story.until, None, "it is near");
    }

    #[test]
    fn what_others_wrote_is_bounded_and_cannot_paint() {
        let wild = format!("\u{1b}[31m{}", "x".repeat(10_000));
        let body = json!({"metadata": {"annotations": {"vigie/step": wild, "vigie/started": "soon"}},
            "spec": {"holderIdentity": wild, "renewTime": 7}});
        let paper = read(&body);
        let words = paper.told.words();
        assert!(
            words.chars().count() < 400 && !words.contains('\u{1b}'),
            "{words}"
        );
        assert_eq!((paper.renewed, paper.told.started), (None, None));
    }
}
