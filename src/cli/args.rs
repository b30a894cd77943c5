//! What can be typed: every subcommand and flag, their help, completions and man pages. Values only; what they mean is decided
//! by whoever runs the command, and the configuration's keys set by flags are listed in [`Global::settings`].
//!
//! Length: every subcommand with its examples, in the order of the help.

pub mod incident;
pub mod man;
pub mod value;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::layer::Flag;
use crate::config::unit::Time;
use crate::runbook::SHIPPED;
use crate::sim::scenario::Scenario;
use crate::ui::theme;
pub use incident::Incident;
pub use man::man;
use value::{Answer, FrameSize, SCREENS, Screen, Setting, Suggested, Unseen, whole};

/// The whole command line.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(
    name = "vigie",
    version,
    about = "A lookout for a platform on Kubernetes: what is broken, since when, what changed, and the guided way out.",
    long_about = "A lookout for a platform on Kubernetes: what is broken, since when, what changed just before, and the guided way \
                  out.\n\nWithout a command it opens the console on the current kubeconfig context.",
    after_help = "Examples:\n  vigie demo                              a bad release on a simulated platform, and the way out of it\n  \
                  vigie -n veza-production                the console on a namespace\n  \
                  vigie --alert 'HighErrorRate veza-backend'   where that alert is\n  \
                  vigie status --output json              one look, for scripts",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The screen to open: overview, pods, workloads, alerts, timeline, runbooks, runs, rollout/NAME, signals/NAME.
    #[arg(long, value_name = "SCREEN", hide_possible_values = true, value_parser = Suggested(|| SCREENS.to_vec()).try_map(|typed| typed.parse::<Screen>()))]
    pub open: Option<Screen>,
    /// Open where an alert is: paste its text, the namespace and service it names are found.
    #[arg(long, value_name = "TEXT", conflicts_with = "open")]
    pub alert: Option<String>,
    /// What to do; without it the console opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Global {
    /// The kubeconfig context.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where")]
    pub context: Option<String>,
    /// The namespace.
    #[arg(
        long,
        short = 'n',
        global = true,
        value_name = "NAME",
        help_heading = "Where"
    )]
    pub namespace: Option<String>,
    /// All namespaces.
    #[arg(
        long,
        short = 'A',
        global = true,
        conflicts_with = "namespace",
        help_heading = "Where"
    )]
    pub all_namespaces: bool,
    /// The kubeconfig file.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Where")]
    pub kubeconfig: Option<String>,
    /// Act as this user.
    #[arg(
        long = "as",
        global = true,
        value_name = "USER",
        help_heading = "Where"
    )]
    pub act_as: Option<String>,
    /// Act as a member of this group; may be given several times.
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        requires = "act_as",
        help_heading = "Where"
    )]
    pub act_as_groups: Vec<String>,
    /// Change nothing, whatever the environment allows.
    #[arg(long, global = true, help_heading = "How")]
    pub read_only: bool,
    /// The theme: auto, night, day, contrast, distinct, mono, or one of your own.
    #[arg(long, global = true, value_name = "NAME", hide_possible_values = true, value_parser = Suggested(themes), help_heading = "How")]
    pub theme: Option<String>,
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", help_heading = "How")]
    pub config: Option<PathBuf>,
    /// What is printed: text for people, json for programs.
    #[arg(
        long,
        short = 'o',
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "How"
    )]
    pub output: Output,
}

