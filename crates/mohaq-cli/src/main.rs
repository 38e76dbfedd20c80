//! `mohaq`: argv in, text out.
#![forbid(unsafe_code)]

fn main() {}
