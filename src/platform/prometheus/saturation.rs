//! Use of what is limited: memory and processor time of every container as a share of its limit, and how often its
//! limit held it back. One query for all subjects; the worst container speaks for its workload.

use super::families::{
    CPU, CPU_PERIOD, CPU_QUOTA, Catalogue, LIMITS, MEMORY, PERIODS, SPEC_LIMITS, THROTTLED,
};
use super::plan::{PART, RESOURCE, WORKLOAD, by_hash, in_scope};
use super::promql::{duration, quote, relabel};
use super::subjects::Crowd;
use crate::domain::signal::{Part, Split};
use crate::domain::target::Scope;
use jiff::SignedDuration;

const BY: &str = "namespace,pod,container";
const REAL: &str = "container!=\"\",container!=\"POD\"";

/// What may be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Processor time.
    Cpu,
    /// Not a use: the share of periods in which the limit held a container back.
    Throttled,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Cpu, Self::Throttled];

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Throttled => "throttled",
        }
    }

    /// The one of that name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The share of each container, where the source tells it; `here` chooses the containers.
    pub fn share(
        self,
        catalogue: &Catalogue,
        here: &str,
        window: SignedDuration,
    ) -> Option<String> {
        let window = duration(window);
        let worst = |metric: &str, more: &str| format!("max by ({BY}) ({metric}{{{more},{here}}})");
        let rate =
            |metric: &str| format!("sum by ({BY}) (rate({metric}{{{REAL},{here}}}[{window}]))");
        let asked = |resource: &str| {
            let of = format!("resource=\"{resource}\"");
            catalogue.tells(LIMITS).then(|| worst(LIMITS, &of))
        };
        let told = |metric| catalogue.tells(metric);
        let (used, asked, held) = match self {
            Self::Memory => (
                told(MEMORY).then(|| worst(MEMORY, REAL))?,
                asked("memory"),
                told(SPEC_LIMITS).then(|| worst(SPEC_LIMITS, REAL)),
            ),
            Self::Cpu => (
                told(CPU).then(|| rate(CPU))?,
                asked("cpu"),
                (told(CPU_QUOTA) && told(CPU_PERIOD)).then(|| {
                    let (quota, period) = (worst(CPU_QUOTA, REAL), worst(CPU_PERIOD, REAL));
                    format!("({quota} / {period})")
                }),
            ),
            Self::Throttled => (
                told(THROTTLED).then(|| rate(THROTTLED))?,
                None,
                told(PERIODS).then(|| rate(PERIODS)),
            ),
        };
        let limits: Vec<String> = asked.into_iter().chain(held).collect();
        (!limits.is_empty()).then(|| format!("{used} / (({}) > 0)", limits.join(" or ")))
    }
}

/// The query for all subjects. Kept `apart` the answer says what is used, throttling too; else the worst use of each part.
pub fn query(
    catalogue: &Catalogue,
    crowd: &Crowd<'_>,
    (scope, split): (&Scope, Split),
    window: SignedDuration,
    apart: bool,
) -> Option<String> {
    let rules = crowd.pod_rules();
    if rules.is_empty() {
        return None;
    }
    let pods: Vec<&str> = rules.iter().map(|rule| &*rule.regex).collect();
    let here = format!(
        "pod=~{},{}",
        quote(&pods.join("|")),
        in_scope("namespace", scope)
    );
    let wanted = Resource::ALL.into_iter();
    let each: Vec<String> = wanted
        .filter(|one| apart || *one != Resource::Throttled)
        .filter_map(|one| {
            let share = one.share(catalogue, &here, window)?;
            let worst = format!("max by (namespace,pod) ({share})");
            Some(relabel(&worst, RESOURCE, one.word(), "namespace", ".*"))
        })
        .collect();
    if each.is_empty() {
        return None;
    }
    let mut vector = format!("({})", each.join(" or "));
    for rule in rules {
        vector = relabel(&vector, WORKLOAD, &rule.workload, "pod", &rule.regex);
    }
    vector = match split {
        Split::Pod => relabel(&vector, PART, "=$1", "pod", "(.+)"),
        Split::Version => by_hash(vector, "pod", crowd),
        Split::Whole | Split::Route => vector,
    };
    let kept = if apart {
        format!(",{RESOURCE}")
    } else {
        String::new()
    };
    Some(format!(
        "max by (namespace,{WORKLOAD},{PART}{kept}) ({vector})"
    ))
}

/// The use of one part of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Which subject.
    pub subject: usize,
    /// Which part of it.
    pub part: Part,
    /// Of what.
    pub resource: Resource,
    /// How much of the limit.
    pub share: f64,
}

/// Pointwise the worst of several lines; a gap only where all have one.
pub fn worst<'a>(lines: impl Iterator<Item = &'a Vec<Option<f64>>>) -> Vec<Option<f64>> {
    lines.fold(Vec::new(), |mut worst, line| {
        worst.resize(worst.len().max(line.len()), None);
        for (so_far, value) in worst.iter_mut().zip(line) {
            *so_far = match (*so_far, *value) {
                (Some(a), Some(b)) => Some(f64::max(a, b)),
                (a, b) => a.or(b),
            };
        }
        worst
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::prometheus::families::catalogue;
    use crate::platform::prometheus::subjects::{PodNames, Subject};
    use jiff::Timestamp;

    fn asked(names: &[&str], apart: bool) -> Option<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let known = catalogue(Timestamp::UNIX_EPOCH, &names, &[]);
        let subjects = [Subject::new("veza", "api", PodNames::StatefulSet)];
        let crowd = Crowd::new(&subjects);
        let scope = Scope::Namespace("veza".into());
        let window = SignedDuration::from_mins(1);
        query(&known, &crowd, (&scope, Split::Whole), window, apart)
    }

    #[test]
    fn processor_time_is_a_rate_and_needs_a_limit() {
        let cpu = asked(&[CPU, LIMITS], true).unwrap();
        assert!(
            cpu.contains("rate(container_cpu_usage_seconds_total{container!=\"\","),
            "{cpu}"
        );
        assert!(cpu.contains("resource=\"cpu\"") && cpu.contains("\"vigie_resource\", \"cpu\""));
        assert!(!cpu.contains("memory"));
        assert_eq!(asked(&[CPU], true), None, "no limit, no share");
        let quota = asked(&[CPU, CPU_QUOTA, CPU_PERIOD], true).unwrap();
        assert!(quota.contains("container_spec_cpu_quota"), "{quota}");
    }

    #[test]
    fn throttling_is_told_apart_and_never_taken_for_use() {
        let names = [MEMORY, CPU, LIMITS, THROTTLED, PERIODS];
        assert!(
            asked(&names, true)
                .unwrap()
                .contains("\"vigie_resource\", \"throttled\"")
        );
        assert!(!asked(&names, false).unwrap().contains("throttled"));
    }

    #[test]
    fn the_worst_of_two_lines_has_a_gap_only_where_both_have_one() {
        let lines = [
            vec![Some(0.1), None, None],
            vec![Some(0.3), Some(0.2), None],
        ];
        assert_eq!(worst(lines.iter()), [Some(0.3), Some(0.2), None]);
    }
}
