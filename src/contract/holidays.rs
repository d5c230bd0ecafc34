//! Public holidays of the canton of St. Gallen (C1.4), computed.
