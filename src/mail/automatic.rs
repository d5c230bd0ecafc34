//! Human, or which kind of machine: the union of what the field tests, each with its reason.
//!
//! The steps of [`ORDER`] are asked one after the other and the first answer stands. What a machine says of itself in a form made for machines
//! (a report, an invitation, a list's headers, `Auto-Submitted`) comes before what its sender's name and its words suggest; words alone count only where a
//! person would hardly write them, because a customer taken for a machine gets no answer. The text is read last and only its beginning,
//! so a plain mail costs a walk over its headers.
//!
//! Decided on evidence, where the field disagrees:
//! - `Auto-Submitted: no` takes a mail out of all later steps (RFC 3834 5.1), not out of reports and lists.
//! - `List-Unsubscribe` alone makes a mail bulk, unless it answers one of ours: sales tools put it into letters that people write.
//! - `Precedence: bulk`, `junk` or `list` makes it bulk in any case; nobody's mail program writes it.
//! - A `noreply` sender is a machine, unless `Reply-To` names somebody else and no list or bulk header stands beside it: that is a web form.
//! - `X-Auto-Response-Suppress` counts when it forbids answers (`All`, `OOF`, `AutoReply`), not when it forbids receipts (`DR`, `RN`, `NRN`).
//! - An out-of-office notice without any header counts by its subject as Outlook and others write it before the original one, or by an opening that says
//!   absence together with a return or a deputy, in a short text of nothing but a notice's sentences ([`away`]).

mod absence;
mod away;
mod marks;
mod sender;
mod words;

use super::bounce::{self, Fate, Told, notice, report, service};
use super::{Bounce, Kind, Mail};
use sender::{Sender, has_null_path, is_web_form, sender};
use words::{before_quotation, without_prefix};
pub(in crate::mail) use words::{fold, head, is_answer, untagged};

/// A kind, its reason, and what a bounce reports.
type Answer = (Kind, String, Option<Bounce>);

/// How much of a text is folded and read for words.
const HEAD_BYTES: usize = 4 * 1024;

/// The steps, best evidence first.
const ORDER: &[fn(&Seen) -> Option<Answer>] = &[
    own,
    feedback,
    challenge,
    disposition,
    delivery_status,
    calendar,
    other_report,
    service_event,
    notice_of_mailer,
    absent_by_subject,
    list,
    says_it_is_human,
    auto_submitted,
    marks::auto_reply,
    bulk,
    marks::auto_generated,
    machine_sender,
    machine_words,
];

/// What the mail is, the header or pattern that says so, and for a bounce what it reports. `Auto-Submitted: no` is human.
pub fn kind(mail: &Mail) -> Answer {
    let seen = Seen::of(mail);
    ORDER
        .iter()
        .find_map(|step| step(&seen))
        .unwrap_or_else(|| answer(Kind::Human, "no mark of a machine"))
}

fn answer(kind: Kind, because: impl Into<String>) -> Answer {
    let because: String = because.into();
    let because = because.chars().take(200).collect();
    (kind, because, None)
}

/// A mail as the steps look at it.
pub(in crate::mail) struct Seen<'a> {
    mail: &'a Mail,
    /// Folded, without list tags.
    subject: String,
    /// `Re:`, `AW:`, `Fwd:`, … was before it.
    answers_or_forwards: bool,
    /// Folded, of the text before its first quotation.
    head: String,
    /// Lower case, with its parameters.
    content_type: String,
    sender: Sender,
    /// `Return-Path: <>`, or a mailer's name in it.
    null_path: bool,
}

