//! Multi-objective search over discrete genes, by ask and tell. Knows no networks.
#![forbid(unsafe_code)]
