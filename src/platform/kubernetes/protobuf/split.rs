//! A list in protobuf taken apart while it arrives: one item at a time, so that no whole list is ever in memory.
//!
//! The scanner knows the envelope and the list inside it, nothing of the items; what it hands out is decoded elsewhere.
//! An item that lies whole in one piece of the answer is handed out without a copy.

use super::{MAGIC, NAME, NotProtobuf, TypeMeta};
use crate::platform::kubernetes::lines::LONGEST;
use prost::Message;

/// The longest head of a list, or type of an envelope: a name, a version, a token.
const HEAD: u64 = 64 << 10;

/// The head of a list.
#[derive(Clone, PartialEq, Message)]
struct ListMeta {
    #[prost(string, tag = "2")]
    resource_version: String,
}

/// A field that is read; all others are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Of the envelope: what is in it,
    Type,
    /// how that is compressed,
    Encoding,
    /// and in which form it is.
    Form,
    /// Of the list: its version,
    Head,
    /// and its items.
    Item,
}

/// Where the scanner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the first bytes, of which so many were right.
    Magic(usize),
    /// In the number and kind of a field.
    Tag,
    /// In the length of that field.
    Length(u64),
    /// In a number that is passed over.
    Number,
    /// So many bytes before the end of what is passed over.
    Skip(u64),
    /// So many bytes before the end of what is read.
    Read(Part, u64),
}

/// A number of variable length that may come in pieces.
#[derive(Debug)]
struct Varint {
    value: u64,
    shift: u32,
}

impl Varint {
    /// Takes one byte; the number, where it ends there.
    fn take(&mut self, byte: u8) -> Result<Option<u64>, NotProtobuf> {
        if self.shift == 63 && byte > 1 {
            return Err(NotProtobuf);
        }
        self.value |= u64::from(byte & 0x7f) << self.shift;
        if byte & 0x80 != 0 {
            self.shift += 7;
            return Ok(None);
        }
        let value = self.value;
        (self.value, self.shift) = (0, 0);
        Ok(Some(value))
    }
}

/// Splits `magic, envelope { type, list { head, items } }` into the items and the list's version.
#[derive(Debug)]
pub(in crate::platform::kubernetes) struct Splitter {
    kind: &'static str,
    place: Place,
    varint: Varint,
    /// What came so far of the field that is read.
    held: Vec<u8>,
    /// The envelope has said that it holds such a list.
    typed: bool,
    /// Within the list: so many bytes before its end.
    inside: Option<u64>,
    /// The list has been seen to its end.
    listed: bool,
    version: String,
}

