//! Draws the App. Only reads; one file per thing you can point at.
//!
//! Rows 1 and 2 and the last row never move; what lies between belongs to the screen, and layers lie over it.

mod alerts;
mod charts;
mod chrome;
mod confirm;
mod contexts;
pub mod drill;
mod explain;
mod help;
mod incident;
mod kind;
mod lines;
mod links;
mod logs;
mod namespaces;
mod overview;
mod palette;
mod paper;
mod pods;
mod preflight;
mod rollout;
mod run;
mod runbooks;
mod runs;
mod sheet;
mod signals;
pub mod tables;
mod text;
pub mod theme;
mod timeline;
mod view;
pub mod widget;
mod workloads;

pub use paper::plain;
pub use run::sends_what;

pub use view::{SMALLEST, View};

use crate::app::layer::Layer;
use crate::app::screen::Screen;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the console into an area.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, view.theme.ground().patch(view.theme.text()));
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        chrome::too_small(view, area, buf);
        return;
    }
    let [head, body, foot] = chrome::areas(area);
    let body = if drill::is_sealed(view.app) {
        // The worst that is known is for the trainee to find.
        head.union(body)
    } else {
        chrome::head(view, head, buf);
        body
    };
    let body = drill::strip(view, body, buf);
    match &view.app.here().screen {
        Screen::Pods => pods::draw(view, body, buf),
        Screen::Alerts => alerts::draw(view, body, buf),
        Screen::Timeline => timeline::draw(view, body, buf),
        Screen::Runbooks => runbooks::draw(view, body, buf),
        Screen::Runbook(id) => runbooks::draw_one(view, id, body, buf),
        Screen::Runs => runs::draw(view, body, buf),
        Screen::Run(_) => runs::draw_run(view, body, buf),
        Screen::Incident => incident::draw(view, body, buf),
        Screen::Logs(_) => logs::draw(view, body, buf),
        Screen::Describe(_) | Screen::Yaml(_) => text::draw(view, body, buf),
        Screen::Kind(_) => kind::draw(view, body, buf),
        Screen::Contexts => contexts::draw(view, body, buf),
        Screen::Namespaces => namespaces::draw(view, body, buf),
        Screen::Workloads => workloads::draw(view, body, buf),
        Screen::Rollout(object) => rollout::draw(view, object, body, buf),
        Screen::Signals(object) => signals::draw(view, object, body, buf),
        Screen::Overview => overview::draw(view, body, buf),
        Screen::Drill => drill::draw(view, body, buf),
    }
    confirm::armed_frame(view, body, buf);
    match view.app.layers.last() {
        Some(Layer::Help { top }) => help::draw(view, body, *top, buf),
        Some(Layer::Links { chosen }) => links::draw(view, body, *chosen, buf),
        Some(Layer::Explain { top }) => explain::draw(view, body, *top, buf),
        Some(Layer::Palette { line, chosen }) => {
            palette::draw(view, body, (&line.text, *chosen), buf);
        }
        Some(Layer::Sheet(sheet)) => sheet::draw(view, sheet, body, buf),
        Some(Layer::Form(form)) => {
            confirm::draw(view, form, view.app.shown_run(), body, buf);
        }
        _ => {}
    }
    chrome::foot(view, foot, buf);
}

/// The console as lines of text, for a picture.
pub fn picture(view: &View<'_>, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    draw(view, area, &mut buf);
    let mut lines = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += widget::text::width(symbol).max(1) as u16;
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}
