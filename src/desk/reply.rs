//! A mail from somebody of the staff.
//!
//! Authority needs three locks together (ATTACKS.md A01): a token made for this person for this ticket, authentication by our own mail server, and the staff
//! list, looked at now. Anything less does nothing but tell staff. Commands stand in the first lines; one anywhere else holds the mail back (D10).
//!
//! What is relayed is the writer's own text: of what he quotes only the customer's own words, and nothing if he wrote nothing.

use super::arrival::{self, Case};
use super::belonging::{self, Belonging, Proof};
use super::command::{self, By, Orders, Words, may_act};
use super::draft::Draft;
use super::letter::{self, LetterKind};
use super::record::{Allowance, Counters, Direction, Entry, EntryKind, Fate, Outcome, Record};
use super::ticket::Ticket;
use super::{Known, acknowledgement, answer, correspondence, delivery, echo, thread};
use crate::contract::Person;
use crate::mail::picture::Pictures;
use crate::mail::sender::Trust;
use crate::mail::text::cleaned;
use crate::mail::{Attachment, Fingerprint, Mail, Mailbox, TextOf, forward, language, quote};
use crate::rules::Verdict;
use chrono::TimeDelta;

/// Why nothing went to the customer of a mail whose text is nothing but placeholders, or nothing at all.
const PICTURES_ALONE: &str = "There is no text of your own in the mail: a picture or a file alone may be a signature's and did not go to the customer. Write a word with it.";

/// So many answers on a ticket may differ in numbers alone within a day: more is a machine that counts.
const ALIKE_A_DAY: usize = 3;

/// What becomes of a human mail whose one author stands in the staff list.
pub(super) fn from_staff(
    case: &Case,
    known: &Known,
    belonging: Belonging,
    person: &Person,
    counters: Counters,
) -> Outcome {
    if let Err(why) = authenticated(case, person) {
        return arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!(
                "it claims to be from {} of the staff, and {why}: nothing was carried out or relayed",
                person.id
            ),
        );
    }
    let (Some(ticket), Some(proof)) = (belonging.ticket.clone(), belonging.proof.clone()) else {
        let (commands, text) = command::split(&own_text(case.mail));
        if command::begins_with_a_command(&commands) && !case.arrival.silent {
            return command::opened_by_mail(case, known, person, &commands, &text, counters);
        }
        // A new request of a colleague is a request like any other.
        return forwarded(case, known, person, counters).unwrap_or_else(|| {
            if acknowledgement::is_repeated(case, known) {
                let because = format!("{} said the same within the day: filed", person.id);
                return arrival::file(case, counters, because);
            }
            arrival::from_requester(case, known, belonging, counters)
        });
    };
    if let Proof::ReturnPath { .. } = proof {
        return given_back(case, ticket, person);
    }
    if asked_himself(&proof, &ticket, person) {
        return arrival::from_requester(case, known, belonging, counters);
    }
    match token_lock(&proof, person) {
        Ok(()) if may_act(person, &ticket.queue) => answered(case, known, ticket, &proof, person),
        Ok(()) => arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!("{} may not act on queue {}", person.id, ticket.queue),
        ),
        Err(_) if wrote_to_requester(case, &ticket) && may_act(person, &ticket.queue) => {
            seen_directly(case, known, ticket, person)
        }
        Err(why) => arrival::set_aside(
            case,
            counters,
            &Verdict::default(),
            &format!("{why}: nothing was carried out or relayed"),
        ),
    }
}

