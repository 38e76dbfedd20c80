//! Platforms: what a precision costs on a piece of hardware.
