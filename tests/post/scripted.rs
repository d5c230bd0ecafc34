//! Servers that misbehave, in this process: each test names what they do.

use crate::house::{Running, TestHouse, state};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ticketd::desk::event::{Movement, Trouble};
use ticketd::post::Secret;
use ticketd::post::deliver::{Way, deliver};
use ticketd::post::imap::Account;
use ticketd::post::smtp::{Relay, SmtpConn};
use ticketd::post::tls::Encryption;
use ticketd::post::watch::{Mailbox, Parsers, Source, watch};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

// IMAP

/// What a server says instead of the right thing.
enum Said {
    /// This, then on as usual.
    Then(&'static str),
    /// This, then it closes.
    Last(&'static str),
}

type Trick = Arc<dyn Fn(usize, &str) -> Option<Said> + Send + Sync>;

/// An IMAP server with three mails or more; honest but for its trick, which sees the connection's number (from 1) and the command without tag; "" is the greeting.
#[derive(Clone)]
struct ImapServer {
    mails: Arc<Mutex<Vec<(u32, String)>>>,
    trick: Trick,
    /// The first connection ends after so many bytes.
    cut_at: Option<usize>,
    said: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    port: u16,
}

impl ImapServer {
    async fn start(
        trick: impl Fn(usize, &str) -> Option<Said> + Send + Sync + 'static,
    ) -> ImapServer {
        ImapServer::start_cut(trick, None).await
    }

    async fn start_cut(
        trick: impl Fn(usize, &str) -> Option<Said> + Send + Sync + 'static,
        cut_at: Option<usize>,
    ) -> ImapServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = ImapServer {
            mails: Arc::new(Mutex::new((1..=3).map(|uid| (uid, mail(uid))).collect())),
            trick: Arc::new(trick),
            cut_at,
            said: Arc::default(),
            connections: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = serving.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let server = serving.clone();
                tokio::spawn(async move {
                    let _ = server.serve(stream, number).await;
                });
            }
        });
        server
    }

    async fn serve(&self, stream: TcpStream, number: usize) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut left = self.cut_at.filter(|_| number == 1).unwrap_or(usize::MAX);
        let mut tag = String::new();
        let mut command = String::new();
        loop {
            let (answer, last) = match (self.trick)(number, &command) {
                Some(Said::Then(words)) => (words.replace("TAG", &tag), false),
                Some(Said::Last(words)) => (words.replace("TAG", &tag), true),
                None => (self.honest(&tag, &command), false),
            };
            let sent = &answer.as_bytes()[..answer.len().min(left)];
            write.write_all(sent).await?;
            left -= sent.len();
            if last || left == 0 {
                return Ok(());
            }
            if command == "LOGOUT" {
                return Ok(());
            }
            (tag, command) = self.next_command(&mut read, &mut write).await?;
        }
    }

    async fn next_command(
        &self,
        read: &mut (impl AsyncBufReadExt + Unpin),
        write: &mut (impl AsyncWriteExt + Unpin),
    ) -> std::io::Result<(String, String)> {
        let mut whole = String::new();
        loop {
            if read.read_line(&mut whole).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = whole.trim_end().to_string();
            let Some(bytes) = line.strip_suffix('}').and_then(|l| l.rsplit_once('{')) else {
                break;
            };
            write.write_all(b"+ go on\r\n").await?;
            let mut literal = vec![0; bytes.1.parse().unwrap()];
            read.read_exact(&mut literal).await?;
            whole.push_str(std::str::from_utf8(&literal).unwrap());
        }
        let whole = whole.trim_end();
        self.said.lock().unwrap().push(whole.to_string());
        let (tag, command) = whole.split_once(' ').unwrap_or(("", whole));
        Ok((tag.into(), command.into()))
    }

    fn honest(&self, tag: &str, command: &str) -> String {
        let mails = self.mails.lock().unwrap();
        let next = mails.iter().map(|(uid, _)| uid + 1).max().unwrap_or(1);
        let untagged = match command.split_whitespace().collect::<Vec<_>>()[..] {
            [] => return "* OK ready\r\n".into(),
            ["CAPABILITY"] => "* CAPABILITY IMAP4rev1\r\n".into(),
            ["EXAMINE", _] => format!(
                "* {} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT {next}] ok\r\n",
                mails.len()
            ),
            ["UID", "FETCH", set, ..] => {
                let wanted = numbers(set, next - 1);
                let bodies = command.contains("BODY");
                let of = |(at, (uid, body)): (usize, &(u32, String))| {
                    let seq = at + 1;
                    if bodies {
                        format!(
                            "* {seq} FETCH (BODY[] {{{}}}\r\n{body} UID {uid})\r\n",
                            body.len()
                        )
                    } else {
                        // Size first, as Exchange does, and wrong, as Exchange does (QUIRKS 9, 10).
                        format!(
                            "* {seq} FETCH (RFC822.SIZE {} INTERNALDATE \" 3-Jan-2026 08:00:00 +0000\" UID {uid})\r\n",
                            body.len() + 2
                        )
                    }
                };
                mails
                    .iter()
                    .enumerate()
                    .filter(|(_, (uid, _))| wanted.contains(uid))
                    .map(of)
                    .collect()
            }
            _ => String::new(),
        };
        format!("{untagged}{tag} OK done\r\n")
    }

    fn commands(&self, with: &str) -> usize {
        self.said
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(with))
            .count()
    }

    fn mailbox(&self) -> Mailbox {
        Mailbox {
            name: "support".into(),
            queue: "support".into(),
            source: Source::Imap(Account {
                host: "127.0.0.1".into(),
                port: self.port,
                user: "support@desk.example".into(),
                password: Secret::new("pa\"ss\\wörd"),
                folder: "INBOX".into(),
                encryption: Encryption::None,
                ca_file: None,
                mail_bytes_max: 10_000,
            }),
            mail_bytes_max: 10_000,
            since: Some(chrono::DateTime::UNIX_EPOCH),
            poll_every: Duration::from_millis(200),
        }
    }
}

