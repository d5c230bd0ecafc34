//! A small world: customers, machines, staff and forgers who write; a courier; a disk that fails; a clock.

use crate::orders;
use crate::promises::Promises;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use ticketd::clerk::{Clerk, Job};
use ticketd::contract::{Book, Source};
use ticketd::deadlines::round_due;
use ticketd::desk::event::{Arrival, Command, Event, Moved, Movement};
use ticketd::desk::letter::Templates;
use ticketd::desk::policy::{Acknowledge, Links, Policy, Queue};
use ticketd::desk::record::{Cursor, Entry, Fate};
use ticketd::desk::token::Keys;
use ticketd::desk::{LetterKind, TicketId};
use ticketd::mail::{self, Fingerprint};
use ticketd::rules::RuleBook;
use ticketd::store::disk::{FakeDisk, Ruin};
use ticketd::store::index::MemoryIndex;
use ticketd::store::{Options, Reader, Store};

const STEPS: usize = 40;

/// What the courier delivered: Message-ID, recipient, bytes, and what its reader reads.
pub struct Sent {
    pub message_id: String,
    pub to: String,
    pub raw: String,
    /// Whether it speaks of a ticket of security's to somebody of the staff who is not of that queue.
    pub is_astray: bool,
    pub text: String,
    /// What a reader of its HTML reads.
    pub html: String,
}

impl Sent {
    pub fn of(message_id: String, to: String, bytes: &[u8], is_astray: bool) -> Sent {
        let mail = mail::read(bytes);
        let html = mail.html.as_deref().unwrap_or_default();
        Sent {
            message_id,
            to,
            raw: String::from_utf8_lossy(bytes).into_owned(),
            is_astray,
            html: mail::html::text(html, html.len()),
            text: mail.text,
        }
    }

    pub fn is_to_staff(&self) -> bool {
        self.to.ends_with("@vendor.example")
    }

    pub fn says(&self, words: &str) -> bool {
        let reads = |text: &str| {
            let flat: Vec<&str> = text.split_whitespace().collect();
            flat.join(" ").contains(words)
        };
        self.raw.contains(words) || reads(&self.text) || reads(&self.html)
    }
}

pub struct World {
    rng: Rng,
    loud: bool,
    pub now: DateTime<Utc>,
    disk: FakeDisk,
    index: MemoryIndex,
    clerk: Option<Clerk>,
    /// A copy of the index folder that somebody made at some time.
    older_index: Option<MemoryIndex>,
    /// Which contract and which rules are in force.
    files: (usize, usize),
    mailboxes: Vec<Mailbox>,
    /// Mail that a server received earlier is history.
    since: DateTime<Utc>,
    next_id: u32,
    pub sent: Vec<Sent>,
    promises: Promises,
}

/// A mailbox on its server: most get little, one gets most.
struct Mailbox {
    name: String,
    /// UID to bytes and INTERNALDATE.
    mails: BTreeMap<u32, (Vec<u8>, DateTime<Utc>)>,
    uid_validity: u32,
    next_uid: u32,
}

impl World {
    pub fn new(seed: u64, loud: bool) -> World {
        let mut rng = Rng::with_seed(seed);
        // A working day, or one of the days on which the clocks change, or a holiday.
        let days = [
            (2026, 9, 7),
            (2026, 3, 27),
            (2026, 10, 23),
            (2026, 4, 2),
            (2026, 12, 24),
        ];
        let (y, m, d) = days[rng.usize(..days.len())];
        let now = Utc
            .with_ymd_and_hms(y, m, d, rng.u32(4..20), rng.u32(..60), 0)
            .single()
            .expect("an instant");
        let mut world = World {
            rng,
            loud,
            now,
            disk: FakeDisk::new(),
            index: MemoryIndex::new(),
            clerk: None,
            older_index: None,
            files: (0, 0),
            mailboxes: MAILBOXES.iter().map(|name| Mailbox::named(name)).collect(),
            since: now,
            next_id: 0,
            sent: vec![],
            promises: Promises::default(),
        };
        world.start();
        world
    }

