//! A list in JSON taken apart while it arrives: one item at a time, so that no whole list is ever in memory.
//!
//! The scanner knows brackets and strings, nothing else; what it hands out is decoded elsewhere.

use super::lines::LONGEST;

/// Splits a JSON document `{…, "items": [A, B, …], …}` into its items and the rest.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the state of a scanner is where it stands: in a string, after a backslash, in the array"
)]
pub(super) struct Splitter {
    key: &'static [u8],
    depth: u32,
    quoted: bool,
    escaped: bool,
    /// The last string at the top level: the name of the field that follows.
    name: Vec<u8>,
    naming: bool,
    inside: bool,
    item: Vec<u8>,
    head: Vec<u8>,
    done: bool,
    /// An item, or what stands around them, is longer than anything that is kept.
    too_long: bool,
}

impl Splitter {
    /// A splitter for the array of that name.
    pub(super) fn new(key: &'static str) -> Self {
        Self {
            key: key.as_bytes(),
            depth: 0,
            quoted: false,
            escaped: false,
            name: Vec::new(),
            naming: false,
            inside: false,
            item: Vec::new(),
            head: Vec::new(),
            done: false,
            too_long: false,
        }
    }

    /// Reads a piece of the document and hands out every item that ends in it.
    pub(super) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.quoted && !self.escaped {
                // The run up to the next quote or backslash is taken whole: most bytes of a list are in strings.
                let run = rest
                    .iter()
                    .position(|b| matches!(b, b'"' | b'\\'))
                    .unwrap_or(rest.len());
                if run > 0 {
                    self.keep(&rest[..run]);
                    rest = &rest[run..];
                    continue;
                }
            }
            self.step(byte, &mut each);
            rest = &rest[1..];
        }
    }

    /// Everything but the items, once the document is complete.
    pub(super) fn head(&self) -> Option<&[u8]> {
        self.done.then_some(&*self.head)
    }

    /// Whether something is too long to be read; nothing more is kept of it then.
    pub(super) fn is_too_long(&self) -> bool {
        self.too_long
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = if self.inside {
            &mut self.item
        } else {
            &mut self.head
        };
        if bytes.len() > LONGEST - kept.len() {
            self.too_long = true;
            return;
        }
        kept.extend_from_slice(bytes);
        if self.naming {
            self.name.extend_from_slice(bytes);
        }
    }

    fn step(&mut self, byte: u8, each: &mut impl FnMut(&[u8])) {
        if self.quoted {
            self.in_string(byte);
            return;
        }
        match byte {
            b'"' => {
                self.quoted = true;
                self.keep(&[byte]);
                self.naming = self.depth == 1;
                if self.naming {
                    self.name.clear();
                }
            }
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => self.close(byte, each),
            b',' if self.inside && self.depth == 2 => self.flush(each),
            _ if byte.is_ascii_whitespace() => {}
            _ => self.keep(&[byte]),
        }
    }

    fn in_string(&mut self, byte: u8) {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        if ends {
            self.quoted = false;
            self.naming = false;
        }
        self.keep(&[byte]);
    }

    fn open(&mut self, byte: u8) {
        self.keep(&[byte]);
        self.depth += 1;
        if byte == b'[' && self.depth == 2 && self.name == self.key {
            self.inside = true;
        }
    }

    fn close(&mut self, byte: u8, each: &mut impl FnMut(&[u8])) {
        self.depth = self.depth.saturating_sub(1);
        if self.inside && self.depth == 1 {
            self.flush(each);
            self.inside = false;
            self.name.clear();
        }
        self.keep(&[byte]);
        self.done |= self.depth == 0;
    }

    fn flush(&mut self, each: &mut impl FnMut(&[u8])) {
        if !self.item.is_empty() {
            each(&self.item);
            self.item.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn split(text: &str, piece: usize) -> (Vec<Value>, Option<Value>) {
        let mut splitter = Splitter::new("items");
        let mut items = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            splitter.feed(bytes, |item| {
                items.push(serde_json::from_slice(item).unwrap());
            });
        }
        let head = splitter
            .head()
            .map(|head| serde_json::from_slice(head).unwrap());
        (items, head)
    }

    #[test]
    fn items_come_out_whatever_stands_around_them() {
        let text = r#" {"apiVersion":"v1", "items" : [ {"a":[1,{"items":[9]}],"b":"]}\"," }, {} ,7], "kind":"L", "metadata":{"items":[3],"resourceVersion":"12"}} "#;
        for piece in 1..text.len() {
            let (items, head) = split(text, piece);
            assert_eq!(
                items,
                [
                    json!({"a":[1,{"items":[9]}],"b":"]}\","}),
                    json!({}),
                    json!(7)
                ]
            );
            let head = head.unwrap();
            assert_eq!(head["metadata"]["resourceVersion"], "12");
            assert_eq!(head["items"], json!([]));
        }
    }

    #[test]
    fn a_cut_list_has_no_head() {
        assert_eq!(
            split(r#"{"items":[{"a":1},{"b""#, 5),
            (vec![json!({"a":1})], None)
        );
        assert_eq!(
            split(r#"{"items":null,"x":1}"#, 3),
            (vec![], Some(json!({"items":null,"x":1})))
        );
    }

    #[test]
    fn nothing_without_end_is_kept() {
        let piece = vec![b'x'; 1 << 20];
        for start in [r#"{"items":[{"a":""#, r#"{"metadata":""#] {
            let mut splitter = Splitter::new("items");
            splitter.feed(start.as_bytes(), |_| {});
            for _ in 0..LONGEST >> 20 {
                assert!(!splitter.is_too_long());
                splitter.feed(&piece, |_| {});
            }
            assert!(splitter.is_too_long());
            assert!(splitter.item.len().max(splitter.head.len()) <= LONGEST);
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(texts in proptest::collection::vec(".{0,12}", 0..8), piece in 1usize..20) {
            let items: Vec<Value> = texts.iter().map(|t| json!({ "t": t, "l": [t] })).collect();
            let (seen, head) = split(&json!({"items": items, "z": texts}).to_string(), piece);
            prop_assert_eq!(seen, items);
            prop_assert_eq!(head.unwrap()["z"].clone(), json!(texts));
        }
    }
}
