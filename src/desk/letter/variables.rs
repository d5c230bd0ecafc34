//! What each template may speak of: one struct a template, its fields the closed list of variables.
//!
//! Text that a stranger wrote stands only in letters to staff ([`Notice`]); the letters to customers have no field for it (ATTACKS.md C03, D11).

use serde::Serialize;

/// The variables of one template.
pub trait Content: Serialize {
    /// The template's name, which is its file's stem.
    const TEMPLATE: &'static str;
}

/// `acknowledgement`: we have the request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Acknowledgement {
    /// The ticket's number.
    pub ticket: u64,
    /// Our name, for the signature.
    pub vendor: String,
    /// The severity assumed, 1 to 4.
    pub severity: u8,
    /// Whether the customer stated it.
    pub severity_stated: bool,
    /// The plan, for people: `Extended SLA`. Empty for a sender that no customer entry knows.
    pub plan: String,
    /// The promised deadline in Swiss time; none for best effort and where it would already be past.
    pub deadline: Option<String>,
    /// When the support hours open next, in Swiss time, where the request came outside them.
    pub opens: Option<String>,
    /// Tags of what the request lacks (C6.1): `missing-impact`, `missing-description`, `missing-steps`, `missing-expected`, `missing-logs`, `missing-isolation`. Others say nothing.
    pub missing: Vec<String>,
    /// What is known of the incident that it is about, in words of ours; or empty.
    pub incident: String,
    /// Whether the mail was larger than what is taken, so that only its first part is here.
    pub cut: bool,
    /// Whether it seems to be about prices or invoices (C5.2).
    pub billing: bool,
    /// Where these go, or empty.
    pub billing_address: String,
    /// Whether it seems to ask for consulting or custom work, which is out of scope (C5.4).
    pub consulting: bool,
    /// Whether it seems to come from an end user of a customer's (C5.4).
    pub end_user: bool,
    /// The public status page, or empty.
    pub status_page: String,
    /// Documentation, or empty.
    pub documentation: String,
    /// Community, or empty.
    pub community: String,
    /// Within which time a manager answers an escalation in the ticket (C7.1), in the letter's language: `innert eines Arbeitstages`.
    pub escalation_normal: String,
    /// The same of an urgent one (C7.2), a time of the customer's support hours: `innert zweier Stunden`.
    pub escalation_urgent: String,
    /// Where urgent escalations go (C7.2), or empty.
    pub escalation_address: String,
    /// The phone for them, or empty.
    pub phone: String,
}

/// `acknowledgement-security`: we have the report. Says nothing of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AcknowledgementSecurity {
    /// The reference.
    pub ticket: u64,
    /// Our name.
    pub vendor: String,
    /// When it was received, in Swiss time.
    pub received: String,
    /// Only the first part of the mail was taken.
    pub cut: bool,
    /// A human answers within so many hours.
    pub answer_within_hours: u32,
    /// The disclosure policy's URL, or empty.
    pub policy: String,
    /// The key's URL, or empty.
    pub key: String,
}

/// `change`: the determined severity or the promised deadline is another one (C5.5).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Change {
    /// The ticket's number.
    pub ticket: u64,
    /// Our name.
    pub vendor: String,
    /// 1 to 4, from now on.
    pub severity: u8,
    /// 1 to 4, until now; the same if only the deadline moved.
    pub severity_before: u8,
    /// Whether a correction: it never was that severity (C4.5).
    pub corrected: bool,
    /// What staff give as the reason, if it is meant for the customer; or empty.
    pub reason: String,
    /// The promised deadline in Swiss time; none for best effort.
    pub deadline: Option<String>,
    /// Whether the first answer was already given: then no deadline is spoken of.
    pub answered: bool,
}

/// `notice`: a new ticket or a customer's reply, for staff.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Notice {
    /// The ticket's number.
    pub ticket: u64,
    /// Whether this mail opened it; else it is a reply.
    pub new: bool,
    /// Whether this mail reopened it (C4.9).
    pub reopened: bool,
    /// The queue's name.
    pub queue: String,
    /// The customer's name, or empty.
    pub customer: String,
    /// The plan, for people.
    pub plan: String,
    /// 1 to 4.
    pub severity: u8,
    /// `customer`, `rules` or `staff`.
    pub severity_by: String,
    /// What the rules found, one reason each.
    pub reasons: Vec<String>,
    /// Marks.
    pub tags: Vec<String>,
    /// When we must have answered, in Swiss time; none where nothing runs.
    pub deadline: Option<String>,
    /// Whether that is an internal target (C3.2).
    pub internal: bool,
    /// How it was computed.
    pub explanation: Vec<String>,
    /// When the mail was received, in Swiss time.
    pub received: String,
    /// Who wrote: name, cleaned.
    pub from_name: String,
    /// Who wrote: address.
    pub from_address: String,
    /// How far to trust that, in words.
    pub trust: String,
    /// The mail's subject, cleaned.
    pub subject: String,
    /// The mail's new text.
    pub new_text: String,
    /// Names of attachments.
    pub attachments: Vec<String>,
    /// What is odd about the mail.
    pub oddities: Vec<String>,
    /// Who is answering, or empty.
    pub assignee: String,
    /// The technical account manager, or empty.
    pub tam: String,
    /// Tickets it possibly belongs to.
    pub related: Vec<u64>,
}

