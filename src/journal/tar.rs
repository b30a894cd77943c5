//! Just enough of the tar format (ustar) to put plain files into one and to read them back: what any `tar` can open. Whoever
//! reads one distrusts it: names and sizes are checked, nothing is written anywhere.

/// A block.
const BLOCK: usize = 512;
/// The longest name of a file in here.
const NAME: usize = 100;
/// The most files that are read.
const FILES: usize = 10_000;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Whether these bytes begin as an archive does.
pub fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// An archive of these files, private to the user, all of one moment (seconds since 1970).
pub fn pack(members: &[Member], moment: i64) -> Vec<u8> {
    let mut all = Vec::new();
    for member in members {
        let mut head = [0_u8; BLOCK];
        let mut put = |at: usize, text: &str| {
            let bytes = text.as_bytes();
            head[at..at + bytes.len()].copy_from_slice(bytes);
        };
        let name: String = member.name.chars().take(NAME).collect();
        put(0, &name);
        put(100, "0000600\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", member.bytes.len()));
        put(136, &format!("{:011o}\0", moment.max(0)));
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\0");
        put(263, "00");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        all.extend_from_slice(&head);
        all.extend_from_slice(&member.bytes);
        all.resize(all.len().div_ceil(BLOCK) * BLOCK, 0);
    }
    all.resize(all.len() + 2 * BLOCK, 0);
    all
}

/// The files of an archive; an error says what is wrong and where.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Member>, String> {
    let mut members: Vec<Member> = Vec::new();
    let mut at = 0;
    loop {
        let Some(head) = bytes.get(at..at + BLOCK) else {
            return Err(format!("the archive is cut off at byte {at}"));
        };
        if head.iter().all(|byte| *byte == 0) {
            return Ok(members);
        }
        let member = one(bytes, head, at)?;
        at += BLOCK + member.bytes.len().div_ceil(BLOCK) * BLOCK;
        if members.iter().any(|known| known.name == member.name) {
            return Err(format!("{} is there twice", member.name));
        }
        if members.len() == FILES {
            return Err(format!("it holds more than {FILES} files"));
        }
        members.push(member);
    }
}

fn one(bytes: &[u8], head: &[u8], at: usize) -> Result<Member, String> {
    let wrong = |what: &str| format!("byte {at}: {what}");
    let field = |from: usize, len: usize| {
        let field = &head[from..from + len];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(len);
        std::str::from_utf8(&field[..end]).map(str::trim)
    };
    let number = |from: usize, len: usize| {
        let text = field(from, len).ok()?;
        usize::from_str_radix(text, 8).ok()
    };
    let sum: usize = head
        .iter()
        .enumerate()
        .map(|(index, byte)| {
            if (148..156).contains(&index) {
                usize::from(b' ')
            } else {
                usize::from(*byte)
            }
        })
        .sum();
    if !is_tar(head) || number(148, 8) != Some(sum) {
        return Err(wrong("not the head of a file in an archive"));
    }
    if head[156] != b'0' {
        return Err(wrong("something else than a plain file"));
    }
    let name = field(0, NAME).map_err(|_| wrong("a name that is not UTF-8"))?;
    let size = number(124, 12).ok_or_else(|| wrong("no size"))?;
    let begin = at + BLOCK;
    let content = begin
        .checked_add(size)
        .and_then(|end| bytes.get(begin..end))
        .ok_or_else(|| wrong("the file is cut off"))?;
    Ok(Member {
        name: name.to_owned(),
        bytes: content.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Member> {
        let member = |name: &str, len: usize| Member {
            name: name.into(),
            bytes: (0..len).map(|index| index as u8).collect(),
        };
        vec![
            member("a.txt", 0),
            member("runs/b", 512),
            member("c.md", 1_000),
        ]
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let packed = pack(&members(), 1_700_000_000);
        assert!(is_tar(&packed) && packed.len().is_multiple_of(BLOCK));
        assert_eq!(unpack(&packed), Ok(members()));
    }

    #[test]
    fn an_archive_that_was_cut_or_turned_is_said_to_be_so() {
        let packed = pack(&members(), 0);
        for end in [0, 100, BLOCK, 3 * BLOCK, packed.len() - 2 * BLOCK] {
            assert!(unpack(&packed[..end]).is_err(), "{end}");
        }
        let mut turned = packed;
        turned[0] ^= 1;
        assert!(unpack(&turned).is_err());
    }
}
