//! Arrays as they come out of a file, before anything is asked of them.

use std::collections::BTreeMap;

/// By key, in order.
pub(super) type Arrays = BTreeMap<String, Array>;

/// The numbers of an array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// From `f32` or `f64`.
    Floats(Vec<f64>),
    /// From signed or unsigned integers of 8 to 64 bits.
    Integers(Vec<i64>),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `floats` or `integers`, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Floats(_) => "floats",
            Self::Integers(_) => "integers",
        }
    }
}

/// An array of numbers. The shape and the number of values agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Empty for a scalar.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Values,
}

/// The types of number that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl Number {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The numbers in little endian `data`, whose length is a multiple of [`bytes`](Self::bytes); `None` where one is
    /// above 2⁶³ − 1.
    pub(super) fn decode(self, data: &[u8]) -> Option<Values> {
        Some(match self {
            Self::F32 => Values::Floats(each(data, |bytes| f64::from(f32::from_le_bytes(bytes)))),
            Self::F64 => Values::Floats(each(data, f64::from_le_bytes)),
            Self::I8 => Values::Integers(each(data, |bytes| i64::from(i8::from_le_bytes(bytes)))),
            Self::I16 => Values::Integers(each(data, |bytes| i64::from(i16::from_le_bytes(bytes)))),
            Self::I32 => Values::Integers(each(data, |bytes| i64::from(i32::from_le_bytes(bytes)))),
            Self::I64 => Values::Integers(each(data, i64::from_le_bytes)),
            Self::U8 => Values::Integers(each(data, |bytes| i64::from(u8::from_le_bytes(bytes)))),
            Self::U16 => Values::Integers(each(data, |bytes| i64::from(u16::from_le_bytes(bytes)))),
            Self::U32 => Values::Integers(each(data, |bytes| i64::from(u32::from_le_bytes(bytes)))),
            Self::U64 => {
                let numbers = each(data, u64::from_le_bytes);
                Values::Integers(numbers.into_iter().map(|n| i64::try_from(n).ok()).collect::<Option<_>>()?)
            }
        })
    }
}

fn each<const N: usize, T>(data: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)).collect()
}
