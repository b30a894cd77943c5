//! Facts about lists in pieces: what is whole comes out whatever the pieces are, and what is broken is never taken for whole.

use super::*;
use proptest::prelude::*;

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encode_length_delimiter(bytes.len(), &mut field).unwrap();
    field.extend_from_slice(bytes);
    field
}

fn list(version: &str, items: &[&[u8]]) -> Vec<u8> {
    let head = [field(1, b""), field(2, version.as_bytes()), field(3, b"")].concat();
    let items = items.iter().flat_map(|item| field(2, item));
    field(1, &head).into_iter().chain(items).collect()
}

fn envelope(kind: &str, list: &[u8], encoding: &[u8], form: &[u8]) -> Vec<u8> {
    let of = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    let fields = [
        field(1, &of),
        field(2, list),
        field(3, encoding),
        field(4, form),
    ];
    [&MAGIC[..], &fields.concat()].concat()
}

type Split = (Vec<Vec<u8>>, Result<Option<String>, NotProtobuf>);

fn split(document: &[u8], piece: usize) -> Split {
    let mut splitter = Splitter::new("PodList");
    let mut items = Vec::new();
    for bytes in document.chunks(piece) {
        let fed = splitter.feed(bytes, |item| {
            items.push(item.to_vec());
            Ok(())
        });
        if let Err(wrong) = fed {
            return (items, Err(wrong));
        }
    }
    let version = splitter.version().map(str::to_owned);
    (items, Ok(version))
}

fn whole(document: &[u8]) -> Result<Option<String>, NotProtobuf> {
    split(document, document.len().max(1)).1
}

#[test]
fn items_come_out_whatever_the_pieces_and_whatever_stands_around_them() {
    let long = [7; 300];
    let items: [&[u8]; 4] = [b"one", b"", &long, b"\x12\x00"];
    let mut list = list("31465", &items);
    // Fields of every kind that nobody here knows: a number, eight bytes, four bytes, a text, a field of a high number.
    list.extend([
        0x18, 0x96, 0x01, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4,
    ]);
    list.extend(field(6, b"text"));
    list.extend([0xfa, 0x01, 2, b'x', b'y']);
    let document = envelope("PodList", &list, b"", NAME.as_bytes());
    for piece in 1..=document.len() {
        let (seen, version) = split(&document, piece);
        assert_eq!(seen, items, "{piece}");
        assert_eq!(version, Ok(Some("31465".into())), "{piece}");
    }
    // And cut in two at every place.
    for at in 0..document.len() {
        let mut splitter = Splitter::new("PodList");
        let mut seen = 0;
        for half in [&document[..at], &document[at..]] {
            let each = |_: &[u8]| {
                seen += 1;
                Ok(())
            };
            splitter.feed(half, each).unwrap();
        }
        assert_eq!((seen, splitter.version()), (4, Some("31465")), "{at}");
    }
}

#[test]
fn a_list_without_items_is_complete() {
    let document = envelope("PodList", &list("9", &[]), b"", b"");
    assert_eq!(split(&document, 1), (vec![], Ok(Some("9".into()))));
}

#[test]
fn what_is_cut_is_never_complete() {
    let document = envelope("PodList", &list("5", &[b"one", b"two"]), b"", b"");
    // Only the two empty fields at the end may be missing, each as a whole.
    let last = document.len() - 4;
    for end in 0..document.len() {
        let complete = whole(&document[..end]) == Ok(Some("5".into()));
        assert_eq!(complete, end == last || end == last + 2, "{end}");
    }
}

#[test]
fn what_is_no_such_list_is_refused() {
    let good = list("5", &[b"one"]);
    let refused: &[(&str, Vec<u8>)] = &[
        ("a page", b"<html>".to_vec()),
        ("json", b"{\"kind\":\"PodList\"}".to_vec()),
        ("nearly the magic", b"k8s\x01".to_vec()),
        ("another kind", envelope("Status", &good, b"", b"")),
        ("compressed", envelope("PodList", &good, b"gzip", b"")),
        (
            "json inside",
            envelope("PodList", &good, b"", b"application/json"),
        ),
        (
            "no type",
            [&MAGIC[..], &field(2, &good), &field(3, b"")].concat(),
        ),
        (
            "two lists",
            [envelope("PodList", &good, b"", b""), field(2, &good)].concat(),
        ),
        (
            "an item longer than its list",
            envelope("PodList", &[0x12, 5, 1], b"", b""),
        ),
        (
            "a tag at the list's edge",
            envelope("PodList", &[0x92], b"", b""),
        ),
        (
            "a number beyond the list",
            envelope("PodList", &[0x18, 0x80], b"", b""),
        ),
        ("a group", envelope("PodList", &[0x1b], b"", b"")),
        ("field nought", envelope("PodList", &[0x02, 0], b"", b"")),
        (
            "a number without end",
            [&MAGIC[..], &[0xff; 11][..]].concat(),
        ),
    ];
    for (what, document) in refused {
        for piece in [1, 3, 1000] {
            assert_eq!(split(document, piece).1, Err(NotProtobuf), "{what}");
        }
    }
    let versionless = envelope("PodList", &list("", &[]), b"", b"");
    assert_eq!(whole(&versionless), Ok(None));
}

#[test]
fn an_item_too_long_is_refused_before_it_is_read() {
    let document = |length: usize| {
        let mut item = vec![0x12];
        prost::encode_length_delimiter(length, &mut item).unwrap();
        let mut list = list("5", &[]);
        list.extend(item);
        let of = [field(1, b"v1"), field(2, b"PodList")].concat();
        let mut document = [&MAGIC[..], &field(1, &of), &[0x12]].concat();
        prost::encode_length_delimiter(list.len() + length, &mut document).unwrap();
        document.extend(list);
        document
    };
    assert_eq!(whole(&document(LONGEST)), Ok(None));
    assert_eq!(whole(&document(LONGEST + 1)), Err(NotProtobuf));
    assert_eq!(whole(&document(usize::MAX >> 8)), Err(NotProtobuf));
}

#[test]
fn an_item_that_is_refused_ends_it() {
    let document = envelope("PodList", &list("5", &[b"one", b"two"]), b"", b"");
    let mut splitter = Splitter::new("PodList");
    let mut seen = 0;
    let fed = splitter.feed(&document, |_| {
        seen += 1;
        Err(NotProtobuf)
    });
    assert_eq!((fed, seen), (Err(NotProtobuf), 1));
}

proptest! {
    #[test]
    fn any_items_survive_any_pieces(
        items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..12),
        piece in 1usize..600,
    ) {
        let all: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
        let document = envelope("PodList", &list("12", &all), b"", b"");
        let (seen, version) = split(&document, piece);
        prop_assert_eq!(seen, items);
        prop_assert_eq!(version, Ok(Some("12".to_owned())));
    }

    #[test]
    fn any_bytes_are_read_without_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        piece in 1usize..40,
    ) {
        let _ = split(&bytes, piece);
        let _ = split(&envelope("PodList", &bytes, b"", b""), piece);
    }
}
