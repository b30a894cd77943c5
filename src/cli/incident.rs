//! `vigie incident`: the incident file from the command line. It works without a cluster; where the cluster answers within a
//! moment, times are its own and the audit log has its name for who acted.

mod ask;
mod document;
mod gather;

use super::args::Output;
use super::args::incident::{
    Export, Incident as Asked, Note, NoteKind, Open, SeverityOf, Update, YesNo,
};
use super::console::runtime;
use super::exit::{Failed, NO, OK, UNKNOWN};
use super::print;
use super::session::Start;
use super::shelf::{channels, cleaned, limits};
use crate::domain::incident::{
    Event, Incident, IncidentId, Language, NAME, NewIncident, Observation, Role, Severity, TEXT,
    TITLE, Witness, need,
};
use crate::engine::incidents::export::{Wanted, export as write_out};
use crate::engine::incidents::{Hand, Ledger, evidence, tell};
use crate::journal::IncidentError;
use crate::journal::incidents::Written;
use crate::ui::widget::text::sanitize;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// `vigie incident`.
pub fn incident(start: &Start, asked: Asked) -> Result<u8, Failed> {
    let ledger = Ledger {
        state: start.loaded.state_dir(),
        cleaner: cleaned,
    };
    match asked {
        Asked::Open(asked) => open(start, &ledger, &asked),
        Asked::List => list(start, &ledger),
        Asked::Show { id } => show(start, &ledger, &id),
        Asked::Export(asked) => export(start, &ledger, &asked),
        Asked::Severity(asked) => severity(start, &ledger, &asked),
        Asked::Update(asked) => update(start, &ledger, &asked),
        Asked::Ack { id } => change(start, &ledger, &id, Event::Acknowledged {}),
        Asked::Note(asked) => note(start, &ledger, &asked),
        Asked::Gather { id } => gathered(start, &ledger, &id),
        Asked::Link { id, run } => link(start, &ledger, &id, &run),
        Asked::Escalate { id, to } => {
            wanted(&to, NAME, "whom", "--to WHO")?;
            let to = to.trim().to_owned();
            change(start, &ledger, &id, Event::Escalated { to })
        }
        Asked::Role { id, role, name } => {
            let role: Role = role.parse().map_err(Failed::usage)?;
            if let Some(name) = &name {
                wanted(name, NAME, "a name", "the name after the role")?;
            }
            let name = name.map(|name| name.trim().to_owned());
            change(start, &ledger, &id, Event::Role { role, name })
        }
        Asked::Breach { id, answer, reason } => {
            let breach = answer == YesNo::Yes;
            because(&reason)?;
            change(start, &ledger, &id, Event::Breach { breach, reason })
        }
        Asked::Reported { id, reason } => {
            because(&reason)?;
            change(start, &ledger, &id, Event::Reported { reason })
        }
        Asked::Detected { id, at, reason } => {
            because(&reason)?;
            let at = moment(&at)?;
            change(start, &ledger, &id, Event::Detected { at, reason })
        }
        Asked::Mitigated { id, reason } => {
            because(&reason)?;
            change(start, &ledger, &id, Event::Mitigated { reason })
        }
        Asked::Handover { id, to, reason } => {
            wanted(&to, NAME, "a name", "--to NAME")?;
            because(&reason)?;
            let to = to.trim().to_owned();
            change(start, &ledger, &id, Event::HandedOver { to, reason })
        }
        Asked::Resolve { id, reason } => {
            if let Some(reason) = &reason {
                because(reason)?;
            }
            change(start, &ledger, &id, Event::Resolved { reason })
        }
        Asked::Reopen { id, reason } => {
            because(&reason)?;
            change(start, &ledger, &id, Event::Reopened { reason })
        }
    }
}

fn wanted(text: &str, most: usize, what: &str, how: &str) -> Result<(), Failed> {
    need(text, most, what, how).map_err(Failed::usage)
}

fn because(reason: &str) -> Result<(), Failed> {
    wanted(reason, TEXT, "a reason", "--reason TEXT")
}

