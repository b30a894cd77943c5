//! Reads a query into a tree and checks the types, with the words Prometheus uses for what it refuses.

use super::ast::{Error, Expr, Kind, Matching, Pin, Selector, Shift, Side, Type, number_text};
use super::cursor::Cursor;
use super::functions;
use super::labels::{Matcher, NAME};
use super::lex::{Token, tokens};
use super::typing::{anchored, binary, check_call, expect, is_set, shifted};

const AGGREGATIONS: [&str; 11] = [
    "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile",
];

/// Words that can never name a metric.
const RESERVED: [&str; 5] = ["bool", "on", "ignoring", "group_left", "group_right"];
const NEGATION: u8 = 5;
const POWER: u8 = 6;
/// How deep expressions may nest and how many there may be: a hostile query must not exhaust the stack.
const DEEPEST: usize = 100;
const MOST: usize = 400;

/// Reads a query.
pub fn parse(text: &str) -> Result<Expr, Error> {
    let mut parser = Parser {
        cursor: Cursor::new(tokens(text)?),
        selectors: 0,
        depth: 0,
        expressions: 0,
    };
    if *parser.cursor.token() == Token::End {
        return Err(Error::at(0, "no expression found in input".into()));
    }
    let expr = parser.expression(0)?;
    match parser.cursor.token() {
        Token::End => Ok(expr),
        Token::Sign(")") => Err(parser.unmatched()),
        _ => Err(parser.cursor.unexpected("")),
    }
}

/// Reads the `match[]` of the metadata endpoints: one selector, no range.
pub fn parse_selector(text: &str) -> Result<Selector, Error> {
    match parse(text)?.kind {
        Kind::Vector(selector) => Ok(selector),
        _ => Err(Error::at(0, "expected a series selector".into())),
    }
}

struct Parser {
    cursor: Cursor,
    selectors: usize,
    depth: usize,
    expressions: usize,
}

