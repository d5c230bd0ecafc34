//! The HTML of a mail of ours-to-be, made harmless: only marks of text remain, and only the writer's own part.
//!
//! Knows which elements carry text and which ones repeat other mail; decides nothing by itself: [`own_html`] gives HTML only if it says, letter for letter,
//! what the plain text says that somebody else has cut out. So a quotation that nobody knows can never slip into the HTML alone.
//! One pass, no tree, no recursion; nothing is loaded, no attribute survives but the target of a link and the size of a picture (ATTACKS.md D06). A picture stays
//! where it is a part of the same mail, under a name that is given here.

use super::picture::Pictures;
use super::quote;
use html5gum::{StartTag, Token, Tokenizer};
use std::collections::BTreeSet;

/// More is no answer that somebody typed.
const HTML_BYTES_MAX: usize = 512 << 10;
/// Deeper elements are dropped, their text is not.
const DEPTH_MAX: usize = 64;
/// Deeper elements are not followed in what is dropped: each end looks for its beginning. If it is taken for over too soon, the words are no more the same.
const SKIPPED_DEPTH_MAX: usize = 512;
const URL_BYTES_MAX: usize = 2_000;
/// Images of an answer that stand in its text; more, each time one is repeated too, go along as files.
const IMAGES_MAX: usize = 100;
/// A width or height with more digits is none.
const PIXELS_DIGITS_MAX: usize = 4;

/// What remains of some HTML.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Harmless.
    pub html: String,
    /// The pictures that it shows: `images`, counted from 1, stand for these of [`super::Mail::attachments`] in the HTML.
    pub shown: Vec<usize>,
    /// Pictures that only the mail shows which the writer's client repeats.
    pub repeated: BTreeSet<usize>,
}

/// The `Content-ID` of a picture that is shown, without its angle brackets; `right` is the part behind the `@`, as of any id.
pub fn content_id(number: usize, right: &str) -> String {
    format!("image{number}.{right}")
}

/// The writer's own part of some HTML, if its words are exactly those of `own_text`; else none. What stands above these words in the plain text, the writer's
/// commands, is `above`: it is left out. `right` is for the ids of the pictures that are shown.
pub fn own_html(
    html: &str,
    (above, own_text): (&str, &str),
    pictures: &Pictures,
    right: &str,
) -> Option<Own> {
    if html.len() > HTML_BYTES_MAX {
        return None;
    }
    let said = |text: &str| letters(&without_links(&pictures.left_out_of(text)));
    let (above, own) = (said(above), said(own_text));
    let writer = Writer::read(html, &above, pictures, right);
    let says_something = !writer.letters.is_empty() || !writer.own.shown.is_empty();
    if !says_something || !writer.above.is_empty() || writer.letters != own {
        return None;
    }
    let Own {
        html,
        shown,
        mut repeated,
    } = writer.own;
    repeated.retain(|picture| !shown.contains(picture));
    Some(Own {
        html: html.trim().to_string(),
        shown,
        repeated,
    })
}

/// Elements that say how text looks. All others are dropped, and what stands in them is kept.
const KEPT: &[&str] = &[
    "p",
    "div",
    "br",
    "hr",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "sub",
    "sup",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "td",
    "th",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "code",
    "tt",
    "blockquote",
    "a",
];
const EMPTY: &[&str] = &["br", "hr"];
/// What stands in these is no text that anybody reads.
const DROPPED: &[&str] = &[
    "head", "title", "style", "script", "template", "object", "svg", "math", "noframes", "iframe",
    "applet", "audio", "video", "select", "xml", "noscript", "textarea",
];
/// Elements without an end.
const VOID: &[&str] = &[
    "meta", "link", "input", "col", "wbr", "area", "base", "embed", "source", "track",
];

struct Writer<'p> {
    pictures: &'p Pictures<'p>,
    right: &'p str,
    /// The letters and digits that are still to be left out.
    above: &'p str,
    /// It began with something else: nothing of it can be left out.
    strays: bool,
    /// Something was written that is seen.
    begun: bool,
    own: Own,
    /// The letters and digits written.
    letters: String,
    /// The elements that are open, and where each begins in what is written.
    open: Vec<(&'static str, usize)>,
    /// Within what is dropped: names of the elements open there.
    skipped: Vec<Vec<u8>>,
    /// What is dropped is another mail, for sure.
    repeats: bool,
    /// After a mark from which on all is repeated.
    ended: bool,
    /// How many images were written.
    images: usize,
}

