//! `ticketd receive`: mails as newly arrived, durably, through the daemon's own path; it sends nothing.

use super::cli::Cli;
use super::progress::Progress;
use super::reach::Way;
use super::request::{Delivery, Request, arrivals, known_queue, not_to_come};
use super::{Fault, exit, failed};
use crate::clerk::{self, Done, Job, Prepared};
use crate::clock;
use crate::config::Config;
use crate::desk::Policy;
use crate::desk::event::{Event, Trouble};
use crate::desk::record::Fate;
use crate::mail::parse;
use crate::store::Foresight;
use anyhow::Context;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

/// A chunk is one commit: large enough that a sync is shared, small enough for memory. Nobody waits for an answer here, so it may be more than the 100
/// events that the daemon's clerk takes at a time.
const CHUNK_MAILS: usize = 200;
const CHUNK_BYTES: usize = 4 << 20;

/// The first chunk is small and each next one twice as large: deciding begins while the second is read.
const FIRST_CHUNK_MAILS: usize = 16;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// File history: no letters, no clocks.
    #[arg(long)]
    silent: bool,
    /// Every mail of a Maildir: new/ and cur/.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["mbox", "files"])]
    maildir: Option<PathBuf>,
    /// Every mail of an mbox file.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    mbox: Option<PathBuf>,
    /// The queue; by default the first of the configuration.
    #[arg(long, value_name = "NAME", default_value = "")]
    queue: String,
    /// When they were received, RFC 3339, never in the future; by default now (C4.2).
    #[arg(long, value_name = "TIME")]
    received_at: Option<DateTime<Utc>>,
    /// One mail each; `-` is one mail on standard input.
    #[arg(value_name = "FILE", required_unless_present_any = ["maildir", "mbox"])]
    files: Vec<PathBuf>,
}

/// What was taken (CLI.md).
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tally {
    received: u64,
    tickets: u64,
    replies: u64,
    automatic: u64,
    duplicates: u64,
    quarantined: u64,
    letters: u64,
    /// Files that could not be read were named; the others are taken all the same.
    #[serde(skip)]
    unread: bool,
}

#[derive(Deserialize)]
struct Taken {
    fate: Fate,
    letters: u64,
}

impl Taken {
    fn of(done: &Done) -> Taken {
        Taken {
            fate: done.fate,
            letters: done.letters.len() as u64,
        }
    }
}

impl Tally {
    fn count(&mut self, taken: &Taken) {
        self.received += 1;
        self.letters += taken.letters;
        match taken.fate {
            Fate::Opened => self.tickets += 1,
            Fate::Joined => self.replies += 1,
            Fate::Filed => self.automatic += 1,
            Fate::Duplicate => self.duplicates += 1,
            Fate::Quarantined | Fate::None => self.quarantined += 1,
        }
    }
}

/// Whether these arguments are an MTA's pipe: whatever goes wrong then, it must keep the mail and try again, be it a wrong option.
pub fn is_pipe(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.any(|a| a == "receive") && arguments.any(|a| a == "-")
}

/// Runs it; the exit code.
pub fn run(cli: &Cli, arguments: &Arguments) -> u8 {
    let pipe = arguments.files.iter().any(|f| f.as_os_str() == "-");
    let code = match catch_unwind(|| taken(cli, arguments)) {
        Ok(Ok(tally)) => {
            let line = serde_json::to_string(&tally).unwrap_or_default();
            // What is taken is taken, whether anybody reads this or not.
            let _ = writeln!(std::io::stdout(), "{line}");
            if tally.unread { exit::DATA } else { exit::OK }
        }
        Ok(Err(e)) => failed(&e),
        // Where it panicked was said.
        Err(_) => exit::SOFTWARE,
    };
    if pipe && code != exit::OK {
        exit::TEMPFAIL
    } else {
        code
    }
}

