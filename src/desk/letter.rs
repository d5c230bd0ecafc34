//! Letters: what goes out, composed from templates and rendered to bytes.
//!
//! Knows the texts, their closed list of variables and the conventions of mail (RFC 3834, RFC 5322); does not know when a letter is due or to whom it should go.
//!
//! Each template has a closed list of variables: the fields of one struct in [`variables`]. [`Templates::letter`] takes that struct, so nothing can be
//! forgotten; [`Templates::compose`] takes the same as JSON and fills what is missing with the empty value.
//!
//! | template | struct | languages | to whom |
//! | --- | --- | --- | --- |
//! | `acknowledgement` | [`Acknowledgement`] | de, gsw, en | customer, once a ticket |
//! | `acknowledgement-security` | [`AcknowledgementSecurity`] | de, gsw, en | reporter; nothing of the report |
//! | `change` | [`Change`] | de, gsw, en | customer (C5.5) |
//! | `cut` | [`Cut`] | de, gsw, en | customer whose reply was too large |
//! | `notice` | [`Notice`] | en | staff |
//! | `notice-confidential` | [`NoticeConfidential`] | en | security's own people |
//! | `answering` | [`Answering`] | en | the others of the queue, once somebody looks after a ticket |
//! | `forward` | [`Forward`] | en | the address that a rule hands a mail on to |
//! | `warning` | [`Warning`] | en | staff (C10) |
//! | `breach` | [`Breach`] | en | staff (C10) |
//! | `digest` | [`Digest`] | en | staff, of a flood (C10.4) |
//! | `opening` | [`OpeningDigest`] | en | everybody of a queue, each morning (C10.5) |
//! | `review` | [`Review`] | en | technical account manager (C8.3) |
//! | `transcript` | [`Transcript`] | en | whoever gave a command |
//! | `sealed` | [`Sealed`] | de, gsw, en | customer, above an answer that is encrypted |
//!
//! A template is a file `rules/letters/<language>/<name>.txt`: `Subject: ...`, an empty line, the text. `<name>.html` beside it replaces the light HTML that is
//! otherwise made of the text; a long notice goes without. `acknowledgement-NAME` is another acknowledgement, which a rule chooses. A relay has no template: it is the staff member's own text.
//!
//! Promise: everything a stranger wrote is cleaned before it gets near a header, and nothing he wrote stands in an automatic letter unless the caller passes it on purpose.

mod html;
mod render;
mod shipped;
mod spoken;
mod templates;
mod variables;

use crate::mail::{Fingerprint, Language, Mailbox};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use html::{Html, of_fragment as html_of_fragment};
pub use render::render;
pub use shipped::SHIPPED;
pub use spoken::{time as time_words, within as within_words};
pub use templates::{BAR, LINE_CHARS_MAX, Templates, Text};
pub use variables::{
    Acknowledgement, AcknowledgementSecurity, Answer, Answering, Breach, Change, Content, Cut,
    Digest, Forward, Notice, NoticeConfidential, OpeningDigest, Review, Sealed, Transcript,
    Warning,
};

/// What a letter says. The order is the order of the outbox: a staff reply goes before a warning, that before an acknowledgement, that before a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterKind {
    /// A staff member's answer, relayed to the customer.
    Relay,
    /// A deadline comes near, to staff.
    Warning,
    /// A deadline has expired, to staff.
    Breach,
    /// To the customer, once a ticket.
    Acknowledgement,
    /// A new ticket or a customer's reply, to staff.
    Notice,
    /// What became of a command, or why a mail was not relayed, to staff.
    Transcript,
    /// The determined severity or the promised deadline changed (C5.5), or only a part of a reply could be taken; to the customer.
    Change,
    /// Many things in one letter, to staff: what the day begins with (C10.5), replies of a flood (F03), a review pack (C8.3).
    Digest,
}

/// The code of the language that a letter is written in.
pub fn code(language: Language) -> &'static str {
    match language {
        Language::De => "de",
        Language::Gsw => "gsw",
        Language::En | Language::Other => "en",
    }
}

impl LetterKind {
    /// Whether a person wrote it; every other letter carries the marks of automatic mail.
    pub fn is_human(self) -> bool {
        self == LetterKind::Relay
    }

    /// Whether it goes to whoever wrote without a person looking at it first: then nothing of what he wrote stands in it, not even his name (ATTACKS.md D11).
    pub fn is_for_strangers(self) -> bool {
        matches!(self, LetterKind::Acknowledgement | LetterKind::Change)
    }

    /// Whether it goes to somebody of the staff.
    pub fn is_for_staff(self) -> bool {
        !self.is_human() && !self.is_for_strangers()
    }

    /// Whether it is sent again when nobody can know if it was sent (DESIGN.md, road of a mail 6).
    pub fn is_resent_when_unknown(self) -> bool {
        matches!(
            self,
            LetterKind::Relay | LetterKind::Warning | LetterKind::Breach
        )
    }
}

/// A received mail, or a part of one, that goes along with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// The mail it stands in.
    pub mail: Fingerprint,
    /// [`crate::mail::Attachment::part`]; none for the whole mail, byte for byte.
    pub part: Option<usize>,
    /// The name, cleaned.
    pub name: String,
    /// `type/subtype`.
    pub media_type: String,
    /// By what the letter's HTML shows it, without angle brackets; none for a file beside the letter.
    pub content_id: Option<String>,
}

/// A letter, composed; rendered to bytes once, before it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it says.
    pub kind: LetterKind,
    /// The queue's address, with a display name.
    pub from: Mailbox,
    /// Whom it is written to. Of the envelope each copy has its own ([`super::record::LetterFacts::to`]).
    pub to: Mailbox,
    /// Where an answer goes if not to `from`: a signed `+` address.
    pub reply_to: Option<String>,
    /// Shown only; each has an entry and an envelope of its own.
    pub cc: Vec<Mailbox>,
    /// One line.
    pub subject: String,
    /// Plain text, LF line ends.
    pub text: String,
    /// The alternative, if any.
    pub html: Option<Html>,
    /// Without angle brackets.
    pub message_id: String,
    /// Without angle brackets.
    pub in_reply_to: Option<String>,
    /// Without angle brackets, oldest first.
    pub references: Vec<String>,
    /// The `Date` header.
    pub date: DateTime<Utc>,
    /// Parts of received mails.
    pub enclosures: Vec<Enclosure>,
    /// More header fields of our own (`Ticketd-Id`…): name and value, ASCII.
    pub headers: Vec<(String, String)>,
}