    /// Lives through its steps, then lets everything come to rest.
    pub fn live(mut self) {
        for _ in 0..STEPS {
            self.step();
            self.check();
        }
        self.come_to_rest();
    }

    fn step(&mut self) {
        if self.rng.u8(..6) == 0 {
            // The power goes at one of the next disk steps, wherever that is.
            self.disk.crash_at(self.disk.steps() + self.rng.u64(1..12));
        }
        if self.rng.u8(..12) == 0 {
            self.disk
                .fail_sync_at(self.disk.steps() + self.rng.u64(1..8));
        }
        match self.rng.u8(..16) {
            0..=4 => self.somebody_writes(),
            5 | 6 => self.poll_all(),
            7 | 8 => self.deliver(),
            9 => self.time_passes(),
            10 => self.kill(),
            11 => self.contract_changes(),
            12 => self.rules_change(),
            13 => self.older_index = Some(self.index.copy()),
            14 => self.somebody_orders(),
            _ => self.trouble(),
        }
        self.fire();
        // Both a power cut and a failing sync can hit what is done about the first one.
        while self.disk.is_off() {
            self.restart_after_power_cut();
            self.fire();
        }
    }

    // The people

    fn somebody_writes(&mut self) {
        let raw = match self.rng.u8(..14) {
            12 => return self.history(),
            13 => self.other_desk_writes(),
            0..=3 => self.request(),
            4 | 5 => self.answer_of_customer(),
            6 | 7 => self.answer_of_staff(true),
            8 => self.answer_of_staff(false),
            9 => self.machine(),
            10 => self.again(),
            _ => self.forged_id(),
        };
        self.put(raw);
    }

    fn put(&mut self, raw: Vec<u8>) {
        self.put_at(raw, self.now);
    }

    fn put_at(&mut self, raw: Vec<u8>, at: DateTime<Utc>) {
        // Half of it into the first; the others are small, and some stay empty for long.
        let which = match self.rng.bool() {
            true => 0,
            false => self.rng.usize(..self.mailboxes.len()),
        };
        let mailbox = &mut self.mailboxes[which];
        let words = format!(
            "mail {} arrives in {}: {}",
            mailbox.next_uid,
            mailbox.name,
            first_lines(&raw)
        );
        mailbox.mails.insert(mailbox.next_uid, (raw, at));
        mailbox.next_uid += 1;
        self.say(&words);
    }

    /// A mail that was there before ticketd was: its server's word says so, not its sender's.
    fn history(&mut self) {
        let raw = self.request();
        let at = self.since - TimeDelta::hours(self.rng.i64(1..2_000));
        self.put_at(raw, at);
    }