/// `notice-confidential`: there is something new in a confidential queue. Only number and age.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NoticeConfidential {
    /// The reference.
    pub ticket: u64,
    /// Whether the mail opened it; else it is a reply.
    pub new: bool,
    /// How long ago it was received: `2 min`.
    pub age: String,
    /// When a human must have answered, in Swiss time; none where nothing runs.
    pub deadline: Option<String>,
}

/// `warning`: a deadline comes near (C10.3).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Warning {
    /// The ticket's number.
    pub ticket: u64,
    /// The queue's name.
    pub queue: String,
    /// The customer's name, or empty.
    pub customer: String,
    /// The plan, for people.
    pub plan: String,
    /// 1 to 4.
    pub severity: u8,
    /// The request's subject, cleaned; empty in a confidential queue.
    pub subject: String,
    /// What is owed: `initial response`, `answer to the escalation`, `next reply`.
    pub owed: String,
    /// The clause, such as `C4.1`.
    pub clause: String,
    /// Whether it is an internal target (C3.2).
    pub internal: bool,
    /// In Swiss time.
    pub deadline: String,
    /// What is left: `1 h 20 min`, `less than a minute`; empty once it has expired.
    pub left: String,
    /// How long ago it expired, where the warning comes too late: after an outage; else empty.
    pub expired: String,
    /// How much of the objective's time has passed, in per cent.
    pub percent: u8,
    /// How the deadline was computed.
    pub explanation: Vec<String>,
    /// What waiting costs: `each further 15 min: 1 day for ACME`; empty where nothing.
    pub cost: String,
    /// Who is answering, or empty.
    pub assignee: String,
    /// Who has to answer, where not everybody may: `a manager`; or empty.
    pub only: String,
}

/// `breach`: a deadline has expired (C10.1), also the repeats.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Breach {
    /// The ticket's number.
    pub ticket: u64,
    /// The queue's name.
    pub queue: String,
    /// The customer's name, or empty.
    pub customer: String,
    /// The plan, for people.
    pub plan: String,
    /// 1 to 4.
    pub severity: u8,
    /// The request's subject, cleaned; empty in a confidential queue.
    pub subject: String,
    /// What is owed, as in [`Warning`].
    pub owed: String,
    /// The clause.
    pub clause: String,
    /// Whether it is an internal target.
    pub internal: bool,
    /// In Swiss time.
    pub deadline: String,
    /// By how much it is exceeded: `45 min`.
    pub late: String,
    /// Days of credit so far.
    pub credit_days: u32,
    /// Whether these are provisional (C4.5).
    pub provisional: bool,
    /// How the deadline was computed.
    pub explanation: Vec<String>,
    /// What further waiting costs.
    pub cost: String,
    /// Who is answering, or empty.
    pub assignee: String,
    /// Who has to answer, where not everybody may; or empty.
    pub only: String,
    /// The how manieth reminder; 0 for the breach itself.
    pub repeat: u32,
}

/// `transcript`: what became of a staff member's mail.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transcript {
    /// The ticket's number; 0 where none is meant.
    pub ticket: u64,
    /// What was done, a line each.
    pub done: Vec<String>,
    /// What was wrong, a line each; then nothing was carried out or relayed.
    pub wrong: Vec<String>,
    /// Which letter did not reach its reader, and why; then nobody has said anything.
    pub failed: Vec<String>,
    /// To whom the text was relayed, or empty.
    pub relayed_to: String,
    /// Whether nothing was done: only what would be was asked (`#dry-run`).
    pub tried: bool,
    /// The manual of commands, a line each; empty where it is not wanted.
    pub manual: Vec<String>,
}

/// `answer-consulting`, `answer-end-user`: what staff answer by one command (C5.4).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answer {
    /// The ticket's number.
    pub ticket: u64,
    /// Our name.
    pub vendor: String,
    /// Who answers.
    pub by: String,
    /// Documentation, or empty.
    pub documentation: String,
    /// Community, or empty.
    pub community: String,
}

