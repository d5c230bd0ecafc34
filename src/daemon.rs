//! The daemon: opens the house, starts its loops, tells systemd, ends between two events.
//!
//! Wiring only. The loops: one for each mailbox, one for letters, one for deadlines, one for the control socket; the clerk has a thread of its own.

use crate::clerk::{Clerk, Handle, window};
use crate::clock;
use crate::config::{self, Config, MailboxPlace, Outgoing};
use crate::deadlines;
use crate::desk::Policy;
use crate::diagnostic::Diagnostic;
use crate::ops::control::{Answer, REQUEST_BYTES_MAX};
use crate::ops::keys;
use crate::ops::reach::{self, Opened};
use crate::ops::request::Desk;
use crate::ops::status::{self, Fact};
use crate::ops::{Fault, exit};
use crate::post::deliver::{self, Way};
use crate::post::file::Pigeonholes;
use crate::post::tls::Encryption;
use crate::post::watch::{self, Parsers, Source};
use crate::post::{Indoors, Pulse, QUIET_MAX, Secret, imap, smtp, stopped};
use crate::store::{Reader, Room};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sd_notify::NotifyState;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

/// How long the loops have to end.
const CLOSE_GRACE: Duration = Duration::from_secs(20);
/// How long READY waits for the first look into every mailbox.
const FIRST_LOOK: Duration = Duration::from_secs(30);
/// The watchdog is fed six times in its interval, if every loop goes on: the shipped unit's 120 s where systemd names none.
const FEEDS: u32 = 6;
const WATCHDOG: Duration = Duration::from_secs(120);
/// A start that makes an index anew shows that it goes on: so often, and gets so much time each time.
const EXTEND_EVERY_SECS: i64 = 10;
const EXTEND_BY_MICROS: u32 = 120_000_000;
/// The deadlines' loop turns at least every 30 s, the clerk every second; a commit waits for the disk and for nothing else.
const TURN_QUIET_MAX: TimeDelta = TimeDelta::minutes(3);

/// Everything that lives as long as the daemon.
struct House {
    config: Config,
    clerk: Handle,
    reader: Reader,
    policy: Mutex<Arc<Policy>>,
    mailboxes: Vec<(String, Arc<Pulse>)>,
    outbox: Arc<Pulse>,
    deadlines: Arc<AtomicI64>,
}

/// A daemon that has begun.
pub struct Running {
    /// What is committed.
    pub reader: Reader,
    /// The way to the clerk.
    pub clerk: Handle,
    /// How each mailbox is doing.
    pub mailboxes: Vec<(String, Arc<Pulse>)>,
    end: tokio::sync::watch::Sender<bool>,
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Tells it to end.
    pub fn end(&self) {
        let _ = self.end.send(true);
    }

    /// Waits until it has ended; an error if the store cannot be trusted any more.
    pub fn wait(self) -> anyhow::Result<()> {
        self.thread
            .join()
            .map_err(|_| anyhow::anyhow!("the daemon panicked"))?
    }
}

/// Runs until a signal tells it to end.
pub fn run(config: Config) -> anyhow::Result<()> {
    begin(config)?.wait()
}

/// Opens the store and starts the loops. Ends by a signal, or by [`Running::end`].
pub fn begin(config: Config) -> anyhow::Result<Running> {
    let opened = reach::open_store(&config)?;
    let policy = opened.policy.clone();
    begin_with(config, Opened::into_clerk(opened), policy)
}

/// While a long index is read or made anew, systemd is asked for more time as it goes.
pub fn still_opening(_record: u64) {
    static ASKED: AtomicI64 = AtomicI64::new(0);
    let now = clock::now().timestamp();
    if now - ASKED.load(Ordering::Relaxed) >= EXTEND_EVERY_SECS {
        ASKED.store(now, Ordering::Relaxed);
        tell_systemd(&[NotifyState::ExtendTimeoutUsec(EXTEND_BY_MICROS)]);
    }
}

