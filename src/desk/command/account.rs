//! `#customer`, `#plan`, `#channel`, `#received`: whose request it is, and how and when it reached us (C3.5, C3.6).

use super::{Done, Orders, moment, promised_deadline};
use crate::contract::Subscription;
use crate::contract::plan::Channel;
use crate::desk::clocks::Turn;
use crate::desk::credit;
use crate::desk::record::{Direction, EntryKind};

/// The mark of a request that came by a road its plan does not have (C3.5).
const OUTSIDE_PLAN: &str = "channel-outside-plan";

/// The most names that an answer lists.
const NAMES_MAX: usize = 20;

pub(super) fn customer(orders: &mut Orders, id: &str) -> Done {
    let (book, at) = (&orders.draft.policy.book, orders.draft.ticket.received);
    let Some(account) = book.subscription_of(id, None, at) else {
        let all = book.customers.all.iter().map(|c| c.id.as_str());
        let names: Vec<&str> = all.take(NAMES_MAX).collect();
        return Err(format!(
            "#customer \"{id}\" is unknown; use one of {}.",
            names.join(", ")
        ));
    };
    moved(orders, account)
}

pub(super) fn plan(orders: &mut Orders, id: &str) -> Done {
    let (book, ticket) = (&orders.draft.policy.book, &orders.draft.ticket);
    let Some(customer) = ticket.subscription.customer.as_deref() else {
        return Err("#plan: the ticket has no customer; say #customer ID first.".into());
    };
    let Some(account) = book.subscription_of(customer, Some(id), ticket.received) else {
        let orders = book.customers.by_id(customer);
        let plans = orders.iter().flat_map(|c| &c.subscriptions);
        let names: Vec<&str> = plans.map(|o| o.plan.as_str()).collect();
        return Err(format!(
            "#plan \"{id}\" was not ordered by {customer} when the ticket was received; use one of {}.",
            names.join(", ")
        ));
    };
    moved(orders, account)
}

/// C3.6: counts like a raise; what was missed before stays on the account that it was missed on.
fn moved(orders: &mut Orders, account: Subscription) -> Done {
    let (draft, by) = (&mut orders.draft, orders.by.id);
    let name = account.customer.clone().unwrap_or_default();
    if draft.ticket.subscription.is_same(&account) {
        return Err(format!("It is {name}'s on plan {} already.", account.plan));
    }
    let before = promised_deadline(&draft.ticket);
    let late = draft
        .ticket
        .clocks
        .iter()
        .any(|c| c.is_running() && c.is_late(draft.now));
    let set = format!("Customer {name}, plan {}.", account.plan);
    if let Some(language) = account.language {
        draft.ticket.language = language;
    }
    let place = draft
        .entry(EntryKind::Command, Direction::Internal, by, "")
        .place;
    draft.turn(Turn::Account(account));
    if orders.opening {
        // Nothing has changed: it is whose request it was from the beginning.
        draft.keep_turn(Turn::Corrected(draft.ticket.severity));
        let by_staff = draft.ticket.severity_by;
        credit::corrected(draft, draft.ticket.severity, by, "");
        draft.ticket.severity_by = by_staff;
    }
    flagged(orders);
    let stays = match late {
        true => " What was missed before stays where it was missed (C4.5).",
        false => "",
    };
    let told = orders.tell_if_moved(before);
    let line = format!("{set}{}{stays}{told}", orders.due());
    orders.draft.reword(place, &line);
    Ok(line)
}

pub(super) fn channel(orders: &mut Orders, word: &str) -> Done {
    let all = [Channel::Phone, Channel::Chat, Channel::Mail];
    let named = all
        .into_iter()
        .find(|c| c.word().eq_ignore_ascii_case(word));
    let Some(channel) = named else {
        return Err(format!(
            "#channel \"{word}\" is unknown; use phone, chat or mail."
        ));
    };
    orders.draft.ticket.channel = Some(channel);
    let flagged = match flagged(orders) {
        true => " Their plan has no such channel; it is taken all the same (C3.5).",
        false => "",
    };
    orders.said(
        EntryKind::Command,
        &format!("It came by {}.{flagged}", channel.word()),
    )
}

/// C3.5: a channel outside the plan is taken and flagged. Whether it is.
fn flagged(orders: &mut Orders) -> bool {
    let (book, ticket) = (&orders.draft.policy.book, &mut orders.draft.ticket);
    let channels = book.channels(&ticket.subscription, ticket.received);
    let outside = ticket.channel.is_some_and(|c| !channels.contains(&c));
    ticket.tags.retain(|t| t != OUTSIDE_PLAN);
    if outside {
        ticket.tags.push(OUTSIDE_PLAN.into());
    }
    outside
}

/// C3.5: only on tickets that staff opened, never in the future; and never later than it stands, so that nothing is put off by it.
pub(super) fn received(orders: &mut Orders, words: &str) -> Done {
    let draft = &mut orders.draft;
    if draft.ticket.opened_by.is_none() {
        return Err(
            "#received is for tickets that staff opened; when a mail was received, the mail server says (C3.5)."
                .into(),
        );
    }
    let book = &draft.policy.book;
    let (at, rest) =
        moment::split(book, draft.now, words).map_err(|why| format!("#received: {why}"))?;
    let Some(at) = at.filter(|_| rest.is_empty()) else {
        return Err(format!(
            "#received \"{words}\" is no time; use #received 09:12 or #received 2026-09-04 16:30."
        ));
    };
    if at > draft.ticket.received {
        return Err(format!(
            "#received: it stands at {} already, and no deadline is put off; if that was wrong, #void it and open it anew.",
            book.local(draft.ticket.received)
        ));
    }
    let before = promised_deadline(&draft.ticket);
    let place = draft
        .entry(EntryKind::Command, Direction::Internal, orders.by.id, "")
        .place;
    draft.turn(Turn::Received(at));
    let set = format!("Received {}.", orders.draft.policy.book.local(at));
    let told = orders.tell_if_moved(before);
    let line = format!("{set}{}{told}", orders.due());
    orders.draft.reword(place, &line);
    Ok(line)
}
