//! Row 1: where I am, what may be changed here, and whether what is shown can be trusted. What gives way when room is
//! short stands here in one order; the context and the namespace are the last.

use crate::app::App;
use crate::domain::incident::{Strain, header};
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::short;
use crate::ui::theme::Tone;
use crate::ui::view::View;
use crate::ui::widget::text;
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Of the name of a place at least so much is shown.
const LEAST_PLACE: usize = 6;
/// Between the context and the namespace.
const WITHIN: &str = " ▸ ";
/// The order of going when room is short: the highest first, zero never.
mod drop {
    pub const NAME: u8 = 11;
    pub const USER: u8 = 10;
    pub const CALM: u8 = 9;
    pub const SECOND: u8 = 8;
    pub const ABSENT: u8 = 7;
    pub const CLOCK: u8 = 6;
    pub const REST: u8 = 5;
    pub const LIVE: u8 = 4;
    pub const QUIET: u8 = 3;
    pub const ENVIRONMENT: u8 = 2;
    pub const NEVER: u8 = 0;
}

/// One word or figure of the row.
struct Segment {
    text: String,
    style: Style,
    drop: u8,
    right: bool,
}

impl Segment {
    /// What it takes with the blanks behind it.
    fn width(&self) -> usize {
        text::width(&self.text) + 2
    }
}

/// How much is said of each source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Full,
    Figures,
    /// And the clock without its zone.
    Brief,
    /// Sources of which the same is true are named together, those that are well not at all.
    Together,
}

/// Draws the row.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width);
    let said = |manner| {
        let mut segments = place(view);
        segments.extend(trust(view, manner));
        segments
    };
    // Ages are said in full, then in figures alone, and the clock loses its zone; then our own name goes.
    let all = [Manner::Full, Manner::Figures, Manner::Brief]
        .into_iter()
        .map(said);
    let nameless = [Manner::Brief, Manner::Together].into_iter().map(|manner| {
        let mut segments = said(manner);
        segments.retain(|segment| segment.drop != drop::NAME);
        segments
    });
    let fits = |segments: &Vec<Segment>| total(segments) <= columns;
    let found = all.chain(nameless).find(fits);
    let mut segments = found.unwrap_or_else(|| made_to_fit(said(Manner::Together), columns));
    let over = total(&segments).saturating_sub(columns);
    if over > 0
        && let Some(place) = segments
            .iter_mut()
            .find(|segment| !segment.right && segment.drop == drop::NEVER)
    {
        let room = text::width(&place.text)
            .saturating_sub(over)
            .max(LEAST_PLACE);
        place.text = place_within(view.app, room);
    }
    put(&segments, area, buf);
}

/// The context and the namespace in so many columns: the context is cut before the namespace, which nothing stands for.
fn place_within(app: &App, room: usize) -> String {
    let context = text::sanitize(&app.target.context);
    let scope = app.target.scope.to_string();
    let scope = text::sanitize(&scope);
    let whole = format!("{context}{WITHIN}{scope}");
    if text::width(&whole) <= room {
        return whole;
    }
    let left = room.saturating_sub(text::width(&scope) + text::width(WITHIN));
    if left >= LEAST_PLACE {
        return format!("{}{WITHIN}{scope}", text::fit(&context, left));
    }
    text::fit(&scope, room).into_owned()
}

/// The segments there is room for, in their order: the least important go first.
fn made_to_fit(segments: Vec<Segment>, columns: usize) -> Vec<Segment> {
    let mut all: Vec<(usize, Segment)> = segments.into_iter().enumerate().collect();
    let wide = |all: &[(usize, Segment)]| -> usize {
        all.iter().map(|(_, segment)| segment.width()).sum()
    };
    let mut gone = Vec::new();
    while wide(&all) > columns {
        let found = all.iter().enumerate().filter(|(_, (_, s))| s.drop > 0);
        let Some((index, _)) = found.max_by_key(|(_, (_, s))| s.drop) else {
            break;
        };
        gone.push(all.remove(index));
    }
    // The last one dropped may have made room for one that went before it.
    while let Some(segment) = gone.pop() {
        if wide(&all) + segment.1.width() <= columns {
            all.push(segment);
        }
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, segment)| segment).collect()
}

