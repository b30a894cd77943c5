//! The log that is looked at: lines of several containers in one order, bounded, with what was lost said in its place.
//!
//! [`LogStore`] holds lines and how they are looked at; it knows neither screens nor the App. [`line`] makes one line readable.

pub mod line;

use crate::domain::object::ObjectRef;
use jiff::Timestamp;
use line::{Readable, read, told};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most lines kept; the oldest go first.
pub const LINES: usize = 20_000;
/// The most bytes of text kept.
pub const BYTES: usize = 8 << 20;

/// Which stream something came from. The round tells an answer of now from one to an older question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogStream {
    /// Which opening of the screen asked for it.
    pub round: u64,
    /// The pod.
    pub pod: Arc<str>,
    /// The container.
    pub container: Arc<str>,
}

/// A line as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the runtime took it.
    pub at: Option<Timestamp>,
    /// Its text.
    pub text: String,
    /// Whether its end was cut off.
    pub cut: bool,
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogNews {
    /// It is asked for from the beginning: lines older than what is held come again.
    Begun,
    /// It is open.
    Open,
    /// Lines, oldest first.
    Lines(Vec<LogLine>),
    /// So many lines came faster than they could be taken in.
    Lost(u64),
    /// It cannot be had now, and why.
    Troubled(Arc<str>),
    /// There is no more.
    Ended,
}

/// One line as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number; later ones are greater, but the order of lines is that of time.
    pub seq: u64,
    /// When the runtime took it, as far as it said.
    pub at: Option<Timestamp>,
    /// Whose it is, by index into [`LogStore::voices`].
    pub voice: usize,
    /// The line.
    pub line: Readable,
    /// Whether it is ours: about the log, not of it.
    pub ours: bool,
    key: Timestamp,
    passes: bool,
}

/// One container that is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// Its pod.
    pub pod: Arc<str>,
    /// Its name.
    pub container: Arc<str>,
    /// Why it cannot be heard now.
    pub trouble: Option<Arc<str>>,
    /// Whether it has said all it will.
    pub ended: bool,
    last: Option<Timestamp>,
    floor: Option<Timestamp>,
}

/// The log that is looked at.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that a key turns"
)]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogStore {
    /// Whose log, while one is looked at.
    pub object: Option<ObjectRef>,
    /// Counts the openings.
    pub round: u64,
    /// Whether the logs before the last restart are meant.
    pub previous: bool,
    /// How far back they were asked for, in seconds; `None` for the last lines and on.
    pub since_s: Option<u32>,
    /// The containers, in the order they were first heard.
    pub voices: Vec<Voice>,
    /// Lines older than those held that were dropped to make room.
    pub dropped: u64,
    /// Lines that never came.
    pub lost: u64,
    /// Only lines with all these words are shown.
    pub filter: String,
    /// The line at the lower end of the screen; `None` follows the newest.
    pub bottom: Option<u64>,
    /// The line the search stands on.
    pub found: Option<u64>,
    /// Whether long lines go on below.
    pub wrap: bool,
    /// Whether times are hidden.
    pub timeless: bool,
    /// Whether the lines have the screen for themselves.
    pub full: bool,
    entries: VecDeque<Entry>,
    bytes: usize,
    next: u64,
}

impl LogStore {
    /// Looks at a log from the beginning; how it is looked at stays.
    pub fn open(&mut self, object: Option<ObjectRef>, previous: bool, since_s: Option<u32>) {
        *self = Self {
            object,
            round: self.round + 1,
            previous,
            since_s,
            wrap: self.wrap,
            timeless: self.timeless,
            full: self.full,
            ..Self::default()
        };
    }

    /// Takes in what a stream of this round says.
    pub fn learn(&mut self, stream: &LogStream, news: LogNews, now: Timestamp) {
        if stream.round != self.round || self.object.is_none() {
            return;
        }
        let voice = self.voice(stream);
        match news {
            LogNews::Begun => self.voices[voice].floor = self.voices[voice].last,
            LogNews::Open => self.voices[voice].trouble = None,
            LogNews::Lines(lines) => self.take(voice, lines, now),
            LogNews::Lost(count) => {
                self.lost += count;
                let noun = if count == 1 { "line" } else { "lines" };
                self.tell(
                    voice,
                    &format!("lost {count} {noun}: they came too fast"),
                    now,
                );
            }
            LogNews::Troubled(why) => {
                let known = self.voices[voice].trouble.as_ref() == Some(&why);
                if !known {
                    self.tell(voice, &format!("no log now: {why}"), now);
                    self.voices[voice].trouble = Some(why);
                }
            }
            LogNews::Ended => self.voices[voice].ended = true,
        }
    }

