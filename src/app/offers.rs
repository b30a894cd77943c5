//! What the palette offers now: the fixed places and kinds, what the keys do, and the workloads by name. Obeys its line.

use super::act;
use super::command::{Command, Motion};
use super::effect::Effect;
use super::layer::{Layer, Line};
use super::message::Notice;
use super::palette::{self, Offer};
use super::perform;
use super::screen::Screen;
use super::state::App;

/// The most workloads that are offered by name.
const WORKLOADS: usize = 500;

impl App {
    /// Everything the palette offers now.
    pub fn offers(&self) -> Vec<Offer> {
        let mut offers = palette::fixed();
        offers.extend(perform::offers());
        for offer in &self.keyed_offers {
            let known = offers.iter().any(|known| known.name == offer.name);
            if !known {
                offers.push(offer.clone());
            }
        }
        offers.extend(self.run_offers());
        for row in self.services.in_order().take(WORKLOADS) {
            let object = &row.object;
            let open = |screen| Command::Open(screen);
            let verbs = [
                ("rollout", open(Screen::Rollout(object.clone()))),
                ("signals", open(Screen::Signals(object.clone()))),
                ("logs", open(Screen::Logs(object.clone()))),
            ];
            for (verb, command) in verbs {
                let words = format!("{} in {}", object.kind, object.namespace);
                offers.push(Offer::new(
                    format!("{verb} {}", object.name),
                    words,
                    command,
                ));
            }
        }
        offers
    }

    /// Obeys a command while the palette is open. What closes it returns what is to be done.
    pub(super) fn obey_in_palette(
        &mut self,
        mut line: Line,
        chosen: usize,
        command: Command,
    ) -> Result<Command, Vec<Effect>> {
        let count = |app: &Self, line: &Line| palette::rank(&app.offers(), &line.text).len();
        let to = match command {
            Command::Enter => return self.said(&line.text, chosen),
            Command::Move(Motion::Down) => (chosen + 1).min(count(self, &line)),
            Command::Move(Motion::Up) => chosen.saturating_sub(1),
            // Emptying an empty line closes it, as people expect of a prompt.
            Command::Erase if line.text.is_empty() => return Err(Vec::new()),
            typed => {
                take(&mut line, typed);
                0
            }
        };
        self.layers.push(Layer::Palette { line, chosen: to });
        Err(Vec::new())
    }

    /// What a line that was sent means: a command to obey, or nothing more.
    fn said(&mut self, typed: &str, chosen: usize) -> Result<Command, Vec<Effect>> {
        if typed.trim().is_empty() && chosen == 0 {
            return Err(Vec::new());
        }
        if let Some(wish) = act::read(typed) {
            return Ok(Command::Act(Box::new(wish)));
        }
        if let Some(request) = palette::begun(typed) {
            return Ok(Command::StartRun(Box::new(request)));
        }
        if let Some(said) = palette::argued(typed) {
            return Err(self.follow(said));
        }
        let offers = self.offers();
        let found = palette::rank(&offers, typed);
        let meant = palette::meant(&found, typed, chosen);
        if let Some(offer) = meant.and_then(|index| found.get(index)) {
            return Ok(offer.command.clone());
        }
        if let Some(said) = palette::kind(&offers, typed) {
            return Err(self.follow(said));
        }
        let text = palette::unknown(&offers, typed);
        self.notice = Some((Notice { text, error: true }, self.now));
        Err(Vec::new())
    }
}

fn take(line: &mut Line, typed: Command) {
    match typed {
        Command::Type(c) => line.push(c),
        Command::Paste(text) => text.chars().for_each(|c| line.push(c)),
        Command::Erase => drop(line.text.pop()),
        Command::EraseAll => line.text.clear(),
        _ => {}
    }
}