fn mail(uid: u32) -> String {
    format!("Subject: mail {uid}\r\n\r\nbody {uid}\r\n")
}

/// `2:*` with the rule of RFC 3501 6.4.8: `*` is the last mail, whatever stands before it.
fn numbers(set: &str, last: u32) -> BTreeSet<u32> {
    let number = |text: &str| {
        if text == "*" {
            last
        } else {
            text.parse().unwrap()
        }
    };
    let ranges = set
        .split(',')
        .map(|part| part.split_once(':').unwrap_or((part, part)));
    ranges
        .flat_map(|(a, b)| number(a).min(number(b))..=number(a).max(number(b)))
        .collect()
}

fn watching(server: &ImapServer, house: &TestHouse, state: &std::path::Path) -> Running {
    let (mailbox, house, state) = (server.mailbox(), house.clone(), state.to_path_buf());
    Running::start(|pulse, stop| watch(mailbox, house, Parsers::new().unwrap(), state, pulse, stop))
}

/// All three mails come, once each, whatever the trick.
async fn survives(
    trick: impl Fn(usize, &str) -> Option<Said> + Send + Sync + 'static,
) -> (ImapServer, TestHouse) {
    let server = ImapServer::start(trick).await;
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    assert_eq!(house.mails(), [mail(1), mail(2), mail(3)]);
    assert_eq!(house.troubles(), []);
    running.close().await;
    (server, house)
}

