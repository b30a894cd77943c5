//! The functions by name: their signatures, and the ones that work on each value by itself.

use super::ast::Function;
use super::ast::Type;
use super::ast::Type::{Matrix, Scalar, Text, Vector};

const fn function(
    name: &'static str,
    takes: &'static [Type],
    optional: usize,
    gives: Type,
) -> Function {
    Function {
        name,
        takes,
        optional,
        gives,
    }
}

const KNOWN: &[Function] = &[
    function("rate", &[Matrix], 0, Vector),
    function("irate", &[Matrix], 0, Vector),
    function("increase", &[Matrix], 0, Vector),
    function("delta", &[Matrix], 0, Vector),
    function("idelta", &[Matrix], 0, Vector),
    function("deriv", &[Matrix], 0, Vector),
    function("changes", &[Matrix], 0, Vector),
    function("resets", &[Matrix], 0, Vector),
    function("avg_over_time", &[Matrix], 0, Vector),
    function("min_over_time", &[Matrix], 0, Vector),
    function("max_over_time", &[Matrix], 0, Vector),
    function("sum_over_time", &[Matrix], 0, Vector),
    function("count_over_time", &[Matrix], 0, Vector),
    function("last_over_time", &[Matrix], 0, Vector),
    function("present_over_time", &[Matrix], 0, Vector),
    function("stddev_over_time", &[Matrix], 0, Vector),
    function("quantile_over_time", &[Scalar, Matrix], 0, Vector),
    function("absent_over_time", &[Matrix], 0, Vector),
    function("histogram_quantile", &[Scalar, Vector], 0, Vector),
    function("absent", &[Vector], 0, Vector),
    function("scalar", &[Vector], 0, Scalar),
    function("vector", &[Scalar], 0, Vector),
    function("time", &[], 0, Scalar),
    function("timestamp", &[Vector], 0, Vector),
    function(
        "label_replace",
        &[Vector, Text, Text, Text, Text],
        0,
        Vector,
    ),
    function("sort", &[Vector], 0, Vector),
    function("sort_desc", &[Vector], 0, Vector),
    function("abs", &[Vector], 0, Vector),
    function("ceil", &[Vector], 0, Vector),
    function("floor", &[Vector], 0, Vector),
    function("exp", &[Vector], 0, Vector),
    function("ln", &[Vector], 0, Vector),
    function("log2", &[Vector], 0, Vector),
    function("log10", &[Vector], 0, Vector),
    function("sqrt", &[Vector], 0, Vector),
    function("sgn", &[Vector], 0, Vector),
    function("round", &[Vector, Scalar], 1, Vector),
    function("clamp", &[Vector, Scalar, Scalar], 0, Vector),
    function("clamp_min", &[Vector, Scalar], 0, Vector),
    function("clamp_max", &[Vector, Scalar], 0, Vector),
];

/// The function of a name.
pub fn named(name: &str) -> Option<&'static Function> {
    KNOWN.iter().find(|function| function.name == name)
}

/// A function of one value and its scalar arguments; nothing when it yields no sample.
pub fn of_value(name: &str, value: f64, args: &[f64]) -> Option<f64> {
    let arg = |n: usize, default: f64| args.get(n).copied().unwrap_or(default);
    Some(match name {
        "abs" => value.abs(),
        "ceil" => value.ceil(),
        "floor" => value.floor(),
        "exp" => value.exp(),
        "ln" => value.ln(),
        "log2" => value.log2(),
        "log10" => value.log10(),
        "sqrt" => value.sqrt(),
        "sgn" => {
            if value == 0.0 || value.is_nan() {
                value
            } else {
                value.signum()
            }
        }
        "round" => {
            // Halves go up, also below zero; dividing by the inverse keeps decimal steps exact.
            let inverse = 1.0 / arg(0, 1.0);
            (value * inverse + 0.5).floor() / inverse
        }
        "clamp" if arg(1, 0.0) < arg(0, 0.0) => return None,
        "clamp" => clamped(value, arg(0, f64::NAN), arg(1, f64::NAN)),
        "clamp_min" => clamped(value, arg(0, f64::NAN), f64::INFINITY),
        "clamp_max" => clamped(value, f64::NEG_INFINITY, arg(0, f64::NAN)),
        _ => return None,
    })
}

fn clamped(value: f64, least: f64, most: f64) -> f64 {
    if value.is_nan() || least.is_nan() || most.is_nan() {
        return f64::NAN;
    }
    value.min(most).max(least)
}

/// An arithmetic or comparing operator on two values: the result, and whether a filter keeps it.
pub fn operate(op: &str, left: f64, right: f64) -> (f64, bool) {
    #[expect(clippy::float_cmp, reason = "the query asks for exact equality")]
    match op {
        "+" => (left + right, true),
        "-" => (left - right, true),
        "*" => (left * right, true),
        "/" => (left / right, true),
        "%" => (left % right, true),
        "^" => (left.powf(right), true),
        "atan2" => (left.atan2(right), true),
        "==" => (left, left == right),
        "!=" => (left, left != right),
        ">" => (left, left > right),
        "<" => (left, left < right),
        ">=" => (left, left >= right),
        "<=" => (left, left <= right),
        _ => (f64::NAN, false),
    }
}
