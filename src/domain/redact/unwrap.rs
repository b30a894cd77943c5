//! A text as it reads after its escapes are taken off, with the place in the text that each byte came from.

use std::ops::Range;
use zeroize::Zeroizing;

/// How often escapes are taken off: a document inside a document inside a sentence.
const DEPTH: usize = 3;

/// A text without some of its escapes.
pub struct Seen {
    /// What it reads.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Where each byte came from in the text.
    from: Vec<Range<usize>>,
}

impl Seen {
    /// Where some bytes came from.
    pub fn span(&self, range: Range<usize>) -> Range<usize> {
        let spans = self.from.get(range).unwrap_or_default();
        let start = spans.first().map_or(0, |span| span.start);
        start..spans.last().map_or(start, |span| span.end)
    }

    fn plain(text: &str) -> Self {
        Self {
            bytes: Zeroizing::new(text.as_bytes().to_vec()),
            from: (0..text.len()).map(|at| at..at + 1).collect(),
        }
    }

    /// The same with one kind of escapes taken off; none where there are none.
    fn without(&self, escape: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Option<Self> {
        let mut next = Self {
            bytes: Zeroizing::new(Vec::with_capacity(self.bytes.len())),
            from: Vec::with_capacity(self.bytes.len()),
        };
        let (mut at, mut any) = (0, false);
        while at < self.bytes.len() {
            if let Some((meant, length)) = escape(&self.bytes[at..]) {
                let span = self.span(at..at + length);
                next.from.extend(meant.iter().map(|_| span.clone()));
                next.bytes.extend(meant);
                at += length;
                any = true;
            } else {
                next.from.push(self.from[at].clone());
                next.bytes.push(self.bytes[at]);
                at += 1;
            }
        }
        any.then_some(next)
    }
}

/// The text as it stands, and as it reads after every way of taking its escapes off.
pub fn layers(text: &str) -> Vec<Seen> {
    let mut all = vec![Seen::plain(text)];
    let mut newest = 0;
    for _ in 0..DEPTH {
        let fresh: Vec<Seen> = all[newest..]
            .iter()
            .flat_map(|seen| {
                [
                    seen.without(backslash),
                    seen.without(|rest| percent(rest, false)),
                    seen.without(|rest| percent(rest, true)),
                ]
            })
            .flatten()
            .collect();
        newest = all.len();
        all.extend(fresh);
    }
    all
}

/// `%2F`, and in forms `+` for a space.
fn percent(rest: &[u8], form: bool) -> Option<(Vec<u8>, usize)> {
    match rest {
        [b'%', high, low, ..] => Some((vec![digit(*high)? << 4 | digit(*low)?], 3)),
        [b'+', ..] if form => Some((vec![b' '], 1)),
        _ => None,
    }
}

/// `\n`, `\"`, `\x41`, `\u0041` and pairs of those.
fn backslash(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let [b'\\', kind, ..] = rest else { return None };
    let one = |byte: u8| Some((vec![byte], 2));
    match kind {
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'b' => one(8),
        b'f' => one(12),
        b'a' => one(7),
        b'v' => one(11),
        b'"' | b'\\' | b'/' | b'\'' | b'`' => one(*kind),
        b'x' => Some((vec![number(rest.get(2..4)?)? as u8], 4)),
        b'u' => wide(rest),
        _ => None,
    }
}

fn wide(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let first = number(rest.get(2..6)?)?;
    let low = || {
        let digits = rest.get(6..12)?.strip_prefix(b"\\u")?;
        number(digits).filter(|low| (0xDC00..0xE000).contains(low))
    };
    let (code, length) = match low() {
        Some(low) if (0xD800..0xDC00).contains(&first) => {
            (0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let mut buffer = [0; 4];
    let text = char::from_u32(code)?.encode_utf8(&mut buffer);
    Some((text.as_bytes().to_vec(), length))
}

fn number(digits: &[u8]) -> Option<u32> {
    let each = digits.iter().map(|one| digit(*one).map(u32::from));
    each.reduce(|high, low| Some(high? << 4 | low?)).flatten()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
