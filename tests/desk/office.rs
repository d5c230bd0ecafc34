//! An office with the shipped contract, rules, letters and staff, one store on a fake disk, a courier and a clock.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use std::sync::{Arc, LazyLock};
use ticketd::clerk::{Clerk, Done, Job};
use ticketd::contract::{Book, Source};
use ticketd::deadlines::round_due;
use ticketd::desk::draft::Draft;
use ticketd::desk::event::{Arrival, Command, Event, Moved, Movement, Trouble};
use ticketd::desk::letter::{LetterKind, Templates};
use ticketd::desk::policy::{Acknowledge, Links, Policy, Queue};
use ticketd::desk::record::{Entry, EntryKind, Fate, Place, Road};
use ticketd::desk::ticket::{Clock, ClockKind, Ticket, TicketId};
use ticketd::desk::token::Keys;
use ticketd::mail::{self, Fingerprint, Mail};
use ticketd::rules::RuleBook;
use ticketd::store::disk::FakeDisk;
use ticketd::store::index::MemoryIndex;
use ticketd::store::{Options, Reader, Store};

pub const ALICE: &str = "alice@acme.example";
pub const KAETHI: &str = "kaethi@baeckerei-keller.example";
pub const JONAS: &str = "jonas@initech.example";
pub const GINA: &str = "gina@globex.example";
pub const STRANGER: &str = "stranger@elsewhere.example";
pub const ANNA: &str = "anna@vendor.example";
pub const BEAT: &str = "beat@vendor.example";
pub const CARLA: &str = "carla@vendor.example";
pub const DARIO: &str = "dario@vendor.example";
pub const STAFF: [&str; 5] = [ANNA, BEAT, CARLA, DARIO, "eva@vendor.example"];

/// A letter that was written, as its reader sees it.
pub struct Sent {
    pub kind: LetterKind,
    pub to: String,
    pub id: String,
    pub place: Place,
    pub road: Road,
    pub mail: Mail,
    pub raw: String,
}

impl Sent {
    pub fn text(&self) -> &str {
        &self.mail.text
    }

    pub fn says(&self, words: &str) -> bool {
        let flat = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        flat(&self.mail.text).contains(words) || self.mail.subject.contains(words)
    }
}

pub struct Office {
    pub clerk: Clerk,
    pub now: DateTime<Utc>,
    pub policy: Arc<Policy>,
    /// Letters leave as soon as they are written.
    pub courier: bool,
    next_id: u32,
}

impl Office {
    /// Monday 7 September 2026, nine o'clock in Switzerland.
    pub fn new() -> Office {
        Office::under(policy())
    }

    pub fn under(policy: Policy) -> Office {
        let store = Store::over(
            Box::new(FakeDisk::new()),
            Box::new(MemoryIndex::new()),
            Options::default(),
        )
        .expect("a store");
        let policy = Arc::new(policy);
        Office {
            clerk: Clerk::new(store, policy.clone()),
            policy,
            now: swiss("2026-09-07 09:00"),
            courier: true,
            next_id: 0,
        }
    }

    pub fn goes_by(&mut self, policy: Policy) {
        self.policy = Arc::new(policy);
        self.clerk.go_by(self.policy.clone());
    }

    pub fn reader(&mut self) -> Reader {
        self.clerk.store().reader()
    }

    pub fn process(&mut self, event: Event, raw: Option<Vec<u8>>) -> Done {
        let job = Job {
            event,
            raw: raw.map(Into::into),
        };
        let now = self.now;
        let done = self.clerk.process(&[job], now).expect("a commit").remove(0);
        if self.courier {
            self.letters_leave();
        }
        done
    }

    /// A mail comes into the support mailbox, or into security's if that is who it is addressed to.
    pub fn receives(&mut self, post: Post) -> Done {
        let queue = if post.to.contains("security@") && !post.to.contains("support@") {
            "security"
        } else {
            "support"
        };
        self.receives_in(queue, post)
    }

    pub fn receives_in(&mut self, queue: &str, post: Post) -> Done {
        self.next_id += 1;
        let raw = post.raw(self.next_id);
        self.takes(queue, raw)
    }

    /// A mail in a mailbox of that name, whichever queue it is for.
    pub fn finds_in(&mut self, mailbox: &str, post: Post) -> Done {
        self.next_id += 1;
        let raw = post.raw(self.next_id);
        let arrival = Arrival {
            mailbox: mailbox.into(),
            queue: "support".into(),
            mail: Arc::new(mail::read(&raw)),
            received: self.now,
            silent: false,
            cursor: None,
            trouble: None,
        };
        self.process(Event::MailArrived(Box::new(arrival)), Some(raw))
    }