impl Global {
    /// The configuration's keys that these flags set.
    pub fn settings(&self) -> Vec<Flag> {
        let flag = |key, name, value: &str| Flag {
            key,
            value: value.to_owned(),
            name,
        };
        let texts = [
            ("start.context", "--context", &self.context),
            ("start.namespace", "--namespace", &self.namespace),
            ("kubeconfig", "--kubeconfig", &self.kubeconfig),
            ("theme", "--theme", &self.theme),
        ];
        let switches = [
            (
                "start.all_namespaces",
                "--all-namespaces",
                self.all_namespaces,
            ),
            ("read_only", "--read-only", self.read_only),
        ];
        let typed = texts
            .into_iter()
            .filter_map(|(key, name, value)| value.as_ref().map(|value| flag(key, name, value)));
        typed
            .chain(
                switches
                    .into_iter()
                    .filter(|(.., on)| *on)
                    .map(|(key, name, _)| flag(key, name, "true")),
            )
            .collect()
    }
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Lines for people.
    #[default]
    Text,
    /// Documents for programs; each begins with `"schema": 1`.
    Json,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// The console on a simulated platform: no cluster, no network, no set-up.
    ///
    /// Without a terminal, or with --frame, one screen is printed as text; with --output json, as a document with its lines.
    #[command(
        after_help = "Examples:\n  vigie demo\n  vigie demo --scenario crash-loop --seed 7\n  vigie demo --frame 120x40 > screen.txt"
    )]
    Demo(Demo),
    /// Rehearse a runbook on the simulated platform, with a fault you do not know.
    ///
    /// It measures the time to acknowledge, to the right diagnosis and to recover, and the turns that did not help, and ends with
    /// a page of what happened and what to read. Finished drills are kept in the state directory, without a name.
    #[command(
        after_help = "Examples:\n  vigie drill --seed 0                    a first one without a fault, every screen explained\n  vigie drill rollback --fast             time runs faster where nothing is decided\n  vigie drill --list"
    )]
    Drill(Drill),
    /// Serve the simulated platform alone, for kubectl and other programs.
    ///
    /// Prints `export KEY=VALUE` lines, then runs until interrupted.
    #[command(
        after_help = "Examples:\n  vigie sim --dir /tmp/sim > /tmp/sim.env &\n  . /tmp/sim.env && kubectl get pods\n  vigie sim --scenario large --pods 10000 --churn 100"
    )]
    Sim(Sim),
    /// One look at the target: links, verdicts, workloads, pods, signals, alerts.
    ///
    /// Exit code: 0 healthy, 1 something to watch, 3 failing, 4 a source that matters did not answer.
    #[command(
        after_help = "Examples:\n  vigie status -n veza-production\n  vigie status --output json | jq .verdict\n  vigie status --watch"
    )]
    Status(Status),
    /// The rollout of a workload: where it stands, what came before, or watch it to its end.
    #[command(subcommand)]
    Rollout(Rollout),
    /// The runbooks: list, read, check, plan.
    #[command(subcommand)]
    Runbook(Runbook),
    /// Run a runbook without the console; it asks nothing that --confirm or --set has not answered.
    ///
    /// Exit code: 0 succeeded, 1 ended otherwise, 3 stopped and resumable, 4 refused before the first effect.
    #[command(
        after_help = "Examples:\n  vigie run rollback --set workload=veza-backend --confirm veza-production --reason 'errors since 43'\n  \
                            vigie run rollback --set workload=veza-backend --set revision=41 --dry-run"
    )]
    Run(Run),
    /// The runs of this machine and their state, unfinished ones first.
    Runs(Runs),
    /// Go on with a run that stopped: what happened meanwhile is looked up before anything is done.
    ///
    /// Without --confirm it looks, reports and stops.
    #[command(
        after_help = "Examples:\n  vigie resume 01J8Z6Q0YB\n  vigie resume 01J8Z6Q0YB --confirm veza-production"
    )]
    Resume(Resume),
    /// Close a run that will not be finished; what it left behind stays listed.
    Abandon(Abandon),
    /// The second pair of eyes: show what a waiting run would do, and sign it with an SSH key.
    ///
    /// Exit code: 0 signed, 1 refused, 3 not signed without a person, 4 could not.
    #[command(
        after_help = "Examples:\n  vigie approve 7K3F-Q9ZD -n veza-production\n  vigie approve 7K3F-Q9ZD --run 01J8Z6Q0YB --key ~/.ssh/id_ed25519"
    )]
    Approve(Approve),
    /// Incidents: open one, write into it, read it, write it out.
    ///
    /// Exit code: 0 done, 1 it may not follow what is written there already, 2 what was typed is wrong, 4 the file cannot be used.
    #[command(
        subcommand,
        after_help = "Examples:\n  vigie incident open --severity P1 --title 'checkout fails'\n  vigie incident note INC-2026-014 'pool exhausted since 03:05'\n  \
                      vigie incident export INC-2026-014 --lang fr"
    )]
    Incident(Incident),
    /// The record of what was done: check it, read it, or remove what is old.
    ///
    /// It names who acted, as machine and cluster know them, so that whoever asks later who changed what and why gets an
    /// answer. It stays on this machine, private to its user, for `[audit] retention` (400 days unless configured);
    /// `vigie audit prune` removes what is older. `vigie runs export` and `vigie incident export` with --pseudonymised
    /// write copies for those who need not know who acted.
    #[command(subcommand)]
    Audit(Audit),
    /// What works here and what does not, each with the way to repair it.
    Doctor,
    /// The configuration: what is in effect and who said so, what is wrong with it.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions for a shell.
    #[command(
        after_help = "Examples:\n  vigie completions bash > ~/.local/share/bash-completion/completions/vigie\n  vigie completions zsh > ~/.zfunc/_vigie"
    )]
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    #[command(after_help = "Examples:\n  vigie man | man -l -")]
    Man,
}

