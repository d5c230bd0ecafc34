//! Tokens: what proves that a mail answers a letter of ours, to the person it was written to.
//!
//! A token stands in our Message-IDs (`<ack.457.3.1xyz…@domain>`) and, where a queue's server delivers `+` addresses, in `Reply-To`. Its MAC (HMAC-SHA256, cut
//! to 120 bits) covers the kind of letter, the ticket's number, the fingerprint of the ticket's first mail, the entry and the recipient. So it is a
//! capability of one participant and never of the ticket (ATTACKS.md B02, B03), and a token of a lost store opens nothing in the next one.
//!
//! A second token of the same form stands in the envelope's sender (`support+bTOKEN@…`): what comes back to it is a bounce of that letter (C4.7, A09). It is
//! signed for that purpose alone, so that neither can pass for the other.
//!
//! Keys rotate: the newest signs, older ones verify until they expire (A08).

use super::letter::LetterKind;
use super::record::Place;
use super::ticket::TicketId;
use crate::mail::Fingerprint;
use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 120 bits, 24 letters of base32: far over the 96 that nobody can guess, and it needs no padding.
const MAC_BYTES: usize = 15;

/// `transcript`, the longest word, the largest numbers, a key's id and the MAC, with three dots. What is longer is no token of ours, and is not looked at.
const TOKEN_BYTES_MAX: usize = 10 + 20 + 10 + 1 + 24 + 3;

/// Tells a return path from an address to answer to, before anything is verified.
const RETURN_MARK: &str = "b";

/// One key. Its id, a digit or a letter, stands in every token that it signs.
#[derive(Clone)]
pub struct Key {
    /// Told from the others by it.
    pub id: char,
    /// 256 random bits.
    pub secret: [u8; 32],
    /// From then on nothing that it signed counts; none for the key that signs.
    pub until: Option<DateTime<Utc>>,
}

/// The keys: the first signs, all verify until they expire.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<Key>,
}

/// What a token is for; part of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know an answer to a letter.
    Answer,
    /// To know a letter that comes back.
    Return,
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
    /// Whether it came as an answer or to a return path.
    pub purpose: Purpose,
    key: char,
    mac: Vec<u8>,
}

impl Keys {
    /// Keys as `(id, secret)`, the signing one first. At least one.
    pub fn new(keys: Vec<(char, [u8; 32])>) -> Self {
        let lasting = |(id, secret)| Key {
            id,
            secret,
            until: None,
        };
        Keys::expiring(keys.into_iter().map(lasting).collect())
    }

    /// Keys that may expire, the signing one first. At least one.
    pub fn expiring(keys: Vec<Key>) -> Self {
        assert!(!keys.is_empty(), "nothing can be signed without a key");
        Keys { keys }
    }

    /// The keys, without their secrets: id and expiry, the signing one first.
    pub fn listed(&self) -> impl Iterator<Item = (char, Option<DateTime<Utc>>)> {
        self.keys.iter().map(|k| (k.id, k.until))
    }

    /// The token of a letter: `kind.ticket.entry.<key id><mac>`.
    pub fn token(
        &self,
        kind: LetterKind,
        place: Place,
        first_mail: Fingerprint,
        recipient: &str,
    ) -> String {
        self.signed(Purpose::Answer, kind, place, first_mail, recipient)
    }

    /// What stands after the `+` of a letter's return path: `b` and a token.
    pub fn return_token(
        &self,
        kind: LetterKind,
        place: Place,
        first_mail: Fingerprint,
        recipient: &str,
    ) -> String {
        let token = self.signed(Purpose::Return, kind, place, first_mail, recipient);
        format!("{RETURN_MARK}{token}")
    }

    fn signed(
        &self,
        purpose: Purpose,
        kind: LetterKind,
        place: Place,
        first_mail: Fingerprint,
        recipient: &str,
    ) -> String {
        let key = &self.keys[0];
        let hmac = hashed(&key.secret, purpose, kind, place, first_mail, recipient);
        let mac = BASE32_NOPAD
            .encode(&hmac.finalize().into_bytes()[..MAC_BYTES])
            .to_ascii_lowercase();
        format!(
            "{}.{}.{}.{}{mac}",
            word(kind),
            place.ticket,
            place.seq,
            key.id
        )
    }

    /// Whether a claim is ours, was made for this recipient, and its key has not expired. In constant time.
    pub fn verify(
        &self,
        claim: &Claim,
        first_mail: Fingerprint,
        recipient: &str,
        now: DateTime<Utc>,
    ) -> bool {
        self.keys
            .iter()
            .filter(|key| key.id == claim.key && key.until.is_none_or(|until| now < until))
            .any(|key| {
                let (kind, place) = (claim.kind, claim.place);
                hashed(
                    &key.secret,
                    claim.purpose,
                    kind,
                    place,
                    first_mail,
                    recipient,
                )
                .verify_truncated_left(&claim.mac)
                .is_ok()
            })
    }
}

