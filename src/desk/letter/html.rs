//! Light HTML made from a letter's text: readable in Outlook and on a phone, with no image, script or style sheet.

/// The text as HTML: paragraphs, lists, links; everything else escaped. A line of the text is a line of the HTML, so templates write a paragraph as one line.
pub fn of_text(language: &str, text: &str) -> String {
    let mut body = String::new();
    for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
        body.push_str("<p>");
        body.push_str(&of_paragraph(paragraph.trim_end()));
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

fn of_paragraph(paragraph: &str) -> String {
    let lines = paragraph.lines().map(|line| match line.strip_prefix("- ") {
        Some(item) => format!("&bull; {}", with_links(item)),
        None => with_links(line),
    });
    lines.collect::<Vec<_>>().join("<br>\n")
}

fn with_links(line: &str) -> String {
    line.split(' ').map(linked).collect::<Vec<_>>().join(" ")
}

fn linked(word: &str) -> String {
    let url = word.trim_end_matches(['.', ',', ')']);
    if url.starts_with("https://") || url.starts_with("http://") {
        let (href, rest) = (escaped(url), escaped(&word[url.len()..]));
        return format!("<a href=\"{href}\">{href}</a>{rest}");
    }
    escaped(word)
}

fn escaped(s: &str) -> String {
    s.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
