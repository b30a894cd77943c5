//! Signals by the configuration's own queries, one question a service and signal; they win over the known families.

use super::promql::{Filling, fill};
use super::range::Stretch;
use super::subjects::Subject;
use super::wire::{Answered, QueryFailure, Sample};
use super::{Ask, Prometheus, Template};
use crate::domain::signal::{Part, Reading, ServiceSignals, SignalName, SignalSeries, Split};
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt};
use std::sync::Arc;

/// How many questions are under way at once.
const AT_ONCE: usize = 6;

impl Prometheus {
    /// The template for a signal of a subject: the one of its name, else one that fits it, else the one for all.
    pub(super) fn template(&self, subject: &Subject, signal: SignalName) -> Option<&Template> {
        let mine = self.templates.iter().filter(|t| t.signal == signal);
        mine.filter_map(|template| Some((closeness(template, &subject.workload)?, template)))
            .max_by_key(|(closeness, _)| *closeness)
            .map(|(_, template)| template)
    }

    /// Replaces readings by those of templates.
    pub(super) async fn read_templates(&self, ask: &Ask<'_>, rows: &mut Vec<ServiceSignals>) {
        if self.templates.is_empty() {
            return;
        }
        self.add_versions(ask, rows);
        let mut questions = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let subject = ask.subjects.iter().find(|subject| {
                subject.workload == row.service && subject.namespace == row.namespace
            });
            for signal in SignalName::ALL {
                let template = subject.and_then(|s| Some((s, self.template(s, signal)?)));
                if let Some((subject, template)) = template {
                    questions.push((index, subject, template, row.part.clone()));
                }
            }
        }
        // Boxed one by one: a lazy map over borrows would keep the whole question from moving between threads.
        let asked: Vec<BoxFuture<'_, _>> = questions
            .into_iter()
            .map(|(index, subject, template, part)| {
                async move {
                    let reading = self.read_template(ask, subject, template, &part).await;
                    (index, template.signal, reading)
                }
                .boxed()
            })
            .collect();
        let answers: Vec<_> = stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (index, signal, reading) in answers {
            rows[index].set(signal, reading);
        }
    }

    /// Rows for the versions that only templates can tell apart.
    fn add_versions(&self, ask: &Ask<'_>, rows: &mut Vec<ServiceSignals>) {
        for subject in ask.subjects {
            let mine = SignalName::ALL.map(|signal| self.template(subject, signal));
            if !mine.into_iter().flatten().any(Template::tells_versions) {
                continue;
            }
            for (_, version) in &subject.versions {
                let part = Part::Version(version.clone());
                let known = rows.iter().any(|row| {
                    row.part == part
                        && row.service == subject.workload
                        && row.namespace == subject.namespace
                });
                if !known {
                    let why = format!("no series of version {version}");
                    let (namespace, name) = (&subject.namespace, &subject.workload);
                    rows.push(ServiceSignals {
                        part,
                        ..ServiceSignals::unknown(namespace, name, ask.now, &why)
                    });
                }
            }
        }
    }

    async fn read_template(
        &self,
        ask: &Ask<'_>,
        subject: &Subject,
        template: &Template,
        part: &Part,
    ) -> Reading {
        let version = match part {
            Part::Version(version) => Some(version),
            _ => None,
        };
        let asked = match filled(ask, subject, template, version) {
            Ok(query) => self.query(ask.now, &query).await,
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(answered) => single(template.signal, &answered.result),
            Err(failure) => Reading::unknown(&failure.short()),
        }
    }

    /// Adds the series of templates over a range.
    pub(super) async fn range_templates(
        &self,
        ask: &Ask<'_>,
        stretch: &Stretch<'_>,
        all: &mut Answered<Vec<SignalSeries>>,
    ) -> Result<(), QueryFailure> {
        let mut questions = Vec::new();
        for subject in stretch.crowd.subjects {
            let Some(template) = self.template(subject, stretch.signal) else {
                continue;
            };
            let by_version = stretch.split == Split::Version && template.tells_versions();
            if by_version {
                let versions = subject.versions.iter();
                questions.extend(versions.map(|(_, version)| (subject, template, Some(version))));
            } else {
                questions.push((subject, template, None));
            }
        }
        let asked: Vec<BoxFuture<'_, _>> = questions
            .into_iter()
            .map(|(subject, template, version)| {
                async move {
                    let query = filled(ask, subject, template, version)?;
                    let answered = self.query_range(&stretch.grid, &query).await?;
                    Ok::<_, QueryFailure>((subject, version, answered, query))
                }
                .boxed()
            })
            .collect();
        let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        for answer in answers {
            let (subject, version, answered, query) = answer?;
            all.warnings.extend(answered.warnings);
            let count = answered.result.len();
            if count > 1 {
                return Err(QueryFailure::Question(several(count)));
            }
            let part = version.map_or(Part::Whole, |version| Part::Version(version.clone()));
            if let Some(points) = answered.result.first() {
                all.result.push(stretch.one(subject, part, points, &query));
            }
        }
        Ok(())
    }
}

