//! HTML to text, as a person would read it: lists, tables, links and quotation kept, all else dropped.
//!
//! One pass over html5gum's tokens, no tree, no recursion; input and output are bounded, so that no mail can make it slow (ATTACKS.md E05). Nothing is ever
//! loaded, and no HTML survives (D06).

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};
use std::collections::BTreeMap;

/// More HTML is not read.
const HTML_BYTES_MAX: usize = 4 << 20;
/// Prefixes and indents go no deeper.
const DEPTH_MAX: usize = 12;
/// A longer link is a tracking link; its text is enough.
const URL_BYTES_MAX: usize = 500;
/// Between two cells of a row.
pub const BETWEEN_CELLS: &str = " | ";
/// What Outlook itself writes for a rule, so that what looks for quotation knows it.
const RULE: &str = "________________________________";

/// The text of some HTML, at most `bytes_max` of it.
pub fn text(html: &str, bytes_max: usize) -> String {
    let html = super::text::at_most(html, HTML_BYTES_MAX);
    let strict = written(html, true, bytes_max);
    // A title, a script or a hidden element that never ends would hide the mail: then all is shown.
    match strict {
        Writer {
            skipped: None, out, ..
        } if !out.trim().is_empty() => out,
        _ => written(html, false, bytes_max).out,
    }
}

fn written(html: &str, hides: bool, bytes_max: usize) -> Writer {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(hides);
    let mut writer = Writer {
        hides,
        ..Writer::default()
    };
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) => writer.end(&lossy(&tag.name)),
            Token::String(text) if writer.skipped.is_none() => writer.text(&lossy(&text)),
            _ => {}
        }
        if writer.out.len() > bytes_max {
            break;
        }
    }
    writer.link = None;
    writer.break_line();
    let end = writer.out.trim_end().len();
    writer.out.truncate(end);
    if writer.out.starts_with('>') {
        writer.out = unenclosed(writer.out);
    }
    writer
}

