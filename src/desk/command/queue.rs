//! `#queue`: a ticket goes to another queue with its whole record, foremost a report for security that came to support.
//!
//! Who may act in the queue that a ticket is in may move it. Into a confidential queue that is anybody who sees the ticket, since fewer see it afterwards; out of
//! one it is its own people, as nobody else may act in it (ATTACKS.md A08, G05).
//!
//! Promise: from that commit on nobody hears anything of a confidential ticket who is not of its queue. Its rows and the values in the index are made anew, letters
//! to others that have not left are dropped, and who may not act in the queue neither has the ticket nor watches it any more. What was promised stays promised
//! ([`Turn::Queued`]).

use super::merging::merged_into_it;
use super::{Done, Orders, may_act};
use crate::desk::clocks::Turn;
use crate::desk::draft::Draft;
use crate::desk::record::{Direction, Entry, EntryKind, Record, Road};
use crate::desk::ticket::TicketId;
use crate::desk::{Known, correspondence, delivery};

pub(super) fn queue(orders: &mut Orders, name: &str) -> Done {
    let policy = orders.draft.policy;
    let Some(to) = policy.queues.iter().find(|q| q.name == name) else {
        let names: Vec<&str> = policy.queues.iter().map(|q| q.name.as_str()).collect();
        return Err(format!(
            "#queue \"{name}\" is unknown; use one of {}.",
            names.join(", ")
        ));
    };
    let from = orders.draft.queue();
    if orders.opening {
        return Err(format!(
            "#queue: say at once where it belongs, with #open {name} ADDRESS SUBJECT."
        ));
    }
    if from.name == to.name {
        return Err(format!("#queue: it is in queue {name} already."));
    }
    if policy.book.staff.of_queue(name).next().is_none() {
        return Err(format!("#queue: nobody works on queue {name}."));
    }
    if to.confidential && orders.draft.has_letters() {
        return Err(
            "#queue: a command above it writes to people who may not know any more; say #queue first."
                .into(),
        );
    }
    let mut earlier = merged_into_it(orders);
    let mut clocks = std::iter::once(&orders.draft)
        .chain(&earlier)
        .flat_map(|draft| &draft.ticket.clocks);
    if !to.confidential && clocks.any(|c| c.is_running() && c.kind.is_for_authorities()) {
        return Err(format!(
            "#queue: a report to the authorities is owed, which is for queue {} to make; say #reported first.",
            from.name
        ));
    }
    let (known, by) = (orders.known, orders.by.id);
    // What was merged into it is part of what it says.
    for draft in &mut earlier {
        moved(draft, known, by, name);
    }
    orders.draft.beside.extend(earlier);
    let line = moved(&mut orders.draft, known, by, name);
    let entries = known.entries(orders.draft.ticket.id).iter();
    let first = entries.filter(|e| e.kind == EntryKind::Mail).find_map(|e| {
        let is_theirs = e.direction == Direction::In;
        e.mail
            .as_ref()
            .filter(|_| is_theirs)
            .map(|m| (e.place, m.raw))
    });
    let mail = first.and_then(|(place, _)| known.mail(place));
    let words = mail.map_or("", |mail| mail.new_text.as_str());
    let encrypted = mail.is_some_and(|mail| mail.is_encrypted());
    let raw = first.map(|(_, raw)| raw);
    correspondence::notify_moved(&mut orders.draft, words, raw, encrypted);
    Ok(line)
}

/// One ticket goes there; what is told of it.
fn moved(draft: &mut Draft, known: &Known, by: &str, name: &str) -> String {
    let from = draft.ticket.queue.clone();
    let staff = &draft.policy.book.staff;
    let is_of_it = |id: &String| staff.by_id(id).is_some_and(|p| may_act(p, name));
    let mut line = format!("Moved from queue {from} to queue {name}.");
    let ticket = &mut draft.ticket;
    let mut others: Vec<String> = ticket
        .assignee
        .take_if(|id| !is_of_it(id))
        .into_iter()
        .collect();
    others.extend(ticket.watchers.extract_if(.., |id| !is_of_it(id)));
    if !others.is_empty() {
        line.push_str(&format!(
            " {} of it: neither assigned nor watching any more.",
            match &others[..] {
                [one] => format!("{one} is not"),
                more => format!("{} are not", more.join(", ")),
            }
        ));
    }
    if let Some(incident) = ticket
        .incident
        .take_if(|_| draft.policy.queue(name).confidential)
    {
        line.push_str(&format!(
            " The answer to all of incident {incident} leaves it out."
        ));
    }
    draft.entry(EntryKind::Command, Direction::Internal, by, &line);
    draft.turn(Turn::Queued {
        from: from.clone(),
        to: name.into(),
    });
    if !draft.ticket.former_queues.contains(&from) {
        draft.ticket.former_queues.push(from);
    }
    rewritten(draft, known);
    line
}

/// The record so far is written once more, now in its new queue: mails that cite it are found there from this commit on, and the index keeps no word of what is
/// confidential. Letters to others about such a ticket do not leave if they still wait.
fn rewritten(draft: &mut Draft, known: &Known) {
    let confidential = draft.queue().confidential;
    let mut entries: Vec<Entry> = known.entries(draft.ticket.id).to_vec();
    draft
        .also
        .extend(refiled(&entries, known, &draft.ticket.queue));
    // A command above may have changed some of them.
    for entry in &mut entries {
        let changed = draft.also.iter().rev().find_map(|record| match record {
            Record::Entry(changed) if changed.place == entry.place => Some(changed),
            _ => None,
        });
        if let Some(changed) = changed {
            *entry = (**changed).clone();
        }
    }
    for mut entry in entries {
        if confidential
            && let Some(letter) = &mut entry.letter
            && delivery::is_to_others(draft.policy, &draft.ticket, letter)
            && !matches!(
                letter.road,
                Road::Accepted { .. } | Road::Dropped { .. } | Road::Taken { .. }
            )
        {
            letter.road = Road::Dropped { at: draft.now };
        }
        draft.also.push(Record::Entry(Box::new(entry)));
    }
}

/// What `#human` made its mails of stands in the file still, and is listed there to whoever works on its queue.
fn refiled(entries: &[Entry], known: &Known, queue: &str) -> Vec<Record> {
    let mails = entries.iter().filter_map(|e| e.mail.as_ref());
    let first = mails.filter_map(|mail| known.seen(mail.raw));
    let filed = first.filter(|place| place.ticket == TicketId::FILE);
    let mut filed: Vec<Entry> = filed
        .filter_map(|place| known.entry(place).cloned())
        .collect();
    for mail in filed.iter_mut().filter_map(|e| e.mail.as_mut()) {
        mail.queue = queue.into();
    }
    let records = filed.into_iter().map(|e| Record::Entry(Box::new(e)));
    records.collect()
}
