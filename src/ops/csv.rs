//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use std::io::Write;

/// One record.
pub fn line(out: &mut dyn Write, cells: &[String]) -> std::io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// A cell that begins like a formula is no number of ours, but somebody's text: a spreadsheet would carry it out.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<f64>().is_err();
    let cell = match is_formula {
        true => format!("'{cell}"),
        false => cell.to_string(),
    };
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula() {
        for (cell, expected) in [
            ("acme", "acme"),
            ("-2", "-2"),
            ("ACME, Inc.", "\"ACME, Inc.\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@sum(a)", "'@sum(a)"),
            ("-cmd|x", "'-cmd|x"),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }
}