fn taken(cli: &Cli, arguments: &Arguments) -> anyhow::Result<Tally> {
    let config = cli.config()?;
    known_queue(
        config.queues.iter().map(|q| q.name.as_str()),
        &arguments.queue,
    )?;
    not_to_come(arguments.received_at, clock::now())?;
    // A pipe is read only when the store is open: one whose store is busy fails at once, with nothing taken from it. Files are read meanwhile.
    let is_pipe = arguments.files.iter().any(|f| f.as_os_str() == "-");
    let early = (!is_pipe)
        .then(|| reading(arguments, &config))
        .transpose()?;
    let mut way = Way::find(&config)?;
    // Only now is root the folder's owner, and with it the threads that parse what the MTA was sent.
    let (ahead, chunks) = match early {
        Some(early) => early,
        None => reading(arguments, &config)?,
    };
    let mut tally = Tally::default();
    let result = match &mut way {
        Way::Store(opened) => {
            let chunks = preparing(chunks, ahead, opened.policy(), opened.foresight())?;
            let each = each_chunk(chunks, &mut tally, |(jobs, prepared)| {
                let done = opened.process_ahead(&jobs, &prepared)?;
                // To free a chunk takes a while, and the next is ready.
                rayon::spawn(move || drop((jobs, prepared)));
                Ok(done.iter().map(Taken::of).collect())
            });
            each.and_then(|()| {
                let last = opened.finish()?;
                last.iter().for_each(|done| tally.count(&Taken::of(done)));
                Ok(())
            })
        }
        Way::Daemon(client) => each_chunk(chunks, &mut tally, |jobs| {
            let mails = jobs
                .iter()
                .filter_map(|j| j.raw.as_deref())
                .map(|raw| BASE64.encode(raw))
                .collect();
            let cut_from = jobs.iter().map(cut_from).collect();
            let delivery = Delivery {
                queue: arguments.queue.clone(),
                silent: arguments.silent,
                received_at: arguments.received_at,
                mails,
                cut_from,
            };
            let mut out = vec![];
            client.ask(&Request::Receive(delivery), &mut out)?;
            out.split(|b| *b == b'\n')
                .filter(|l| !l.is_empty())
                .map(|l| Ok(serde_json::from_slice(l)?))
                .collect()
        }),
    };
    way.close()?;
    result?;
    Ok(tally)
}

/// The whole size of a mail of which only the beginning is taken.
fn cut_from(job: &Job) -> Option<u64> {
    match &job.event {
        Event::MailArrived(arrival) => match arrival.trouble {
            Some(Trouble::Cut { bytes }) => Some(bytes),
            _ => None,
        },
        _ => None,
    }
}

fn each_chunk<T>(
    chunks: Handed<T>,
    tally: &mut Tally,
    mut take: impl FnMut(T) -> anyhow::Result<Vec<Taken>>,
) -> anyhow::Result<()> {
    let mut progress = Progress::of("mails");
    for chunk in chunks {
        match chunk {
            Ok(jobs) => {
                take(jobs)?.iter().for_each(|taken| tally.count(taken));
                progress.at(tally.received);
            }
            Err(e) => {
                failed(&e);
                tally.unread = true;
            }
        }
    }
    Ok(())
}

/// What works ahead gives way to the thread that decides: everything waits for that one.
const NICENESS_AHEAD: i32 = 19;

/// The threads that read mails and prepare decisions ahead of their turn.
fn ahead() -> anyhow::Result<Arc<ThreadPool>> {
    let pool = ThreadPoolBuilder::new()
        .stack_size(parse::STACK_BYTES)
        .start_handler(|_| {
            // Where it may not be nicer, it is as eager as the others.
            let _ = rustix::process::nice(NICENESS_AHEAD);
        })
        .build();
    Ok(Arc::new(
        pool.context("starting the threads that read mail")?,
    ))
}

/// What a thread hands on, and the error that ended it early.
type Handed<T> = Receiver<anyhow::Result<T>>;

/// A thread that hands on what it makes. Its end by a panic is the last thing handed on: it must not look like the end of the mail.
fn handing_on<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&SyncSender<anyhow::Result<T>>) + Send + 'static,
) -> std::io::Result<Handed<T>> {
    let (send, handed) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name(name.into());
    let name = name.to_string();
    thread.spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| work(&send))).is_err() {
            let words = format!(
                "the thread {name} panicked; what it had not handed on is not taken: try again"
            );
            let _ = send.send(Err(Fault::error(exit::SOFTWARE, words)));
        }
    })?;
    Ok(handed)
}