/// What the simulated platform does.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Play {
    /// What goes wrong.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Scenario::ALL.map(Scenario::name)))]
    pub scenario: Option<String>,
    /// The same seed plays the same world.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
}

/// `vigie demo`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Demo {
    /// The world.
    #[command(flatten)]
    pub play: Play,
    /// Print one screen of this size instead, such as 120x40.
    #[arg(long, value_name = "WxH")]
    pub frame: Option<FrameSize>,
}

/// `vigie drill`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Drill {
    /// The runbook to rehearse; any, and finding out which fits, unless given.
    #[arg(hide_possible_values = true, value_parser = Suggested(runbooks))]
    pub id: Option<String>,
    /// Which drill: the same seed is the same one, 0 has no fault and explains every screen; picked unless given.
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// Time runs faster where nothing is decided.
    #[arg(long)]
    pub fast: bool,
    /// What can be rehearsed, and what was.
    #[arg(long, conflicts_with_all = ["id", "seed", "fast"])]
    pub list: bool,
}

/// `vigie sim`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Sim {
    /// The world.
    #[command(flatten)]
    pub play: Play,
    /// Where the kubeconfig is written; a temporary folder unless given.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// How many pods (scenario large).
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    pub pods: Option<u32>,
    /// How many of them change each second (scenario large).
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    pub churn: Option<u32>,
}

/// `vigie status`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Status {
    /// Print again whenever something changed, until interrupted.
    #[arg(long)]
    pub watch: bool,
}

/// `vigie rollout`.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Rollout {
    /// Where a rollout stands.
    Status {
        /// The workload: Kind/name, or a name for a Deployment.
        name: String,
    },
    /// The revisions: image, age, how long each was available, who and why where known.
    History {
        /// The workload: Kind/name, or a name for a Deployment.
        name: String,
    },
    /// Follow a rollout; bell, title and notification on each change.
    #[command(after_help = "Examples:\n  vigie rollout watch veza-backend --until done")]
    Watch {
        /// The workload: Kind/name, or a name for a Deployment.
        name: String,
        /// When to leave; without it, when interrupted.
        #[arg(long, value_name = "STATE")]
        until: Option<Until>,
    },
}

/// When to stop watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// The rollout is done, or cannot be.
    Done,
}

/// `vigie runbook`.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Runbook {
    /// The runbooks there are, the shipped and your own.
    List,
    /// A runbook as a page to read.
    Show {
        /// Its id.
        #[arg(hide_possible_values = true, value_parser = Suggested(runbooks))]
        id: String,
        /// Its file as it is written, to begin one of your own with.
        #[arg(long)]
        source: bool,
    },
    /// Check runbook files; exit code 1 when there are errors.
    Lint {
        /// The files, or folders of them.
        #[arg(required = true, value_name = "FILE|DIR")]
        files: Vec<PathBuf>,
    },
    /// What a run would do to the target as it is now; nothing is changed.
    Plan {
        /// Its id.
        #[arg(hide_possible_values = true, value_parser = Suggested(runbooks))]
        id: String,
        /// A parameter.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<Setting>,
    },
    /// What two runbooks do differently, or that only their text differs; exit code 1 when they do different things.
    #[command(after_help = "Examples:\n  vigie runbook diff rollback ./rollback.runbook.md")]
    Diff {
        /// An id or a file.
        #[arg(value_name = "A")]
        before: String,
        /// An id or a file.
        #[arg(value_name = "B")]
        after: String,
    },
    /// The JSON Schema of the format, for editors.
    Schema,
}

/// `vigie run`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Run {
    /// The runbook's id.
    #[arg(hide_possible_values = true, value_parser = Suggested(runbooks))]
    pub id: String,
    /// A parameter; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<Setting>,
    /// The text of a typed confirmation, the namespace as a rule; answers those it equals and no other.
    #[arg(long, value_name = "TEXT")]
    pub confirm: Vec<String>,
    /// Answer plain confirmations with yes.
    #[arg(long)]
    pub yes: bool,
    /// The answer to a step: STEP=VALUE, or STEP.ITEM=attest:TEXT, link:URL, na:REASON.
    #[arg(long, value_name = "STEP=VALUE")]
    pub answer: Vec<Answer>,
    /// A secret the run asks for, read and never an argument: NAME=- from standard input, NAME=fd:3 from a descriptor.
    #[arg(long, value_name = "NAME=-")]
    pub secret: Vec<Unseen>,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Go to the end and send nothing: the server rehearses each change, and what cannot be rehearsed is said.
    #[arg(long)]
    pub dry_run: bool,
    /// Go past what the policy refuses, for a stated reason of twenty characters at least; flagged in the record.
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
}

