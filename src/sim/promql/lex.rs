//! Cuts a query into tokens with their byte positions. Knows nothing of grammar; the parser asks for words.

use super::ast::Error;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A metric, label, function or keyword.
    Word(String),
    /// A number.
    Number(f64),
    /// A duration in milliseconds.
    Duration(i64),
    /// A quoted text, unescaped.
    Text(String),
    /// An operator or bracket.
    Sign(&'static str),
    /// The end of the query.
    End,
}

/// A token and the byte it starts at.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The token.
    pub token: Token,
    /// Its first byte.
    pub at: usize,
}

/// Longest first, so that `!=` is not read as `!`.
const SIGNS: [&str; 25] = [
    "==", "!=", ">=", "<=", "=~", "!~", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/", "%",
    "^", "=", ">", "<", "@", ":", "!",
];

/// The tokens of a query, the end among them.
pub fn tokens(text: &str) -> Result<Vec<Placed>, Error> {
    let mut lexer = Lexer {
        text,
        at: 0,
        in_range: false,
        in_braces: false,
    };
    let mut found = Vec::new();
    loop {
        let placed = lexer.next()?;
        let done = placed.token == Token::End;
        found.push(placed);
        if done {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    in_range: bool,
    in_braces: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn next(&mut self) -> Result<Placed, Error> {
        self.skip_blank();
        let at = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Placed {
                token: Token::End,
                at,
            });
        };
        let digit_follows =
            self.rest()[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        let token = if first.is_ascii_digit() || (first == '.' && digit_follows) {
            self.number()?
        } else if matches!(first, '"' | '\'' | '`') {
            self.text(first)?
        } else if first.is_ascii_alphabetic() || first == '_' || (first == ':' && !self.in_range) {
            self.word()
        } else {
            self.sign(first)?
        };
        Ok(Placed { token, at })
    }

    fn word(&mut self) -> Token {
        let colon = !self.in_range && !self.in_braces;
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
        let length = self
            .rest()
            .find(|c| !inside(c))
            .unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_owned();
        self.at += length;
        Token::Word(word)
    }

    fn sign(&mut self, first: char) -> Result<Token, Error> {
        let Some(sign) = SIGNS.into_iter().find(|sign| self.rest().starts_with(sign)) else {
            return Err(Error::at(
                self.at,
                format!("unexpected character: {first:?}"),
            ));
        };
        match sign {
            "[" => self.in_range = true,
            "]" => self.in_range = false,
            "{" => self.in_braces = true,
            "}" => self.in_braces = false,
            _ => {}
        }
        self.at += sign.len();
        Ok(Token::Sign(sign))
    }

    fn number(&mut self) -> Result<Token, Error> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let mut length = self
            .rest()
            .find(|c| !inside(c))
            .unwrap_or(self.rest().len());
        let word = &self.rest()[..length];
        let exponent = word.ends_with(['e', 'E']) && !word.starts_with("0x");
        if exponent && self.rest()[length..].starts_with(['+', '-']) {
            let more = &self.rest()[length + 1..];
            length += 1 + more
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(more.len());
        }
        let word = self.rest()[..length].to_owned();
        let hexadecimal = word.strip_prefix("0x").or(word.strip_prefix("0X"));
        let number = match hexadecimal {
            Some(digits) => i64::from_str_radix(digits, 16).ok().map(|n| n as f64),
            None => word.parse::<f64>().ok(),
        };
        let token = number
            .map(Token::Number)
            .or(duration(&word).map(Token::Duration));
        let broken = || Error::at(self.at, format!("bad number or duration syntax: {word:?}"));
        let token = token.ok_or_else(broken)?;
        self.at += length;
        Ok(token)
    }

    fn text(&mut self, quote: char) -> Result<Token, Error> {
        let open = self.at;
        let unterminated = || Error::at(open, "unterminated quoted string".into());
        let mut text = String::new();
        let mut chars = self.text[open + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at = open + 1 + at + c.len_utf8();
                return Ok(Token::Text(text));
            }
            match c {
                '\\' if quote != '`' => {
                    let (_, escaped) = chars.next().ok_or_else(unterminated)?;
                    text.push(unescape(escaped).ok_or_else(|| {
                        Error::at(open, format!("unknown escape sequence {escaped:?}"))
                    })?);
                }
                '\n' if quote != '`' => return Err(unterminated()),
                _ => text.push(c),
            }
        }
        Err(unterminated())
    }
}

fn unescape(c: char) -> Option<char> {
    Some(match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '\\' | '"' | '\'' => c,
        _ => return None,
    })
}

/// A duration such as `5m`, `1h30m` or `250ms`, in milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("ms", 1),
        ("m", 60_000),
        ("s", 1000),
    ];
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, size) = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        total = total.checked_add(count.checked_mul(size)?)?;
        rest = &rest[unit.len()..];
    }
    (!text.is_empty()).then_some(total)
}
