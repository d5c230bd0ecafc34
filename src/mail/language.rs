//! German, Swiss German, English, or another language.

use serde::{Deserialize, Serialize};

/// The languages letters are written in (C5.1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German, in Swiss spelling when we write it.
    De,
    /// Swiss German.
    Gsw,
    /// English.
    En,
    /// Anything else; answered in English.
    #[default]
    Other,
}

/// The language of a mail, by its new text and, where that is short, its subject.
pub fn detect(subject: &str, new_text: &str) -> Language {
    let _ = (subject, new_text);
    Language::Other
}
