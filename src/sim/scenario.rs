//! What goes wrong and when, as tables: which image meets which fate, and how a version of a service answers at an age. The story that acts on them is `story`.

use super::ledger::Behaviour;

/// What the simulated platform goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scenario {
    /// A healthy platform, then a release of veza-backend that fails one request in five.
    #[default]
    BadRelease,
    /// A release of veza-backend whose container exits over and over.
    CrashLoop,
    /// A release of chat-server whose image is not in the registry.
    ImageMissing,
    /// Nothing is released; the database becomes slow and every version of veza-backend with it.
    SlowDependency,
    /// The pods of stream-server have used up their connections and do not come out of it; new ones answer well.
    StuckPool,
    /// The same in a single pod of chat-server.
    StuckPod,
    /// More than three times the usual traffic reaches stream-server, which has no autoscaler.
    Rush,
    /// Nothing goes wrong.
    Healthy,
    /// A crowd of pods that change all the time, for measuring.
    Large,
    /// Nothing goes wrong, and every service also reads a next and a previous signing key.
    TwoKeys,
    /// Nothing goes wrong, and the Secret is kept by External Secrets.
    ExternalSecret,
    /// The same, filled once and never again.
    ExternalSecretOnce,
    /// Nothing goes wrong, and the Secret is kept by Sealed Secrets.
    SealedSecret,
    /// Nothing goes wrong, and the Secret is part of a Helm release.
    HelmSecret,
    /// Nothing goes wrong, and the Secret is kept by Argo CD.
    ArgoSecret,
}

/// Who keeps the customer's Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// Nobody: it was made by hand.
    Nobody,
    /// External Secrets.
    External {
        /// Whether only once.
        once: bool,
    },
    /// Sealed Secrets.
    Sealed,
    /// Helm.
    Helm,
    /// Argo CD.
    Argo,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::BadRelease,
        Self::CrashLoop,
        Self::ImageMissing,
        Self::SlowDependency,
        Self::StuckPool,
        Self::StuckPod,
        Self::Rush,
        Self::Healthy,
        Self::Large,
        Self::TwoKeys,
        Self::ExternalSecret,
        Self::ExternalSecretOnce,
        Self::SealedSecret,
        Self::HelmSecret,
        Self::ArgoSecret,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRelease => "bad-release",
            Self::CrashLoop => "crash-loop",
            Self::ImageMissing => "image-missing",
            Self::SlowDependency => "slow-dependency",
            Self::StuckPool => "stuck-pool",
            Self::StuckPod => "stuck-pod",
            Self::Rush => "rush",
            Self::Healthy => "healthy",
            Self::Large => "large",
            Self::TwoKeys => "two-keys",
            Self::ExternalSecret => "external-secret",
            Self::ExternalSecretOnce => "external-secret-once",
            Self::SealedSecret => "sealed-secret",
            Self::HelmSecret => "helm-secret",
            Self::ArgoSecret => "argo-secret",
        }
    }

    /// Who keeps the customer's Secret.
    pub fn keeper(self) -> Keeper {
        match self {
            Self::ExternalSecret => Keeper::External { once: false },
            Self::ExternalSecretOnce => Keeper::External { once: true },
            Self::SealedSecret => Keeper::Sealed,
            Self::HelmSecret => Keeper::Helm,
            Self::ArgoSecret => Keeper::Argo,
            _ => Keeper::Nobody,
        }
    }

    /// Whether the services read a next and a previous signing key where they are there.
    pub fn two_keys(self) -> bool {
        self == Self::TwoKeys
    }

    /// Whether something is to happen.
    pub fn has_story(self) -> bool {
        matches!(
            self,
            Self::BadRelease
                | Self::CrashLoop
                | Self::ImageMissing
                | Self::SlowDependency
                | Self::StuckPool
                | Self::StuckPod
                | Self::Rush
        )
    }

    /// The scenario of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The service whose pods the trouble gets stuck in, and whether it is all of them.
    pub fn sticks_to(self) -> Option<(&'static str, bool)> {
        match self {
            Self::StuckPool => Some(("stream-server", true)),
            Self::StuckPod => Some(("chat-server", false)),
            _ => None,
        }
    }

    /// How many times its usual traffic a service has, so long after the trouble began.
    pub fn demand(self, service: &str, trouble_ms: Option<i64>) -> f64 {
        match (self, trouble_ms) {
            (Self::Rush, Some(ms)) if service == RUSHED => 1.0 + 2.4 * ramp(ms, 0, 30_000),
            _ => 1.0,
        }
    }

    /// What becomes of a container with this image.
    pub fn fate(self, image: &str) -> Fate {
        let tag = tag(image);
        if tag.ends_with("-missing") {
            return Fate::Missing;
        }
        if tag.ends_with("-crash") {
            return Fate::Crashes {
                code: 1,
                reason: "Error",
            };
        }
        if tag.ends_with("-oom") {
            return Fate::Crashes {
                code: 137,
                reason: "OOMKilled",
            };
        }
        if tag.ends_with("-unready") {
            return Fate::Unready;
        }
        match self {
            Self::CrashLoop if image.ends_with("veza-backend-api:v1.1.0") => Fate::Crashes {
                code: 1,
                reason: "Error",
            },
            Self::ImageMissing if image.ends_with("veza-chat-server:v2.0.0") => Fate::Missing,
            _ => Fate::Runs,
        }
    }

    /// How a version of a service answers, `served_ms` after it first took traffic and `trouble_ms` after the scenario's trouble began.
    pub fn health(
        self,
        service: &str,
        version: &str,
        served_ms: i64,
        trouble_ms: Option<i64>,
    ) -> Health {
        let good = Health::usual(service);
        match self {
            Self::SlowDependency if service == "veza-backend" => trouble_ms.map_or(good, |ms| {
                good.towards(
                    Health {
                        errors: 0.12,
                        median_ms: 310.0,
                        sigma: 0.62,
                        ..good
                    },
                    ramp(ms, 0, 45_000),
                )
            }),
            _ if service == "veza-backend" && version == "v1.1.0" => good.towards(
                Health {
                    errors: 0.214,
                    median_ms: 180.0,
                    sigma: 0.706,
                    ..good
                },
                ramp(served_ms, 28_000, 75_000),
            ),
            _ => good,
        }
    }
}

