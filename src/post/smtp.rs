//! SMTP: one letter to one recipient over one connection.
//!
//! Knows submission (RFC 6409) and what servers say; knows nothing of tickets or of when to try again. Promises: the content is sent only after
//! the caller's `taken` has returned well, which runs between the server's 354 and the first byte; what is on the wire has no bare CR or
//! LF (ATTACKS.md D04); an answer that never came is [`Sent::Lost`], not a failure; credentials go over TLS or to this machine only.

use super::tls::{self, Encryption, Trust};
use super::wire::{SmtpLimits, Socket, Wire};
use super::{Secret, cleaned};
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The mail server that takes our letters.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Also the name that the certificate must carry.
    pub host: String,
    /// 465 with TLS from the first byte, 587 with STARTTLS.
    pub port: u16,
    /// `None` only for a server on this machine.
    pub encryption: Encryption,
    /// The login name; none for a server that takes our letters without.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Authorities beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// What we call ourselves in EHLO.
    pub hello_name: String,
    /// At most so many letters a minute: 30 for Microsoft 365 (QUIRKS, SMTP 9).
    pub per_minute: Option<u32>,
    /// At most so many at the same time; 3 for Microsoft 365.
    pub connections: usize,
}

/// A letter and its envelope.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// Empty for the null sender.
    pub from: &'a str,
    /// One recipient: lettre stops at the first refused one (QUIRKS, SMTP 4).
    pub to: &'a str,
    /// 7-bit, as rendered.
    pub content: &'a [u8],
}

/// What became of a letter; with the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The server took it.
    Accepted(String),
    /// Not now.
    Deferred(String),
    /// Never.
    Refused(String),
    /// The connection went after the content began: nobody can know (RFC 1047).
    Lost(String),
}

/// Why nothing of a letter was sent, through no fault of the letter.
#[derive(Debug)]
pub enum Unsent {
    /// The connection went before the content: another may do (QUIRKS, SMTP 8).
    Stale(String),
    /// The caller's `taken` failed; the server threw the beginning away.
    Withheld(anyhow::Error),
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Closed {
    /// The server refuses the credentials, or has no way to take them: somebody has to change something.
    Configuration(String),
    /// Down, unreachable, busy.
    Down(String),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Closed::Configuration(words) | Closed::Down(words)) = self;
        f.write_str(words)
    }
}

/// RFC 5321 4.5.3.2 asks for 5 minutes at MAIL and RCPT; some servers make strangers wait.
const COMMAND: Duration = Duration::from_secs(300);
/// Greeting, EHLO, AUTH.
const OPENING: Duration = Duration::from_secs(120);
/// After the dot: lettre's 60 s would call accepted letters lost (RFC 5321 4.5.3.2.6; QUIRKS, SMTP 1).
const AFTER_DOT: Duration = Duration::from_secs(600);
/// Slower than this and a content is given up.
const BYTES_PER_SEC_MIN: u64 = 8 << 10;
/// Servers close idle connections after some minutes; ours is not kept long enough to be surprised.
const KEPT_IDLE: Duration = Duration::from_secs(30);

/// One connection, logged in.
pub struct SmtpConn {
    inner: AsyncSmtpConnection,
    size_max: Option<u64>,
    broken: bool,
    used: Instant,
}

impl SmtpConn {
    /// Connects, encrypts, logs in.
    pub async fn open(relay: &Relay) -> Result<SmtpConn, Closed> {
        let wire = wire(relay).await?;
        match timeout(OPENING, SmtpConn::opened(relay, wire)).await {
            Ok(done) => done,
            Err(_) => Err(Closed::Down(format!(
                "{}:{} does not get through its greeting and login within {} s",
                relay.host,
                relay.port,
                OPENING.as_secs()
            ))),
        }
    }

