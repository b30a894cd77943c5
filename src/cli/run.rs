//! `vigie run` and `vigie resume`: a run without a screen. It goes through the same App, machine and engine as on the
//! screen; what nobody has answered beforehand stops it, with the exit codes of the contract.

mod advice;
mod tell;
mod unseen;

use super::args::value::{Answer, Reply};
use super::args::{Output, Resume, Run as Asked};
use super::console::runtime;
use super::exit::{FAILING, Failed, NO, OK, UNKNOWN, USAGE};
use super::session::{Session, Start};
use super::{print, shelf};
use crate::app::command::Command;
use crate::app::effect::Effect;
use crate::app::message::Message;
use crate::app::runs::order::{RunOrder, RunRequest};
use crate::app::screen::Screen;
use crate::engine::runs::policy::LEAST_REASON;
use crate::journal::{RealDisk, Runs};
use crate::runbook::machine::{Answers, AskKind, Decision, RunState};
use crate::terminal::{Signal, Signals};
use std::collections::BTreeMap;
use std::time::Duration;
use tell::Teller;
use unseen::Given;

/// The exit code of an interrupted run.
const INTERRUPTED: u8 = 130;
/// How long the last record may take when the program is told to go.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// `vigie run`.
pub fn run(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    let request = request(asked)?;
    known(start, shelf::find(&start.loaded, &asked.id).map(drop))?;
    let given = Given::read(&asked.secret)?;
    drive(start, Command::StartRun(Box::new(request)), given, true)
}

/// What is typed is judged before the way to the cluster is: a mistake in it is there whatever the cluster says.
fn known(start: &Start, found: Result<(), Failed>) -> Result<(), Failed> {
    if let Err(failed) = &found {
        let json = start.global.output == Output::Json;
        print::text(&Teller::new(json, true).refused(&failed.sentence))?;
    }
    found
}

/// `vigie runbook plan`: the same up to the first effect.
pub fn plan(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    let request = RunRequest {
        dry_run: true,
        unrecorded: true,
        ..request(asked)?
    };
    known(start, shelf::find(&start.loaded, &asked.id).map(drop))?;
    let given = Given::default();
    drive(start, Command::StartRun(Box::new(request)), given, false)
}

/// `vigie resume`.
pub fn resume(start: &Start, asked: &Resume) -> Result<u8, Failed> {
    let answers = Answers {
        confirm: asked.confirm.clone(),
        yes: asked.yes,
        step: asked.answer.iter().map(answer).collect(),
        reason: asked.reason.clone(),
        ..Answers::default()
    };
    let run = asked.run.as_str().into();
    let found = Runs::new(&start.loaded.state_dir(), RealDisk).find(&asked.run);
    known(start, found.map(drop).map_err(Failed::usage))?;
    let given = Given::read(&asked.secret)?;
    drive(start, Command::ResumeRun { run, answers }, given, true)
}

fn request(asked: &Asked) -> Result<RunRequest, Failed> {
    let mut params = BTreeMap::new();
    for setting in &asked.set {
        if params
            .insert(setting.key.clone(), setting.value.clone())
            .is_some()
        {
            return Err(Failed::usage(format!("--set {} twice", setting.key)));
        }
    }
    let break_glass = asked.break_glass.as_ref().map(|why| why.trim().to_owned());
    if break_glass
        .as_ref()
        .is_some_and(|why| why.chars().count() < LEAST_REASON)
    {
        return Err(Failed::usage(format!(
            "--break-glass wants a reason of {LEAST_REASON} characters at least"
        )));
    }
    Ok(RunRequest {
        runbook: asked.id.as_str().into(),
        params,
        unattended: true,
        dry_run: asked.dry_run,
        unrecorded: false,
        answers: Answers {
            confirm: asked.confirm.clone(),
            yes: asked.yes,
            step: asked.answer.iter().map(answer).collect(),
            reason: asked.reason.clone().or_else(|| break_glass.clone()),
            break_glass,
            severity: None,
        },
    })
}

fn answer(answer: &Answer) -> (String, String) {
    let step = match &answer.item {
        Some(item) => format!("{}.{item}", answer.step),
        None => answer.step.clone(),
    };
    let value = match &answer.value {
        Reply::Plain(text) => text.clone(),
        Reply::Attest(text) => format!("attest:{text}"),
        Reply::Link(url) => format!("link:{url}"),
        Reply::NotApplicable(why) => format!("na:{why}"),
    };
    (step, value)
}

fn drive(start: &Start, command: Command, given: Given, kept: bool) -> Result<u8, Failed> {
    let json = start.global.output == Output::Json;
    runtime()?.block_on(async {
        let session = start.session(start.place(), Screen::Runs).await?;
        let mut driver = Driver {
            session,
            teller: Teller::new(json, kept),
            given,
            interrupts: 0,
        };
        driver.send(Message::Command(command))?;
        let came = driver.carry_on().await;
        if kept {
            super::audit::shortly(start).await;
        }
        came
    })
}

