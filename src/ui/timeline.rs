//! ```text
//! ┌ timeline ────────────────────────────────────────────────────────────── 31, newest first ┐
//! │ TIME       AGE   WHAT              OF                     TIMES                           │
//! └───────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Everything that happened in one order: events of the cluster, revisions, alerts, onsets.

use super::lines::{Listing, clock, level_tone, listing, nothing, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::table::{Cell, Column, Row};
use crate::app::changes::Note;
use crate::app::kind::Kind;
use crate::app::list;
use crate::app::moments::Moment;
use crate::domain::link::{LinkState, Source};
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let moments = list::moments(app);
    let place = &app.here().place;
    let (stale, age) = staleness(view, Source::Kubernetes);
    let ids: Vec<_> = moments.iter().map(Moment::id).collect();
    let selected = list::line_of(app, place.pane, &ids.iter().collect::<Vec<_>>());
    let under = selected.and_then(|at| moments.get(at));
    let whole = under.map_or(String::new(), |moment| {
        format!("{}: {}", moment.object, moment.text)
    });
    let listed = Listing {
        name: "timeline",
        title: &format!("timeline{age}{}", events(view)),
        note: &format!("{}, newest first", moments.len()),
        columns: columns(area.width),
        rows: &|index| {
            moments
                .get(index)
                .map_or_else(Row::default, |moment| row(view, moment))
        },
        len: moments.len(),
        selected,
        focused: true,
        stale,
        empty: nothing(
            view,
            "Nothing happened that the cluster remembers; it forgets events after an hour.",
        ),
        whole: Some(&whole),
    };
    listing(view, &listed, area, buf);
}

/// Narrower than this, what happened needs the room that long names would take.
const NARROW: u16 = 100;

/// The columns on a screen so wide: what happened is never what goes.
fn columns(width: u16) -> Vec<Column<'static>> {
    let (what, of) = if width < NARROW { (12, 17) } else { (17, 20) };
    vec![
        Column::words("", 1, 1).pin(),
        Column::words("TIME", 8, 8).pin(),
        Column::figures("AGE", 5).drops(5),
        Column::words("WHAT", what, 22).drops(2),
        Column::words("OF", of, 44).drops(3),
        Column::figures("TIMES", 5).drops(4),
        Column::sentence("WHAT HAPPENED", 26, 200),
    ]
}

/// What keeps the cluster's events from this screen, where something does.
fn events(view: &View<'_>) -> String {
    let Some(state) = view.app.cluster.kinds.get(&Kind::Events) else {
        return " · events are being read".into();
    };
    match state.link.state(view.app.now) {
        LinkState::Connecting => " · events are being read".into(),
        LinkState::Absent(why) => format!(" · without events: {why}"),
        _ => String::new(),
    }
}

fn row(view: &View<'_>, moment: &Moment) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let tone = match moment.level {
        Level::Healthy => Tone::Idle,
        level => level_tone(level),
    };
    let sign = if tone == Tone::Idle {
        " "
    } else {
        theme.glyphs().tone(tone)
    };
    let style = if tone == Tone::Idle {
        theme.text()
    } else {
        theme.tone(tone)
    };
    let times = if moment.count > 1 {
        format!("x{}", moment.count)
    } else {
        String::new()
    };
    let text = match moment.note {
        Some(Note::RollbackSuggested) => format!("(K rollback suggested) {}", moment.text),
        Some(Note::AfterOnset) | None => moment.text.to_string(),
    };
    let object = match &*moment.object.kind {
        "Pod" | "Deployment" | "Alert" => moment.object.name.to_string(),
        kind => format!("{kind}/{}", moment.object.name),
    };
    Row {
        cells: vec![
            Cell::new(sign, theme.tone(tone)),
            Cell::new(clock(moment.at), theme.dim()),
            Cell::new(since(Some(moment.at), app.now), theme.dim()),
            words(&*moment.what, style),
            words(object, theme.strong()),
            Cell::new(times, theme.text()),
            words(text, theme.text()),
        ],
        marked: app.here().place.marked.contains(&moment.id()),
    }
}