impl Parser {
    fn expression(&mut self, least: u8) -> Result<Expr, Error> {
        self.depth += 1;
        self.expressions += 1;
        if self.depth > DEEPEST || self.expressions > MOST {
            return Err(Error::at(
                self.cursor.position(),
                "expression is too large".into(),
            ));
        }
        let mut left = self.prefixed()?;
        while let Some((op, binding)) = self.cursor.operator() {
            if binding < least || (binding == least && binding != POWER && least > 0) {
                break;
            }
            let sign_at = self.cursor.position();
            self.cursor.advance();
            let as_bool = self.cursor.takes_word("bool");
            let matching = self.matching(op)?;
            // `^` associates to the right, everything else to the left.
            let right = self.expression(binding)?;
            left = binary(left, (op, sign_at), as_bool, matching, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefixed(&mut self) -> Result<Expr, Error> {
        let at = self.cursor.position();
        if self.cursor.takes("+") {
            return self.expression(NEGATION);
        }
        if self.cursor.takes("-") {
            let inner = self.expression(NEGATION)?;
            let gives = inner.gives();
            if !matches!(gives, Type::Scalar | Type::Vector) {
                let what = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got \"{gives}\""
                );
                return Err(Error::at(at, what));
            }
            let kind = match inner.kind {
                Kind::Number(n) => Kind::Number(-n),
                _ => Kind::Negate(Box::new(inner)),
            };
            return Ok(Expr { at, kind });
        }
        let mut expr = self.primary()?;
        loop {
            expr = if self.cursor.sees("[") {
                self.range(expr)?
            } else if self.cursor.takes_word("offset") {
                let sign = if self.cursor.takes("-") { -1 } else { 1 };
                let Token::Duration(offset) = *self.cursor.token() else {
                    return Err(self.cursor.unexpected(" in offset, expected duration"));
                };
                self.cursor.advance();
                shifted(expr, |shift| shift.offset = sign * offset, "offset")?
            } else if self.cursor.takes("@") {
                let pin = self.pin()?;
                shifted(expr, |shift| shift.pin = Some(pin), "@")?
            } else {
                return Ok(expr);
            };
        }
    }

    fn pin(&mut self) -> Result<Pin, Error> {
        let minus = self.cursor.takes("-");
        let pin = match self.cursor.token() {
            Token::Number(n) if minus => Pin::At((-n * 1000.0) as i64),
            Token::Number(n) => Pin::At((n * 1000.0) as i64),
            Token::Word(word) if word == "start" => Pin::Start,
            Token::Word(word) if word == "end" => Pin::End,
            _ => return Err(self.cursor.unexpected(" in @, expected timestamp")),
        };
        self.cursor.advance();
        let closed =
            matches!(pin, Pin::At(_)) || (self.cursor.takes("(") && self.cursor.takes(")"));
        if !closed {
            return Err(self.cursor.unexpected(" in @, expected timestamp"));
        }
        Ok(pin)
    }

    fn range(&mut self, inner: Expr) -> Result<Expr, Error> {
        let at = inner.at;
        self.cursor.advance();
        let Token::Duration(range) = *self.cursor.token() else {
            return Err(Error::at(
                self.cursor.position(),
                "missing unit character in duration".into(),
            ));
        };
        if range == 0 {
            return Err(Error::at(
                self.cursor.position(),
                "duration must be greater than 0".into(),
            ));
        }
        self.cursor.advance();
        let kind = if self.cursor.takes(":") {
            let step = match *self.cursor.token() {
                Token::Duration(step) => {
                    self.cursor.advance();
                    Some(step)
                }
                _ => None,
            };
            if inner.gives() != Type::Vector && inner.gives() != Type::Scalar {
                let what = format!(
                    "subquery is only allowed on instant vector, got {} instead",
                    inner.gives()
                );
                return Err(Error::at(at, what));
            }
            Kind::Subquery {
                inner: Box::new(inner),
                range,
                step,
                shift: Shift::default(),
            }
        } else {
            let Kind::Vector(selector) = inner.kind else {
                return Err(Error::at(
                    self.cursor.position(),
                    "ranges only allowed for vector selectors".into(),
                ));
            };
            Kind::Matrix(selector, range)
        };
        if !self.cursor.takes("]") {
            return Err(self.cursor.unexpected(" in range, expected \"]\""));
        }
        Ok(Expr { at, kind })
    }

    fn primary(&mut self) -> Result<Expr, Error> {
        let at = self.cursor.position();
        let kind = match self.cursor.token().clone() {
            Token::Number(n) => {
                self.cursor.advance();
                Kind::Number(n)
            }
            Token::Text(text) => {
                self.cursor.advance();
                Kind::Text(text)
            }
            Token::Sign("(") => {
                self.cursor.advance();
                let inner = self.expression(0)?;
                self.close()?;
                Kind::Paren(Box::new(inner))
            }
            Token::Sign(")") if self.depth == 1 => return Err(self.unmatched()),
            Token::Sign("{") => Kind::Vector(self.selector(None)?),
            Token::Word(word) => return self.word(at, &word),
            _ => return Err(self.cursor.unexpected("")),
        };
        Ok(Expr { at, kind })
    }

    /// A bracket that closes nothing is noticed only after it was read.
    fn unmatched(&self) -> Error {
        let at = self.cursor.position() + 1;
        Error::at(at, "unexpected right parenthesis ')'".into())
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.cursor.takes(")") {
            return Ok(());
        }
        Err(self.cursor.unexpected(""))
    }

    fn word(&mut self, at: usize, word: &str) -> Result<Expr, Error> {
        let next = self.cursor.after();
        let called = *next == Token::Sign("(");
        let lower = word.to_ascii_lowercase();
        let grouped = matches!(next, Token::Word(w) if w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
        if let Some(op) = AGGREGATIONS.into_iter().find(|op| *op == lower)
            && (called || grouped)
        {
            self.cursor.advance();
            return self.aggregation(at, op);
        }
        if called {
            return self.call(at, word);
        }
        if self.cursor.operator().is_some() {
            return Err(self.cursor.unexpected(""));
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(Error::at(at, format!("unexpected <{lower}>")));
        }
        self.cursor.advance();
        let number = match lower.as_str() {
            "inf" => Some(f64::INFINITY),
            "nan" => Some(f64::NAN),
            _ => None,
        };
        let kind = match number {
            Some(n) => Kind::Number(n),
            None => Kind::Vector(self.selector(Some(word))?),
        };
        Ok(Expr { at, kind })
    }

    fn selector(&mut self, name: Option<&str>) -> Result<Selector, Error> {
        let at = self.cursor.position();
        let mut matchers: Vec<Matcher> = name
            .map(|name| Matcher::equal(NAME, name))
            .into_iter()
            .collect();
        if self.cursor.takes("{") {
            while !self.cursor.takes("}") {
                matchers.push(self.matcher()?);
                if !self.cursor.takes(",") && !self.cursor.sees("}") {
                    return Err(self.inside_braces());
                }
            }
        }
        if matchers.iter().all(|m| m.accepts("")) {
            return Err(Error::at(
                at,
                "vector selector must contain at least one non-empty matcher".into(),
            ));
        }
        let id = self.selectors;
        self.selectors += 1;
        Ok(Selector {
            id,
            matchers,
            shift: Shift::default(),
        })
    }

    fn inside_braces(&self) -> Error {
        match self.cursor.token() {
            Token::End => Error::at(
                self.cursor.position(),
                "unexpected end of input inside braces".into(),
            ),
            Token::Number(n) => {
                let first = number_text(*n).chars().next().unwrap_or('0');
                Error::at(
                    self.cursor.position(),
                    format!("unexpected character inside braces: {first:?}"),
                )
            }
            _ => self
                .cursor
                .unexpected(" in label matching, expected \",\" or \"}\""),
        }
    }

    fn matcher(&mut self) -> Result<Matcher, Error> {
        let at = self.cursor.position();
        let Token::Word(name) = self.cursor.token().clone() else {
            return Err(self.inside_braces());
        };
        self.cursor.advance();
        let operator = match self.cursor.token() {
            Token::Sign(sign @ ("=" | "!=" | "=~" | "!~")) => *sign,
            Token::End => return Err(self.inside_braces()),
            _ => {
                return Err(self
                    .cursor
                    .unexpected(" in label matching, expected label matching operator"));
            }
        };
        self.cursor.advance();
        let Token::Text(value) = self.cursor.token().clone() else {
            return Err(self.inside_braces());
        };
        self.cursor.advance();
        Matcher::new(&name, operator, &value).map_err(|what| Error::at(at, anchored(&what)))
    }

    fn names(&mut self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        if !self.cursor.takes("(") {
            return Err(self.cursor.unexpected(" in grouping opts, expected \"(\""));
        }
        while !self.cursor.takes(")") {
            let Token::Word(name) = self.cursor.token().clone() else {
                return Err(self.cursor.unexpected(" in grouping opts, expected label"));
            };
            self.cursor.advance();
            names.push(name);
            if !self.cursor.takes(",") && !self.cursor.sees(")") {
                return Err(self
                    .cursor
                    .unexpected(" in grouping opts, expected \",\" or \")\""));
            }
        }
        Ok(names)
    }

    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, Error> {
        if self.cursor.takes_word("by") {
            return Ok(Some((false, self.names()?)));
        }
        if self.cursor.takes_word("without") {
            return Ok(Some((true, self.names()?)));
        }
        Ok(None)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Error> {
        let mut found = Vec::new();
        self.cursor.advance();
        while !self.cursor.takes(")") {
            found.push(self.expression(0)?);
            if !self.cursor.takes(",") && !self.cursor.sees(")") {
                self.close()?;
            }
        }
        Ok(found)
    }

    fn aggregation(&mut self, at: usize, op: &'static str) -> Result<Expr, Error> {
        let before = self.grouping()?;
        if !self.cursor.sees("(") {
            return Err(self.cursor.unexpected(" in aggregation"));
        }
        let mut args = self.arguments()?;
        let (without, labels) = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or_default(),
        };
        let wanted = if matches!(op, "topk" | "bottomk" | "quantile") {
            2
        } else {
            1
        };
        let given = args.len();
        let inner = args.pop().filter(|_| given == wanted);
        let Some(inner) = inner else {
            let what = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
            );
            return Err(Error::at(at, what));
        };
        let param = args.pop();
        expect(&inner, Type::Vector, "aggregation expression")?;
        if let Some(param) = &param {
            expect(param, Type::Scalar, "aggregation parameter")?;
        }
        let kind = Kind::Aggregate {
            op,
            param: param.map(Box::new),
            inner: Box::new(inner),
            without,
            labels,
        };
        Ok(Expr { at, kind })
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Expr, Error> {
        let Some(function) = functions::named(name) else {
            return Err(Error::at(
                at,
                format!("unknown function with name {name:?}"),
            ));
        };
        self.cursor.advance();
        let args = self.arguments()?;
        check_call(function, &args, at)?;
        let kind = Kind::Call(function, args);
        Ok(Expr { at, kind })
    }

    fn matching(&mut self, op: &str) -> Result<Matching, Error> {
        let mut matching = Matching::default();
        let on = self.cursor.takes_word("on");
        if !on && !self.cursor.takes_word("ignoring") {
            return Ok(matching);
        }
        matching.on = on;
        matching.labels = self.names()?;
        let side = [("group_left", Side::Left), ("group_right", Side::Right)];
        matching.many = side
            .into_iter()
            .find(|(word, _)| self.cursor.takes_word(word))
            .map(|(_, side)| side);
        if matching.many.is_some() {
            if is_set(op) {
                return Err(Error::at(
                    self.cursor.position(),
                    format!("no grouping allowed for {op:?} operation"),
                ));
            }
            // `group_left (x)` names labels unless the bracket opens the right side; Prometheus reads names too.
            if self.cursor.sees("(") {
                matching.include = self.names()?;
            }
        }
        Ok(matching)
    }
}
