//! Programs that runbooks start on this machine: which may be, with what around them, and what became of one. Only what
//! the configuration lists is started, only where the environment's policy lets it, and nothing of ours is handed on: a
//! program that speaks to a cluster must be told which, for the one that is current on this machine may be another.

use super::policy::Rules;
use super::report::Reporter;
use crate::domain::redact::Redactor;
use crate::platform::program::{self, Ending, Order};
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::{self, Answer, Event, Failure, ObjectState, Start, Status};
use crate::runbook::patch::{Action, ObjectRef};
use crate::runbook::preflight::{Level, Line, ObjectFacts};
use crate::runbook::prose::{bounded, neutralise};
use serde_json::json;

/// What every program gets of this machine's environment: where it lives and how it speaks. No token is among them.
const GIVEN: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
];
/// Where a program looks for a cluster that nobody named: nowhere.
const NO_CLUSTER: (&str, &str) = ("KUBECONFIG", "/dev/null");
/// The longest complaint of a program that is passed on.
const COMPLAINT: usize = 300;

/// Why no program is started in an environment.
fn forbidden(rules: &Rules, environment: &str) -> Option<String> {
    let allowed = (rules.policy)(environment).exec;
    (!allowed).then(|| format!("{environment} lets runbooks start no programs"))
}

/// The path of a program and which file that is, if it may be started here.
async fn found(rules: &Rules, environment: &str, name: &str) -> Result<(String, String), String> {
    if let Some(why) = forbidden(rules, environment) {
        return Err(why);
    }
    let path = rules.programs.resolve(name)?.to_owned();
    let mark = program::look(&path).await?;
    Ok((path, mark))
}

/// The program a step names, as it is now.
pub async fn look(rules: &Rules, start: &Start, object: ObjectRef) -> Result<Answer, Failure> {
    let place = &start.target.environment;
    let found = found(rules, place, &object.name).await;
    let (name, uid) = found.map_err(Failure::Denied)?;
    Ok(Answer::Object(ObjectState {
        object: ObjectRef {
            name,
            uid,
            ..object
        },
        resource_version: String::new(),
        generation: 0,
        body: json!({}),
        facts: ObjectFacts::default(),
    }))
}

/// A line for each program before the first effect.
pub async fn lines(rules: &Rules, start: &Start, names: &[String]) -> Vec<Line> {
    let place = &start.target.environment;
    let mut lines = Vec::new();
    for name in names {
        let text = format!("may {name} be started?");
        lines.push(match found(rules, place, name).await {
            Ok((path, _)) => Line::new(Level::Passed, text, format!("{path}, without a shell")),
            Err(why) => {
                let fix = if forbidden(rules, place).is_some() {
                    format!("[environment.{place}] exec = true, where that is meant")
                } else {
                    "[runbooks] exec = [\"/absolute/path\"], a file that can be run".to_owned()
                };
                Line::new(Level::Red, text, why).fix(fix)
            }
        });
    }
    lines
}

/// Starts a program once, and says how it ended.
pub async fn start(
    to: &Reporter,
    start: &Start,
    effect: EffectKey,
    attempt: u32,
    action: &Action,
) -> Event {
    let rules = &to.means.keeping.rules;
    let object = &action.planned.object;
    let refused = |status: Status, message: String| Event::Refused {
        effect: effect.clone(),
        attempt,
        status,
        http: 0,
        message,
    };
    let Some(order) = machine::order(&action.planned) else {
        return refused(Status::Invalid, "there is no command line".to_owned());
    };
    match found(rules, &start.target.environment, &object.name).await {
        Ok((path, mark)) if path == order.argv[0] && mark == object.uid => {}
        Ok(_) => {
            let why = format!("{} is another file than was confirmed", object.name);
            return refused(Status::Conflict, why);
        }
        Err(why) => return refused(Status::Denied, why),
    }
    let (environment, secrets) = surroundings(rules, start, &effect);
    let ended = program::run(Order {
        path: &order.argv[0],
        arguments: &order.argv[1..],
        environment,
        limit: order.limit,
    })
    .await;
    let clean = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        (rules.cleaner)(&secrets.clean(&text))
    };
    let complaint = if order.hidden {
        String::new()
    } else {
        last_words(&clean(&ended.complained))
    };
    match ended.ending {
        Ending::Never(why) => refused(Status::Failed, why),
        Ending::Killed(why) => Event::Unknown {
            effect,
            attempt,
            why: format!("{why}{complaint}"),
        },
        Ending::Code(code) => Event::Exited {
            effect,
            attempt,
            code,
            message: if code == 0 {
                "it ended well".to_owned()
            } else {
                format!("it ended with code {code}{complaint}")
            },
            said: (!order.hidden).then(|| {
                let printed = neutralise(&clean(&ended.printed));
                let more = if ended.cut { "…" } else { "" };
                format!("{}{more}", printed.trim_end())
            }),
        },
    }
}

/// The whole environment of a program, and the values in it that are nobody's business.
fn surroundings(
    rules: &Rules,
    start: &Start,
    effect: &EffectKey,
) -> (Vec<(String, String)>, Redactor) {
    let mut all = vec![(NO_CLUSTER.0.to_owned(), NO_CLUSTER.1.to_owned())];
    let own = [
        ("VIGIE_RUN", start.run.to_string()),
        ("VIGIE_EFFECT", effect.to_string()),
        ("VIGIE_CONTEXT", start.target.context.clone()),
        ("VIGIE_NAMESPACE", start.target.namespace.clone()),
    ];
    let here = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    all.extend(GIVEN.iter().filter_map(|name| here(name)));
    let more = rules.programs.environment.iter();
    let more: Vec<_> = more.filter_map(|name| here(name)).collect();
    let secrets = Redactor::of(more.iter().map(|(_, value)| value));
    all.retain(|(name, _)| !rules.programs.environment.contains(name));
    all.extend(more);
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    (all, secrets)
}

/// The last line of what a program complained about.
fn last_words(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let last = lines.rfind(|line| !line.is_empty());
    last.map_or_else(String::new, |line| {
        format!(": {}", bounded(line, COMPLAINT))
    })
}
