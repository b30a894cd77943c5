//! What can be typed after `vigie incident`. Names and severities are taken as text: what is wrong with one is said by
//! whoever knows incidents, in a sentence with what to write.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// `vigie incident`.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Incident {
    /// Open one at the target: its clocks run from now, or from when it was detected.
    #[command(
        after_help = "Examples:\n  vigie incident open --severity P0 --title 'production down' -n veza-production\n  \
                      vigie incident open --severity P1 --title 'login slow' --detected-at 2026-03-04T03:10:00Z"
    )]
    Open(Open),
    /// The incidents of this machine, open ones first.
    List,
    /// One of them: clocks, roles, what comes next, the timeline.
    Show {
        /// The incident, as INC-2026-014.
        id: String,
    },
    /// Somebody takes it on.
    Ack {
        /// The incident.
        id: String,
    },
    /// Nobody took it on: somebody else was called.
    Escalate {
        /// The incident.
        id: String,
        /// Whom, as it is to stand there: a role, or a name.
        #[arg(long, value_name = "WHO")]
        to: String,
    },
    /// A line for the record; one that begins with the word TO-DO in one piece becomes an action item.
    Note(Note),
    /// Link a run of before that has to do with it: the checklist of the release, a rehearsal.
    Link {
        /// The incident.
        id: String,
        /// The run.
        run: String,
    },
    /// Take over what the cluster says of the time since shortly before: Events, revisions, conditions, deploy markers, alerts.
    ///
    /// A console does so by itself while the incident is open, and `export` once more; Events are kept by a cluster for an
    /// hour or so.
    Gather {
        /// The incident.
        id: String,
    },
    /// Settle, raise or lower its severity. Lowering needs a reason and the commander's name as it stands there.
    Severity(SeverityOf),
    /// Who does what: commander, deputy, scribe, liaison. Without a name: nobody any more.
    Role {
        /// The incident.
        id: String,
        /// commander (ic), deputy, scribe or liaison.
        role: String,
        /// The name as it is to stand there.
        name: Option<String>,
    },
    /// Whether personal data is concerned: yes starts the 72 hours until the authority is told.
    Breach {
        /// The incident.
        id: String,
        /// Whether it is.
        answer: YesNo,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// The data protection authority was told.
    Reported {
        /// The incident.
        id: String,
        /// How, and its reference.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// It was detected at another moment than was said.
    Detected {
        /// The incident.
        id: String,
        /// When, as 2026-03-04T03:10:00Z.
        at: String,
        /// How that is known.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Tell those concerned: the text goes to the channels that want updates, or was told by hand where there are none.
    Update(Update),
    /// Users are served again.
    Mitigated {
        /// The incident.
        id: String,
        /// By what.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Somebody else carries it on, as its commander.
    Handover {
        /// The incident.
        id: String,
        /// The name as it is to stand there.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Where it stands.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// It is over.
    Resolve {
        /// The incident.
        id: String,
        /// What brought it back.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// It was not over.
    Reopen {
        /// The incident.
        id: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write it out: postmortem.md, timeline.csv, timeline.jsonl, and bundle.tar, which `vigie audit verify` checks.
    Export(Export),
}

/// `vigie incident open`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Open {
    /// P0, P1, P2 or P3; unsure, the higher.
    #[arg(long, value_name = "P0-P3")]
    pub severity: String,
    /// What it is about.
    #[arg(long, value_name = "TEXT")]
    pub title: String,
    /// When it was detected, as 2026-03-04T03:10:00Z; now unless given.
    #[arg(long, value_name = "TIME")]
    pub detected_at: Option<String>,
    /// Personal data is concerned: the 72 hours begin.
    #[arg(long)]
    pub breach: bool,
}

/// `vigie incident note`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Note {
    /// The incident.
    pub id: String,
    /// The line.
    pub text: String,
    /// A note, or the marker of a deployment, for the pipeline to leave.
    #[arg(long, value_enum, default_value_t = NoteKind::Note)]
    pub kind: NoteKind,
    /// When it was deployed, as 2026-03-04T03:10:00Z; now unless given.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NoteKind {
    /// Words for the record.
    Note,
    /// Something was deployed.
    Deploy,
}

/// `vigie incident severity`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct SeverityOf {
    /// The incident.
    pub id: String,
    /// P0, P1, P2 or P3; the one it has settles it.
    pub severity: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// To lower it: the incident commander's name as it stands there.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// `vigie incident update`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Update {
    /// The incident.
    pub id: String,
    /// What is told.
    pub text: String,
    /// It was told by other means: record it, send nothing.
    #[arg(long)]
    pub by_hand: bool,
    /// Send it although an earlier one may have arrived.
    #[arg(long)]
    pub again: bool,
}

/// `vigie incident export`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Export {
    /// The incident.
    pub id: String,
    /// en or fr; the configuration's language unless given.
    #[arg(long, value_name = "LANG")]
    pub lang: Option<String>,
    /// The folder; one named after the incident unless given. Nothing in it is written over.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Put the runs' journals into the bundle as well: they name who acted.
    #[arg(long)]
    pub journals: bool,
    /// Give everybody who is named a pseudonym of this export alone: a copy for those who need not know who acted.
    #[arg(long)]
    pub pseudonymised: bool,
    /// Write out what stands there: do not ask the cluster what else it has seen.
    #[arg(long)]
    pub offline: bool,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// It is.
    Yes,
    /// It is not.
    No,
}
