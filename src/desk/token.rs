//! Tokens: what proves that a mail answers a letter of ours, to the person it was written to.
//!
//! A token stands in our Message-IDs: `<kind.ticket.entry.keyid-mac@domain>`. Its MAC (HMAC-SHA256, 120 bits) covers the ticket number, the fingerprint of the
//! ticket's first mail, the entry and the recipient. It is a capability of one participant, never of the ticket (ATTACKS.md B02, B03).

/// The keys that sign; the first signs, all verify.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<(u8, [u8; 32])>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}