    async fn opened(relay: &Relay, wire: Wire<SmtpLimits>) -> Result<SmtpConn, Closed> {
        let hello = ClientId::Domain(hello_name(relay));
        let down = |error| Closed::Down(format!("{}: {}", relay.host, said(&error)));
        let mut inner = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello)
            .await
            .map_err(down)?;
        log_in(relay, &mut inner).await?;
        // lettre keeps no SIZE; a second EHLO is allowed (RFC 5321 4.1.4), and RFC 4954 wants one after AUTH anyway.
        let offers = inner.command(Ehlo::new(hello)).await.map_err(down)?;
        Ok(SmtpConn {
            size_max: size_max(&offers),
            inner,
            broken: false,
            used: Instant::now(),
        })
    }

    /// Whether another letter may go over it.
    pub fn is_usable(&self) -> bool {
        !self.broken && self.used.elapsed() < KEPT_IDLE
    }

    /// Sends a letter. `taken` runs between the server's 354 and the content: after it nobody can take the letter back.
    pub async fn send<T>(
        &mut self,
        parcel: Parcel<'_>,
        taken: impl FnOnce() -> T,
    ) -> Result<Sent, Unsent>
    where
        T: Future<Output = anyhow::Result<()>>,
    {
        let envelope = match self.envelope(parcel) {
            Ok(envelope) => envelope,
            Err(refused) => return Ok(Sent::Refused(refused)),
        };
        self.used = Instant::now();
        let content = canonical(parcel.content);
        if let Some(answer) = self.introduce(envelope, content.len()).await? {
            self.forget_transaction().await;
            return Ok(answer);
        }
        if let Err(error) = taken().await {
            // In the middle of DATA only closing the connection says "never mind".
            self.broken = true;
            return Err(Unsent::Withheld(error));
        }
        Ok(self.content(&content).await)
    }

    /// Says goodbye; the answer does not matter.
    pub async fn quit(mut self) {
        if !self.broken {
            let _ = timeout(Duration::from_secs(5), self.inner.command(Quit)).await;
        }
    }

    /// The envelope, checked: what cannot be said in it is the letter's fault.
    fn envelope(&self, parcel: Parcel<'_>) -> Result<Envelope, String> {
        let from = match parcel.from {
            "" => None,
            from => Some(address(from)?),
        };
        let size = parcel.content.len() as u64;
        if let Some(max) = self.size_max.filter(|max| size > *max) {
            return Err(format!(
                "5.3.4 the letter has {size} bytes, the server takes {max}"
            ));
        }
        let eight_bit = !parcel.content.is_ascii();
        let server = self.inner.server_info();
        if eight_bit && !server.supports_feature(Extension::EightBitMime) {
            return Err("5.6.3 the letter is not 7-bit, and the server takes nothing else".into());
        }
        Ok(Envelope {
            from,
            to: address(parcel.to)?,
            eight_bit,
        })
    }

    /// MAIL, RCPT, DATA. None at 354.
    async fn introduce(&mut self, envelope: Envelope, size: usize) -> Result<Option<Sent>, Unsent> {
        let mut parameters = vec![];
        if self.size_max.is_some() {
            parameters.push(MailParameter::Size(size));
        }
        if envelope.eight_bit {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mail = Mail::new(envelope.from, parameters);
        if let Err(answer) = self.command(Stage::Mail, mail).await? {
            return Ok(Some(answer));
        }
        let rcpt = Rcpt::new(envelope.to, vec![]);
        if let Err(answer) = self.command(Stage::Rcpt, rcpt).await? {
            return Ok(Some(answer));
        }
        match self.command(Stage::Data, Data).await? {
            Err(answer) => Ok(Some(answer)),
            Ok(response) if response.has_code(354) => Ok(None),
            Ok(response) => {
                self.broken = true;
                Err(Unsent::Stale(format!(
                    "DATA was answered with {}",
                    response.code()
                )))
            }
        }
    }

    async fn command(
        &mut self,
        stage: Stage,
        command: impl fmt::Display,
    ) -> Result<Result<Response, Sent>, Unsent> {
        let error = match timeout(COMMAND, self.inner.command(command)).await {
            Ok(Ok(response)) => return Ok(Ok(response)),
            Ok(Err(error)) => error,
            Err(_) => {
                self.broken = true;
                return Err(Unsent::Stale(format!(
                    "no answer within {} s",
                    COMMAND.as_secs()
                )));
            }
        };
        match error.status().map(u16::from) {
            // Closing (RFC 5321 3.8): as good as closed.
            Some(421) | None => {
                self.broken = true;
                Err(Unsent::Stale(said(&error)))
            }
            Some(code) => Ok(Err(verdict(stage, code, &said(&error)))),
        }
    }

    async fn content(&mut self, content: &[u8]) -> Sent {
        let limit = AFTER_DOT + Duration::from_secs(content.len() as u64 / BYTES_PER_SEC_MIN);
        let answer = timeout(limit, self.inner.message(content)).await;
        self.used = Instant::now();
        match answer {
            Ok(Ok(response)) if response.code().is_positive() && !response.has_code(354) => {
                Sent::Accepted(shown(&response))
            }
            Ok(Ok(response)) => self.lost(&shown(&response)),
            Ok(Err(error)) => match error.status().map(u16::from) {
                None => self.lost(&said(&error)),
                Some(code) => {
                    self.broken |= code == 421;
                    verdict(Stage::Content, code, &said(&error))
                }
            },
            Err(_) => self.lost(&format!("no answer within {} s", limit.as_secs())),
        }
    }

    fn lost(&mut self, words: &str) -> Sent {
        self.broken = true;
        Sent::Lost(format!("the connection went after the content: {words}"))
    }

    async fn forget_transaction(&mut self) {
        let forgotten = timeout(OPENING, self.inner.command(Rset)).await;
        self.broken |= !matches!(forgotten, Ok(Ok(_)));
    }
}

