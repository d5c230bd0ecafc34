//! Addresses: what a header says, and the strict form that may be compared and sent to.

use serde::{Deserialize, Serialize};

/// A name and an address as a header gives them; the address is lower case where it is ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Display name, decoded and cleaned; may be empty. Never compared with anything.
    pub name: String,
    /// The addr-spec; may be anything a header can hold. See [`strict`].
    pub address: String,
}

/// The address as one that may be compared with a list or sent to: ASCII dot-atom `local@domain.tld`, domain as lower-case A-labels.
/// None for quoted locals, address literals, group syntax, source routes, controls, a leading `-`, or a domain without a dot (ATTACKS.md A03 to A05, D03).
pub fn strict(address: &str) -> Option<String> {
    let _ = address;
    None
}
