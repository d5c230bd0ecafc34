//! IMAP: a folder read, never written.
//!
//! Knows the protocol and what servers do to it (QUIRKS, IMAP); knows nothing of cursors or of what a mail says.
//! async-imap parses; the conversation is our own, because its helpers take a `NO`, a `BAD` or a closed connection for an empty
//! answer (STACK 0.3). Promises: nothing succeeds without the tagged OK; every read and write ends in bounded time; after any
//! error the connection is not used again; the folder is opened read-only, no SEARCH is sent, and nothing from a mail ever
//! reaches a command, only numbers (ATTACKS.md D08). The password goes past async-imap, which would log it (G03).

use super::tls::{self, Encryption, Trust};
use super::wire::{ImapLimits, Socket, Wire};
use super::{Secret, Stop, cleaned, stopped};
use async_imap::imap_proto::{
    AttributeValue, Capability, MailboxDatum, Outcome, Response, ResponseCode, Status,
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// A folder on a server, and how to get there.
#[derive(Clone, Debug)]
pub struct Account {
    /// Also the name that the certificate must carry.
    pub host: String,
    /// 993, as a rule.
    pub port: u16,
    /// The login name.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// `INBOX`, or a folder's name as people read it.
    pub folder: String,
    /// `Implicit`, or `None` for a server on this machine; never `StartTls` (G04).
    pub encryption: Encryption,
    /// Authorities beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Of a larger mail only the beginning is fetched.
    pub mail_bytes_max: u64,
}

/// Why it did not work: what the caller does next depends on it.
#[derive(Debug)]
pub enum Fault {
    /// The server refuses the credentials. Asking again soon can lock the account (QUIRKS 26).
    Credentials(String),
    /// The folder is not there, or not ours (QUIRKS 22, 25).
    Folder(String),
    /// Anything else: connect again.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Credentials(words) | Fault::Folder(words) | Fault::Broken(words)) = self;
        f.write_str(words)
    }
}

impl std::error::Error for Fault {}

fn broken(words: impl fmt::Display) -> Fault {
    Fault::Broken(words.to_string())
}

/// What the server says of the folder when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// UIDs mean something together with this only. Some servers send 0 (QUIRKS 4): a value like another.
    pub uid_validity: u32,
    /// Missing with some servers (QUIRKS 3).
    pub uid_next: Option<u32>,
}

/// A mail in the folder, as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub uid: u32,
    /// By the server's word, which some get wrong (QUIRKS 10): good for batching, never a reason to refuse.
    pub bytes: u64,
    /// When the server received it.
    pub received: Option<DateTime<Utc>>,
}

/// How an IDLE ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idled {
    /// Mail came, or may have come.
    News,
    /// Nothing, for as long as asked.
    Quiet,
    /// The server does not do it after all.
    Refused,
    /// The house closes.
    Stopped,
}

/// Silence that is taken for a dead connection: half-open ones never end by themselves (QUIRKS 20).
const PATIENCE: Duration = Duration::from_secs(60);
/// A command of a few bytes, answered by a few lines.
const COMMAND: Duration = Duration::from_secs(120);
/// Slower than this, and a batch is given up: a server that drips would hold it for ever (ATTACKS.md E07).
const BYTES_PER_SEC_MIN: u64 = 64 << 10;
/// After DONE the answer is at hand; a dead connection shows here first.
const DONE: Duration = Duration::from_secs(15);
/// A literal may be longer than RFC822.SIZE said (QUIRKS 10).
const LITERAL_SLACK: u64 = 1 << 20;

/// One connection, logged in.
pub struct ImapConn {
    client: async_imap::Client<Wire<ImapLimits>>,
    tags: u32,
    idle: bool,
    exists: u32,
    news: bool,
}

impl ImapConn {
    /// Connects and logs in.
    pub async fn open(account: &Account) -> Result<ImapConn, Fault> {
        let socket = socket(account).await?;
        let limits = ImapLimits::new(account.mail_bytes_max + LITERAL_SLACK);
        let mut conn = ImapConn {
            client: async_imap::Client::new(Wire::new(socket, limits, PATIENCE)),
            tags: 0,
            idle: false,
            exists: 0,
            news: false,
        };
        within(COMMAND, conn.greeted()).await?;
        within(COMMAND, conn.login(account)).await?;
        conn.capability().await?;
        Ok(conn)
    }

    /// Whether the server says that it can tell us of new mail.
    pub fn can_idle(&self) -> bool {
        self.idle
    }

