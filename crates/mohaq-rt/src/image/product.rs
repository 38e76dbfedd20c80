//! The record of a product: its shape, and where its tensors begin.

use super::cursor::Cursor;
use super::error::{Expected, ImageError, Place};
use super::field::{Field, compare};
use crate::numeric::Requantizer;
use crate::pack::Layout;
use crate::{Bits, Error};

/// Length of the record of a product.
pub const PRODUCT_BYTES: usize = 32;
/// Bytes of a stored requantizer: multiplier and shift, 32 bits each.
pub(super) const REQUANTIZER_BYTES: usize = 8;
/// Rows of weights begin at multiples of this: a word, which small machines read at once.
const ROW_ALIGNMENT: usize = 4;

const WEIGHT: Field = Field::new("width of the weights", 0, 1);
const ACTIVATION: Field = Field::new("width of the inputs", 1, 1);
const INPUT_SHIFT: Field = Field::new("shift of the input requantizer", 2, 1);
const INPUT_MULTIPLIER: Field = Field::new("multiplier of the input requantizer", 4, 4);
const INPUTS: Field = Field::new("inputs", 8, 4);
const COLUMNS: Field = Field::new("columns", 12, 4);
const WEIGHTS: Field = Field::new("offset of the weights", 16, 4);
const REQUANTIZERS: Field = Field::new("offset of the requantizers", 20, 4);
const REQUANTIZER_COUNT: Field = Field::new("number of requantizers", 24, 4);
const BIASES: Field = Field::new("offset of the biases", 28, 4);
const SITE_FIELDS: [Field; 10] = [
    WEIGHT,
    ACTIVATION,
    INPUT_SHIFT,
    INPUT_MULTIPLIER,
    INPUTS,
    COLUMNS,
    WEIGHTS,
    REQUANTIZERS,
    REQUANTIZER_COUNT,
    BIASES,
];

/// Multipliers of a requantizer, as [`Requantizer::from_parts`] has them.
pub(super) const MULTIPLIERS: Expected = Expected::Range(1 << 21, (1 << 22) - 1);
/// Shifts of a requantizer.
pub(super) const SHIFTS: Expected = Expected::Range(0, Requantizer::MAX_SHIFT as i64);
/// A product but for its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SiteShape {
    pub(super) inputs: u32,
    pub(super) columns: u32,
    pub(super) weight: Bits,
    pub(super) activation: Bits,
    pub(super) input: Requantizer,
    /// One for each of some equal parts of the columns, or one a column.
    pub(super) requantizers: u32,
    pub(super) biased: bool,
}

/// Where the tensors of a product begin; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SitePlaces {
    pub(super) weights: u32,
    pub(super) requantizers: u32,
    pub(super) biases: u32,
}

impl SiteShape {
    pub(super) fn decode(place: Place, record: &[u8]) -> Result<Self, ImageError> {
        let width = |field: Field| {
            let expected = Expected::OneOf("2, 4, 8 or 16");
            Bits::new(field.read(record)).ok_or_else(|| field.error(place, expected, record))
        };
        let (weight, activation) = (width(WEIGHT)?, width(ACTIVATION)?);
        let shift = INPUT_SHIFT.read_within(place, [0, Requantizer::MAX_SHIFT], record)?;
        let input = Requantizer::from_parts(INPUT_MULTIPLIER.read_signed(record), shift);
        let input = input.ok_or_else(|| INPUT_MULTIPLIER.error_signed(place, MULTIPLIERS, record))?;
        Ok(Self {
            inputs: INPUTS.read(record),
            columns: COLUMNS.read(record),
            weight,
            activation,
            input,
            requantizers: REQUANTIZER_COUNT.read(record),
            biased: BIASES.read(record) != 0,
        })
    }

    pub(super) fn encode(&self, places: &SitePlaces) -> [u8; PRODUCT_BYTES] {
        let mut record = [0; PRODUCT_BYTES];
        for (field, number) in [
            (WEIGHT, self.weight.count()),
            (ACTIVATION, self.activation.count()),
            (INPUT_SHIFT, self.input.shift()),
            (INPUT_MULTIPLIER, self.input.multiplier().cast_unsigned()),
            (INPUTS, self.inputs),
            (COLUMNS, self.columns),
            (WEIGHTS, places.weights),
            (REQUANTIZERS, places.requantizers),
            (REQUANTIZER_COUNT, self.requantizers),
            (BIASES, places.biases),
        ] {
            field.write(&mut record, number);
        }
        record
    }

    /// Checks that `record`, at byte `offset` of the file, is that of this shape and these places.
    pub(super) fn check_record(
        &self,
        place: Place,
        places: &SitePlaces,
        offset: usize,
        record: &[u8],
    ) -> Result<(), ImageError> {
        compare(place, &SITE_FIELDS, offset, &self.encode(places), record)
    }

    /// Checks the numbers against what `arriving` codes and `parts` parts ask for; `columns`, where they are known.
    pub(super) fn check(
        &self,
        place: Place,
        arriving: u64,
        columns: Option<u64>,
        parts: u32,
    ) -> Result<(), ImageError> {
        number(place, INPUTS, Expected::Value(arriving.cast_signed()), self.inputs)?;
        number(place, INPUTS, Expected::Range(1, u32::MAX.into()), self.inputs)?;
        number(place, COLUMNS, Expected::Range(1, u32::MAX.into()), self.columns)?;
        if let Some(columns) = columns {
            number(place, COLUMNS, Expected::Value(columns.cast_signed()), self.columns)?;
        }
        let expected = Expected::Either(parts.into(), self.columns.into());
        number(place, REQUANTIZER_COUNT, expected, self.requantizers)
    }

    /// How the weights are packed: one row a column.
    pub(super) fn layout(&self) -> Result<Layout, Error> {
        Layout::new(self.weight, self.columns as usize, self.inputs as usize, ROW_ALIGNMENT)
    }

    pub(super) fn places(&self, place: Place, cursor: &mut Cursor<'_>) -> Result<SitePlaces, ImageError> {
        // What does not fit the addresses of this machine does not fit the file either.
        let weights = self.layout().map_or(u64::MAX, |layout| layout.bytes() as u64);
        Ok(SitePlaces {
            weights: cursor.place(place, "end of the weights", weights)?,
            requantizers: cursor.place(
                place,
                "end of the requantizers",
                u64::from(self.requantizers) * REQUANTIZER_BYTES as u64,
            )?,
            biases: if self.biased {
                cursor.place(place, "end of the biases", u64::from(self.columns) * 2)?
            } else {
                0
            },
        })
    }
}

impl SitePlaces {
    pub(super) fn decode(record: &[u8]) -> Self {
        Self { weights: WEIGHTS.read(record), requantizers: REQUANTIZERS.read(record), biases: BIASES.read(record) }
    }
}

/// The error of `field` unless `got` is as `expected`.
pub(super) fn number(place: Place, field: Field, expected: Expected, got: u32) -> Result<(), ImageError> {
    let got = i64::from(got);
    let fits = match expected {
        Expected::Value(value) => got == value,
        Expected::Range(first, last) => first <= got && got <= last,
        Expected::Either(one, other) => got == one || got == other,
        Expected::OneOf(_) => unreachable!("a number is expected"),
    };
    if fits { Ok(()) } else { Err(ImageError::Field { place, field: field.name, expected, got }) }
}