/// A forward of what a customer wrote to this member of the staff: a request of that customer's (two locks: who forwards is authenticated and on the staff
/// list). None where it is nobody else's mail, or this person may not work on the queue.
fn forwarded(case: &Case, known: &Known, person: &Person, counters: Counters) -> Option<Outcome> {
    if !thread::is_forward(&case.mail.subject) || !may_act(person, &case.queue.name) {
        return None;
    }
    let original = forward::original(case.mail)?;
    let author = original.author.address.clone();
    if case.policy.is_own_address(&author) || case.policy.book.staff.by_address(&author).is_some() {
        return None;
    }
    let mail = Mail {
        from: vec![original.author],
        subject: match original.subject.as_str() {
            "" => thread::bare_subject(&case.mail.subject).to_string(),
            subject => subject.to_string(),
        },
        language: language::detect_with_rest(&original.subject, &original.text, &original.text),
        new_text: original.text,
        message_id: original.message_id,
        in_reply_to: vec![],
        references: vec![],
        ..case.mail.clone()
    };
    let case = Case {
        mail: &mail,
        author: Some(author),
        vouched_by: Some(person.id.clone()),
        resting: case.resting.clone(),
        trust: case.trust.clone(),
        ..*case
    };
    // Belongs to where the customer's own mail went, if that came by another road too.
    let belonging = belonging::find(&case, known);
    acknowledgement::ask(&case, known);
    if known.lacks() {
        return Some(Outcome::default());
    }
    Some(arrival::from_requester(&case, known, belonging, counters))
}

/// No person writes to a return path: a responder without any mark does. Nobody is told, or it would answer that too.
fn given_back(case: &Case, ticket: Ticket, person: &Person) -> Outcome {
    let because = format!(
        "came from {} to the return path of a letter, where no person writes: filed",
        person.id
    );
    let mut draft = case.draft(ticket);
    arrival::record_mail(&mut draft, case, EntryKind::Filed, &because);
    draft.finish(because, Fate::Filed)
}

/// Whether it is a colleague's own request that he writes about, and no letter to him as one of the staff that he answers.
fn asked_himself(proof: &Proof, ticket: &Ticket, person: &Person) -> bool {
    token_lock(proof, person).is_err()
        && person
            .addresses
            .iter()
            .any(|a| a.eq_ignore_ascii_case(&ticket.requester.address))
}

/// The second lock: aligned DMARC, or submitted to our own server by this person's account.
fn authenticated(case: &Case, person: &Person) -> Result<(), String> {
    match &case.trust {
        Trust::Aligned => Ok(()),
        Trust::Submitted(account)
            if person
                .accounts
                .iter()
                .any(|a| a.eq_ignore_ascii_case(account)) =>
        {
            Ok(())
        }
        Trust::Submitted(account) => Err(format!(
            "it was submitted by the account {}",
            cleaned(account, 100)
        )),
        Trust::Unknown => Err("no authserv-id is configured, so nothing can be proven".into()),
        Trust::Unproven(why) | Trust::Ambiguous(why) => Err(format!(
            "our mail server does not confirm it ({})",
            cleaned(why, 200)
        )),
    }
}

/// The first lock: a token of a letter that went to this very person.
fn token_lock(proof: &Proof, person: &Person) -> Result<(), String> {
    let to_staff = |kind: &LetterKind| {
        matches!(
            kind,
            LetterKind::Notice | LetterKind::Warning | LetterKind::Breach | LetterKind::Transcript
        )
    };
    match proof {
        Proof::Token {
            kind, recipient, ..
        } if to_staff(kind)
            && person
                .addresses
                .iter()
                .any(|a| a.eq_ignore_ascii_case(recipient)) =>
        {
            Ok(())
        }
        Proof::Token { .. } => Err("it answers a letter that went to somebody else".into()),
        Proof::ReturnPath { .. } | Proof::Stored | Proof::Number => {
            Err("it does not answer a letter that went to this person".into())
        }
    }
}

pub(super) fn wrote_to_requester(case: &Case, ticket: &Ticket) -> bool {
    names(&case.mail.to, ticket)
}

fn names(recipients: &[Mailbox], ticket: &Ticket) -> bool {
    let requester = &ticket.requester.address;
    !requester.is_empty()
        && recipients
            .iter()
            .any(|m| m.address.eq_ignore_ascii_case(requester))
}

