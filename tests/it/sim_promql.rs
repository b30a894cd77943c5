//! The query language against what Prometheus 2.42 itself answered for the same samples and the same moment.
//! Length: the tables are facts recorded from the real one.

use vigie::sim::promql::ast::{Error, Selector};
use vigie::sim::promql::eval::evaluate;
use vigie::sim::promql::labels::{Labels, NAME};
use vigie::sim::promql::parse::{parse, parse_selector};
use vigie::sim::promql::select::Selected;
use vigie::sim::promql::value::{Column, Sample, Series, Store, Value, Window};

const START: i64 = 1_700_000_000_000;
/// When the queries were asked.
const NOW: i64 = START + 247_000;

/// A sample every 15 seconds; `_` is a missed one.
const SAMPLES: &str = r#"
jobs_total{pod="a",app="x",code="200"} 0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170 180 190 200
jobs_total{pod="b",app="x",code="200"} 5 15 25 5 15 25 35 45 55 65 75 85 95 105 115 125 135 145 155 165 175
jobs_total{pod="b",app="x",code="500"} _ _ _ _ _ _ _ _ _ _ 1 2 2 2 3 4 4 7 7 7 8
jobs_total{pod="c",app="y",code="200"} 7 7 7 _ _ _ 8 9 _ _ 12 13 14 14 14 14 15 15 _ _ _
depth{pod="a",app="x"} 3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6
depth{pod="b",app="x"} -2 7 1 8 2 8 1 8 2 8 4 5 9 0 4 5 2 3 5 3 6
depth{pod="c",app="y"} NaN 1 2 3 NaN 5 6 7 8 9 10 11 12 13 14 15 16 17 18 NaN NaN
limit{pod="a",kind="soft"} 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10
limit{pod="b",kind="soft"} 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20
owner{app="x",team="red"} 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
owner{app="y",team="blue"} 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
time_bucket{pod="a",le="0.1"} 0 5 10 15 20 25 30 35 40 45 50 55 60 65 70 75 80 85 90 95 100
time_bucket{pod="a",le="0.5"} 0 9 18 27 36 45 54 63 72 81 90 99 108 117 126 135 144 153 162 171 180
time_bucket{pod="a",le="1"} 0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170 180 190 200
time_bucket{pod="a",le="+Inf"} 0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170 180 190 200
time_bucket{pod="b",le="0.1"} 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
time_bucket{pod="b",le="0.5"} 0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40
time_bucket{pod="b",le="1"} 0 3 6 9 12 15 18 21 24 27 30 33 36 39 42 45 48 51 54 57 60
time_bucket{pod="b",le="+Inf"} 0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170 180 190 200
time_bucket{pod="c",le="0.1"} 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3
time_bucket{pod="c",le="+Inf"} 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3
"#;