/// A moment as it is typed.
fn moment(text: &str) -> Result<Timestamp, Failed> {
    text.trim().parse().map_err(|_| {
        Failed::usage(format!(
            "`{}` is no moment; write it in UTC as 2026-03-04T03:10:00Z",
            sanitize(text)
        ))
    })
}

fn failed(error: IncidentError) -> Failed {
    match error {
        IncidentError::Refused(sentence) => Failed::new(NO, sentence),
        IncidentError::Journal(error) => Failed::new(
            UNKNOWN,
            format!(
                "{error}\nNothing was written. `vigie incident export` still reads what holds."
            ),
        ),
    }
}

fn open(start: &Start, ledger: &Ledger, asked: &Open) -> Result<u8, Failed> {
    let severity: Severity = asked.severity.parse().map_err(Failed::usage)?;
    wanted(&asked.title, TITLE, "a title", "--title TEXT")?;
    let detected_at = asked.detected_at.as_deref().map(moment).transpose()?;
    let (hand, place) = ask::here(start)?;
    if let Some(at) = detected_at {
        crate::domain::incident::detected(at, hand.now).map_err(Failed::usage)?;
    }
    let new = NewIncident {
        title: asked.title.clone(),
        severity,
        detected_at,
        breach: asked.breach.then_some(true),
        place,
        limits: limits(start.loaded.config()),
    };
    let written = ledger.open(&hand, new).map_err(failed)?;
    announced(start, ledger, &written, &hand, Some("incident"))
}

/// A line for the record, or the marker of a deployment.
fn note(start: &Start, ledger: &Ledger, asked: &Note) -> Result<u8, Failed> {
    wanted(&asked.text, TEXT, "a note", "the text in quotes")?;
    let text = asked.text.clone();
    let when = asked.at.as_deref().map(moment).transpose()?;
    match (asked.kind, when) {
        (NoteKind::Note, None) => change(start, ledger, &asked.id, Event::Note { text }),
        (NoteKind::Note, Some(_)) => Err(Failed::usage(
            "--at is for --kind deploy: a note has the time at which it is written".to_owned(),
        )),
        (NoteKind::Deploy, when) => {
            let (id, hand) = known(start, ledger, &asked.id)?;
            let at = when.unwrap_or(hand.now);
            crate::domain::incident::detected(at, hand.now)
                .map_err(|why| Failed::usage(why.replace("detected", "deployed")))?;
            let marker = Event::Observed(Observation {
                key: format!("said {}", hand.now),
                witness: Witness::Deploy,
                object: String::new(),
                text,
                at: Some(at),
            });
            let written = ledger
                .write(id, &hand, |_| Ok(vec![marker]))
                .map_err(failed)?;
            told(start, &written, &hand)
        }
    }
}

/// Links a run of before, with what its journal says of it.
fn link(start: &Start, ledger: &Ledger, id: &str, run: &str) -> Result<u8, Failed> {
    let (id, hand) = known(start, ledger, id)?;
    let found = evidence::of(&ledger.state, run).map_err(|why| Failed::new(NO, why))?;
    let linked = Event::Linked {
        run: found.run,
        runbook: found.runbook,
        text: found.text,
    };
    let written = ledger
        .write(id, &hand, |_| Ok(vec![linked]))
        .map_err(failed)?;
    told(start, &written, &hand)
}

/// `vigie incident gather`.
fn gathered(start: &Start, ledger: &Ledger, id: &str) -> Result<u8, Failed> {
    let (id, hand) = known(start, ledger, id)?;
    let many = gather::gather(start, ledger, id, &hand)
        .map_err(|why| Failed::new(UNKNOWN, format!("the cluster did not say: {why}")))?;
    print::note(&match many {
        0 => "Nothing was seen that does not stand there already.".to_owned(),
        1 => "One thing more stands there now.".to_owned(),
        many => format!("{many} things more stand there now."),
    });
    after(start, ledger, id, &hand)
}

