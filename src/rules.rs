//! Rule files in, a verdict on a mail out: queue, severity, and why.
//!
//! Knows patterns over a mail's fields; knows nothing of tickets. Rules see folded text (DESIGN.md, "Rules must be fast on German").

use crate::contract::Source;
use crate::diagnostic::Diagnostic;
use crate::mail::Mail;

/// All rules, compiled.
#[derive(Debug, Default)]
pub struct RuleBook {}

/// What a rule may ask about beside the mail itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The queue of the mailbox it came to.
    pub queue: String,
    /// The customer's id, empty if unknown.
    pub customer: String,
    /// The plan's id.
    pub plan: String,
    /// `aligned`, `submitted`, `unknown`, `unproven`, `ambiguous`.
    pub trust: String,
}

/// What the rules find, with reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Another queue than the mailbox's.
    pub queue: Option<String>,
    /// 1 to 4 as the customer states it in so many words (C6.4).
    pub severity_stated: Option<u8>,
    /// 1 to 4 as the rules find it from the description (C6.4).
    pub severity_found: Option<u8>,
    /// Marks for staff: `second-problem`, `escalation-wish`, `missing-steps`, `billing`…
    pub tags: Vec<String>,
    /// The person to assign.
    pub assign: Option<String>,
    /// The letter template to acknowledge with instead of the usual one.
    pub template: Option<String>,
    /// File without answer.
    pub file: bool,
    /// Set aside for a person.
    pub quarantine: bool,
    /// Each rule that matched: its file and line, its `because`, and the text that matched.
    pub reasons: Vec<String>,
}

impl RuleBook {
    /// Compiles rule files in the order given. Each rule is compiled alone first, so that the bad one is named; its examples are proven.
    pub fn parse(files: &[Source]) -> Result<RuleBook, Vec<Diagnostic>> {
        let _ = files;
        Ok(RuleBook::default())
    }

    /// The verdict on a mail. Linear in the mail.
    pub fn classify(&self, mail: &Mail, facts: &Facts) -> Verdict {
        let _ = (mail, facts);
        Verdict::default()
    }
}
