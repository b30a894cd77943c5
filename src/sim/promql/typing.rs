//! What a well-formed tree may hold: argument types, operand types and modifiers, refused in Prometheus' words.

use super::ast::{Error, Expr, Function, Kind, Matching, Selector, Shift, Type};
use super::labels::{Compare, Matcher, NAME};

/// Whether an operator compares.
pub fn compares(op: &str) -> bool {
    matches!(op, "==" | "!=" | ">=" | "<=" | ">" | "<")
}

/// Whether an operator works on sets of series.
pub fn is_set(op: &str) -> bool {
    matches!(op, "and" | "or" | "unless")
}

/// Prometheus wraps the pattern so that it is anchored, and its message shows the wrapped form.
pub fn anchored(what: &str) -> String {
    match what.split_once(": `") {
        Some((message, pattern)) => format!("{message}: `^(?:{})$`", pattern.trim_end_matches('`')),
        None => what.to_owned(),
    }
}

/// Refuses an expression of another type than wanted.
pub fn expect(expr: &Expr, wanted: Type, place: &str) -> Result<(), Error> {
    let gives = expr.gives();
    if gives == wanted {
        return Ok(());
    }
    Err(Error::at(
        expr.at,
        format!("expected type {wanted} in {place}, got {gives}"),
    ))
}

/// Refuses a call with the wrong number or types of arguments.
pub fn check_call(function: &'static Function, args: &[Expr], at: usize) -> Result<(), Error> {
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

/// Applies an `offset` or `@` to the expression before it.
pub fn shifted(mut expr: Expr, change: impl FnOnce(&mut Shift), word: &str) -> Result<Expr, Error> {
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

/// Joins two expressions by an operator, if it can work on them.
pub fn binary(
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