fn filled(
    ask: &Ask<'_>,
    subject: &Subject,
    template: &Template,
    version: Option<&Arc<str>>,
) -> Result<String, QueryFailure> {
    if version.is_some() && !template.tells_versions() {
        let why = "its template tells no versions apart";
        return Err(QueryFailure::Question(why.into()));
    }
    let pods = subject.pod_regex();
    let with = Filling {
        namespace: &subject.namespace,
        service: &subject.workload,
        version: version.map(|version| &**version),
        pods: (!pods.is_empty()).then_some(pods.as_str()),
        window: ask.window,
    };
    let promql = match &template.by_version {
        Some(promql) if version.is_some() => promql,
        _ => &template.promql,
    };
    fill(promql, &with)
}

impl Template {
    fn tells_versions(&self) -> bool {
        self.by_version.is_some() || self.promql.contains("{version}")
    }
}

/// How closely a template is meant for a workload: by name, by a name with `*`, for all; `None` where it is for others.
fn closeness(template: &Template, workload: &str) -> Option<u8> {
    match template.service.as_deref() {
        None => Some(0),
        Some(name) if name == workload => Some(2),
        Some(pattern) => fits(pattern, workload).then_some(1),
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(head) else {
        return false;
    };
    rest.is_empty()
        || name
            .char_indices()
            .map(|(at, _)| at)
            .chain([name.len()])
            .any(|at| fits(rest, &name[at..]))
}

fn several(count: usize) -> String {
    match count {
        2 => "two series where one was asked for".to_owned(),
        _ => format!("{count} series where one was asked for"),
    }
}

/// The one value of a template's answer.
fn single(signal: SignalName, samples: &[Sample]) -> Reading {
    let quantile = matches!(signal, SignalName::P50 | SignalName::P95 | SignalName::P99);
    match samples {
        [] => Reading::unknown("no series"),
        [sample] if sample.value.is_nan() && quantile => {
            Reading::unknown("no samples in the window")
        }
        [sample] => Reading::of(sample.value),
        more => Reading::unknown(&several(more.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::prometheus::wire::Labels;

    #[test]
    fn the_template_that_is_meant_most_closely_wins() {
        let of = |service: Option<&str>| Template {
            service: service.map(Into::into),
            signal: SignalName::P99,
            promql: "x".into(),
            by_version: None,
        };
        let rank = |service, workload| closeness(&of(service), workload);
        assert_eq!(rank(Some("veza-api"), "veza-api"), Some(2));
        assert_eq!(rank(Some("veza-*"), "veza-api"), Some(1));
        assert_eq!(rank(Some("*-api*"), "veza-api"), Some(1));
        assert_eq!(rank(None, "veza-api"), Some(0));
        assert_eq!(rank(Some("veza-*-x"), "veza-api"), None);
        assert_eq!(rank(Some("veza"), "veza-api"), None);
    }

    #[test]
    fn one_finite_value_is_a_reading_and_nothing_else_is() {
        let samples = |values: &[f64]| -> Vec<Sample> {
            let labels = Labels::new;
            values
                .iter()
                .map(|v| Sample {
                    labels: labels(),
                    value: *v,
                })
                .collect()
        };
        let read = |values: &[f64]| single(SignalName::P99, &samples(values));
        assert_eq!(read(&[240.0]), Reading::Known(240.0));
        assert_eq!(read(&[]), Reading::unknown("no series"));
        assert_eq!(
            read(&[f64::NAN]),
            Reading::unknown("no samples in the window")
        );
        assert_eq!(
            read(&[1.0, 2.0]),
            Reading::unknown("two series where one was asked for")
        );
        assert_eq!(
            read(&[1.0; 3]),
            Reading::unknown("3 series where one was asked for")
        );
        assert_eq!(read(&[f64::INFINITY]).value(), None);
    }
}
