//! An answer as it arrives: read as a stream, whole within a bound, or as the beginning of a refusal; and how long it asks to wait.
//!
//! What a server sends has no end by itself: each way of reading has one here.

use super::lines::Body;
use bytes::Bytes;
use futures::TryStreamExt as _;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use std::time::Duration;

/// The longest answer that is read whole.
pub(super) const LONGEST: usize = 64 << 20;
/// As much is read of a refusal's text,
const REFUSAL: usize = 1 << 20;
/// and for so long: its status stands without it.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// The body as a stream of bytes.
pub(super) fn stream(body: kube::client::Body) -> Body {
    let data = body.into_data_stream().map_err(std::io::Error::other);
    Box::pin(data.into_async_read())
}

/// The whole body; `None` where it is longer than [`LONGEST`].
pub(super) async fn whole(body: kube::client::Body) -> Result<Option<Bytes>, kube::Error> {
    let mut read = Vec::new();
    let end = gather(body, LONGEST, &mut read).await;
    let fits = end.map_err(kube::Error::Service)?;
    Ok(fits.then(|| read.into()))
}

/// What a refusal says: as much as came in time and is worth reading.
pub(super) async fn refusal_text(body: kube::client::Body) -> Bytes {
    let mut read = Vec::new();
    let reading = gather(body, REFUSAL, &mut read);
    let _ = tokio::time::timeout(REFUSAL_PATIENCE, reading).await;
    read.into()
}

/// Reads up to so many bytes; whether that was all.
async fn gather(
    body: kube::client::Body,
    most: usize,
    read: &mut Vec<u8>,
) -> Result<bool, tower::BoxError> {
    let mut data = body.into_data_stream();
    while let Some(chunk) = data.try_next().await? {
        let room = most - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The header Retry-After: seconds, or a moment by the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let asked = text("retry-after")?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| {
        let parser = jiff::fmt::rfc2822::DateTimeParser::new();
        parser.parse_timestamp(text).ok()
    };
    let wait = moment(asked)?.duration_since(moment(text("date")?)?);
    Duration::try_from(wait).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_moment_by_the_servers_clock() {
        let wait = |asked: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", asked.parse().unwrap());
            if let Some(date) = date {
                headers.insert("date", date.parse().unwrap());
            }
            retry_after(&headers)
        };
        let now = Some("Sun, 22 Nov 2026 03:10:00 GMT");
        let later = "Sun, 22 Nov 2026 03:10:07 GMT";
        assert_eq!(wait(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(wait(later, now), Some(Duration::from_secs(7)));
        assert_eq!(wait(later, None), None, "nobody knows from when");
        let earlier = "Sun, 22 Nov 2026 03:09:59 GMT";
        assert_eq!(wait(earlier, now), None, "that is over");
        assert_eq!(wait("soon", now), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_bound() {
        let mut read = Vec::new();
        let body = |text: &str| kube::client::Body::from(text.as_bytes().to_vec());
        assert!(gather(body("12345"), 5, &mut read).await.unwrap());
        assert_eq!(read, b"12345");
        read.clear();
        assert!(!gather(body("123456"), 5, &mut read).await.unwrap());
        assert_eq!(read, b"12345");
    }
}
