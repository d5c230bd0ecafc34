//! Plans, severities and objectives: `rules/contract.toml`.

/// The contract's text made values.
#[derive(Debug, Default)]
pub struct Contract {}