impl<'p> Writer<'p> {
    fn read(html: &str, above: &'p str, pictures: &'p Pictures, right: &'p str) -> Self {
        let mut writer = Writer {
            pictures,
            right,
            above,
            strays: false,
            begun: above.is_empty(),
            own: Own::default(),
            letters: String::new(),
            open: vec![],
            skipped: vec![],
            repeats: false,
            ended: false,
            images: 0,
        };
        for Ok(token) in Tokenizer::new(html) {
            match token {
                Token::StartTag(tag) => writer.start(&tag),
                Token::EndTag(tag) => writer.end(&tag.name),
                Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
                _ => {}
            }
        }
        writer.close(0);
        writer
    }

    fn write(&mut self, html: &str) {
        self.own.html.push_str(html);
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if name == b"img" {
            return self.image(tag);
        }
        let is = |list: &[&str]| list.iter().any(|n| n.as_bytes() == name);
        if self.ended || !self.skipped.is_empty() {
            let opens = !self.skipped.is_empty() && !tag.self_closing && !is(VOID) && !is(EMPTY);
            if opens && self.skipped.len() < SKIPPED_DEPTH_MAX {
                self.skipped.push(name.to_vec());
            }
            return;
        }
        match quote::marked(tag) {
            Some(quote::Marked::ToTheEnd) => {
                self.ended = true;
                return;
            }
            Some(quote::Marked::Within) if !tag.self_closing => return self.skip(name, true),
            Some(quote::Marked::Perhaps) if !tag.self_closing => return self.skip(name, false),
            _ => {}
        }
        if (is(DROPPED) || is_hidden(tag)) && !tag.self_closing && !is(VOID) {
            return self.skip(name, false);
        }
        let Some(kept) = KEPT.iter().find(|n| n.as_bytes() == name).copied() else {
            return;
        };
        if EMPTY.contains(&kept) {
            // Below the commands stands an empty line.
            if self.begun {
                self.write(&format!("<{kept}>"));
            }
            return;
        }
        if self.open.len() >= DEPTH_MAX {
            return;
        }
        let from = self.own.html.len();
        let target = (kept == "a").then(|| target(tag)).flatten();
        match target {
            Some(url) => self.write(&format!("<a href=\"{}\">", escaped(&url))),
            None if kept == "a" => return,
            None => self.write(&format!("<{kept}>")),
        }
        self.open.push((kept, from));
    }

    fn skip(&mut self, name: &[u8], repeats: bool) {
        self.skipped.push(name.to_vec());
        self.repeats = repeats;
    }

    /// Of an image only what came along is kept, and of that only the size: its words would be others than those of the text.
    fn image(&mut self, tag: &StartTag<()>) {
        let Some(picture) = self.pictures.shown_by(tag) else {
            return;
        };
        let is_skipped = !self.skipped.is_empty();
        if self.ended || is_skipped && self.repeats {
            self.own.repeated.insert(picture);
        }
        if self.ended || is_skipped || is_hidden(tag) || self.images == IMAGES_MAX {
            return;
        }
        (self.images, self.begun) = (self.images + 1, true);
        let shown = &mut self.own.shown;
        let before = shown.iter().position(|p| *p == picture);
        let at = before.unwrap_or_else(|| {
            shown.push(picture);
            shown.len() - 1
        });
        let id = content_id(at + 1, self.right);
        let name = escaped(self.pictures.name(picture));
        let sizes = ["width", "height"].map(|side| size(tag, side));
        self.write(&format!(
            "<img src=\"cid:{id}\" alt=\"{name}\"{}>",
            sizes.concat()
        ));
    }

    fn end(&mut self, name: &[u8]) {
        if let Some(at) = self.skipped.iter().rposition(|n| n == name) {
            self.skipped.truncate(at);
            return;
        }
        if self.ended || !self.skipped.is_empty() {
            return;
        }
        if let Some(at) = self.open.iter().rposition(|(n, _)| n.as_bytes() == name) {
            self.close(at);
        }
    }

    /// Ends the elements from this one on; of those that held nothing but commands nothing remains.
    fn close(&mut self, at: usize) {
        for (name, from) in self.open.split_off(at).into_iter().rev() {
            match self.begun {
                true => self.write(&format!("</{name}>")),
                false => self.own.html.truncate(from),
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.ended || !self.skipped.is_empty() {
            return;
        }
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let text = self.below(&text);
        self.begun |= !text.trim().is_empty();
        if self.begun {
            self.letters.push_str(&letters(text));
            self.write(&escaped(text));
        }
    }

    /// What stands in this text below the line of the last command, letter for letter.
    fn below<'t>(&mut self, text: &'t str) -> &'t str {
        if self.above.is_empty() || self.strays {
            return text;
        }
        for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            match self.above.strip_prefix(c) {
                Some(rest) => self.above = rest,
                None => {
                    self.strays = true;
                    return &text[at..];
                }
            }
            if self.above.is_empty() {
                let rest = &text[at + c.len_utf8()..];
                return rest.find(['\n', '\r']).map_or("", |end| &rest[end..]);
            }
        }
        ""
    }
}