    /// The envelope's sender of a letter.
    pub fn envelope_from(&mut self, letter: &Sent) -> String {
        let entries = self.entries(letter.place.ticket.0);
        let entry = entries.iter().find(|e| e.place == letter.place).unwrap();
        entry.letter.clone().unwrap().envelope_from
    }

    pub fn takes(&mut self, queue: &str, raw: Vec<u8>) -> Done {
        self.takes_with(queue, raw, false)
    }

    pub fn takes_with(&mut self, queue: &str, raw: Vec<u8>, silent: bool) -> Done {
        let Job { event, raw } = arrival(queue, raw, self.now, silent);
        self.process(event, raw.map(|raw| raw.to_vec()))
    }

    /// Of a mail that has so many bytes only the beginning was taken.
    pub fn takes_cut(&mut self, queue: &str, post: Post, bytes: u64) -> Done {
        self.next_id += 1;
        let Job { mut event, raw } = arrival(queue, post.raw(self.next_id), self.now, false);
        if let Event::MailArrived(arrival) = &mut event {
            arrival.trouble = Some(Trouble::Cut { bytes });
        }
        self.process(event, raw.map(|raw| raw.to_vec()))
    }

    /// Mails of one mailbox that are committed together.
    pub fn takes_together(&mut self, queue: &str, posts: &[Post]) -> Vec<Done> {
        let jobs: Vec<Job> = (1..)
            .zip(posts)
            .map(|(n, post)| arrival(queue, post.raw(self.next_id + n), self.now, false))
            .collect();
        self.next_id += posts.len() as u32;
        let done = self.clerk.process(&jobs, self.now).expect("a commit");
        if self.courier {
            self.letters_leave();
        }
        done
    }

    pub fn command(&mut self, ticket: u64, line: &str) -> Vec<String> {
        let command = Command {
            by: "anna".into(),
            ticket: TicketId(ticket),
            line: line.into(),
        };
        self.process(Event::Command(command), None).reply
    }

    /// A decision about a ticket that no command makes yet.
    pub fn drafts(&mut self, ticket: u64, change: impl FnOnce(&mut Draft)) {
        let (policy, ticket) = (self.policy.clone(), self.ticket(ticket));
        let mut draft = Draft::of(&policy, ticket, self.now);
        change(&mut draft);
        let mut batch = self.clerk.store().begin();
        batch.add(draft.finish("changed", Fate::None), None);
        self.clerk.store().commit(batch).expect("a commit");
    }

    pub fn moves(&mut self, letter: Place, to: Movement) {
        self.process(Event::LetterMoved(Moved { letter, to }), None);
    }

    pub fn letters_leave(&mut self) {
        let now = self.now;
        loop {
            let due = self.reader().letters_due(now, 50).expect("the outbox");
            if due.is_empty() {
                return;
            }
            for letter in due {
                for to in [Movement::Taken, Movement::Accepted("250 ok".into())] {
                    let event = Event::LetterMoved(Moved {
                        letter: letter.place,
                        to,
                    });
                    let job = Job { event, raw: None };
                    let done = self.clerk.process(&[job], now).expect("a commit");
                    if done[0].refused {
                        break;
                    }
                }
            }
        }
    }

    /// Time passes until then, Swiss time; each step of a clock is taken at its instant.
    pub fn clock_to(&mut self, local: &str) {
        self.clock_to_instant(swiss(local));
    }