/// Reads ahead on other threads, so that reading and committing overlap; and the threads that do so.
fn reading(
    arguments: &Arguments,
    config: &Config,
) -> anyhow::Result<(Arc<ThreadPool>, Handed<Vec<Job>>)> {
    let pool = ahead()?;
    let chunks = chunks(sources(arguments)?, config.mail_bytes_max)?;
    let (queue, silent, at) = (
        arguments.queue.clone(),
        arguments.silent,
        arguments.received_at,
    );
    let threads = pool.clone();
    let jobs = handing_on("read-ahead", move |jobs| {
        for chunk in chunks {
            let read = chunk.map(|mails| {
                pool.install(|| as_jobs(mails, &queue, at.unwrap_or_else(clock::now), silent))
            });
            if jobs.send(read).is_err() {
                return;
            }
        }
    })?;
    Ok((threads, jobs))
}

type Ready = (Vec<Job>, Vec<Prepared>);

/// Prepares the decisions on the next chunk while one is decided.
fn preparing(
    chunks: Handed<Vec<Job>>,
    pool: Arc<ThreadPool>,
    policy: Arc<Policy>,
    foresight: Foresight,
) -> std::io::Result<Handed<Ready>> {
    handing_on("prepare", move |send| {
        for chunk in chunks {
            let ready = chunk.map(|jobs| {
                let prepared = pool.install(|| clerk::prepared(&policy, &jobs, clock::now()));
                foresight.read(prepared.iter().flat_map(|p| &p.asks));
                (jobs, prepared)
            });
            if send.send(ready).is_err() {
                return;
            }
        }
    })
}

fn as_jobs(mails: Vec<Whole>, queue: &str, received: DateTime<Utc>, silent: bool) -> Vec<Job> {
    let raws: Vec<Arc<[u8]>> = mails.iter().map(|m| m.raw.clone()).collect();
    let mut jobs = arrivals(&raws, "receive", queue, received, silent);
    for (job, mail) in jobs.iter_mut().zip(&mails) {
        if let (Event::MailArrived(arrival), Some(bytes)) = (&mut job.event, mail.cut_from) {
            arrival.trouble.get_or_insert(Trouble::Cut { bytes });
        }
    }
    jobs
}

/// A mail's bytes, and its whole size where only the beginning is taken.
struct Whole {
    raw: Arc<[u8]>,
    cut_from: Option<u64>,
}

enum Sources {
    Files(Vec<PathBuf>),
    Mbox(Box<dyn BufRead + Send>),
}

fn sources(arguments: &Arguments) -> anyhow::Result<Sources> {
    if let Some(folder) = &arguments.maildir {
        return Ok(Sources::Files(maildir(folder)?));
    }
    match &arguments.mbox {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
            Ok(Sources::Mbox(Box::new(BufReader::with_capacity(
                1 << 20,
                file,
            ))))
        }
        None => Ok(Sources::Files(arguments.files.clone())),
    }
}

/// The files of new/ and cur/, oldest name first (an IMAP server moves mail from one to the other).
fn maildir(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for part in ["new", "cur"] {
        let part = folder.join(part);
        let entries = std::fs::read_dir(&part).map_err(|e| {
            let words = format!(
                "{} is no Maildir: {} cannot be read: {e}",
                folder.display(),
                part.display()
            );
            Fault::error(exit::DATA, words)
        })?;
        files.extend(
            entries
                .filter_map(|e| e.ok().map(|e| e.path()))
                .filter(|p| {
                    p.file_name()
                        .is_some_and(|n| !n.as_encoded_bytes().starts_with(b"."))
                }),
        );
    }
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(files)
}

