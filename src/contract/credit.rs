//! What lateness costs: days added to a customer's term (C4.6, C9).
