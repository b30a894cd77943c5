//! Syslog (RFC 5424): one record a message, to a local socket or to a collector by UDP or TCP. What is sent is bounded and
//! holds no control characters; nothing here knows what a record says.

use crate::domain::syslog::Address;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio::time::timeout;

/// How long a connection or a write may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest text of a message in bytes; what every receiver takes, RFC 5424 6.1.
const LONGEST: usize = 1_800;
/// Facility 13, log audit.
const FACILITY: u8 = 13;

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// RFC 3339.
    pub at: String,
    /// Whether it tells of something that went wrong.
    pub warning: bool,
    /// The host's name.
    pub host: String,
    /// The event's name.
    pub event: String,
    /// Named values for the structured data.
    pub data: Vec<(&'static str, String)>,
    /// In words.
    pub text: String,
}

/// The message as it is sent.
pub fn line(message: &Message) -> String {
    let severity = if message.warning { 4 } else { 5 };
    let header = |text: &str, most: usize| {
        let plain: String = text
            .chars()
            .filter(char::is_ascii_graphic)
            .take(most)
            .collect();
        if plain.is_empty() {
            "-".to_owned()
        } else {
            plain
        }
    };
    let mut data = "[vigie@32473".to_owned();
    for (name, value) in &message.data {
        let value: String = value
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace(']', "\\]");
        data.push_str(&format_args!(" {name}=\"{value}\"").to_string());
    }
    data.push(']');
    let mut text: String = message
        .text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    format!(
        "<{}>1 {} {} vigie - {} {data} \u{feff}{text}",
        FACILITY * 8 + severity,
        header(&message.at, 40),
        header(&message.host, 255),
        header(&message.event, 32),
    )
}

/// Sends messages in order; how many were handed over, and why no more were. By UDP nobody says whether they arrived.
pub async fn send(to: &Address, messages: &[Message]) -> (usize, Option<String>) {
    let mut sent = 0;
    let sending = async {
        match to {
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                for message in messages {
                    socket.send(line(message).as_bytes()).await?;
                    sent += 1;
                }
            }
            Address::Udp(to) => {
                let target = tokio::net::lookup_host(to).await?.next();
                let target = target.ok_or_else(|| std::io::Error::other("no such host"))?;
                let own = if target.is_ipv6() {
                    "[::]:0"
                } else {
                    "0.0.0.0:0"
                };
                let socket = UdpSocket::bind(own).await?;
                for message in messages {
                    socket.send_to(line(message).as_bytes(), target).await?;
                    sent += 1;
                }
            }
            Address::Tcp(to) => {
                let mut stream = TcpStream::connect(to).await?;
                for message in messages {
                    let line = line(message);
                    stream
                        .write_all(format!("{} {line}", line.len()).as_bytes())
                        .await?;
                }
                stream.shutdown().await?;
                // Until the whole of it is written it may have to be sent again.
                sent = messages.len();
            }
        }
        Ok::<(), std::io::Error>(())
    };
    let came = timeout(PATIENCE, sending).await;
    let why = match came {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.kind().to_string()),
        Err(_) => Some("no answer in time".to_owned()),
    };
    (sent, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    fn message(text: &str) -> Message {
        Message {
            at: "2026-03-04T03:12:07Z".into(),
            warning: true,
            host: "laptop 7".into(),
            event: "step.outcome".into(),
            data: vec![("hash", "a]b\"c\\d".into())],
            text: text.into(),
        }
    }

    #[test]
    fn a_message_is_escaped_bounded_and_keeps_its_hash() {
        assert_eq!(
            line(&message("a\u{1b}[2J\nb")),
            "<108>1 2026-03-04T03:12:07Z laptop7 vigie - step.outcome [vigie@32473 hash=\"a\\]b\\\"c\\\\d\"] \u{feff}a [2J b"
        );
        let long = line(&message(&"é".repeat(5_000)));
        assert!(
            long.len() < 2_100 && long.contains("hash=") && long.ends_with('…'),
            "{}",
            long.len()
        );
    }

    #[tokio::test]
    async fn messages_arrive_by_tcp_and_udp_and_a_refusal_is_said() {
        let messages = [message("one"), message("two")];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = Address::Tcp(listener.local_addr().unwrap().to_string());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        });
        assert_eq!(send(&to, &messages).await, (2, None));
        let first = line(&messages[0]);
        assert!(
            heard
                .await
                .unwrap()
                .starts_with(&format!("{} {first}", first.len()))
        );
        // Nobody listens there any more.
        let (sent, why) = send(&to, &messages).await;
        assert!(sent == 0 && why.is_some(), "{why:?}");
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = Address::Udp(socket.local_addr().unwrap().to_string());
        assert_eq!(send(&to, &messages).await, (2, None));
        let mut heard = [0; 4_000];
        let read = socket.recv(&mut heard).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&heard[..read]), first);
    }
}
