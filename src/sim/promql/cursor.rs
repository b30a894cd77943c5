//! A place in the tokens of a query: what is here, what comes next, and how to say that it was not expected.

use super::ast::{Error, duration_text, number_text};
use super::lex::{Placed, Token};

/// Operators and how tightly they bind.
const OPERATORS: [(&str, u8); 16] = [
    ("or", 1),
    ("and", 2),
    ("unless", 2),
    ("==", 3),
    ("!=", 3),
    (">=", 3),
    ("<=", 3),
    (">", 3),
    ("<", 3),
    ("+", 4),
    ("-", 4),
    ("*", 5),
    ("/", 5),
    ("%", 5),
    ("atan2", 5),
    ("^", 6),
];

/// A place in the tokens.
pub struct Cursor {
    tokens: Vec<Placed>,
    at: usize,
}

impl Cursor {
    /// The beginning of the tokens, of which the last is the end.
    pub fn new(tokens: Vec<Placed>) -> Self {
        Self { tokens, at: 0 }
    }

    /// The token after the one here.
    pub fn after(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token
    }

    /// The token here.
    pub fn token(&self) -> &Token {
        &self.tokens[self.at].token
    }

    /// Its first byte.
    pub fn position(&self) -> usize {
        self.tokens[self.at].at
    }

    /// Takes the token here.
    pub fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Whether a sign is here.
    pub fn sees(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(own) if *own == sign)
    }

    /// Takes a sign, if it is here.
    pub fn takes(&mut self, sign: &str) -> bool {
        let found = self.sees(sign);
        if found {
            self.advance();
        }
        found
    }

    /// Takes a word in any case, if it is here.
    pub fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.token(), Token::Word(own) if own.eq_ignore_ascii_case(word));
        if found {
            self.advance();
        }
        found
    }

    /// The refusal of what is here.
    pub fn unexpected(&self, place: &str) -> Error {
        let found = match self.token() {
            Token::End if self.unclosed() => return self.refused("unclosed left parenthesis"),
            Token::End => "end of input".into(),
            Token::Word(word) if self.operator().is_some() => format!("<op:{word}>"),
            Token::Word(word) => format!("identifier {word:?}"),
            Token::Number(n) => format!("number {:?}", number_text(*n)),
            Token::Duration(d) => format!("duration {:?}", duration_text(*d)),
            Token::Text(text) => format!("string {:?}", format!("{text:?}")),
            Token::Sign(")") => "right parenthesis ')'".into(),
            Token::Sign("]") => "right bracket ']'".into(),
            Token::Sign(sign) if self.operator().is_some() => format!("<op:{sign}>"),
            Token::Sign(sign) => format!("{sign:?}"),
        };
        Error::at(self.position(), format!("unexpected {found}{place}"))
    }

    fn refused(&self, what: &str) -> Error {
        Error::at(self.position(), what.into())
    }

    fn unclosed(&self) -> bool {
        let of = |sign| {
            self.tokens
                .iter()
                .filter(|placed| placed.token == Token::Sign(sign))
                .count()
        };
        of("(") > of(")")
    }

    /// The operator here and how tightly it binds.
    pub fn operator(&self) -> Option<(&'static str, u8)> {
        let text: &str = match self.token() {
            Token::Sign(sign) => sign,
            Token::Word(word) => word,
            _ => return None,
        };
        OPERATORS
            .into_iter()
            .find(|(op, _)| op.eq_ignore_ascii_case(text))
    }
}
