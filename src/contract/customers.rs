//! Customers and orders: `rules/customers.toml`.

/// Every customer.
#[derive(Debug, Default)]
pub struct Customers {}