/// A quotation around everything is no quotation: some clients indent the whole mail with it.
fn unenclosed(text: String) -> String {
    fn within(line: &str) -> Option<&str> {
        let line = line.strip_prefix('>')?;
        Some(line.strip_prefix(' ').unwrap_or(line))
    }
    let levels = |line| std::iter::successors(within(line), |line| within(line)).count();
    // All at once: of a megabyte of marks each level would be a pass over what is left.
    let around = text.lines().map(levels).min().unwrap_or_default();
    if around == 0 {
        return text;
    }
    let lines = text.lines().map(|line| {
        let levels = std::iter::successors(within(line), |line| within(line));
        levels.take(around).last().unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn lossy(bytes: &HtmlString) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[derive(Default)]
struct Writer {
    out: String,
    /// The line being written.
    line: String,
    /// A blank between the last word and the next one.
    blank: bool,
    /// An empty line is due before the next line.
    gap: bool,
    /// The next word begins another cell of the same row.
    cell: bool,
    /// The open blockquotes; whether each is a quotation.
    quotes: Vec<bool>,
    /// How many of them are.
    quoted: usize,
    /// How deep the last line written is quoted.
    last_depth: usize,
    lists: Vec<Option<u32>>,
    /// The mark of the list item whose first line comes next.
    mark: String,
    preformatted: usize,
    /// The open inline elements, by name; whether each is shown as a block.
    inline: BTreeMap<String, Vec<bool>>,
    link: Option<(String, usize)>,
    /// Links of the sentence being written.
    urls: Vec<String>,
    /// The element whose content is dropped, and how many of its name are open.
    skipped: Option<(String, usize)>,
    hides: bool,
}

impl Writer {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = lossy(&tag.name);
        if let Some((skipped, open)) = &mut self.skipped {
            *open += usize::from(*skipped == name && !tag.self_closing);
            return;
        }
        if is_dropped(&name) || self.hides && is_hidden(&name, tag) {
            self.skipped = Some((name, 1)).filter(|_| self.hides && !tag.self_closing);
            return;
        }
        if is_inline(&name) {
            let is_block = is_shown_as_block(tag);
            if is_block {
                self.break_line();
            }
            self.inline.entry(name.clone()).or_default().push(is_block);
        }
        match name.as_str() {
            "br" => self.forced_break(),
            "hr" => {
                self.break_line();
                self.line.push_str(RULE);
                self.break_line();
            }
            "a" => {
                self.end_sentence();
                self.link = attribute(tag, "href").map(|url| (url, self.line.len()));
            }
            "img" => self.image(tag),
            "td" | "th" => {
                self.write_urls();
                self.cell = !self.line.trim().is_empty();
            }
            "pre" | "textarea" => {
                self.paragraph();
                self.preformatted += 1;
            }
            "ul" | "ol" | "dl" => {
                if self.lists.is_empty() {
                    self.paragraph()
                } else {
                    self.break_line()
                }
                self.lists.push((name == "ol").then_some(1));
            }
            "li" => self.item(),
            "blockquote" => {
                self.paragraph();
                let is_quoted = !is_indentation(tag);
                self.quoted += usize::from(is_quoted);
                self.quotes.push(is_quoted);
            }
            _ => self.edge(&name),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, open)) = &mut self.skipped {
            *open -= usize::from(skipped == name);
            if *open == 0 {
                self.skipped = None;
            }
            return;
        }
        let ended = self.inline.get_mut(name).and_then(Vec::pop);
        match name {
            "a" => self.end_link(),
            "pre" | "textarea" => {
                self.paragraph();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "ul" | "ol" | "dl" => {
                self.break_line();
                self.lists.pop();
                self.gap |= self.lists.is_empty();
            }
            "blockquote" => {
                self.paragraph();
                self.quoted -= usize::from(self.quotes.pop() == Some(true));
            }
            "br" => self.forced_break(),
            _ => self.edge(name),
        }
        if ended == Some(true) {
            self.break_line();
        }
    }

    /// The begin or end of a block.
    fn edge(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => self.paragraph(),
            "div" | "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer"
            | "main" | "nav" | "aside" | "center" | "address" | "fieldset" | "form" | "body"
            | "caption" | "figure" | "figcaption" | "tbody" | "thead" | "option" | "legend"
            | "details" | "summary" | "dialog" | "menu" => self.break_line(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.break_line();
        self.mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "- ".into(),
        };
    }

    fn image(&mut self, tag: &StartTag<()>) {
        if let Some(alt) =
            attribute(tag, "alt").filter(|alt| !alt.trim().is_empty() && alt.len() <= URL_BYTES_MAX)
        {
            self.text(&format!("[{}]", alt.trim()));
        }
    }

    fn end_link(&mut self) {
        let Some((url, from)) = self.link.take() else {
            return;
        };
        let shown = self.line.get(from..).unwrap_or_default().trim();
        let is_link = ["http://", "https://", "ftp://", "mailto:", "tel:"]
            .iter()
            .any(|s| starts_with(&url, s));
        if !is_link || shown.is_empty() || url.len() > URL_BYTES_MAX || says_the_same(shown, &url) {
            return;
        }
        self.urls
            .push(super::text::cleaned(url.trim(), URL_BYTES_MAX));
        // An address belongs to the name before it.
        if starts_with(&url, "mailto:") || self.preformatted > 0 {
            self.write_urls();
        }
    }

    /// Links stand behind the sentence, so that it stays whole for readers and for rules.
    fn end_sentence(&mut self) {
        if self.line.trim_end().ends_with(['.', '!', '?', '…', '。']) {
            self.write_urls();
        }
    }

    fn write_urls(&mut self) {
        if self.urls.is_empty() {
            return;
        }
        let end = self.line.trim_end().len();
        self.line.truncate(end);
        // A line that announces what follows still ends in its colon: "Anna wrote:".
        let announces = self.line.ends_with(':');
        self.line.truncate(end - usize::from(announces));
        for url in std::mem::take(&mut self.urls) {
            self.line.push_str(&format!(" <{url}>"));
        }
        self.line.extend(announces.then_some(':'));
    }

    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            let mut lines = text.split('\n');
            self.line.push_str(lines.next().unwrap_or_default());
            for line in lines {
                self.forced_break();
                self.line.push_str(line);
            }
            return;
        }
        for c in text.chars() {
            match c {
                // Fillers of preview texts.
                '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{34f}' => {}
                c if c.is_whitespace() => self.blank = !self.line.is_empty(),
                c => self.letter(if c.is_control() { ' ' } else { c }),
            }
        }
    }

    fn letter(&mut self, c: char) {
        if std::mem::take(&mut self.cell) && !self.line.trim().is_empty() {
            self.line.push_str(BETWEEN_CELLS);
            self.blank = false;
        }
        if std::mem::take(&mut self.blank) && !self.line.is_empty() {
            if self.link.is_none() {
                self.end_sentence();
            }
            self.line.push(' ');
        }
        self.line.push(c);
    }

    fn paragraph(&mut self) {
        self.break_line();
        self.gap = true;
    }

    /// Ends the line if there is something on it.
    fn break_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.forced_break();
        }
        self.line.clear();
        self.blank = false;
        self.cell = false;
    }

    /// Ends the line even if it is empty.
    fn forced_break(&mut self) {
        self.write_urls();
        let depth = self.quoted.min(DEPTH_MAX);
        let prefix = "> ".repeat(depth);
        let text = self.line.trim_end();
        if text.is_empty() && (self.gap || self.out.ends_with("\n\n") || self.out.is_empty()) {
            self.gap = !self.out.is_empty();
        } else {
            if std::mem::take(&mut self.gap) && !self.out.is_empty() && !self.ends_with_gap() {
                let shallower = "> ".repeat(depth.min(self.last_depth));
                self.out.push_str(shallower.trim_end());
                self.out.push('\n');
            }
            let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(DEPTH_MAX));
            // A signature's mark keeps its blank (RFC 3676, 4.3).
            let text = if text == "--" { "-- " } else { text };
            let written = format!("{prefix}{indent}{}{text}", std::mem::take(&mut self.mark));
            self.out.push_str(if text == "-- " {
                &written
            } else {
                written.trim_end()
            });
            self.out.push('\n');
            self.last_depth = depth;
        }
        if let Some((_, from)) = &mut self.link {
            *from = 0;
        }
        self.line.clear();
        self.blank = false;
        self.cell = false;
    }

    fn ends_with_gap(&self) -> bool {
        let last = self
            .out
            .trim_end_matches('\n')
            .rsplit('\n')
            .next()
            .unwrap_or_default();
        self.out.ends_with("\n\n") || last.chars().all(|c| c == '>' || c == ' ')
    }
}

fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "head"
            | "title"
            | "template"
            | "object"
            | "svg"
            | "math"
            | "noframes"
            | "iframe"
            | "applet"
            | "audio"
            | "video"
            | "select"
            | "xml"
    )
}

fn is_hidden(name: &str, tag: &StartTag<()>) -> bool {
    let is_block = matches!(
        name,
        "div" | "span" | "p" | "td" | "tr" | "table" | "font" | "center"
    );
    let is_hidden = |style: String| {
        let style: String = style
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        style.contains("display:none")
            || style.contains("visibility:hidden")
            || style.contains("mso-hide:all")
            // The preview text of newsletters.
            || style.contains("max-height:0") && style.contains("overflow:hidden")
    };
    is_block
        && (attribute(tag, "hidden").is_some() || attribute(tag, "style").is_some_and(is_hidden))
}

/// Elements that stand within a line, if nothing else is said of them.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "span" | "a" | "b" | "strong" | "i" | "em" | "u" | "font" | "small" | "code" | "label"
    )
}

fn is_shown_as_block(tag: &StartTag<()>) -> bool {
    attribute(tag, "style").is_some_and(|style| {
        let style: String = style
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        ["block", "flex", "grid", "table", "list-item"]
            .iter()
            .any(|kind| style.contains(&format!("display:{kind}")))
    })
}

