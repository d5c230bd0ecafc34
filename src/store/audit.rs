//! The audit: whether what the store says is what was written, and nothing is missing.
