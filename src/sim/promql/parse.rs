//! Reads a query into a tree and checks the types, with the words Prometheus uses for what it refuses.

use super::ast::{
    Error, Expr, Function, Kind, Matching, Pin, Selector, Shift, Side, Type, number_text,
};
use super::functions;
use super::labels::{Compare, Matcher, NAME};
use super::lex::{Placed, Token, tokens};

const AGGREGATIONS: [&str; 11] = [
    "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile",
];

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
const NEGATION: u8 = 5;
const POWER: u8 = 6;
/// How deep expressions may nest: a hostile query must not exhaust the stack.
const DEEPEST: usize = 120;

/// Whether an operator compares.
pub fn compares(op: &str) -> bool {
    matches!(op, "==" | "!=" | ">=" | "<=" | ">" | "<")
}

/// Whether an operator works on sets of series.
pub fn is_set(op: &str) -> bool {
    matches!(op, "and" | "or" | "unless")
}

/// Reads a query.
pub fn parse(text: &str) -> Result<Expr, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens,
        at: 0,
        selectors: 0,
        depth: 0,
    };
    if *parser.token() == Token::End {
        return Err(Error::at(0, "no expression found in input".into()));
    }
    let expr = parser.expression(0)?;
    match parser.token() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("")),
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
    tokens: Vec<Placed>,
    at: usize,
    selectors: usize,
    depth: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn position(&self) -> usize {
        self.tokens[self.at].at
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn sees(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(own) if *own == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.sees(sign);
        if found {
            self.advance();
        }
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.token(), Token::Word(own) if own.eq_ignore_ascii_case(word));
        if found {
            self.advance();
        }
        found
    }

    fn unexpected(&self, place: &str) -> Error {
        let found = match self.token() {
            Token::End => "end of input".into(),
            Token::Word(word) if self.operator().is_some() => format!("<op:{word}>"),
            Token::Word(word) => format!("identifier {word:?}"),
            Token::Number(n) => format!("number {:?}", number_text(*n)),
            Token::Duration(d) => format!("duration {:?}", super::ast::duration_text(*d)),
            Token::Text(text) => format!("string {:?}", format!("{text:?}")),
            Token::Sign(")") => "right parenthesis ')'".into(),
            Token::Sign("]") => "right bracket ']'".into(),
            Token::Sign(sign) if self.operator().is_some() => format!("<op:{sign}>"),
            Token::Sign(sign) => format!("{sign:?}"),
        };
        Error::at(self.position(), format!("unexpected {found}{place}"))
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let text: &str = match self.token() {
            Token::Sign(sign) => sign,
            Token::Word(word) => word,
            _ => return None,
        };
        OPERATORS
            .into_iter()
            .find(|(op, _)| op.eq_ignore_ascii_case(text))
    }

    fn expression(&mut self, least: u8) -> Result<Expr, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::at(
                self.position(),
                "expression nests too deeply".into(),
            ));
        }
        let mut left = self.prefixed()?;
        while let Some((op, binding)) = self.operator() {
            if binding < least || (binding == least && binding != POWER && least > 0) {
                break;
            }
            let sign_at = self.position();
            self.advance();
            let as_bool = self.takes_word("bool");
            let matching = self.matching(op)?;
            // `^` associates to the right, everything else to the left.
            let right = self.expression(binding)?;
            left = binary(left, (op, sign_at), as_bool, matching, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefixed(&mut self) -> Result<Expr, Error> {
        let at = self.position();
        if self.takes("+") {
            return self.expression(NEGATION);
        }
        if self.takes("-") {
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
            expr = if self.sees("[") {
                self.range(expr)?
            } else if self.takes_word("offset") {
                let sign = if self.takes("-") { -1 } else { 1 };
                let Token::Duration(offset) = *self.token() else {
                    return Err(self.unexpected(" in offset, expected duration"));
                };
                self.advance();
                shifted(expr, |shift| shift.offset = sign * offset, "offset")?
            } else if self.takes("@") {
                let pin = self.pin()?;
                shifted(expr, |shift| shift.pin = Some(pin), "@")?
            } else {
                return Ok(expr);
            };
        }
    }

    fn pin(&mut self) -> Result<Pin, Error> {
        let minus = self.takes("-");
        let pin = match self.token() {
            Token::Number(n) if minus => Pin::At((-n * 1000.0) as i64),
            Token::Number(n) => Pin::At((n * 1000.0) as i64),
            Token::Word(word) if word == "start" => Pin::Start,
            Token::Word(word) if word == "end" => Pin::End,
            _ => return Err(self.unexpected(" in @, expected timestamp")),
        };
        self.advance();
        let closed = matches!(pin, Pin::At(_)) || (self.takes("(") && self.takes(")"));
        if !closed {
            return Err(self.unexpected(" in @, expected timestamp"));
        }
        Ok(pin)
    }

    fn range(&mut self, inner: Expr) -> Result<Expr, Error> {
        let at = inner.at;
        self.advance();
        let Token::Duration(range) = *self.token() else {
            return Err(Error::at(
                self.position(),
                "missing unit character in duration".into(),
            ));
        };
        if range == 0 {
            return Err(Error::at(
                self.position(),
                "duration must be greater than 0".into(),
            ));
        }
        self.advance();
        let kind = if self.takes(":") {
            let step = match *self.token() {
                Token::Duration(step) => {
                    self.advance();
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
                    self.position(),
                    "ranges only allowed for vector selectors".into(),
                ));
            };
            Kind::Matrix(selector, range)
        };
        if !self.takes("]") {
            return Err(self.unexpected(" in range, expected \"]\""));
        }
        Ok(Expr { at, kind })
    }

    fn primary(&mut self) -> Result<Expr, Error> {
        let at = self.position();
        let kind = match self.token().clone() {
            Token::Number(n) => {
                self.advance();
                Kind::Number(n)
            }
            Token::Text(text) => {
                self.advance();
                Kind::Text(text)
            }
            Token::Sign("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.close()?;
                Kind::Paren(Box::new(inner))
            }
            Token::Sign("{") => Kind::Vector(self.selector(None)?),
            Token::Word(word) => return self.word(at, &word),
            _ => return Err(self.unexpected("")),
        };
        Ok(Expr { at, kind })
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.takes(")") {
            return Ok(());
        }
        match self.token() {
            Token::End => Err(Error::at(
                self.position(),
                "unclosed left parenthesis".into(),
            )),
            _ => Err(self.unexpected("")),
        }
    }

    fn word(&mut self, at: usize, word: &str) -> Result<Expr, Error> {
        let next = &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token;
        let called = *next == Token::Sign("(");
        let lower = word.to_ascii_lowercase();
        let grouped = matches!(next, Token::Word(w) if w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
        if let Some(op) = AGGREGATIONS.into_iter().find(|op| *op == lower)
            && (called || grouped)
        {
            self.advance();
            return self.aggregation(at, op);
        }
        if called {
            return self.call(at, word);
        }
        if self.operator().is_some() {
            return Err(self.unexpected(""));
        }
        self.advance();
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
        let at = self.position();
        let mut matchers: Vec<Matcher> = name
            .map(|name| Matcher::equal(NAME, name))
            .into_iter()
            .collect();
        if self.takes("{") {
            while !self.takes("}") {
                matchers.push(self.matcher()?);
                if !self.takes(",") && !self.sees("}") {
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
        match self.token() {
            Token::End => Error::at(
                self.position(),
                "unexpected end of input inside braces".into(),
            ),
            Token::Number(n) => {
                let first = number_text(*n).chars().next().unwrap_or('0');
                Error::at(
                    self.position(),
                    format!("unexpected character inside braces: {first:?}"),
                )
            }
            _ => self.unexpected(" in label matching, expected \",\" or \"}\""),
        }
    }

    fn matcher(&mut self) -> Result<Matcher, Error> {
        let at = self.position();
        let Token::Word(name) = self.token().clone() else {
            return Err(self.inside_braces());
        };
        self.advance();
        let operator = match self.token() {
            Token::Sign(sign @ ("=" | "!=" | "=~" | "!~")) => *sign,
            Token::End => return Err(self.inside_braces()),
            _ => {
                return Err(self.unexpected(" in label matching, expected label matching operator"));
            }
        };
        self.advance();
        let Token::Text(value) = self.token().clone() else {
            return Err(self.inside_braces());
        };
        self.advance();
        Matcher::new(&name, operator, &value).map_err(|what| Error::at(at, anchored(&what)))
    }

    fn names(&mut self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        if !self.takes("(") {
            return Err(self.unexpected(" in grouping opts, expected \"(\""));
        }
        while !self.takes(")") {
            let Token::Word(name) = self.token().clone() else {
                return Err(self.unexpected(" in grouping opts, expected label"));
            };
            self.advance();
            names.push(name);
            if !self.takes(",") && !self.sees(")") {
                return Err(self.unexpected(" in grouping opts, expected \",\" or \")\""));
            }
        }
        Ok(names)
    }

    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, Error> {
        if self.takes_word("by") {
            return Ok(Some((false, self.names()?)));
        }
        if self.takes_word("without") {
            return Ok(Some((true, self.names()?)));
        }
        Ok(None)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Error> {
        let mut found = Vec::new();
        self.advance();
        while !self.takes(")") {
            found.push(self.expression(0)?);
            if !self.takes(",") && !self.sees(")") {
                self.close()?;
            }
        }
        Ok(found)
    }

    fn aggregation(&mut self, at: usize, op: &'static str) -> Result<Expr, Error> {
        let before = self.grouping()?;
        if !self.sees("(") {
            return Err(self.unexpected(" in aggregation"));
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
        self.advance();
        let args = self.arguments()?;
        check_call(function, &args, at)?;
        let kind = Kind::Call(function, args);
        Ok(Expr { at, kind })
    }

    fn matching(&mut self, op: &str) -> Result<Matching, Error> {
        let mut matching = Matching::default();
        let on = self.takes_word("on");
        if !on && !self.takes_word("ignoring") {
            return Ok(matching);
        }
        matching.on = on;
        matching.labels = self.names()?;
        let side = [("group_left", Side::Left), ("group_right", Side::Right)];
        matching.many = side
            .into_iter()
            .find(|(word, _)| self.takes_word(word))
            .map(|(_, side)| side);
        if matching.many.is_some() {
            if is_set(op) {
                return Err(Error::at(
                    self.position(),
                    format!("no grouping allowed for {op:?} operation"),
                ));
            }
            // `group_left (x)` names labels unless the bracket opens the right side; Prometheus reads names too.
            if self.sees("(") {
                matching.include = self.names()?;
            }
        }
        Ok(matching)
    }
}

/// Prometheus wraps the pattern so that it is anchored, and its message shows the wrapped form.
fn anchored(what: &str) -> String {
    match what.split_once(": `") {
        Some((message, pattern)) => format!("{message}: `^(?:{})$`", pattern.trim_end_matches('`')),
        None => what.to_owned(),
    }
}

fn expect(expr: &Expr, wanted: Type, place: &str) -> Result<(), Error> {
    let gives = expr.gives();
    if gives == wanted {
        return Ok(());
    }
    Err(Error::at(
        expr.at,
        format!("expected type {wanted} in {place}, got {gives}"),
    ))
}

fn check_call(function: &'static Function, args: &[Expr], at: usize) -> Result<(), Error> {
    let most = function.takes.len();
    let least = most - function.optional;
    if args.len() < least || args.len() > most {
        let bound = match (args.len() < least, function.optional) {
            (_, 0) => "",
            (true, _) => "at least ",
            (false, _) => "at most ",
        };
        let wanted = if args.len() < least { least } else { most };
        let what = format!(
            "expected {bound}{wanted} argument(s) in call to {:?}, got {}",
            function.name,
            args.len()
        );
        return Err(Error::at(at, what));
    }
    let place = format!("call to function {:?}", function.name);
    args.iter()
        .zip(function.takes)
        .try_for_each(|(arg, wanted)| expect(arg, *wanted, &place))
}

fn shifted(mut expr: Expr, change: impl FnOnce(&mut Shift), word: &str) -> Result<Expr, Error> {
    match &mut expr.kind {
        Kind::Vector(selector) | Kind::Matrix(selector, _) => change(&mut selector.shift),
        Kind::Subquery { shift, .. } => change(shift),
        _ => {
            let what = format!(
                "{word} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
            );
            return Err(Error::at(expr.at, what));
        }
    }
    Ok(expr)
}

fn binary(
    left: Expr,
    (op, sign_at): (&'static str, usize),
    as_bool: bool,
    matching: Matching,
    right: Expr,
) -> Result<Expr, Error> {
    let at = left.at;
    let scalar = |expr: &Expr| expr.gives() == Type::Scalar;
    let plain = |expr: &Expr| matches!(expr.gives(), Type::Scalar | Type::Vector);
    let refused = if as_bool && !compares(op) {
        Some((
            sign_at,
            "bool modifier can only be used on comparison operators".into(),
        ))
    } else if compares(op) && !as_bool && scalar(&left) && scalar(&right) {
        Some((
            sign_at,
            "comparisons between scalars must use BOOL modifier".into(),
        ))
    } else if !plain(&left) {
        Some((
            left.at,
            "binary expression must contain only scalar and instant vector types".into(),
        ))
    } else if !plain(&right) {
        Some((
            right.at,
            "binary expression must contain only scalar and instant vector types".into(),
        ))
    } else if is_set(op) && (scalar(&left) || scalar(&right)) {
        Some((
            at,
            format!("set operator {op:?} not allowed in binary scalar expression"),
        ))
    } else if (matching.on || !matching.labels.is_empty()) && (scalar(&left) || scalar(&right)) {
        Some((
            at,
            "vector matching only allowed between instant vectors".into(),
        ))
    } else {
        None
    };
    if let Some((at, what)) = refused {
        return Err(Error::at(at, what));
    }
    let kind = Kind::Binary {
        op,
        as_bool,
        left: Box::new(left),
        right: Box::new(right),
        matching,
    };
    Ok(Expr { at, kind })
}

/// The labels that a selector pins to one value: what `absent` answers with.
pub fn pinned(selector: &Selector) -> Vec<(String, String)> {
    let equal = |m: &&Matcher| matches!(m.compare, Compare::Equal) && m.name != NAME;
    let single = |m: &&Matcher| {
        selector
            .matchers
            .iter()
            .filter(|other| other.name == m.name)
            .count()
            == 1
    };
    let pinned = selector.matchers.iter().filter(equal).filter(single);
    pinned.map(|m| (m.name.clone(), m.value.clone())).collect()
}
