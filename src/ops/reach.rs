//! How a command reaches the record: through the running daemon's control socket, else by opening the store itself.

use super::request::{Desk, Request};
use super::{Fault, control, exit, keys, status};
use crate::clerk::{Clerk, Done, Job, Prepared};
use crate::clock;
use crate::config::Config;
use crate::contract::{Book, Source, kept};
use crate::daemon;
use crate::desk::Policy;
use crate::desk::policy::Former;
use crate::diagnostic::Diagnostic;
use crate::mail::Fingerprint;
use crate::store::{Foresight, Locked, Options, Reader, Room, Store};
use anyhow::Context;
use rustix::process::{Gid, Uid};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

/// The way in.
pub enum Way {
    /// A daemon runs.
    Daemon(control::Client),
    /// None runs: this process has the store.
    Store(Box<Opened>),
}

/// The store, opened by a command.
pub struct Opened {
    clerk: Clerk,
    /// What goes by.
    pub policy: Arc<Policy>,
    /// The mailboxes that nobody watches while this command has the store.
    mailboxes: Vec<String>,
}

impl Way {
    /// Finds the way. Nobody else's state folder is opened: a daemon that runs is asked.
    pub fn find(config: &Config) -> anyhow::Result<Way> {
        match open_store(config) {
            Ok(opened) => Ok(Way::Store(Box::new(opened))),
            Err(e) if e.is::<Locked>() => Ok(Way::Daemon(control::Client::connect(
                &config.control,
                &config.state,
            )?)),
            Err(e) => Err(e),
        }
    }

    /// Asks; the answer goes to `out`; the exit code.
    pub fn ask(&mut self, request: Request, out: &mut dyn Write) -> anyhow::Result<u8> {
        match self {
            Way::Daemon(client) => client.ask(&request, out),
            Way::Store(opened) => opened.answer(request, out),
        }
    }

    /// Ends: a store that was opened is closed cleanly.
    pub fn close(self) -> anyhow::Result<()> {
        match self {
            Way::Daemon(_) => Ok(()),
            Way::Store(opened) => opened.clerk.close(),
        }
    }
}

impl Opened {
    fn answer(&mut self, request: Request, out: &mut dyn Write) -> anyhow::Result<u8> {
        let reader = self.clerk.store().reader();
        let clerk = &mut self.clerk;
        let now = clock::now();
        let mut submit = |jobs: Vec<Job>| clerk.process(&jobs, now);
        Desk {
            reader: &reader,
            policy: &self.policy,
            submit: &mut submit,
            facts: &|| status::without_daemon(&reader, &self.mailboxes, now),
            now,
        }
        .answer(request, out)
    }

    /// What is gone by.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.clone()
    }

    /// What may be read ahead of its turn.
    pub fn foresight(&mut self) -> Foresight {
        self.clerk.store().foresight()
    }

    /// Decides on mails whose decisions are prepared, if the disk has room for them, while those of the call before are committed: what became of those.
    /// Errors as [`Clerk::process_ahead`].
    pub fn process_ahead(
        &mut self,
        jobs: &[Job],
        prepared: &[Prepared],
    ) -> anyhow::Result<Vec<Done>> {
        if self.clerk.store().room() == Room::Scarce {
            let words = "the disk of the state folder is nearly full: no mail is taken until there is room; keep it and try again";
            return Err(Fault::error(exit::TEMPFAIL, words));
        }
        self.clerk.process_ahead(jobs, prepared, clock::now())
    }

    /// Commits what was decided last.
    pub fn finish(&mut self) -> anyhow::Result<Vec<Done>> {
        self.clerk.finish()
    }

    /// The clerk, for a daemon that takes over.
    pub fn into_clerk(self) -> Clerk {
        self.clerk
    }
}

