//! The operator's commands on what is read and on places to go: scrolling, searching, filtering, opening, going.
//!
//! Called from `update`, which asks here first; what is not ours is left to it.
//!
//! Length: every command on a text and every way to another place, one after the other.

use super::command::{Command, Motion};
use super::effect::Effect;
use super::layer::{Layer, Line};
use super::list;
use super::logs::Entry;
use super::message::Notice;
use super::palette::Said;
use super::places::{Destination, Known, LOGIN_REFUSED, PlacesWant};
use super::screen::{History, Screen};
use super::state::App;
use super::text::{Manner, find, holds};
use super::wants::Wants;
use crate::domain::link::{LinkState, Source};
use crate::domain::object::ObjectRef;
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use jiff::SignedDuration;
use std::sync::Arc;

/// Columns a text moves sideways at once.
const SIDEWAYS: usize = 8;
const REMARK: SignedDuration = SignedDuration::from_secs(4);

impl App {
    /// Obeys what is about reading and going; `None` for everything else.
    pub(super) fn browse(&mut self, command: &Command) -> Option<Vec<Effect>> {
        let effects = match self.here().screen.clone() {
            Screen::Logs(object) => self.in_log(&object, command),
            Screen::Describe(_) | Screen::Yaml(_) => self.in_text(command),
            Screen::Contexts | Screen::Namespaces if *command == Command::Enter => {
                Some(self.go_there())
            }
            Screen::Kind(_) if *command == Command::Enter => self.open_of(Screen::Describe),
            _ => None,
        };
        effects
            .or_else(|| self.take_out(command))
            .or_else(|| self.anywhere(command))
    }

    fn anywhere(&mut self, command: &Command) -> Option<Vec<Effect>> {
        match command {
            Command::Logs => self.open_log(false),
            Command::PreviousLogs => self.open_log(true),
            Command::Describe => self.open_of(Screen::Describe),
            Command::Yaml => self.open_of(Screen::Yaml),
            Command::AllNamespaces => Some(self.all_namespaces()),
            Command::Login => Some(vec![Effect::Login]),
            Command::Shell => Some(self.shell()),
            Command::Refresh => {
                self.reading.again += 1;
                None
            }
            _ => None,
        }
    }