/// An answer sent past the desk, with the queue in copy: it stops the clock at our receipt of it (C4.4).
pub(super) fn seen_directly(
    case: &Case,
    known: &Known,
    ticket: Ticket,
    person: &Person,
) -> Outcome {
    let id = ticket.id;
    let mut draft = case.draft(ticket);
    let text = format!("{} answered the customer directly.", person.id);
    arrival::record_mail(&mut draft, case, EntryKind::Mail, &text);
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Out;
    }
    let own = own_text(case.mail);
    let says = !own.is_empty() && !Pictures::of(case.mail).are_all_of(&own);
    if !case.arrival.silent && says {
        answered_directly(&mut draft, case, known, person);
    }
    draft.finish(
        format!("{} answered ticket {id} directly", person.id),
        Fate::Joined,
    )
}

fn answered_directly(draft: &mut Draft, case: &Case, known: &Known, person: &Person) {
    if let Some(id) = &case.mail.message_id {
        draft.refer_to(id);
    }
    let at = case.arrival.received;
    delivery::answered_by(draft, known, &person.id, at, at);
}

/// All three locks are open: commands first, the rest goes to the customer.
fn answered(case: &Case, known: &Known, ticket: Ticket, proof: &Proof, person: &Person) -> Outcome {
    let id = ticket.id;
    let written = known.entries(id);
    let mut draft = case.draft(ticket);
    let own = own_text(case.mail);
    let (commands, text) = command::split(&own);
    // The lines of the commands: what follows them is the end of what he wrote.
    let above = own.strip_suffix(text.trim_end()).unwrap_or_default();
    // What a client writes for the logo of a signature is no answer (C4.4).
    let pictures_alone = Pictures::of(case.mail).are_all_of(&text);
    let text = match text.trim() {
        _ if pictures_alone => String::new(),
        // Nobody here can read it; it is the writer's own all the same.
        "" if commands.is_empty() => sealed(&draft, case.mail),
        text => text.to_string(),
    };
    let text = text.trim();
    let from = format!("From {} of the staff.", person.id);
    arrival::record_mail(&mut draft, case, EntryKind::Mail, &from);
    if let Some(entry) = draft.last_entry() {
        entry.direction = Direction::Internal;
    }
    if case.arrival.silent {
        return draft.finish("history: of staff", Fate::Joined);
    }
    let said = said(&draft, case, &commands, text);
    let words = words(text);
    let answers = match proof {
        Proof::Token { place, .. } => Some(*place),
        _ => None,
    };
    if let Some(facts) = draft.last_entry().and_then(|e| e.mail.as_mut()) {
        (facts.said, facts.words, facts.answers) = (Some(said), Some(words), answers);
    }
    let within_a_day = |entry: &&Entry| case.now - entry.at < TimeDelta::days(1);
    // Commands are said again for a reason.
    let today = || {
        let plain = written.iter().filter(|_| commands.is_empty());
        plain.filter(within_a_day)
    };
    let facts = |entry: &Entry| entry.mail.clone();
    let same = |e: &&Entry| facts(e).is_some_and(|m| m.said == Some(said));
    let alike = |e: &&Entry| facts(e).is_some_and(|m| m.words == Some(words));
    // To the same letter never twice (A10).
    let replayed = written
        .iter()
        .filter(same)
        .find(|e| answers.is_some() && facts(e).is_some_and(|m| m.answers == answers));
    // As a machine says them: the same words not twice a day, words that differ in numbers alone not a fourth time.
    let repeated = today().find(same);
    let counted_up = today().filter(alike).nth(ALIKE_A_DAY - 1);
    if let Some(before) = replayed.or(repeated).or(counted_up) {
        return said_before(draft, case, known, person, before.place.seq);
    }
    // On a copy, so that nothing of it is left if anything is wrong.
    let mut orders = Orders::on(draft.clone(), known, By::person(person));
    let (mut done, mut wrong) = orders.carry_out(&commands);
    wrong.extend(command::faults(&commands, text, case.mail));
    wrong.extend(held_because(
        &draft,
        case,
        known,
        (proof, person),
        (&commands, text),
    ));
    if orders.answer.is_some() || !text.is_empty() {
        wrong.extend(orders.out_of_reach());
    }
    if orders.answer.is_some() && !text.is_empty() {
        wrong.push(
            "A letter of #template is a whole answer; leave out your own text, or the command."
                .into(),
        );
    }
    if !wrong.is_empty() {
        correspondence::transcript(&mut draft, person, vec![], wrong, None);
        return draft.finish(
            format!("held back a mail of {} on ticket {id}", person.id),
            Fate::Joined,
        );
    }
    if orders.dry {
        correspondence::tried(&mut draft, person, done, text);
        return draft.finish(
            format!("tried by {} on ticket {id}", person.id),
            Fate::Joined,
        );
    }
    let (help, answer) = (orders.help, orders.answer.take());
    let mut draft = orders.draft;
    let has_it = names(&case.mail.cc, &draft.ticket) || wrote_to_requester(case, &draft.ticket);
    let mut relayed_to = None;
    if let Some(answer) = &answer {
        relayed_to = Some(correspondence::relay(
            &mut draft,
            person,
            answer,
            None,
            vec![],
        ));
        done.extend(told_of_each_other(&mut draft, written, proof, person));
    } else if !text.is_empty() && !has_it {
        let (to, left_out) = answer::relayed(&mut draft, case, person, (above, text));
        relayed_to = Some(to);
        done.extend(left_out);
        done.extend(told_of_each_other(&mut draft, written, proof, person));
    } else if !text.is_empty() {
        answered_directly(&mut draft, case, known, person);
    } else if pictures_alone && !has_it {
        done.push(PICTURES_ALONE.into());
    }
    if help {
        correspondence::manual(&mut draft, person, done);
    } else if !done.is_empty() {
        correspondence::transcript(&mut draft, person, done, vec![], relayed_to.as_deref());
    }
    draft.finish(format!("{} on ticket {id}", person.id), Fate::Joined)
}