    /// Whether mail came while we were busy with something else (QUIRKS 18): look again before an IDLE.
    pub fn has_news(&self) -> bool {
        self.news
    }

    /// Opens the folder, read-only: what a person sees as unread stays unread.
    pub async fn examine(&mut self, folder: &str) -> Result<Folder, Fault> {
        let (mut validity, mut next) = (None, None);
        let command = format!("EXAMINE {}", quoted(&modified_utf7(folder)));
        let answer = self
            .command(&command, COMMAND, |response| {
                if let Response::Data { outcome, .. } = response {
                    match outcome.code {
                        Some(ResponseCode::UidValidity(value)) => validity = Some(value),
                        Some(ResponseCode::UidNext(value)) => next = Some(value),
                        _ => {}
                    }
                }
            })
            .await?;
        if let Answer::Refused(words) = answer {
            return Err(Fault::Folder(format!(
                "folder \"{folder}\" cannot be opened: {words}; check its name and this account's rights"
            )));
        }
        let uid_validity = validity.ok_or_else(|| {
            Fault::Folder(format!(
                "folder \"{folder}\": the server names no UIDVALIDITY, so its numbers mean nothing"
            ))
        })?;
        Ok(Folder {
            uid_validity,
            uid_next: next,
        })
    }

    /// The mails from this UID on, by UID.
    pub async fn list_from(&mut self, from: u32) -> Result<Vec<Listed>, Fault> {
        self.news = false;
        let mut listed = self.list(&format!("{from}:*")).await?;
        // Servers answer 5:* with mail 4 when 5 does not exist yet (RFC 3501 6.4.8).
        listed.retain(|mail| mail.uid >= from);
        Ok(listed)
    }

    /// Those of these UIDs that are there.
    pub async fn list_these(&mut self, uids: &[u32]) -> Result<Vec<Listed>, Fault> {
        let mut listed = self.list(&uid_set(uids)).await?;
        listed.retain(|mail| uids.contains(&mail.uid));
        Ok(listed)
    }