struct Envelope {
    from: Option<Address>,
    to: Address,
    eight_bit: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Mail,
    Rcpt,
    Data,
    Content,
}

/// What a refusal means. `words` begin with the code.
fn verdict(stage: Stage, code: u16, words: &str) -> Sent {
    if (400..500).contains(&code) {
        return Sent::Deferred(words.into());
    }
    let enhanced = enhanced(words);
    let too_large = code == 552 || matches!(enhanced, "5.3.4" | "5.2.3");
    let ours = match code {
        // Authentication is wanted, weak, wrong or needs encryption (RFC 4954); the conversation went wrong.
        530 | 534 | 535 | 538 | 500 | 502 | 503 => true,
        // Microsoft's "Basic authentication is not supported" comes as a 550; "5.5.0" is retried by others too (QUIRKS, SMTP 3).
        _ if matches!(enhanced, "5.7.30" | "5.5.0") => true,
        // The sender is refused: that says nothing about this letter.
        _ => stage == Stage::Mail && !too_large,
    };
    if ours {
        tracing::error!(
            words,
            "the mail server refuses ticketd itself; letters wait until its configuration fits"
        );
        return Sent::Deferred(words.into());
    }
    Sent::Refused(words.into())
}

/// `5.3.4` of `552 5.3.4 Message too big` (RFC 3463).
fn enhanced(words: &str) -> &str {
    let second = words.split_whitespace().nth(1).unwrap_or("");
    let numbers = second.split('.').filter(|n| n.parse::<u16>().is_ok());
    if numbers.count() == 3 { second } else { "" }
}

/// lettre checks the grammar; what is not ASCII would need SMTPUTF8, which nobody wrote to us with.
fn address(text: &str) -> Result<Address, String> {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>'));
    let parsed: Result<Address, _> = text.parse();
    match parsed {
        Ok(address) if plain => Ok(address),
        _ => Err(format!(
            "5.1.3 \"{}\" is no address that a letter can be sent to",
            cleaned(text)
        )),
    }
}

