//! Sorting returned series to the subjects they belong to, and why a subject has none.

use super::plan::{Owner, Plan};
use super::subjects::Crowd;
use super::wire::{Answered, Labels, Points, QueryFailure, Sample};

/// Something with labels.
pub trait Labelled {
    /// The labels.
    fn labels(&self) -> &Labels;
}

impl Labelled for Sample {
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

impl Labelled for Points {
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// The series of one subject, all of one metric and recognized the same way.
#[derive(Debug)]
pub struct Found<'a, S> {
    /// Which of the metrics asked for.
    pub metric: usize,
    /// How surely they were recognized.
    pub rank: u8,
    /// The series.
    pub series: Vec<&'a S>,
}

/// Answers sorted by subject.
#[derive(Debug)]
pub struct Gathered<'a, S> {
    found: Vec<Option<Found<'a, S>>>,
    shared: Vec<Option<String>>,
    failure: Option<String>,
}

/// One metric's plan and what came of it.
pub type Outcome<'a, S> = (Plan<'a>, Result<Answered<Vec<S>>, QueryFailure>);

/// Sorts answers: the first metric that knows a subject speaks for it, by its surest labels.
pub fn gather<'a, S: Labelled>(
    crowd: &Crowd<'_>,
    outcomes: &'a [Outcome<'_, S>],
) -> Gathered<'a, S> {
    let count = crowd.subjects.len();
    let mut gathered = Gathered {
        found: std::iter::repeat_with(|| None).take(count).collect(),
        shared: vec![None; count],
        failure: None,
    };
    for (metric, (plan, outcome)) in outcomes.iter().enumerate() {
        match outcome {
            Ok(answered) => {
                for series in &answered.result {
                    gathered.sort(metric, plan.owner(series.labels()), series);
                }
            }
            Err(failure) => gathered.failure = Some(failure.short()),
        }
    }
    gathered
}

impl<'a, S> Gathered<'a, S> {
    fn sort(&mut self, metric: usize, owner: Owner, series: &'a S) {
        match owner {
            Owner::One(index, rank) => {
                let slot = &mut self.found[index];
                let better = match slot {
                    None => true,
                    Some(found) => found.metric == metric && rank < found.rank,
                };
                if better {
                    *slot = Some(Found {
                        metric,
                        rank,
                        series: vec![series],
                    });
                } else if let Some(found) = slot
                    && (found.metric, found.rank) == (metric, rank)
                {
                    found.series.push(series);
                }
            }
            Owner::Several(subjects, why) => {
                for index in subjects {
                    self.shared[index] = Some(why.clone());
                }
            }
            Owner::Nobody => {}
        }
    }

    /// What was found of a subject, by its index.
    pub fn of(&self, index: usize) -> Option<&Found<'a, S>> {
        self.found[index].as_ref()
    }

    /// Why a subject has nothing.
    pub fn why_not(&self, index: usize, otherwise: &str) -> String {
        let why = self.shared[index].as_ref().or(self.failure.as_ref());
        why.map_or_else(|| otherwise.to_owned(), Clone::clone)
    }
}
