//! Precisions as text: `4x8` is 4 bit weights and 8 bit activations. In JSON an assignment is a list of these.

use crate::quant::{Precision, QuantSpec};
use mohaq_rt::Bits;
use serde::de::Unexpected;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an assignment as `["4x8", "2x8"]`.
pub(super) fn serialize<S: Serializer>(spec: &QuantSpec, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(spec.0.iter().map(ToString::to_string))
}

/// Reads an assignment from `["4x8", "2x8"]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<QuantSpec, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| parse::<D::Error>(name)).collect::<Result<_, _>>().map(QuantSpec)
}

fn parse<E: serde::de::Error>(name: &str) -> Result<Precision, E> {
    let width = |text: &str| text.parse().ok().and_then(Bits::new);
    name.split_once('x')
        .and_then(|(weight, activation)| Some(Precision::new(width(weight)?, width(activation)?)))
        .ok_or_else(|| E::invalid_value(Unexpected::Str(name), &"weight and activation bits of 2, 4, 8 or 16 as `4x8`"))
}

/// The same for one precision: `"4x8"`.
pub(super) mod one {
    use super::{Deserialize, Deserializer, Precision, Serializer, parse};

    /// Writes a precision as `"4x8"`.
    pub(in crate::report) fn serialize<S: Serializer>(precision: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(precision)
    }

    /// Reads a precision from `"4x8"`.
    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }
}