    fn in_log(&mut self, object: &ObjectRef, command: &Command) -> Option<Vec<Effect>> {
        let logs = &mut self.reading.logs;
        let (previous, since) = (logs.previous, logs.since_s);
        match command {
            Command::Move(motion) => self.move_log(*motion),
            Command::PreviousLogs => logs.open(Some(object.clone()), !previous, since),
            Command::Range(digit) => {
                logs.open(
                    Some(object.clone()),
                    previous,
                    super::state::seconds_of(*digit),
                );
            }
            Command::Follow => {
                let last = logs.shown().last().map(|entry| entry.seq);
                logs.bottom = if logs.bottom.is_some() { None } else { last };
            }
            Command::Wrap => logs.wrap = !logs.wrap,
            Command::Times => logs.timeless = !logs.timeless,
            Command::Full => logs.full = !logs.full,
            Command::Narrow => {
                let text = logs.filter.clone();
                self.layers.push(Layer::Narrow {
                    line: Line { text },
                });
            }
            Command::NextMatch => self.seek_log(Some(true)),
            Command::PreviousMatch => self.seek_log(Some(false)),
            Command::Escape
                if self.here().place.filter.is_empty() && !self.reading.logs.filter.is_empty() =>
            {
                self.reading.logs.narrow("");
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn in_text(&mut self, command: &Command) -> Option<Vec<Effect>> {
        match command {
            Command::Move(motion) => self.move_text(*motion),
            Command::Wrap => self.reading.text.wrap = !self.reading.text.wrap,
            Command::NextMatch => self.seek_text(Some(true)),
            Command::PreviousMatch => self.seek_text(Some(false)),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// The lines of text a screen holds.
    pub(super) fn page(&self) -> usize {
        let full = self.reading.logs.full && matches!(self.here().screen, Screen::Logs(_));
        let frame = if full { 3 } else { 5 };
        usize::from(self.height).saturating_sub(frame).max(1)
    }

    fn sideways(&mut self, motion: Motion) -> bool {
        let right = &mut self.history.here_mut().place.right;
        *right = match motion {
            Motion::Left => right.saturating_sub(SIDEWAYS),
            Motion::Right => (*right + SIDEWAYS).min(super::logs::line::LONGEST),
            _ => return false,
        };
        true
    }

    fn move_log(&mut self, motion: Motion) {
        if self.sideways(motion) {
            return;
        }
        let page = self.page();
        let logs = &mut self.reading.logs;
        let shown = logs.shown();
        let Some(at) = logs.bottom_in(&shown) else {
            return;
        };
        let last = shown.len() - 1;
        // Wrapped lines fill the screen with fewer: then the first one may stand at the lower end.
        let floor = if logs.wrap { 0 } else { last.min(page - 1) };
        let to = stepped(at, motion, page, last).clamp(floor, last);
        let seq = shown.get(to).map(|entry| entry.seq);
        logs.bottom = if to == last { None } else { seq };
    }

    fn move_text(&mut self, motion: Motion) {
        if self.sideways(motion) {
            return;
        }
        let page = self.page();
        let len = self.reading.text.lines.len();
        let last = if self.reading.text.wrap {
            len.saturating_sub(1)
        } else {
            len.saturating_sub(page)
        };
        let top = &mut self.history.here_mut().place.top;
        *top = stepped(*top, motion, page, last).min(last);
    }

    /// After a search was typed: to the nearest match.
    pub(super) fn seek(&mut self) {
        match self.here().screen {
            Screen::Logs(_) => self.seek_log(None),
            Screen::Describe(_) | Screen::Yaml(_) => self.seek_text(None),
            _ => {}
        }
    }

    /// To the next match or the one before; without a direction to the newest one on the screen or above it.
    fn seek_log(&mut self, forward: Option<bool>) {
        let page = self.page();
        let needle = self.here().place.filter.clone();
        let logs = &mut self.reading.logs;
        let shown = logs.shown();
        let found = logs
            .found
            .and_then(|seq| shown.iter().position(|entry| entry.seq == seq));
        let below = logs
            .bottom_in(&shown)
            .map(|at| at + 1)
            .filter(|at| *at < shown.len());
        let from = if forward.is_some() {
            found.or(below)
        } else {
            below
        };
        let hit = |index: usize| {
            shown
                .get(index)
                .is_some_and(|entry| holds(&entry.line.text, &needle))
        };
        match find(shown.len(), from, forward.unwrap_or(false), hit) {
            Some(index) => {
                let bottom = (index + page / 2).min(shown.len() - 1);
                let seq = |index: usize| shown.get(index).map(|entry: &&Entry| entry.seq);
                (logs.found, logs.bottom) = (seq(index), seq(bottom));
            }
            None => self.no_match(&needle),
        }
    }

    fn seek_text(&mut self, forward: Option<bool>) {
        let page = self.page();
        let place = &self.here().place;
        let (needle, top) = (place.filter.clone(), place.top);
        let text = &mut self.reading.text;
        let from = if forward.is_some() { text.found } else { None };
        let from = from.or_else(|| top.checked_sub(1));
        let hit = |index: usize| {
            text.lines
                .get(index)
                .is_some_and(|line| holds(&line.text, &needle))
        };
        match find(text.lines.len(), from, forward.unwrap_or(true), hit) {
            Some(index) => {
                text.found = Some(index);
                let last = text.lines.len().saturating_sub(page);
                self.history.here_mut().place.top = index.saturating_sub(page / 2).min(last);
            }
            None => self.no_match(&needle),
        }
    }

    fn no_match(&mut self, needle: &str) {
        if needle.is_empty() {
            self.tell("Nothing is searched. / searches.");
        } else {
            self.tell(format!("Nothing here contains {needle}."));
        }
    }

    /// What a command is about: the thing on the screen, or the row under the cursor.
    pub(super) fn subject(&self) -> Option<ObjectRef> {
        match &self.here().screen {
            Screen::Logs(of)
            | Screen::Describe(of)
            | Screen::Yaml(of)
            | Screen::Rollout(of)
            | Screen::Signals(of) => Some(of.clone()),
            Screen::Contexts | Screen::Namespaces | Screen::Alerts => None,
            _ => list::selected(self).map(|item| item.object),
        }
    }

    fn open_of(&mut self, screen: fn(ObjectRef) -> Screen) -> Option<Vec<Effect>> {
        let object = self.subject()?;
        self.history.open(screen(object));
        Some(Vec::new())
    }

    fn open_log(&mut self, previous: bool) -> Option<Vec<Effect>> {
        let object = self.subject()?;
        if self.pods_of(&object).next().is_none() {
            self.tell(format!("There are no pods of {object} here, so no logs."));
            return Some(Vec::new());
        }
        self.reading.before_restart = previous;
        self.history.open(Screen::Logs(object));
        let (heard, all) = self.log_streams();
        if heard < all {
            self.tell(format!(
                "{heard} of {all} containers are heard; the log of a pod alone has all of its own."
            ));
        }
        Some(Vec::new())
    }

    fn shell(&mut self) -> Vec<Effect> {
        let Some(object) = self.subject().filter(|object| &*object.kind == "Pod") else {
            self.tell("A shell opens in a pod; choose one in :pods.");
            return Vec::new();
        };
        if !self.armed() {
            self.tell("This console is read-only: a shell can change things. Arm it first.");
            return Vec::new();
        }
        let container = self.pods_of(&object).next();
        let container = container.and_then(|pod| pod.container_names.first().cloned());
        vec![Effect::Shell { object, container }]
    }

    /// Turns to what the present screen reads, and remembers how well this place is. Once a batch of messages.
    pub(super) fn turn_to_screen(&mut self) {
        let reading = &mut self.reading;
        let (mut log, mut text, mut table) = (None, None, None);
        match &self.history.here().screen {
            Screen::Logs(object) => log = Some(object),
            Screen::Describe(object) => text = Some((object, Manner::Described)),
            Screen::Yaml(object) => text = Some((object, Manner::Yaml)),
            Screen::Kind(name) => table = Some(name),
            _ => {}
        }
        reading.turn_to_log(log);
        reading.turn_to_text(text);
        reading.turn_to_table(table);
        self.watch_login();
        if self.headline.level != Level::Unknown || self.settled() {
            let known = Known {
                level: self.headline.level,
                text: self.headline.text.clone(),
                at: self.now,
            };
            let target = &self.target;
            self.reading
                .places
                .remember(&target.context, &target.scope, known);
        }
    }

    /// Says once that the login no longer holds, and what to do.
    fn watch_login(&mut self) {
        let link = self.link(Source::Kubernetes);
        let refused = matches!(link, LinkState::Stale { why, .. } if *why == *LOGIN_REFUSED);
        let said = std::mem::replace(&mut self.reading.places.refused, refused);
        if refused && !said {
            let text =
                "The login no longer holds, what is shown grows old. :login signs in again.".into();
            self.notice = Some((Notice { text, error: true }, self.now + REMARK));
        }
    }

    /// Adds what is being read to what is wanted.
    pub(super) fn reading_wants(&self, wants: &mut Wants) {
        let reading = &self.reading;
        wants.text = reading.text.want.clone();
        wants.table = reading.table.name.clone();
        wants.places = match self.here().screen {
            Screen::Contexts => Some(PlacesWant::Contexts(reading.again)),
            Screen::Namespaces => Some(PlacesWant::Namespaces(reading.again)),
            _ => None,
        };
        wants.logs = reading
            .logs
            .object
            .as_ref()
            .and_then(|object| self.log_want(object));
    }

    fn go_there(&mut self) -> Vec<Effect> {
        let contexts = self.here().screen == Screen::Contexts;
        let Some(item) = list::selected(self) else {
            return Vec::new();
        };
        if contexts {
            self.go(Some(item.object.name), None)
        } else {
            self.go(None, Some(Scope::Namespace(item.object.name)))
        }
    }

    fn all_namespaces(&mut self) -> Vec<Effect> {
        if self.target.scope != Scope::All {
            self.reading.places.home = Some(self.target.scope.clone());
            return self.go(None, Some(Scope::All));
        }
        match self.reading.places.home.take() {
            Some(home) => self.go(None, Some(home)),
            // It began with all namespaces: then home is the context's own.
            None => self.go(Some(self.target.context.clone()), None),
        }
    }

    fn go(&mut self, context: Option<Arc<str>>, scope: Option<Scope>) -> Vec<Effect> {
        let context = context.filter(|name| *name != self.target.context || scope.is_none());
        let here = context
            .as_ref()
            .is_none_or(|name| *name == self.target.context)
            && scope
                .as_ref()
                .is_none_or(|scope| *scope == self.target.scope)
            && (scope.is_some() || self.target.scope != Scope::All);
        if here {
            self.history.open(Screen::Overview);
            return Vec::new();
        }
        if self.runs.active().is_some() {
            // The engine of this target carries the run, and would end with it.
            self.tell("A run is open here; end it or put it away before going elsewhere.");
            return Vec::new();
        }
        let to = match (&context, &scope) {
            (Some(name), _) => name.to_string(),
            (None, Some(scope)) => scope.to_string(),
            (None, None) => String::new(),
        };
        self.tell(format!("Going to {to} …"));
        vec![Effect::Go(Destination { context, scope })]
    }

    /// Does what a typed line says.
    pub(super) fn follow(&mut self, said: Said) -> Vec<Effect> {
        match said {
            Said::Open(screen) => {
                self.history.open(screen);
                Vec::new()
            }
            Said::Scope(scope) => self.go(None, Some(scope)),
            Said::Context(name) => self.go(Some(name), None),
        }
    }

    /// Takes over from the App of another target what is the operator's and not that target's.
    pub fn arrive_from(&mut self, old: &mut Self) {
        let general = |screen: &Screen| {
            !matches!(
                screen,
                Screen::Rollout(_)
                    | Screen::Signals(_)
                    | Screen::Logs(_)
                    | Screen::Describe(_)
                    | Screen::Yaml(_)
                    | Screen::Run(_)
            )
        };
        let mut history = History::new(Screen::Overview);
        for visit in old
            .history
            .visits()
            .iter()
            .filter(|visit| general(&visit.screen))
        {
            history.open(visit.screen.clone());
        }
        match &old.here().screen {
            Screen::Contexts | Screen::Namespaces => history.open(Screen::Overview),
            screen if general(screen) => history.open(screen.clone()),
            _ => history.open(Screen::Overview),
        }
        self.history = history;
        self.drill = old.drill.take();
        self.reading.places = std::mem::take(&mut old.reading.places);
        self.reading.places.leave();
        (self.range_s, self.split, self.baseline) = (old.range_s, old.split, old.baseline);
        (self.compact, self.wide) = (old.compact, old.wide);
        (self.height, self.width) = (old.height, old.width);
        self.tell(format!(
            "This is {} ▸ {}.",
            self.target.context, self.target.scope
        ));
    }
}

fn stepped(at: usize, motion: Motion, page: usize, last: usize) -> usize {
    match motion {
        Motion::Up => at.saturating_sub(1),
        Motion::Down => at + 1,
        Motion::First => 0,
        Motion::Last => last,
        Motion::PageUp => at.saturating_sub(page),
        Motion::PageDown => at + page,
        Motion::HalfUp => at.saturating_sub(page / 2),
        Motion::HalfDown => at + page / 2,
        Motion::Left | Motion::Right => at,
    }
}
