//! The record of a layer: its shape, and where its tensors begin.
//!
//! A record is read in three steps. Its numbers become types ([`LayerShape::decode`]), the types are held against each
//! other and the layer in front ([`LayerShape::check`]), and their tensors are laid out anew ([`LayerShape::places`]).
//! There is one layout for each network, so the record must then equal, byte for byte, what the writer makes of shape and
//! places: offsets, fields that this kind of layer does not use and reserved bytes need no checks of their own.

use super::cursor::Cursor;
use super::error::{Expected, ImageError, Place};
use super::field::{Field, compare};
use crate::cell::{Factor, Highway, Pointwise, SruCell};
use crate::numeric::Requantizer;
use crate::pack::Layout;
use crate::{Bits, Error};

/// Length of a record: 32 bytes of its own and 32 for each of two products.
pub const RECORD_BYTES: usize = 96;
/// Bytes of a stored requantizer: multiplier and shift, 32 bits each.
pub(super) const REQUANTIZER_BYTES: usize = 8;
/// Rows of weights begin at multiples of this: a word, which small machines read at once.
const ROW_ALIGNMENT: usize = 4;
/// Where the product's part of the record begins, and its length.
const PRODUCT: usize = 32;
/// Where the projection's part begins.
const PROJECTION: usize = 64;

const KIND: Field = Field::new("kind", 0, 1);
const FUNCTION: Field = Field::new("function", 1, 1);
const DIRECTIONS: Field = Field::new("number of directions", 2, 1);
const HIGHWAY: Field = Field::new("kind of highway", 3, 1);
const PROJECTED: Field = Field::new("number of projections", 4, 1);
const GATE_SHIFT: Field = Field::new("shift of the gates", 5, 1);
const HIDDEN_SHIFT: Field = Field::new("shift of the hidden output", 6, 1);
const FACTOR_SHIFT: Field = Field::new("shift of the highway's factor", 7, 1);
const LAYER_INPUTS: Field = Field::new("inputs", 8, 4);
const OUTPUTS: Field = Field::new("outputs", 12, 4);
const HIDDEN: Field = Field::new("hidden units", 16, 4);
const VECTORS: Field = Field::new("offset of the vectors", 20, 4);
const FACTOR: Field = Field::new("multiplier of the highway's factor", 24, 2);
const LAYER_FIELDS: [Field; 13] = [
    KIND,
    FUNCTION,
    DIRECTIONS,
    HIGHWAY,
    PROJECTED,
    GATE_SHIFT,
    HIDDEN_SHIFT,
    FACTOR_SHIFT,
    LAYER_INPUTS,
    OUTPUTS,
    HIDDEN,
    VECTORS,
    FACTOR,
];

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
/// Largest shift of a [`SruCell`].
const MAX_CELL_SHIFT: u32 = 14;
/// Largest shift of a [`Factor`].
const MAX_FACTOR_SHIFT: i64 = 30;

const SRU: u32 = 1;
const LINEAR: u32 = 2;
const POINTWISE: u32 = 3;

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

/// A layer of simple recurrent units but for its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SruShape {
    pub(super) hidden: u32,
    pub(super) directions: u32,
    pub(super) cell: SruCell,
    pub(super) highway: Highway,
    pub(super) projection: Option<SiteShape>,
    pub(super) site: SiteShape,
}

/// A layer but for its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerShape {
    Sru(SruShape),
    Linear(SiteShape),
    Pointwise(Pointwise, u32),
}

/// Where the tensors of a product begin; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SitePlaces {
    pub(super) weights: u32,
    pub(super) requantizers: u32,
    pub(super) biases: u32,
}

/// Where the tensors of a layer begin; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LayerPlaces {
    pub(super) vectors: u32,
    pub(super) product: SitePlaces,
    pub(super) projection: SitePlaces,
}

impl SiteShape {
    fn decode(place: Place, record: &[u8]) -> Result<Self, ImageError> {
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

    fn encode(&self, places: &SitePlaces, record: &mut [u8]) {
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
            field.write(record, number);
        }
    }

    fn check(&self, place: Place, arriving: u32, parts: u32) -> Result<(), ImageError> {
        number(place, INPUTS, Expected::Value(arriving.into()), self.inputs)?;
        number(place, COLUMNS, Expected::Range(1, u32::MAX.into()), self.columns)?;
        let expected = Expected::Either(parts.into(), self.columns.into());
        number(place, REQUANTIZER_COUNT, expected, self.requantizers)
    }

    /// How the weights are packed: one row a column.
    pub(super) fn layout(&self) -> Result<Layout, Error> {
        Layout::new(self.weight, self.columns as usize, self.inputs as usize, ROW_ALIGNMENT)
    }

