//! The palette: what it offers, which offers a typed line means, and the sentence for what means nothing. Pure; what is
//! offered beyond places and kinds comes from the keymap and from the App.

use super::command::Command;
use super::screen::Screen;
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// One thing that can be said in the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is typed.
    pub name: String,
    /// What it does or is, in a few words.
    pub words: String,
    /// The keys that do the same; empty where there are none.
    pub keys: String,
    /// What it sends.
    pub command: Command,
}

impl Offer {
    /// An offer without keys.
    pub fn new(name: impl Into<String>, words: impl Into<String>, command: Command) -> Self {
        Self {
            name: name.into(),
            words: words.into(),
            keys: String::new(),
            command,
        }
    }
}

/// The places that have a name.
pub fn places() -> Vec<(&'static str, Screen)> {
    vec![
        ("overview", Screen::Overview),
        ("pods", Screen::Pods),
        ("workloads", Screen::Workloads),
        ("alerts", Screen::Alerts),
        ("timeline", Screen::Timeline),
        ("runbooks", Screen::Runbooks),
        ("runs", Screen::Runs),
        ("contexts", Screen::Contexts),
        ("namespaces", Screen::Namespaces),
    ]
}

/// Short names people type for places.
const SHORT: [(&str, Screen); 7] = [
    ("po", Screen::Pods),
    ("wl", Screen::Workloads),
    ("ctx", Screen::Contexts),
    ("context", Screen::Contexts),
    ("ns", Screen::Namespaces),
    ("namespace", Screen::Namespaces),
    ("events", Screen::Timeline),
];

/// Kinds that open by name, with the names people type. Others open by `kind NAME`.
const KINDS: [(&str, &str); 22] = [
    ("deployments", "deploy"),
    ("replicasets", "rs"),
    ("statefulsets", "sts"),
    ("daemonsets", "ds"),
    ("services", "svc"),
    ("ingresses", "ing"),
    ("configmaps", "cm"),
    ("secrets", "secret"),
    ("persistentvolumeclaims", "pvc"),
    ("persistentvolumes", "pv"),
    ("jobs", "job"),
    ("cronjobs", "cj"),
    ("nodes", "no"),
    ("horizontalpodautoscalers", "hpa"),
    ("poddisruptionbudgets", "pdb"),
    ("networkpolicies", "netpol"),
    ("serviceaccounts", "sa"),
    ("endpointslices", "eps"),
    ("roles", "role"),
    ("rolebindings", "rb"),
    ("storageclasses", "sc"),
    ("leases", "lease"),
];

/// What is offered whatever the cluster and the keys are.
pub fn fixed() -> Vec<Offer> {
    let place =
        |(name, screen): (&'static str, Screen)| Offer::new(name, "screen", Command::Open(screen));
    let mut offers: Vec<Offer> = places().into_iter().map(place).collect();
    offers.extend(SHORT.map(|(name, screen)| {
        let words = format!("screen {}", screen.name());
        Offer::new(name, words, Command::Open(screen))
    }));
    for (plural, short) in KINDS {
        let open = || Command::Open(Screen::Kind(plural.into()));
        offers.push(Offer::new(
            plural,
            format!("every object of the kind, also {short}"),
            open(),
        ));
        offers.push(Offer::new(short, plural, open()));
    }
    offers.push(Offer::new("quit", "leave", Command::Quit));
    offers.push(Offer::new("q", "leave", Command::Quit));
    offers
}

/// The offers a typed line may mean, the most likely first: the exact name, names that begin so, then by likeness.
pub fn rank<'a>(offers: &'a [Offer], typed: &str) -> Vec<&'a Offer> {
    let typed = typed.trim();
    if typed.is_empty() {
        return offers.iter().collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(
        typed,
        CaseMatching::Ignore,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut room = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut room), &mut matcher);
    let lower = typed.to_lowercase();
    let mut found: Vec<(u8, u32, usize)> = Vec::new();
    for (index, offer) in offers.iter().enumerate() {
        let likeness = score(&offer.name);
        let class = if offer.name == lower {
            0
        } else if offer.name.starts_with(&lower) {
            // Screens and commands are meant more often than kinds.
            1 + u8::from(matches!(offer.command, Command::Open(Screen::Kind(_))))
        } else if likeness.is_some() {
            3
        } else {
            4
        };
        let likeness = likeness.or_else(|| score(&offer.words).filter(|_| typed.len() > 2));
        found.extend(likeness.map(|likeness| (class, u32::MAX - likeness, index)));
    }
    found.sort_unstable();
    found
        .into_iter()
        .filter_map(|(_, _, index)| offers.get(index))
        .collect()
}

