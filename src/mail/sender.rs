//! Who a mail is from, and how far to trust that.

use super::Mail;
use serde::{Deserialize, Serialize};

/// What our own mail server says of the sender (RFC 8601), by the configured authserv-id only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// `dmarc=pass`, aligned with the one address in `From`.
    Aligned,
    /// `auth=pass`: submitted to our own server by this account (`smtp.auth`).
    Submitted(String),
    /// No authserv-id is configured, so nothing can be said.
    Unknown,
    /// Configured, and nothing passed: the reason.
    Unproven(String),
    /// More than one possible author, or none: never any authority.
    Ambiguous(String),
}

/// The one author that may be compared with lists: exactly one `From` field with one strict address (ATTACKS.md A03 to A05).
pub fn author(mail: &Mail) -> Option<String> {
    let _ = mail;
    None
}

/// How far to trust the author. `authserv_id` is the only server believed, and only in headers above our own topmost `Received` (ATTACKS.md A02).
pub fn trust(mail: &Mail, authserv_id: Option<&str>) -> Trust {
    let _ = (mail, authserv_id);
    Trust::Unknown
}
