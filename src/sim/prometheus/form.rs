//! The parameters of a request, from its query and its form body alike, and how times and durations are written
//! in them.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use std::convert::Infallible;

use crate::sim::promql::lex::duration;

/// The largest body read.
const BODY: usize = 1 << 20;

/// All parameters in order; a name may repeat.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        let kind = parts
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let is_form =
            kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = if is_form {
            to_bytes(body, BODY).await.unwrap_or_default()
        } else {
            Bytes::new()
        };
        let mut form = Self::default();
        form.add(&body);
        form.add(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(form)
    }
}

impl Form {
    /// The first value of a parameter, empty when it is not given.
    pub fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = self.0.iter().filter(move |(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    fn add(&mut self, encoded: &[u8]) {
        for pair in encoded
            .split(|&b| b == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let cut = pair.iter().position(|&b| b == b'=').unwrap_or(pair.len());
            let value = pair.get(cut + 1..).unwrap_or_default();
            self.0.push((decoded(&pair[..cut]), decoded(value)));
        }
    }
}

fn decoded(text: &[u8]) -> String {
    let digit = |b: Option<&u8>| b.and_then(|&b| (b as char).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (byte, digit(text.get(at)), digit(text.get(at + 1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A moment in milliseconds: Unix seconds or RFC 3339.
pub fn moment(text: &str) -> Result<i64, String> {
    const FARTHEST: f64 = 9.0e15;
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
        && (seconds * 1000.0).abs() < FARTHEST
    {
        return Ok((seconds * 1000.0).round() as i64);
    }
    let read = text.parse::<jiff::Timestamp>();
    read.map(jiff::Timestamp::as_millisecond)
        .map_err(|_| format!("cannot parse {text:?} to a valid timestamp"))
}

/// A length of time in milliseconds: seconds or `5m`.
pub fn length(text: &str) -> Result<i64, String> {
    const LONGEST: f64 = 9.0e15;
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds.abs() * 1000.0 < LONGEST => {
            Ok((seconds * 1000.0) as i64)
        }
        Ok(_) => Err(format!(
            "cannot parse {text:?} to a valid duration. It overflows int64"
        )),
        Err(_) => {
            duration(text).ok_or_else(|| format!("cannot parse {text:?} to a valid duration"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_read_in_both_spellings() {
        assert_eq!(moment("1700000000.5"), Ok(1_700_000_000_500));
        assert_eq!(moment("2023-11-14T22:13:20Z"), Ok(1_700_000_000_000));
        assert!(moment("yesterday").is_err() && moment("").is_err() && moment("1e300").is_err());
        assert_eq!(length("15"), Ok(15_000));
        assert_eq!(length("1m30s"), Ok(90_000));
        assert!(length("soon").is_err() && length("1e300").is_err());
    }

    #[test]
    fn percent_signs_and_pluses_are_decoded_and_broken_ones_kept() {
        assert_eq!(
            decoded(b"a%7Bb%3D%22c%22%7D+%2B+1%zz%"),
            "a{b=\"c\"} + 1%zz%"
        );
    }
}