    async fn list(&mut self, set: &str) -> Result<Vec<Listed>, Fault> {
        let mut listed = BTreeMap::new();
        let command = format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)");
        // A million mails listed at 60 bytes each take a minute on a slow server.
        let answer = self
            .command(&command, COMMAND * 5, |response| {
                if let Response::Fetch(_, attributes) = response
                    && let Some(mail) = listed_mail(attributes)
                {
                    listed.insert(mail.uid, mail);
                }
            })
            .await?;
        answer.or_broken("UID FETCH")?;
        Ok(listed.into_values().collect())
    }

    /// The bytes of these mails, whole or only the beginning. What the server leaves out is missing from the answer (QUIRKS 7);
    /// what it sends unasked is ignored (QUIRKS 8).
    pub async fn bodies(
        &mut self,
        uids: &[u32],
        first_bytes: Option<u64>,
        expected_bytes: u64,
    ) -> Result<BTreeMap<u32, Vec<u8>>, Fault> {
        // iCloud answers RFC822 without data (QUIRKS 11); PEEK leaves \Seen alone.
        let part = first_bytes.map_or(String::new(), |n| format!("<0.{n}>"));
        let command = format!("UID FETCH {} (UID BODY.PEEK[]{part})", uid_set(uids));
        let limit = COMMAND + Duration::from_secs(expected_bytes / BYTES_PER_SEC_MIN);
        let mut bodies = BTreeMap::new();
        let answer = self
            .command(&command, limit, |response| {
                if let Response::Fetch(_, attributes) = response
                    && let Some((uid, body)) = body_of(attributes)
                    && uids.contains(&uid)
                {
                    bodies.entry(uid).or_insert_with(|| body.to_vec());
                }
            })
            .await?;
        // NO with some bodies given: some servers refuse the whole for one bad mail. The rest is owed.
        if let Answer::Refused(words) = answer
            && bodies.is_empty()
            && uids.len() > 1
        {
            return Err(broken(format!("UID FETCH refused: {words}")));
        }
        Ok(bodies)
    }

    /// Waits for news, at most this long; the caller keeps it under 29 minutes (RFC 2177).
    pub async fn idle(&mut self, at_most: Duration, stop: &mut Stop) -> Result<Idled, Fault> {
        let tag = self.say("IDLE").await?;
        if let Some(words) = within(COMMAND, self.await_idling(&tag)).await? {
            self.idle = false;
            tracing::info!(words, "the server refuses IDLE; polling instead");
            return Ok(Idled::Refused);
        }
        self.client.get_mut().set_patience(at_most + PATIENCE);
        let ended = tokio::select! {
            ended = self.await_news() => ended?,
            () = tokio::time::sleep(at_most) => Idled::Quiet,
            () = stopped(stop) => Idled::Stopped,
        };
        self.client.get_mut().set_patience(PATIENCE);
        within(DONE, self.write(b"DONE\r\n")).await?;
        let answer = within(DONE, self.until_tagged(&tag, |_| {})).await?;
        answer.or_broken("IDLE")?;
        Ok(if self.news { Idled::News } else { ended })
    }

    /// Says goodbye; the answer does not matter.
    pub async fn logout(mut self) {
        let _ = within(Duration::from_secs(5), async {
            let tag = self.say("LOGOUT").await?;
            self.until_tagged(&tag, |_| {}).await
        })
        .await;
    }

    async fn greeted(&mut self) -> Result<(), Fault> {
        let Some(response) = self.client.read_response().await.map_err(broken)? else {
            return Err(broken(
                "the server closes the connection without a greeting",
            ));
        };
        match response.parsed() {
            Response::Data {
                status: Status::Ok, ..
            } => Ok(()),
            // Someone who can write into the connection could log us in as anybody (G04).
            Response::Data {
                status: Status::PreAuth,
                ..
            } => Err(broken(
                "the server greets with PREAUTH, which is refused; check host and port",
            )),
            Response::Data { outcome, .. } => Err(broken(format!(
                "the server turns us away: {}",
                words(outcome)
            ))),
            _ => Err(broken("the server's greeting is not IMAP; check the port")),
        }
    }

    /// LOGIN with literals: any password can be sent so, and nothing needs escaping (RFC 3501 6.2.3).
    async fn login(&mut self, account: &Account) -> Result<(), Fault> {
        let tag = self.next_tag();
        let name = account.user.as_bytes();
        let password = account.password.reveal().as_bytes();
        self.write(format!("{tag} LOGIN {{{}}}\r\n", name.len()).as_bytes())
            .await?;
        self.may_go_on(&tag, account).await?;
        self.write(name).await?;
        self.write(format!(" {{{}}}\r\n", password.len()).as_bytes())
            .await?;
        self.may_go_on(&tag, account).await?;
        self.write(password).await?;
        self.write(b"\r\n").await?;
        match self.until_tagged(&tag, |_| {}).await? {
            Answer::Ok => Ok(()),
            Answer::Refused(words) => Err(refused_login(account, &words)),
        }
    }

    async fn may_go_on(&mut self, tag: &str, account: &Account) -> Result<(), Fault> {
        match self.until_continued(tag).await? {
            None => Ok(()),
            Some(words) => Err(refused_login(account, &words)),
        }
    }

    /// Asked after the login: what was said before differs with many servers (QUIRKS 30).
    async fn capability(&mut self) -> Result<(), Fault> {
        let mut idle = false;
        let answer = self
            .command("CAPABILITY", COMMAND, |response| {
                if let Response::Capabilities(capabilities) = response {
                    idle = capabilities
                        .iter()
                        .any(|c| matches!(c, Capability::Atom(atom) if atom.eq_ignore_ascii_case("IDLE")));
                }
            })
            .await?;
        answer.or_broken("CAPABILITY")?;
        self.idle = idle;
        Ok(())
    }

    /// None once the server waits for us; its words if it refuses.
    async fn await_idling(&mut self, tag: &str) -> Result<Option<String>, Fault> {
        self.until_continued(tag).await
    }

    async fn await_news(&mut self) -> Result<Idled, Fault> {
        while !self.news {
            self.next(|_| {}).await?;
        }
        Ok(Idled::News)
    }

    /// None at `+`; the server's words if it ends the command instead (async-imap would wait for ever at a NO).
    async fn until_continued(&mut self, tag: &str) -> Result<Option<String>, Fault> {
        loop {
            let mut ended = None;
            let mut continued = false;
            self.next(|response| match response {
                Response::Continue(_) => continued = true,
                Response::Done {
                    tag: found,
                    outcome,
                    ..
                } if found.0 == tag => ended = Some(words(outcome)),
                _ => {}
            })
            .await?;
            if continued {
                return Ok(None);
            }
            if ended.is_some() {
                return Ok(ended);
            }
        }
    }

    async fn command(
        &mut self,
        command: &str,
        limit: Duration,
        each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<Answer, Fault> {
        within(limit, async {
            let tag = self.say(command).await?;
            self.until_tagged(&tag, each).await
        })
        .await
    }

    async fn until_tagged(
        &mut self,
        tag: &str,
        mut each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<Answer, Fault> {
        loop {
            let mut answer = None;
            self.next(|response| match response {
                Response::Done {
                    tag: found,
                    status,
                    outcome,
                } if found.0 == tag => {
                    answer = Some(match status {
                        Status::Ok => Answer::Ok,
                        _ => Answer::Refused(words(outcome)),
                    });
                }
                other => each(other),
            })
            .await?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// One response: what concerns every command is noted here.
    async fn next(&mut self, each: impl FnOnce(&Response<'_>)) -> Result<(), Fault> {
        // imap-proto panics on some answers (INTERNALDATE NIL): a broken connection, for which the mail that was asked for is answerable.
        let read = AssertUnwindSafe(self.client.read_response()).catch_unwind();
        let response = read
            .await
            .map_err(|_| broken("the server's answer could not be understood"))?
            .map_err(|error| {
                broken(format!(
                    "the server's answer: {}",
                    cleaned(&error.to_string())
                ))
            })?
            .ok_or_else(|| broken("the server closed the connection"))?;
        match response.parsed() {
            Response::Data {
                status: Status::Bye,
                outcome,
            } => {
                return Err(broken(format!(
                    "the server says goodbye: {}",
                    words(outcome)
                )));
            }
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.news |= *count > self.exists;
                self.exists = *count;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            _ => {}
        }
        each(response.parsed());
        Ok(())
    }

    async fn say(&mut self, command: &str) -> Result<String, Fault> {
        let tag = self.next_tag();
        self.write(format!("{tag} {command}\r\n").as_bytes())
            .await?;
        Ok(tag)
    }

    fn next_tag(&mut self) -> String {
        self.tags += 1;
        format!("T{}", self.tags)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let wire = self.client.get_mut();
        wire.write_all(bytes).await.map_err(broken)?;
        wire.flush().await.map_err(broken)
    }
}

/// How a command ended.
enum Answer {
    Ok,
    Refused(String),
}

impl Answer {
    fn or_broken(self, command: &str) -> Result<(), Fault> {
        match self {
            Answer::Ok => Ok(()),
            Answer::Refused(words) => Err(broken(format!("{command} refused: {words}"))),
        }
    }
}

async fn socket(account: &Account) -> Result<Box<dyn Socket>, Fault> {
    let whole = |error: anyhow::Error| broken(format!("{error:#}"));
    match account.encryption {
        Encryption::Implicit => {
            let trust = Trust::new(account.ca_file.as_deref()).map_err(whole)?;
            let tcp = tls::connect(&account.host, account.port)
                .await
                .map_err(whole)?;
            let stream = trust.handshake(&account.host, tcp).await.map_err(whole)?;
            Ok(Box::new(stream))
        }
        Encryption::None if tls::is_loopback(&account.host) => {
            let tcp = tls::connect(&account.host, account.port)
                .await
                .map_err(whole)?;
            Ok(Box::new(tcp))
        }
        Encryption::None => Err(broken(format!(
            "{}: without TLS only a server on this machine is talked to; set tls = \"implicit\"",
            account.host
        ))),
        Encryption::StartTls => Err(broken(
            "STARTTLS is not spoken with IMAP servers; use TLS from the first byte, port 993",
        )),
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(broken(format!("no answer within {} s", limit.as_secs()))),
    }
}

/// A refused login is the credentials' fault, unless the server says that it is busy or ill (RFC 5530; QUIRKS 23): that decides how
/// soon it is tried again, nothing else.
fn refused_login(account: &Account, words: &str) -> Fault {
    const BUSY: [&str; 6] = [
        "unavailable",
        "temporar",
        "too many",
        "try again",
        "limit",
        "internal",
    ];
    let lower = words.to_lowercase();
    if BUSY.iter().any(|busy| lower.contains(busy)) {
        return broken(format!("the server does not log us in now: {words}"));
    }
    Fault::Credentials(format!(
        "{} refuses the login of {}: {words}; check user and password file (an application password may be needed)",
        account.host,
        cleaned(&account.user)
    ))
}

fn words(outcome: &Outcome<'_>) -> String {
    // Some servers send no text at all (QUIRKS 14).
    let text = outcome
        .information
        .as_deref()
        .unwrap_or("(no reason given)");
    cleaned(text)
}

/// Attributes come in any order (QUIRKS 9).
fn listed_mail(attributes: &[AttributeValue<'_>]) -> Option<Listed> {
    let (mut uid, mut bytes, mut received) = (None, 0, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(value) => uid = Some(*value),
            AttributeValue::Rfc822Size(value) => bytes = u64::from(*value),
            AttributeValue::InternalDate(value) => received = internal_date(value),
            _ => {}
        }
    }
    Some(Listed {
        uid: uid?,
        bytes,
        received,
    })
}

/// `" 3-Jan-2026 08:00:00 +0100"`: the day may be padded with a space (RFC 3501, date-day-fixed).
fn internal_date(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(value.trim(), "%d-%b-%Y %H:%M:%S %z")
        .ok()
        .map(|at| at.to_utc())
}

/// A body of NIL or "" is none (QUIRKS 12): no mail is empty.
fn body_of<'a>(attributes: &'a [AttributeValue<'_>]) -> Option<(u32, &'a [u8])> {
    let (mut uid, mut body) = (None, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(value) => uid = Some(*value),
            AttributeValue::BodySection {
                section: None,
                data: Some(bytes),
                ..
            } if !bytes.is_empty() => body = Some(&bytes[..]),
            _ => {}
        }
    }
    Some((uid?, body?))
}

/// `3,5:8`: numbers only, ranges joined; 200 of them stay far below the 64 KiB that a command line may have (QUIRKS 31).
fn uid_set(uids: &[u32]) -> String {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut ranges: Vec<(u32, u32)> = vec![];
    for uid in sorted {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}:{last}")
        }
    });
    shown.collect::<Vec<_>>().join(",")
}

