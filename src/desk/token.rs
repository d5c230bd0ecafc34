//! Tokens: what proves that a mail answers a letter of ours, to the person it was written to.
//!
//! A token stands in our Message-IDs (`<ack.457.3.1xyz…@domain>`) and, where a queue's server delivers `+` addresses, in `Reply-To`. Its MAC (HMAC-SHA256, cut
//! to 120 bits) covers the kind of letter, the ticket's number, the fingerprint of the ticket's first mail, the entry and the recipient. So it is a
//! capability of one participant and never of the ticket (ATTACKS.md B02, B03), and a token of a lost store opens nothing in the next one.

use super::letter::LetterKind;
use super::record::Place;
use super::ticket::TicketId;
use crate::mail::Fingerprint;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 120 bits, 24 letters of base32: far over the 96 that nobody can guess, and it needs no padding.
const MAC_BYTES: usize = 15;

/// The keys that sign; the first signs, all verify. A key's id is one digit or letter.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<(char, [u8; 32])>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}

/// What a Message-ID or `+` address of ours would claim; nothing is proven until [`Keys::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which letter.
    pub kind: LetterKind,
    /// Which entry of which ticket.
    pub place: Place,
    key: char,
    mac: Vec<u8>,
}

impl Keys {
    /// Keys as `(id, secret)`, the signing one first. At least one.
    pub fn new(keys: Vec<(char, [u8; 32])>) -> Self {
        assert!(!keys.is_empty(), "nothing can be signed without a key");
        Keys { keys }
    }

    /// The token of a letter: `kind.ticket.entry.<key id><mac>`.
    pub fn token(
        &self,
        kind: LetterKind,
        place: Place,
        first_mail: Fingerprint,
        recipient: &str,
    ) -> String {
        let (id, key) = &self.keys[0];
        let mac = BASE32_NOPAD
            .encode(&mac(key, kind, place, first_mail, recipient))
            .to_ascii_lowercase();
        format!("{}.{}.{}.{id}{mac}", word(kind), place.ticket, place.seq)
    }

    /// Whether a claim is ours and was made for this recipient. In constant time.
    pub fn verify(&self, claim: &Claim, first_mail: Fingerprint, recipient: &str) -> bool {
        self.keys
            .iter()
            .filter(|(id, _)| *id == claim.key)
            .any(|(_, key)| {
                hashed(key, claim.kind, claim.place, first_mail, recipient)
                    .verify_truncated_left(&claim.mac)
                    .is_ok()
            })
    }
}

/// The claim that a Message-ID makes (without angle brackets), if its right side is `domain`.
pub fn claim_of_message_id(message_id: &str, domain: &str) -> Option<Claim> {
    let (left, right) = message_id.rsplit_once('@')?;
    right.eq_ignore_ascii_case(domain).then(|| claim(left))?
}

/// The claim that a `+` address of a queue makes: `support+TOKEN@desk.example` for the queue `support@desk.example`.
pub fn claim_of_address(address: &str, queue_address: &str) -> Option<Claim> {
    let (local, domain) = address.rsplit_once('@')?;
    let (queue_local, queue_domain) = queue_address.rsplit_once('@')?;
    let (base, token) = local.split_once('+')?;
    (base.eq_ignore_ascii_case(queue_local) && domain.eq_ignore_ascii_case(queue_domain))
        .then(|| claim(token))?
}

fn claim(token: &str) -> Option<Claim> {
    if token.len() > 80 || !token.is_ascii() {
        return None;
    }
    // Some clients and gateways change the case of addresses; base32 and our words do not mind.
    let token = token.to_ascii_lowercase();
    let mut parts = token.split('.');
    let (kind, ticket, seq, signed) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let key = signed.chars().next()?;
    let mac = BASE32_NOPAD
        .decode(signed[1..].to_ascii_uppercase().as_bytes())
        .ok()?;
    let whole = parts.next().is_none() && mac.len() == MAC_BYTES;
    let place = Place {
        ticket: TicketId(number(ticket)?),
        seq: number(seq)?.try_into().ok()?,
    };
    whole.then_some(Claim {
        kind: kind_of(kind)?,
        place,
        key,
        mac,
    })
}

/// One spelling only: no sign, no leading zero.
fn number(s: &str) -> Option<u64> {
    let plain = s.bytes().all(|b| b.is_ascii_digit()) && !s.starts_with('0');
    plain.then(|| s.parse().ok())?
}

fn mac(
    key: &[u8; 32],
    kind: LetterKind,
    place: Place,
    first_mail: Fingerprint,
    recipient: &str,
) -> Vec<u8> {
    hashed(key, kind, place, first_mail, recipient)
        .finalize()
        .into_bytes()[..MAC_BYTES]
        .to_vec()
}