    pub fn clock_to_instant(&mut self, until: DateTime<Utc>) {
        while let Some(at) = self.next_step().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let now = self.now;
            for due in self.reader().due(now, 50).expect("due steps") {
                self.process(Event::DeadlineReached(due), None);
            }
            if self.reader().due(now, 1).expect("due steps").is_empty() {
                for name in self.reader().digests_due(now, 50).expect("digests") {
                    self.process(Event::DigestDue(name), None);
                }
            }
        }
        self.now = until;
        if self.courier {
            self.letters_leave();
        }
    }

    fn next_step(&mut self) -> Option<DateTime<Utc>> {
        let reader = self.reader();
        let step = reader.next_due().expect("due steps");
        let digest = reader.next_digest().expect("digests");
        step.into_iter().chain(digest).min()
    }

    /// What the deadlines' loop does once a day or a fortnight, as often as it is due.
    pub fn rounds(&mut self) {
        let (reader, policy, now) = (self.reader(), self.policy.clone(), self.now);
        while let Some(event) = round_due(&reader, &policy, now).expect("rounds") {
            self.process(event, None);
        }
    }

    pub fn tickets(&mut self) -> Vec<Ticket> {
        let mut all = vec![];
        self.reader()
            .tickets(&mut |t| {
                all.push(t);
                true
            })
            .expect("tickets");
        all.sort_by_key(|t| t.id);
        all
    }

    pub fn ticket(&mut self, id: u64) -> Ticket {
        self.reader()
            .ticket(TicketId(id))
            .expect("the store")
            .unwrap_or_else(|| panic!("there is no ticket {id}"))
    }

    pub fn clock(&mut self, id: u64, kind: ClockKind) -> Clock {
        let ticket = self.ticket(id);
        ticket
            .clocks
            .into_iter()
            .rfind(|c| c.kind == kind)
            .unwrap_or_else(|| panic!("ticket {id} has no such clock"))
    }

    pub fn initial(&mut self, id: u64) -> Clock {
        self.clock(id, ClockKind::InitialResponse)
    }

    pub fn entries(&mut self, id: u64) -> Vec<Entry> {
        self.reader().entries(TicketId(id)).expect("entries")
    }

    pub fn count(&mut self, id: u64, kind: EntryKind) -> usize {
        self.entries(id).iter().filter(|e| e.kind == kind).count()
    }

    /// Whether a line of the ticket's record says so.
    pub fn recorded(&mut self, id: u64, words: &str) -> bool {
        self.entries(id).iter().any(|e| e.text.contains(words))
    }

    /// All letters ever written, in order.
    pub fn letters(&mut self) -> Vec<Sent> {
        self.letters_where(|_| true)
    }

    pub fn entries_where(&mut self, wanted: impl Fn(&Entry) -> bool) -> usize {
        let ids: Vec<u64> = self.tickets().iter().map(|t| t.id.0).collect();
        let all = ids.into_iter().flat_map(|id| self.entries(id));
        all.filter(wanted).count()
    }

    /// Those letters alone: each is read anew.
    pub fn letters_where(&mut self, wanted: impl Fn(&Entry) -> bool) -> Vec<Sent> {
        let ids: Vec<u64> = self.tickets().iter().map(|t| t.id.0).collect();
        let mut entries: Vec<Entry> = ids
            .into_iter()
            .chain([0])
            .flat_map(|id| self.entries(id))
            .collect();
        entries.sort_by_key(|entry| entry.at);
        let reader = self.reader();
        entries
            .into_iter()
            .filter_map(|entry| {
                let letter = entry.letter.clone().filter(|_| wanted(&entry))?;
                let raw = reader.bytes(entry.place).expect("bytes").expect("bytes");
                Some(Sent {
                    kind: letter.kind,
                    to: letter.to,
                    id: entry.message_id.clone().unwrap_or_default(),
                    place: entry.place,
                    road: letter.road,
                    mail: mail::read(&raw),
                    raw: String::from_utf8_lossy(&raw).into_owned(),
                })
            })
            .collect()
    }

    pub fn letters_to(&mut self, address: &str) -> Vec<Sent> {
        let mut letters = self.letters();
        letters.retain(|l| l.to == address);
        letters
    }

    /// Letters to anybody who is not of the staff.
    pub fn letters_outside(&mut self) -> Vec<Sent> {
        let mut letters = self.letters();
        letters.retain(|l| !STAFF.contains(&l.to.as_str()));
        letters
    }

    pub fn letters_of(&mut self, kind: LetterKind) -> usize {
        self.letters().iter().filter(|l| l.kind == kind).count()
    }

    pub fn last_to(&mut self, address: &str) -> Sent {
        self.letters_to(address)
            .pop()
            .unwrap_or_else(|| panic!("nobody wrote to {address}"))
    }

    pub fn last_of(&mut self, address: &str, kind: LetterKind) -> Sent {
        let mut letters = self.letters_to(address);
        letters.retain(|l| l.kind == kind);
        letters
            .pop()
            .unwrap_or_else(|| panic!("no {kind:?} to {address}"))
    }

    pub fn relays(&mut self) -> Vec<Sent> {
        let mut letters = self.letters();
        letters.retain(|l| l.kind == LetterKind::Relay);
        letters
    }

    /// Somebody of the staff answers the newest letter that went to him.
    pub fn answers(&mut self, staff: &str, body: &str) -> Done {
        let notice = self.last_to(staff);
        let post = Post::from(staff).answering(&notice).body(body);
        self.receives(post)
    }
}

