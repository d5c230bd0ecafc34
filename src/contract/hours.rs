//! Support hours: when a promise falls due (C1).
//!
//! Knows opening hours, one time zone and the holidays; knows nothing of tickets or of the present moment.
//! Law: `add(t, d)` is never earlier than `t`, and splitting `d` in two changes nothing (tested as such).