    /// Another desk that answers whatever it gets, and says nowhere that it is a machine: in the thread, or as a ticket of its own.
    fn other_desk_writes(&mut self) -> Vec<u8> {
        let id = self.id();
        let letter = self.sent.iter().rev().find(|l| l.to == OTHER_DESK);
        let about = letter
            .filter(|_| self.rng.bool())
            .map_or(String::new(), |l| {
                format!("In-Reply-To: <{}>\r\n", l.message_id)
            });
        mail(
            OTHER_DESK,
            true,
            &format!("Case {id} was opened"),
            &format!("We have received your mail and opened case {id}.\n"),
            &format!("<d{id}@{}>", domain(OTHER_DESK)),
            &about,
        )
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn request(&mut self) -> Vec<u8> {
        let who = PEOPLE[self.rng.usize(..PEOPLE.len())];
        let severity = self.rng.u8(1..5);
        let id = self.id();
        mail(
            who,
            true,
            &format!("Request {id}"),
            &format!("Severity: {severity}\nSomething is wrong with number {id}.\n"),
            &format!("<r{id}@{}>", domain(who)),
            "",
        )
    }

    fn answer_of_customer(&mut self) -> Vec<u8> {
        let to_customers: Vec<usize> = (0..self.sent.len())
            .filter(|i| !self.sent[*i].to.ends_with("@vendor.example"))
            .collect();
        let Some(letter) = self.rng.choice(to_customers) else {
            return self.request();
        };
        let (who, about) = (
            self.sent[letter].to.clone(),
            self.sent[letter].message_id.clone(),
        );
        let id = self.id();
        mail(
            &who,
            true,
            "Re: your answer",
            &format!("One more thing, number {id}.\n"),
            &format!("<a{id}@{}>", domain(&who)),
            &format!("In-Reply-To: <{about}>\r\n"),
        )
    }

    /// An answer to a notice; not authenticated, it is a forgery that happens to know the token.
    fn answer_of_staff(&mut self, authenticated: bool) -> Vec<u8> {
        let to_staff: Vec<usize> = (0..self.sent.len())
            .filter(|i| self.sent[*i].to.ends_with("@vendor.example"))
            .collect();
        let Some(letter) = self.rng.choice(to_staff) else {
            return self.request();
        };
        let (who, about) = (
            self.sent[letter].to.clone(),
            self.sent[letter].message_id.clone(),
        );
        let id = self.id();
        let (form, body) = match authenticated {
            true => {
                let quoted = self.sent[letter].text.clone();
                let tickets = self.tickets();
                orders::mail(&mut self.rng, id, tickets, &quoted)
            }
            false => ("text/plain", format!("Answer {id}: FORGED.\n")),
        };
        mail(
            &who,
            authenticated,
            "Re: notice",
            &body,
            &format!("<s{id}@vendor.example>"),
            &format!(
                "In-Reply-To: <{about}>\r\nMIME-Version: 1.0\r\nContent-Type: {form}; charset=utf-8\r\n"
            ),
        )
    }

    /// From a shell, on any ticket, by anybody; a colleague who may not is told so.
    fn somebody_orders(&mut self) {
        let (id, tickets) = (self.id(), self.tickets());
        let by = orders::STAFF[self.rng.usize(..orders::STAFF.len())];
        let line = orders::from_shell(&mut self.rng, id, tickets);
        let ticket = match line.starts_with("open") {
            true => TicketId::FILE,
            false => TicketId(self.rng.u64(1..tickets + 2)),
        };
        let command = Command {
            by: by.into(),
            ticket,
            line,
        };
        let words = format!("{by} on {ticket}: {}", command.line);
        let event = Event::Command(command);
        let done = self.process(vec![Job { event, raw: None }]);
        let reply = done.map(|done| done[0].reply.join(" "));
        self.say(&format!("{words}: {reply:?}"));
    }

    /// How many there are.
    fn tickets(&mut self) -> u64 {
        let mut count = 0;
        let mut counted = |_| {
            count += 1;
            true
        };
        self.reader().tickets(&mut counted).expect("the tickets");
        count
    }

    /// An automatic reply to our newest letter, or one out of the blue.
    fn machine(&mut self) -> Vec<u8> {
        let about = self.sent.last().map_or(String::new(), |l| {
            format!("In-Reply-To: <{}>\r\n", l.message_id)
        });
        let id = self.id();
        mail(
            "robot@acme.example",
            true,
            "Automatic reply",
            "I am away.\n",
            &format!("<m{id}@acme.example>"),
            &format!("Auto-Submitted: auto-replied\r\n{about}"),
        )
    }

    fn again(&mut self) -> Vec<u8> {
        let all = self.mailboxes.iter().flat_map(|m| m.mails.values());
        let old: Vec<Vec<u8>> = all.map(|(raw, _)| raw.clone()).collect();
        self.rng.choice(old).unwrap_or_else(|| self.request())
    }

    /// Another mail under a Message-ID that exists already (B04).
    fn forged_id(&mut self) -> Vec<u8> {
        let id = self.id();
        let taken = self.rng.u32(1..=id);
        mail(
            PEOPLE[0],
            true,
            "Other words",
            &format!("Same id, other words, number {id}.\n"),
            &format!("<r{taken}@{}>", domain(PEOPLE[0])),
            "",
        )
    }

    // The house

    fn start(&mut self) {
        let store = loop {
            match Store::over(
                Box::new(self.disk.clone()),
                Box::new(self.index.clone()),
                Options::default(),
            ) {
                Ok(store) => break store,
                // The power goes again while it opens.
                Err(_) if self.disk.is_off() => self.cut_power(),
                // A sync that fails while it opens leaves pages that the kernel calls clean and the disk has not; another process cannot know. The
                // machine is started again, as the error says.
                Err(e) if format!("{e:#}").contains("the disk could not write") => self.cut_power(),
                Err(e) => panic!("the store does not open again: {e:#}"),
            }
        };
        self.clerk = Some(Clerk::new(store, self.policy()));
        let taken = self
            .reader()
            .outbox()
            .expect("the outbox")
            .into_iter()
            .filter(is_taken);
        let lost = taken
            .map(|e| moved(&e, Movement::Lost("ended".into())))
            .collect();
        self.process(lost);
    }

    pub fn reader(&mut self) -> Reader {
        self.clerk
            .as_mut()
            .expect("the house is open")
            .store()
            .reader()
    }

    /// As the clerk's window does: an error takes nothing.
    fn process(&mut self, jobs: Vec<Job>) -> Option<Vec<ticketd::clerk::Done>> {
        if jobs.is_empty() || self.disk.is_off() {
            return None;
        }
        let now = self.now;
        self.clerk
            .as_mut()
            .expect("the house is open")
            .process(&jobs, now)
            .ok()
    }

    fn poll_all(&mut self) {
        for which in 0..self.mailboxes.len() {
            self.poll(which);
        }
    }

    /// How far a mailbox has been read, if that still means something.
    fn read_to(&mut self, which: usize) -> u32 {
        let mailbox = &self.mailboxes[which];
        let (name, uid_validity) = (mailbox.name.clone(), mailbox.uid_validity);
        let cursor = self.reader().cursor(&name).expect("the cursor");
        cursor
            .filter(|c| c.uid_validity == uid_validity)
            .map_or(0, |c| c.uid)
    }

    fn poll(&mut self, which: usize) {
        if self.disk.is_off() {
            return;
        }
        let after = self.read_to(which);
        let mails: Vec<(u32, Vec<u8>, DateTime<Utc>)> = self.mailboxes[which]
            .mails
            .range(after + 1..)
            .take(5)
            .map(|(uid, (raw, at))| (*uid, raw.clone(), *at))
            .collect();
        let last = mails.len();
        let jobs: Vec<Job> = mails
            .into_iter()
            .enumerate()
            .map(|(i, (uid, raw, at))| self.arrival(which, uid, raw, at, i + 1 == last))
            .collect();
        let raws: Vec<Fingerprint> = jobs
            .iter()
            .filter_map(|j| j.raw.as_deref())
            .map(Fingerprint::of)
            .collect();
        if let Some(done) = self.process(jobs) {
            self.say(&format!(
                "polled: {:?}",
                done.iter().map(|d| &d.because).collect::<Vec<_>>()
            ));
            for (raw, done) in raws.into_iter().zip(done) {
                self.promises.taken(raw, done.fate == Fate::Duplicate);
            }
        }
    }

    fn arrival(&self, which: usize, uid: u32, raw: Vec<u8>, at: DateTime<Utc>, last: bool) -> Job {
        let mailbox = &self.mailboxes[which];
        let cursor = last.then(|| Cursor {
            mailbox: mailbox.name.clone(),
            uid_validity: mailbox.uid_validity,
            uid,
            owed: vec![],
            polled: self.now,
        });
        let arrival = Arrival {
            mailbox: mailbox.name.clone(),
            queue: "support".into(),
            mail: Arc::new(mail::read(&raw)),
            received: at.min(self.now),
            silent: at < self.since,
            cursor,
            trouble: None,
        };
        Job {
            event: Event::MailArrived(Box::new(arrival)),
            raw: Some(raw.into()),
        }
    }

    /// The courier takes some letters; each of its moves can fail or be cut off.
    fn deliver(&mut self) {
        let some = self.rng.usize(1..6);
        for letter in self
            .reader()
            .letters_due(self.now, some)
            .expect("the outbox")
        {
            if is_taken(&letter) {
                self.tell(&letter, Movement::Lost("not heard of for long".into()));
                continue;
            }
            if self.disk.is_off() || !self.take(&letter) {
                return;
            }
            match self.rng.u8(..10) {
                0 => self.tell(&letter, Movement::Deferred("451 later".into())),
                1 => self.tell(&letter, Movement::Refused("550 no".into())),
                // It arrived, and nobody told us.
                2 => {
                    self.carry(&letter);
                    self.tell(&letter, Movement::Lost("connection lost".into()));
                }
                3 => self.tell(&letter, Movement::Lost("connection lost".into())),
                // It arrived, and we die before we write that down.
                4 => {
                    self.carry(&letter);
                    self.kill();
                    return;
                }
                _ => {
                    self.carry(&letter);
                    self.tell(&letter, Movement::Accepted("250 ok".into()));
                }
            }
        }
    }

    fn carry(&mut self, letter: &Entry) {
        let bytes = self
            .reader()
            .bytes(letter.place)
            .expect("a letter's bytes")
            .expect("a letter has bytes");
        let (to, message_id) = (
            letter
                .letter
                .as_ref()
                .map(|l| l.to.clone())
                .unwrap_or_default(),
            letter.message_id.clone().unwrap_or_default(),
        );
        self.say(&format!("letter {message_id} reaches {to}"));
        let raw = String::from_utf8_lossy(&bytes).into_owned();
        let is_astray = self.is_astray(letter, &to, &raw);
        self.sent.push(Sent::of(message_id, to, &bytes, is_astray));
        if self.sent.last().is_some_and(|l| l.to == OTHER_DESK) {
            let answer = self.other_desk_writes();
            self.put(answer);
        }
    }

    /// Whoever moved a ticket hears of that, and of nothing else.
    fn is_astray(&mut self, letter: &Entry, to: &str, raw: &str) -> bool {
        let (book, reader) = (self.policy().book.clone(), self.reader());
        let Some(person) = book.staff.by_address(to) else {
            return false;
        };
        let named = |text: &str| -> Option<u64> {
            let end = text.find(|c: char| !c.is_ascii_digit());
            text[..end.unwrap_or(text.len())].parse().ok()
        };
        let tickets: Vec<u64> = match letter.place.ticket {
            TicketId::FILE => {
                let text = mail::read(raw.as_bytes()).text;
                text.split('#').skip(1).filter_map(named).collect()
            }
            id if raw.contains("Moved from queue")
                && tells_own_move(letter, &person.id, &reader.entries(id).expect("entries")) =>
            {
                vec![]
            }
            id => vec![id.0],
        };
        let mut tickets = tickets
            .into_iter()
            .filter_map(|id| reader.ticket(TicketId(id)).expect("a ticket"));
        // Who opened it by a mail of their own is its customer.
        let may_know = |t: &ticketd::desk::ticket::Ticket| {
            t.requester.address == to || person.queues.contains(&t.queue)
        };
        tickets.any(|t| t.queue == "security" && !may_know(&t))
    }

    /// The content may follow only if that was committed.
    fn take(&mut self, letter: &Entry) -> bool {
        self.process(vec![moved(letter, Movement::Taken)])
            .is_some_and(|done| done[0].changed && !done[0].refused)
    }

    /// An answer is told until it is written down, or the power goes.
    fn tell(&mut self, letter: &Entry, what: Movement) {
        for _ in 0..10 {
            if self.process(vec![moved(letter, what.clone())]).is_some() || self.disk.is_off() {
                return;
            }
        }
    }

    fn time_passes(&mut self) {
        let minutes = [1, 7, 20, 60, 240, 900, 4000][self.rng.usize(..7)];
        self.now += TimeDelta::minutes(minutes);
        self.say(&format!("it is {}", self.now));
    }

    /// What the deadlines' loop does: every due step, until none is; after an error it tries again.
    fn fire(&mut self) {
        for _ in 0..200 {
            let (reader, now) = (self.reader(), self.now);
            let steps = reader.due(now, 20).expect("due steps").into_iter();
            let mut events: Vec<Event> = steps.map(Event::DeadlineReached).collect();
            if events.is_empty() {
                let digests = reader.digests_due(now, 20).expect("digests").into_iter();
                events.extend(digests.map(Event::DigestDue));
            }
            if events.is_empty() {
                events.extend(round_due(&reader, &self.policy(), now).expect("rounds"));
            }
            if events.is_empty() || self.disk.is_off() {
                return;
            }
            let jobs = events.into_iter().map(|event| Job { event, raw: None });
            self.process(jobs.collect());
        }
        panic!("due steps stay due");
    }

    // The trouble

    fn trouble(&mut self) {
        match self.rng.u8(..4) {
            // The folder was made anew: all UIDs are others.
            0 => {
                let which = self.rng.usize(..self.mailboxes.len());
                self.mailboxes[which].made_anew();
                self.say("UIDVALIDITY changed");
            }
            // The index is lost: the journal has everything.
            1 => self.restart_with(MemoryIndex::new(), "the index is lost"),
            // Somebody puts an older copy of its folder back: it is a start after a crash, of long ago.
            2 => {
                let older = self.older_index.take();
                let older = older.unwrap_or_else(|| self.index.copy());
                self.restart_with(older, "an older index is put back");
            }
            _ => self.kill(),
        }
    }

    fn restart_with(&mut self, index: MemoryIndex, why: &str) {
        self.say(why);
        self.clerk = None;
        self.index = index;
        self.start();
    }

    fn policy(&self) -> Arc<Policy> {
        let (contract, rules) = self.files;
        POLICIES[contract][rules].clone()
    }

    /// The operator writes the other contract, or the first one again: other hours, other prices. What was promised stays promised.
    fn contract_changes(&mut self) {
        self.files.0 = 1 - self.files.0;
        self.reload("the contract changes");
    }

    /// He writes other rules, or mistypes one: then the old ones stay in force, the good ones of that file with it unread.
    fn rules_change(&mut self) {
        let own = self.rng.usize(..OWN_RULES.len());
        match RuleBook::parse(&[own_rules(own)]) {
            Ok(_) => {
                self.files.1 = own;
                self.reload("the rules change");
            }
            Err(faults) => self.say(&format!("the old rules stay: {}", faults[0])),
        }
    }

    fn reload(&mut self, why: &str) {
        self.say(why);
        let policy = self.policy();
        if let Some(clerk) = &mut self.clerk {
            clerk.go_by(policy);
        }
    }

    fn kill(&mut self) {
        self.say("SIGKILL");
        self.clerk = None;
        self.disk.killed();
        self.start();
    }

    fn restart_after_power_cut(&mut self) {
        self.clerk = None;
        self.cut_power();
        self.start();
    }

    fn cut_power(&mut self) {
        let ruin = match self.rng.u8(..3) {
            0 => Ruin::Nothing,
            1 => Ruin::Everything,
            _ => Ruin::Torn(self.rng.u64(..)),
        };
        self.say(&format!("power cut: {ruin:?}"));
        self.disk.power_cut(ruin);
        // sled's file after a power cut can be anything; what it kept is checked or thrown away.
        if self.rng.bool() {
            self.index = MemoryIndex::new();
        }
    }

    fn come_to_rest(&mut self) {
        self.disk.killed();
        for _ in 0..400 {
            while self.disk.is_off() {
                self.restart_after_power_cut();
            }
            self.now += TimeDelta::minutes(5);
            self.poll_all();
            self.fire();
            for letter in self.reader().letters_due(self.now, 50).expect("the outbox") {
                if is_taken(&letter) {
                    self.tell(&letter, Movement::Lost("not heard of for long".into()));
                } else if self.take(&letter) {
                    self.carry(&letter);
                    self.tell(&letter, Movement::Accepted("250".into()));
                }
            }
            let is_read = (0..self.mailboxes.len())
                .all(|which| self.read_to(which) + 1 >= self.mailboxes[which].next_uid);
            if is_read && self.reader().next_letter().expect("the outbox").is_none() {
                break;
            }
        }
        self.check();
        let all = self.mailboxes.iter().flat_map(|m| m.mails.values());
        let raws: Vec<Fingerprint> = all.map(|(raw, _)| Fingerprint::of(raw)).collect();
        let reader = self.reader();
        self.promises.at_rest(&reader, &raws);
        self.same_after_rebuild();
    }

    fn check(&mut self) {
        let reader = self.reader();
        let own = self.files.1;
        self.promises
            .check(&reader, &self.sent, own, self.now, self.since);
    }

    /// The journal alone gives the same index, row by row.
    fn same_after_rebuild(&mut self) {
        self.clerk = None;
        let anew = MemoryIndex::new();
        Store::over(
            Box::new(self.disk.clone()),
            Box::new(anew.clone()),
            Options::default(),
        )
        .expect("the journal opens");
        assert_eq!(
            without_meta(anew.rows()),
            without_meta(self.index.rows()),
            "replay gives another index"
        );
    }

    fn say(&self, what: &str) {
        if self.loud {
            println!("{}  {what}", self.now.format("%a %d %H:%M"));
        }
    }
}

impl Mailbox {
    fn named(name: &str) -> Mailbox {
        Mailbox {
            name: name.into(),
            mails: BTreeMap::new(),
            uid_validity: 1,
            next_uid: 1,
        }
    }

