//! What is wrong in a file that an operator wrote: where, what, and what to do.
//!
//! One type for the configuration, the contract, customers, staff, rules and letters, so that every message reads alike:
//! `rules/contract.toml:14: severity "9" is unknown; use 1, 2, 3 or 4`.

use std::fmt;

/// One fault in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the operator named it.
    pub file: String,
    /// The line, counted from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong, with the value found.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Diagnostic {
    /// A fault at a byte offset of a file's text (the spans that `toml` reports).
    pub fn at(
        file: &str,
        text: &str,
        offset: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let line = text.as_bytes()[..offset.min(text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        Diagnostic {
            file: file.into(),
            line: Some(line),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of the file as a whole.
    pub fn of_file(file: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Diagnostic {
            file: file.into(),
            line: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}; {}", self.file, self.problem, self.remedy),
            None => write!(f, "{}: {}; {}", self.file, self.problem, self.remedy),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_file_line_problem_and_remedy() {
        let text = "a = 1\nb = 9\n";
        let d = Diagnostic::at(
            "rules/x.toml",
            text,
            text.find('9').unwrap(),
            "severity \"9\" is unknown",
            "use 1, 2, 3 or 4",
        );
        assert_eq!(
            d.to_string(),
            "rules/x.toml:2: severity \"9\" is unknown; use 1, 2, 3 or 4"
        );
    }
}
