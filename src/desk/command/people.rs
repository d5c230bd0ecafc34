//! `#assign`, `#take`, `#watch`, `#note`, `#language`, `#time`: who looks after a ticket, and what is kept beside.

use super::{Done, Orders, may_act};
use crate::desk::record::{Direction, EntryKind};
use crate::desk::{correspondence, time};
use crate::mail::Language;

/// The most people who watch one ticket.
const WATCHERS_MAX: usize = 20;

pub(super) fn assign(orders: &mut Orders, name: &str) -> Done {
    let (staff, queue) = (&orders.draft.policy.book.staff, &orders.draft.ticket.queue);
    let called = |p: &&crate::contract::Person| {
        p.id.eq_ignore_ascii_case(name) || p.name.eq_ignore_ascii_case(name)
    };
    let able = staff
        .people
        .iter()
        .find(called)
        .filter(|p| may_act(p, queue));
    let Some(person) = able else {
        let names: Vec<&str> = staff.of_queue(queue).map(|p| p.id.as_str()).collect();
        return Err(format!(
            "#assign \"{name}\" is nobody of queue {queue}; use one of {}.",
            names.join(", ")
        ));
    };
    let before = orders.draft.ticket.assignee.replace(person.id.clone());
    if before.as_ref() != Some(&person.id) && orders.draft.ticket.is_open() {
        correspondence::answering(&mut orders.draft, person, orders.by.id);
    }
    orders.said(EntryKind::Command, &format!("Assigned to {}.", person.id))
}

pub(super) fn take(orders: &mut Orders, _: &str) -> Done {
    let id = orders.person("take")?.id.clone();
    assign(orders, &id)
}

pub(super) fn watch(orders: &mut Orders, words: &str) -> Done {
    let id = orders.person("watch")?.id.clone();
    let watchers = &mut orders.draft.ticket.watchers;
    watchers.retain(|w| *w != id);
    match words {
        "" if watchers.len() == WATCHERS_MAX => {
            return Err(format!("#watch: {WATCHERS_MAX} people watch it already."));
        }
        "" => watchers.push(id.clone()),
        "off" => return orders.said(EntryKind::Command, &format!("{id} watches it no more.")),
        other => {
            return Err(format!(
                "#watch \"{other}\" is unknown; use #watch or #watch off."
            ));
        }
    }
    orders.said(EntryKind::Command, &format!("{id} watches it."))
}

pub(super) fn note(orders: &mut Orders, text: &str) -> Done {
    if text.is_empty() {
        return Err("#note has no text.".into());
    }
    let by = orders.by.id;
    orders
        .draft
        .entry(EntryKind::Note, Direction::Internal, by, text);
    Ok("The note is on the record.".into())
}

pub(super) fn language(orders: &mut Orders, word: &str) -> Done {
    let language = match word.to_ascii_lowercase().as_str() {
        "de" => Language::De,
        "gsw" => Language::Gsw,
        "en" => Language::En,
        _ => {
            return Err(format!(
                "#language \"{word}\" is unknown; use de, gsw or en."
            ));
        }
    };
    orders.draft.ticket.language = language;
    orders.said(
        EntryKind::Command,
        &format!("Letters are written in {word}."),
    )
}

/// C8.2.
pub(super) fn time(orders: &mut Orders, words: &str) -> Done {
    let booking = time::Booking::parse(words)?;
    time::book(&mut orders.draft, orders.by.id, &booking)
}
