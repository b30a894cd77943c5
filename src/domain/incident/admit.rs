//! What may be written next of an incident, and why not. Pure: whoever appends asks under the file's lock, so two people at
//! once cannot write what contradicts each other.

use super::event::Event;
use super::fold::Incident;
use super::role::Role;
use super::severity::Severity;
use jiff::{SignedDuration, Timestamp};

/// The longest title.
pub const TITLE: usize = 200;
/// The longest note, reason or message.
pub const TEXT: usize = 2_000;
/// The longest name of a person.
pub const NAME: usize = 80;

impl Incident {
    /// Whether an event may follow; else one sentence with what to do.
    pub fn admit(&self, event: &Event, now: Timestamp) -> Result<(), String> {
        let id = self.id;
        if self.resolved.is_some() && !goes_on_after(event) {
            return Err(format!(
                "{id} is resolved; `vigie incident reopen {id} --reason TEXT` opens it again"
            ));
        }
        match event {
            Event::Opened { .. } => Err(format!("{id} is open already")),
            Event::Detected { at, reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                detected(*at, now)
            }
            Event::Acknowledged {} => match self.acknowledged {
                Some(at) => Err(format!("{id} was acknowledged at {}", clock(at))),
                None => Ok(()),
            },
            Event::Severity {
                from,
                to,
                reason,
                by,
            } => self.admit_severity(*from, *to, reason.as_deref(), by.as_deref()),
            Event::Role {
                name: Some(name), ..
            } => need(name, NAME, "a name", "the name after the role"),
            Event::Note { text } => need(text, TEXT, "a note", "the text in quotes"),
            Event::Breach { reason, .. } => need(reason, TEXT, "a reason", "--reason TEXT"),
            Event::Reported { reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                match (self.breach, self.reported) {
                    (None, _) => Err(format!(
                        "{id} is not marked as a data breach; `vigie incident breach {id} yes --reason TEXT` does it first"
                    )),
                    (_, Some(at)) => Err(format!("the authority was told at {}", clock(at))),
                    _ => Ok(()),
                }
            }
            Event::HandedOver { to, reason } => {
                need(to, NAME, "a name", "--to NAME")?;
                need(reason, TEXT, "a reason", "--reason TEXT")
            }
            Event::Escalated { to } => {
                need(to, NAME, "whom", "--to NAME")?;
                match self.acknowledged {
                    Some(at) => Err(format!(
                        "{id} was acknowledged at {}; handing it over is `vigie incident handover {id}`",
                        clock(at)
                    )),
                    None => Ok(()),
                }
            }
            Event::Linked { run, .. } if self.linked.iter().any(|(known, ..)| known == run) => {
                Err(format!("run {run} is linked to {id} already"))
            }
            Event::Mitigated { .. } if self.mitigated.is_some() => {
                Err(format!("{id} is mitigated already"))
            }
            Event::Reopened { reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                if self.resolved.is_none() {
                    return Err(format!("{id} is open; there is nothing to reopen"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn admit_severity(
        &self,
        from: Severity,
        to: Severity,
        reason: Option<&str>,
        by: Option<&str>,
    ) -> Result<(), String> {
        let (id, now) = (self.id, self.severity());
        if from != now {
            return Err(format!(
                "{id} is {now} by now, not {from}: somebody else changed it; look, then say it again"
            ));
        }
        if !now.above(to) {
            return Ok(());
        }
        need(
            reason.unwrap_or_default(),
            TEXT,
            "a reason to lower it",
            "--reason TEXT",
        )?;
        let Some(commander) = self.roles.get(&Role::Commander) else {
            return Err(format!(
                "lowering is the incident commander's, and {id} has none; `vigie incident role {id} commander NAME` names one"
            ));
        };
        match by {
            Some(by) if by.trim() == commander => Ok(()),
            Some(_) => Err(format!(
                "lowering is the incident commander's, who is {commander}, as {id} has it"
            )),
            None => Err(format!(
                "lowering is the incident commander's; say who lowers it: --by {commander:?}"
            )),
        }
    }
}

/// What may still be written about an incident that is over.
fn goes_on_after(event: &Event) -> bool {
    matches!(
        event,
        Event::Note { .. }
            | Event::Exported { .. }
            | Event::Reopened { .. }
            | Event::Role { .. }
            | Event::Reported { .. }
            | Event::Breach { .. }
            | Event::Notice(_)
            | Event::Run(_)
            | Event::Recovered { .. }
            | Event::Detected { .. }
            | Event::Revision { .. }
            | Event::Observed(_)
            | Event::Linked { .. }
    )
}

/// Whether a text is there and not too long.
pub fn need(text: &str, most: usize, what: &str, how: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("{what} is needed: {how}"));
    }
    let length = text.chars().count();
    if length > most {
        return Err(format!(
            "{what} has {length} characters and may have {most}; shorten it"
        ));
    }
    Ok(())
}

/// Whether a moment can be one of detection.
pub fn detected(at: Timestamp, now: Timestamp) -> Result<(), String> {
    if at > now + SignedDuration::from_secs(60) {
        return Err(format!(
            "it cannot be detected in the future ({at}; now it is {now}); give a moment of the past in UTC"
        ));
    }
    if at < now - SignedDuration::from_hours(24 * 366) {
        return Err(format!(
            "it cannot be detected more than a year ago ({at}); give the right moment in UTC"
        ));
    }
    Ok(())
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}