/// The service that is rushed at, and what a pod of it can answer, in requests a second.
const RUSHED: &str = "stream-server";
const CAPACITY: f64 = 16.0;

/// What becomes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It runs and is ready soon.
    Runs,
    /// It runs, its readiness probe fails.
    Unready,
    /// Its image cannot be pulled.
    Missing,
    /// It ends, over and over.
    Crashes {
        /// Its exit code.
        code: i64,
        /// What the kubelet calls it.
        reason: &'static str,
    },
}

/// How a pod answers, apart from how much reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Health {
    /// The share of 5xx.
    pub errors: f64,
    /// The share of 401.
    pub unauthorized: f64,
    /// The median time to answer.
    pub median_ms: f64,
    /// The spread of the times.
    pub sigma: f64,
}

impl Health {
    fn usual(service: &str) -> Self {
        let (errors, median_ms, sigma) = match service {
            "veza-backend" => (0.001, 60.0, 0.60),
            "veza-frontend" => (0.000_2, 24.0, 0.56),
            "chat-server" => (0.001, 16.0, 0.60),
            "stream-server" => (0.000_5, 35.0, 0.65),
            _ => (0.000_5, 20.0, 0.5),
        };
        Self {
            errors,
            unauthorized: 0.005,
            median_ms,
            sigma,
        }
    }

    /// As a pod answers that has no connection left.
    #[must_use]
    pub fn stuck(self) -> Self {
        Self {
            errors: 0.31,
            median_ms: 420.0,
            sigma: 0.6,
            ..self
        }
    }