/// A letter's id with the last letter of its signature changed: kind, ticket, entry and key are right.
pub fn missigned(id: &str) -> String {
    let (token, domain) = id.split_once('@').expect("an id");
    let (rest, last) = token.split_at(token.len() - 1);
    let other = if last == "a" { "b" } else { "a" };
    format!("{rest}{other}@{domain}")
}

fn arrival(queue: &str, raw: Vec<u8>, received: DateTime<Utc>, silent: bool) -> Job {
    let arrival = Arrival {
        mailbox: queue.into(),
        queue: queue.into(),
        mail: Arc::new(mail::read(&raw)),
        received,
        silent,
        cursor: None,
        trouble: None,
    };
    Job {
        event: Event::MailArrived(Box::new(arrival)),
        raw: Some(raw.into()),
    }
}

/// A mail that somebody sends. Authenticated by our own server unless said otherwise.
#[derive(Clone)]
pub struct Post {
    pub to: String,
    from: String,
    subject: String,
    body: String,
    stamp: String,
    id: Option<String>,
    extra: String,
    date: String,
    content: String,
}

impl Post {
    pub fn from(from: &str) -> Post {
        let address = from.rsplit('<').next().unwrap_or(from).trim_matches('>');
        let domain = address.rsplit('@').next().unwrap_or_default();
        Post {
            to: "support@desk.example".into(),
            from: from.into(),
            subject: "Printer".into(),
            body: "The printer is on fire, please help us.\n".into(),
            stamp: format!("mx.desk.example; dmarc=pass header.from={domain}"),
            id: None,
            extra: String::new(),
            date: "Date: Mon, 7 Sep 2026 08:59:00 +0200\r\n".into(),
            content: String::new(),
        }
    }

    pub fn to(mut self, to: &str) -> Post {
        self.to = to.into();
        self
    }

    /// The same mail by somebody else.
    pub fn by(mut self, from: &str) -> Post {
        let other = Post::from(from);
        (self.from, self.stamp) = (other.from, other.stamp);
        self
    }

    pub fn subject(mut self, subject: &str) -> Post {
        self.subject = subject.into();
        self
    }

    pub fn body(mut self, body: &str) -> Post {
        self.body = body.into();
        self
    }

    /// Plain text and HTML beside each other.
    pub fn html(mut self, plain: &str, html: &str) -> Post {
        self.content =
            "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n".into();
        let plain = if plain.is_empty() {
            String::new()
        } else {
            format!("--b\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n")
        };
        self.body =
            format!("{plain}--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n");
        self
    }

    pub fn with_file(mut self, media_type: &str, name: &str, content: &str) -> Post {
        self.content = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n".into();
        self.body = format!(
            "--m\nContent-Type: text/plain; charset=utf-8\n\n{}\n--m\nContent-Type: {media_type}\nContent-Disposition: attachment; filename=\"{name}\"\n\n{content}\n--m--\n",
            self.body
        );
        self
    }

    /// Somebody in copy.
    pub fn copied_to(self, address: &str) -> Post {
        self.with(&format!("Cc: {address}"))
    }

    /// What our own mail server says of it.
    pub fn stamped(mut self, stamp: &str) -> Post {
        self.stamp = stamp.into();
        self
    }

    pub fn forged(self) -> Post {
        self.stamped("mx.desk.example; dmarc=fail")
    }

    pub fn id(mut self, id: &str) -> Post {
        self.id = Some(id.into());
        self
    }

    pub fn dated(mut self, date: &str) -> Post {
        self.date = date.into();
        self
    }

    pub fn with(mut self, header: &str) -> Post {
        self.extra.push_str(header);
        self.extra.push_str("\r\n");
        self
    }

    pub fn referring(self, id: &str) -> Post {
        self.with(&format!("In-Reply-To: <{id}>"))
    }

    pub fn answering(self, letter: &Sent) -> Post {
        let to = letter.mail.from[0].address.clone();
        let subject = format!("Re: {}", letter.mail.subject);
        self.to(&to).subject(&subject).referring(&letter.id)
    }

    pub fn raw(&self, n: u32) -> Vec<u8> {
        let id = match &self.id {
            Some(id) if id.is_empty() => String::new(),
            Some(id) => format!("Message-ID: <{id}>\r\n"),
            None => format!("Message-ID: <mail{n}@outside.example>\r\n"),
        };
        let stamp = if self.stamp.is_empty() {
            String::new()
        } else {
            format!("Authentication-Results: {}\r\n", self.stamp)
        };
        format!(
            "{stamp}Received: from somewhere by mx.desk.example; Mon, 7 Sep 2026 09:00:00 +0200\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\n{}{id}{}{}\r\n{}",
            self.from,
            self.to,
            self.subject,
            self.date,
            self.extra,
            self.content,
            self.body.replace('\n', "\r\n")
        )
        .into_bytes()
    }
}