    /// All UIDs are others.
    fn made_anew(&mut self) {
        let mails = std::mem::take(&mut self.mails).into_values();
        self.mails = (1..).zip(mails).collect();
        self.uid_validity += 1;
        self.next_uid = self.mails.len() as u32 + 1;
    }
}

fn without_meta(rows: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    rows.into_iter()
        .filter(|(key, _)| !key.starts_with("meta"))
        .map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned()))
        .collect()
}

/// What became of an order of somebody who has moved the ticket.
pub fn tells_own_move(letter: &Entry, person: &str, entries: &[Entry]) -> bool {
    let kind = letter.letter.as_ref().map(|l| l.kind);
    let mut moves = entries
        .iter()
        .filter(|e| e.text.starts_with("Moved from queue"));
    kind == Some(LetterKind::Transcript) && moves.any(|e| e.from == person)
}

fn is_taken(entry: &Entry) -> bool {
    entry
        .letter
        .as_ref()
        .is_some_and(|l| matches!(l.road, ticketd::desk::record::Road::Taken { .. }))
}

fn moved(letter: &Entry, to: Movement) -> Job {
    Job {
        event: Event::LetterMoved(Moved {
            letter: letter.place,
            to,
        }),
        raw: None,
    }
}

pub const MAILBOXES: [&str; 5] = ["support", "info", "shop", "events", "archive"];