/// Writes one event and tells what came of it.
fn change(start: &Start, ledger: &Ledger, id: &str, event: Event) -> Result<u8, Failed> {
    let (id, hand) = known(start, ledger, id)?;
    let kind = tell::kind(&event);
    let written = ledger
        .write(id, &hand, |_| Ok(vec![event]))
        .map_err(failed)?;
    announced(start, ledger, &written, &hand, kind)
}

fn known(start: &Start, ledger: &Ledger, id: &str) -> Result<(IncidentId, Hand), Failed> {
    let id = ledger.files().find(id).map_err(Failed::usage)?;
    let read = ledger
        .files()
        .read(id)
        .map_err(|error| failed(error.into()))?;
    Ok((id, ask::hand(start, &read.incident.place)?))
}

fn severity(start: &Start, ledger: &Ledger, asked: &SeverityOf) -> Result<u8, Failed> {
    let to: Severity = asked.severity.parse().map_err(Failed::usage)?;
    if let Some(reason) = &asked.reason {
        because(reason)?;
    }
    let (id, hand) = known(start, ledger, &asked.id)?;
    let decide = |incident: &Incident| {
        Ok(vec![Event::Severity {
            from: incident.severity(),
            to,
            reason: asked.reason.clone(),
            by: asked.by.clone(),
        }])
    };
    let written = ledger.write(id, &hand, decide).map_err(failed)?;
    let kind = written
        .records
        .iter()
        .find_map(|record| tell::kind(&record.event));
    announced(start, ledger, &written, &hand, kind)
}

fn update(start: &Start, ledger: &Ledger, asked: &Update) -> Result<u8, Failed> {
    wanted(&asked.text, TEXT, "a message", "the text in quotes")?;
    let (id, hand) = known(start, ledger, &asked.id)?;
    let read = ledger
        .files()
        .read(id)
        .map_err(|error| failed(error.into()))?;
    let unsure = read.incident.unsure.values().next();
    if let Some(why) = unsure.filter(|_| !asked.again && !asked.by_hand) {
        return Err(Failed::new(
            NO,
            format!(
                "an earlier message may have arrived ({why}); look there, then --again sends this one"
            ),
        ));
    }
    let channels = channels(&start.loaded);
    let sent = (!asked.by_hand).then(|| {
        let sending = tell::send(
            ledger,
            &hand,
            &channels,
            &read.incident,
            "update",
            &asked.text,
        );
        runtime().map(|runtime| runtime.block_on(sending))
    });
    if let Some(said) = sent.transpose()?.flatten() {
        print::note(&sanitize(&said));
        return after(start, ledger, id, &hand);
    }
    let events = tell::by_hand(&hand, &asked.text);
    let written = ledger.write(id, &hand, |_| Ok(events)).map_err(failed)?;
    told(start, &written, &hand)
}

/// Tells the channels of what was just written, where they want it, then what stands there now.
fn announced(
    start: &Start,
    ledger: &Ledger,
    written: &Written,
    hand: &Hand,
    kind: Option<&str>,
) -> Result<u8, Failed> {
    let Some(kind) = kind else {
        return told(start, written, hand);
    };
    let incident = &written.incident;
    let (channels, text) = (channels(&start.loaded), tell::text(incident, kind));
    let sending = tell::send(ledger, hand, &channels, incident, kind, &text);
    match runtime()?.block_on(sending) {
        Some(said) => {
            print::note(&sanitize(&said));
            after(start, ledger, incident.id, hand)
        }
        None => told(start, written, hand),
    }
}

/// What stands there after others wrote.
fn after(start: &Start, ledger: &Ledger, id: IncidentId, hand: &Hand) -> Result<u8, Failed> {
    let read = ledger
        .files()
        .read(id)
        .map_err(|error| failed(error.into()))?;
    let written = Written {
        incident: read.incident,
        records: Vec::new(),
        head: read.head,
    };
    told(start, &written, hand)
}

/// What stands there now.
fn told(start: &Start, written: &Written, hand: &Hand) -> Result<u8, Failed> {
    if start.global.output == Output::Json {
        let document = document::of(&written.incident, hand.now, &written.head, None);
        return print::text(&print::line(&document));
    }
    print::text(&document::summary(&written.incident, hand.now))
}