/// Query and answer, series in order of their labels unless the query sorts them.
const ANSWERS: [(&str, &str); 102] = [
    (
        "rate(jobs_total[1m])",
        "{app=x,code=200,pod=a} 0.6666666666666666; {app=x,code=200,pod=b} 0.6666666666666666; {app=x,code=500,pod=b} 0.04444444444444444; {app=y,code=200,pod=c} 0.02222222222222222",
    ),
    (
        "rate(jobs_total[50s])",
        "{app=x,code=200,pod=a} 0.6666666666666666; {app=x,code=200,pod=b} 0.6666666666666666; {app=x,code=500,pod=b} 0.03333333333333333; {app=y,code=200,pod=c} 0.03333333333333333",
    ),
    (
        "rate(jobs_total[5m])",
        "{app=x,code=200,pod=a} 0.5488888888888889; {app=x,code=200,pod=b} 0.5484027777777778; {app=x,code=500,pod=b} 0.011611111111111112; {app=y,code=200,pod=c} 0.028656565656565654",
    ),
    (
        r#"increase(jobs_total{code="500"}[2m])"#,
        "{app=x,code=500,pod=b} 3.4833333333333334",
    ),
    (
        "irate(jobs_total[1m])",
        "{app=x,code=200,pod=a} 0.6666666666666666; {app=x,code=200,pod=b} 0.6666666666666666; {app=x,code=500,pod=b} 0; {app=y,code=200,pod=c} 0.06666666666666667",
    ),
    (
        "delta(depth[1m])",
        "{app=x,pod=a} -6.666666666666666; {app=x,pod=b} 2.6666666666666665; {app=y,pod=c} 4",
    ),
    (
        "idelta(depth[1m])",
        "{app=x,pod=a} -1; {app=x,pod=b} -3; {app=y,pod=c} 1",
    ),
    (
        r#"deriv(depth{app="x"}[2m])"#,
        "{app=x,pod=a} -0.012698412698412698; {app=x,pod=b} -0.03888888888888889",
    ),
    (
        "changes(depth[3m])",
        "{app=x,pod=a} 11; {app=x,pod=b} 11; {app=y,pod=c} 11",
    ),
    (
        "resets(jobs_total[5m])",
        "{app=x,code=200,pod=a} 0; {app=x,code=200,pod=b} 1; {app=x,code=500,pod=b} 0; {app=y,code=200,pod=c} 0",
    ),
    ("sum(rate(jobs_total[1m]))", "{} 1.4"),
    (
        "sum by (app) (rate(jobs_total[1m]))",
        "{app=x} 1.3777777777777778; {app=y} 0.02222222222222222",
    ),
    (
        r#"sum by (app) (rate(jobs_total{code=~"5.."}[1m])) / sum by (app) (rate(jobs_total[1m]))"#,
        "{app=x} 0.03225806451612903",
    ),
    (
        "sum without (pod) (rate(jobs_total[1m] offset 30s))",
        "{app=x,code=200} 1.3333333333333333; {app=x,code=500} 0.02222222222222222; {app=y,code=200} 0.02222222222222222",
    ),
    (
        "histogram_quantile(0.5, rate(time_bucket[1m]))",
        "{pod=a} 0.1; {pod=b} 1; {pod=c} NaN",
    ),
    (
        "histogram_quantile(0.99, rate(time_bucket[1m]))",
        "{pod=a} 0.9499999999999997; {pod=b} 1; {pod=c} NaN",
    ),
    (
        "histogram_quantile(0.9, sum by (le) (rate(time_bucket[1m])))",
        "{} 1",
    ),
    (
        "histogram_quantile(1.1, rate(time_bucket[1m]))",
        "{pod=a} +Inf; {pod=b} +Inf; {pod=c} +Inf",
    ),
    (
        r#"histogram_quantile(0.25, time_bucket{le!="+Inf"})"#,
        "{pod=a} NaN; {pod=b} NaN; {pod=c} NaN",
    ),
    (
        "avg_over_time(depth[2m])",
        "{app=x,pod=a} 5.75; {app=x,pod=b} 4.625; {app=y,pod=c} 12.5",
    ),
    (
        "min_over_time(depth[5m])",
        "{app=x,pod=a} 1; {app=x,pod=b} -2; {app=y,pod=c} 1",
    ),
    (
        "max_over_time(depth[2m])",
        "{app=x,pod=a} 9; {app=x,pod=b} 9; {app=y,pod=c} 16",
    ),
    (
        "sum_over_time(depth[1m])",
        "{app=x,pod=a} 21; {app=x,pod=b} 11; {app=y,pod=c} 58",
    ),
    (
        "count_over_time(depth[2m])",
        "{app=x,pod=a} 8; {app=x,pod=b} 8; {app=y,pod=c} 8",
    ),
    (
        "last_over_time(jobs_total[2m])",
        "jobs_total{app=x,code=200,pod=a} 160; jobs_total{app=x,code=200,pod=b} 135; jobs_total{app=x,code=500,pod=b} 4; jobs_total{app=y,code=200,pod=c} 15",
    ),
    (
        "present_over_time(jobs_total[20s])",
        "{app=x,code=200,pod=a} 1; {app=x,code=200,pod=b} 1; {app=x,code=500,pod=b} 1; {app=y,code=200,pod=c} 1",
    ),
    (
        "stddev_over_time(depth[2m])",
        "{app=x,pod=a} 2.680951323690902; {app=x,pod=b} 2.7357585785299112; {app=y,pod=c} 2.29128784747792",
    ),
    (
        "quantile_over_time(0.3, depth[2m])",
        "{app=x,pod=a} 3.2; {app=x,pod=b} 4; {app=y,pod=c} 11.1",
    ),
    ("absent(depth)", ""),
    (r#"absent(nothing{a="b",c=~"d",e!="f"})"#, "{a=b} 1"),
    (r#"absent_over_time(nothing{a="b"}[1m])"#, "{a=b} 1"),
    ("absent(sum(nothing))", "{} 1"),
    ("quantile(0.4, depth)", "{} 2"),
    ("quantile by (app) (0.5, depth)", "{app=x} 2; {app=y} 16"),
    ("avg(depth)", "{} 6.666666666666666"),
    ("avg by (app) (depth)", "{app=x} 2; {app=y} 16"),
    ("min(depth)", "{} 2"),
    ("max by (app) (depth)", "{app=x} 2; {app=y} 16"),
    ("count by (app) (depth)", "{app=x} 2; {app=y} 1"),
    ("group by (app) (depth)", "{app=x} 1; {app=y} 1"),
    (r#"stddev(depth{app="x"})"#, "{} 0"),
    (r#"stdvar(depth{app="x"})"#, "{} 0"),
    (r#"topk(1, depth{app="x"})"#, "depth{app=x,pod=a} 2"),
    (
        "bottomk(2, depth)",
        "depth{app=x,pod=a} 2; depth{app=x,pod=b} 2",
    ),
    (
        "depth / on (pod) group_left (kind) limit",
        "{app=x,kind=soft,pod=a} 0.2; {app=x,kind=soft,pod=b} 0.1",
    ),
    (
        "depth * on (app) group_left (team) owner",
        "{app=x,pod=a,team=red} 2; {app=x,pod=b,team=red} 2; {app=y,pod=c,team=blue} 16",
    ),
    (
        "owner * on (app) group_right (team) depth",
        "{app=x,pod=a,team=red} 2; {app=x,pod=b,team=red} 2; {app=y,pod=c,team=blue} 16",
    ),
    ("depth / on (pod) limit", "{pod=a} 0.2; {pod=b} 0.1"),
    (
        "depth + on (app) owner",
        "! multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    ),
    ("depth + limit", ""),
    ("depth > 4", "depth{app=y,pod=c} 16"),
    (
        "depth > bool 4",
        "{app=x,pod=a} 0; {app=x,pod=b} 0; {app=y,pod=c} 1",
    ),
    ("4 < depth", "depth{app=y,pod=c} 16"),
    (
        "depth == bool depth",
        "{app=x,pod=a} 1; {app=x,pod=b} 1; {app=y,pod=c} 1",
    ),
    (
        "depth and on (pod) limit",
        "depth{app=x,pod=a} 2; depth{app=x,pod=b} 2",
    ),
    ("depth unless on (pod) limit", "depth{app=y,pod=c} 16"),
    (
        r#"depth{pod="a"} or limit"#,
        "depth{app=x,pod=a} 2; limit{kind=soft,pod=a} 10; limit{kind=soft,pod=b} 20",
    ),
    (
        r#"depth{pod="a"} or on (pod) limit"#,
        "depth{app=x,pod=a} 2; limit{kind=soft,pod=b} 20",
    ),
    (
        "-depth",
        "{app=x,pod=a} -2; {app=x,pod=b} -2; {app=y,pod=c} -16",
    ),
    ("2 ^ 3 ^ 2", "512"),
    ("-2 ^ 2", "-4"),
    ("1 + 2 * 3 - 4 / 2 % 3", "5"),
    ("(1 + 2) * 3", "9"),
    ("1 > bool 2 == bool 0", "1"),
    ("2 * 3 % 4", "2"),
    ("8 / 2 / 2", "2"),
    (
        "abs(-depth)",
        "{app=x,pod=a} 2; {app=x,pod=b} 2; {app=y,pod=c} 16",
    ),
    (
        "round(depth / 4)",
        "{app=x,pod=a} 1; {app=x,pod=b} 1; {app=y,pod=c} 4",
    ),
    (
        "round(depth / 4, 0.5)",
        "{app=x,pod=a} 0.5; {app=x,pod=b} 0.5; {app=y,pod=c} 4",
    ),
    (
        "ceil(depth / 4)",
        "{app=x,pod=a} 1; {app=x,pod=b} 1; {app=y,pod=c} 4",
    ),
    (
        "floor(-depth / 4)",
        "{app=x,pod=a} -1; {app=x,pod=b} -1; {app=y,pod=c} -4",
    ),
    (
        "clamp(depth, 3, 5)",
        "{app=x,pod=a} 3; {app=x,pod=b} 3; {app=y,pod=c} 5",
    ),
    (
        "clamp_min(depth, 5)",
        "{app=x,pod=a} 5; {app=x,pod=b} 5; {app=y,pod=c} 16",
    ),
    (
        "clamp_max(depth, 5)",
        "{app=x,pod=a} 2; {app=x,pod=b} 2; {app=y,pod=c} 5",
    ),
    (
        "sgn(depth - 5)",
        "{app=x,pod=a} -1; {app=x,pod=b} -1; {app=y,pod=c} 1",
    ),
    ("scalar(depth)", "NaN"),
    (r#"scalar(depth{pod="a"}) + 1"#, "3"),
    ("vector(1) + 1", "{} 2"),
    ("time()", "1700000247"),
    (r#"timestamp(depth{pod="a"})"#, "{app=x,pod=a} 1700000240"),
    (
        r#"timestamp(depth{pod="a"} + 1)"#,
        "{app=x,pod=a} 1700000247",
    ),
    (
        r#"label_replace(depth{pod="a"}, "where", "$1/${2}", "app", "(.)()")"#,
        "depth{app=x,pod=a,where=x/} 2",
    ),
    (
        r#"label_replace(depth{pod="a"}, "pod", "", "pod", "a")"#,
        "depth{app=x} 2",
    ),
    (
        r#"label_replace(depth{pod="a"}, "new", "$1", "app", "z(.*)")"#,
        "depth{app=x,pod=a} 2",
    ),
    (
        r#"sort_desc(depth{app="x"})"#,
        "depth{app=x,pod=a} 2; depth{app=x,pod=b} 2",
    ),
    (
        r#"sort(depth{app="x"})"#,
        "depth{app=x,pod=a} 2; depth{app=x,pod=b} 2",
    ),
    (
        "max_over_time(sum(rate(jobs_total[1m]))[3m:30s])",
        "{} 1.4124999999999999",
    ),
    (
        r#"rate(sum(jobs_total{code="200"})[2m:15s])"#,
        "{} 1.380952380952381",
    ),
    (
        "depth @ 1700000060",
        "depth{app=x,pod=a} 5; depth{app=x,pod=b} 2; depth{app=y,pod=c} NaN",
    ),
    (
        "depth offset 1m",
        "depth{app=x,pod=a} 9; depth{app=x,pod=b} 9; depth{app=y,pod=c} 12",
    ),
    (r#"depth{pod!="a",app=~"x|z"}"#, "depth{app=x,pod=b} 2"),
    (
        r#"{__name__=~"dep.h|limit",pod="b"}"#,
        "depth{app=x,pod=b} 2; limit{kind=soft,pod=b} 20",
    ),
    (
        r#"depth{pod=~"[a-b]"}"#,
        "depth{app=x,pod=a} 2; depth{app=x,pod=b} 2",
    ),
    ("0 / 0", "NaN"),
    ("-1 / 0", "-Inf"),
    (
        "depth / 0",
        "{app=x,pod=a} +Inf; {app=x,pod=b} +Inf; {app=y,pod=c} +Inf",
    ),
    ("nothing", ""),
    ("nothing or vector(0)", "{} 0"),
    ("sum(nothing)", ""),
    ("count(depth > 100) or vector(0)", "{} 0"),
    (
        r#"depth{pod="b"} ^ 0.5"#,
        "{app=x,pod=b} 1.4142135623730951",
    ),
    (
        "depth % 3",
        "{app=x,pod=a} 2; {app=x,pod=b} 2; {app=y,pod=c} 1",
    ),
];

/// Query and refusal.
const REFUSALS: [(&str, &str); 37] = [
    ("sum(", "1:5: parse error: unclosed left parenthesis"),
    ("sum(depth", "1:10: parse error: unclosed left parenthesis"),
    (
        "depth limit",
        r#"1:7: parse error: unexpected identifier "limit""#,
    ),
    (
        "rate(depth)",
        r#"1:6: parse error: expected type range vector in call to function "rate", got instant vector"#,
    ),
    (
        "depth{",
        "1:7: parse error: unexpected end of input inside braces",
    ),
    (
        "depth{a=1}",
        "1:9: parse error: unexpected character inside braces: '1'",
    ),
    ("1 +", "1:4: parse error: unexpected end of input"),
    (")", "1:2: parse error: unexpected right parenthesis ')'"),
    (
        "nosuch(depth)",
        r#"1:1: parse error: unknown function with name "nosuch""#,
    ),
    ("", "1:1: parse error: no expression found in input"),
    (
        "{}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        r#"depth{a=~"("}"#,
        "1:7: parse error: error parsing regexp: missing closing ): `^(?:()$`",
    ),
    (
        "1 > 2",
        "1:3: parse error: comparisons between scalars must use BOOL modifier",
    ),
    (
        "1 and depth",
        r#"1:1: parse error: set operator "and" not allowed in binary scalar expression"#,
    ),
    (
        "sum by (a (depth)",
        r#"1:11: parse error: unexpected "(" in grouping opts, expected "," or ")""#,
    ),
    (
        "topk(depth)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    ),
    (
        "abs(1)",
        r#"1:5: parse error: expected type instant vector in call to function "abs", got scalar"#,
    ),
    (
        "abs()",
        r#"1:1: parse error: expected 1 argument(s) in call to "abs", got 0"#,
    ),
    (
        "depth + on(a) group_left limit and",
        "1:35: parse error: unexpected end of input",
    ),
    (
        "depth $ limit",
        "1:7: parse error: unexpected character: '$'",
    ),
    (r#""abc"#, "1:1: parse error: unterminated quoted string"),
    (
        "depth offset limit",
        r#"1:14: parse error: unexpected identifier "limit" in offset, expected duration"#,
    ),
    (
        "depth[5m] + 1",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "sum(1)",
        "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
    ),
    (
        r#"-"a""#,
        r#"1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string""#,
    ),
    (
        "depth and 1",
        r#"1:1: parse error: set operator "and" not allowed in binary scalar expression"#,
    ),
    (
        "depth == bool on(x) 2",
        "1:1: parse error: vector matching only allowed between instant vectors",
    ),
    (
        "depth + bool limit",
        "1:7: parse error: bool modifier can only be used on comparison operators",
    ),
    (
        r#"{a=~".*"}"#,
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "rate(depth[5m] 3)",
        r#"1:16: parse error: unexpected number "3""#,
    ),
    ("1 2", r#"1:3: parse error: unexpected number "2""#),
    (
        r#"depth "x""#,
        r#"1:7: parse error: unexpected string "\"x\"""#,
    ),
    ("depth]", "1:6: parse error: unexpected right bracket ']'"),
    (
        "sum by (le) rate(depth[5m])",
        r#"1:13: parse error: unexpected identifier "rate" in aggregation"#,
    ),
    (
        "clamp_min(depth)",
        r#"1:1: parse error: expected 2 argument(s) in call to "clamp_min", got 1"#,
    ),
    ("group_left", "1:1: parse error: unexpected <group_left>"),
    (
        r#"histogram_quantile("a", depth)"#,
        r#"1:20: parse error: expected type scalar in call to function "histogram_quantile", got string"#,
    ),
];

struct Recorded {
    labels: Labels,
    samples: Vec<Sample>,
}

impl Series for Recorded {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn newest(&self, at: i64, oldest: i64) -> Option<Sample> {
        let newest = self.samples.iter().rev().find(|s| s.at <= at)?;
        (newest.at > oldest).then_some(*newest)
    }

    fn samples(&self, from: i64, to: i64) -> Vec<Sample> {
        self.samples
            .iter()
            .filter(|s| from <= s.at && s.at <= to)
            .copied()
            .collect()
    }
}

struct Recording;

impl Store for Recording {
    fn select(&self, selector: &Selector, _: i64, _: i64) -> Vec<Box<dyn Series>> {
        let all = SAMPLES.trim().lines().map(recorded);
        let mut chosen: Vec<Recorded> = all
            .filter(|series| selector.accepts(&series.labels))
            .collect();
        chosen.sort_by(|a, b| a.labels.cmp(&b.labels));
        chosen
            .into_iter()
            .map(|series| Box::new(series) as Box<dyn Series>)
            .collect()
    }
}

fn recorded(line: &str) -> Recorded {
    let (name, values) = line.rsplit_once("} ").unwrap();
    let selector = parse_selector(&format!("{name}}}")).unwrap();
    let samples = values
        .split_whitespace()
        .enumerate()
        .filter(|(_, value)| *value != "_");
    let sample = |(n, value): (usize, &str)| Sample {
        at: START + 15_000 * n as i64,
        value: value.parse().unwrap(),
    };
    Recorded {
        labels: Labels::new(selector.matchers.into_iter().map(|m| (m.name, m.value))),
        samples: samples.map(sample).collect(),
    }
}

fn ask(query: &str, window: Window) -> Result<Value, Error> {
    let expr = parse(query)?;
    evaluate(&expr, &Selected::new(&expr, &Recording, window), window)
}

/// The answer as labels and value, in the notation of the table.
fn answered(query: &str, window: Window, moment: usize) -> Result<Vec<(String, f64)>, Error> {
    let columns = match ask(query, window)? {
        Value::Scalar(values) => return Ok(vec![(String::new(), values[moment])]),
        Value::Vector(columns) => columns,
        Value::Text(_) => Vec::new(),
    };
    let shown = |column: &Column| {
        let value = column.values[moment]?;
        let rest = column.labels.iter().filter(|(name, _)| *name != NAME);
        let pairs: Vec<String> = rest
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Some((
            format!("{}{{{}}}", column.labels.get(NAME), pairs.join(",")),
            value,
        ))
    };
    let mut found: Vec<(String, f64)> = columns.iter().filter_map(shown).collect();
    if !["sort", "topk", "bottomk"]
        .iter()
        .any(|ordered| query.starts_with(ordered))
    {
        found.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Ok(found)
}

fn expected(answer: &str) -> Vec<(String, f64)> {
    let one = |part: &str| {
        let (labels, value) = part.rsplit_once(' ').unwrap_or(("", part));
        (labels.to_owned(), value.parse().unwrap())
    };
    answer
        .split("; ")
        .filter(|part| !part.is_empty())
        .map(one)
        .collect()
}

fn same(found: &[(String, f64)], wanted: &[(String, f64)]) -> bool {
    let close = |a: f64, b: f64| {
        a.total_cmp(&b).is_eq()
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= 1e-9 * b.abs().max(1.0)
    };
    let pairs = || found.iter().zip(wanted);
    found.len() == wanted.len() && pairs().all(|(a, b)| a.0 == b.0 && close(a.1, b.1))
}

#[test]
fn every_answer_is_the_one_prometheus_gave() {
    for (query, answer) in ANSWERS {
        let found = answered(query, Window::instant(NOW), 0);
        match answer.strip_prefix("! ") {
            Some(refusal) => assert_eq!(found, Err(Error::Execution(refusal.into())), "{query}"),
            None => assert!(
                same(found.as_ref().unwrap(), &expected(answer)),
                "{query}\n{found:?}\n{answer}"
            ),
        }
    }
}

#[test]
fn a_range_gives_at_each_moment_what_an_instant_query_gives_there() {
    let whole = Window {
        start: START,
        end: START + 300_000,
        step: 13_000,
    };
    let sorted = |mut found: Vec<(String, f64)>| {
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    };
    for (query, answer) in ANSWERS {
        if answer.starts_with('!') {
            continue;
        }
        for (moment, &at) in whole.times().iter().enumerate().step_by(3) {
            let single = answered(query, Window::instant(at), 0).map(sorted).unwrap();
            let among = answered(query, whole, moment).map(sorted).unwrap();
            assert!(
                same(&single, &among),
                "{query} at {at}\n{single:?}\n{among:?}"
            );
        }
    }
}

#[test]
fn every_refusal_is_in_the_words_of_prometheus() {
    for (query, refusal) in REFUSALS {
        let found = parse(query)
            .map(|expr| expr.to_string())
            .map_err(|error| error.sentence(query));
        assert_eq!(found, Err(refusal.to_owned()), "{query:?}");
    }
}

#[test]
fn what_is_written_back_means_the_same() {
    for (query, _) in ANSWERS {
        let once = parse(query).unwrap().to_string();
        let twice = parse(&once).unwrap().to_string();
        assert_eq!(once, twice);
        let now = Window::instant(NOW);
        match (answered(query, now, 0), answered(&once, now, 0)) {
            (Ok(a), Ok(b)) => assert!(same(&a, &b), "{query} became {once}"),
            (a, b) => assert_eq!(a, b, "{query} became {once}"),
        }
    }
}

#[test]
fn hostile_queries_are_refused_without_harm() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let minus = format!("{}1", "-".repeat(5000));
    let power = "2^".repeat(5000) + "1";
    let sum = "1+".repeat(5000) + "1";
    for query in [deep.as_str(), &minus, &power, &sum] {
        assert!(parse(query).is_err());
    }
    let long = "1+".repeat(390) + "1";
    assert_eq!(
        ask(&long, Window::instant(NOW)),
        Ok(Value::Scalar(vec![391.0]))
    );
    assert!(ask("max_over_time(depth[10y:1ms])", Window::instant(NOW)).is_err());
    assert!(parse("depth[99999999999999999y]").is_err());
    assert!(parse("depth{pod=~\"((a{900}){900}){900}\"}").is_err());
}