impl<'a> Seen<'a> {
    fn of(mail: &'a Mail) -> Self {
        let subject = fold(&mail.subject, 500);
        let subject = untagged(&subject);
        let bare = without_prefix(subject);
        Seen {
            mail,
            answers_or_forwards: bare.len() < subject.len(),
            subject: subject.to_string(),
            head: fold(before_quotation(head(&mail.text, HEAD_BYTES)), HEAD_BYTES),
            content_type: mail
                .header("Content-Type")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            sender: sender(mail),
            null_path: has_null_path(mail),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.mail
            .header(name)
            .map(|v| v.trim().to_ascii_lowercase())
    }

    fn report(&self, media_type: &str) -> Option<&str> {
        let mut reports = self.mail.reports.iter();
        reports
            .find(|r| r.media_type == media_type)
            .map(|r| r.text.as_str())
    }

    fn reports_of(&self, report_type: &str) -> bool {
        self.content_type.starts_with("multipart/report") && self.content_type.contains(report_type)
    }

    fn auto_submitted(&self) -> Option<String> {
        self.header("Auto-Submitted").filter(|v| !v.is_empty())
    }

    fn says_no(&self) -> bool {
        self.auto_submitted()
            .is_some_and(|v| v.split([';', ' ', '(']).next() == Some("no"))
    }

    fn is_reply(&self) -> bool {
        !self.mail.in_reply_to.is_empty() || self.answers_or_forwards
    }
}

/// Our own mail come back. Anyone can write these headers; the desk checks their MAC.
fn own(seen: &Seen) -> Option<Answer> {
    ["Ticketd-Loop", "Ticketd-Id"]
        .into_iter()
        .find(|name| seen.mail.header(name).is_some())
        .map(|name| answer(Kind::Own, name))
}

/// RFC 5965; Microsoft's JMRP, which is older; and Apple Mail's unsubscribe button, which writes a mail in the reader's name.
fn feedback(seen: &Seen) -> Option<Answer> {
    if seen.report("message/feedback-report").is_some() || seen.reports_of("feedback-report") {
        return Some(answer(Kind::FeedbackReport, "report-type=feedback-report"));
    }
    // With the address of the machine that sent it.
    let complained = seen.subject.strip_prefix("complaint about message from ");
    if complained.is_some_and(|from| from.starts_with(|c: char| c.is_ascii_digit() || c == '[')) {
        return Some(answer(
            Kind::FeedbackReport,
            "subject: complaint about message from",
        ));
    }
    let unsubscribe = seen.header("X-Apple-Unsubscribe")?;
    (unsubscribe == "true").then(|| answer(Kind::FeedbackReport, "X-Apple-Unsubscribe: true"))
}

/// "Prove that you are human": some dress it as a failed delivery, which it becomes only if nobody answers.
fn challenge(seen: &Seen) -> Option<Answer> {
    let status = seen.report("message/delivery-status").unwrap_or_default();
    if status.contains("X-Boxbe-Notice") || status.contains("not pre-approved") {
        return Some(answer(
            Kind::AutoReply,
            "a challenge: delivery status: sender not pre-approved",
        ));
    }
    let header = [
        "X-TMDA-Confirm",
        "X-ASK-Auth",
        "X-Boxbe-Notice",
        "X-Spamarrest-Verification",
        "X-UOL-Antispam",
    ]
    .into_iter()
    .find(|name| seen.mail.header(name).is_some());
    header.map(|name| answer(Kind::AutoReply, format!("a challenge: {name}")))
}

/// RFC 8098. An automatic "deleted" that says rejected is Sieve's way to refuse a mail, and a bounce.
fn disposition(seen: &Seen) -> Option<Answer> {
    let part = seen.report("message/disposition-notification").is_some();
    if !part
        && !seen.reports_of("disposition-notification")
        && !seen
            .content_type
            .starts_with("message/disposition-notification")
    {
        return receipt_by_words(seen);
    }
    Some(match report::refused(seen.mail) {
        Some(told) => of_told(told),
        None => answer(Kind::ReadReceipt, "report-type=disposition-notification"),
    })
}

/// What Exchange and Notes write without a report: both the subject and the sentence must be theirs.
fn receipt_by_words(seen: &Seen) -> Option<Answer> {
    (absence::is_receipt_subject(&seen.subject) && absence::is_receipt_text(&seen.head))
        .then(|| answer(Kind::ReadReceipt, "a read receipt: subject and text"))
}

/// RFC 3464.
fn delivery_status(seen: &Seen) -> Option<Answer> {
    if let Some(told) = report::told(seen.mail) {
        return Some(of_told(told));
    }
    let part = seen.mail.reports.iter().any(|r| {
        matches!(
            r.media_type.as_str(),
            "message/delivery-status"
                | "message/xdelivery-status"
                | "message/global-delivery-status"
        )
    });
    if !part && !seen.reports_of("delivery-status") {
        return None;
    }
    // The report is empty or its parts were lost on the way; what is left of it is in the text.
    let told = report::told_in_text(seen.mail)
        .or_else(|| notice::told(seen.mail))
        .unwrap_or_else(|| notice::of_fate(seen.mail, Fate::Failed, "report-type=delivery-status"));
    Some(of_told(told))
}

fn of_told(told: Told) -> Answer {
    let kind = match told.fate {
        Fate::Failed => Kind::Bounce,
        Fate::Delayed => Kind::Delayed,
        Fate::Delivered => Kind::Delivered,
    };
    let (kind, because, _) = answer(kind, told.because);
    // A delay says which letter is late, and to whom; the desk shows it.
    let bounce = Some(told.bounce).filter(|_| kind != Kind::Delivered);
    (kind, because, bounce)
}

/// An invitation or the answer to one: an iTIP method (RFC 5546). A calendar file that somebody attaches has none, or `PUBLISH`.
fn calendar(seen: &Seen) -> Option<Answer> {
    const METHODS: &[&str] = &[
        "REQUEST",
        "REPLY",
        "CANCEL",
        "COUNTER",
        "DECLINECOUNTER",
        "ADD",
        "REFRESH",
    ];
    let top =
        seen.content_type.starts_with("text/calendar") && seen.content_type.contains("method=");
    if top {
        return Some(answer(Kind::Calendar, "text/calendar with a method"));
    }
    let text = seen.report("text/calendar")?;
    let method = text.lines().take(50).find_map(|l| {
        l.trim()
            .to_ascii_uppercase()
            .strip_prefix("METHOD:")
            .map(str::to_string)
    })?;
    METHODS.contains(&method.trim()).then(|| {
        answer(
            Kind::Calendar,
            format!("text/calendar, METHOD:{}", method.trim()),
        )
    })
}

/// Reports about mail that concern no single delivery: TLS (RFC 8460), DMARC aggregates (RFC 7489), and whatever may come.
fn other_report(seen: &Seen) -> Option<Answer> {
    if seen.content_type.starts_with("multipart/report") {
        let by_words = notice::told(seen.mail).filter(|_| seen.is_from_mailer());
        return Some(by_words.map_or_else(
            || answer(Kind::AutoGenerated, "Content-Type: multipart/report"),
            of_told,
        ));
    }
    let aggregate =
        seen.subject.starts_with("report domain:") && seen.subject.contains("submitter:");
    aggregate.then(|| answer(Kind::AutoGenerated, "subject: a DMARC or TLS report"))
}

/// Amazon SES through SNS.
fn service_event(seen: &Seen) -> Option<Answer> {
    Some(match service::event(seen.mail)? {
        service::Event::Delivery(told) => of_told(told),
        service::Event::Complaint => answer(Kind::FeedbackReport, "Amazon SES: Complaint"),
    })
}

impl Seen<'_> {
    fn is_from_mailer(&self) -> bool {
        self.sender == Sender::Mailer || self.null_path
    }
}