fn hashed(
    key: &[u8; 32],
    kind: LetterKind,
    place: Place,
    first_mail: Fingerprint,
    recipient: &str,
) -> Hmac<Sha256> {
    let mut hmac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    hmac.update(b"ticketd token 1\0");
    hmac.update(word(kind).as_bytes());
    hmac.update(&place.ticket.0.to_be_bytes());
    hmac.update(&place.seq.to_be_bytes());
    hmac.update(&first_mail.0);
    hmac.update(recipient.to_ascii_lowercase().as_bytes());
    hmac
}

const WORDS: [(LetterKind, &str); 8] = [
    (LetterKind::Relay, "reply"),
    (LetterKind::Warning, "warning"),
    (LetterKind::Breach, "breach"),
    (LetterKind::Acknowledgement, "ack"),
    (LetterKind::Notice, "notice"),
    (LetterKind::Transcript, "transcript"),
    (LetterKind::Change, "change"),
    (LetterKind::Digest, "digest"),
];

fn word(kind: LetterKind) -> &'static str {
    WORDS
        .iter()
        .find(|(k, _)| *k == kind)
        .map_or("letter", |(_, w)| w)
}

fn kind_of(word: &str) -> Option<LetterKind> {
    WORDS.iter().find(|(_, w)| *w == word).map(|(k, _)| *k)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(vec![('1', [7; 32])])
    }

    fn place() -> Place {
        Place {
            ticket: TicketId(457),
            seq: 3,
        }
    }

    fn message_id(keys: &Keys) -> String {
        format!(
            "{}@desk.example",
            keys.token(
                LetterKind::Notice,
                place(),
                Fingerprint([1; 32]),
                "anna@desk.example"
            )
        )
    }

    #[test]
    fn a_token_proves_letter_ticket_and_recipient() {
        let claim = claim_of_message_id(&message_id(&keys()), "desk.example").unwrap();
        assert_eq!((claim.kind, claim.place), (LetterKind::Notice, place()));
        assert!(keys().verify(&claim, Fingerprint([1; 32]), "Anna@desk.example"));
        assert!(
            !keys().verify(&claim, Fingerprint([1; 32]), "beat@desk.example"),
            "made for another"
        );
        assert!(
            !keys().verify(&claim, Fingerprint([2; 32]), "anna@desk.example"),
            "a ticket of another store"
        );
    }

    #[test]
    fn b02_every_changed_letter_of_a_token_is_refused() {
        let id = message_id(&keys());
        for i in 0..id.find('@').unwrap() {
            for replacement in ["a", "b", "7", ".", ""] {
                let forged = format!("{}{replacement}{}", &id[..i], &id[i + 1..]);
                let proven = claim_of_message_id(&forged, "desk.example")
                    .is_some_and(|c| keys().verify(&c, Fingerprint([1; 32]), "anna@desk.example"));
                assert!(forged == id || !proven, "{forged}");
            }
        }
        for forged in [
            "notice.457.3@desk.example",
            "notice.457.3.1@desk.example",
            "notice.+457.3.1aa@desk.example",
            "@desk.example",
            "x@desk.example",
        ] {
            assert_eq!(
                claim_of_message_id(forged, "desk.example"),
                None,
                "{forged}"
            );
        }
    }

    #[test]
    fn b03_case_does_not_matter_and_old_keys_still_verify() {
        let upper = message_id(&keys()).to_ascii_uppercase();
        let rotated = Keys::new(vec![('2', [8; 32]), ('1', [7; 32])]);
        let claim = claim_of_message_id(&upper, "desk.example").unwrap();
        assert!(rotated.verify(&claim, Fingerprint([1; 32]), "anna@desk.example"));
        assert!(
            !Keys::new(vec![('2', [7; 32])]).verify(
                &claim,
                Fingerprint([1; 32]),
                "anna@desk.example"
            ),
            "the key is gone"
        );
    }

    #[test]
    fn a_plus_address_carries_the_same_token() {
        let token = keys().token(
            LetterKind::Acknowledgement,
            place(),
            Fingerprint([1; 32]),
            "a@acme.example",
        );
        let claim = claim_of_address(
            &format!("support+{token}@desk.example"),
            "support@desk.example",
        )
        .unwrap();
        assert!(keys().verify(&claim, Fingerprint([1; 32]), "a@acme.example"));
        assert_eq!(
            claim_of_address(
                &format!("sales+{token}@desk.example"),
                "support@desk.example"
            ),
            None
        );
    }
}
