//! Cuts a runbook file into front matter, headings, prose and executable fences, with byte offsets into the
//! file. It knows Markdown, and nothing of what the fences mean.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

use crate::runbook::format::sink::Sink;
use crate::runbook::prose;

/// The largest file that is read.
pub const MAX_BYTES: usize = 256 * 1024;
/// How deep Markdown may nest before the file is refused.
const MAX_DEPTH: usize = 64;

/// What an executable fence holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceKind {
    /// One step.
    Step,
    /// A reusable block.
    Block,
}

/// A piece of the body, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A heading of the second level, and where it begins.
    Heading(String, usize),
    /// Text between, made safe to show.
    Prose(String),
    /// A fence that is executed.
    Fence(FenceKind, Range<usize>),
}

/// A mistake of structure: offset, sentence, help.
pub type Flaw = (usize, String, Option<String>);

/// A file in pieces.
#[derive(Debug, Default)]
pub struct Split {
    /// The front matter's bytes.
    pub front: Range<usize>,
    /// The body's pieces.
    pub pieces: Vec<Piece>,
    /// What is wrong with the structure.
    pub flaws: Vec<Flaw>,
}

/// Cuts a file of a bearable size, with what is wrong with its structure told to the sink.
pub fn cut(sink: &Sink<'_>, text: &str, overlay: bool) -> Option<Split> {
    if text.len() > MAX_BYTES {
        let bytes = text.len();
        let message = format!("the file has {bytes} bytes, at most {MAX_BYTES} are read");
        sink.error(0, message, None);
        return None;
    }
    let split = split(text, overlay);
    for (at, message, help) in &split.flaws {
        sink.error(*at, message.clone(), help.clone());
    }
    Some(split)
}

/// Cuts a text; `overlay` files may not hold executable fences.
pub fn split(text: &str, overlay: bool) -> Split {
    let mut out = Split::default();
    let Some(body) = front_matter(text, &mut out) else {
        return out;
    };
    if let Some(at) = text.find('\r') {
        out.flaws.push((
            at,
            "a carriage return".to_owned(),
            Some("save the file with LF line ends".to_owned()),
        ));
    }
    Body {
        text,
        base: body,
        overlay,
        out: &mut out,
        prose_from: body,
        depth: 0,
    }
    .read();
    out
}

/// Finds `+++ … +++`; returns where the body begins.
fn front_matter(text: &str, out: &mut Split) -> Option<usize> {
    let help =
        Some("begin the file with a line `+++`, its keys, and a second line `+++`".to_owned());
    if !text.starts_with("+++\n") {
        out.flaws.push((0, "no front matter".to_owned(), help));
        return None;
    }
    if text[4..].starts_with("+++\n") {
        out.front = 4..4;
        return Some(8);
    }
    if let Some(end) = text
        .find("\n+++\n")
        .or_else(|| text.strip_suffix("\n+++").map(str::len))
    {
        out.front = 4..end + 1;
        Some((end + 5).min(text.len()))
    } else {
        out.flaws
            .push((0, "the front matter does not end".to_owned(), help));
        None
    }
}

struct Body<'t, 'o> {
    text: &'t str,
    base: usize,
    overlay: bool,
    out: &'o mut Split,
    prose_from: usize,
    depth: usize,
}

