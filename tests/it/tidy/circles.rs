//! Circles in a graph of names.

use std::collections::{BTreeMap, BTreeSet};

/// One circle for every strongly connected group.
pub fn find_cycles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut told: BTreeSet<&String> = BTreeSet::new();
    for start in edges.keys() {
        if told.contains(start) {
            continue;
        }
        if let Some(circle) = way_back(edges, start) {
            told.extend(edges.keys().filter(|key| circle.contains(key)));
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a node back to itself.
fn way_back(edges: &BTreeMap<String, BTreeSet<String>>, start: &String) -> Option<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![vec![start.clone()]];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in edges.get(way.last()?).into_iter().flatten() {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