/// ` width="640"`: without it a picture of a fine screen fills several.
fn size(tag: &StartTag<()>, side: &str) -> String {
    let pixels = tag.attributes.get(side.as_bytes());
    let pixels = pixels.map_or(&[][..], |p| p.as_slice());
    let is_size =
        (1..=PIXELS_DIGITS_MAX).contains(&pixels.len()) && pixels.iter().all(u8::is_ascii_digit);
    match is_size {
        true => format!(" {side}=\"{}\"", String::from_utf8_lossy(pixels)),
        false => String::new(),
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A client writes the target of a link behind its words in the plain text, in angle brackets.
pub(super) fn without_links(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, link)) = rest.split_once('<') {
        out.push_str(before);
        let is_link = ["http://", "https://", "mailto:"]
            .iter()
            .any(|s| link.starts_with(s));
        // No further: a text of nothing but beginnings of links is as quickly read as any other.
        let end = is_link.then(|| link.bytes().take(URL_BYTES_MAX).position(|b| b == b'>'));
        rest = match end.flatten() {
            Some(end) => &link[end + 1..],
            None => link,
        };
    }
    out + rest
}

fn target(tag: &StartTag<()>) -> Option<String> {
    let url = String::from_utf8_lossy(tag.attributes.get(b"href".as_slice())?).into_owned();
    let url = url.trim();
    let known = ["http://", "https://", "mailto:", "tel:"].iter().any(|s| {
        url.get(..s.len())
            .is_some_and(|u| u.eq_ignore_ascii_case(s))
    });
    let plain = url.chars().all(|c| !c.is_control() && !is_invisible(c));
    (known && plain && url.len() <= URL_BYTES_MAX).then(|| url.to_string())
}

fn is_hidden(tag: &StartTag<()>) -> bool {
    let style = tag.attributes.get(b"style".as_slice());
    style.is_some_and(|style| {
        let style: String = String::from_utf8_lossy(style)
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        style.contains("display:none") || style.contains("mso-hide:all")
    })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
        || c.is_control() && !matches!(c, '\n' | '\t')
}