/// A bounce, delay or receipt in words. How much must be said depends on who says it.
fn notice_of_mailer(seen: &Seen) -> Option<Answer> {
    if seen.mail.header("X-Failed-Recipients").is_some() {
        let told = report::told_in_text(seen.mail)
            .or_else(|| notice::told(seen.mail))
            .unwrap_or_else(|| notice::of_fate(seen.mail, Fate::Failed, ""));
        let because = format!("X-Failed-Recipients, {}", told.because);
        return Some(of_told(Told { because, ..told }));
    }
    let mailer_subject = notice::is_subject(&seen.subject);
    let opens_likely = notice::opens_likely(&seen.head);
    let returns_mail = seen
        .mail
        .reports
        .iter()
        .any(|r| bounce::is_returned_mail(&r.media_type));
    let looks_like_one = mailer_subject || returns_mail;
    let believed = match seen.sender {
        Sender::Mailer => true,
        Sender::Postmaster => opens_likely || looks_like_one && !seen.answers_or_forwards,
        _ if seen.null_path => opens_likely || looks_like_one,
        Sender::NoReply => (opens_likely || looks_like_one) && !is_web_form(seen.mail),
        Sender::Other => mailer_subject && notice::opens(&seen.head) && !seen.is_reply(),
    };
    if !believed || seen.is_absent_notice() {
        return None;
    }
    let told = report::told_in_text(seen.mail)
        .or_else(|| report::told_enclosed(seen.mail))
        .or_else(|| notice::told(seen.mail))?;
    Some(of_told(told))
}

impl Seen<'_> {
    /// Out-of-office notices come with a null return path too, and their sentences ("I cannot be reached") resemble a bounce's.
    fn is_absent_notice(&self) -> bool {
        absence::is_subject(&self.subject)
            || self.sender != Sender::Mailer && absence::is_text(&self.head)
    }
}

/// Before the list headers: the notice of a subscriber who is away comes through the list.
fn absent_by_subject(seen: &Seen) -> Option<Answer> {
    if seen.answers_or_forwards || seen.says_no() || !absence::is_subject(&seen.subject) {
        return None;
    }
    let marked = seen.null_path || seen.auto_submitted().is_some() || marks::any(seen.mail);
    let absent = absence::is_text(&seen.head);
    let automatic = absence::is_automatic_text(&seen.head);
    // "Automatic replies cannot be switched off" and "Thank you for your message" are subjects of people who ask for something.
    let asks = || absence::requests(&seen.head);
    // "Out of office" and "Urlaub" is a person's subject as well as a mailbox's; then the whole text must be a notice's.
    let notice = || absent && away::is_notice_alone(before_quotation(&seen.mail.new_text));
    let believed = if absence::is_subject_before_original(&seen.subject) {
        absent || automatic || !asks() && !absence::is_subject_of_people(&seen.subject)
    } else if absence::is_subject_of_notes(&seen.subject) {
        (absent || automatic) && !asks()
    } else {
        (automatic || notice()) && !asks()
    };
    (marked || believed).then(|| {
        answer(
            Kind::AutoReply,
            format!("subject: {}", head(&seen.subject, 60)),
        )
    })
}