/// `answering`: somebody of the staff looks after a ticket now, for the others.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answering {
    /// The ticket's number.
    pub ticket: u64,
    /// The queue's name.
    pub queue: String,
    /// Who it is.
    pub assignee: String,
}

impl Content for Answering {
    const TEMPLATE: &'static str = "answering";
}

/// `forward`: a mail that a rule hands on, above it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Forward {
    /// The ticket's number.
    pub ticket: u64,
    /// The queue's name.
    pub queue: String,
    /// Rules that matched, and what they found.
    pub reasons: Vec<String>,
}

impl Content for Forward {
    const TEMPLATE: &'static str = "forward";
}

/// `digest`: one letter instead of many (C10.4).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Digest {
    /// Whether it is about replies; else it is about deadlines.
    pub replies: bool,
    /// How many letters it stands for.
    pub count: usize,
    /// One for each.
    pub lines: Vec<String>,
}

/// `opening`: what stands on the desk when it opens (C10.5). Lists in words; of a confidential queue numbers and deadlines alone.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OpeningDigest {
    /// The queue's name.
    pub queue: String,
    /// When it opens, in Swiss time.
    pub day: String,
    /// Tickets with a deadline before the day is over, or past.
    pub due: Vec<String>,
    /// Tickets whose customer has answered, and we have not.
    pub unanswered: Vec<String>,
    /// Open tickets that are nobody's.
    pub unassigned: Vec<String>,
    /// Set aside for a person.
    pub quarantined: Vec<String>,
    /// Letters that failed, or of which nobody can know.
    pub failed: Vec<String>,
    /// Automatic mail filed since the last time.
    pub filed: Vec<String>,
    /// The head of the journal's chain.
    pub head: String,
}

/// `review`: the review pack of a fortnight (C8.3).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Review {
    /// The customer's name.
    pub customer: String,
    /// The technical account manager's name, or empty.
    pub manager: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// How many tickets were received.
    pub received: usize,
    /// Those, a line each.
    pub tickets: Vec<String>,
    /// Tickets received before, in which the customer escalated, a deadline was missed or the ledger changed, a line each.
    pub earlier: Vec<String>,
    /// Deadlines met.
    pub met: usize,
    /// Deadlines missed.
    pub missed: usize,
    /// Deadlines that still run.
    pub pending: usize,
    /// The same by clause and severity.
    pub promises: Vec<String>,
    /// Response times, in support hours and by the wall clock.
    pub responses: Vec<String>,
    /// How much may still go wrong.
    pub at_risk: usize,
    /// What may still go wrong.
    pub risks: Vec<String>,
    /// Lines of the ledger.
    pub credits: Vec<String>,
    /// The current term with its extension, or empty.
    pub term: String,
    /// Hours of the account manager that are agreed for two weeks, or empty.
    pub agreed: String,
    /// Hours that were booked.
    pub used: String,
    /// Bookings, a line each.
    pub bookings: Vec<String>,
}

impl Content for Digest {
    const TEMPLATE: &'static str = "digest";
}
impl Content for OpeningDigest {
    const TEMPLATE: &'static str = "opening";
}
impl Content for Review {
    const TEMPLATE: &'static str = "review";
}
/// `cut`: to a customer of whose reply only the first part could be taken.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cut {
    /// The ticket's number.
    pub ticket: u64,
    /// Our name.
    pub vendor: String,
}

/// `sealed`: above an answer of the staff's that is encrypted, and goes along as a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sealed {
    /// The ticket's number.
    pub ticket: u64,
}

impl Content for Cut {
    const TEMPLATE: &'static str = "cut";
}
impl Content for Sealed {
    const TEMPLATE: &'static str = "sealed";
}
impl Content for Acknowledgement {
    const TEMPLATE: &'static str = "acknowledgement";
}
impl Content for AcknowledgementSecurity {
    const TEMPLATE: &'static str = "acknowledgement-security";
}
impl Content for Change {
    const TEMPLATE: &'static str = "change";
}
impl Content for Notice {
    const TEMPLATE: &'static str = "notice";
}
impl Content for NoticeConfidential {
    const TEMPLATE: &'static str = "notice-confidential";
}
impl Content for Warning {
    const TEMPLATE: &'static str = "warning";
}
impl Content for Breach {
    const TEMPLATE: &'static str = "breach";
}
impl Content for Transcript {
    const TEMPLATE: &'static str = "transcript";
}