/// What a mail says: the same again is a replay of it, or a machine that answers whatever it gets.
fn said(draft: &Draft, case: &Case, commands: &[Words], text: &str) -> Fingerprint {
    let files = case.mail.attachments.iter().map(|a| (&a.name, a.bytes));
    let files: Vec<_> = files.collect();
    let whole = (draft.ticket.id, &case.author, commands, text, files);
    Fingerprint::of(format!("{whole:?}").as_bytes())
}

fn words(text: &str) -> Fingerprint {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    Fingerprint::of(letters.as_bytes())
}

/// Nothing is carried out or relayed a second time; the writer hears so once an hour, since a machine would answer that too.
fn said_before(
    mut draft: Draft,
    case: &Case,
    known: &Known,
    person: &Person,
    entry: u32,
) -> Outcome {
    let name = format!("again:{}", person.id);
    let allowance = known.allowance(&name).cloned().unwrap_or(Allowance {
        name,
        ..Allowance::default()
    });
    let told = allowance.sent_within(case.now, 3_600) > 0;
    let because = format!(
        "{} said the same before (entry {entry}): nothing is done twice",
        person.id
    );
    if told {
        return draft.finish(because, Fate::Joined);
    }
    let wrong = format!(
        "You have said just this before (entry {entry}), and it was dealt with then. If you mean it again, say it in other words."
    );
    correspondence::transcript(&mut draft, person, vec![], vec![wrong], None);
    let outcome = draft.finish(because, Fate::Joined);
    outcome.with(Record::Allowance(allowance.with_one_more(case.now)))
}

/// The writer's own words and nothing else: of our notice, which he quotes, the customer may see the customer's words only. What stands in an enclosed file or
/// mail is nobody's answer.
fn own_text(mail: &Mail) -> String {
    let own = || quote::own_text(&mail.text, mail.html.as_deref(), letter::BAR);
    match mail.text_of {
        TextOf::Attached => String::new(),
        TextOf::Plain | TextOf::Html => own().unwrap_or_default(),
    }
}

/// What stands for an answer that is a file which its recipient alone can read; else nothing. A PGP message in the text is text like any other: the writer's own
/// is found there, and what he quotes is somebody else's.
fn sealed(draft: &Draft, mail: &Mail) -> String {
    match mail.is_encrypted_whole() {
        true => correspondence::sealed(draft).text,
        false => String::new(),
    }
}

