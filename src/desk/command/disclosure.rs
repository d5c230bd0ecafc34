//! `#exploited`, `#reported`, `#fixed`: the deadlines of the EU's Cyber Resilience Act for a vulnerability that is exploited (Regulation (EU) 2024/2847,
//! Art. 14(2)): an early warning to the authorities within 24 hours of knowing of it, a notification within 72 hours, a final report within 14 days of a remedy.
//! By day and night. ticketd warns of them as of any deadline; the reports themselves are written elsewhere.

use super::{Done, Orders, moment};
use crate::desk::clocks::Turn;
use crate::desk::record::EntryKind;
use crate::desk::ticket::ClockKind;
use chrono::{DateTime, Utc};

/// The reports owed, as `#reported` names them.
const REPORTS: [(&str, ClockKind); 3] = [
    ("warning", ClockKind::EarlyWarning),
    ("notification", ClockKind::Notification),
    ("final", ClockKind::FinalReport),
];

/// Somebody exploits it: known since then, else since now.
pub(super) fn exploited(orders: &mut Orders, words: &str) -> Done {
    confidential(orders, "exploited")?;
    if has(orders, ClockKind::EarlyWarning) {
        return Err("#exploited was said before; its clocks run from then.".into());
    }
    let (at, reason) = moment(orders, "exploited", words)?;
    let known = orders.draft.policy.book.local(at);
    let line = super::standing::sentence(
        &format!(
            "Exploited, known {known} (CRA Art. 14): early warning within 24 h, notification within 72 h"
        ),
        reason,
    );
    let done = orders.said(EntryKind::Command, &line);
    begin(orders, ClockKind::EarlyWarning, at);
    begin(orders, ClockKind::Notification, at);
    done
}

/// A remedy is there: since then, else since now.
pub(super) fn fixed(orders: &mut Orders, words: &str) -> Done {
    confidential(orders, "fixed")?;
    if !has(orders, ClockKind::EarlyWarning) {
        return Err("#fixed: no report is owed, since #exploited was never said.".into());
    }
    if has(orders, ClockKind::FinalReport) {
        return Err("#fixed was said before; its clock runs from then.".into());
    }
    let (at, reason) = moment(orders, "fixed", words)?;
    let since = orders.draft.policy.book.local(at);
    let line = super::standing::sentence(
        &format!("Fixed {since} (CRA Art. 14): final report within 14 days"),
        reason,
    );
    let done = orders.said(EntryKind::Command, &line);
    begin(orders, ClockKind::FinalReport, at);
    done
}

/// A report has gone to the authorities.
pub(super) fn reported(orders: &mut Orders, words: &str) -> Done {
    let (which, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let found = REPORTS.iter().find(|(name, _)| *name == which);
    let Some((name, kind)) = found else {
        return Err(format!(
            "#reported \"{which}\" is unknown; use #reported warning|notification|final [TIME]."
        ));
    };
    let runs = |c: &crate::desk::Clock| c.kind == *kind && c.is_running();
    if !orders.draft.ticket.clocks.iter().any(runs) {
        return Err(format!("#reported: no {name} is owed."));
    }
    let (at, reason) = moment(orders, "reported", rest)?;
    let when = orders.draft.policy.book.local(at);
    let line = super::standing::sentence(
        &format!("Reported to the authorities: {name}, {when}"),
        reason,
    );
    let done = orders.said(EntryKind::Command, &line);
    orders.draft.turn(Turn::Reported { clock: *kind, at });
    done
}

fn confidential(orders: &Orders, verb: &str) -> Result<(), String> {
    let is_confidential = orders.draft.queue().confidential;
    let refused = || format!("#{verb} is for a confidential queue's tickets alone.");
    is_confidential.then_some(()).ok_or_else(refused)
}

fn has(orders: &Orders, kind: ClockKind) -> bool {
    orders.draft.ticket.clocks.iter().any(|c| c.kind == kind)
}

fn moment<'w>(
    orders: &Orders,
    verb: &str,
    words: &'w str,
) -> Result<(DateTime<Utc>, &'w str), String> {
    let (at, rest) = moment::split(&orders.draft.policy.book, orders.draft.now, words)
        .map_err(|why| format!("#{verb}: {why}"))?;
    Ok((at.unwrap_or(orders.draft.now), rest))
}

fn begin(orders: &mut Orders, clock: ClockKind, at: DateTime<Utc>) {
    orders.draft.turn(Turn::Began {
        clock,
        urgent: false,
        at,
    });
}