/// The claim that a Message-ID makes (without angle brackets), if its right side is `domain`.
pub fn claim_of_message_id(message_id: &str, domain: &str) -> Option<Claim> {
    let (left, right) = message_id.rsplit_once('@')?;
    right
        .eq_ignore_ascii_case(domain)
        .then(|| claim(left, Purpose::Answer))?
}

/// The claim that a `+` address of a queue makes: `support+TOKEN@desk.example` for the queue `support@desk.example`.
pub fn claim_of_address(address: &str, queue_address: &str) -> Option<Claim> {
    claim(extension(address, queue_address)?, Purpose::Answer)
}

/// The claim that a return path makes: `support+bTOKEN@desk.example` for the queue `support@desk.example`.
pub fn claim_of_return_path(address: &str, queue_address: &str) -> Option<Claim> {
    let extension = extension(address, queue_address)?;
    let mark = extension
        .get(..1)
        .filter(|m| m.eq_ignore_ascii_case(RETURN_MARK))?;
    claim(&extension[mark.len()..], Purpose::Return)
}

/// What stands after the `+` of a queue's address.
fn extension<'a>(address: &'a str, queue_address: &str) -> Option<&'a str> {
    let (local, domain) = address.rsplit_once('@')?;
    let (queue_local, queue_domain) = queue_address.rsplit_once('@')?;
    let (base, extension) = local.split_once('+')?;
    (base.eq_ignore_ascii_case(queue_local) && domain.eq_ignore_ascii_case(queue_domain))
        .then_some(extension)
}

fn claim(token: &str, purpose: Purpose) -> Option<Claim> {
    if token.len() > TOKEN_BYTES_MAX || !token.is_ascii() {
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
        purpose,
        key,
        mac,
    })
}

/// One spelling only: no sign, no leading zero.
fn number(s: &str) -> Option<u64> {
    let plain = s.bytes().all(|b| b.is_ascii_digit()) && !s.starts_with('0');
    plain.then(|| s.parse().ok())?
}

