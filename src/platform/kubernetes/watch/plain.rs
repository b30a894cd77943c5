//! The plain list of a watch: one request, decoded item by item, in protobuf where the server speaks it and in JSON otherwise.
//!
//! In protobuf a list costs the API server about two thirds of what it does in JSON, and it is here sooner. Where
//! anything is wrong with it (a proxy that refuses it, bytes that are none), the list is asked for again in JSON, which has
//! the last word for as long as the watch stands. A connection that breaks says nothing about the form.

use super::{BATCH, End, Watching};
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::classify::Attempt;
use crate::platform::kubernetes::client::Opened;
use crate::platform::kubernetes::decode::Decode;
use crate::platform::kubernetes::list;
use crate::platform::kubernetes::protobuf::{ACCEPT, NotProtobuf, split};
use crate::platform::kubernetes::sighting::Sighting;
use futures::io::AsyncBufReadExt as _;

/// What takes the list apart, by the form it comes in.
enum Form {
    Json(list::Splitter),
    Protobuf(split::Splitter),
}

/// Why a list cannot be read.
enum Unreadable {
    /// It is not the protobuf it says it is.
    Protobuf,
    /// It is no list in JSON.
    Json(&'static str),
}

impl From<NotProtobuf> for Unreadable {
    fn from(_: NotProtobuf) -> Self {
        Self::Protobuf
    }
}

impl Form {
    /// Reads a piece; each item is counted as a row or as skipped.
    fn feed<D: Decode>(
        &mut self,
        piece: &[u8],
        decode: &mut D,
        mut each: impl FnMut(Option<D::Row>),
    ) -> Result<(), Unreadable> {
        match self {
            Self::Json(splitter) => {
                splitter.feed(piece, |item| each(decode.item(item)));
                if splitter.is_too_long() {
                    return Err(Unreadable::Json("an object of the list is too long"));
                }
            }
            Self::Protobuf(splitter) => splitter.feed(piece, |item| {
                each(decode.unpacked(item)?);
                Ok(())
            })?,
        }
        Ok(())
    }

    /// At the end: rows the list makes by itself, and its version.
    fn end<D: Decode>(&self, decode: &mut D) -> Result<(Vec<D::Row>, String), Unreadable> {
        match self {
            Self::Protobuf(splitter) => {
                let version = splitter.version().ok_or(Unreadable::Protobuf)?;
                Ok((Vec::new(), version.to_owned()))
            }
            Self::Json(splitter) => {
                let head = splitter.head();
                let head = head.ok_or(Unreadable::Json("the list was cut short"))?;
                let (rows, version) = decode.head(head);
                if version.is_empty() {
                    return Err(Unreadable::Json("the list has no resourceVersion"));
                }
                Ok((rows, version))
            }
        }
    }
}

impl<D: Decode> Watching<D> {
    /// One unpaged list from the server's cache.
    pub(super) async fn plain_list(&mut self) -> End {
        let mut ask = self.ask("list", "resourceVersion=0");
        if self.about.packed.is_some() {
            ask.accept = Some(ACCEPT);
        }
        let attempt = ask.attempt.clone();
        let opened = match self.cluster.open(ask, self.patience.opening).await {
            Ok(opened) => opened,
            Err(failure) if failure.kind == FailureKind::Invalid && self.about.packed.is_some() => {
                return End::NoProtobuf;
            }
            Err(failure) => return End::Failed(failure),
        };
        if self.say(Sighting::Listing).await.is_none() {
            return End::Unheard;
        }
        let mut form = match self.about.packed.filter(|_| opened.protobuf) {
            Some(kind) => Form::Protobuf(split::Splitter::new(kind)),
            None => Form::Json(list::Splitter::new(self.about.items)),
        };
        if let Err(end) = self.read_list(opened, &mut form, &attempt).await {
            return end;
        }
        match form.end(&mut self.decode) {
            Ok((rows, version)) => {
                self.rows.extend(rows);
                let listened = self.complete(version).await;
                listened.map_or(End::Unheard, |()| End::Listed)
            }
            Err(why) => self.unreadable(&why, &attempt),
        }
    }

    /// Reads a list to its end and hands its rows on.
    async fn read_list(
        &mut self,
        opened: Opened,
        form: &mut Form,
        attempt: &Attempt,
    ) -> Result<(), End> {
        let mut body = opened.body;
        loop {
            let read = tokio::time::timeout(self.patience.silence, body.fill_buf()).await;
            let piece = match read {
                Ok(Ok(piece)) => piece,
                Ok(Err(error)) => return Err(End::Failed(self.broken(&error, attempt))),
                Err(_) => {
                    let failure = self.cluster.failure(FailureKind::Timeout, attempt, "");
                    return Err(End::Failed(failure));
                }
            };
            let length = piece.len();
            if length == 0 {
                return Ok(());
            }
            let (rows, skipped) = (&mut self.rows, &mut self.skipped);
            let fed = form.feed(piece, &mut self.decode, |row| match row {
                Some(row) => rows.push(row),
                None => *skipped += 1,
            });
            fed.map_err(|why| self.unreadable(&why, attempt))?;
            body.consume_unpin(length);
            if self.rows.len() >= BATCH && self.flush().await.is_none() {
                return Err(End::Unheard);
            }
        }
    }

    fn unreadable(&self, why: &Unreadable, attempt: &Attempt) -> End {
        match why {
            Unreadable::Protobuf => End::NoProtobuf,
            Unreadable::Json(said) => {
                let malformed = FailureKind::Malformed;
                End::Failed(self.cluster.failure(malformed, attempt, said))
            }
        }
    }
}
