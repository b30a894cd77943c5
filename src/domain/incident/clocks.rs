//! The clocks of an incident: when each began, until when, and whether it was met. They are made of the incident's records
//! alone, so they run through restarts; the present is an argument, in the server's time. A clock that was missed stays
//! missed, whatever the severity became afterwards.

use super::fold::Incident;
use super::limits::Origin;
use super::severity::Severity;
use jiff::{SignedDuration, Timestamp};

/// A clock turns amber when this share of its time is gone, in per cent.
const AMBER: i128 = 60;
/// The authority's clock.
const AUTHORITY: SignedDuration = SignedDuration::from_hours(72);

/// What a clock measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// Until somebody takes it on.
    Acknowledge,
    /// Until somebody else is called, where nobody took it on.
    Escalate,
    /// Until its severity is settled.
    Assess,
    /// Until those concerned have heard.
    Notice,
    /// Until they hear again.
    Update,
    /// From the first change until users are served again.
    Mitigate,
    /// From detection until users are served again.
    Recover,
    /// From knowing of a data breach until the authority is told.
    Authority,
    /// Until the post-mortem.
    Review,
}

impl Clock {
    /// The word in the header.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "ack",
            Self::Escalate => "escalate",
            Self::Assess => "severity",
            Self::Notice => "notice",
            Self::Update => "update",
            Self::Mitigate => "mitigate",
            Self::Recover => "recover",
            Self::Authority => "authority",
            Self::Review => "post-mortem",
        }
    }

    /// What is waited for, in words.
    pub fn what(self) -> &'static str {
        match self {
            Self::Acknowledge => "somebody takes it on",
            Self::Escalate => "somebody else is called, since nobody took it on",
            Self::Assess => "its severity is settled",
            Self::Notice => "those concerned have heard of it",
            Self::Update => "those concerned hear again",
            Self::Mitigate => "what was begun serves users again",
            Self::Recover => "the service is back",
            Self::Authority => "the data protection authority is told (72 h)",
            Self::Review => "the post-mortem",
        }
    }

    /// Where its limit comes from.
    pub fn origin(self, incident: &Incident) -> Origin {
        match self {
            Self::Acknowledge => incident.limits.of(incident.severity()).origin,
            Self::Escalate | Self::Review => Origin::Practice,
            Self::Assess | Self::Notice | Self::Update => Origin::House,
            Self::Mitigate | Self::Recover => Origin::Guide,
            Self::Authority => Origin::Law,
        }
    }
}

/// How much of a clock's time is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strain {
    /// Less than 60 %.
    Calm,
    /// From 60 %.
    Amber,
    /// All of it: it counts up now.
    Red,
}

/// One clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// What it measures.
    pub clock: Clock,
    /// When it began.
    pub start: Timestamp,
    /// Until when.
    pub due: Timestamp,
    /// When it was met, if it was.
    pub met: Option<Timestamp>,
}

impl Timer {
    /// What is left at a moment; negative when it is late. A met clock stands still.
    pub fn left(&self, now: Timestamp) -> SignedDuration {
        self.due.duration_since(self.met.unwrap_or(now))
    }

    /// How much of its time is gone.
    pub fn strain(&self, now: Timestamp) -> Strain {
        let whole = self.due.duration_since(self.start).as_nanos();
        let gone = whole - self.left(now).as_nanos();
        if gone >= whole {
            Strain::Red
        } else if gone * 100 >= whole * AMBER {
            Strain::Amber
        } else {
            Strain::Calm
        }
    }

    /// As the header has it: `ack 01:12`, `update in 12 m`, `recover late 3 h`.
    pub fn words(&self, now: Timestamp) -> String {
        let left = self.left(now);
        let late = left.is_negative() || left.is_zero();
        let span = left.abs();
        let word = self.clock.word();
        let (minutes, seconds) = (span.as_secs() / 60, span.as_secs() % 60);
        match (late, minutes) {
            (false, 0..10) => format!("{word} {minutes:02}:{seconds:02}"),
            (true, 0..10) => format!("{word} late {minutes:02}:{seconds:02}"),
            _ => {
                let how = if late { "late" } else { "in" };
                format!("{word} {how} {}", rough(minutes))
            }
        }
    }
}

fn rough(minutes: i64) -> String {
    match minutes {
        0..120 => format!("{minutes} m"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / (24 * 60)),
    }
}

/// A clock that ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// Which.
    pub clock: Clock,
    /// When its time was over.
    pub at: Timestamp,
    /// When it was met after all.
    pub met: Option<Timestamp>,
}

/// What a clock is made of: when it began, when it was met, and its limit at a severity.
struct Face {
    clock: Clock,
    start: Timestamp,
    met: Option<Timestamp>,
    limit: fn(&Incident, Severity) -> Option<SignedDuration>,
}