/// CRLF at every line's end and nowhere else, so that no server sees an end of mail where another does not (SMTP smuggling, D04).
/// Without the last one: lettre sends it with the dot, and stuffs the other dots.
fn canonical(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 40);
    let mut bytes = content.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                out.extend(b"\r\n");
            }
            b'\n' => out.extend(b"\r\n"),
            other => out.push(other),
        }
    }
    if out.ends_with(b"\r\n") {
        out.truncate(out.len() - 2);
    }
    out
}

/// An error with the server's code first, if it gave one.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let source = error.source().map(|source| source.to_string());
    let words = match (error.status(), source) {
        (Some(code), source) => format!("{code} {}", source.unwrap_or_default()),
        (None, Some(source)) => source,
        (None, None) => error.to_string(),
    };
    cleaned(&words)
}

fn shown(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    cleaned(&format!("{} {}", response.code(), words.join(" ")))
}

fn size_max(offers: &Response) -> Option<u64> {
    let size = offers.message().find_map(|line| {
        let (keyword, value) = line.split_once(' ')?;
        let value: u64 = value.trim().parse().ok()?;
        keyword.eq_ignore_ascii_case("SIZE").then_some(value)
    })?;
    // 0: no limit is named (RFC 1870).
    (size > 0).then_some(size)
}

fn hello_name(relay: &Relay) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    let name: String = relay.hello_name.chars().filter(|c| plain(*c)).collect();
    if name.is_empty() {
        "localhost".into()
    } else {
        name
    }
}

async fn log_in(relay: &Relay, inner: &mut AsyncSmtpConnection) -> Result<(), Closed> {
    let (Some(user), Some(password)) = (&relay.user, &relay.password) else {
        return Ok(());
    };
    let credentials = Credentials::new(user.clone(), password.reveal().to_string());
    let mechanisms = [Mechanism::Plain, Mechanism::Login];
    let Err(error) = inner.auth(&mechanisms, &credentials).await else {
        return Ok(());
    };
    let words = said(&error);
    let host = &relay.host;
    if error.is_client() {
        return Err(Closed::Configuration(format!(
            "{host} offers no login by password (AUTH PLAIN or LOGIN); check port and tls, or ask its operator"
        )));
    }
    if error.is_permanent() {
        return Err(Closed::Configuration(format!(
            "{host} refuses the login of {}: {words}; check user and password file",
            cleaned(user)
        )));
    }
    Err(Closed::Down(format!("{host}: login: {words}")))
}

async fn wire(relay: &Relay) -> Result<Wire<SmtpLimits>, Closed> {
    let down = |error: anyhow::Error| Closed::Down(format!("{error:#}"));
    let configuration = |error: anyhow::Error| Closed::Configuration(format!("{error:#}"));
    // Time is kept by the caller; this is only the outer bound.
    let over = |socket: Box<dyn Socket>| {
        Wire::new(
            socket,
            SmtpLimits::default(),
            AFTER_DOT + Duration::from_secs(60),
        )
    };
    if relay.encryption == Encryption::None {
        if !tls::is_loopback(&relay.host) {
            return Err(Closed::Configuration(format!(
                "{}: without TLS only a server on this machine is talked to; set tls = \"implicit\" or \"starttls\"",
                relay.host
            )));
        }
        let tcp = tls::connect(&relay.host, relay.port).await.map_err(down)?;
        return Ok(over(Box::new(tcp)));
    }
    let trust = Trust::new(relay.ca_file.as_deref()).map_err(configuration)?;
    let mut tcp = tls::connect(&relay.host, relay.port).await.map_err(down)?;
    if relay.encryption == Encryption::Implicit {
        let stream = trust
            .handshake(&relay.host, tcp)
            .await
            .map_err(configuration)?;
        return Ok(over(Box::new(stream)));
    }
    match timeout(OPENING, start_tls(relay, &mut tcp)).await {
        Ok(started) => started?,
        Err(_) => {
            return Err(Closed::Down(format!(
                "{}: no answer to STARTTLS",
                relay.host
            )));
        }
    }
    let stream = trust
        .handshake(&relay.host, tcp)
        .await
        .map_err(configuration)?;
    // There is no second greeting after STARTTLS, but lettre waits for one.
    Ok(over(Box::new(stream)).with_ahead(b"220 encrypted\r\n"))
}