impl Body<'_, '_> {
    fn read(mut self) {
        let body = self.text.get(self.base..).unwrap_or_default();
        let mut heading: Option<(Range<usize>, String)> = None;
        let parser = Parser::new(body).into_offset_iter();
        for (event, range) in parser {
            let range = range.start + self.base..range.end + self.base;
            match event {
                Event::Start(Tag::Heading {
                    level: HeadingLevel::H2,
                    ..
                }) => {
                    self.flush(range.start);
                    heading = Some((range, String::new()));
                }
                Event::End(TagEnd::Heading(HeadingLevel::H2)) => {
                    if let Some((at, title)) = heading.take() {
                        let title = prose::bounded(title.trim(), 120);
                        self.out.pieces.push(Piece::Heading(title, at.start));
                        self.prose_from = at.end;
                    }
                }
                Event::Text(part) | Event::Code(part) if heading.is_some() => {
                    if let Some((_, title)) = &mut heading {
                        title.push_str(&part);
                    }
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let nested = self.depth > 0;
                    self.depth += 1;
                    self.fence(&info, range, nested);
                }
                Event::Start(_) if self.depth >= MAX_DEPTH => {
                    self.out.flaws.push((
                        range.start,
                        format!("the text nests deeper than {MAX_DEPTH} levels"),
                        None,
                    ));
                    break;
                }
                Event::Start(tag) if !matches!(tag, Tag::Paragraph) => self.depth += 1,
                Event::End(tag) if !matches!(tag, TagEnd::Paragraph) => {
                    self.depth = self.depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        self.flush(self.text.len());
    }

    /// Takes a fence over if it is executable, and points out one that was probably meant to be.
    fn fence(&mut self, info: &str, range: Range<usize>, nested: bool) {
        let kind = match info {
            "toml step" => FenceKind::Step,
            "toml block" => FenceKind::Block,
            near if near_miss(near) => {
                let meant = if near.contains("bl") { "block" } else { "step" };
                return self.flaw(
                    range.start,
                    &format!("the fence `{}` would not run", prose::bounded(near, 40)),
                    &format!("write ```toml {meant} or another language"),
                );
            }
            _ => return,
        };
        if self.overlay {
            return self.flaw(
                range.start,
                "a translation cannot hold steps",
                "keep only prose here; the steps stand in the runbook",
            );
        }
        if nested {
            return self.flaw(
                range.start,
                "a step inside a list or a quotation",
                "move the fence to the left margin, outside of lists",
            );
        }
        let whole = self.text.get(range.clone()).unwrap_or_default();
        let fence: String = whole
            .chars()
            .take_while(|c| *c == '`' || *c == '~')
            .collect();
        let inner = whole.find('\n').map_or(whole.len(), |at| at + 1);
        let closing = whole
            .trim_end()
            .rfind('\n')
            .map_or(inner, |at| at + 1)
            .max(inner);
        if fence.is_empty()
            || !whole
                .get(closing..)
                .is_some_and(|last| last.trim().starts_with(&fence))
        {
            return self.flaw(
                range.start,
                "the fence does not end",
                &format!("close it with a line `{fence}`"),
            );
        }
        self.flush(range.start);
        self.out.pieces.push(Piece::Fence(
            kind,
            range.start + inner..range.start + closing,
        ));
        self.prose_from = range.end;
    }

    fn flaw(&mut self, at: usize, message: &str, help: &str) {
        let flaw = (at, message.to_owned(), Some(help.to_owned()));
        self.out.flaws.push(flaw);
    }

    fn flush(&mut self, until: usize) {
        let prose = self
            .text
            .get(self.prose_from..until.max(self.prose_from))
            .unwrap_or_default()
            .trim();
        if !prose.is_empty() {
            self.out.pieces.push(Piece::Prose(prose::neutralise(prose)));
        }
        self.prose_from = until;
    }
}

/// An info string that looks like ours and is not.
fn near_miss(info: &str) -> bool {
    let squeezed = info
        .to_ascii_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    info != "toml"
        && ["toml step", "toml block", "toml-step", "step toml"]
            .iter()
            .any(|meant| strsim::levenshtein(&squeezed, meant) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(body: &str) -> (Vec<Piece>, Vec<String>) {
        let split = split(&format!("+++\nid = 1\n+++\n{body}"), false);
        (
            split.pieces,
            split.flaws.into_iter().map(|flaw| flaw.1).collect(),
        )
    }

    #[test]
    fn only_the_two_info_strings_are_executable() {
        let (found, flaws) = pieces(
            "## T\n\ntext\n\n```toml\nx\n```\n\n```toml step\na = 1\n```\n\n~~~toml block\nb = 1\n~~~\n",
        );
        assert!(flaws.is_empty(), "{flaws:?}");
        assert!(
            matches!(
                found.as_slice(),
                [
                    Piece::Heading(..),
                    Piece::Prose(_),
                    Piece::Fence(FenceKind::Step, _),
                    Piece::Fence(FenceKind::Block, _)
                ]
            ),
            "{found:?}"
        );
    }

    #[test]
    fn fences_that_would_silently_not_run_are_pointed_out() {
        for body in [
            "```toml  step\n```",
            "```toml Step\n```",
            "```toml steps\n```",
            "- x\n\n  ```toml step\n  a = 1\n  ```\n",
            "```toml step\na = 1\n",
        ] {
            let (_, flaws) = pieces(body);
            assert_eq!(flaws.len(), 1, "{body:?}: {flaws:?}");
        }
    }

    #[test]
    fn a_fence_holds_exactly_the_lines_between_its_marks() {
        let text = "+++\n+++\n```toml step\nid = \"a\"\n```\n";
        let split = split(text, false);
        let Some(Piece::Fence(_, range)) = split.pieces.first() else {
            panic!("{split:?}")
        };
        assert_eq!(&text[range.clone()], "id = \"a\"\n");
    }
}
