//! The desk where incidents are written for the console: orders are taken one after the other, what others wrote is read
//! again within two seconds. Nothing is sent before it is recorded.

use super::export::{Wanted, export};
use super::tell::{self, Channels};
use super::{Hand, Ledger, evidence};
use crate::app::incidents::order::{Ask, IncidentNews, IncidentOrder, Quiet};
use crate::app::message::{Fact, Notice};
use crate::domain::incident::{
    AlertNews, AlertTurn, Event, Incident, IncidentId, Language, NewIncident,
};
use crate::engine::clock::Clock;
use crate::engine::runs::records::{self, Who};
use crate::journal::incidents::Written;
use crate::journal::{AuditEvent, IncidentError};
use crate::platform::alertmanager::{Alertmanager, Silence, Silencing};
use crate::platform::kubernetes::Cluster;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// How often the files are looked at for what others wrote.
const LOOK: Duration = Duration::from_secs(2);
/// The most incidents that the console is told of.
const MOST: usize = 50;
/// Who made a silence, as Alertmanager shows it.
const MAKER: &str = "vigie";
/// Who made the silence of an acknowledgement.
const ACKNOWLEDGER: &str = "vigie-ack";

/// What the desk works with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Where incidents are kept.
    pub ledger: Ledger,
    /// The present.
    pub clock: Clock,
    /// The API server, whose clock counts.
    pub cluster: Cluster,
    /// The Alertmanager of the target, once it is found.
    pub alertmanager: watch::Receiver<Option<Arc<Alertmanager>>>,
    /// Who is told of what.
    pub channels: Channels,
    /// Who listens.
    pub facts: Sender<Fact>,
}

/// Takes orders; dropping it ends the desk.
#[derive(Debug)]
pub struct Desk {
    orders: UnboundedSender<IncidentOrder>,
    _work: [AbortOnDropHandle<()>; 2],
}

struct Working {
    means: Means,
}

impl Desk {
    /// Opens the desk. Must be called inside a runtime.
    pub fn open(means: Means) -> Self {
        let (orders, waiting) = unbounded_channel();
        let working = Arc::new(Working { means });
        let tasks = [
            AbortOnDropHandle::new(tokio::spawn(working.clone().orders(waiting))),
            AbortOnDropHandle::new(tokio::spawn(working.look())),
        ];
        Self {
            orders,
            _work: tasks,
        }
    }

    /// Takes an order.
    pub fn take(&self, order: IncidentOrder) {
        // The desk ends only with the program.
        let _ = self.orders.send(order);
    }
}

impl Working {
    /// Tells the App; nobody may listen any more when the program is ending.
    async fn fact(&self, news: IncidentNews) {
        let _ = self.means.facts.send(Fact::Incident(news)).await;
    }

    async fn say(&self, text: String, error: bool) {
        let notice = Notice { text, error };
        let _ = self.means.facts.send(Fact::Notice(notice)).await;
    }

