//! Pictures in a mail's text: which part an image of the HTML shows, and what clients write in the plain text in its place.
//!
//! Knows Content-IDs (RFC 2392) and placeholders; what becomes of a picture is decided elsewhere. An id that somebody sent is compared and nothing else: it
//! never stands in anything of ours (ATTACKS.md E08).

use super::{Attachment, Mail, sanitise};
use html5gum::{StartTag, Token, Tokenizer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A longer id, placeholder or description of an image is nobody's.
const WORDS_BYTES_MAX: usize = 500;
/// Images whose placeholders are known: parts are no more either (ATTACKS.md E01).
const IMAGES_MAX: usize = 1_000;

/// The pictures of one mail. Each is named by its place among [`Mail::attachments`].
pub struct Pictures<'m> {
    enclosed: &'m [Attachment],
    by_id: BTreeMap<&'m str, usize>,
    /// What stands in brackets in the plain text, and for which picture; none for what did not come along.
    placeholders: BTreeMap<String, Option<usize>>,
}

impl<'m> Pictures<'m> {
    /// The pictures that came with this mail.
    pub fn of(mail: &'m Mail) -> Self {
        let mut pictures = Pictures {
            enclosed: &mail.attachments,
            by_id: BTreeMap::new(),
            placeholders: BTreeMap::new(),
        };
        for (at, attachment) in mail.attachments.iter().enumerate() {
            let is_picture = is_picture(attachment);
            pictures.stands_for(&attachment.name, Some(at).filter(|_| is_picture));
            if let Some(id) = attachment.content_id.as_deref().filter(|_| is_picture) {
                // Of two with the same id clients show the first.
                pictures.by_id.entry(id).or_insert(at);
                pictures.stands_for(&format!("cid:{id}"), Some(at));
            }
        }
        pictures.read(mail.html.as_deref().unwrap_or_default());
        pictures
    }

    /// What the images of the HTML are called there.
    fn read(&mut self, html: &str) {
        let has_images = || {
            let mut names = html.as_bytes().windows(4);
            names.any(|name| name.eq_ignore_ascii_case(b"<img"))
        };
        if !has_images() {
            return;
        }
        let images = Tokenizer::new(html).filter_map(|token| match token {
            Ok(Token::StartTag(tag)) if tag.name.as_slice() == b"img" => Some(tag),
            _ => None,
        });
        for tag in images.take(IMAGES_MAX) {
            let picture = self.shown_by(&tag);
            for attribute in ["alt", "title", "src"] {
                self.stands_for(&value(&tag, attribute), picture);
            }
        }
    }

    fn stands_for(&mut self, words: &str, picture: Option<usize>) {
        let words = normal(words);
        if words.is_empty() || words.len() > WORDS_BYTES_MAX {
            return;
        }
        for words in [format!("image: {words}"), words] {
            self.placeholders.entry(words).or_insert(picture);
        }
    }

    /// The picture that an `img` shows, if it came along.
    pub(super) fn shown_by(&self, tag: &StartTag<()>) -> Option<usize> {
        let source = value(tag, "src");
        let (scheme, id) = source.trim().split_at_checked(4)?;
        if !scheme.eq_ignore_ascii_case("cid:") || id.len() > WORDS_BYTES_MAX {
            return None;
        }
        let found = self.by_id.get(id).or_else(|| {
            let id = unescaped(id)?;
            self.by_id.get(id.as_str())
        });
        found.copied()
    }

    /// Its name.
    pub(super) fn name(&self, picture: usize) -> &str {
        self.enclosed.get(picture).map_or("", |a| &a.name)
    }

    /// What stands for it in plain text.
    pub fn hint(&self, picture: usize) -> String {
        format!("[image: {}]", self.name(picture))
    }

    /// Whether a text says nothing but that here are pictures, or files, and where a click on them leads.
    pub fn are_all_of(&self, text: &str) -> bool {
        let rest = self.left_out_of(text);
        rest != text && sanitise::without_links(&rest).trim().is_empty()
    }

    /// The text without what stands in it for a picture.
    pub(super) fn left_out_of(&self, text: &str) -> String {
        self.replaced(text, |_| Some(String::new()))
    }