fn begin_with(config: Config, mut clerk: Clerk, policy: Arc<Policy>) -> anyhow::Result<Running> {
    let reader = clerk.store().reader();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 << 20)
        .build()?;
    let (handle, clerk_thread) = window::open(clerk, clock::now)?;
    let mailboxes: Vec<_> = config
        .mailboxes
        .iter()
        .map(|m| (m.name.clone(), Arc::new(Pulse::default())))
        .collect();
    let house = Arc::new(House {
        config,
        clerk: handle.clone(),
        reader: reader.clone(),
        policy: Mutex::new(policy),
        mailboxes: mailboxes.clone(),
        outbox: Arc::new(Pulse::default()),
        deadlines: Arc::new(AtomicI64::new(clock::now().timestamp())),
    });
    let (end, ended) = tokio::sync::watch::channel(false);
    let clerk = handle.clone();
    let thread = std::thread::Builder::new()
        .name("house".into())
        .spawn(move || {
            let lived = runtime.block_on(live(house, ended));
            handle.close();
            let closed = clerk_thread.join();
            runtime.shutdown_timeout(Duration::from_secs(5));
            lived.and(match closed {
                Ok(closed) => closed.map_err(|e| lost_store(&e)),
                Err(_) => Err(Fault::error(exit::SOFTWARE, "the clerk panicked")),
            })
        })?;
    Ok(Running {
        reader,
        clerk,
        mailboxes,
        end,
        thread,
    })
}

/// The clerk ends by itself only where the record can be kept no longer.
fn lost_store(e: &anyhow::Error) -> anyhow::Error {
    let words = format!(
        "the daemon ends, since the record cannot be kept: {e:#}; what was accepted is safe in the journal, and the next start mends the index"
    );
    Fault::error(exit::IOERR, words)
}

async fn live(house: Arc<House>, ended: crate::post::Stop) -> anyhow::Result<()> {
    // Before anybody can see that we run: a SIGHUP that nobody listens for kills.
    let signals = Signals::listen()?;
    let (close, stop) = tokio::sync::watch::channel(false);
    let mut loops = JoinSet::new();
    watch_mailboxes(&house, &stop, &mut loops)?;
    deliver_letters(&house, &stop, &mut loops)?;
    let listener = listen(&house.config.control)?;
    tokio::spawn(deadlines::watch(
        deadlines::Indoors {
            reader: house.reader.clone(),
            clerk: house.clerk.clone(),
            policy: in_force(&house),
            now: clock::now,
        },
        house.deadlines.clone(),
    ));
    tokio::spawn(serve(house.clone(), listener));
    tokio::spawn(feed_watchdog(house.clone()));
    first_look(&house).await;
    tell_systemd(&[NotifyState::Ready, NotifyState::Status(&in_a_line(&house))]);
    tracing::info!(mailboxes = house.mailboxes.len(), "ready");
    let told = until_told_to_end(&house, signals, ended).await;
    tell_systemd(&[NotifyState::Stopping]);
    let _ = close.send(true);
    let all = async { while loops.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSE_GRACE, all).await.is_err() {
        tracing::warn!("a loop did not end in time; what it had begun is known at the next start");
    }
    let _ = std::fs::remove_file(&house.config.control);
    told
}

fn watch_mailboxes(
    house: &Arc<House>,
    stop: &crate::post::Stop,
    loops: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    // The file that this process runs from, also where an upgrade has replaced it by another.
    let parsers = Parsers::new()?.trying_by("/proc/self/exe".into());
    for (mailbox, (_, pulse)) in house.config.mailboxes.iter().zip(&house.mailboxes) {
        let watched = watch::Mailbox {
            name: mailbox.name.clone(),
            queue: mailbox.queue.clone(),
            source: source(mailbox, house.config.mail_bytes_max)?,
            mail_bytes_max: house.config.mail_bytes_max,
            since: house.config.since,
            poll_every: poll_every(mailbox),
        };
        let indoors = Indoors {
            clerk: house.clerk.clone(),
            reader: house.reader.clone(),
        };
        loops.spawn(watch::watch(
            watched,
            indoors,
            parsers.clone(),
            house.config.state.clone(),
            pulse.clone(),
            stop.clone(),
        ));
    }
    Ok(())
}

fn source(mailbox: &config::Mailbox, mail_bytes_max: u64) -> anyhow::Result<Source> {
    Ok(match &mailbox.place {
        MailboxPlace::Imap(imap) => Source::Imap(
            account(imap, mail_bytes_max).with_context(|| format!("mailbox {}", mailbox.name))?,
        ),
        MailboxPlace::Maildir(folder) => Source::Maildir(folder.clone()),
    })
}

fn poll_every(mailbox: &config::Mailbox) -> Duration {
    let secs = match &mailbox.place {
        MailboxPlace::Imap(imap) => *imap.poll_secs.get_ref(),
        MailboxPlace::Maildir(_) => 60,
    };
    Duration::from_secs(secs)
}