fn total(segments: &[Segment]) -> usize {
    segments.iter().map(Segment::width).sum()
}

fn place(view: &View<'_>) -> Vec<Segment> {
    let (app, theme) = (view.app, view.theme);
    let target = &app.target;
    let left = |text: &str, style, drop| Segment {
        text: text::sanitize(text).into_owned(),
        style,
        drop,
        right: false,
    };
    let environment = target.environment.name.to_uppercase();
    let armed = app.armed();
    let guarded = target.environment.guarded;
    let guard = match app.armed_until {
        Some(until) if armed && guarded => {
            format!("ARMED {}", short(until.duration_since(app.now)))
        }
        _ if app.run_armed() => "ARMED: run".to_owned(),
        _ if armed => "may change things".to_owned(),
        _ => "read-only".into(),
    };
    let (environment_style, guard_style) = (
        if guarded {
            theme.tone(Tone::Watch)
        } else {
            theme.dim()
        },
        if (armed && guarded) || app.run_armed() {
            theme.armed()
        } else {
            theme.dim()
        },
    );
    // That guarded things can be changed here is never left out; that they cannot is what anybody expects.
    let guard_drop = match (armed || app.run_armed(), guarded) {
        (true, true) => drop::NEVER,
        (false, true) => drop::REST,
        _ => drop::CALM,
    };
    let place = format!("{}{WITHIN}{}", target.context, target.scope);
    let mut segments = vec![
        left("vigie", theme.key(), drop::NAME),
        left(&place, theme.strong(), drop::NEVER),
        left(&environment, environment_style, drop::ENVIRONMENT),
        left(&guard, guard_style, guard_drop),
    ];
    segments.extend(incident(view));
    let user = target.user.as_ref();
    segments.extend(user.map(|user| left(user, theme.dim(), drop::USER)));
    segments
}

/// The incident that is open here, with its most pressing clocks: `P1 INC-14  ack 01:12  update in 12 m`.
fn incident(view: &View<'_>) -> Vec<Segment> {
    let (app, theme) = (view.app, view.theme);
    let Some(incident) = app.incident() else {
        return Vec::new();
    };
    let segment = |text, style, drop| Segment {
        text,
        style,
        drop,
        right: false,
    };
    let name = format!("{} {}", incident.severity(), incident.id.short());
    let mut segments = vec![segment(name, theme.strong(), drop::NEVER)];
    let now = app.now;
    for (index, timer) in header(incident, 2, now).into_iter().enumerate() {
        let (tone, style) = match timer.strain(now) {
            Strain::Calm => (None, theme.text()),
            Strain::Amber => (Some(Tone::Watch), theme.tone(Tone::Watch)),
            Strain::Red => (Some(Tone::Failing), theme.tone(Tone::Failing)),
        };
        // Shape and word as well as colour: the sign of its meaning stands before it.
        let sign = tone.map_or(String::new(), |tone| {
            format!("{} ", theme.glyphs().tone(tone))
        });
        let first = if index == 0 {
            drop::NEVER
        } else {
            drop::SECOND
        };
        segments.push(segment(format!("{sign}{}", timer.words(now)), style, first));
    }
    segments
}

fn trust(view: &View<'_>, manner: Manner) -> Vec<Segment> {
    let (app, theme) = (view.app, view.theme);
    let clock = app.now.strftime("%H:%M:%S").to_string();
    let brief = matches!(manner, Manner::Brief | Manner::Together);
    let clock = if brief { clock } else { format!("{clock} UTC") };
    let mut segments = vec![Segment {
        text: clock,
        style: theme.text(),
        drop: drop::CLOCK,
        right: true,
    }];
    if manner == Manner::Together {
        segments.extend(together(view));
        return segments;
    }
    for source in SOURCES {
        let (words, style) = match (source, app.link(source)) {
            // A watch is told what happens when it happens: how long nothing did is no age.
            (Source::Kubernetes, LinkState::Live(_)) => ("live".into(), theme.dim()),
            (Source::Prometheus, LinkState::Stale { .. }) if app.signals.stranger() => {
                ("not ours".into(), theme.tone(Tone::Unknown))
            }
            (_, state) => link_words(view, &state, manner != Manner::Full),
        };
        segments.push(Segment {
            text: format!("{} {words}", app.source_name(source)),
            style,
            drop: drop::NEVER,
            right: true,
        });
    }
    segments
}