/// A report as RFC 3464 has it, to an address, about a letter.
pub fn report(to: &str, letter: &Sent, action: &str, status: &str) -> Post {
    let (recipient, id, subject) = (&letter.to, &letter.id, &letter.mail.subject);
    Post::from("Mail Delivery System <mailer-daemon@mx.acme.example>")
        .to(to)
        .subject("Undelivered Mail Returned to Sender")
        .with("Auto-Submitted: auto-replied")
        .with("MIME-Version: 1.0")
        .with("Content-Type: multipart/report; report-type=delivery-status; boundary=r")
        .body(&format!(
            "--r\nContent-Type: text/plain\n\nYour mail to {recipient} could not be delivered.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.acme.example\n\nFinal-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n--r\nContent-Type: text/rfc822-headers\n\nFrom: support@desk.example\nTo: {recipient}\nMessage-ID: <{id}>\nSubject: {subject}\n--r--\n"
        ))
}

/// `2026-09-07 09:00` in Switzerland.
pub fn swiss(local: &str) -> DateTime<Utc> {
    let form = if local.len() > 16 {
        "%Y-%m-%d %H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M"
    };
    let naive = NaiveDateTime::parse_from_str(local, form).expect("a local time");
    chrono_tz::Europe::Zurich
        .from_local_datetime(&naive)
        .earliest()
        .expect("an instant")
        .with_timezone(&Utc)
}

fn shipped(name: &str) -> String {
    std::fs::read_to_string(format!("{}/rules/{name}", env!("CARGO_MANIFEST_DIR")))
        .expect("a shipped file")
}

/// Read once: dozens of offices go by the same files.
static SHIPPED: LazyLock<Policy> = LazyLock::new(|| policy_with(|_, text| text, ""));

pub fn policy() -> Policy {
    Policy {
        book: SHIPPED.book.clone(),
        rules: SHIPPED.rules.clone(),
        templates: SHIPPED.templates.clone(),
        former: SHIPPED.former.clone(),
        keys: SHIPPED.keys.clone(),
        domain: SHIPPED.domain.clone(),
        queues: SHIPPED.queues.clone(),
        authserv_id: SHIPPED.authserv_id.clone(),
        bounce_address: SHIPPED.bounce_address.clone(),
        links: SHIPPED.links.clone(),
        sent_of: SHIPPED.sent_of.clone(),
        ..*SHIPPED
    }
}

/// With a file changed on its way, and with one more rule file.
pub fn policy_with(change: impl Fn(&str, String) -> String, more_rules: &str) -> Policy {
    let file = |name: &str| Source {
        file: name.into(),
        text: change(name, shipped(name)),
    };
    let book = Book::parse(
        &file("contract.toml"),
        &file("customers.toml"),
        &file("staff.toml"),
    )
    .expect("the contract");
    let shipped = ticketd::rules::SHIPPED
        .iter()
        .map(|(name, text)| (name.to_string(), text.to_string()));
    let more = (!more_rules.is_empty()).then(|| ("9-more.toml".to_string(), more_rules.into()));
    let rules: Vec<Source> = shipped
        .chain(more)
        .map(|(file, text)| Source { file, text })
        .collect();
    let queue = |name: &str, confidential| Queue {
        name: name.into(),
        address: format!("{name}@desk.example"),
        display_name: format!("Desk {name}"),
        aliases: vec![format!("{name}-alias@desk.example")],
        plus_addresses: name == "support",
        confidential,
        staff_names: true,
        keep_copies: !confidential,
    };
    Policy {
        book: Arc::new(book),
        book_hash: Fingerprint([0; 32]),
        former: Default::default(),
        rules: Arc::new(RuleBook::parse(&rules).expect("the rules")),
        templates: Arc::new(Templates::parse(&[]).expect("the letters")),
        keys: Keys::new(vec![('1', [7; 32])]),
        domain: "desk.example".into(),
        queues: vec![queue("support", false), queue("security", true)],
        authserv_id: Some("mx.desk.example".into()),
        acknowledge: Acknowledge::Authenticated,
        since: None,
        hold_letters: false,
        sent_of: Default::default(),
        security: Default::default(),
        bounce_address: None,
        reopen_within_days: 14,
        links: Links {
            escalation_address: "hi@desk.example".into(),
            vendor: "Desk".into(),
            status_page: "https://status.desk.example".into(),
            ..Links::default()
        },
    }
}