/// An IMAP account with its password.
pub fn account(imap: &config::Imap, mail_bytes_max: u64) -> anyhow::Result<imap::Account> {
    Ok(imap::Account {
        host: imap.host.clone(),
        port: imap.port,
        user: imap.user.clone(),
        password: Secret::new(imap.password.read()?),
        folder: imap.folder.clone(),
        encryption: encryption(imap.tls),
        ca_file: imap.ca_file.clone(),
        mail_bytes_max,
    })
}

/// A relay with its password; `domain` is what it is greeted with.
pub fn relay(smtp: &config::Smtp, domain: &str) -> anyhow::Result<smtp::Relay> {
    Ok(smtp::Relay {
        host: smtp.host.clone(),
        port: smtp.port,
        encryption: encryption(smtp.tls),
        user: smtp.user.clone(),
        password: smtp
            .password
            .as_ref()
            .map(|p| p.read())
            .transpose()?
            .map(Secret::new),
        ca_file: smtp.ca_file.clone(),
        hello_name: domain.to_string(),
        per_minute: smtp.per_minute,
        connections: smtp.connections,
    })
}

fn encryption(tls: config::Tls) -> Encryption {
    match tls {
        config::Tls::Implicit => Encryption::Implicit,
        config::Tls::Starttls => Encryption::StartTls,
        config::Tls::None => Encryption::None,
    }
}

fn deliver_letters(
    house: &Arc<House>,
    stop: &crate::post::Stop,
    loops: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let way = match &house.config.outgoing {
        Some(Outgoing::Smtp(smtp)) => {
            Way::Smtp(relay(smtp, &house.config.domain).context("outgoing")?)
        }
        Some(Outgoing::Maildir(folder)) => Way::Folders(Pigeonholes {
            folder: folder.clone(),
            per_recipient: true,
        }),
        None => {
            tracing::warn!("there is no [outgoing]: letters wait in the outbox");
            return Ok(());
        }
    };
    let indoors = Indoors {
        clerk: house.clerk.clone(),
        reader: house.reader.clone(),
    };
    loops.spawn(deliver::deliver(
        way,
        indoors,
        house.outbox.clone(),
        stop.clone(),
    ));
    Ok(())
}

/// The policy in force, whenever it is asked for.
fn in_force(house: &Arc<House>) -> Box<dyn Fn() -> Arc<Policy> + Send + Sync> {
    let house = house.clone();
    Box::new(move || {
        let policy = house.policy.lock();
        policy.unwrap_or_else(PoisonError::into_inner).clone()
    })
}

/// READY means that the store is good and every mailbox has been tried once, be it in vain.
async fn first_look(house: &House) {
    let looked = |pulse: &Pulse| pulse.succeeded().is_some() || pulse.trouble().is_some();
    let all = async {
        while !house.mailboxes.iter().all(|(_, pulse)| looked(pulse)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(FIRST_LOOK, all).await;
}

/// What an operator may say to the process.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }
}

async fn until_told_to_end(
    house: &House,
    mut signals: Signals,
    mut ended: crate::post::Stop,
) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(Duration::from_secs(1));
    let mut room = Room::Plenty;
    loop {
        tokio::select! {
            _ = signals.term.recv() => return Ok(()),
            _ = signals.int.recv() => return Ok(()),
            () = stopped(&mut ended) => return Ok(()),
            _ = signals.hup.recv() => reload(house),
            // The clerk's thread ends by itself only when the index is broken; nothing works without it.
            _ = look.tick() => {
                if house.clerk.is_closed() {
                    return Ok(());
                }
                say_room(&mut room, house.reader.room());
            }
        }
    }
}

/// A disk that gets full is said once, and once that it is not any more.
fn say_room(before: &mut Room, now: Room) {
    match (*before, now) {
        (Room::Plenty, Room::Scarce) => tracing::error!(
            "the disk of the state folder is nearly full: no mail is taken and it stays on its server; deadlines and letters go on; make room"
        ),
        (Room::Scarce, Room::Plenty) => {
            tracing::info!("the disk has room again: mail is taken")
        }
        _ => {}
    }
    *before = now;
}

