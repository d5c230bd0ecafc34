//! Columns for people.

use std::io::Write;

/// Rows under headings; each column as wide as its widest cell, the last one free.
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Of each column, by what was written before.
    widths: Vec<usize>,
}

/// A longer listing is laid out so many rows at a time: nobody sees that a column widens then, and a million rows need no memory.
const ROWS_TOGETHER: usize = 1_000;

impl Table {
    /// An empty table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Table {
            rows: vec![headings.iter().map(|h| h.to_string()).collect()],
            widths: vec![0; headings.len()],
        }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Writes what there is once it is much: for listings of any length, after each row.
    pub fn flow(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        if self.rows.len() >= ROWS_TOGETHER {
            self.write(out)?;
        }
        Ok(())
    }

    /// Writes what there is, and begins where that ends; headings alone say that there is nothing.
    pub fn write(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        for row in &self.rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in self.rows.drain(..) {
            let cells: Vec<String> = row
                .iter()
                .zip(&self.widths)
                .map(|(cell, w)| format!("{cell:<w$}"))
                .collect();
            writeln!(out, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_goes_out_in_pieces_with_one_heading() {
        let mut table = Table::new(&["n", "word"]);
        let (mut out, mut held_max) = (vec![], 0);
        for n in 0..3_000 {
            table.row([n.to_string(), "w".into()]);
            table.flow(&mut out).unwrap();
            held_max = held_max.max(table.rows.len());
        }
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(held_max < ROWS_TOGETHER);
        assert_eq!(lines.len(), 3_001);
        assert_eq!((lines[0], lines[1]), ("n    word", "0    w"));
        assert_eq!(lines[3_000], "2999  w");
    }
}
