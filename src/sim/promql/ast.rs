//! What a query means, as a tree, and how the tree is written back. The parser makes it, the evaluator walks it.

use std::fmt;

use super::labels::{Labels, Matcher, NAME};

/// Why a query was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It cannot be read: byte offset and what is wrong there.
    Parse(usize, String),
    /// It can be read but not answered.
    Execution(String),
}

impl Error {
    /// A parse error at a byte offset.
    pub fn at(at: usize, what: String) -> Self {
        Self::Parse(at, what)
    }

    /// The sentence Prometheus gives, with line and column for what cannot be read.
    pub fn sentence(&self, query: &str) -> String {
        match self {
            Self::Execution(what) => what.clone(),
            Self::Parse(at, what) => {
                let before = &query.as_bytes()[..(*at).min(query.len())];
                let line = before.split(|&b| b == b'\n').count();
                let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
                format!("{line}:{column}: parse error: {what}")
            }
        }
    }
}

/// The kind of value an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// One number.
    Scalar,
    /// One sample per series.
    Vector,
    /// Several samples per series.
    Matrix,
    /// A text.
    Text,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::Text => "string",
        })
    }
}

/// A fixed moment to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pin {
    /// A moment, in milliseconds.
    At(i64),
    /// The start of the query's range.
    Start,
    /// The end of the query's range.
    End,
}

/// When to look, relative to the moment of evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shift {
    /// How far back, in milliseconds.
    pub offset: i64,
    /// A fixed moment in place of the evaluation's.
    pub pin: Option<Pin>,
}

/// A choice of series.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Its number within the query, so that its series are looked up once.
    pub id: usize,
    /// What the series' labels must satisfy.
    pub matchers: Vec<Matcher>,
    /// When to look.
    pub shift: Shift,
}

/// How the series of two sides are paired.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// Compare these labels only (else: all but these).
    pub on: bool,
    /// The labels named.
    pub labels: Vec<String>,
    /// The side that may hold several series for one of the other.
    pub many: Option<Side>,
    /// Labels copied over from the other side.
    pub include: Vec<String>,
}

/// A side of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Left.
    Left,
    /// Right.
    Right,
}

/// An expression and where it starts in the text.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Its first byte.
    pub at: usize,
    /// What it is.
    pub kind: Kind,
}

/// The kinds of expression.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Series at a moment.
    Vector(Selector),
    /// Series over a stretch of so many milliseconds.
    Matrix(Selector, i64),
    /// An expression over a stretch.
    Subquery {
        /// What is evaluated.
        inner: Box<Expr>,
        /// The stretch, in milliseconds.
        range: i64,
        /// The resolution, in milliseconds.
        step: Option<i64>,
        /// When to look.
        shift: Shift,
    },
    /// A function call.
    Call(&'static Function, Vec<Expr>),
    /// An aggregation over series.
    Aggregate {
        /// Its name.
        op: &'static str,
        /// Its parameter (`topk`, `bottomk`, `quantile`).
        param: Option<Box<Expr>>,
        /// What is aggregated.
        inner: Box<Expr>,
        /// Group by all labels but the named ones.
        without: bool,
        /// The labels named.
        labels: Vec<String>,
    },
    /// An operator between two expressions.
    Binary {
        /// Its sign.
        op: &'static str,
        /// Comparisons: 0 or 1 in place of filtering.
        as_bool: bool,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
        /// How series are paired.
        matching: Matching,
    },
    /// A negation.
    Negate(Box<Expr>),
    /// A bracketed expression.
    Paren(Box<Expr>),
}

/// A function's signature.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub takes: &'static [Type],
    /// How many of the last ones may be left out.
    pub optional: usize,
    /// The type of its result.
    pub gives: Type,
}

impl Expr {
    /// The type of its value.
    pub fn gives(&self) -> Type {
        match &self.kind {
            Kind::Number(_) => Type::Scalar,
            Kind::Text(_) => Type::Text,
            Kind::Matrix(..) | Kind::Subquery { .. } => Type::Matrix,
            Kind::Call(function, _) => function.gives,
            Kind::Vector(_) | Kind::Aggregate { .. } => Type::Vector,
            Kind::Negate(inner) | Kind::Paren(inner) => inner.gives(),
            Kind::Binary { left, right, .. } => match (left.gives(), right.gives()) {
                (Type::Scalar, Type::Scalar) => Type::Scalar,
                _ => Type::Vector,
            },
        }
    }

