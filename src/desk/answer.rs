//! What of a staff member's mail goes to the customer: his text, its HTML, its pictures and his files.
//!
//! Whether anything may go at all is decided before (`reply.rs`). The HTML goes along where it says the same as the text, and of its pictures those that are
//! the writer's own stay where they stand. In doubt a picture is a file: nothing that somebody attached is lost.

use super::arrival::Case;
use super::draft::Draft;
use super::letter::{self, Enclosure, Html};
use super::ticket::State;
use super::{clocks, correspondence};
use crate::contract::Person;
use crate::mail::picture::Pictures;
use crate::mail::sanitise::{self, Own};
use crate::mail::{Attachment, Mail, TextOf};
use std::collections::BTreeSet;

/// Names of files that a line of a transcript lists.
const NAMES_MAX: usize = 10;

/// The answer goes out, with the files that the writer meant; not with an enclosed mail, which some clients make of the notice that is answered. Commands are in
/// neither text nor HTML. To whom it went, and what to tell the writer.
pub(super) fn relayed(
    draft: &mut Draft,
    case: &Case,
    person: &Person,
    (commands, text): (&str, &str),
) -> (Vec<String>, Vec<String>) {
    let pictures = Pictures::of(case.mail);
    let right = ids_right(draft, case.mail);
    let source = case.mail.html.as_deref();
    let own = source.and_then(|html| sanitise::own_html(html, (commands, text), &pictures, &right));
    let (mut text, mut named) = pictures.named_in(text);
    // Made of the HTML, it says nothing of a picture without a description: who reads the text alone is told that there is one.
    if case.mail.text_of == TextOf::Html {
        let shown = own.as_ref().map_or(&[][..], |own| &own.shown);
        for at in shown.iter().filter(|at| named.insert(**at)) {
            text.push_str(&format!("\n\n{}", pictures.hint(*at)));
        }
    }
    let language = letter::code(draft.ticket.language);
    let html = source.map(|_| match &own {
        Some(own) => Html::Page(letter::html_of_fragment(language, &own.html)),
        None => Html::Of {
            language,
            text: text.clone(),
            links: true,
        },
    });
    // Where it cannot be said which part of the HTML is the writer's own, every picture may be.
    let own = own.unwrap_or_default();
    let mut files = Files::default();
    for (at, file) in case.mail.attachments.iter().enumerate() {
        files.sort(file, at, &own, &named);
    }
    let enclosures = files.along.into_iter().map(|(file, number)| Enclosure {
        mail: case.mail.raw,
        part: Some(file.part),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        content_id: number.map(|number| sanitise::content_id(number, &right)),
    });
    let enclosures = enclosures.collect();
    // What was set aside is a request before it is answered.
    if draft.ticket.state == State::Quarantined {
        clocks::taken_up(draft, &person.id);
    }
    let told = correspondence::relay(draft, person, &text, html, enclosures);
    (told, files.left_out.lines())
}

/// What stands behind the `@` in the ids of the pictures: ours, and the same whenever this mail is decided again.
fn ids_right(draft: &Draft, mail: &Mail) -> String {
    format!("{}@{}", &mail.raw.hex()[..16], draft.policy.domain)
}

/// The files of a mail, sorted by what becomes of them.
#[derive(Default)]
struct Files<'m> {
    /// Those that go along; of a picture that the HTML shows its number there.
    along: Vec<(&'m Attachment, Option<usize>)>,
    left_out: LeftOut<'m>,
}

/// What stays behind, and the writer is told of.
#[derive(Default)]
struct LeftOut<'m> {
    has_mail: bool,
    rests: Vec<&'m str>,
    repeated: Vec<&'m str>,
}

impl<'m> Files<'m> {
    fn sort(&mut self, file: &'m Attachment, at: usize, own: &Own, named: &BTreeSet<usize>) {
        let Attachment {
            name, media_type, ..
        } = file;
        let left_out = &mut self.left_out;
        if is_mail(media_type, name) {
            left_out.has_mail = true;
        } else if is_rest_of_the_text(media_type, name) {
            left_out.rests.push(name);
        } else if own.repeated.contains(&at) && !named.contains(&at) {
            left_out.repeated.push(name);
        } else if !SIGNATURES.contains(&media_type.as_str()) {
            let shown = own.shown.iter().position(|shown| *shown == at);
            self.along.push((file, shown.map(|n| n + 1)));
        }
    }
}

impl LeftOut<'_> {
    fn lines(self) -> Vec<String> {
        let mails = self.has_mail.then(|| "A mail that was enclosed did not go along: it may be a notice of ours. Send its text, if it is meant for the customer.".to_string());
        let rests = self.rests.into_iter().map(|name| {
            format!("{name} did not go along: the text below your answer may stand in it.")
        });
        let names = self.repeated.iter().take(NAMES_MAX).copied();
        let names: Vec<&str> = names.collect();
        let repeated = (!names.is_empty()).then(|| {
            let more = match self.repeated.len() - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let names = names.join(", ");
            format!("{names}{more} did not go along: only the mail that you quote shows it. Attach it, if it is meant for the customer.")
        });
        mails.into_iter().chain(rests).chain(repeated).collect()
    }
}

/// What a signature is worth is lost with the text that it is for.
const SIGNATURES: [&str; 3] = [
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
];

/// No file of the writer's but what a mail server made of his text, with the notice that he quotes: Exchange puts what Apple Mail writes below a file into
/// `ATT00001.htm`, and Outlook the whole text, as rich text, into `winmail.dat`.
fn is_rest_of_the_text(media_type: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let numbered = |rest: &str| {
        rest.split_once('.').is_some_and(|(number, kind)| {
            number.bytes().all(|b| b.is_ascii_digit()) && matches!(kind, "htm" | "html" | "txt")
        })
    };
    media_type.ends_with("/ms-tnef")
        || media_type.ends_with("/vnd.ms-tnef")
        || name == "winmail.dat"
        || name.strip_prefix("att").is_some_and(numbered)
}

fn is_mail(media_type: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    media_type.starts_with("message/") || name.ends_with(".eml") || name.ends_with(".msg")
}
