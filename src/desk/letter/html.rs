//! Light HTML made from a letter's text: readable in Outlook and on a phone, with no image, script or style sheet.
//!
//! It says what the text says, word for word and line by line, the bar before a stranger's words too: what a mail client quotes of it in an answer is known
//! again as if it were of the text (`mail/quote`).

use super::templates::BAR;
use std::borrow::Cow;

/// The HTML beside a letter's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Html {
    /// As it stands.
    Page(String),
    /// Made of a text when the letter is rendered: that is done on all cores, deciding on one.
    Of {
        /// Its code.
        language: &'static str,
        /// Its lines not yet broken.
        text: String,
        /// Whether addresses of pages in it become links. Of what a stranger wrote nothing does.
        links: bool,
    },
}

impl Html {
    /// The page.
    pub fn page(&self) -> Cow<'_, str> {
        match self {
            Html::Page(page) => page.into(),
            Html::Of {
                language,
                text,
                links,
            } => of_text(language, text, *links).into(),
        }
    }
}

/// The text as HTML: paragraphs, lists, links; everything else escaped. A line of the text is a line of the HTML, so templates write a paragraph as one line.
fn of_text(language: &str, text: &str, links: bool) -> String {
    let mut body = String::with_capacity(text.len() + text.len() / 8);
    let mut open = false;
    for line in text.lines().map(str::trim_end) {
        match (line.is_empty(), open) {
            (true, true) => body.push_str("</p>\n"),
            (true, false) => {}
            (false, true) => body.push_str("<br>\n"),
            // Grey: on a phone a long line goes on without its bar.
            (false, false) if line.starts_with(BAR) => body.push_str("<p style=\"color:#555555\">"),
            (false, false) => body.push_str("<p>"),
        }
        open = !line.is_empty();
        add_line(line, links, &mut body);
    }
    if open {
        body.push_str("</p>\n");
    }
    of_fragment(language, &body)
}

/// A whole page around what already is HTML, and harmless.
pub fn of_fragment(language: &str, body: &str) -> String {
    // Outlook renders with Word: a width in a table is the only one it keeps; phones take the viewport.
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\n\
         <body style=\"margin:0;padding:12px;font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.45;color:#1a1a1a\">\n\
         <div style=\"max-width:640px\">\n{body}</div>\n</body></html>\n"
    )
}

fn add_line(line: &str, links: bool, out: &mut String) {
    let text = match line.strip_prefix("- ") {
        Some(item) => {
            out.push_str("&bull; ");
            item
        }
        None => line,
    };
    for (n, word) in text.split(' ').enumerate() {
        // Several blanks are somebody's columns, and HTML shows one.
        match word {
            _ if n == 0 => {}
            "" => out.push_str("&nbsp;"),
            _ => out.push(' '),
        }
        match links {
            true => add_linked(word, out),
            false => add_escaped(word, out),
        }
    }
}

fn add_linked(word: &str, out: &mut String) {
    let url = word.trim_end_matches(['.', ',', ')']);
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return add_escaped(word, out);
    }
    out.push_str("<a href=\"");
    add_escaped(url, out);
    out.push_str("\">");
    add_escaped(url, out);
    out.push_str("</a>");
    add_escaped(&word[url.len()..], out);
}

fn add_escaped(s: &str, out: &mut String) {
    let mut rest = s;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        let (plain, marked) = rest.split_at(at);
        out.push_str(plain);
        out.push_str(match marked.as_bytes()[0] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &marked[1..];
    }
    out.push_str(rest);
}