fn escaped(s: &str) -> String {
    s.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::picture::tests::mail;

    #[track_caller]
    fn check(html: &str, own: &str, expected: Option<&str>) {
        let mail = mail(html, &[]);
        let found = own_html(html, ("", own), &Pictures::of(&mail), "r@x");
        assert_eq!(found.map(|o| o.html).as_deref(), expected, "{html}");
    }

    #[test]
    fn marks_of_text_are_kept_and_nothing_else() {
        check(
            "<html><head><style>p{}</style></head><body onload=x><p class=a style='color:red'>Try <b>another</b> socket.</p></body></html>",
            "Try another socket.",
            Some("<p>Try <b>another</b> socket.</p>"),
        );
        check(
            "<ul><li>one<li>two</ul>",
            "- one\n- two",
            Some("<ul><li>one<li>two</li></li></ul>"),
        );
        check(
            "see <a href=\"https://x.example/?a=1&amp;b\" onclick=x>here</a>",
            "see here <https://x.example/?a=1&b>",
            Some("see <a href=\"https://x.example/?a=1&amp;b\">here</a>"),
        );
        check(
            "<a href='javascript:alert(1)'>x</a><img src=http://t.example/1><svg onload=x>y</svg>",
            "x",
            Some("x"),
        );
        check(
            "a &lt;script&gt; b",
            "a <script> b",
            Some("a &lt;script&gt; b"),
        );
        check("<p><b>x", "x", Some("<p><b>x</b></p>"));
        check("</div></b>x", "x", Some("x"));
    }

    #[test]
    fn what_repeats_other_mail_goes() {
        for quoted in [
            "<div class='gmail_quote'><div>On Monday Desk wrote:</div>secret</div>",
            "<blockquote type='cite'>secret<div>more</div></blockquote>",
            "<div id='divRplyFwdMsg'>From: Desk</div>secret",
            "<div id='appendonsend'></div><p>secret",
            "<div style='display: none'>secret</div>",
        ] {
            check(&format!("<p>Yes.</p>{quoted}"), "Yes.", Some("<p>Yes.</p>"));
        }
    }

    const SHOT: (&str, &str, &str) = ("shot.png", "image/png", "shot.png@01D9.F3C0");
    const LOGO: (&str, &str, &str) = ("\"><logo.png", "image/gif", "logo@pc17.intern");

    /// What remains of the HTML, and which parts it shows and repeats.
    fn pictures(
        html: &str,
        own: &str,
        parts: &[(&str, &str, &str)],
    ) -> Option<(String, Vec<usize>, Vec<usize>)> {
        let mail = mail(html, parts);
        let found = own_html(html, ("", own), &Pictures::of(&mail), "r@x")?;
        Some((
            found.html,
            found.shown,
            found.repeated.into_iter().collect(),
        ))
    }

    #[track_caller]
    fn shows(html: &str, own: &str, expected: &str, shown: &[usize], repeated: &[usize]) {
        let expected = Some((expected.to_string(), shown.to_vec(), repeated.to_vec()));
        assert_eq!(pictures(html, own, &[SHOT, LOGO]), expected, "{html}");
    }

    #[test]
    fn pictures_that_came_along_stay_under_a_name_of_ours() {
        const FIRST: &str = "<img src=\"cid:image1.r@x\" alt=\"shot.png\">";
        let shot = "<img src='cid:shot.png@01D9.F3C0'>";
        shows(
            "<p>See <img src=\"CID:shot.png%4001D9.F3C0\" width=640 height='12345' style='x' onerror=evil() alt='secret'>.</p>",
            "See [cid:shot.png@01D9.F3C0].",
            "<p>See <img src=\"cid:image1.r@x\" alt=\"shot.png\" width=\"640\">.</p>",
            &[0],
            &[],
        );
        for placeholder in [
            "[image: shot.png]",
            "[shot.png]",
            "<shot.png>",
            "[cid:shot.png@01D9.F3C0]",
            "",
        ] {
            shows(
                &format!("See {shot}."),
                &format!("See {placeholder}."),
                &format!("See {FIRST}."),
                &[0],
                &[],
            );
        }
        // In the order in which they stand there, each once; a file's name does nothing.
        shows(
            &format!("a<img src=cid:logo@pc17.intern>{shot}<img src=cid:logo@pc17.intern>"),
            "a",
            "a<img src=\"cid:image1.r@x\" alt=\"&quot;&gt;&lt;logo.png\"><img src=\"cid:image2.r@x\" alt=\"shot.png\"><img src=\"cid:image1.r@x\" alt=\"&quot;&gt;&lt;logo.png\">",
            &[1, 0],
            &[],
        );
        shows(shot, "[cid:shot.png@01D9.F3C0]", FIRST, &[0], &[]);
        // Every other source goes.
        for source in [
            "https://t.example/1",
            "//t.example/1",
            "data:image/png;base64,AA",
            "file:///c:/x.png",
            "shot.png",
            "cid:nobody@x",
            "cid:",
            "mid:a@b/shot.png@01D9.F3C0",
            "javascript:x",
            "cid:shot.png@01D9.F3C0&#13;&#10;X: y",
        ] {
            shows(&format!("a<img src='{source}'>"), "a", "a", &[], &[]);
        }
    }

    #[test]
    fn pictures_of_what_is_repeated_are_told_from_those_that_may_be_the_writers_own() {
        let shot = "<img src='cid:shot.png@01D9.F3C0'>";
        for (html, repeated) in [
            (format!("a<div class=gmail_quote>b{shot}</div>"), true),
            (
                format!("a<blockquote type=cite><p>{shot}</blockquote>"),
                true,
            ),
            (format!("a<div id=divRplyFwdMsg></div><p>{shot}"), true),
            (format!("a<blockquote>{shot}</blockquote>"), false),
            (format!("a<div class=gmail_signature>b{shot}</div>"), false),
            (format!("a<div style='display:none'>b{shot}</div>"), false),
            (format!("a<object>{shot}</object>"), false),
        ] {
            let repeated: &[usize] = if repeated { &[0] } else { &[] };
            shows(&html, "a", "a", &[], repeated);
        }
        let both = format!("a{shot}<div class=gmail_quote>b{shot}</div>");
        shows(
            &both,
            "a",
            "a<img src=\"cid:image1.r@x\" alt=\"shot.png\">",
            &[0],
            &[],
        );
    }

    #[test]
    fn pictures_are_bounded() {
        let html = "a".to_string() + &"<img src=cid:shot.png@01D9.F3C0>".repeat(10_000);
        let (html, shown, _) = pictures(&html, "a", &[SHOT]).expect("the same words");
        assert_eq!((html.matches("<img").count(), shown), (IMAGES_MAX, vec![0]));
        let ids: Vec<String> = (0..1_000).map(|n| format!("n{n}@x")).collect();
        let parts: Vec<_> = ids
            .iter()
            .map(|id| ("x.png", "image/png", id.as_str()))
            .collect();
        let html: String = ids.iter().map(|id| format!("<img src=cid:{id}>")).collect();
        let (_, shown, _) = pictures(&format!("a{html}"), "a", &parts).expect("the same words");
        assert_eq!(shown, (0..IMAGES_MAX).collect::<Vec<_>>());
    }

    #[test]
    fn ends_without_a_beginning_cost_little() {
        let html = format!(
            "a<div class=gmail_quote>{}{}</div>",
            "<a>".repeat(80_000),
            "</b>".repeat(60_000)
        );
        check(&html, "a", Some("a"));
        let deep = format!(
            "a<div class=gmail_quote>{}b{}c",
            "<div>".repeat(2 * SKIPPED_DEPTH_MAX),
            "</div>".repeat(2 * SKIPPED_DEPTH_MAX)
        );
        check(&deep, "a", None);
    }

    #[test]
    fn the_commands_above_the_answer_are_left_out() {
        let above = "#severity 2 half of them!\n#take\n\n";
        for (html, expected) in [
            (
                "<div>#severity 2 half of them!</div><div>#take</div><div><br></div><div>It is the <b>fuse</b>.</div>",
                Some("<div>It is the <b>fuse</b>.</div>"),
            ),
            (
                "<div><p>#severity 2 <i>half</i>\nof them!<br>#take<br><br>It is the fuse.</p></div>",
                Some("<div><p>It is the fuse.</p></div>"),
            ),
            (
                "<pre>#severity 2 half of them!\n#take\n\nIt is the fuse.</pre>",
                Some("<pre>\n\nIt is the fuse.</pre>"),
            ),
            // In the same line, missing, in another order, below: that is no answer that could be shown.
            (
                "<p>#severity 2 half of them! #take It is the fuse.</p>",
                None,
            ),
            ("<p>#take</p><p>It is the fuse.</p>", None),
            ("<p>It is the fuse.</p>", None),
            (
                "<p>#take</p><p>#severity 2 half of them!</p><p>It is the fuse.</p>",
                None,
            ),
            (
                "<p>It is the fuse.</p><p>#severity 2 half of them! #take</p>",
                None,
            ),
            ("<p>#severity 2 half of them!</p><p>#take</p>", None),
        ] {
            let mail = mail(html, &[]);
            let found = own_html(
                html,
                (above, "It is the fuse."),
                &Pictures::of(&mail),
                "r@x",
            );
            assert_eq!(found.map(|o| o.html).as_deref(), expected, "{html}");
        }
    }

    #[test]
    fn html_that_says_more_or_less_than_the_text_is_none() {
        check(
            "<p>Yes.</p><p>On Monday Desk wrote: secret</p>",
            "Yes.",
            None,
        );
        check("<p>Yes.</p>", "Yes. No.", None);
        check("<p>#note secret</p><p>Yes.</p>", "Yes.", None);
        check("", "", None);
        check("<p>...</p>", "...", None);
    }

    proptest::proptest! {
        #[test]
        fn no_html_whatever_yields_a_mark_that_does_something(html in "(<[a-z/]{0,8}( (href|style|onclick|class)=['\"]?[a-z:&;\"'<>]{0,12})?>|<img (src=['\"]?(cid:a|http:a)|width=[0-9a]{0,5}|onerror=x|alt=['\"]?[a-z<>]{0,3}){0,3}['\"]?>|<img src=cid:a( [a-z=\"']{0,9})?>|[a-z<>&\"'= ]{0,6}){0,20}") {
            // Whatever the words are, take them for the writer's own.
            let mail = mail(&html, &[("a\" onerror=\"x.png", "image/png", "a")]);
            let pictures = Pictures::of(&mail);
            let out = Writer::read(&html, "", &pictures, "r@x").own.html;
            for Ok(token) in Tokenizer::new(&out) {
                if let Token::StartTag(tag) = token {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    proptest::prop_assert!(name == "img" || KEPT.contains(&name.as_str()), "{name} in {out}");
                    let allowed: &[&[u8]] = match name.as_str() {
                        "a" => &[b"href"],
                        "img" => &[b"src", b"alt", b"width", b"height"],
                        _ => &[],
                    };
                    proptest::prop_assert!(tag.attributes.keys().all(|k| allowed.contains(&k.as_slice())), "{out}");
                    let source = tag.attributes.get(b"src".as_slice());
                    proptest::prop_assert!(source.is_none_or(|s| s.as_slice() == b"cid:image1.r@x"), "{out}");
                }
            }
        }
    }
}