pub const OTHER_DESK: &str = "desk@other.example";

const PEOPLE: [&str; 6] = [
    "alice@acme.example",
    "kaethi@baeckerei-keller.example",
    "jonas@initech.example",
    "gina@globex.example",
    "stranger@elsewhere.example",
    "support@desk.example",
];

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, d)| d)
}

fn mail(
    from: &str,
    authenticated: bool,
    subject: &str,
    body: &str,
    id: &str,
    extra: &str,
) -> Vec<u8> {
    let verdict = if authenticated { "pass" } else { "fail" };
    format!(
        "Authentication-Results: mx.desk.example; dmarc={verdict} header.from={}\r\nReceived: from somewhere by mx.desk.example; Mon, 7 Sep 2026 08:00:00 +0200\r\n\
         From: {from}\r\nTo: support@desk.example\r\nSubject: {subject}\r\nDate: Mon, 7 Sep 2026 08:00:00 +0200\r\nMessage-ID: {id}\r\n{extra}\r\n{}",
        domain(from),
        body.replace('\n', "\r\n")
    )
    .into_bytes()
}

fn first_lines(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.lines()
        .filter(|l| {
            l.starts_with("From:") || l.starts_with("Message-ID:") || l.starts_with("In-Reply")
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What an operator has in a rule file of his own. The last one is mistyped, and its first rule is not.
pub const OWN_RULES: [&str; 3] = [
    "[[rule]]\nbecause = \"some rules\"\nsaid = ['number']\ntag = 'own-0'\nmatches = ['number']\n",
    "[[rule]]\nbecause = \"other rules\"\nsaid = ['number']\ntag = 'own-1'\nmatches = ['number']\n\
     [[rule]]\nbecause = \"a hole\"\nsaid = ['number \\d*7\\b']\nqueue = 'security'\nseverity = 1\nmatches = ['number 17']\n",
    "[[rule]]\nbecause = \"mistyped rules\"\nsaid = ['number']\ntag = 'own-2'\nmatches = ['number']\n\
     [[rule]]\nbecause = \"no proof\"\nsaid = ['numbre']\ntag = 'own-2'\nmatches = ['number']\n",
];

fn own_rules(which: usize) -> Source {
    Source {
        file: "rules/mailboxes/9-own.toml".into(),
        text: OWN_RULES[which].into(),
    }
}

/// Compiled once: by contract and by rules. The shipped contract, and that of an operator who has written other hours and prices under the old date; each
/// knows the other, as the journal would have it. Of his own rules those that are not mistyped.
static POLICIES: LazyLock<[[Arc<Policy>; 2]; 2]> = LazyLock::new(|| {
    let hashes = [Fingerprint([0; 32]), Fingerprint([1; 32])];
    let other = |text: String| {
        let hours = text.replace("Mo-Fr 08:00-17:00; PH off", "Mo-Fr 09:30-12:00; PH off");
        hours.replace("days = 1 ", "days = 7 ")
    };
    let mut both = [policy(|text| text), policy(other)];
    let books = both.each_ref().map(|p| p.book.clone());
    for (n, policy) in both.iter_mut().enumerate() {
        policy.book_hash = hashes[n];
        policy.former = Arc::new([(hashes[1 - n], books[1 - n].clone())].into());
    }
    let rules = [0, 1].map(|own| {
        let files = [RuleBook::shipped_files(), vec![own_rules(own)]].concat();
        Arc::new(RuleBook::parse(&files).expect("good rules"))
    });
    both.map(|policy| {
        rules.each_ref().map(|rules| {
            Arc::new(Policy {
                rules: rules.clone(),
                ..policy.clone()
            })
        })
    })
});

/// The shipped contract, customers, staff and letters; no rules.
fn policy(contract: impl Fn(String) -> String) -> Policy {
    let file = |name: &str| Source {
        file: name.into(),
        text: std::fs::read_to_string(format!("{}/rules/{name}", env!("CARGO_MANIFEST_DIR")))
            .expect("a shipped file"),
    };
    let changed = |name: &str| {
        let Source { file, text } = file(name);
        Source {
            file,
            text: contract(text),
        }
    };
    let book = Book::parse(
        &changed("contract.toml"),
        &file("customers.toml"),
        &file("staff.toml"),
    )
    .expect("the shipped contract");
    let queue = |name: &str, confidential| Queue {
        name: name.into(),
        address: format!("{name}@desk.example"),
        display_name: name.into(),
        aliases: vec![],
        plus_addresses: false,
        confidential,
        staff_names: true,
        keep_copies: !confidential,
    };
    Policy {
        book: Arc::new(book),
        book_hash: Fingerprint([0; 32]),
        former: Default::default(),
        rules: Arc::new(RuleBook::default()),
        templates: Arc::new(Templates::parse(&[]).expect("the shipped letters")),
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
            ..Links::default()
        },
    }
}