const SOURCES: [Source; 3] = [Source::Kubernetes, Source::Prometheus, Source::Alertmanager];

/// What is true of one source or of several.
struct Group {
    word: &'static str,
    /// The age of the oldest.
    age: Option<SignedDuration>,
    names: Vec<&'static str>,
    style: Style,
    drop: u8,
}

/// The sources by what is true of them, worst ages first in mind: names only where others differ.
fn together(view: &View<'_>) -> Vec<Segment> {
    let mut groups: Vec<Group> = Vec::new();
    for source in SOURCES {
        let one = alone(view, source);
        match groups.iter_mut().find(|group| group.word == one.word) {
            Some(group) => {
                group.age = group.age.max(one.age);
                group.names.extend(one.names);
            }
            None => groups.push(one),
        }
    }
    let single = groups.len() == 1;
    let said = groups.into_iter().map(|group| {
        let age = group
            .age
            .map_or_else(String::new, |age| format!(" {}", short(age)));
        let whose = match (single, group.drop) {
            (true, _) => String::new(),
            (false, drop::LIVE) => "rest ".to_owned(),
            _ => format!("{} ", group.names.join(" ")),
        };
        Segment {
            text: format!("{whose}{}{age}", group.word),
            style: group.style,
            drop: group.drop,
            right: true,
        }
    });
    said.collect()
}

fn alone(view: &View<'_>, source: Source) -> Group {
    let (app, theme) = (view.app, view.theme);
    let unknown = theme.tone(Tone::Unknown);
    let (word, age, style, drop) = match app.link(source) {
        LinkState::Stale { .. } if source == Source::Prometheus && app.signals.stranger() => {
            ("not ours", None, unknown, drop::NEVER)
        }
        LinkState::Connecting => ("…", None, unknown, drop::NEVER),
        LinkState::Live(_) if source == Source::Kubernetes => {
            ("live", None, theme.dim(), drop::LIVE)
        }
        LinkState::Live(age) => ("live", Some(age), theme.dim(), drop::LIVE),
        LinkState::Quiet(age) => ("quiet", Some(age), theme.tone(Tone::Watch), drop::QUIET),
        LinkState::Stale { age: Some(age), .. } => ("stale", Some(age), unknown, drop::NEVER),
        LinkState::Stale { age: None, .. } => ("no answer", None, unknown, drop::NEVER),
        LinkState::Absent(_) => ("none", None, theme.dim(), drop::ABSENT),
    };
    Group {
        word,
        age,
        names: vec![app.source_name(source)],
        style,
        drop,
    }
}

fn link_words(view: &View<'_>, state: &LinkState, brief: bool) -> (String, Style) {
    let theme = view.theme;
    match state {
        LinkState::Connecting => ("…".into(), theme.tone(Tone::Unknown)),
        LinkState::Live(age) if brief => (short(*age), theme.dim()),
        LinkState::Live(age) => (format!("live {}", short(*age)), theme.dim()),
        LinkState::Quiet(age) => (format!("quiet {}", short(*age)), theme.tone(Tone::Watch)),
        LinkState::Stale { age: Some(age), .. } => {
            (format!("stale {}", short(*age)), theme.tone(Tone::Unknown))
        }
        LinkState::Stale { age: None, .. } => ("no answer".into(), theme.tone(Tone::Unknown)),
        LinkState::Absent(_) => ("none".into(), theme.dim()),
    }
}

fn put(segments: &[Segment], area: Rect, buf: &mut Buffer) {
    let mut x = area.x + 1;
    for segment in segments.iter().filter(|segment| !segment.right) {
        let room = area.right().saturating_sub(x);
        x += text::put(buf, (x, area.y), &segment.text, room, segment.style) + 2;
    }
    let right: usize = segments
        .iter()
        .filter(|segment| segment.right)
        .map(Segment::width)
        .sum();
    let mut x = x.max(area.right().saturating_sub(right as u16).max(area.x));
    for segment in segments.iter().filter(|segment| segment.right) {
        if x >= area.right() {
            break;
        }
        let room = area.right() - x;
        x += text::put(buf, (x, area.y), &segment.text, room, segment.style) + 2;
    }
}
