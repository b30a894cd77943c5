//! A pod as the console knows it: what `kubectl get pods` would print, and our own sentence beside it.

use super::object::{Labels, Owner};
use super::uid::Uid;
use super::verdict::Level;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Its uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its labels, shared between pods of one template.
    pub labels: Arc<Labels>,
    /// The controller that owns it.
    pub owner: Option<Owner>,
    /// Ready containers, as kubectl counts them.
    pub ready: u16,
    /// Containers, as kubectl counts them.
    pub containers: u16,
    /// The STATUS column of kubectl, letter for letter.
    pub status: Arc<str>,
    /// The RESTARTS column's number.
    pub restarts: u32,
    /// When a container last restarted.
    pub last_restart: Option<Timestamp>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Since when the condition Ready is what it is.
    pub ready_since: Option<Timestamp>,
    /// Whether the condition Ready holds: whether a Service sends it requests.
    pub serves: bool,
    /// The node it is on.
    pub node: Option<Arc<str>>,
    /// Names of its containers (init containers first), shared between pods of one template.
    pub container_names: Arc<[Arc<str>]>,
    /// Images of its main containers, shared likewise.
    pub images: Arc<[Arc<str>]>,
    /// Whether it is being deleted, and since when.
    pub deleting_since: Option<Timestamp>,
    /// What keeps it from serving, or is about to.
    pub trouble: Option<Trouble>,
}

/// What is wrong with a pod, with what the sentence needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// It starts; nothing is wrong yet.
    Starting {
        /// What it waits for: `ContainerCreating`, `PodInitializing`, an init container's name.
        doing: Arc<str>,
    },
    /// It cannot be placed on a node.
    Unschedulable {
        /// The scheduler's message.
        why: Arc<str>,
    },
    /// An image cannot be had.
    Image {
        /// The image.
        image: Arc<str>,
        /// The runtime's reason: `ImagePullBackOff`, `InvalidImageName`.
        reason: Arc<str>,
        /// The runtime's message.
        message: Arc<str>,
    },
    /// A container cannot be created: a missing Secret, a wrong mount.
    Create {
        /// The container.
        container: Arc<str>,
        /// The reason: `CreateContainerConfigError`.
        reason: Arc<str>,
        /// The message: which Secret, which key.
        message: Arc<str>,
    },
    /// A container ends again and again.
    Crash {
        /// The container.
        container: Arc<str>,
        /// Its last exit code.
        exit_code: i32,
        /// The runtime's reason: `Error`, `OOMKilled`.
        reason: Arc<str>,
        /// When it last ended.
        ended: Option<Timestamp>,
        /// Whether the kubelet waits before the next try.
        waiting: bool,
    },
    /// It runs, but a probe fails or a readiness gate is not met.
    Unready {
        /// Which container or gate is not ready.
        what: Arc<str>,
    },
    /// It failed for good: evicted, deadline, a node's shutdown.
    Failed {
        /// The reason: `Evicted`.
        reason: Arc<str>,
        /// The message.
        message: Arc<str>,
    },
    /// Its node no longer answers.
    NodeLost,
    /// It should be gone but is not.
    Lingering,
}

/// A pod may take this long to start before it is worth a look.
pub const START_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// A pod may take this long to go, counted from when it was asked to.
pub const GOING_PATIENCE: SignedDuration = SignedDuration::from_secs(90);
/// A restart after which the pod serves again is worth a look for this long.
pub const RESTART_MEMORY: SignedDuration = SignedDuration::from_mins(10);
/// A pod may be unready this long before it counts as failing.
pub const UNREADY_PATIENCE: SignedDuration = SignedDuration::from_secs(120);

