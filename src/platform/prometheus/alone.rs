//! The query of one line alone, short enough to paste into another tool. Our own questions serve all workloads at once
//! and carry marks for sorting; these give the same value for one workload and one part of it.

use super::families::{Catalogue, Metric};
use super::plan::{Plan, RESOURCE};
use super::promql::{duration, literal, quote, relabel};
use super::read::QUANTILES;
use super::saturation::Resource;
use super::subjects::{Key, Subject};
use crate::domain::signal::{Part, SignalName};

/// One line of a chart: of which metric, of whom, and by what its series were recognized.
#[derive(Debug, Clone, Copy)]
pub struct Alone<'a> {
    /// The question it came from.
    pub plan: &'a Plan<'a>,
    /// What the source holds.
    pub catalogue: &'a Catalogue,
    /// Whose.
    pub subject: &'a Subject,
    /// How surely it was recognized, as [`Key::rank`] has it.
    pub rank: u8,
}

impl Alone<'_> {
    /// The query of a signal of a part.
    pub fn query(&self, signal: SignalName, part: &Part) -> String {
        let metric = self.plan.metric;
        let chosen = self.chosen(metric, part).join(",");
        let window = duration(self.plan.window);
        let rate = |more: &str| {
            format!(
                "rate({}{{{}}}[{window}])",
                metric.name,
                joined(&chosen, more)
            )
        };
        let share = |status: &str| {
            let one = |label: &&str| rate(&format!("{label}=~{}", quote(status)));
            let some: Vec<String> = metric.statuses.iter().map(one).collect();
            if some.is_empty() {
                return format!("sum({})", rate(""));
            }
            // No such answers beside live traffic is none, not nothing.
            format!(
                "(sum({}) or vector(0)) / sum({})",
                some.join(" or "),
                rate("")
            )
        };
        let quantile = QUANTILES.iter().find(|(name, _)| *name == signal);
        match (signal, quantile) {
            (_, Some((_, quantile))) => {
                let to_ms = if (metric.to_ms - 1.0).abs() < f64::EPSILON {
                    String::new()
                } else {
                    format!(" * {}", metric.to_ms)
                };
                let buckets = format!("sum by (le) ({})", rate(""));
                format!("histogram_quantile({quantile}, {buckets}){to_ms}")
            }
            (SignalName::ErrorRatio, _) => share("5.."),
            (SignalName::UnauthorizedRatio, _) => share("401"),
            (SignalName::Saturation, _) => self.used(&chosen, part),
            _ => format!("sum({})", rate("")),
        }
    }

    /// The use of what is limited: of one thing, or the worst of all.
    fn used(&self, chosen: &str, part: &Part) -> String {
        let share = |one: Resource| one.share(self.catalogue, chosen, self.plan.window);
        if let Part::Resource(name) = part {
            let share = Resource::named(name).and_then(share);
            return share.map_or_else(String::new, |share| format!("max({share})"));
        }
        let both = [Resource::Memory, Resource::Cpu].into_iter();
        let each: Vec<String> = both
            .filter_map(|one| {
                let worst = format!("max({})", share(one)?);
                Some(relabel(&worst, RESOURCE, one.word(), RESOURCE, ".*"))
            })
            .collect();
        format!("max({})", each.join(" or "))
    }

    /// The matchers that choose this line's series.
    fn chosen(&self, metric: &Metric, part: &Part) -> Vec<String> {
        let subject = self.subject;
        let mut chosen = Vec::new();
        let namespace = metric.namespace.iter();
        chosen.extend(namespace.map(|label| format!("{label}={}", quote(&subject.namespace))));
        let by_hash = self.hashes(part);
        let (label, regex) = if self.rank == Key::Pod("").rank() {
            let regex = match part {
                Part::Pod(pod) => literal(pod),
                _ => match &by_hash {
                    Some(hashes) => format!(
                        "{}-({})-.+",
                        literal(&subject.workload),
                        super::promql::any_of(hashes.iter().copied())
                    ),
                    None => subject.pod_regex(),
                },
            };
            (metric.pods.first(), regex)
        } else if self.rank == Key::Workload("").rank() {
            (metric.workloads.first(), literal(&subject.workload))
        } else {
            let own = std::slice::from_ref(&subject.workload);
            let services = if subject.services.is_empty() {
                own
            } else {
                &subject.services
            };
            let names = services.iter().map(|name| &**name);
            (metric.services.first(), super::promql::any_of(names))
        };
        chosen.extend(label.map(|label| format!("{label}=~{}", quote(&regex))));
        match part {
            Part::Version(version) if by_hash.is_none() => {
                let label = metric.versions.first();
                chosen.extend(label.map(|label| format!("{label}={}", quote(version))));
            }
            Part::Route(route) => {
                let label = metric.route.iter();
                chosen.extend(label.map(|label| format!("{label}={}", quote(route))));
            }
            _ => {}
        }
        chosen.extend((!metric.matcher.is_empty()).then(|| metric.matcher.to_owned()));
        chosen
    }

    /// The template hashes of a version, where its pods were told apart by them.
    fn hashes<'s>(&'s self, part: &'s Part) -> Option<Vec<&'s str>> {
        let Part::Version(version) = part else {
            return None;
        };
        let known = &self.subject.versions;
        if known.is_empty() || self.rank != Key::Pod("").rank() {
            return None;
        }
        let of = known.iter().filter(|(_, name)| name == version);
        let hashes: Vec<&str> = of.map(|(hash, _)| &**hash).collect();
        // A revision nobody knows is called by its hash.
        Some(if hashes.is_empty() {
            vec![&**version]
        } else {
            hashes
        })
    }
}

fn joined(chosen: &str, more: &str) -> String {
    match (chosen.is_empty(), more.is_empty()) {
        (false, false) => format!("{chosen},{more}"),
        (true, _) => more.to_owned(),
        (_, true) => chosen.to_owned(),
    }
}
