//! Everything the desk goes by: the contract, the rules, the letters, and how this installation is set up.

use super::letter::{LetterKind, Templates};
use super::ticket::{Clock, Ticket};
use super::token::Keys;
use crate::contract::{Book, Subscription};
use crate::mail::Fingerprint;
use crate::rules::RuleBook;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// RFC 5321, 4.5.3.1.1.
const LOCAL_PART_BYTES_MAX: usize = 64;

/// Whom to acknowledge (ATTACKS.md, "Where acknowledgements and trust meet").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// Senders our own mail server has authenticated. The default where an authserv-id is configured.
    Authenticated,
    /// Every human sender, under the caps.
    All,
    /// Nobody.
    Nobody,
}

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// `support`, `security`.
    pub name: String,
    /// The address customers write to and letters come from.
    pub address: String,
    /// The display name of its letters.
    pub display_name: String,
    /// Other addresses that reach this queue's mailbox.
    pub aliases: Vec<String>,
    /// Whether its mail server delivers `+` addresses, so that letters may carry a signed one.
    pub plus_addresses: bool,
    /// Content-free notices; nothing of it in logs or other queues' listings.
    pub confidential: bool,
    /// Whether an answer names who of the staff wrote it, before the queue.
    pub staff_names: bool,
    /// Whether those whom a customer put in copy get the answers too.
    pub keep_copies: bool,
}

/// What letters refer to.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The vendor's public status page (C5.2).
    pub status_page: String,
    /// C5.3.
    pub documentation: String,
    /// C5.3.
    pub community: String,
    /// The address for urgent escalations (C7.2).
    pub escalation_address: String,
    /// For plans with a phone.
    pub phone: String,
    /// The disclosure policy of the security queue.
    pub security_policy: String,
    /// Its key.
    pub security_key: String,
    /// The vendor's name.
    pub vendor: String,
}

/// Contracts, customers and staff as they were, by their hash.
pub type Former = Arc<BTreeMap<Fingerprint, Arc<Book>>>;

/// Everything the desk goes by. Replaced as a whole on reload, never changed.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The contract, customers and staff.
    pub book: Arc<Book>,
    /// Their hash, pinned by tickets.
    pub book_hash: Fingerprint,
    /// The same three files as they were under other hashes, from the journal: what older tickets were promised.
    pub former: Former,
    /// The rules.
    pub rules: Arc<RuleBook>,
    /// The letters' texts.
    pub templates: Arc<Templates>,
    /// What signs tokens.
    pub keys: Keys,
    /// The right side of our Message-IDs.
    pub domain: String,
    /// All queues; the first is the default.
    pub queues: Vec<Queue>,
    /// The mail server whose Authentication-Results are believed.
    pub authserv_id: Option<String>,
    /// Whom to acknowledge.
    pub acknowledge: Acknowledge,
    /// Mail received before this is filed silently (F04).
    pub since: Option<DateTime<Utc>>,
    /// Letters wait for `outbox release`.
    pub hold_letters: bool,
    /// The envelope sender of automatic letters, empty for the null sender; none where each has its own signed return path if its queue has `+` addresses.
    pub bounce_address: Option<String>,
    /// C4.9, days.
    pub reopen_within_days: u32,
    /// What letters refer to.
    pub links: Links,
    /// Mailboxes that are somebody's own Sent folder (C4.4): the mailbox's name, and a staff id.
    pub sent_of: BTreeMap<String, String>,
    /// How reports to confidential queues are dealt with.
    pub security: Security,
}

/// How reports to confidential queues are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// Whether a notice to the queue's own people encloses the mail itself, untouched. An encrypted one always goes along.
    pub attach: bool,
    /// How long a reporter waits at most for a human.
    pub answer_within_hours: u32,
}

impl Default for Security {
    fn default() -> Self {
        Security {
            attach: false,
            answer_within_hours: 48,
        }
    }
}

impl Policy {
    /// The contract and the orders that a clock of a ticket goes by: as they were when it was promised, whatever the files say today. Staff and rota are
    /// today's. Files that nobody kept, or that this program cannot read any more, are today's too.
    pub fn book_of(&self, ticket: &Ticket, clock: Option<&Clock>) -> &Book {
        self.shared_book_of(ticket, clock)
    }

    /// The same, to be kept.
    pub fn shared_book_of(&self, ticket: &Ticket, clock: Option<&Clock>) -> &Arc<Book> {
        let pinned = clock.and_then(|c| c.policy).unwrap_or(ticket.policy);
        self.former.get(&pinned).unwrap_or(&self.book)
    }

    /// The book that knows which term a breach extends (C4.6): the one that the promise was made by, else today's, since an order may be renewed while a ticket
    /// waits.
    pub fn book_of_term<'a>(
        &'a self,
        promised: &'a Book,
        account: &Subscription,
        breach: DateTime<Utc>,
    ) -> &'a Book {
        match promised.earns_credit(account, breach) {
            true => promised,
            false => &self.book,
        }
    }

    /// A queue by name; the default queue if there is none of that name.
    pub fn queue(&self, name: &str) -> &Queue {
        self.queues
            .iter()
            .find(|q| q.name == name)
            .unwrap_or(&self.queues[0])
    }

    /// Whether an address is one of ours: a letter to it would come back to us (C05).
    pub fn is_own_address(&self, address: &str) -> bool {
        self.queues.iter().any(|q| q.is_reached_by(address))
            || self.links.escalation_address.eq_ignore_ascii_case(address)
            || (self.bounce_address.as_deref())
                .is_some_and(|own| !own.is_empty() && own.eq_ignore_ascii_case(address))
    }

    /// The envelope sender of a letter: a return path signed for it alone where the server of its queue delivers such (C4.7), so that only a genuine bounce
    /// comes back to it. Else a person's letter has the queue's address, and a machine's what is configured, or nobody's (RFC 3834, 3.3).
    pub fn envelope_from(&self, queue: &Queue, kind: LetterKind, return_token: &str) -> String {
        let signed = plus_address(&queue.address, return_token)
            .filter(|_| queue.plus_addresses && self.bounce_address.is_none());
        match (signed, &self.bounce_address) {
            (Some(signed), _) => signed,
            _ if kind.is_human() => queue.address.clone(),
            (None, Some(address)) => address.clone(),
            (None, None) => String::new(),
        }
    }
}

impl Queue {
    /// Whether mail to this address lands in this queue: its address, an alias, or either with a `+` part.
    pub fn is_reached_by(&self, address: &str) -> bool {
        std::iter::once(&self.address)
            .chain(&self.aliases)
            .any(|own| own.eq_ignore_ascii_case(address) || is_plus_of(address, own))
    }
}

/// An address with an extension; none if its local part would be longer than servers take (RFC 5321, 4.5.3.1.1).
pub(super) fn plus_address(address: &str, extension: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let local = format!("{local}+{extension}");
    (local.len() <= LOCAL_PART_BYTES_MAX).then(|| format!("{local}@{domain}"))
}

fn is_plus_of(address: &str, own: &str) -> bool {
    let (Some((local, domain)), Some((own_local, own_domain))) =
        (address.rsplit_once('@'), own.rsplit_once('@'))
    else {
        return false;
    };
    domain.eq_ignore_ascii_case(own_domain)
        && local
            .split_once('+')
            .is_some_and(|(base, _)| base.eq_ignore_ascii_case(own_local))
}
