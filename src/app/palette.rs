//! The palette: what it offers, which offers a typed line means, and the sentence for what means nothing. Pure; what is
//! offered beyond places and kinds comes from the keymap and from the App.

use super::command::Command;
use super::runs::order::RunRequest;
use super::screen::Screen;
use crate::domain::target::Scope;
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Where a typed line leads that no offer stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// To a screen.
    Open(Screen),
    /// To another scope of this cluster.
    Scope(Scope),
    /// To another context.
    Context(Arc<str>),
}

impl Said {
    /// What enter does with it, in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Open(screen) => format!("enter opens {}", screen.name()),
            Self::Scope(Scope::All) => "enter shows all namespaces".into(),
            Self::Scope(Scope::Namespace(name)) => format!("enter goes to namespace {name}"),
            Self::Context(name) => format!("enter goes to context {name}"),
        }
    }
}

/// Which of the ranked offers enter means: the one that was moved to, else the first if its name begins as typed. What is only
/// like it is never meant.
pub fn meant(found: &[&Offer], typed: &str, chosen: usize) -> Option<usize> {
    let lower = typed.trim().to_lowercase();
    let sure = found
        .first()
        .is_some_and(|offer| offer.name.starts_with(&lower));
    let index = if sure {
        Some(chosen)
    } else {
        chosen.checked_sub(1)
    };
    index
        .map(|index| index.min(found.len().saturating_sub(1)))
        .filter(|_| !found.is_empty())
}

/// What a line means that is more than a name: `ns NAME`, `ctx NAME`, `kind NAME`.
pub fn argued(typed: &str) -> Option<Said> {
    let (verb, argument) = typed.trim().split_once(char::is_whitespace)?;
    let argument = argument.trim();
    if argument.is_empty() || argument.contains(char::is_whitespace) {
        return None;
    }
    match (verb, argument) {
        ("ns" | "namespace" | "namespaces", "all" | "*") => Some(Said::Scope(Scope::All)),
        ("ns" | "namespace" | "namespaces", name) => {
            Some(Said::Scope(Scope::Namespace(name.into())))
        }
        ("ctx" | "context" | "contexts", name) => Some(Said::Context(name.into())),
        ("kind", name) => Some(Said::Open(Screen::Kind(name.to_lowercase().into()))),
        _ => None,
    }
}

/// The run that `run ID KEY=VALUE…` begins; `None` where the line is about something else.
pub fn begun(typed: &str) -> Option<RunRequest> {
    let mut words = typed.split_whitespace();
    let id = words
        .next()
        .filter(|verb| *verb == "run")
        .and(words.next())?;
    let params: Option<BTreeMap<String, String>> = words
        .map(|word| {
            let (key, value) = word.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect();
    params.map(|params| RunRequest::new(id, params))
}

/// A word that is none of the offers may be a kind the server knows.
pub fn kind(offers: &[Offer], typed: &str) -> Option<Said> {
    let word = typed.trim();
    let one = !word.is_empty() && !word.contains(char::is_whitespace);
    (one && !misspelt(offers, word)).then(|| Said::Open(Screen::Kind(word.to_lowercase().into())))
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

    #[test]
    fn a_run_is_begun_with_the_parameters_that_are_typed() {
        let run = begun("run jwt-rotate strategy=cutover leaked=true").unwrap();
        assert_eq!(&*run.runbook, "jwt-rotate");
        let set = ["strategy", "leaked"].map(|key| run.params[key].as_str());
        assert_eq!(set, ["cutover", "true"]);
        for other in ["run", "runs now", "run rollback veza-backend", "ns run"] {
            assert_eq!(begun(other), None, "{other}");
        }
    }

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
    fn enter_never_means_what_is_only_like_the_line() {
        let offers = fixed();
        let enter = |typed: &str, chosen| {
            let found = rank(&offers, typed);
            let index = meant(&found, typed, chosen);
            index.map(|index| found[index].name.clone())
        };
        assert_eq!(enter("time", 0).as_deref(), Some("timeline"));
        assert!(!rank(&offers, "wrkld").is_empty());
        assert_eq!(enter("wrkld", 0), None);
        assert_eq!(enter("wrkld", 1).as_deref(), Some("workloads"), "moved to");
        assert_eq!((enter("delete", 0), enter("zzzz", 3)), (None, None));
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
        let scope = |name: &str| Some(Said::Scope(Scope::Namespace(name.into())));
        let open = |name: &str| Some(Said::Open(Screen::Kind(name.into())));
        assert_eq!(argued("ns veza-production"), scope("veza-production"));
        assert_eq!(argued("ns all"), Some(Said::Scope(Scope::All)));
        assert_eq!(argued("ctx prod"), Some(Said::Context("prod".into())));
        assert_eq!(
            argued(" kind  Certificates.cert-manager.io "),
            open("certificates.cert-manager.io")
        );
        assert_eq!(argued("ns"), None);
        assert_eq!(argued("ns a b"), None);
        let offers = fixed();
        assert_eq!(kind(&offers, "widgets"), open("widgets"));
        assert_eq!(kind(&offers, "timelnie"), None, "a slip of the finger");
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