fn quoted(name: &str) -> String {
    let kept = name.chars().filter(|c| !c.is_control());
    let mut quoted = String::from("\"");
    for c in kept {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Folder names are US-ASCII on the wire; the rest is UTF-16 in a base64 of its own (RFC 3501 5.1.3; QUIRKS 38).
fn modified_utf7(name: &str) -> String {
    let mut out = String::new();
    let mut wide: Vec<u8> = vec![];
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush_wide(&mut out, &mut wide);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                wide.extend(unit.to_be_bytes());
            }
        }
    }
    flush_wide(&mut out, &mut wide);
    out
}

fn flush_wide(out: &mut String, wide: &mut Vec<u8>) {
    if wide.is_empty() {
        return;
    }
    let coded = data_encoding::BASE64_NOPAD.encode(wide).replace('/', ",");
    out.push('&');
    out.push_str(&coded);
    out.push('-');
    wide.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uid_sets_are_numbers_and_ranges() {
        assert_eq!(uid_set(&[7]), "7");
        assert_eq!(uid_set(&[5, 1, 2, 3, 9, 8, 5]), "1:3,5,8:9");
        assert_eq!(uid_set(&[u32::MAX, u32::MAX - 1]), "4294967294:4294967295");
    }

    #[test]
    fn folder_names_are_quoted_and_coded() {
        assert_eq!(quoted("a\"b\\c\r\nX LOGOUT"), "\"a\\\"b\\\\cX LOGOUT\"");
        assert_eq!(modified_utf7("Entwürfe & mehr"), "Entw&APw-rfe &- mehr");
        assert_eq!(modified_utf7("台北"), "&U,BTFw-");
    }

    #[test]
    fn internal_dates_are_read_with_a_padded_day() {
        let expected = "2026-01-03T07:00:00Z".parse::<DateTime<Utc>>().ok();
        assert_eq!(internal_date(" 3-Jan-2026 08:00:00 +0100"), expected);
        assert_eq!(internal_date("03-Jan-2026 08:00:00 +0100"), expected);
        assert_eq!(internal_date("yesterday"), None);
    }

    #[test]
    fn a_busy_server_is_not_a_wrong_password() {
        let account = Account {
            host: "h".into(),
            port: 1,
            user: "u".into(),
            password: Secret::new("hunter2"),
            folder: "INBOX".into(),
            encryption: Encryption::Implicit,
            ca_file: None,
            mail_bytes_max: 1,
        };
        let of = |words| refused_login(&account, words);
        assert!(matches!(
            of("Too many simultaneous connections"),
            Fault::Broken(_)
        ));
        assert!(matches!(
            of("Authentication failed."),
            Fault::Credentials(_)
        ));
        assert!(!of("Authentication failed.").to_string().contains("hunter2"));
    }
}
