//! What a bounce reports: RFC 3464, and the forms of mailers that do not follow it.

use serde::{Deserialize, Serialize};

/// A failed delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// The addresses that failed.
    pub recipients: Vec<String>,
    /// RFC 3463, such as `5.1.1`; empty if nothing says.
    pub status: String,
    /// Whether trying again is useless.
    pub permanent: bool,
    /// The Message-ID of the mail that failed, without angle brackets.
    pub original_message_id: Option<String>,
}