/// Opens the state folder with its keys and the policy. [`Locked`] if another process has it.
pub fn open_store(config: &Config) -> anyhow::Result<Opened> {
    make_folder(&config.state)?;
    as_owner(&config.state)?;
    let claim = Store::claim(&config.state)?;
    let keys = keys::keys(&config.state)?;
    // The disk is waited for in the one, patterns are compiled in the other.
    let (store, policy) = rayon::join(
        || claim.open(options(config)),
        || config.policy(keys).map_err(Fault::config),
    );
    let (mut store, mut policy) = (store?, policy?);
    policy.former = former(&store.reader(), policy.book_hash)?;
    let policy = Arc::new(policy);
    let files = config.policy_files().map_err(Fault::config)?;
    // Before it is journalled: what is changed under an old date would count from then on.
    if let Some(promised) = store.reader().promised()? {
        let broken = kept::broken(&promised, &files);
        if !broken.is_empty() {
            store.close()?;
            return Err(Fault::config(broken));
        }
    }
    for source in files {
        store.keep_policy(&source.file, &source.text, policy.book_hash)?;
    }
    Ok(Opened {
        clerk: Clerk::new(store, policy.clone()),
        policy,
        mailboxes: config.mailboxes.iter().map(|m| m.name.clone()).collect(),
    })
}

/// The contracts, customers and staff that tickets were promised under, as the journal keeps them; but for today's.
pub fn former(reader: &Reader, today: Fingerprint) -> anyhow::Result<Former> {
    let mut former = BTreeMap::new();
    for hash in reader.policies()? {
        if hash != today
            && let Some(book) = journalled(reader, hash)?
        {
            former.insert(hash, Arc::new(book));
        }
    }
    Ok(Arc::new(former))
}

/// The three files under a hash, read again. None, and the log says so, if this program cannot read them any more.
fn journalled(reader: &Reader, hash: Fingerprint) -> anyhow::Result<Option<Book>> {
    let files = reader.policy(hash)?;
    let named = |name: &str| {
        let file = files.iter().find(|(file, _)| file.ends_with(name));
        file.map(|(file, text)| Source {
            file: file.clone(),
            text: text.clone(),
        })
    };
    let three = (
        named("contract.toml"),
        named("customers.toml"),
        named("staff.toml"),
    );
    let (Some(contract), Some(customers), Some(staff)) = three else {
        return Ok(None);
    };
    match Book::parse(&contract, &customers, &staff) {
        Ok(book) => Ok(Some(book)),
        Err(faults) => {
            for fault in faults.iter().take(3) {
                tracing::warn!(
                    "a contract of earlier is not read any more, its tickets go by today's: {fault}"
                );
            }
            Ok(None)
        }
    }
}

/// What the configuration's files say otherwise than tickets were promised.
pub fn broken_promises(
    reader: &Reader,
    config: &Config,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let promised = reader.promised().map_err(|e| {
        vec![Diagnostic::of_file(
            "the record",
            format!("cannot be asked what was promised: {e:#}"),
            "see ticketd audit",
        )]
    })?;
    let files = config.policy_files()?;
    Ok(promised.map_or(vec![], |promised| kept::broken(&promised, &files)))
}

/// What every opening of the store says.
pub fn options(config: &Config) -> Options {
    let confidential = config.queues.iter().filter(|q| q.confidential);
    Options {
        confidential: Some(confidential.map(|q| q.name.clone()).collect()),
        progress: Some(daemon::still_opening),
        ..Options::default()
    }
}

fn make_folder(state: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .with_context(|| format!("the state folder {} cannot be made", state.display()))
}

/// A state folder is opened as its owner only: a file that another user makes in it would stop the daemon. Root becomes that owner.
///
/// Counts for this thread and those it starts from here on, so it comes before any other thread.
pub fn as_owner(state: &Path) -> anyhow::Result<()> {
    let owner = std::fs::metadata(state)
        .with_context(|| format!("the state folder {} cannot be opened", state.display()))?;
    let me = rustix::process::geteuid();
    if owner.uid() == me.as_raw() {
        return Ok(());
    }
    let refused = || {
        let words = format!(
            "the state folder {} belongs to another user (id {}); run this as that user: sudo -u \\#{} ticketd …",
            state.display(),
            owner.uid(),
            owner.uid()
        );
        Fault::error(exit::NOPERM, words)
    };
    if !me.is_root() {
        return Err(refused());
    }
    let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    rustix::thread::set_thread_groups(&[gid])
        .and_then(|()| rustix::thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid))
        .map_err(|_| refused())
}