/// `vigie runs`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Runs {
    /// Something with one of them.
    #[command(subcommand)]
    pub one: Option<OneRun>,
    /// Old ones too.
    #[arg(long)]
    pub all: bool,
    /// Those too that others announce in the target's namespace; asks the cluster.
    #[arg(long)]
    pub elsewhere: bool,
}

/// `vigie runs export` and its like.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum OneRun {
    /// Write one out as a bundle that proves itself: journal, its records in the audit log, the runbook as it was.
    ///
    /// `vigie audit verify` checks it on any machine. Where a text must be masked it is a copy, and says so.
    #[command(
        after_help = "Examples:\n  vigie runs export 01J8Z6Q0YB\n  vigie runs export 01J8Z6Q0YB --pseudonymised --dir for-the-auditor"
    )]
    Export(ExportRun),
}

/// `vigie runs export`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct ExportRun {
    /// The run, or the beginning or end of its id.
    pub run: String,
    /// The folder; one named after the run unless given. Nothing in it is written over.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Give everybody who is named a pseudonym of this export alone: a copy for those who need not know who acted.
    #[arg(long)]
    pub pseudonymised: bool,
}

/// `vigie resume`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Resume {
    /// The run, or the beginning of its id.
    pub run: String,
    /// The text of a typed confirmation; answers those it equals and no other.
    #[arg(long, value_name = "TEXT")]
    pub confirm: Vec<String>,
    /// Answer plain confirmations with yes.
    #[arg(long)]
    pub yes: bool,
    /// The answer to a step, as in `vigie run`.
    #[arg(long, value_name = "STEP=VALUE")]
    pub answer: Vec<Answer>,
    /// A secret the run asks for, as in `vigie run`.
    #[arg(long, value_name = "NAME=-")]
    pub secret: Vec<Unseen>,
    /// Why somebody else's run is taken over; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `vigie abandon`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Abandon {
    /// The run, or the beginning of its id.
    pub run: String,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `vigie approve`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Approve {
    /// What the waiting run shows, or the whole text of its request.
    pub code: String,
    /// The run it should be of, or the beginning or end of its id.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// The key to sign with; its public half is enough where an agent has the other.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// The namespace, where nobody can be asked to type it.
    #[arg(long, value_name = "TEXT")]
    pub confirm: Vec<String>,
}

/// `vigie audit`.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Audit {
    /// Check that nothing was changed or cut; exit code 1 when it was, 3 when the end is missing.
    ///
    /// Without FILE every journal and the audit log of the state directory is checked.
    Verify {
        /// A journal, an audit log, or the bundle of an incident or a run.
        file: Option<PathBuf>,
        /// The last hash, as noted elsewhere.
        #[arg(long, value_name = "HASH", requires = "file")]
        anchor: Option<String>,
    },
    /// The record, oldest first.
    Show {
        /// Of one run.
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
    },
    /// How far the places beside the file are: the webhook and the syslog of `[audit]`.
    ///
    /// Exit code: 0 all delivered, 1 records wait or were lost.
    Status,
    /// Send what waits for them now; an open console, and a run at its end, do so by themselves.
    ///
    /// Exit code: 0 all delivered, 1 records wait or were lost.
    Deliver,
    /// Remove what is older than `[audit] retention`: closed files of the log, and the folders of runs that are over.
    ///
    /// A record says what goes before it goes, and the chain is still to be followed. Open runs, the runs of open
    /// incidents, and incidents stay.
    #[command(
        after_help = "Examples:\n  vigie audit prune --dry-run\n  vigie audit prune --older-than 500d"
    )]
    Prune {
        /// Keep more: nothing younger than this goes. Less than the configuration's retention is refused.
        #[arg(long, value_name = "SPAN")]
        older_than: Option<Time>,
        /// Say what would go, and remove nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `vigie config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Every key, its value, and who said it; secrets are masked.
    Show,
    /// Whether the configuration is right; exit code 2 when it is not.
    Check,
    /// The JSON Schema, for editors.
    Schema,
    /// Where the file is looked for.
    Path,
}

/// The completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vigie", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The themes that come with the program, for completions; one's own are taken as well.
fn themes() -> Vec<&'static str> {
    let shipped = theme::SHIPPED.map(|(name, _)| name);
    std::iter::once("auto").chain(shipped).collect()
}

/// The runbooks that come with the program, for completions; one's own are taken as well.
fn runbooks() -> Vec<&'static str> {
    SHIPPED.iter().map(|shipped| shipped.id).collect()
}

#[cfg(test)]
mod tests;
