//! Human, or which kind of machine: the union of what the field tests, each with its reason.

use super::{Bounce, Kind, Mail};

/// What the mail is, the header or pattern that says so, and for a bounce what it reports. `Auto-Submitted: no` is human.
pub fn kind(mail: &Mail) -> (Kind, String, Option<Bounce>) {
    let _ = mail;
    (Kind::Human, String::new(), None)
}