/// Drives one run to its end, or to where a person must decide.
struct Driver {
    session: Session,
    teller: Teller,
    given: Given,
    interrupts: u32,
}

impl Driver {
    /// Gives the App a message, the engine its orders, and the reader what is on disk.
    fn send(&mut self, message: Message) -> Result<(), Failed> {
        let now = self.session.engine.clock().now();
        let effects = self.session.app.update(message, now);
        self.perform(effects);
        let text = self.teller.more(&self.session.app.runs);
        print::text(&text).map(drop)
    }

    fn perform(&self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Run(order) = effect {
                self.session.engine.carry(order);
            }
        }
    }

    async fn carry_on(&mut self) -> Result<u8, Failed> {
        let mut signals = Signals::listen()?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            if self.give()? {
                continue;
            }
            if let Some(code) = self.outcome()? {
                return Ok(code);
            }
            tokio::select! {
                biased;
                signal = signals.next() => {
                    self.interrupts += 1;
                    if signal != Signal::Interrupt || self.interrupts > 1 {
                        return self.go(signal).await;
                    }
                    print::note("stopping after this step; once more interrupts at once");
                    self.send(Message::Command(Command::StopRun))?;
                }
                fact = self.session.facts.recv() => match fact {
                    Some(fact) => self.send(Message::Fact(fact))?,
                    None => return Err(Failed::new(UNKNOWN, "nothing more is heard")),
                },
                _ = tick.tick() => self.send(Message::Tick)?,
            }
        }
    }

    /// Gives the run the secret it asks for, if it is here or somebody types it; whether it was.
    fn give(&mut self) -> Result<bool, Failed> {
        let Some(run) = &self.session.app.runs.present else {
            return Ok(false);
        };
        let Some(AskKind::Secret(name)) = run.ask().map(|ask| &ask.kind) else {
            return Ok(false);
        };
        let (name, run) = (name.clone(), run.start().run.clone());
        let Some(value) = self.given.take(&name) else {
            return Ok(false);
        };
        self.session
            .engine
            .carry(RunOrder::Give { run, name, value });
        self.send(Message::Command(Command::Decide(Decision::Given)))?;
        Ok(true)
    }

    /// The exit code, once there is nothing more to wait for.
    fn outcome(&self) -> Result<Option<u8>, Failed> {
        let runs = &self.session.app.runs;
        if let Some(refusal) = &runs.refused {
            let code = if refusal.usage { USAGE } else { UNKNOWN };
            print::text(&self.teller.refused(&refusal.sentence))?;
            return Err(Failed::new(code, refusal.sentence.clone()));
        }
        let Some(run) = &runs.present else {
            return Ok(None);
        };
        if let Some(end) = &run.ledger().end {
            let code = match end.state {
                RunState::Succeeded => OK,
                _ if end.refused => UNKNOWN,
                _ => NO,
            };
            return Ok(Some(code));
        }
        if let Some(why) = run.halted() {
            let why = format!("the record cannot be written, so nothing more is done: {why}");
            print::text(&self.teller.stopped(run, "journal", &why))?;
            return Ok(Some(FAILING));
        }
        if let Some(ask) = run.ask() {
            let reason = serde_json::to_value(ask.reason).unwrap_or_default();
            let reason = reason.as_str().unwrap_or_default();
            print::text(&self.teller.stopped(run, reason, &ask.message))?;
            let code = if self.interrupts > 0 {
                INTERRUPTED
            } else {
                FAILING
            };
            return Ok(Some(code));
        }
        Ok(None)
    }

    /// Told to go: the record gets a last line, what is in flight stays to be probed.
    async fn go(&mut self, signal: Signal) -> Result<u8, Failed> {
        let why = match signal {
            Signal::Interrupt => "interrupted twice",
            Signal::Terminate => "SIGTERM",
            Signal::Hangup => "SIGHUP",
        };
        let effects = self.session.app.interrupted(why);
        let recording = !effects.is_empty();
        self.perform(effects);
        let known = self.session.app.runs.entries.len();
        let written = async {
            while recording && !self.session.app.runs.interrupted_after(known) {
                let Some(fact) = self.session.facts.recv().await else {
                    return Ok::<(), Failed>(());
                };
                self.send(Message::Fact(fact))?;
            }
            Ok(())
        };
        match tokio::time::timeout(LAST_WORDS, written).await {
            Ok(written) => written?,
            Err(_) => print::note("the last record was not confirmed in time"),
        }
        if let Some(run) = &self.session.app.runs.present {
            let message = "interrupted; what is in flight is looked up before it goes on";
            print::text(&self.teller.stopped(run, "interrupted", message))?;
        }
        Ok(INTERRUPTED)
    }
}