/// Rules, contract, customers, staff and letters anew; a bad file keeps the old ones.
fn reload(house: &House) {
    let read = Config::read(&house.config.file).and_then(|config| {
        let keys = keys::keys(&house.config.state).map_err(|e| {
            vec![Diagnostic::of_file(
                "keys",
                format!("{e:#}"),
                "see \"Keys\" in the README",
            )]
        })?;
        let mut policy = config.policy(keys)?;
        policy.former = reach::former(&house.reader, policy.book_hash).map_err(|e| {
            vec![crate::diagnostic::Diagnostic::of_file(
                "the journal's contracts",
                format!("{e:#}"),
                "see ticketd audit",
            )]
        })?;
        let files = config.policy_files()?;
        not_now(house, &config).map(|()| (policy, files))
    });
    match read {
        Ok((policy, files)) => {
            let policy = Arc::new(policy);
            house.clerk.go_by(policy.clone(), files);
            *house.policy.lock().unwrap_or_else(PoisonError::into_inner) = policy;
            tracing::info!(
                "rules, contract and letters reloaded; changed mailboxes and servers count after a restart"
            );
        }
        Err(found) => found.iter().for_each(|fault| {
            tracing::error!("not reloaded, the old files stay in force: {fault}")
        }),
    }
}

/// What no reload changes: what was promised, and which queues are confidential: the index holds more of the others' tickets.
fn not_now(house: &House, new: &Config) -> Result<(), Vec<Diagnostic>> {
    let broken = reach::broken_promises(&house.reader, new)?;
    let confidential = |config: &Config| {
        let queues = config.queues.iter().filter(|q| q.confidential);
        queues.map(|q| q.name.clone()).collect::<BTreeSet<_>>()
    };
    let (before, now) = (confidential(&house.config), confidential(new));
    let moved = before.symmetric_difference(&now).map(|queue| {
        let is = if now.contains(queue) { "is" } else { "is not" };
        Diagnostic::of_file(
            &new.file.display().to_string(),
            format!("queue \"{queue}\" {is} confidential now, which no reload can bring about"),
            "restart ticketd: its index is made anew then",
        )
    });
    let faults: Vec<_> = broken.into_iter().chain(moved).collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// The watchdog is fed by the progress of the loops, not by a timer of its own: a loop that hangs gets the process restarted.
async fn feed_watchdog(house: Arc<House>) {
    let every = sd_notify::watchdog_enabled().unwrap_or(WATCHDOG) / FEEDS;
    loop {
        match hanging(&house) {
            None => tell_systemd(&[
                NotifyState::Watchdog,
                NotifyState::Status(&in_a_line(&house)),
            ]),
            Some(which) => tracing::error!("{which} makes no progress; the watchdog is not fed"),
        }
        tokio::time::sleep(every).await;
    }
}

/// What `systemctl status` shows.
fn in_a_line(house: &House) -> String {
    let mailboxes = house.mailboxes.len();
    let ill = house
        .mailboxes
        .iter()
        .filter(|(_, p)| p.trouble().is_some());
    let letters = house
        .reader
        .outbox_counts()
        .map_or(0, |counts| counts.all());
    let disk = match house.reader.room() {
        Room::Plenty => "",
        Room::Scarce => "; the disk is nearly full, no mail is taken",
    };
    format!(
        "{mailboxes} mailboxes, {} in trouble; {letters} letters in the outbox{disk}",
        ill.count()
    )
}

fn hanging(house: &House) -> Option<String> {
    let quiet = |pulse: &Pulse| pulse.quiet_for() > QUIET_MAX;
    let now = clock::now();
    // The deadlines' loop waits for the clerk.
    if now - house.clerk.turned() > TURN_QUIET_MAX {
        return Some("the clerk".into());
    }
    let turned = DateTime::from_timestamp(house.deadlines.load(Ordering::Relaxed), 0);
    let deadlines = turned.is_some_and(|turned| now - turned > TURN_QUIET_MAX);
    let mailbox = house
        .mailboxes
        .iter()
        .find(|(_, pulse)| quiet(pulse))
        .map(|(name, _)| format!("mailbox {name}"));
    let outbox =
        (house.config.outgoing.is_some() && quiet(&house.outbox)).then(|| "the outbox".to_string());
    mailbox
        .or(outbox)
        .or(deadlines.then(|| "the deadlines' loop".to_string()))
}

fn tell_systemd(states: &[NotifyState]) {
    // Not started by systemd: nobody to tell.
    let _ = sd_notify::notify(states);
}

fn listen(socket: &Path) -> anyhow::Result<UnixListener> {
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder).with_context(|| {
            format!(
                "the folder of the control socket {} cannot be made",
                socket.display()
            )
        })?;
    }
    // Left by a process that was killed; the lock on the state folder says that none runs.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).with_context(|| {
        format!(
            "the control socket {} cannot be opened; set `control`",
            socket.display()
        )
    })?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(house: Arc<House>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer_all(house.clone(), stream));
            }
            Err(e) => {
                tracing::warn!("the control socket: {e}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer_all(house: Arc<House>, stream: UnixStream) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = vec![];
        match (&mut stream)
            .take(REQUEST_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let house = house.clone();
        let answered = tokio::task::spawn_blocking(move || answer(&house, &line)).await;
        let Ok(bytes) = answered else { return };
        if stream.get_mut().write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn answer(house: &House, line: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    let mut answer = Answer::over(&mut bytes);
    let result = match serde_json::from_slice(line) {
        Ok(request) => {
            let policy = house
                .policy
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let now = clock::now();
            let mut submit = |jobs| house.clerk.submit_blocking(jobs);
            let result = Desk {
                reader: &house.reader,
                policy: &policy,
                submit: &mut submit,
                facts: &|| facts(house, now),
                now,
            }
            .answer(request, &mut answer);
            // A command or another clock may have made something due.
            house.clerk.ring();
            result
        }
        Err(e) => Err(anyhow::anyhow!("the request is not understood: {e}")),
    };
    // Writing into memory does not fail.
    let _ = answer.end(result);
    bytes
}

fn facts(house: &House, now: DateTime<Utc>) -> anyhow::Result<Vec<Fact>> {
    let mailboxes = house.mailboxes.iter();
    let mut facts: Vec<Fact> = mailboxes
        .map(|(name, pulse)| status::mailbox(name, pulse))
        .collect();
    facts.extend(status::store_facts(&house.reader, now)?);
    facts.extend(status::outgoing(&house.outbox));
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::token::Keys;
    use crate::store::disk::RealDisk;
    use crate::store::index::{Index, MemoryIndex, Rows};
    use crate::store::{Options, Store};
    use std::sync::atomic::AtomicBool;

    const CONFIG: &str = r#"
state = "state"
domain = "desk.example"
control = "control"
[[queue]]
name = "support"
address = "support@desk.example"
"#;

    /// Takes rows until it is told to fail, as sled may at any time.
    struct Failing {
        index: MemoryIndex,
        fails: Arc<AtomicBool>,
    }

    impl Index for Failing {
        fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
            self.index.get(key)
        }
        fn scan(
            &self,
            prefix: &str,
            from: &str,
            visit: &mut dyn FnMut(&str, &[u8]) -> anyhow::Result<bool>,
        ) -> anyhow::Result<()> {
            self.index.scan(prefix, from, visit)
        }
        fn apply(&self, rows: &Rows) -> anyhow::Result<()> {
            anyhow::ensure!(!self.fails.load(Ordering::Relaxed), "input/output error");
            self.index.apply(rows)
        }
        fn checkpoint(&self) -> anyhow::Result<()> {
            self.index.checkpoint()
        }
        fn begin_anew(&self, why: &str) -> anyhow::Result<()> {
            self.index.begin_anew(why)
        }
        fn is_clean(&self) -> bool {
            self.index.is_clean()
        }
        fn in_use(&self) -> anyhow::Result<()> {
            self.index.in_use()
        }
        fn close(&self) -> anyhow::Result<()> {
            self.index.close()
        }
    }

    #[test]
    fn an_index_that_fails_ends_the_daemon_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse(&folder.path().join("ticketd.toml"), CONFIG).unwrap();
        config.rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        std::fs::create_dir(&config.state).unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let index = Failing {
            index: MemoryIndex::new(),
            fails: fails.clone(),
        };
        let disk = RealDisk::new(&config.state);
        let store = Store::over(Box::new(disk), Box::new(index), Options::default()).unwrap();
        let policy = Arc::new(config.policy(Keys::new(vec![('0', [0; 32])])).unwrap());
        let clerk = Clerk::new(store, policy.clone());
        let running = begin_with(config, clerk, policy).unwrap();

        fails.store(true, Ordering::Relaxed);
        let raw: Arc<[u8]> = b"From: mia@acme.example\n\nHello\n".as_slice().into();
        let jobs = crate::ops::request::arrivals(&[raw], "test", "support", clock::now(), false);
        assert!(running.clerk.submit_blocking(jobs).is_err());
        let end = running.wait().unwrap_err();
        assert_eq!(crate::ops::code_of(&end), exit::IOERR);
        let words = format!("{end:#}");
        assert!(
            words.contains("input/output error") && words.contains("the next start"),
            "{words}"
        );
    }
}