    /// The same in the scenario where a pod can be asked for more than it can do.
    #[must_use]
    pub fn under(self, scenario: Scenario, service: &str, rps: f64) -> Self {
        let over = rps / CAPACITY - 1.0;
        if scenario != Scenario::Rush || service != RUSHED || over <= 0.0 {
            return self;
        }
        let worst = Self {
            errors: 0.24,
            median_ms: 380.0,
            sigma: 0.65,
            ..self
        };
        self.towards(worst, (over * 1.6).min(1.0))
    }

    fn towards(self, other: Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + (b - a) * share;
        Self {
            errors: mix(self.errors, other.errors),
            unauthorized: mix(self.unauthorized, other.unauthorized),
            median_ms: mix(self.median_ms, other.median_ms),
            sigma: mix(self.sigma, other.sigma),
        }
    }

    /// The same, at so many requests a second.
    pub fn at(self, rps: f64) -> Behaviour {
        Behaviour {
            rps,
            errors: self.errors,
            unauthorized: self.unauthorized,
            median_ms: self.median_ms,
            sigma: self.sigma,
        }
    }
}

/// Requests a second that reach a service when the day is average.
pub fn usual_rps(service: &str) -> Option<f64> {
    match service {
        "veza-backend" => Some(60.0),
        "veza-frontend" => Some(40.0),
        "chat-server" => Some(31.0),
        "stream-server" => Some(18.0),
        _ => None,
    }
}

/// What follows the last colon of an image's name, if it is a tag.
pub fn tag(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split('@')
        .next()
        .unwrap_or(last)
        .split_once(':')
        .map_or("", |(_, tag)| tag)
}

/// 0 until `from`, 1 after `until`, and a smooth way between.
fn ramp(ms: i64, from: i64, until: i64) -> f64 {
    let x = ((ms - from) as f64 / (until - from).max(1) as f64).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_release_crosses_one_percent_about_forty_seconds_after_it_took_over() {
        let at = |s: i64| Scenario::BadRelease.health("veza-backend", "v1.1.0", s * 1000, None);
        assert!(at(25).errors < 0.002);
        assert!(at(33).errors < 0.01 && at(45).errors > 0.01);
        assert!((at(80).errors - 0.214).abs() < 1e-9);
        let p99 = at(80).median_ms * (2.326 * at(80).sigma).exp();
        assert!((900.0..960.0).contains(&p99), "{p99}");
        assert!(
            Scenario::BadRelease
                .health("veza-backend", "v1.0.0", 80_000, None)
                .errors
                < 0.002
        );
    }

    #[test]
    fn fates_are_read_from_the_tag() {
        let fate = |image| Scenario::Healthy.fate(image);
        assert_eq!(fate("r.io:5000/a/b:v1"), Fate::Runs);
        assert_eq!(fate("r.io:5000/a/b"), Fate::Runs);
        assert_eq!(fate("b:v1-missing"), Fate::Missing);
        assert_eq!(fate("b:v1-unready"), Fate::Unready);
        assert_eq!(
            fate("b:v1-oom"),
            Fate::Crashes {
                code: 137,
                reason: "OOMKilled"
            }
        );
        assert_eq!(
            Scenario::ImageMissing.fate("r/veza-chat-server:v2.0.0"),
            Fate::Missing
        );
        assert_eq!(tag("r.io:5000/a/b"), "");
    }

    #[test]
    fn more_pods_carry_a_rush_and_fewer_do_not() {
        let usual = usual_rps(RUSHED).unwrap_or(0.0);
        let all = usual * Scenario::Rush.demand(RUSHED, Some(60_000));
        let errors = |pods: f64| {
            let health = Scenario::Rush.health(RUSHED, "v1.0.0", 900_000, Some(60_000));
            health.under(Scenario::Rush, RUSHED, all / pods).errors
        };
        assert!(errors(2.0) > 0.1 && errors(4.0) < 0.01, "{}", errors(2.0));
        assert!((Scenario::Healthy.demand(RUSHED, None) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_slow_dependency_spares_no_version() {
        for version in ["v1.0.0", "v0.9.7", "v1.1.0"] {
            let health =
                Scenario::SlowDependency.health("veza-backend", version, 900_000, Some(60_000));
            assert!(health.errors > 0.1 && health.median_ms > 300.0);
        }
    }
}