impl Splitter {
    /// A splitter for a list of that name.
    pub(in crate::platform::kubernetes) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            place: Place::Magic(0),
            varint: Varint { value: 0, shift: 0 },
            held: Vec::new(),
            typed: false,
            inside: None,
            listed: false,
            version: String::new(),
        }
    }

    /// Reads a piece of the document and hands out every item that ends in it, until one is refused.
    pub(in crate::platform::kubernetes) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), NotProtobuf>,
    ) -> Result<(), NotProtobuf> {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let room = rest.len() as u64;
            let (now, after) = match self.place {
                Place::Skip(left) | Place::Read(_, left) => rest.split_at(room.min(left) as usize),
                _ => rest.split_at(1),
            };
            if let Some(left) = &mut self.inside {
                *left = left.checked_sub(now.len() as u64).ok_or(NotProtobuf)?;
            }
            match self.place {
                Place::Skip(left) => self.skip(left - now.len() as u64),
                Place::Read(part, left) => self.read(part, left, now, &mut each)?,
                _ => self.step(byte, &mut each)?,
            }
            if self.inside == Some(0) && self.between_fields() {
                (self.inside, self.listed) = (None, true);
            }
            rest = after;
        }
        Ok(())
    }

    /// The list's version, once the document is complete.
    pub(in crate::platform::kubernetes) fn version(&self) -> Option<&str> {
        let complete = self.listed && self.inside.is_none() && self.between_fields();
        (complete && !self.version.is_empty()).then_some(&*self.version)
    }

    fn between_fields(&self) -> bool {
        self.place == Place::Tag && self.varint.shift == 0
    }

    fn skip(&mut self, left: u64) {
        self.place = if left == 0 {
            Place::Tag
        } else {
            Place::Skip(left)
        };
    }

    /// One byte of what stands before a field's content.
    fn step(
        &mut self,
        byte: u8,
        each: &mut impl FnMut(&[u8]) -> Result<(), NotProtobuf>,
    ) -> Result<(), NotProtobuf> {
        match self.place {
            Place::Magic(right) => {
                if MAGIC.get(right) != Some(&byte) {
                    return Err(NotProtobuf);
                }
                self.place = if right + 1 == MAGIC.len() {
                    Place::Tag
                } else {
                    Place::Magic(right + 1)
                };
            }
            Place::Tag => {
                if let Some(tag) = self.varint.take(byte)? {
                    self.place = content(tag)?;
                }
            }
            Place::Number => {
                if self.varint.take(byte)?.is_some() {
                    self.place = Place::Tag;
                }
            }
            Place::Length(field) => {
                if let Some(length) = self.varint.take(byte)? {
                    self.begin(field, length, each)?;
                }
            }
            Place::Skip(_) | Place::Read(..) => {}
        }
        Ok(())
    }

    /// The content of a field begins.
    fn begin(
        &mut self,
        field: u64,
        length: u64,
        each: &mut impl FnMut(&[u8]) -> Result<(), NotProtobuf>,
    ) -> Result<(), NotProtobuf> {
        if self.inside.is_some_and(|left| length > left) {
            return Err(NotProtobuf);
        }
        let part = match (self.inside.is_some(), field) {
            (false, 1) => Part::Type,
            (false, 2) => {
                self.place = Place::Tag;
                let first = self.typed && !self.listed;
                self.inside = first.then_some(length);
                return first.then_some(()).ok_or(NotProtobuf);
            }
            (false, 3) => Part::Encoding,
            (false, 4) => Part::Form,
            (true, 1) => Part::Head,
            (true, 2) => Part::Item,
            _ => {
                self.skip(length);
                return Ok(());
            }
        };
        let longest = if part == Part::Item {
            LONGEST as u64
        } else {
            HEAD
        };
        if length > longest {
            return Err(NotProtobuf);
        }
        self.place = Place::Read(part, length);
        if length == 0 {
            self.read(part, 0, &[], each)?;
        }
        Ok(())
    }

    /// Some bytes of a field that is read.
    fn read(
        &mut self,
        part: Part,
        left: u64,
        now: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), NotProtobuf>,
    ) -> Result<(), NotProtobuf> {
        let left = left - now.len() as u64;
        if left > 0 {
            self.held.extend_from_slice(now);
            self.place = Place::Read(part, left);
            return Ok(());
        }
        self.place = Place::Tag;
        if self.held.is_empty() {
            return self.whole(part, now, each);
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(now);
        self.whole(part, &held, each)?;
        held.clear();
        self.held = held;
        Ok(())
    }

    /// A field that is there to its end.
    fn whole(
        &mut self,
        part: Part,
        bytes: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), NotProtobuf>,
    ) -> Result<(), NotProtobuf> {
        let right = match part {
            Part::Item => return each(bytes),
            Part::Head => {
                self.version = ListMeta::decode(bytes)?.resource_version;
                true
            }
            Part::Type => {
                let of = TypeMeta::decode(bytes)?;
                self.typed = of.version == "v1" && of.kind == self.kind;
                self.typed
            }
            Part::Encoding => bytes.is_empty(),
            Part::Form => bytes.is_empty() || bytes == NAME.as_bytes(),
        };
        right.then_some(()).ok_or(NotProtobuf)
    }
}

/// What follows a tag.
fn content(tag: u64) -> Result<Place, NotProtobuf> {
    match (tag >> 3, tag & 7) {
        (0, _) => Err(NotProtobuf),
        (_, 0) => Ok(Place::Number),
        (_, 1) => Ok(Place::Skip(8)),
        (field, 2) => Ok(Place::Length(field)),
        (_, 5) => Ok(Place::Skip(4)),
        // Groups were never in use here.
        _ => Err(NotProtobuf),
    }
}

#[cfg(test)]
mod tests;