    /// Reads what is new in the files, whoever wrote it.
    async fn look(self: Arc<Self>) {
        let mut known: Option<Vec<(IncidentId, u64)>> = None;
        loop {
            let files = self.means.ledger.files();
            let before = known.clone();
            let read = records::off(move || {
                let lengths = files.lengths();
                let changed = before.as_ref() != Some(&lengths);
                let all = changed.then(|| files.list().0);
                (lengths, all)
            });
            if let Ok((lengths, all)) = read.await {
                known = Some(lengths);
                if let Some(all) = all {
                    let all = all.into_iter().take(MOST);
                    let all = all.map(|read| Arc::new(read.incident)).collect();
                    self.fact(IncidentNews::Listed(all)).await;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reads them now: what was just written is seen at once.
    async fn read_again(&self) {
        let files = self.means.ledger.files();
        if let Ok((all, _)) = records::off(move || files.list()).await {
            let all = all.into_iter().take(MOST);
            let all = all.map(|read| Arc::new(read.incident)).collect();
            self.fact(IncidentNews::Listed(all)).await;
        }
    }

    fn hand(&self, by: Option<&Arc<str>>) -> Hand {
        let who = by.map_or_else(Who::here, |by| Who::Cluster(by.to_string()));
        Hand::by(&self.means.clock, who)
    }

    async fn orders(self: Arc<Self>, mut orders: UnboundedReceiver<IncidentOrder>) {
        while let Some(order) = orders.recv().await {
            let hand = self.hand(order.by.as_ref());
            let quiet = matches!(order.ask, Ask::Notice(..));
            match self.obey(&hand, order.ask).await {
                Ok(said) if said.is_empty() => {}
                Ok(said) => self.say(said, false).await,
                // What was only noticed is noticed again; a line each time would bury what people say.
                Err(why) => self.say(why, !quiet).await,
            }
            self.read_again().await;
        }
    }

    async fn obey(&self, hand: &Hand, ask: Ask) -> Result<String, String> {
        match ask {
            Ask::Open(new, alert, quiet) => {
                let (id, said) = self.open(hand, *new, alert.map(|alert| *alert)).await?;
                match quiet {
                    None => Ok(said),
                    Some(quiet) => {
                        let came = self.silence(Some(id), hand, *quiet, ACKNOWLEDGER).await;
                        // It is open whatever becomes of the silence.
                        came.map(|came| format!("{said} {came}"))
                            .map_err(|why| format!("{said} {why}"))
                    }
                }
            }
            Ask::Write(id, event, said) => {
                let kind = tell::kind(&event);
                let written = self.write(id, hand, move |_| Ok(vec![*event])).await?;
                let told = self.tell(hand, &written.incident, kind).await;
                Ok(joined(said, told))
            }
            Ask::Notice(id, events) => {
                let new = move |incident: &Incident| Ok(incident.news(events));
                self.write(id, hand, new).await.map(|_| String::new())
            }
            Ask::Acknowledge(id, alert, quiet) => {
                let said = format!("{} is acknowledged in {}", alert.name, id.short());
                let event = Event::Alert(*alert);
                self.write(id, hand, move |_| Ok(vec![event])).await?;
                match quiet {
                    None => Ok(format!("{said}; Alertmanager was not told.")),
                    Some(quiet) => {
                        let came = self.silence(Some(id), hand, *quiet, ACKNOWLEDGER).await;
                        // It is taken on whatever becomes of the silence.
                        came.map(|came| format!("{said}; {came}"))
                            .map_err(|why| format!("{said}; {why}"))
                    }
                }
            }
            Ask::Silence(id, quiet) => {
                // On disk before it is asked for.
                let event = Event::Alert(quiet.alert.clone());
                self.record(id, hand, event).await?;
                self.silence(id, hand, *quiet, MAKER).await
            }
            Ask::Update { id, text, again } => self.update(id, hand, text, again).await,
            Ask::Link(id, run) => self.link(id, hand, run).await,
            Ask::Export(id, language) => self.export(id, hand, language).await,
        }
    }

    async fn open(
        &self,
        hand: &Hand,
        new: NewIncident,
        alert: Option<AlertNews>,
    ) -> Result<(IncidentId, String), String> {
        let (ledger, by) = (self.means.ledger.clone(), hand.clone());
        let opened = records::off(move || {
            // Somebody may have opened one at the same moment: then this joins it.
            let there = ledger.open_at(&new.place).into_iter().next();
            let (id, joined) = match there {
                Some(incident) => (incident.id, true),
                None => (ledger.open(&by, new)?.incident.id, false),
            };
            let taken = alert.map(Event::Alert);
            let written = ledger.write(id, &by, |_| Ok(taken.into_iter().collect()))?;
            Ok::<_, IncidentError>((written.incident, joined))
        });
        let (incident, joined_one) = opened.await?.map_err(|error| error.to_string())?;
        self.read_again().await;
        self.fact(IncidentNews::Opened(incident.id)).await;
        if joined_one {
            let said = format!("{} was open already: this joins it.", incident.id);
            return Ok((incident.id, said));
        }
        let told = self.tell(hand, &incident, Some("incident")).await;
        let said = joined(&format!("{} is open.", incident.id), told);
        Ok((incident.id, said))
    }

    async fn write(
        &self,
        id: IncidentId,
        hand: &Hand,
        decide: impl FnOnce(&Incident) -> Result<Vec<Event>, String> + Send + 'static,
    ) -> Result<Written, String> {
        let (ledger, by) = (self.means.ledger.clone(), hand.clone());
        let written = records::off(move || ledger.write(id, &by, decide));
        written.await?.map_err(|error| error.to_string())
    }

    /// In the incident's file where there is one, in the audit log in any case.
    async fn record(
        &self,
        id: Option<IncidentId>,
        hand: &Hand,
        event: Event,
    ) -> Result<(), String> {
        if let Some(id) = id {
            return self.write(id, hand, |_| Ok(vec![event])).await.map(drop);
        }
        let mut fields = serde_json::to_value(&event).unwrap_or_default();
        fields["actor"] = hand.who.actor();
        fields["app"] = json!({"version": env!("CARGO_PKG_VERSION")});
        fields["target"] = json!({"context": self.means.cluster.context().to_string()});
        let mut fields = fields.as_object().cloned().unwrap_or_default();
        fields.remove("event");
        let event = AuditEvent {
            ts: hand.now,
            event: "alert".to_owned(),
            fields,
        };
        let state = self.means.ledger.state.clone();
        records::off(move || records::append(&state, &[event])).await?
    }

    /// Asks Alertmanager once, and writes down what came of it.
    async fn silence(
        &self,
        id: Option<IncidentId>,
        hand: &Hand,
        quiet: Quiet,
        by: &str,
    ) -> Result<String, String> {
        let until = hand.now + quiet.span;
        let found = self.means.alertmanager.borrow().clone();
        let name = quiet.alert.name.clone();
        let came = match found {
            None => Err(Silencing::Not("there is no Alertmanager here".to_owned())),
            Some(alertmanager) => {
                let silence = Silence {
                    labels: quiet.labels,
                    from: hand.now,
                    until,
                    by: by.to_owned(),
                    comment: (self.means.ledger.cleaner)(&quiet.reason),
                    mark: format!("{by} {}", hand.now),
                };
                alertmanager.silence(&silence).await
            }
        };
        let (turn, said) = match came {
            Ok(silence) => {
                let said = format!("{name} is silent until {} UTC.", until.strftime("%H:%M"));
                (AlertTurn::Silenced { silence, until }, Ok(said))
            }
            Err(failure) => {
                let maybe = matches!(failure, Silencing::Unknown(_));
                let why = failure.to_string();
                let said = if maybe {
                    format!("It is not known whether {name} is silenced: {why}")
                } else {
                    format!("{name} was not silenced: {why}")
                };
                (AlertTurn::Unsilenced { why, maybe }, Err(said))
            }
        };
        let alert = AlertNews {
            turn,
            ..quiet.alert
        };
        self.record(id, hand, Event::Alert(alert)).await?;
        said
    }

    /// Tells the channels that want this kind of thing; nothing is said where there are none.
    async fn tell(&self, hand: &Hand, incident: &Incident, kind: Option<&str>) -> Option<String> {
        let kind = kind?;
        let text = tell::text(incident, kind);
        let told = tell::send(
            &self.means.ledger,
            hand,
            &self.means.channels,
            incident,
            kind,
            &text,
        );
        told.await
    }

    async fn update(
        &self,
        id: IncidentId,
        hand: &Hand,
        text: String,
        again: bool,
    ) -> Result<String, String> {
        let files = self.means.ledger.files();
        let read = records::off(move || files.read(id)).await?;
        let incident = read.map_err(|error| error.to_string())?.incident;
        if let Some(why) = incident.unsure.values().next().filter(|_| !again) {
            return Err(format!(
                "An earlier message may have arrived ({why}); `vigie incident update {id} TEXT --again` sends this one all the same."
            ));
        }
        let channels = &self.means.channels;
        let told = tell::send(
            &self.means.ledger,
            hand,
            channels,
            &incident,
            "update",
            &text,
        )
        .await;
        if let Some(told) = told {
            return Ok(told);
        }
        let events = tell::by_hand(hand, &text);
        self.write(id, hand, |_| Ok(events)).await?;
        Ok("No channel is configured: it is recorded as told by hand. c copies it.".to_owned())
    }

    /// A run of before, with what its journal says of it.
    async fn link(&self, id: IncidentId, hand: &Hand, run: String) -> Result<String, String> {
        let state = self.means.ledger.state.clone();
        let found = records::off(move || evidence::of(&state, &run)).await??;
        let said = format!("{} {} is linked.", found.runbook, found.run);
        let linked = Event::Linked {
            run: found.run,
            runbook: found.runbook,
            text: found.text,
        };
        self.write(id, hand, |_| Ok(vec![linked])).await?;
        Ok(said)
    }

    async fn export(
        &self,
        id: IncidentId,
        hand: &Hand,
        language: Language,
    ) -> Result<String, String> {
        let (ledger, by) = (self.means.ledger.clone(), hand.clone());
        let stamp = hand.now.strftime("%Y%m%dT%H%M%SZ");
        let folder = ledger
            .state
            .join("exports")
            .join(format!("{id}-{stamp}-{}", language.code()));
        let wanted = Wanted {
            id,
            language,
            folder: folder.clone(),
            journals: false,
            pseudonymised: false,
        };
        let made = records::off(move || export(&ledger, &by, &wanted)).await?;
        made.map_err(|error| error.to_string())?;
        Ok(format!("Written to {}.", folder.display()))
    }
}

fn joined(said: &str, told: Option<String>) -> String {
    match told {
        Some(told) => format!("{said} {told}"),
        None => said.to_owned(),
    }
}
