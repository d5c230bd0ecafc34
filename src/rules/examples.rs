//! Each rule's examples, proven.

use super::fields::{Field, Patterns, Texts};
use super::reading::{Example, ExampleTexts, Rule};
use crate::diagnostic::Diagnostic;

/// What a rule's examples show to be wrong.
pub fn prove(patterns: &Patterns, rule: &Rule) -> Vec<Diagnostic> {
    let fails = |example: &Example| {
        let conditions = rule.all.iter().chain(&rule.none);
        let ids = conditions.flat_map(|c| c.patterns.iter().copied());
        rule.missing_text(&patterns.found_among(ids, &texts(example, rule)))
    };
    let missed = rule.matches.iter().filter_map(|example| {
        let missing = fails(example)?;
        Some((
            example,
            format!("\"{}\" should match and does not: {missing}", example.shown),
        ))
    });
    let caught = rule
        .ignores
        .iter()
        .filter(|e| fails(e).is_none())
        .map(|example| {
            (
                example,
                format!("\"{}\" should not match and does", example.shown),
            )
        });
    missed
        .chain(caught)
        .map(|(example, problem)| Diagnostic {
            file: rule.file.clone(),
            line: Some(example.line),
            problem,
            remedy: format!("mend the pattern of \"{}\", or the example", rule.because),
        })
        .collect()
}

fn texts(example: &Example, rule: &Rule) -> Texts {
    let mut texts = Texts::default();
    match &example.texts {
        ExampleTexts::Fields(fields) => {
            for (field, text) in fields {
                texts.add(field.clone(), text);
            }
        }
        ExampleTexts::Everywhere(text) => {
            let looked_at = rule.all.iter().chain(&rule.none).flat_map(|c| &c.fields);
            for field in looked_at {
                // `said` looks at subject and text: as the text it is seen once, which is enough.
                let is_alone = rule.all.iter().any(|c| c.fields == [Field::Subject]);
                if *field != Field::Subject || is_alone {
                    texts.add(field.clone(), text);
                }
            }
        }
    }
    texts
}
