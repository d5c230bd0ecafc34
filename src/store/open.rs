//! Which tickets of a customer are open, in memory, for the one writer.
//!
//! Only an urgent escalation asks (C7.2), and a row of the index would cost every ticket one more write. The first to ask in a process pays with a walk
//! through all tickets (a second for 200,000); from then on every commit keeps it true. Law: it answers as such a walk would.

use super::Shared;
use super::keys;
use super::known::Batch;
use super::writing::a_ticket;
use crate::desk::known::OpenTicket;
use crate::desk::record::Record;
use crate::desk::ticket::{Ticket, TicketId};
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Open tickets of known customers; nothing until somebody asks.
#[derive(Default)]
pub struct Open(Mutex<Option<Tickets>>);

type Tickets = BTreeMap<TicketId, (String, OpenTicket)>;

impl Open {
    /// Those of a customer, by number, with what was decided since the last commit, oldest first.
    pub fn of<'a>(
        &self,
        customer: &str,
        decided: impl Iterator<Item = &'a Batch>,
        shared: &Shared,
    ) -> Result<Vec<OpenTicket>> {
        let mut known = self.lock();
        let committed = match &mut *known {
            Some(tickets) => tickets,
            unknown => unknown.insert(walked(shared)?),
        };
        let mut tickets: BTreeMap<_, _> = committed
            .iter()
            .filter(|(_, (of, _))| of == customer)
            .map(|(id, (_, ticket))| (*id, ticket.clone()))
            .collect();
        for ticket in decided.flat_map(Batch::tickets) {
            tickets.remove(&ticket.id);
            if let Some((_, open)) = open(ticket).filter(|(of, _)| of == customer) {
                tickets.insert(ticket.id, open);
            }
        }
        Ok(tickets.into_values().collect())
    }

    /// Keeps it true after a commit.
    pub fn committed<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        if let Some(tickets) = &mut *self.lock() {
            for record in records {
                if let Record::Ticket(ticket) = record {
                    note(tickets, ticket);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Tickets>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn walked(shared: &Shared) -> Result<Tickets> {
    let mut tickets = Tickets::new();
    shared.index.scan(keys::TICKETS, "", &mut |key, row| {
        note(&mut tickets, &shared.value(key, row, a_ticket)?);
        Ok(true)
    })?;
    Ok(tickets)
}

fn note(tickets: &mut Tickets, ticket: &Ticket) {
    match open(ticket) {
        Some(open) => tickets.insert(ticket.id, open),
        None => tickets.remove(&ticket.id),
    };
}

fn open(ticket: &Ticket) -> Option<(String, OpenTicket)> {
    let customer = ticket.subscription.customer.clone()?;
    let is_open = ticket.is_open() && ticket.merged_into.is_none();
    is_open.then(|| {
        let open = OpenTicket {
            id: ticket.id,
            queue: ticket.queue.clone(),
            requester: ticket.requester.address.clone(),
        };
        (customer, open)
    })
}

impl Batch {
    /// The tickets that it has decided on, each as it is now.
    fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.latest_from(keys::TICKETS)
            .filter_map(|record| match record {
                Record::Ticket(ticket) => Some(&**ticket),
                _ => None,
            })
    }
}