    /// The text with `[image: NAME]` for each picture, whatever the client wrote; and which pictures it names. A placeholder says how the client counts
    /// its images and what its host is called, and both are nobody's business.
    pub fn named_in(&self, text: &str) -> (String, BTreeSet<usize>) {
        let mut named = BTreeSet::new();
        let text = self.replaced(text, |(words, picture)| match picture {
            Some(picture) => {
                named.insert(picture);
                Some(self.hint(picture))
            }
            None => words.starts_with("cid:").then(|| "[image]".to_string()),
        });
        (text, named)
    }

    fn replaced(
        &self,
        text: &str,
        mut by: impl FnMut((&str, Option<usize>)) -> Option<String>,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for place in bracketed(text) {
            let words = normal(&text[place.start + 1..place.end - 1]);
            let picture = self.placeholders.get(&words);
            if let Some(instead) = picture.and_then(|picture| by((&words, *picture))) {
                out.push_str(&text[from..place.start]);
                out.push_str(&instead);
                from = place.end;
            }
        }
        out.push_str(&text[from..]);
        out
    }
}

/// The text without what looks like a placeholder, where nothing is known of the mail's parts: to compare places, not to decide what is said.
pub(super) fn without_likely_placeholders(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for place in bracketed(text) {
        if is_likely(&normal(&text[place.start + 1..place.end - 1])) {
            out.push_str(&text[from..place.start]);
            from = place.end;
        }
    }
    if from == 0 {
        return text.into();
    }
    (out + &text[from..]).into()
}

fn is_likely(words: &str) -> bool {
    // Old Gmail, Yahoo and web mailers count their images in the writer's language.
    const COUNTED: [&str; 8] = [
        "image",
        "inline image",
        "inline-bild",
        "eingebettetes bild",
        "bild",
        "image intégrée",
        "images intégrées",
        "immagine incorporata",
    ];
    const ENDINGS: [&str; 9] = [
        ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".heic", ".tif", ".tiff",
    ];
    let is_name = || !words.contains('/') && ENDINGS.iter().any(|e| words.ends_with(e));
    let counted = words.trim_end_matches(|c: char| c.is_ascii_digit()).trim();
    words.starts_with("cid:")
        || words.starts_with("image:")
        || COUNTED.contains(&counted)
        || is_name()
}

/// What a client shows as a picture. An SVG can hold a program (ATTACKS.md D06), so it stays a file.
fn is_picture(attachment: &Attachment) -> bool {
    let media_type = attachment.media_type.as_str();
    media_type.starts_with("image/") && !media_type.starts_with("image/svg")
}

/// The innermost brackets, with what stands in them.
fn bracketed(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut open = None;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        let closed = match byte {
            b'[' | b'<' => {
                open = Some((at, byte));
                return None;
            }
            b']' => b'[',
            b'>' => b'<',
            _ => return None,
        };
        let (from, opened) = open.take()?;
        let is_pair = opened == closed && at - from <= WORDS_BYTES_MAX;
        is_pair.then_some(from..at + 1)
    })
}