fn faces(incident: &Incident) -> Vec<Face> {
    let over = incident.resolved;
    let either = |met: Option<Timestamp>| met.or(over);
    let face = |clock, start, met, limit| Face {
        clock,
        start,
        met,
        limit,
    };
    let mut all = vec![face(
        Clock::Acknowledge,
        incident.detected,
        either(incident.acknowledged),
        |incident, severity| Some(incident.limits.acknowledge(severity)),
    )];
    let taken = incident.acknowledged.into_iter().chain(incident.escalated);
    all.push(face(
        Clock::Escalate,
        incident.detected,
        taken.chain(over).min(),
        |incident, severity| incident.limits.escalate(severity),
    ));
    if let Some(at) = incident.acknowledged {
        all.push(face(
            Clock::Assess,
            at,
            either(incident.assessed),
            |_, severity| severity.assess(),
        ));
    }
    let first = incident.told.first().copied();
    all.push(face(
        Clock::Notice,
        incident.detected,
        either(first),
        |_, severity| severity.first_notice(),
    ));
    // Where no first notice is due, updates count from detection.
    let before = (incident.severity().first_notice().is_none() && first.is_none())
        .then_some(incident.detected);
    let starts = before.into_iter().chain(incident.told.iter().copied());
    let starts: Vec<Timestamp> = starts.collect();
    for (index, start) in starts.iter().enumerate() {
        let next = starts.get(index + 1).copied();
        all.push(face(Clock::Update, *start, either(next), |_, severity| {
            severity.update()
        }));
    }
    if let Some(at) = incident.mitigating {
        all.push(face(
            Clock::Mitigate,
            at,
            either(incident.mitigated),
            |_, severity| severity.mitigate(),
        ));
    }
    all.push(face(
        Clock::Recover,
        incident.detected,
        either(incident.mitigated),
        |_, severity| severity.recover(),
    ));
    if let Some(at) = incident.breach {
        // It runs on when the incident is resolved: the authority waits for its notice, not for us.
        all.push(face(Clock::Authority, at, incident.reported, |_, _| {
            Some(AUTHORITY)
        }));
    }
    all
}

fn review(incident: &Incident) -> Option<Timer> {
    let start = incident.resolved?;
    Some(Timer {
        clock: Clock::Review,
        start,
        due: incident.worst().review(start)?,
        met: incident.exported,
    })
}

/// The clocks by the present severity, in the order of what is to be done. Of updates, the last one; calling somebody else
/// only where nobody took it on in time.
pub fn clocks(incident: &Incident) -> Vec<Timer> {
    let severity = incident.severity();
    let mut timers: Vec<Timer> = Vec::new();
    for face in faces(incident) {
        let Some(limit) = (face.limit)(incident, severity) else {
            continue;
        };
        let timer = Timer {
            clock: face.clock,
            start: face.start,
            due: face.start + limit,
            met: face.met,
        };
        if timer.clock == Clock::Escalate && timer.met.is_some_and(|met| met < timer.due) {
            continue;
        }
        match timers.iter_mut().find(|known| known.clock == timer.clock) {
            Some(known) => *known = timer,
            None => timers.push(timer),
        }
    }
    timers.extend(review(incident));
    timers
}

/// Every clock that ran out by now, under the severity that held at that moment: a fact that no later change takes back.
pub fn missed(incident: &Incident, now: Timestamp) -> Vec<Late> {
    let mut late: Vec<Late> = faces(incident)
        .into_iter()
        .filter_map(|face| {
            let at = ran_out(incident, &face, now)?;
            Some(Late {
                clock: face.clock,
                at,
                met: face.met,
            })
        })
        .collect();
    let review = review(incident).filter(|timer| timer.due <= timer.met.unwrap_or(now));
    late.extend(review.map(|timer| Late {
        clock: timer.clock,
        at: timer.due,
        met: timer.met,
    }));
    late.sort_by_key(|late| late.at);
    late
}

fn ran_out(incident: &Incident, face: &Face, now: Timestamp) -> Option<Timestamp> {
    let spans = incident.severities.iter().enumerate();
    let mut spans = spans.map(|(index, (from, severity, _))| {
        // What it was first said to be holds from the beginning.
        let from = if index == 0 { face.start } else { *from };
        let next = incident.severities.get(index + 1);
        (from, *severity, next.map(|(at, ..)| *at))
    });
    spans.find_map(|(from, severity, to)| {
        let at = (face.start + (face.limit)(incident, severity)?).max(from);
        let over = to.unwrap_or(now).min(now);
        let met = face.met.is_some_and(|met| met <= at);
        (at <= over && !met).then_some(at)
    })
}

/// The clocks for the header: those that run, the most pressing first, at most so many. That somebody else is to be called
/// stands there once it is due.
pub fn header(incident: &Incident, most: usize, now: Timestamp) -> Vec<Timer> {
    let mut running: Vec<Timer> = clocks(incident)
        .into_iter()
        .filter(|timer| timer.met.is_none())
        .filter(|timer| timer.clock != Clock::Escalate || timer.strain(now) == Strain::Red)
        .collect();
    running.sort_by_key(|timer| (timer.clock > Clock::Escalate, timer.due));
    running.truncate(most);
    running
}