fn first(number: usize, command: &str, wanted: &str) -> bool {
    number == 1 && command.contains(wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_is_read_once_and_its_password_sent_whole() {
    let (server, house) = survives(|_, _| None).await;
    assert_eq!(house.handed_over(), 3);
    assert_eq!(
        house.commits(),
        2,
        "the mails with their cursor, and the end of the first poll"
    );
    assert_eq!(server.commands("BODY.PEEK[]"), 1);
    assert_eq!(
        server.commands("support@desk.example {11}\r\npa\"ss\\wörd"),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn greetings_that_turn_away_are_survived() {
    survives(|n, c| (n == 1 && c.is_empty()).then_some(Said::Last("* BYE too busy\r\n"))).await;
    survives(|n, c| (n == 1 && c.is_empty()).then_some(Said::Last(""))).await;
    survives(|n, c| (n == 1 && c.is_empty()).then_some(Said::Last("SSH-2.0-OpenSSH\r\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_and_bad_and_bye_are_no_empty_mailbox() {
    survives(|n, c| first(n, c, "INTERNALDATE").then_some(Said::Then("TAG NO busy\r\n"))).await;
    survives(|n, c| first(n, c, "INTERNALDATE").then_some(Said::Then("TAG BAD what\r\n"))).await;
    survives(|n, c| first(n, c, "INTERNALDATE").then_some(Said::Last("* BYE bye\r\n"))).await;
    survives(|n, c| first(n, c, "INTERNALDATE").then_some(Said::Last(""))).await;
    survives(|n, c| first(n, c, "BODY").then_some(Said::Then("TAG NO busy\r\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_parsers_breaks_one_connection() {
    const DEEP: &str = "* 1 FETCH (BODYSTRUCTURE ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((";
    survives(|n, c| first(n, c, "BODY").then_some(Said::Then(DEEP))).await;
    survives(|n, c| {
        first(n, c, "BODY").then_some(Said::Then("* 1 FETCH (BODY[] {4294967295}\r\n"))
    })
    .await;
    survives(|n, c| {
        first(n, c, "BODY").then_some(Said::Last("* 1 FETCH (UID 1 BODY[] {50}\r\nSubj"))
    })
    .await;
    survives(|n, c| {
        first(n, c, "BODY").then_some(Said::Then("* 1 FETCH (UID 1 BODY[] {4}\nSubj)\nTAG OK\n"))
    })
    .await;
    survives(|n, c| {
        first(n, c, "INTERNALDATE").then_some(Said::Then(
            "* 1 FETCH (UID 1 INTERNALDATE NIL)\r\nTAG OK\r\n",
        ))
    })
    .await;
    survives(|n, c| first(n, c, "INTERNALDATE").then_some(Said::Then("\0\u{1}garbage\r\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unasked_and_doubled_answers_are_ignored() {
    const ANSWER: &str = concat!(
        "* 9 EXPUNGE\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* OK still here\r\n",
        "* 2 FETCH (UID 99 BODY[] {3}\r\nabc)\r\n* 2 FETCH (BODY[] {3}\r\nabc)\r\n",
        "* 3 FETCH (BODY[] {27}\r\nSubject: mail 3\r\n\r\nbody 3\r\n UID 3)\r\n",
        "* 1 FETCH (UID 1 BODY[] {27}\r\nSubject: mail 1\r\n\r\nbody 1\r\n)\r\n",
        "* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 2 BODY[] NIL)\r\n",
        "* 2 FETCH (UID 2 FLAGS () BODY[] {27}\r\nSubject: mail 2\r\n\r\nbody 2\r\n)\r\nTAG OK\r\n",
    );
    survives(|_, c| c.contains("BODY").then_some(Said::Then(ANSWER))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_at_any_byte_loses_and_repeats_nothing() {
    let whole = 700;
    let mut running = tokio::task::JoinSet::new();
    for cut_at in 0..whole {
        running.spawn(async move {
            let server = ImapServer::start_cut(|_, _| None, Some(cut_at)).await;
            let house = TestHouse::default();
            let (_folder, state) = state();
            let running = watching(&server, &house, &state);
            house
                .until("three mails", |house| house.mails().len() == 3)
                .await;
            assert_eq!(
                house.mails(),
                [mail(1), mail(2), mail(3)],
                "cut at {cut_at}"
            );
            assert_eq!(house.troubles(), [], "cut at {cut_at}");
            running.close().await;
        });
        if running.len() >= 80 {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_mail_is_given_up_after_three_tries_and_holds_up_no_other() {
    for trick in [
        "* 2 FETCH (UID 2 BODY[] {99999999}\r\n",
        "TAG OK nothing\r\n",
        "TAG NO nothing\r\n",
        // imap-proto panics.
        "* 2 FETCH (UID 2 INTERNALDATE NIL)\r\nTAG OK\r\n",
    ] {
        let server = ImapServer::start(move |_, c| {
            let set = c
                .strip_prefix("UID FETCH ")
                .filter(|_| c.contains("BODY"))?;
            numbers(set.split(' ').next()?, 3)
                .contains(&2)
                .then_some(Said::Then(trick))
        })
        .await;
        let house = TestHouse::default();
        let (_folder, state) = state();
        let running = watching(&server, &house, &state);
        house
            .until("a given up mail", |house| !house.troubles().is_empty())
            .await;
        house
            .until("the others", |house| house.mails().len() == 3)
            .await;
        assert!(house.mails().contains(&mail(1)) && house.mails().contains(&mail(3)));
        let [Trouble::Unreadable(why)] = &house.troubles()[..] else {
            panic!("{:?}", house.troubles())
        };
        assert!(
            why.contains("UID 2 could not be fetched in 3 tries"),
            "{why}"
        );
        assert_eq!(house.cursor_of("support").unwrap().owed, []);
        running.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_preauth_is_refused_before_anything_is_said() {
    let server = ImapServer::start(|_, c| {
        c.is_empty()
            .then_some(Said::Then("* PREAUTH welcome root\r\n"))
    })
    .await;
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    while running.pulse.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(running.pulse.trouble().unwrap().1.contains("PREAUTH"));
    assert_eq!(server.commands(""), 0);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_not_tried_again_soon() {
    let server = ImapServer::start(|_, c| {
        c.starts_with("LOGIN")
            .then_some(Said::Then("TAG NO [AUTHENTICATIONFAILED] no\r\n"))
    })
    .await;
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    while running.pulse.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    let said = running.pulse.trouble().unwrap().1;
    assert!(
        said.contains("check user and password file") && !said.contains("wörd"),
        "{said}"
    );
    // Anything under a minute would have come again by now if it were not slow: the first quick wait is a second.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_mail_answered_again_is_not_fetched_again_and_new_mail_is() {
    let server = ImapServer::start(|_, _| None).await;
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    let polls = server.commands("INTERNALDATE");
    house
        .until("some polls", |_| {
            server.commands("INTERNALDATE") > polls + 3
        })
        .await;
    assert_eq!(house.handed_over(), 3);
    server.mails.lock().unwrap().push((9, mail(9)));
    house
        .until("the new mail", |house| house.mails().len() == 4)
        .await;
    assert_eq!(house.handed_over(), 4);
    // C4.2: its INTERNALDATE is old, but it was not there at the last poll.
    let received: Vec<_> = house.arrivals().iter().map(|a| a.received).collect();
    assert!(received[0] < received[3]);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_made_anew_without_a_word_is_read_from_the_beginning() {
    let server = ImapServer::start(|_, _| None).await;
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    *server.mails.lock().unwrap() = vec![(1, mail(3)), (2, mail(77))];
    house
        .until("the new mail", |house| house.mails().contains(&mail(77)))
        .await;
    assert_eq!(house.mails().len(), 4);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_too_large_is_taken_cut() {
    let server = ImapServer::start(|_, c| {
        c.contains("<0.10000>").then_some(Said::Then(
            "* 4 FETCH (UID 4 BODY[]<0> {15}\r\nSubject: large\n)\r\nTAG OK\r\n",
        ))
    })
    .await;
    server.mails.lock().unwrap().push((4, "x".repeat(20_000)));
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    house
        .until("four mails", |house| house.mails().len() == 4)
        .await;
    assert_eq!(house.troubles(), [Trouble::Cut { bytes: 20_002 }]);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_the_mail_on_the_server() {
    let server = ImapServer::start(|_, _| None).await;
    let house = TestHouse::default();
    house.takes_nothing.store(true, Ordering::Relaxed);
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    while running.pulse.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(running.pulse.trouble().unwrap().1.contains("disk is full"));
    house.takes_nothing.store(false, Ordering::Relaxed);
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    house
        .until("well again", |_| running.pulse.trouble().is_none())
        .await;
    running.close().await;
}

/// Three mails, of which the second was being read, alone, at so many ends of the process. A suspect is tried by this program.
async fn after_ends(ends: u32, program: PathBuf) -> Vec<Trouble> {
    let server = ImapServer::start(|_, _| None).await;
    let (_folder, state) = state();
    std::fs::create_dir_all(state.join("post")).unwrap();
    let note = format!("{}\n7/2\n", ends - 1);
    std::fs::write(state.join("post/parsing-support"), note).unwrap();
    let house = TestHouse::default();
    let (mailbox, there, folder) = (server.mailbox(), house.clone(), state.clone());
    let parsers = Parsers::new().unwrap().trying_by(program);
    let running = Running::start(|pulse, stop| watch(mailbox, there, parsers, folder, pulse, stop));
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    assert!(house.mails().contains(&mail(2)), "its bytes are kept");
    assert!(!state.join("post/parsing-support").exists());
    running.close().await;
    house.troubles()
}

/// A program that ends as a deadly mail would end it.
fn program(script: &str) -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ticketd");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

fn ticketd() -> PathBuf {
    env!("CARGO_BIN_EXE_ticketd").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_innocent_mail_survives_two_kills_from_outside() {
    assert_eq!(after_ends(2, ticketd()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_kills_a_process_of_its_own_is_set_aside() {
    for (script, says) in [
        ("kill -SEGV $$", "signal 11"),
        ("cat > /dev/null; exit 3", "code 3"),
    ] {
        let (_folder, deadly) = program(script);
        let [Trouble::Unreadable(why)] = &after_ends(2, deadly).await[..] else {
            panic!("it was read again")
        };
        assert!(why.contains("2 times") && why.contains(says), "{why}");
    }
    let nowhere = PathBuf::from("/nowhere/ticketd");
    assert_eq!(
        after_ends(2, nowhere).await.len(),
        1,
        "in doubt, no third time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_kills_only_here_is_not_read_for_ever() {
    let [Trouble::Unreadable(why)] = &after_ends(4, ticketd()).await[..] else {
        panic!("it was read again")
    };
    assert!(why.contains("4 times"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_that_is_offered_and_refused_leaves_polling() {
    for answer in [Said::Then("TAG NO not today\r\n"), Said::Last("")] {
        let words = match answer {
            Said::Then(words) | Said::Last(words) => words,
        };
        let server = ImapServer::start(move |_, c| match c {
            "CAPABILITY" => Some(Said::Then("* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n")),
            "IDLE" if words.is_empty() => Some(Said::Last("")),
            "IDLE" => Some(Said::Then(words)),
            _ => None,
        })
        .await;
        let house = TestHouse::default();
        let (_folder, state) = state();
        let running = watching(&server, &house, &state);
        house
            .until("three mails", |house| house.mails().len() == 3)
            .await;
        server.mails.lock().unwrap().push((9, mail(9)));
        house
            .until("the new mail", |house| house.mails().len() == 4)
            .await;
        assert_eq!(house.handed_over(), 4);
        running.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_older_than_the_first_start_is_silent_and_the_first_start_is_remembered() {
    let server = ImapServer::start(|_, _| None).await;
    let (_folder, state) = state();
    let mut since = vec![];
    for _ in 0..2 {
        let house = TestHouse::default();
        let mailbox = Mailbox {
            since: None,
            ..server.mailbox()
        };
        let (there, folder) = (house.clone(), state.clone());
        let running = Running::start(|pulse, stop| {
            watch(mailbox, there, Parsers::new().unwrap(), folder, pulse, stop)
        });
        house
            .until("three mails", |house| house.mails().len() == 3)
            .await;
        assert!(house.arrivals().iter().all(|arrival| arrival.silent));
        since.push(std::fs::read_to_string(state.join("post/since-support")).unwrap());
        running.close().await;
    }
    assert_eq!(since[0], since[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d08_nothing_of_a_mail_is_ever_part_of_a_command() {
    let server = ImapServer::start(|_, _| None).await;
    let evil = "x\"\r\nX1 STORE 1:* +FLAGS (\\Deleted)\r\nX2 EXPUNGE";
    *server.mails.lock().unwrap() = (1..=3)
        .map(|uid| (uid, format!("Message-ID: <{uid}{evil}@x.example>\r\nSubject: {evil}\r\nFrom: \"{evil}\" <a@x.example>\r\n\r\n{evil}\r\n")))
        .collect();
    let house = TestHouse::default();
    let (_folder, state) = state();
    let running = watching(&server, &house, &state);
    house
        .until("three mails", |house| house.mails().len() == 3)
        .await;
    running.close().await;
    for said in server.said.lock().unwrap().iter() {
        let command = said.split_once(' ').map_or("", |(_, c)| c);
        let word = command.split(' ').next().unwrap_or_default();
        let known = [
            "CAPABILITY",
            "LOGIN",
            "EXAMINE",
            "UID",
            "LOGOUT",
            "IDLE",
            "DONE",
            "NOOP",
            "ID",
            "",
        ];
        assert!(known.contains(&word), "{said}");
        if word == "UID" {
            let set = command.split(' ').nth(2).unwrap_or_default();
            let numbers = |c: char| c.is_ascii_digit() || ":,*".contains(c);
            assert!(
                command.starts_with("UID FETCH ") && set.chars().all(numbers),
                "{said}"
            );
        }
        assert!(
            !said.contains("STORE") && !said.contains("EXPUNGE"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_literal_beyond_measure_or_a_drip_ends_the_connection_and_not_the_house() {
    survives(|n, c| {
        first(n, c, "BODY").then_some(Said::Then("* 1 FETCH (UID 1 BODY[] {4294967295}\r\n"))
    })
    .await;
    survives(|n, c| {
        first(n, c, "BODY").then_some(Said::Then(
            "* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n",
        ))
    })
    .await;
}

/// Like the honest one, but for what stands in clear beside STARTTLS.
async fn starttls_with(said: &'static str) -> String {
    let server = SmtpServer::start(move |_, command| match command {
        "" => None,
        "STARTTLS" => Some(Said::Then(said)),
        c if c.starts_with("EHLO") => Some(Said::Then("250-here\r\n250 STARTTLS\r\n")),
        _ => None,
    })
    .await;
    let relay = Relay {
        encryption: Encryption::StartTls,
        user: Some("anna".into()),
        password: Some(Secret::new("a secret")),
        ..server.relay()
    };
    let refused = SmtpConn::open(&relay).await.err().expect("refused");
    assert_eq!(server.contents().len(), 0);
    refused.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_what_is_slipped_in_beside_starttls_is_believed_by_nobody() {
    for said in [
        // Answers in clear to what is to come over TLS, and a server that goes on in clear.
        "220 go\r\n250-here\r\n250 AUTH PLAIN\r\n235 welcome\r\n",
        "220 go\r\n220 encrypted\r\n",
        "250 no need\r\n",
        "454 not now\r\n",
    ] {
        let refused = starttls_with(said).await;
        assert!(!refused.contains("secret"), "{refused}");
    }
    // Not offered at all: nothing goes in clear.
    let server = SmtpServer::start(|_, _| None).await;
    let relay = Relay {
        encryption: Encryption::StartTls,
        ..server.relay()
    };
    let refused = SmtpConn::open(&relay).await.err().expect("refused");
    assert!(refused.to_string().contains("does not offer STARTTLS"));
}

// SMTP

type Reply = Arc<dyn Fn(usize, &str) -> Option<Said> + Send + Sync>;

/// An SMTP server; its trick sees the connection's number and the command, `.` for the end of a content, "" for the greeting.
#[derive(Clone)]
struct SmtpServer {
    trick: Reply,
    contents: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    port: u16,
}

impl SmtpServer {
    async fn start(
        trick: impl Fn(usize, &str) -> Option<Said> + Send + Sync + 'static,
    ) -> SmtpServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = SmtpServer {
            trick: Arc::new(trick),
            contents: Arc::default(),
            connections: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = serving.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let server = serving.clone();
                tokio::spawn(async move {
                    let _ = server.serve(stream, number).await;
                });
            }
        });
        server
    }

    async fn serve(&self, stream: TcpStream, number: usize) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut command = String::new();
        loop {
            let (answer, last) = match (self.trick)(number, &command) {
                Some(Said::Then(words)) => (words, false),
                Some(Said::Last(words)) => (words, true),
                None => (honest_smtp(&command), command == "QUIT"),
            };
            write.write_all(answer.as_bytes()).await?;
            if last {
                return Ok(());
            }
            if command == "DATA" && answer.starts_with("354") {
                self.content(&mut read).await?;
                command = ".".into();
                continue;
            }
            let mut line = String::new();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            command = line.trim_end().into();
        }
    }

    async fn content(&self, read: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<()> {
        let mut content = vec![];
        while !content.ends_with(b"\r\n.\r\n") {
            if read.read_until(b'\n', &mut content).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.contents
            .lock()
            .unwrap()
            .push(String::from_utf8(content).unwrap());
        Ok(())
    }

    fn contents(&self) -> Vec<String> {
        self.contents.lock().unwrap().clone()
    }

    fn relay(&self) -> Relay {
        Relay {
            host: "127.0.0.1".into(),
            port: self.port,
            encryption: Encryption::None,
            user: None,
            password: None,
            ca_file: None,
            hello_name: "ticketd.example".into(),
            per_minute: None,
            connections: 2,
        }
    }
}

fn honest_smtp(command: &str) -> &'static str {
    match command.split([' ', ':']).next().unwrap_or("") {
        "" => "220 ready\r\n",
        "EHLO" => "250-here\r\n250-SIZE 1000\r\n250 PIPELINING\r\n",
        "DATA" => "354 go on\r\n",
        "." => "250 2.0.0 queued\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "250 ok\r\n",
    }
}

fn delivering(server: &SmtpServer, house: &TestHouse) -> Running {
    let (way, house) = (Way::Smtp(server.relay()), house.clone());
    Running::start(|pulse, stop| deliver(way, house, pulse, stop))
}

const LETTER: &str = "Subject: x\r\n\r\nhello\r\n";

/// One letter, to the first movement that `wanted` names.
async fn one_letter(
    trick: impl Fn(usize, &str) -> Option<Said> + Send + Sync + 'static,
    wanted: impl Fn(&Movement) -> bool,
) -> (SmtpServer, Vec<Movement>) {
    let server = SmtpServer::start(trick).await;
    let house = TestHouse::default();
    house.write_letter(1, "", "eve@acme.example", LETTER);
    let running = delivering(&server, &house);
    house
        .until("the letter's end", |house| {
            house.movements().iter().any(&wanted)
        })
        .await;
    running.close().await;
    (server, house.movements())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_taken_then_accepted_and_its_bytes_are_right() {
    let (server, movements) = one_letter(|_, _| None, |m| matches!(m, Movement::Accepted(_))).await;
    assert_eq!(
        movements,
        [
            Movement::Taken,
            Movement::Accepted("250 2.0.0 queued".into())
        ]
    );
    assert_eq!(server.contents(), [format!("{LETTER}.\r\n")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_content_takes_nothing() {
    let refuse = |_, c: &str| {
        c.starts_with("RCPT")
            .then_some(Said::Then("550 5.1.1 no such user\r\n"))
    };
    let (server, movements) = one_letter(refuse, |m| matches!(m, Movement::Refused(_))).await;
    assert_eq!(
        movements,
        [Movement::Refused("550 5.1.1 no such user".into())]
    );
    assert_eq!(server.contents().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_letter_comes_again() {
    let count = AtomicUsize::new(0);
    let greylist = move |_, c: &str| {
        let first = c.starts_with("RCPT") && count.fetch_add(1, Ordering::SeqCst) == 0;
        first.then_some(Said::Then("450 4.2.0 greylisted\r\n"))
    };
    let (_, movements) = one_letter(greylist, |m| matches!(m, Movement::Accepted(_))).await;
    assert!(
        matches!(
            &movements[..],
            [
                Movement::Deferred(_),
                Movement::Taken,
                Movement::Accepted(_)
            ]
        ),
        "{movements:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_gone_after_the_content_is_lost_and_not_failed() {
    for trick in ["354 go on\r\n", ""] {
        let close = move |_, c: &str| match (trick, c) {
            ("", ".") => Some(Said::Last("")),
            ("354 go on\r\n", "DATA") => Some(Said::Last("354 go on\r\n")),
            _ => None,
        };
        let (_, movements) = one_letter(close, |m| matches!(m, Movement::Lost(_))).await;
        assert!(
            matches!(&movements[..], [Movement::Taken, Movement::Lost(_)]),
            "{movements:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_the_content_are_told_apart() {
    let say = |words| move |_: usize, c: &str| (c == ".").then_some(Said::Then(words));
    let (_, movements) = one_letter(say("552 5.3.4 too big\r\n"), |m| {
        matches!(m, Movement::Refused(_))
    })
    .await;
    assert_eq!(movements.len(), 2);
    let (_, movements) = one_letter(say("451 4.3.0 later\r\n"), |m| {
        matches!(m, Movement::Deferred(_))
    })
    .await;
    assert_eq!(movements[0], Movement::Taken);
    one_letter(
        say("550 5.7.30 Basic authentication is not supported\r\n"),
        |m| matches!(m, Movement::Deferred(_)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_idle_costs_no_letter_an_attempt() {
    let server = SmtpServer::start(|n, c| {
        (n == 1 && c == ".").then_some(Said::Last("250 ok, and I close\r\n"))
    })
    .await;
    let house = TestHouse::default();
    house.write_letter(1, "", "eve@acme.example", LETTER);
    let running = delivering(&server, &house);
    house
        .until("the first", |house| house.movements().len() == 2)
        .await;
    house.write_letter(2, "", "eve@acme.example", LETTER);
    house
        .until("the second", |house| house.movements().len() == 4)
        .await;
    assert!(
        house
            .movements()
            .iter()
            .all(|m| matches!(m, Movement::Taken | Movement::Accepted(_)))
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_may_not_leave_any_more_holds_up_no_other() {
    let server = SmtpServer::start(|_, _| None).await;
    let house = TestHouse::default();
    house.write_letter(1, "", "eve@acme.example", "Subject: withheld\r\n\r\nx\r\n");
    let running = delivering(&server, &house);
    house
        .until("its turn", |house| house.movements().len() == 1)
        .await;
    house.write_letter(2, "", "eve@acme.example", LETTER);
    house
        .until("the other", |house| {
            assert_eq!(running.pulse.trouble(), None, "no outage");
            house.movements().len() == 3
        })
        .await;
    assert_eq!(server.contents(), [format!("{LETTER}.\r\n")]);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_wait_while_the_server_is_down() {
    let server =
        SmtpServer::start(|_, c| c.is_empty().then_some(Said::Last("421 closed today\r\n"))).await;
    let house = TestHouse::default();
    for number in 1..=20 {
        house.write_letter(number, "support@desk.example", "eve@acme.example", LETTER);
    }
    let running = delivering(&server, &house);
    while running.pulse.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.movements(), []);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_taken_cannot_be_committed_nothing_is_sent() {
    let server = SmtpServer::start(|_, _| None).await;
    let house = TestHouse::default();
    house.write_letter(1, "", "eve@acme.example", LETTER);
    house.takes_nothing.store(true, Ordering::Relaxed);
    let running = delivering(&server, &house);
    while running.pulse.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.contents(), Vec::<String>::new());
    house.takes_nothing.store(false, Ordering::Relaxed);
    house
        .until("accepted", |house| house.movements().len() == 2)
        .await;
    assert_eq!(server.contents().len(), 1);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_found_taken_at_the_start_is_lost_not_sent() {
    let server = SmtpServer::start(|_, _| None).await;
    let house = TestHouse::default();
    let place = house.write_letter(1, "", "eve@acme.example", LETTER);
    house.leave_taken(place);
    let running = delivering(&server, &house);
    house
        .until("lost", |house| !house.movements().is_empty())
        .await;
    assert!(matches!(&house.movements()[..], [Movement::Lost(_)]));
    assert_eq!(server.contents().len(), 0);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_no_second_mail_can_be_smuggled_in_a_letter() {
    let server = SmtpServer::start(|_, _| None).await;
    let house = TestHouse::default();
    let content = "Subject: x\r\n\r\na\n.\nMAIL FROM:<m@evil.example>\r.\rb\n.\r\n.dot\r\n";
    house.write_letter(1, "", "eve@acme.example", content);
    let running = delivering(&server, &house);
    house
        .until("accepted", |house| house.movements().len() == 2)
        .await;
    let sent = server.contents().join("");
    assert_eq!(server.contents().len(), 1);
    let without = sent.replace("\r\n", "");
    assert!(!without.contains(['\r', '\n']), "{sent:?}");
    assert!(
        sent.contains("\r\n..\r\nMAIL FROM") && sent.contains("\r\n..dot"),
        "{sent:?}"
    );
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_larger_than_the_server_takes_is_refused_here() {
    let server = SmtpServer::start(|_, _| None).await;
    let house = TestHouse::default();
    house.write_letter(1, "", "eve@acme.example", &"x\r\n".repeat(500));
    let running = delivering(&server, &house);
    house
        .until("refused", |house| !house.movements().is_empty())
        .await;
    assert!(matches!(&house.movements()[..], [Movement::Refused(words)] if words.contains("1000")));
    running.close().await;
}