/// RFC 2369 and 2919, and the older headers of list servers.
fn list(seen: &Seen) -> Option<Answer> {
    marks::LIST
        .iter()
        .find(|m| m.is_on(seen.mail))
        .map(|m| answer(Kind::List, m.reason(seen.mail)))
}

fn says_it_is_human(seen: &Seen) -> Option<Answer> {
    seen.says_no()
        .then(|| answer(Kind::Human, "Auto-Submitted: no"))
}

/// RFC 3834 5, RFC 5436. Out-of-office notices of Notes call themselves generated, and so do the acknowledgements of many help desks.
fn auto_submitted(seen: &Seen) -> Option<Answer> {
    let value = seen.auto_submitted()?;
    let reason = format!("Auto-Submitted: {value}");
    let absent = seen.is_absent_notice() || seen.subject.starts_with("auto:");
    let replied = value.starts_with("auto-replied")
        || value.starts_with("auto-reply")
        || absent
        || absence::acknowledges(&seen.head);
    Some(answer(
        if replied {
            Kind::AutoReply
        } else {
            Kind::AutoGenerated
        },
        reason,
    ))
}

/// Mass mail that names no list. A reply with no more than an unsubscribe link was written by somebody with a sales tool.
fn bulk(seen: &Seen) -> Option<Answer> {
    if let Some(mark) = marks::BULK.iter().find(|m| m.is_on(seen.mail)) {
        return Some(answer(Kind::List, mark.reason(seen.mail)));
    }
    let unsubscribe = [
        "List-Unsubscribe",
        "List-Help",
        "List-Subscribe",
        "List-Owner",
        "List-Archive",
    ]
    .into_iter()
    .find(|name| seen.mail.header(name).is_some_and(|v| !v.trim().is_empty()))?;
    let written = !seen.mail.in_reply_to.is_empty() && seen.sender != Sender::NoReply;
    (!written).then(|| answer(Kind::List, unsubscribe))
}

/// A mailer or robot by its name, or a mail that wants no answer by its envelope.
fn machine_sender(seen: &Seen) -> Option<Answer> {
    let from = seen.mail.from.first().map_or("", |m| m.address.as_str());
    match seen.sender {
        Sender::Mailer => Some(answer(Kind::AutoGenerated, format!("From: {from}"))),
        Sender::NoReply if !is_web_form(seen.mail) => {
            Some(answer(Kind::AutoGenerated, format!("From: {from}")))
        }
        _ if seen.null_path && absence::is_text(&seen.head) => {
            Some(answer(Kind::AutoReply, "Return-Path: <>, an absence"))
        }
        _ if seen.null_path => Some(answer(Kind::AutoGenerated, "Return-Path: <>")),
        _ => None,
    }
}

/// Words alone: see the head of this file for what is asked of them.
fn machine_words(seen: &Seen) -> Option<Answer> {
    if absence::opens_automatic(&seen.head) && !absence::is_forward(&seen.subject) {
        return Some(answer(
            Kind::AutoReply,
            "text: calls itself automatic in its first words",
        ));
    }
    let quotes = || before_quotation(&seen.mail.text).len() < seen.mail.text.trim_end().len();
    let plain = || seen.head.len() < 1_200 && !absence::requests(&seen.head);
    (absence::opens_absent(&seen.head)
        && !absence::is_forward(&seen.subject)
        && plain()
        && !quotes()
        && away::is_notice_alone(&seen.mail.new_text))
    .then(|| {
        answer(
            Kind::AutoReply,
            "text: an absence with a return or a deputy in its first words",
        )
    })
}

#[cfg(test)]
mod tests {
    /// Found by fuzzing: an `Action` of any length went into the reason, and so into the record.
    #[test]
    fn the_reason_of_a_bounce_is_short() {
        let raw = format!(
            "Return-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\
             Final-Recipient: rfc822; a@b.example\nAction: failed{}\nStatus: 5.1.1\n\n--b--\n",
            "x".repeat(10_000)
        );
        let mail = crate::mail::read(raw.as_bytes());
        assert!(
            mail.kind_reason.chars().count() <= 200,
            "{}",
            mail.kind_reason
        );
    }
}