    fn places(&self, place: Place, cursor: &mut Cursor<'_>) -> Result<SitePlaces, ImageError> {
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
    fn decode(record: &[u8]) -> Self {
        Self { weights: WEIGHTS.read(record), requantizers: REQUANTIZERS.read(record), biases: BIASES.read(record) }
    }
}

impl LayerPlaces {
    /// The offsets that `record` has.
    pub(super) fn decode(record: &[u8; RECORD_BYTES]) -> Self {
        Self {
            vectors: VECTORS.read(record),
            product: SitePlaces::decode(&record[PRODUCT..PROJECTION]),
            projection: SitePlaces::decode(&record[PROJECTION..]),
        }
    }
}

impl SruShape {
    fn decode(layer: u32, record: &[u8; RECORD_BYTES]) -> Result<Self, ImageError> {
        let place = Place::Layer(layer);
        let shift = |field: Field| field.read_within(place, [0, MAX_CELL_SHIFT], record);
        let cell = SruCell { gate_shift: shift(GATE_SHIFT)?, hidden_shift: shift(HIDDEN_SHIFT)? };
        let highway = match HIGHWAY.read(record) {
            0 => Highway::None,
            1 => Highway::Product,
            2 => {
                // Two bytes.
                let multiplier = FACTOR.read_signed(record) as i16;
                let factor = Factor::from_parts(multiplier, FACTOR_SHIFT.read(record));
                let expected = Expected::Range(0, MAX_FACTOR_SHIFT);
                Highway::Input(factor.ok_or_else(|| FACTOR_SHIFT.error(place, expected, record))?)
            }
            _ => return Err(HIGHWAY.error(place, Expected::Range(0, 2), record)),
        };
        let projection = match PROJECTED.read_within(place, [0, 1], record)? {
            0 => None,
            _ => Some(SiteShape::decode(Place::Projection(layer), &record[PROJECTION..])?),
        };
        let site = SiteShape::decode(Place::Product(layer), &record[PRODUCT..PROJECTION])?;
        let (hidden, directions) = (HIDDEN.read(record), DIRECTIONS.read(record));
        Ok(Self { hidden, directions, cell, highway, projection, site })
    }

    fn encode(&self, places: &LayerPlaces, record: &mut [u8; RECORD_BYTES]) {
        let (highway, factor) = match self.highway {
            Highway::None => (0, None),
            Highway::Product => (1, None),
            Highway::Input(factor) => (2, Some(factor)),
        };
        for (field, number) in [
            (KIND, SRU),
            (DIRECTIONS, self.directions),
            (HIGHWAY, highway),
            (PROJECTED, self.projection.is_some().into()),
            (GATE_SHIFT, self.cell.gate_shift),
            (HIDDEN_SHIFT, self.cell.hidden_shift),
            (FACTOR_SHIFT, factor.map_or(0, Factor::shift)),
            (FACTOR, factor.map_or(0, |factor| i32::from(factor.multiplier()).cast_unsigned())),
            (HIDDEN, self.hidden),
            (VECTORS, places.vectors),
        ] {
            field.write(record, number);
        }
        self.site.encode(&places.product, &mut record[PRODUCT..PROJECTION]);
        if let Some(projection) = &self.projection {
            projection.encode(&places.projection, &mut record[PROJECTION..]);
        }
    }

    /// Length of the output. It fits 32 bits once it is [checked](Self::check).
    fn outputs(&self) -> u32 {
        self.directions.saturating_mul(self.hidden)
    }

    fn check(&self, layer: u32, arriving: u32) -> Result<(), ImageError> {
        let place = Place::Layer(layer);
        number(place, DIRECTIONS, Expected::Range(1, 2), self.directions)?;
        number(place, HIDDEN, Expected::Range(1, u32::MAX.into()), self.hidden)?;
        if matches!(self.highway, Highway::Input(_)) {
            number(place, OUTPUTS, Expected::Value(arriving.into()), self.outputs())?;
        }
        let mut projected = arriving;
        if let Some(projection) = &self.projection {
            projection.check(Place::Projection(layer), arriving, 1)?;
            projected = projection.columns;
        }
        let parts = self.highway.parts() as u32;
        let columns = u64::from(parts) * u64::from(self.directions) * u64::from(self.hidden);
        number(Place::Product(layer), COLUMNS, Expected::Value(columns.cast_signed()), self.site.columns)?;
        self.site.check(Place::Product(layer), projected, parts)
    }