/// Outlook and web mailers indent with a blockquote that has no border; that is no quotation.
fn is_indentation(tag: &StartTag<()>) -> bool {
    let is_cited = attribute(tag, "type").is_some()
        || attribute(tag, "class").is_some()
        || attribute(tag, "cite").is_some();
    !is_cited
        && attribute(tag, "style").is_some_and(|style| {
            let style: String = style
                .chars()
                .filter(|c| !c.is_whitespace())
                .collect::<String>()
                .to_ascii_lowercase();
            style.contains("border:none") || style.contains("margin:00040px")
        })
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes
        .get(name.as_bytes())
        .map(|value| lossy(value))
}

fn starts_with(url: &str, scheme: &str) -> bool {
    url.trim_start()
        .get(..scheme.len())
        .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
}

fn says_the_same(shown: &str, url: &str) -> bool {
    let plain = |s: &str| {
        let s = s.trim().trim_end_matches('/').to_lowercase();
        let s = s
            .strip_prefix("mailto:")
            .or_else(|| s.strip_prefix("tel:"))
            .unwrap_or(&s)
            .to_string();
        let s = s
            .split_once("://")
            .map_or(s.clone(), |(_, rest)| rest.to_string());
        s.strip_prefix("www.")
            .unwrap_or(&s)
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    let (shown, url) = (plain(shown), plain(url));
    shown == url || !shown.is_empty() && url.split('?').next() == Some(shown.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(text(html, 1 << 20), expected, "{html}");
    }

    #[test]
    fn what_people_read() {
        check("<p>a</p><p>b<br>c</p>", "a\n\nb\nc");
        check(
            "<div>a</div><div>b</div><div><br></div><div>c</div>",
            "a\nb\n\nc",
        );
        check(
            "<span style='display:block'>a <span>b</span> c</span>d <b>e</b> f",
            "a b c\nd e f",
        );
        check("<p>&gt;&gt; a</p><p>&gt; &gt;&gt; b</p>", ">> a\n\n> >> b");
        check("&gt;&gt; a<br>&gt; &gt;&gt; b", "a\n> b");
        check("a &amp; b&nbsp;&uuml; &#8364;", "a & b ü €");
        check("<ul><li>a<li>b<ol><li>c</ol></ul>", "- a\n- b\n  1. c");
        check(
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
            "a | b\nc",
        );
        check(
            "<a href='https://x.example/'>here</a>",
            "here <https://x.example/>",
        );
        check(
            "See <a href='https://x.example/'>here</a> for <a href='https://y.example/'>more</a>. Bye.",
            "See here for more. <https://x.example/> <https://y.example/> Bye.",
        );
        check(
            "<p>On 3.3. <a href='https://x.example/'>Anna</a> wrote:</p>b",
            "On 3.3. Anna wrote <https://x.example/>:\n\nb",
        );
        check("<a href='https://x.example/'>x.example</a>", "x.example");
        check("<a href='javascript:alert(1)'>here</a>", "here");
        check(
            "<p>a<blockquote type=cite>b<blockquote>c</blockquote></blockquote>d",
            "a\n\n> b\n>\n> > c\n\nd",
        );
        check("<style>p{}</style><script>x</script><title>t</title>a", "a");
        check("<div style='display: none'>hidden</div>a", "a");
        check("<pre>a\n  b</pre>", "a\n  b");
        check("<p>-- <br>Anna</p>", "-- \nAnna");
        check("<!-- x --><![if !mso]>a<![endif]>", "a");
        check("a<img alt='Logo'>", "a[Logo]");
        check("", "");
    }

    #[test]
    fn what_never_ends_is_shown() {
        check("<title>all of it", "all of it");
        check("<div style='display:none'>all of it", "all of it");
    }
}
