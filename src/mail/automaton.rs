//! Many patterns, searched in one pass.
//!
//! Knows regular expressions and bytes, and nothing of what is looked for with them.
//!
//! The sets of the `regex` crate answer the same questions. They are made for a process that searches for long: each pattern is compiled forwards and
//! backwards, and each thread makes the states that its searches meet for itself. To take in two thousand mails, a fifth of the time went into that. Here only the
//! forward half is compiled, and the states are shared by all threads, under a lock that a search holds for microseconds.
//! A text of megabytes holds it longer, and those who read other mails meanwhile wait for it: it takes no more time than before, and they lose what it takes.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use std::sync::{Mutex, MutexGuard};

/// What an automaton may cost. Too few states, and it forgets them again and again, which makes it slow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All patterns compiled; more is an error.
    pub patterns_bytes: usize,
    /// The states kept.
    pub states_bytes: usize,
}

/// Patterns as one automaton. They see bytes, `^` and `$` are those of the whole text unless [`Automaton::of_lines`] made it, and letters are those of ASCII where `(?u)` does
/// not say otherwise.
#[derive(Debug)]
pub struct Automaton {
    forward: DFA,
    /// Those met so far.
    states: Mutex<Cache>,
}

impl Automaton {
    /// Of patterns that are constants of the program.
    pub fn fixed<P: AsRef<str>>(patterns: &[P]) -> Self {
        let limits = Limits {
            patterns_bytes: 32 << 20,
            states_bytes: 2 << 20,
        };
        Automaton::built(patterns, false, limits).expect("fixed patterns, built in every test run")
    }

    /// Of patterns whose `^` and `$` are those of a line. The error is regex-automata's, in words.
    pub fn of_lines<P: AsRef<str>>(patterns: &[P], limits: Limits) -> Result<Self, String> {
        Automaton::built(patterns, true, limits)
    }

    fn built<P: AsRef<str>>(
        patterns: &[P],
        multi_line: bool,
        limits: Limits,
    ) -> Result<Self, String> {
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .multi_line(multi_line);
        let compiled = thompson::Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(limits.patterns_bytes));
        let automaton = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(limits.states_bytes)
            .skip_cache_capacity_check(true);
        let forward = DFA::builder()
            .configure(automaton)
            .syntax(syntax)
            .thompson(compiled)
            .build_many(patterns)
            .map_err(|e| e.to_string())?;
        let states = Mutex::new(forward.create_cache());
        Ok(Automaton { forward, states })
    }

    /// Whether one of the patterns is found.
    pub fn is_match(&self, text: &str) -> bool {
        let input = Input::new(text).earliest(true);
        let found = self.forward.try_search_fwd(&mut self.states(), &input);
        // It fails where it is told to quit or to give up, and is told neither.
        matches!(found, Ok(Some(_)))
    }

    /// Which of the patterns are found, by their numbers, ascending.
    pub fn matches(&self, text: &str) -> Vec<usize> {
        let mut found = PatternSet::new(self.forward.pattern_len());
        let input = Input::new(text);
        let searched =
            self.forward
                .try_which_overlapping_matches(&mut self.states(), &input, &mut found);
        debug_assert!(searched.is_ok(), "{searched:?}");
        found.iter().map(|pattern| pattern.as_usize()).collect()
    }

    fn states(&self) -> MutexGuard<'_, Cache> {
        self.states.lock().unwrap_or_else(|poisoned| {
            // A thread died over them: what it left may be half made.
            let mut states = poisoned.into_inner();
            states.reset(&self.forward);
            self.states.clear_poison();
            states
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::bytes::RegexSetBuilder;

    const LIMITS: Limits = Limits {
        patterns_bytes: 1 << 20,
        states_bytes: 64 << 10,
    };

    /// The law: what regex's own sets find. With few states, so that they are forgotten on the way.
    #[test]
    fn finds_what_a_regex_set_finds() {
        let patterns = [
            r"\b(error|fehler)\b",
            r"^on .{1,20} wrote:$",
            r"(a|b)*c{2,9}",
            r"(?iu)gr[üu](?:ß|ss)e",
            r"\Aonly\z",
            r"[0-9]{3,}",
        ];
        let set = RegexSetBuilder::new(patterns)
            .unicode(false)
            .multi_line(true)
            .build()
            .unwrap();
        let small = Limits {
            states_bytes: 0,
            ..LIMITS
        };
        let words = [
            "error", "fehler", "on ", "monday", " wrote:", "\n", "abccc", "GRÜSSE", "only", " ",
            "12", "3456", "\u{fffd}", "x",
        ];
        for limits in [LIMITS, small] {
            let automaton = Automaton::of_lines(&patterns, limits).unwrap();
            let mut random = fastrand::Rng::with_seed(7);
            for _ in 0..20_000 {
                let text: String = (0..random.usize(0..9))
                    .map(|_| *random.choice(words.iter()).unwrap())
                    .collect();
                let expected: Vec<usize> = set.matches(text.as_bytes()).iter().collect();
                assert_eq!(automaton.matches(&text), expected, "{text:?}");
                assert_eq!(automaton.is_match(&text), !expected.is_empty(), "{text:?}");
            }
        }
    }

    #[test]
    fn too_large_is_an_error_and_not_a_panic() {
        let small = Limits {
            patterns_bytes: 1 << 10,
            ..LIMITS
        };
        assert!(Automaton::of_lines(&["a{900}"], small).is_err());
        assert!(Automaton::of_lines(&["("], LIMITS).is_err());
    }

    /// Whoever panics with the lock held leaves the next one a cache that works.
    #[test]
    fn survives_a_thread_that_died_over_its_states() {
        let automaton = Automaton::fixed(&["ab+c"]);
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _states = automaton.states.lock().unwrap();
            panic!("as a bug would");
        }));
        assert!(died.is_err());
        assert!(automaton.is_match("xabbbc"));
        assert!(!automaton.states.is_poisoned());
    }
}