    /// The expression inside any brackets.
    pub fn bare(&self) -> &Expr {
        match &self.kind {
            Kind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }
}

impl Selector {
    /// Whether a set of labels is chosen.
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|m| m.accepts(labels.get(&m.name)))
    }
}

/// A duration as Prometheus writes it: the largest units first, none of them zero.
pub fn duration_text(milliseconds: i64) -> String {
    const UNITS: [(&str, i64); 6] = [
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if milliseconds == 0 {
        return "0s".into();
    }
    let mut rest = milliseconds.abs();
    let mut text = String::from(if milliseconds < 0 { "-" } else { "" });
    for (unit, size) in UNITS {
        // Weeks are only used when they are all there is.
        if rest >= size && (unit != "w" || rest % size == 0) {
            text.push_str(&(rest / size).to_string());
            text.push_str(unit);
            rest %= size;
        }
    }
    text
}

fn seconds_text(milliseconds: i64) -> String {
    format!("{:.3}", milliseconds as f64 / 1000.0)
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pin {
            Some(Pin::At(at)) => write!(f, " @ {}", seconds_text(at))?,
            Some(Pin::Start) => f.write_str(" @ start()")?,
            Some(Pin::End) => f.write_str(" @ end()")?,
            None => {}
        }
        if self.offset != 0 {
            write!(f, " offset {}", duration_text(self.offset))?;
        }
        Ok(())
    }
}

fn write_selector(f: &mut fmt::Formatter<'_>, selector: &Selector) -> fmt::Result {
    let is_name = |m: &&Matcher| m.name == NAME && m.operator() == "=";
    let name = selector.matchers.iter().find(is_name);
    f.write_str(name.map_or("", |m| &m.value))?;
    let rest: Vec<String> = selector
        .matchers
        .iter()
        .filter(|m| !is_name(m))
        .map(ToString::to_string)
        .collect();
    if rest.is_empty() && name.is_some() {
        return Ok(());
    }
    write!(f, "{{{}}}", rest.join(","))
}

fn joined(parts: &[Expr]) -> String {
    parts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.on || !self.labels.is_empty() || self.many.is_some() {
            let word = if self.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", self.labels.join(", "))?;
        }
        match self.many {
            Some(Side::Left) => write!(f, " group_left ({})", self.include.join(", ")),
            Some(Side::Right) => write!(f, " group_right ({})", self.include.join(", ")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Number(n) => f.write_str(&number_text(*n)),
            Kind::Text(text) => write!(f, "{text:?}"),
            Kind::Vector(selector) => {
                write_selector(f, selector)?;
                write!(f, "{}", selector.shift)
            }
            Kind::Matrix(selector, range) => {
                write_selector(f, selector)?;
                write!(f, "[{}]{}", duration_text(*range), selector.shift)
            }
            Kind::Subquery {
                inner,
                range,
                step,
                shift,
            } => {
                let step = step.map(duration_text).unwrap_or_default();
                write!(f, "{inner}[{}:{step}]{shift}", duration_text(*range))
            }
            Kind::Call(function, args) => write!(f, "{}({})", function.name, joined(args)),
            Kind::Aggregate {
                op,
                param,
                inner,
                without,
                labels,
            } => {
                f.write_str(op)?;
                if *without || !labels.is_empty() {
                    let word = if *without { "without" } else { "by" };
                    write!(f, " {word} ({}) ", labels.join(", "))?;
                }
                match param {
                    Some(param) => write!(f, "({param}, {inner})"),
                    None => write!(f, "({inner})"),
                }
            }
            Kind::Binary {
                op,
                as_bool,
                left,
                right,
                matching,
            } => {
                let as_bool = if *as_bool { " bool" } else { "" };
                write!(f, "{left} {op}{as_bool}{matching} {right}")
            }
            Kind::Negate(inner) => write!(f, "-{inner}"),
            Kind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// A number as Prometheus writes it.
pub fn number_text(n: f64) -> String {
    let size = n.abs();
    if n.is_nan() {
        "NaN".into()
    } else if n.is_infinite() {
        if n > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        }
    } else if size >= 1e21 {
        format!("{n:e}").replace('e', "e+")
    } else if size != 0.0 && size < 1e-6 {
        format!("{n:e}")
    } else {
        format!("{n}")
    }
}
