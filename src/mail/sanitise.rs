//! The HTML of a mail of ours-to-be, made harmless: only marks of text remain, and only the writer's own part.
//!
//! Knows which elements carry text and which ones repeat other mail; decides nothing by itself: [`own_html`] gives HTML only if it says, letter for letter,
//! what the plain text says that somebody else has cut out. So a quotation that nobody knows can never slip into the HTML alone.
//! One pass, no tree, no recursion; nothing is loaded, no attribute survives but the target of a link (ATTACKS.md D06).

use super::quote;
use html5gum::{StartTag, Token, Tokenizer};

/// More is no answer that somebody typed.
const HTML_BYTES_MAX: usize = 512 << 10;
/// Deeper elements are dropped, their text is not.
const DEPTH_MAX: usize = 64;
const URL_BYTES_MAX: usize = 2_000;

/// The writer's own part of some HTML, if its words are exactly those of `own_text`; else none.
pub fn own_html(html: &str, own_text: &str) -> Option<String> {
    if html.len() > HTML_BYTES_MAX {
        return None;
    }
    let mut writer = Writer::default();
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) => writer.end(&tag.name),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    while let Some(name) = writer.open.pop() {
        writer.out.push_str(&format!("</{name}>"));
    }
    let same = !writer.letters.is_empty() && writer.letters == letters(&without_links(own_text));
    same.then(|| writer.out.trim().to_string())
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
    "img", "meta", "link", "input", "col", "wbr", "area", "base", "embed", "source", "track",
];

#[derive(Default)]
struct Writer {
    out: String,
    /// The letters and digits written.
    letters: String,
    open: Vec<&'static str>,
    /// Within what is dropped: names of the elements open there.
    skipped: Vec<Vec<u8>>,
    /// After a mark from which on all is repeated.
    ended: bool,
}

impl Writer {
    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        let is = |list: &[&str]| list.iter().any(|n| n.as_bytes() == name);
        if self.ended || !self.skipped.is_empty() {
            if !self.skipped.is_empty() && !tag.self_closing && !is(VOID) && !is(EMPTY) {
                self.skipped.push(name.to_vec());
            }
            return;
        }
        match quote::marked(tag) {
            Some(quote::Marked::ToTheEnd) => {
                self.ended = true;
                return;
            }
            Some(quote::Marked::Within) if !tag.self_closing => {
                return self.skipped.push(name.to_vec());
            }
            _ => {}
        }
        if (is(DROPPED) || is_hidden(tag)) && !tag.self_closing && !is(VOID) {
            return self.skipped.push(name.to_vec());
        }
        let Some(kept) = KEPT.iter().find(|n| n.as_bytes() == name).copied() else {
            return;
        };
        if EMPTY.contains(&kept) {
            return self.out.push_str(&format!("<{kept}>"));
        }
        if self.open.len() >= DEPTH_MAX {
            return;
        }
        let target = (kept == "a").then(|| target(tag)).flatten();
        match target {
            Some(url) => self
                .out
                .push_str(&format!("<a href=\"{}\">", escaped(&url))),
            None if kept == "a" => return,
            None => self.out.push_str(&format!("<{kept}>")),
        }
        self.open.push(kept);
    }

    fn end(&mut self, name: &[u8]) {
        if let Some(at) = self.skipped.iter().rposition(|n| n == name) {
            self.skipped.truncate(at);
            return;
        }
        if self.ended || !self.skipped.is_empty() {
            return;
        }
        if let Some(at) = self.open.iter().rposition(|n| n.as_bytes() == name) {
            for closed in self.open.split_off(at).iter().rev() {
                self.out.push_str(&format!("</{closed}>"));
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.ended || !self.skipped.is_empty() {
            return;
        }
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        self.letters.push_str(&letters(&text));
        self.out.push_str(&escaped(&text));
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A client writes the target of a link behind its words in the plain text, in angle brackets.
fn without_links(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, link)) = rest.split_once('<') {
        out.push_str(before);
        let is_link = ["http://", "https://", "mailto:"]
            .iter()
            .any(|s| link.starts_with(s));
        rest = match link.split_once('>') {
            Some((_, after)) if is_link => after,
            _ => link,
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

    #[track_caller]
    fn check(html: &str, own: &str, expected: Option<&str>) {
        assert_eq!(own_html(html, own).as_deref(), expected, "{html}");
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
        fn no_html_whatever_yields_a_mark_that_does_something(html in "(<[a-z/]{0,8}( (href|style|onclick|class)=['\"]?[a-z:&;\"'<>]{0,12})?>|[a-z<>&\"'= ]{0,6}){0,20}") {
            // Whatever the words are, take them for the writer's own.
            let mut writer = Writer::default();
            for Ok(token) in Tokenizer::new(&html) {
                match token {
                    Token::StartTag(tag) => writer.start(&tag),
                    Token::EndTag(tag) => writer.end(&tag.name),
                    Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
                    _ => {}
                }
            }
            for Ok(token) in Tokenizer::new(&writer.out) {
                if let Token::StartTag(tag) = token {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    proptest::prop_assert!(KEPT.contains(&name.as_str()), "{name} in {}", writer.out);
                    proptest::prop_assert!(tag.attributes.keys().all(|k| name == "a" && k.as_slice() == b"href"));
                }
            }
        }
    }
}