impl Pod {
    /// Age in whole terms; unknown when the creation time is.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.created
            .map(|created| now.duration_since(created).max(SignedDuration::ZERO))
    }

    /// The value of the label `version`, or of its recommended long form.
    pub fn version(&self) -> Option<&Arc<str>> {
        self.labels
            .get("version")
            .or_else(|| self.labels.get("app.kubernetes.io/version"))
    }

    /// How bad it is.
    pub fn level(&self, now: Timestamp) -> Level {
        let Some(trouble) = &self.trouble else {
            return Level::Healthy;
        };
        let age = self.age(now).unwrap_or(SignedDuration::ZERO);
        let unready = self
            .ready_since
            .map_or(age, |since| now.duration_since(since));
        match trouble {
            Trouble::Starting { .. } | Trouble::Unready { .. } if age <= START_PATIENCE => {
                Level::Healthy
            }
            Trouble::Unready { .. } if unready > UNREADY_PATIENCE => Level::Failing,
            Trouble::Lingering
                if self
                    .deleting_since
                    .is_some_and(|at| now.duration_since(at) <= GOING_PATIENCE) =>
            {
                Level::Healthy
            }
            Trouble::Crash {
                waiting: false,
                ended,
                ..
            } if self.serves => match ended {
                Some(ended) if now.duration_since(*ended) > RESTART_MEMORY => Level::Healthy,
                _ => Level::Watch,
            },
            Trouble::Starting { .. } | Trouble::Unready { .. } | Trouble::Lingering => Level::Watch,
            Trouble::Failed { reason, .. } if &**reason == "Evicted" => Level::Watch,
            _ => Level::Failing,
        }
    }

    /// The reason in one sentence, where there is one. Text of the cluster in it is as it came: escape before drawing.
    pub fn reason(&self, now: Timestamp) -> Option<String> {
        let restarts = |n: u32| {
            if n == 1 {
                "1 restart".to_owned()
            } else {
                format!("{n} restarts")
            }
        };
        Some(match self.trouble.as_ref()? {
            Trouble::Starting { doing } => format!("starting: {doing}"),
            Trouble::Unschedulable { why } => format!("no node takes it: {why}"),
            Trouble::Image {
                image,
                reason,
                message,
            } => image_sentence(image, reason, message),
            Trouble::Create {
                container,
                reason,
                message,
            } if message.is_empty() => format!("{container} cannot be created: {reason}"),
            Trouble::Create {
                container, message, ..
            } => format!("{container} cannot be created: {message}"),
            Trouble::Crash {
                container,
                exit_code,
                reason,
                ended,
                ..
            } => {
                let how = match (&**reason, exit_code) {
                    ("OOMKilled", _) => "killed for memory".to_owned(),
                    (_, 137) => "killed (exit code 137)".to_owned(),
                    (_, 143) => "terminated (exit code 143)".to_owned(),
                    (_, code) => format!("exit code {code}"),
                };
                let last = ended.map_or(String::new(), |at| {
                    format!(", last {} ago", short(now.duration_since(at)))
                });
                let which = if self.containers > 1 {
                    format!("{container}: ")
                } else {
                    String::new()
                };
                format!("{which}{how}, {}{last}", restarts(self.restarts))
            }
            Trouble::Unready { what } => format!("not ready: {what}"),
            Trouble::Failed { reason, message } if message.is_empty() => reason.to_string(),
            Trouble::Failed { reason, message } => format!("{reason}: {message}"),
            Trouble::NodeLost => format!(
                "node {} does not answer",
                self.node.as_deref().unwrap_or("unknown")
            ),
            Trouble::Lingering => {
                let since = self.deleting_since.map_or(String::new(), |at| {
                    format!(" for {}", short(now.duration_since(at)))
                });
                format!("deleting{since}, still there")
            }
        })
    }
}

fn image_sentence(image: &str, reason: &str, message: &str) -> String {
    let lower = message.to_ascii_lowercase();
    if reason == "InvalidImageName" {
        format!("image name {image} is not valid")
    } else if lower.contains("not found") || lower.contains("manifest unknown") {
        format!("image {image} not found")
    } else if lower.contains("unauthorized")
        || lower.contains("authentication required")
        || lower.contains("denied")
    {
        format!("image {image}: the registry refuses us")
    } else {
        format!("image {image} cannot be pulled ({reason})")
    }
}

/// A duration in one unit, as the screens write ages: `32 s`, `4 m`, `3 h`, `6 d`.
pub fn short(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} m", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pod(trouble: Trouble) -> Pod {
        Pod {
            uid: "u".into(),
            namespace: "n".into(),
            name: "p".into(),
            labels: Arc::default(),
            owner: None,
            ready: 0,
            containers: 1,
            status: "CrashLoopBackOff".into(),
            restarts: 4,
            last_restart: Some(at(90)),
            created: Some(at(0)),
            ready_since: Some(at(0)),
            serves: false,
            node: Some("node-2".into()),
            container_names: Arc::from(["main".into()]),
            images: Arc::from(["i:v1".into()]),
            deleting_since: None,
            trouble: Some(trouble),
        }
    }

    #[test]
    fn a_crash_is_said_with_code_count_and_time() {
        let crash = |reason: &str, exit_code| Trouble::Crash {
            container: "main".into(),
            exit_code,
            reason: reason.into(),
            ended: Some(at(97)),
            waiting: true,
        };
        let said = |reason, code| pod(crash(reason, code)).reason(at(100)).unwrap();
        assert_eq!(said("Error", 1), "exit code 1, 4 restarts, last 3 s ago");
        assert_eq!(
            said("OOMKilled", 137),
            "killed for memory, 4 restarts, last 3 s ago"
        );
        assert_eq!(pod(crash("Error", 1)).level(at(100)), Level::Failing);
    }

    #[test]
    fn starting_is_healthy_until_patience_ends() {
        let starting = pod(Trouble::Starting {
            doing: "ContainerCreating".into(),
        });
        assert_eq!(starting.level(at(60)), Level::Healthy);
        assert_eq!(starting.level(at(61)), Level::Watch);
    }

    #[test]
    fn going_and_a_past_restart_are_healthy_within_their_time() {
        let mut going = pod(Trouble::Lingering);
        going.deleting_since = Some(at(100));
        assert_eq!(going.level(at(190)), Level::Healthy);
        assert_eq!(going.level(at(191)), Level::Watch);
        let mut back = pod(Trouble::Crash {
            container: "main".into(),
            exit_code: 1,
            reason: "Error".into(),
            ended: Some(at(100)),
            waiting: false,
        });
        back.serves = true;
        assert_eq!(back.level(at(700)), Level::Watch);
        assert_eq!(back.level(at(701)), Level::Healthy);
    }

    #[test]
    fn a_missing_image_is_named() {
        let missing = pod(Trouble::Image {
            image: "r/x:v2".into(),
            reason: "ImagePullBackOff".into(),
            message: "failed: not found".into(),
        });
        assert_eq!(missing.reason(at(1)).unwrap(), "image r/x:v2 not found");
    }
}