/// As words are compared: a client may break its placeholder's line.
fn normal(words: &str) -> String {
    let visible = words
        .chars()
        .filter(|c| !matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{34f}'));
    let visible: String = visible.collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn value(tag: &StartTag<()>, attribute: &str) -> String {
    let value = tag.attributes.get(attribute.as_bytes());
    value.map_or(String::new(), |v| String::from_utf8_lossy(v).into_owned())
}

/// Without the percent signs of a URL. None where they hide no text.
fn unescaped(url: &str) -> Option<String> {
    let mut out = Vec::with_capacity(url.len());
    let mut bytes = url.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next()?)?, hex(bytes.next()?)?);
                high << 4 | low
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A mail with that HTML and parts: name, type and Content-ID.
    pub fn mail(html: &str, parts: &[(&str, &str, &str)]) -> Mail {
        let attachment = |(at, (name, media_type, id)): (usize, &(&str, &str, &str))| Attachment {
            name: name.to_string(),
            media_type: media_type.to_string(),
            bytes: 1,
            part: at,
            content_id: Some(id.to_string()).filter(|id| !id.is_empty()),
            is_enveloped: false,
        };
        Mail {
            html: Some(html.to_string()),
            attachments: parts.iter().enumerate().map(attachment).collect(),
            ..crate::mail::unread(b"")
        }
    }

    const SHOT: (&str, &str, &str) = ("image001.png", "image/png", "image001.png@01D9.F3C0");

    #[test]
    fn what_clients_write_for_a_picture_becomes_its_name() {
        let html = "<img src='cid:image001.png@01D9.F3C0' alt='A  printer\non fire'><img src='https://x.example/l.png' alt='Logo'><img src='cid:gone'>";
        let mail = mail(html, &[SHOT, ("log.txt", "text/plain", "")]);
        let pictures = Pictures::of(&mail);
        for (written, named) in [
            (
                "a [cid:image001.png@01D9.F3C0] b",
                "a [image: image001.png] b",
            ),
            ("[image: image001.png]", "[image: image001.png]"),
            ("[image: A printer\non fire]", "[image: image001.png]"),
            ("[A printer on fire]", "[image: image001.png]"),
            ("<image001.png>", "[image: image001.png]"),
            (
                "[image001.png]<https://x.example/>",
                "[image: image001.png]<https://x.example/>",
            ),
            // Of what did not come along the client's word is the only hint, but for an id.
            (
                "[Logo] [https://x.example/l.png] [cid:gone]",
                "[Logo] [https://x.example/l.png] [image]",
            ),
            (
                "<log.txt> [x] array[0] a < b > c [image: other]",
                "<log.txt> [x] array[0] a < b > c [image: other]",
            ),
            (
                "[[cid:image001.png@01D9.F3C0] and [",
                "[[image: image001.png] and [",
            ),
        ] {
            assert_eq!(pictures.named_in(written).0, named, "{written}");
        }
        let bare = pictures.left_out_of("a [Logo] <log.txt> [x] [cid:image001.png@01D9.F3C0]");
        assert_eq!(bare, "a   [x] ");
    }

    #[test]
    fn likely_placeholders() {
        for (written, bare) in [
            ("a [cid:x@y] b", "a  b"),
            ("<PastedGraphic-1.png>", ""),
            ("[Inline-Bild 1] [image: x] [Logo]", "  [Logo]"),
            ("<https://x.example/l.png>", "<https://x.example/l.png>"),
            ("a[0] < b", "a[0] < b"),
        ] {
            assert_eq!(without_likely_placeholders(written), bare);
        }
    }

    #[test]
    fn hostile_ids_show_nothing_and_cost_little() {
        let long = "x".repeat(100_000);
        let parts = [
            SHOT,
            ("second.png", "image/png", SHOT.2),
            ("evil.svg", "image/svg+xml", "svg"),
            ("evil.html", "text/html", "html"),
            ("ü.png", "image/png", "ü@h"),
        ];
        let mail = mail(&"<img src=cid:svg>".repeat(50_000), &parts);
        let pictures = Pictures::of(&mail);
        let shown = |source: &str| {
            let html = format!("<img src='{source}'>");
            let tag = Tokenizer::new(&html).find_map(|token| match token {
                Ok(Token::StartTag(tag)) => Some(tag),
                _ => None,
            });
            pictures.shown_by(&tag.expect("an image"))
        };
        assert_eq!(
            shown("cid:image001.png@01D9.F3C0"),
            Some(0),
            "the first of two"
        );
        assert_eq!(shown(" CID:image001.png%4001D9.F3C0 "), Some(0));
        assert_eq!(shown("cid:ü@h"), Some(4));
        assert_eq!(shown("cid:%c3%bc@h"), Some(4));
        let long = format!("cid:{long}");
        for source in [
            "cid:svg",
            "cid:html",
            "cid:",
            "cid:%",
            "cid:%zz",
            "cid:%ff",
            "ci",
            "https:image001.png@01D9.F3C0",
            "cid:a&quot;&#13;&#10;b",
            &long,
        ] {
            assert_eq!(shown(source), None, "{source:.40}");
        }
        let open = "[".repeat(1 << 20) + &"<]>".repeat(1 << 18);
        assert_eq!(pictures.named_in(&open).0, open);
    }
}
