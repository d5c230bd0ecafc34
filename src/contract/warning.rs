//! Warnings before, at and after a deadline (C10): which step comes next, and when.

use serde::{Deserialize, Serialize};

/// One step of the chain. Each happens once for a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// At this per cent of the objective's time: 50, 75, 90 (C10.1).
    Percent(u8),
    /// The deadline itself: everybody, and the TAM.
    Breach,
    /// After it: hourly in desk hours eight times, then daily; counted from 1.
    Repeat(u32),
}
