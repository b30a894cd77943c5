//! The answers of Prometheus' HTTP API, decoded: vectors, matrices, lists of names, and its refusals in its own words.

use crate::platform::http::{HttpFailure, clip, is_page};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How many warnings are kept of one answer.
const WARNINGS: usize = 20;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFailure {
    /// The question or the answer was lost on the way.
    #[error(transparent)]
    Http(#[from] HttpFailure),
    /// The source understood and refuses: its kind of error and its sentence.
    #[error("{kind}: {sentence}")]
    Refused {
        /// `bad_data`, `execution`, `timeout`.
        kind: String,
        /// What it says.
        sentence: String,
    },
    /// The question itself cannot be asked.
    #[error("{0}")]
    Question(String),
}

impl QueryFailure {
    /// The failure in one short clause, safe to show.
    pub fn short(&self) -> String {
        clip(&self.to_string())
    }
}

/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// One value of an instant query.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value; may be NaN or infinite.
    pub value: f64,
}

/// One series of a range query: seconds and values, as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Its labels.
    pub labels: Labels,
    /// Moments in seconds, and values.
    pub values: Vec<(f64, f64)>,
}

/// A result with the warnings that came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The result.
    pub result: T,
    /// What the source warns of: partial answers, above all.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

type Point = (f64, String);

#[derive(Deserialize)]
struct RawSample {
    #[serde(default)]
    metric: Labels,
    value: Point,
}

#[derive(Deserialize)]
struct RawPoints {
    #[serde(default)]
    metric: Labels,
    #[serde(default)]
    values: Vec<Point>,
}

/// A number as Prometheus writes it; what is none is NaN, which nothing takes for a measurement.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn malformed(why: &str) -> QueryFailure {
    HttpFailure::Malformed(format!("not an answer of Prometheus: {why}")).into()
}

pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, QueryFailure> {
    serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))
}

/// Opens the envelope: its data, or the refusal in it.
pub(super) fn open(status: u16, body: &[u8]) -> Result<(&RawValue, Vec<String>), QueryFailure> {
    if is_page(body) {
        let page = if status == 200 {
            malformed("it is a web page")
        } else {
            HttpFailure::status(status, body).into()
        };
        return Err(page);
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not text"));
    let envelope: Result<Envelope<'_>, _> = text.and_then(json);
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(_) if status / 100 != 2 => return Err(HttpFailure::status(status, body).into()),
        Err(failure) => return Err(failure),
    };
    if envelope.status == "error" {
        return Err(QueryFailure::Refused {
            kind: clip(&envelope.kind),
            sentence: clip(&envelope.error),
        });
    }
    if status / 100 != 2 || envelope.status != "success" {
        return Err(HttpFailure::status(status, body).into());
    }
    let warnings = envelope.warnings.iter().take(WARNINGS);
    let warnings = warnings.map(|warning| clip(warning)).collect();
    let data = envelope.data.ok_or_else(|| malformed("it has no data"))?;
    Ok((data, warnings))
}

/// The result of an instant query; a scalar is a sample without labels.
pub fn vector(status: u16, body: &[u8]) -> Result<Answered<Vec<Sample>>, QueryFailure> {
    let (data, warnings) = open(status, body)?;
    let data: Data<'_> = json(data.get())?;
    let result = match data.kind.as_str() {
        "vector" => json::<Vec<RawSample>>(data.result.get())?
            .into_iter()
            .map(|raw| Sample {
                labels: raw.metric,
                value: number(&raw.value.1),
            })
            .collect(),
        "scalar" => vec![Sample {
            labels: Labels::new(),
            value: number(&json::<Point>(data.result.get())?.1),
        }],
        other => return Err(malformed(&format!("a {other} where values were asked for"))),
    };
    Ok(Answered { result, warnings })
}

/// The result of a range query.
pub fn matrix(status: u16, body: &[u8]) -> Result<Answered<Vec<Points>>, QueryFailure> {
    let (data, warnings) = open(status, body)?;
    let data: Data<'_> = json(data.get())?;
    if data.kind != "matrix" {
        let why = format!("a {} where a range was asked for", data.kind);
        return Err(malformed(&why));
    }
    let result = json::<Vec<RawPoints>>(data.result.get())?
        .into_iter()
        .map(|raw| Points {
            labels: raw.metric,
            values: raw.values.iter().map(|(at, v)| (*at, number(v))).collect(),
        })
        .collect();
    Ok(Answered { result, warnings })
}

/// Any other data of the API: lists of names and labels.
pub fn data<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<Answered<T>, QueryFailure> {
    let (data, warnings) = open(status, body)?;
    Ok(Answered {
        result: json(data.get())?,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_stay_none() {
        let body = br#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"a":"b"},"value":[1.5,"NaN"]},{"metric":{},"value":[1,"+Inf"]},{"metric":{},"value":[1,"soup"]}]},
            "warnings":["partial response"]}"#;
        let answered = vector(200, body).unwrap();
        assert_eq!(answered.warnings, ["partial response"]);
        let finite: Vec<_> = answered
            .result
            .iter()
            .map(|s| s.value.is_finite())
            .collect();
        assert_eq!(finite, [false, false, false]);
    }

    #[test]
    fn a_refusal_keeps_the_sentence_of_the_source() {
        let body =
            br#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected \"}\""}"#;
        let failure = vector(400, body).unwrap_err();
        assert_eq!(failure.short(), "bad_data: parse error: unexpected \"}\"");
    }

    #[test]
    fn what_is_no_answer_is_said() {
        for (status, body, says) in [
            (200, "<html>login</html>", "it is a web page"),
            (
                200,
                "{\"status\":\"success\"",
                "not an answer of Prometheus",
            ),
            (200, "{\"status\":\"success\"}", "it has no data"),
            (200, "", "not an answer of Prometheus"),
            (500, "upstream sad", "HTTP 500: upstream sad"),
            (503, "<html>", "HTTP 503: a web page"),
        ] {
            let short = vector(status, body.as_bytes()).unwrap_err().short();
            assert!(short.contains(says), "{short}");
        }
    }
}