fn chunks(
    sources: Sources,
    mail_bytes_max: u64,
) -> anyhow::Result<Receiver<anyhow::Result<Vec<Whole>>>> {
    let chunks = handing_on("read-files", move |send| {
        let mut chunk: Vec<Whole> = vec![];
        let (mut bytes, mut mails_max) = (0, FIRST_CHUNK_MAILS);
        let mut next = |mail: anyhow::Result<Whole>| {
            match mail {
                Ok(mail) => {
                    bytes += mail.raw.len();
                    chunk.push(mail);
                }
                Err(e) => return send.send(Err(e)).is_ok(),
            }
            if chunk.len() < mails_max && bytes < CHUNK_BYTES {
                return true;
            }
            (bytes, mails_max) = (0, CHUNK_MAILS.min(2 * mails_max));
            send.send(Ok(std::mem::take(&mut chunk))).is_ok()
        };
        match sources {
            Sources::Files(files) => {
                let _all = files.iter().all(|f| next(file(f, mail_bytes_max)));
            }
            Sources::Mbox(mbox) => mbox_mails(mbox, mail_bytes_max, &mut next),
        }
        if !chunk.is_empty() {
            let _ = send.send(Ok(chunk));
        }
    })?;
    Ok(chunks)
}

fn file(path: &Path, mail_bytes_max: u64) -> anyhow::Result<Whole> {
    if path.as_os_str() == "-" {
        return taken_from(std::io::stdin().lock(), mail_bytes_max)
            .context("standard input cannot be read");
    }
    let whole = |mut file: std::fs::File| {
        let about = file.metadata()?;
        let bytes = about.len();
        // Of a pipe nobody knows how long it is.
        if about.is_file() && bytes < mail_bytes_max {
            // Read to where it stays.
            let mut raw: Arc<[u8]> = std::iter::repeat_n(0, bytes as usize).collect();
            let place = Arc::get_mut(&mut raw).unwrap_or_default();
            if file.read_exact(place).is_ok() && file.read(&mut [0])? == 0 {
                return Ok(Whole {
                    raw,
                    cut_from: None,
                });
            }
            // Somebody is writing it.
            file.rewind()?;
        }
        taken_from(file, mail_bytes_max)
    };
    std::fs::File::open(path)
        .and_then(whole)
        .map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, e: &std::io::Error) -> anyhow::Error {
    Fault::error(
        exit::DATA,
        format!("{} cannot be read: {e}", path.display()),
    )
}

fn taken_from(mut from: impl Read, mail_bytes_max: u64) -> std::io::Result<Whole> {
    let mut raw = vec![];
    from.by_ref().take(mail_bytes_max).read_to_end(&mut raw)?;
    let kept = raw.len() as u64;
    let rest = if kept == mail_bytes_max {
        std::io::copy(&mut from, &mut std::io::sink())?
    } else {
        0
    };
    Ok(Whole {
        raw: raw.into(),
        cut_from: (rest > 0).then_some(kept + rest),
    })
}

/// mboxrd: a line `From ` begins a mail, `>From ` in a mail loses one `>`.
fn mbox_mails(
    mut mbox: Box<dyn BufRead + Send>,
    mail_bytes_max: u64,
    next: &mut dyn FnMut(anyhow::Result<Whole>) -> bool,
) {
    let (mut raw, mut line, mut size, mut begun) = (vec![], vec![], 0u64, false);
    loop {
        line.clear();
        let read = match mbox.read_until(b'\n', &mut line) {
            Ok(n) => n,
            Err(e) => {
                next(Err(unreadable(Path::new("the mbox"), &e)));
                return;
            }
        };
        if read == 0 || line.starts_with(b"From ") {
            if begun && !next(Ok(mbox_mail(&mut raw, size))) {
                return;
            }
            if read == 0 {
                return;
            }
            (begun, size) = (true, 0);
            continue;
        }
        let quoted = line.iter().take_while(|b| **b == b'>').count();
        let content = if quoted > 0 && line[quoted..].starts_with(b"From ") {
            &line[1..]
        } else {
            &line[..]
        };
        size += content.len() as u64;
        if raw.len() as u64 + content.len() as u64 <= mail_bytes_max {
            raw.extend_from_slice(content);
        }
        begun = true;
    }
}

fn mbox_mail(raw: &mut Vec<u8>, size: u64) -> Whole {
    let mut raw = std::mem::take(raw);
    let cut_from = (size > raw.len() as u64).then_some(size);
    // The empty line before the next `From ` belongs to the mbox.
    if cut_from.is_none() && raw.ends_with(b"\n\n") {
        raw.pop();
    }
    Whole {
        raw: raw.into(),
        cut_from,
    }
}