/// The few lines in clear. Read byte by byte: whatever somebody slips in after the 220 is left to the handshake, which fails on it (G04).
async fn start_tls(relay: &Relay, tcp: &mut TcpStream) -> Result<(), Closed> {
    let host = &relay.host;
    let down = |error: io::Error| Closed::Down(format!("{host}: {error}"));
    clear_reply(tcp).await.map_err(down)?;
    let hello = format!("EHLO {}\r\n", hello_name(relay));
    tcp.write_all(hello.as_bytes()).await.map_err(down)?;
    let offers = clear_reply(tcp).await.map_err(down)?;
    let offered = offers.lines().any(|line| {
        line.get(4..)
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    });
    if !offered {
        return Err(Closed::Configuration(format!(
            "{host} does not offer STARTTLS, and without encryption no letter goes there; try tls = \"implicit\" and port 465"
        )));
    }
    tcp.write_all(b"STARTTLS\r\n").await.map_err(down)?;
    let ready = clear_reply(tcp).await.map_err(down)?;
    if !ready.starts_with("220") {
        return Err(Closed::Down(format!(
            "{host}: STARTTLS: {}",
            cleaned(&ready)
        )));
    }
    Ok(())
}

/// A reply in clear, all its lines, at most 16 KiB.
async fn clear_reply(tcp: &mut TcpStream) -> io::Result<String> {
    let mut reply = String::new();
    let mut line_start = 0;
    while reply.len() < 16 << 10 {
        let byte = tcp.read_u8().await?;
        reply.push(char::from(byte));
        if byte == b'\n' {
            let is_last = reply.as_bytes().get(line_start + 3) != Some(&b'-');
            if is_last {
                return Ok(reply);
            }
            line_start = reply.len();
        }
    }
    Err(io::Error::other("an endless greeting"))
}

impl AsyncTokioStream for Wire<SmtpLimits> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bare_cr_or_lf_reaches_the_wire() {
        let check = |content: &str, expected: &str| {
            assert_eq!(
                String::from_utf8(canonical(content.as_bytes())).unwrap(),
                expected
            );
        };
        check("a\r\nb\r\n", "a\r\nb");
        check("a\n.\nMAIL FROM:<x@y>\n", "a\r\n.\r\nMAIL FROM:<x@y>");
        check("a\r.\rb", "a\r\n.\r\nb");
        check("a\n.\r\nb", "a\r\n.\r\nb");
        check("a\r\r\nb", "a\r\n\r\nb");
    }

    #[test]
    fn refusals_mean_what_they_say() {
        let deferred = |stage, words: &str| {
            let code = words[..3].parse().unwrap();
            matches!(verdict(stage, code, words), Sent::Deferred(_))
        };
        assert!(deferred(Stage::Rcpt, "450 4.2.0 Greylisted"));
        assert!(!deferred(Stage::Rcpt, "550 5.1.1 No such user"));
        assert!(!deferred(
            Stage::Mail,
            "552 5.3.4 Message size exceeds fixed limit"
        ));
        assert!(deferred(
            Stage::Content,
            "550 5.7.30 Basic authentication is not supported"
        ));
        assert!(deferred(
            Stage::Mail,
            "553 5.7.1 Sender address rejected: not owned by user"
        ));
        assert!(!deferred(Stage::Content, "554 5.7.1 Spam"));
        assert!(deferred(
            Stage::Rcpt,
            "530 5.7.0 Must issue a STARTTLS command first"
        ));
    }

    #[test]
    fn addresses_that_carry_commands_are_refused() {
        assert!(address("anna@desk.example").is_ok());
        for bad in [
            "a@b>\r\nRCPT TO:<c@d",
            "a b@c.example",
            "jürg@desk.example",
            "",
            "anna",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