    fn places(&self, layer: u32, cursor: &mut Cursor<'_>) -> Result<LayerPlaces, ImageError> {
        let vectors = u64::from(self.outputs()) * 4;
        Ok(LayerPlaces {
            vectors: cursor.place(Place::Layer(layer), "end of the vectors", vectors)?,
            projection: match &self.projection {
                Some(projection) => projection.places(Place::Projection(layer), cursor)?,
                None => SitePlaces::default(),
            },
            product: self.site.places(Place::Product(layer), cursor)?,
        })
    }
}

impl LayerShape {
    /// The shape that `record` speaks of, every number in it one that can be.
    pub(super) fn decode(layer: u32, record: &[u8; RECORD_BYTES]) -> Result<Self, ImageError> {
        let place = Place::Layer(layer);
        match KIND.read(record) {
            SRU => Ok(Self::Sru(SruShape::decode(layer, record)?)),
            LINEAR => Ok(Self::Linear(SiteShape::decode(Place::Product(layer), &record[PRODUCT..PROJECTION])?)),
            POINTWISE => {
                let function = match FUNCTION.read(record) {
                    1 => Pointwise::Relu,
                    2 => Pointwise::Tanh,
                    3 => Pointwise::Sigmoid,
                    _ => return Err(FUNCTION.error(place, Expected::Range(1, 3), record)),
                };
                Ok(Self::Pointwise(function, LAYER_INPUTS.read(record)))
            }
            _ => Err(KIND.error(place, Expected::Range(SRU.into(), POINTWISE.into()), record)),
        }
    }

    /// The record of a [checked](Self::check) shape whose tensors begin at `places`.
    pub(super) fn encode(&self, places: &LayerPlaces) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        match self {
            Self::Sru(sru) => sru.encode(places, &mut record),
            Self::Linear(site) => {
                KIND.write(&mut record, LINEAR);
                site.encode(&places.product, &mut record[PRODUCT..PROJECTION]);
            }
            Self::Pointwise(function, _) => {
                KIND.write(&mut record, POINTWISE);
                FUNCTION.write(
                    &mut record,
                    match function {
                        Pointwise::Relu => 1,
                        Pointwise::Tanh => 2,
                        Pointwise::Sigmoid => 3,
                    },
                );
            }
        }
        LAYER_INPUTS.write(&mut record, self.inputs());
        OUTPUTS.write(&mut record, self.outputs());
        record
    }

    /// Length of the input.
    pub(super) fn inputs(&self) -> u32 {
        match self {
            Self::Sru(sru) => sru.projection.unwrap_or(sru.site).inputs,
            Self::Linear(site) => site.inputs,
            Self::Pointwise(_, width) => *width,
        }
    }

    /// Length of the output.
    pub(super) fn outputs(&self) -> u32 {
        match self {
            Self::Sru(sru) => sru.outputs(),
            Self::Linear(site) => site.columns,
            Self::Pointwise(_, width) => *width,
        }
    }

    /// Checks the numbers against each other and the `arriving` codes a frame.
    pub(super) fn check(&self, layer: u32, arriving: u32) -> Result<(), ImageError> {
        match self {
            Self::Sru(sru) => sru.check(layer, arriving),
            Self::Linear(site) => site.check(Place::Product(layer), arriving, 1),
            Self::Pointwise(_, width) => {
                number(Place::Layer(layer), LAYER_INPUTS, Expected::Value(arriving.into()), *width)
            }
        }
    }

    /// Where the tensors begin: vectors, projection, product; of a product weights, requantizers, biases.
    pub(super) fn places(&self, layer: u32, cursor: &mut Cursor<'_>) -> Result<LayerPlaces, ImageError> {
        match self {
            Self::Sru(sru) => sru.places(layer, cursor),
            Self::Linear(site) => {
                let product = site.places(Place::Product(layer), cursor)?;
                Ok(LayerPlaces { product, ..LayerPlaces::default() })
            }
            Self::Pointwise(..) => Ok(LayerPlaces::default()),
        }
    }

    /// Checks that `record`, at byte `offset` of the file, is that of this shape and these places.
    pub(super) fn check_record(
        &self,
        layer: u32,
        places: &LayerPlaces,
        offset: usize,
        record: &[u8; RECORD_BYTES],
    ) -> Result<(), ImageError> {
        let expected = self.encode(places);
        for (place, fields, part) in [
            (Place::Layer(layer), LAYER_FIELDS.as_slice(), 0..PRODUCT),
            (Place::Product(layer), SITE_FIELDS.as_slice(), PRODUCT..PROJECTION),
            (Place::Projection(layer), SITE_FIELDS.as_slice(), PROJECTION..RECORD_BYTES),
        ] {
            compare(place, fields, offset + part.start, &expected[part.clone()], &record[part])?;
        }
        Ok(())
    }
}

/// The error of `field` unless `got` is as `expected`.
fn number(place: Place, field: Field, expected: Expected, got: u32) -> Result<(), ImageError> {
    let got = i64::from(got);
    let fits = match expected {
        Expected::Value(value) => got == value,
        Expected::Range(first, last) => first <= got && got <= last,
        Expected::Either(one, other) => got == one || got == other,
        Expected::OneOf(_) => unreachable!("a number is expected"),
    };
    if fits { Ok(()) } else { Err(ImageError::Field { place, field: field.name, expected, got }) }
}