fn list(start: &Start, ledger: &Ledger) -> Result<u8, Failed> {
    let now = crate::engine::clock::Clock::system().now();
    let (listed, broken) = ledger.files().list();
    for (dir, why) in &broken {
        print::note(&format!("{}: {}", dir.display(), sanitize(why)));
    }
    if start.global.output == Output::Json {
        let all: Vec<Value> = listed
            .iter()
            .map(|read| {
                let now = now + read.incident.ahead;
                let mut one =
                    document::of(&read.incident, now, &read.head, read.read_only().as_deref());
                if let Some(fields) = one.as_object_mut() {
                    fields.remove("schema");
                }
                one
            })
            .collect();
        return print::text(&print::line(&json!({"schema": 1, "incidents": all})));
    }
    if listed.is_empty() {
        return print::text(
            "No incidents. `vigie incident open --severity P1 --title TEXT` opens one.\n",
        );
    }
    print::text(&document::table(&listed, now))
}

fn show(start: &Start, ledger: &Ledger, id: &str) -> Result<u8, Failed> {
    let id = ledger.files().find(id).map_err(Failed::usage)?;
    let read = ledger
        .files()
        .read(id)
        .map_err(|error| failed(error.into()))?;
    let now = crate::engine::clock::Clock::system().now() + read.incident.ahead;
    if let Some(why) = read.read_only() {
        print::note(&format!("{id}: {why}"));
    }
    if start.global.output == Output::Json {
        let mut document =
            document::of(&read.incident, now, &read.head, read.read_only().as_deref());
        document["timeline"] = document::timeline(&read.incident, now);
        return print::text(&print::line(&document));
    }
    let language = language(start, None)?;
    print::text(&document::page(&read.incident, now, language))
}

/// The language asked for, or the configuration's.
fn language(start: &Start, asked: Option<&str>) -> Result<Language, Failed> {
    match asked {
        Some(code) => Language::of(&code.to_lowercase()).ok_or_else(|| {
            Failed::usage(format!(
                "--lang {}: a post-mortem is written in en or fr",
                sanitize(code)
            ))
        }),
        None => Ok(Language::of(&start.loaded.config().runbooks.language).unwrap_or_default()),
    }
}

fn export(start: &Start, ledger: &Ledger, asked: &Export) -> Result<u8, Failed> {
    let language = language(start, asked.lang.as_deref())?;
    let (id, hand) = known(start, ledger, &asked.id)?;
    if !asked.offline
        && let Err(why) = gather::gather(start, ledger, id, &hand)
    {
        print::note(&sanitize(&format!(
            "What the cluster saw is not asked for: {why}. --offline leaves it out knowingly."
        )));
    }
    let folder = asked.dir.clone();
    let wanted = Wanted {
        id,
        language,
        folder: folder.unwrap_or_else(|| PathBuf::from(id.to_string())),
        journals: asked.journals,
        pseudonymised: asked.pseudonymised,
    };
    let made = write_out(ledger, &hand, &wanted).map_err(failed)?;
    for missing in &made.missing {
        print::note(&sanitize(missing));
    }
    if made.masked > 0 && !asked.pseudonymised {
        print::note(&format!(
            "{} records hold a text that is masked in the files, but stands in the bundle as it was written",
            made.masked
        ));
    }
    let files: Vec<String> = made
        .files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if start.global.output == Output::Json {
        return print::text(&print::line(&json!({
            "schema": 1, "incident": id, "language": language.code(), "files": files, "head": made.head,
            "bundle_sha256": made.bundle, "masked": made.masked, "missing": made.missing, "pseudonymised": asked.pseudonymised,
        })));
    }
    let mut text = String::new();
    for file in &files {
        // A string takes whatever is written.
        let _ = writeln!(text, "{}", sanitize(file));
    }
    let bundle = wanted.folder.join("bundle.tar");
    let bundle = bundle.display().to_string();
    text.push_str(&super::runs::proves(
        &sanitize(&bundle),
        made.head.as_deref(),
    ));
    print::text(&text)?;
    Ok(OK)
}