fn hashed(
    key: &[u8; 32],
    purpose: Purpose,
    kind: LetterKind,
    place: Place,
    first_mail: Fingerprint,
    recipient: &str,
) -> Hmac<Sha256> {
    let mut hmac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    hmac.update(match purpose {
        Purpose::Answer => b"ticketd token 1\0".as_slice(),
        Purpose::Return => b"ticketd return path 1\0",
    });
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

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    const FIRST: Fingerprint = Fingerprint([1; 32]);
    const ANNA: &str = "anna@desk.example";
    const SUPPORT: &str = "support@desk.example";

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
        let token = keys.token(LetterKind::Notice, place(), FIRST, ANNA);
        format!("{token}@desk.example")
    }

    fn read(message_id: &str) -> Option<Claim> {
        claim_of_message_id(message_id, "desk.example")
    }

    /// Whether these keys take a Message-ID for an answer of Anna's.
    fn proves(keys: &Keys, message_id: &str) -> bool {
        read(message_id).is_some_and(|c| keys.verify(&c, FIRST, ANNA, NOW))
    }

    #[test]
    fn a_token_proves_letter_ticket_and_recipient() {
        let claim = read(&message_id(&keys())).unwrap();
        assert_eq!((claim.kind, claim.place), (LetterKind::Notice, place()));
        let verify = |first, recipient| keys().verify(&claim, first, recipient, NOW);
        assert!(verify(FIRST, "Anna@desk.example"));
        assert!(!verify(FIRST, "beat@desk.example"), "made for another");
        let of_another_store = Fingerprint([2; 32]);
        assert!(!verify(of_another_store, ANNA), "a ticket of another store");
    }

    #[test]
    fn b02_every_changed_letter_of_a_token_is_refused() {
        let id = message_id(&keys());
        assert!(proves(&keys(), &id));
        for i in 0..id.find('@').unwrap() {
            for replacement in ["a", "b", "7", ".", ""] {
                let forged = format!("{}{replacement}{}", &id[..i], &id[i + 1..]);
                assert!(forged == id || !proves(&keys(), &forged), "{forged}");
            }
        }
        for forged in [
            "notice.457.3@desk.example",
            "notice.457.3.1@desk.example",
            "notice.+457.3.1aa@desk.example",
            "@desk.example",
            "x@desk.example",
        ] {
            assert_eq!(read(forged), None, "{forged}");
        }
    }

    #[test]
    fn b02_a_token_has_one_spelling_and_one_length() {
        let id = message_id(&keys());
        let (token, domain) = id.split_once('@').unwrap();
        for forged in [
            format!("{token}.x@{domain}"),
            format!("{token}aa@{domain}"),
            format!("{}@{domain}", &token[..token.len() - 8]),
            format!("{}@{domain}", token.replace(".457.", ".0457.")),
            format!("{}@{domain}", token.replace(".3.", ".03.")),
            format!("{}@{domain}", token.replace("notice", "letter")),
            format!("{}@{domain}", token.replace("notice", "nötice")),
            format!("{}{token}@{domain}", "x".repeat(60)),
            format!("{}ö{}@{domain}", &token[..13], &token[15..]),
            format!("{token}@other.example"),
        ] {
            assert_eq!(read(&forged), None, "{forged}");
        }
        assert_eq!(token.rsplit('.').next().unwrap().len(), 1 + 24, "120 bits");
    }

    #[test]
    fn b03_case_does_not_matter_and_old_keys_still_verify() {
        let upper = message_id(&keys()).to_ascii_uppercase();
        assert!(proves(
            &Keys::new(vec![('2', [8; 32]), ('1', [7; 32])]),
            &upper
        ));
        let gone = Keys::new(vec![('2', [7; 32])]);
        assert!(!proves(&gone, &upper), "the key is gone");
        let another = Keys::new(vec![('1', [8; 32])]);
        assert!(!proves(&another, &upper), "another key of that name");
    }

    #[test]
    fn a08_a_key_that_has_expired_verifies_nothing() {
        let day = |n| NOW + chrono::TimeDelta::days(n);
        let key = |id, secret, until| Key { id, secret, until };
        let rotated = Keys::expiring(vec![
            key('2', [8; 32], None),
            key('1', [7; 32], Some(day(30))),
        ]);
        let claim = read(&message_id(&keys())).unwrap();
        assert!(rotated.verify(&claim, FIRST, ANNA, day(29)));
        assert!(!rotated.verify(&claim, FIRST, ANNA, day(30)));
        let new = message_id(&rotated);
        assert!(new.contains(".2"), "the first key signs: {new}");
        assert!(rotated.verify(&read(&new).unwrap(), FIRST, ANNA, day(300)));
        assert_eq!(
            rotated.listed().collect::<Vec<_>>(),
            [('2', None), ('1', Some(day(30)))]
        );
    }

    #[test]
    fn a_plus_address_carries_the_same_token() {
        let token = keys().token(LetterKind::Acknowledgement, place(), FIRST, ANNA);
        let read = |address: &str| claim_of_address(address, SUPPORT);
        let claim = read(&format!("support+{token}@desk.example")).unwrap();
        assert!(keys().verify(&claim, FIRST, ANNA, NOW));
        assert_eq!(claim.kind, LetterKind::Acknowledgement);
        assert_eq!(read(&format!("sales+{token}@desk.example")), None);
        assert_eq!(read(&format!("support+{token}@other.example")), None);
        assert_eq!(read(&format!("support-{token}@desk.example")), None);
    }

    #[test]
    fn a09_a_return_path_is_no_answer_and_an_answer_no_return_path() {
        let returns = keys().return_token(LetterKind::Notice, place(), FIRST, ANNA);
        let answers = keys().token(LetterKind::Notice, place(), FIRST, ANNA);
        let at = |extension: &str| format!("support+{extension}@desk.example");
        let claim = claim_of_return_path(&at(&returns), SUPPORT).unwrap();
        assert_eq!((claim.purpose, claim.place), (Purpose::Return, place()));
        assert!(keys().verify(&claim, FIRST, ANNA, NOW));
        let upper = at(&returns).to_ascii_uppercase();
        let claim = claim_of_return_path(&upper, SUPPORT).unwrap();
        assert!(keys().verify(&claim, FIRST, ANNA, NOW));
        assert_eq!(claim_of_address(&at(&returns), SUPPORT), None);
        assert_eq!(claim_of_return_path(&at(&answers), SUPPORT), None);
        // The token of a Reply-To with the mark before it, and the other way round.
        let forged = claim_of_return_path(&at(&format!("b{answers}")), SUPPORT).unwrap();
        assert!(!keys().verify(&forged, FIRST, ANNA, NOW));
        let forged = claim_of_address(&at(&returns[1..]), SUPPORT).unwrap();
        assert!(!keys().verify(&forged, FIRST, ANNA, NOW));
    }

    #[test]
    fn every_kind_of_letter_has_its_own_word() {
        for (kind, word) in WORDS {
            assert_eq!((super::word(kind), kind_of(word)), (word, Some(kind)));
            let token = keys().token(kind, place(), FIRST, ANNA);
            let claim = read(&format!("{token}@desk.example")).unwrap();
            assert!(keys().verify(&claim, FIRST, ANNA, NOW), "{word}");
        }
    }

    #[test]
    fn the_longest_token_is_still_read() {
        let last = Place {
            ticket: TicketId(u64::MAX),
            seq: u32::MAX,
        };
        let longest = WORDS.map(|(kind, _)| {
            let token = keys().token(kind, last, FIRST, ANNA);
            assert!(proves(&keys(), &format!("{token}@desk.example")), "{token}");
            token.len()
        });
        assert_eq!(longest.into_iter().max(), Some(TOKEN_BYTES_MAX));
    }

    #[test]
    fn keys_tell_no_secret() {
        assert_eq!(format!("{:?}", keys()), "1 keys");
    }
}