/// Why a mail with three open locks is held back all the same: each time the customer might read what was not meant for him, or the writer might think that
/// something was sent.
fn held_because(
    draft: &Draft,
    case: &Case,
    known: &Known,
    (proof, person): (&Proof, &Person),
    (commands, text): (&[Words], &str),
) -> Vec<String> {
    let mut because = vec![];
    if case.mail.written.is_none() {
        because
            .push("The mail has no Message-ID, so it could not be told from a repetition.".into());
    }
    if thread::is_forward(&case.mail.subject) {
        because
            .push("The mail is a forward, and a forward is no answer; reply to the notice.".into());
    }
    // With commands alone nothing of it goes out.
    if !text.is_empty() && case.mail.attachments.iter().any(is_opaque) {
        because.push("The mail holds S/MIME that does not say that it is encrypted, and may be signed in a form that hides its text (\"opaque\"), with all that is quoted in it; sign it in the clear, or not at all.".into());
    }
    if commands.is_empty() && text.is_empty() {
        because.push(match case.mail.attachments.is_empty() {
            true => "There is no text of your own in the mail.".into(),
            false => PICTURES_ALONE.into(),
        });
    }
    if !text.is_empty() {
        because.extend(draft.unreachable());
    }
    let everyone = commands.iter().filter(|w| w.name == "everyone");
    let answered = match proof {
        Proof::Token { place, .. } => echo::Answered::at(*place, draft, known, person),
        Proof::ReturnPath { .. } | Proof::Stored | Proof::Number => None,
    };
    let to_all = answered.as_ref().map(|a| a.for_everyone(&draft.ticket));
    let everyone = everyone.map(|w| (w.rest.as_str(), to_all.as_ref()));
    let mut outgoing = everyone.chain([(text, answered.as_ref())]);
    if outgoing
        .any(|(text, letter)| !text.is_empty() && quotes_ourselves(draft, case, letter, text))
    {
        because.push("Our own notice stands in what would go to the customer; delete the quotation and answer again.".into());
    }
    because
}

/// Whether a letter of ours stands in what would go out: in the text, or in what goes along and a client makes of the text or shows below it.
fn quotes_ourselves(
    draft: &Draft,
    case: &Case,
    answered: Option<&echo::Answered>,
    text: &str,
) -> bool {
    let repeats = |text: &str| echo::repeats(draft.policy, answered, text);
    let along = command::invited(case.mail);
    let along = along.iter().chain(&case.mail.shown_below);
    repeats(text) || along.into_iter().any(|text| repeats(text))
}

/// Who else has answered since the letter was written that this one answers: both are told. What the writer reads of it.
fn told_of_each_other(
    draft: &mut Draft,
    written: &[Entry],
    proof: &Proof,
    person: &Person,
) -> Vec<String> {
    let Proof::Token { place, .. } = proof else {
        return vec![];
    };
    let staff = &draft.policy.book.staff;
    let own = draft.last_relay();
    let mut others: Vec<(&Person, u32)> = vec![];
    // What stands above the letter in the record its reader could see.
    for entry in written.iter().skip_while(|e| e.place != *place) {
        let is_answer = entry
            .letter
            .as_ref()
            .is_some_and(|l| l.kind == LetterKind::Relay);
        let other = staff.by_id(&entry.from).filter(|p| p.id != person.id);
        if let Some(other) = other.filter(|_| is_answer)
            && !others.iter().any(|(p, _)| p.id == other.id)
        {
            others.push((other, entry.place.seq));
        }
    }
    for (other, _) in &others {
        correspondence::answered_too(draft, other, person, own);
    }
    let words = |(other, seq): &(&Person, u32)| {
        format!(
            "{} has answered the customer too, after the mail that you answered was written: entry {seq}.",
            other.name
        )
    };
    others.iter().map(words).collect()
}

/// S/MIME that hides its text from us and not from anybody who takes it apart: it is signed, or does not say what it is (RFC 8551, 3.2.2). Some servers put such
/// a part below a text of their own, and call it a file.
fn is_opaque(file: &Attachment) -> bool {
    let kind = file.media_type.as_str();
    let is_smime = matches!(kind, "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || file.name.to_ascii_lowercase().ends_with(".p7m");
    is_smime && !file.is_enveloped
}