    fn voice(&mut self, stream: &LogStream) -> usize {
        let is = |voice: &Voice| voice.pod == stream.pod && voice.container == stream.container;
        if let Some(index) = self.voices.iter().position(is) {
            return index;
        }
        self.voices.push(Voice {
            pod: stream.pod.clone(),
            container: stream.container.clone(),
            trouble: None,
            ended: false,
            last: None,
            floor: None,
        });
        self.voices.len() - 1
    }

    fn take(&mut self, voice: usize, lines: Vec<LogLine>, now: Timestamp) {
        let Voice { floor, last, .. } = self.voices[voice];
        let mut key = last;
        let mut batch = Vec::with_capacity(lines.len());
        for line in lines {
            if line.at.is_some() && line.at <= floor {
                continue;
            }
            // A line without a time belongs to the one before it.
            key = line.at.or(key);
            let made = read(&line.text, line.cut);
            batch.push(self.entry(voice, line.at, key.unwrap_or(now), made));
        }
        self.voices[voice].last = key;
        self.merge(batch);
    }

    fn tell(&mut self, voice: usize, text: &str, now: Timestamp) {
        let newest = self.entries.back().map_or(now, |entry| entry.key);
        let key = self.voices[voice].last.unwrap_or(newest);
        let mut entry = self.entry(voice, None, key, told(text));
        (entry.ours, entry.passes) = (true, true);
        self.merge(vec![entry]);
    }

    fn entry(
        &mut self,
        voice: usize,
        at: Option<Timestamp>,
        key: Timestamp,
        line: Readable,
    ) -> Entry {
        self.next += 1;
        Entry {
            seq: self.next,
            at,
            voice,
            ours: false,
            key,
            passes: passes(&self.filter, &line.text),
            line,
        }
    }

    /// Lays lines among the others by time. They come nearly in order, so only the newest few ever move.
    fn merge(&mut self, batch: Vec<Entry>) {
        let Some(oldest) = batch.iter().map(|entry| entry.key).min() else {
            return;
        };
        self.bytes += batch
            .iter()
            .map(|entry| entry.line.text.len())
            .sum::<usize>();
        let from = self.entries.partition_point(|entry| entry.key <= oldest);
        let mut tail: Vec<Entry> = self.entries.drain(from..).collect();
        tail.extend(batch);
        tail.sort_by_key(|entry| entry.key);
        self.entries.extend(tail);
        while self.entries.len() > LINES || self.bytes > BYTES {
            let Some(gone) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= gone.line.text.len();
            self.dropped += u64::from(!gone.ours);
        }
    }

    /// How many lines are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no line is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The lines that pass the filter, oldest first.
    pub fn shown(&self) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.passes).collect()
    }

    /// Shows only lines with all these words; ours are always shown.
    pub fn narrow(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        for entry in &mut self.entries {
            entry.passes = entry.ours || passes(filter, &entry.line.text);
        }
    }

    /// The index among the shown lines of the one at the lower end of the screen.
    pub fn bottom_in(&self, shown: &[&Entry]) -> Option<usize> {
        let last = shown.len().checked_sub(1)?;
        let Some(seq) = self.bottom else {
            return Some(last);
        };
        let exact = shown.iter().position(|entry| entry.seq == seq);
        // Its line was dropped or filtered out: the first one left that is not older.
        let near = || shown.iter().position(|entry| entry.seq > seq);
        Some(exact.or_else(near).unwrap_or(last))
    }

    /// A short name for each voice, unlike every other: what follows the last dash of the pod, and the container where it is needed.
    pub fn names(&self) -> Vec<String> {
        let first =
            |voice: &&Voice| Some(&voice.container) == self.voices.first().map(|v| &v.container);
        let one_container = self.voices.iter().filter(first).count() == self.voices.len();
        let short = |voice: &Voice| {
            let pod = voice
                .pod
                .rsplit('-')
                .next()
                .unwrap_or(&voice.pod)
                .to_owned();
            if one_container {
                pod
            } else {
                format!("{pod}/{}", voice.container)
            }
        };
        self.voices.iter().map(short).collect()
    }
}

/// Whether a text has every word, in whatever case.
fn passes(filter: &str, text: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    let text = text.to_lowercase();
    filter
        .split_whitespace()
        .all(|word| text.contains(&word.to_lowercase()))
}

#[cfg(test)]
mod tests;