/// What a whole line means that is more than a name: `ns NAME`, `ctx NAME`, `kind NAME`.
pub fn with_argument(typed: &str) -> Option<(Screen, Option<String>)> {
    let (verb, argument) = typed.trim().split_once(char::is_whitespace)?;
    let argument = argument.trim();
    if argument.is_empty() || argument.contains(char::is_whitespace) {
        return None;
    }
    match verb {
        "ns" | "namespace" | "namespaces" => Some((Screen::Namespaces, Some(argument.into()))),
        "ctx" | "context" | "contexts" => Some((Screen::Contexts, Some(argument.into()))),
        "kind" => Some((Screen::Kind(argument.into()), None)),
        _ => None,
    }
}

/// Whether a name is so near that the line must be a slip of the finger.
pub fn misspelt(offers: &[Offer], typed: &str) -> bool {
    let distance = |offer: &Offer| strsim::damerau_levenshtein(&offer.name, typed.trim());
    let names = offers.iter().filter(|offer| offer.name.len() > 2);
    names
        .map(distance)
        .min()
        .is_some_and(|nearest| nearest <= 2)
}

/// The sentence for what means nothing, with the nearest name.
pub fn unknown(offers: &[Offer], typed: &str) -> String {
    let typed = typed.trim();
    let distance = |offer: &&Offer| strsim::damerau_levenshtein(&offer.name, typed);
    let near = offers
        .iter()
        .filter(|offer| offer.name.len() > 2)
        .min_by_key(distance);
    let shown: String = typed.chars().take(40).collect();
    let near = near
        .filter(|offer| distance(offer) <= (typed.len() / 2).clamp(1, 4))
        .map_or_else(String::new, |offer| {
            format!("; did you mean `{}`?", offer.name)
        });
    let kind = if typed.contains(char::is_whitespace) {
        String::new()
    } else {
        format!(" `kind {shown}` asks the server for objects of that kind.")
    };
    format!(
        "There is no `{shown}` here{near}{}{kind}",
        if near.is_empty() { "." } else { "" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(typed: &str) -> String {
        let offers = fixed();
        rank(&offers, typed)
            .first()
            .map_or_else(String::new, |offer| offer.name.clone())
    }

    #[test]
    fn the_exact_name_then_the_beginning_then_likeness() {
        assert_eq!(first("pods"), "pods");
        assert_eq!(first("ns"), "ns");
        assert_eq!(first("time"), "timeline");
        assert_eq!(first("wrkld"), "workloads");
        assert_eq!(first("ing"), "ing");
        assert!(first("zzzz").is_empty());
    }

    #[test]
    fn no_two_offers_have_one_name() {
        let offers = fixed();
        let mut names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn a_name_after_a_verb_goes_there() {
        assert_eq!(
            with_argument("ns veza-production"),
            Some((Screen::Namespaces, Some("veza-production".into())))
        );
        assert_eq!(
            with_argument(" kind  certificates.cert-manager.io "),
            Some((Screen::Kind("certificates.cert-manager.io".into()), None))
        );
        assert_eq!(with_argument("ns"), None);
        assert_eq!(with_argument("ns a b"), None);
    }

    #[test]
    fn what_means_nothing_gets_the_nearest_name() {
        let offers = fixed();
        assert!(unknown(&offers, "timelnie").contains("did you mean `timeline`?"));
        let nothing = unknown(&offers, "xyzzyxyzzy");
        assert!(
            nothing.starts_with("There is no `xyzzyxyzzy` here. `kind"),
            "{nothing}"
        );
    }
}
