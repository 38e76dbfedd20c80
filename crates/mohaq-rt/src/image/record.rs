//! The record of a layer: its shape, and where its tensors and products are.
//!
//! A record is read in three steps. Its numbers, and those of its products, become types ([`LayerShape::decode`]), the types
//! are held against each other and the layer in front ([`LayerShape::check`]), and their tensors are laid out anew
//! ([`LayerShape::places`]). There is one layout for each network, so the records must then equal, byte for byte, what the
//! writer makes of shape and places: offsets, fields that this kind of layer does not use and reserved bytes need no checks
//! of their own.

use super::cursor::Cursor;
use super::error::{Expected, ImageError, Place};
use super::field::{Field, compare};
use super::product::{PRODUCT_BYTES, SitePlaces, SiteShape, number};
use crate::cell::{CellKind, Factor, Highway, MAX_PEEPHOLE_SHIFT, Pointwise, RecurrentCell, SruCell};
use crate::norm::{MAX_SHIFT, MAX_WIDTH, Norm};
use crate::table::UNIT;

/// Length of the record of a layer.
pub const RECORD_BYTES: usize = 64;
/// Most products of a layer: four of the input, four of the hidden output, and a projection.
pub(super) const MAX_SITES: usize = 9;

const KIND: Field = Field::new("kind", 0, 1);
const FUNCTION: Field = Field::new("function", 1, 1);
const DIRECTIONS: Field = Field::new("number of directions", 2, 1);
const HIGHWAY: Field = Field::new("kind of highway", 3, 1);
const PROJECTED: Field = Field::new("number of projections", 4, 1);
const SPLIT: Field = Field::new("number of products apart", 5, 1);
const GATE_SHIFT: Field = Field::new("shift of the gates", 6, 1);
const HIDDEN_SHIFT: Field = Field::new("shift of the hidden output", 7, 1);
const LAYER_INPUTS: Field = Field::new("inputs", 8, 4);
const OUTPUTS: Field = Field::new("outputs", 12, 4);
const HIDDEN: Field = Field::new("hidden units", 16, 4);
const VECTORS: Field = Field::new("offset of the vectors", 20, 4);
const FACTOR: Field = Field::new("multiplier of the highway's factor", 24, 2);
const FACTOR_SHIFT: Field = Field::new("shift of the highway's factor", 26, 1);
const STATE_FRACTION: Field = Field::new("fraction of the state", 27, 1);
const PEEPHOLES: Field = Field::new("number of peepholes", 28, 1);
const PEEPHOLE_SHIFT: Field = Field::new("shift of the peepholes", 29, 1);
const WINDOW: Field = Field::new("window", 30, 1);
const NORMED: Field = Field::new("number of normalisations", 31, 1);
const KERNEL: Field = Field::new("kernel", 32, 2);
const STRIDE: Field = Field::new("stride", 34, 2);
const PADDING: [Field; 2] = [Field::new("padding in front", 36, 2), Field::new("padding behind", 38, 2)];
const EPSILON: Field = Field::new("epsilon", 40, 4);
const NORM_SHIFT: Field = Field::new("shift of the gain", 44, 1);
const FIRST_PRODUCT: Field = Field::new("first product", 48, 4);
const LAYER_FIELDS: [Field; 26] = [
    KIND,
    FUNCTION,
    DIRECTIONS,
    HIGHWAY,
    PROJECTED,
    SPLIT,
    GATE_SHIFT,
    HIDDEN_SHIFT,
    LAYER_INPUTS,
    OUTPUTS,
    HIDDEN,
    VECTORS,
    FACTOR,
    FACTOR_SHIFT,
    STATE_FRACTION,
    PEEPHOLES,
    PEEPHOLE_SHIFT,
    WINDOW,
    NORMED,
    KERNEL,
    STRIDE,
    PADDING[0],
    PADDING[1],
    EPSILON,
    NORM_SHIFT,
    FIRST_PRODUCT,
];

/// Largest shift of a [`SruCell`].
const MAX_CELL_SHIFT: u32 = 14;
/// Largest shift of a [`Factor`].
const MAX_FACTOR_SHIFT: i64 = 30;

const SRU: u32 = 1;
const LINEAR: u32 = 2;
const POINTWISE: u32 = 3;
const RECURRENT: u32 = 4;
const CONV1D: u32 = 5;
const EMBEDDING: u32 = 6;
const NORM: u32 = 7;

/// A layer of simple recurrent units but for its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SruShape {
    pub(super) hidden: u32,
    pub(super) directions: u32,
    pub(super) cell: SruCell,
    pub(super) highway: Highway,
    /// Of what products read.
    pub(super) norm: Option<Norm>,
    pub(super) projected: bool,
    /// A product for every part.
    pub(super) split: bool,
}

/// A layer of any other cell but for its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecurrentShape {
    pub(super) hidden: u32,
    pub(super) directions: u32,
    pub(super) cell: RecurrentCell,
    pub(super) window: u32,
    pub(super) projected: bool,
    /// A product for every gate.
    pub(super) split: bool,
}

/// A convolution but for its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConvShape {
    pub(super) kernel: u32,
    pub(super) stride: u32,
    pub(super) padding: [u32; 2],
}

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KindShape {
    Sru(SruShape),
    Recurrent(RecurrentShape),
    Linear,
    Conv1d(ConvShape),
    Embedding,
    Norm(Norm),
    Pointwise(Pointwise),
}

/// A layer but for its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LayerShape {
    pub(super) kind: KindShape,
    pub(super) inputs: u32,
    /// In front, in the order data meets them.
    pub(super) sites: [Option<SiteShape>; MAX_SITES],
    /// How many products the layers before have.
    pub(super) first_product: u32,
}

/// Where the tensors of a layer begin; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LayerPlaces {
    pub(super) vectors: u32,
    pub(super) sites: [SitePlaces; MAX_SITES],
}

/// What a product of a layer must be.
struct Asked {
    inputs: u64,
    columns: Option<u64>,
    parts: u32,
}

impl SruShape {
    fn decode(place: Place, record: &[u8]) -> Result<Self, ImageError> {
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
        Ok(Self {
            hidden: HIDDEN.read(record),
            directions: DIRECTIONS.read(record),
            cell,
            highway,
            norm: match NORMED.read_within(place, [0, 1], record)? {
                0 => None,
                _ => Some(decode_norm(place, record)?),
            },
            projected: PROJECTED.read_within(place, [0, 1], record)? == 1,
            split: SPLIT.read_within(place, [0, 1], record)? == 1,
        })
    }

    fn encode(&self, record: &mut [u8]) {
        let (highway, factor) = match self.highway {
            Highway::None => (0, None),
            Highway::Product => (1, None),
            Highway::Input(factor) => (2, Some(factor)),
        };
        for (field, number) in [
            (KIND, SRU),
            (DIRECTIONS, self.directions),
            (HIGHWAY, highway),
            (PROJECTED, self.projected.into()),
            (SPLIT, self.split.into()),
            (GATE_SHIFT, self.cell.gate_shift),
            (HIDDEN_SHIFT, self.cell.hidden_shift),
            (FACTOR_SHIFT, factor.map_or(0, Factor::shift)),
            (FACTOR, factor.map_or(0, |factor| i32::from(factor.multiplier()).cast_unsigned())),
            (HIDDEN, self.hidden),
            (NORMED, self.norm.is_some().into()),
        ] {
            field.write(record, number);
        }
        if let Some(norm) = self.norm {
            encode_norm(norm, record);
        }
    }

    /// Units of all directions. They fit 32 bits once the layer is checked.
    fn units(&self) -> u32 {
        self.directions.saturating_mul(self.hidden)
    }

    fn sites(&self) -> usize {
        usize::from(self.projected) + if self.split { self.highway.parts() } else { 1 }
    }

    fn asked(&self, arriving: u32, site: usize, projection: Option<&SiteShape>) -> Asked {
        if self.projected && site == 0 {
            return Asked { inputs: arriving.into(), columns: None, parts: 1 };
        }
        let parts = if self.split { 1 } else { self.highway.parts() as u32 };
        let columns = u64::from(self.directions) * u64::from(self.hidden) * u64::from(parts);
        let inputs = projection.map_or(arriving, |projection| projection.columns);
        Asked { inputs: inputs.into(), columns: Some(columns), parts }
    }
}

impl RecurrentShape {
    fn decode(place: Place, record: &[u8]) -> Result<Self, ImageError> {
        let number = FUNCTION.read_within(place, [1, CellKind::ALL.len() as u32], record)?;
        let kind = CellKind::ALL[number as usize - 1];
        let state_fraction = STATE_FRACTION.read_within(place, [0, UNIT.fraction()], record)?;
        let peepholes = match PEEPHOLES.read_within(place, [0, (kind.peepholes() > 0).into()], record)? {
            0 => None,
            _ => Some(PEEPHOLE_SHIFT.read_within(place, [0, MAX_PEEPHOLE_SHIFT], record)?),
        };
        Ok(Self {
            hidden: HIDDEN.read(record),
            directions: DIRECTIONS.read(record),
            cell: RecurrentCell::from_parts(kind, state_fraction, peepholes).expect("every part was checked"),
            window: WINDOW.read_within(place, [1, 2], record)?,
            projected: PROJECTED.read_within(place, [0, 1], record)? == 1,
            // One gate cannot be apart from others.
            split: SPLIT.read_within(place, [0, (kind.gates() > 1).into()], record)? == 1,
        })
    }

    fn encode(&self, record: &mut [u8]) {
        for (field, number) in [
            (KIND, RECURRENT),
            (FUNCTION, self.cell.kind() as u32),
            (DIRECTIONS, self.directions),
            (PROJECTED, self.projected.into()),
            (SPLIT, self.split.into()),
            (STATE_FRACTION, self.cell.state_fraction()),
            (PEEPHOLES, self.cell.peephole_shift().is_some().into()),
            (PEEPHOLE_SHIFT, self.cell.peephole_shift().unwrap_or(0)),
            (WINDOW, self.window),
            (HIDDEN, self.hidden),
        ] {
            field.write(record, number);
        }
    }

    fn units(&self) -> u32 {
        self.directions.saturating_mul(self.hidden)
    }

    /// Products of the input, and of the hidden output.
    pub(super) fn products(&self) -> [usize; 2] {
        let kind = self.cell.kind();
        [if self.split { kind.gates() } else { 1 }, kind.recurrent_products(self.split)]
    }

    fn sites(&self) -> usize {
        let [input, recurrent] = self.products();
        input + recurrent + usize::from(self.projected)
    }

    /// What a direction shows and feeds back.
    fn width(&self, projection: Option<&SiteShape>) -> u32 {
        projection.map_or(self.hidden, |projection| projection.columns / self.directions.max(1))
    }

    fn asked(&self, arriving: u32, site: usize, projection: Option<&SiteShape>) -> Asked {
        let [input, recurrent] = self.products();
        let units = u64::from(self.directions) * u64::from(self.hidden);
        if site < input {
            let gates = if self.split { 1 } else { self.cell.kind().gates() as u32 };
            let inputs = u64::from(self.window) * u64::from(arriving);
            return Asked { inputs, columns: Some(u64::from(gates) * units), parts: gates };
        }
        if site < input + recurrent {
            let [first, end] = self.cell.kind().recurrent_gates(site - input, self.split);
            let gates = (end - first) as u32;
            return Asked {
                inputs: self.width(projection).into(),
                columns: Some(u64::from(gates) * units),
                parts: gates,
            };
        }
        // Its columns are whatever they are, in whole directions.
        let columns = projection.map(|projection| {
            let directions = self.directions.max(1);
            u64::from((projection.columns / directions).max(1)) * u64::from(directions)
        });
        Asked { inputs: self.hidden.into(), columns, parts: 1 }
    }
}

impl ConvShape {
    fn decode(place: Place, record: &[u8]) -> Result<Self, ImageError> {
        let kernel = KERNEL.read_within(place, [1, i16::MAX as u32], record)?;
        let left = PADDING[0].read_within(place, [0, kernel - 1], record)?;
        Ok(Self {
            kernel,
            stride: STRIDE.read_within(place, [1, i16::MAX as u32], record)?,
            padding: [left, PADDING[1].read_within(place, [0, kernel - 1 - left], record)?],
        })
    }

    fn encode(&self, record: &mut [u8]) {
        let [left, right] = self.padding;
        for (field, number) in
            [(KIND, CONV1D), (KERNEL, self.kernel), (STRIDE, self.stride), (PADDING[0], left), (PADDING[1], right)]
        {
            field.write(record, number);
        }
    }

    /// Checks numbers that came from no record.
    fn check(&self, place: Place) -> Result<(), ImageError> {
        let most = i16::MAX.into();
        number(place, KERNEL, Expected::Range(1, most), self.kernel)?;
        number(place, STRIDE, Expected::Range(1, most), self.stride)?;
        let room = i64::from(self.kernel) - 1;
        number(place, PADDING[0], Expected::Range(0, room), self.padding[0])?;
        number(place, PADDING[1], Expected::Range(0, room - i64::from(self.padding[0])), self.padding[1])
    }
}

impl KindShape {
    fn decode(place: Place, record: &[u8; RECORD_BYTES]) -> Result<Self, ImageError> {
        Ok(match KIND.read(record) {
            SRU => Self::Sru(SruShape::decode(place, record)?),
            LINEAR => Self::Linear,
            POINTWISE => Self::Pointwise(match FUNCTION.read(record) {
                1 => Pointwise::Relu,
                2 => Pointwise::Tanh,
                3 => Pointwise::Sigmoid,
                _ => return Err(FUNCTION.error(place, Expected::Range(1, 3), record)),
            }),
            RECURRENT => Self::Recurrent(RecurrentShape::decode(place, record)?),
            CONV1D => Self::Conv1d(ConvShape::decode(place, record)?),
            EMBEDDING => Self::Embedding,
            NORM => Self::Norm(decode_norm(place, record)?),
            _ => return Err(KIND.error(place, Expected::Range(SRU.into(), NORM.into()), record)),
        })
    }

    fn encode(&self, record: &mut [u8; RECORD_BYTES]) {
        match self {
            Self::Sru(sru) => sru.encode(record),
            Self::Recurrent(recurrent) => recurrent.encode(record),
            Self::Linear => KIND.write(record, LINEAR),
            Self::Conv1d(conv) => conv.encode(record),
            Self::Embedding => KIND.write(record, EMBEDDING),
            Self::Norm(norm) => {
                KIND.write(record, NORM);
                encode_norm(*norm, record);
            }
            Self::Pointwise(function) => {
                KIND.write(record, POINTWISE);
                FUNCTION.write(
                    record,
                    match function {
                        Pointwise::Relu => 1,
                        Pointwise::Tanh => 2,
                        Pointwise::Sigmoid => 3,
                    },
                );
            }
        }
    }

    /// Number of products.
    pub(super) fn sites(&self) -> usize {
        match self {
            Self::Sru(sru) => sru.sites(),
            Self::Recurrent(recurrent) => recurrent.sites(),
            Self::Linear | Self::Conv1d(_) | Self::Embedding => 1,
            Self::Norm(_) | Self::Pointwise(_) => 0,
        }
    }
}

impl LayerShape {
    /// The shape that `record` and the records of its products, the first of `products`, speak of; every number in them one
    /// that can be.
    pub(super) fn decode(
        layer: u32,
        record: &[u8; RECORD_BYTES],
        products: &[u8],
        first_product: u32,
    ) -> Result<Self, ImageError> {
        let kind = KindShape::decode(Place::Layer(layer), record)?;
        let mut sites = [None; MAX_SITES];
        let mut records = products.chunks_exact(PRODUCT_BYTES);
        for (index, site) in sites.iter_mut().enumerate().take(kind.sites()) {
            let place = Place::Product(layer, index as u32);
            let Some(record) = records.next() else {
                let (expected, got) = (kind.sites() as i64, index as i64);
                let field = "number of products";
                return Err(ImageError::Field {
                    place: Place::Layer(layer),
                    field,
                    expected: Expected::Value(expected),
                    got,
                });
            };
            *site = Some(SiteShape::decode(place, record)?);
        }
        Ok(Self { kind, inputs: LAYER_INPUTS.read(record), sites, first_product })
    }

    /// The record of a [checked](Self::check) shape whose tensors begin at `places`.
    pub(super) fn encode(&self, places: &LayerPlaces) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        self.kind.encode(&mut record);
        LAYER_INPUTS.write(&mut record, self.inputs);
        OUTPUTS.write(&mut record, self.outputs());
        VECTORS.write(&mut record, places.vectors);
        if self.kind.sites() > 0 {
            FIRST_PRODUCT.write(&mut record, self.first_product);
        }
        record
    }

    /// The projection of a recurrent layer.
    fn projection(&self) -> Option<&SiteShape> {
        match self.kind {
            KindShape::Sru(sru) if sru.projected => self.sites[0].as_ref(),
            KindShape::Recurrent(recurrent) if recurrent.projected => self.sites[recurrent.sites() - 1].as_ref(),
            _ => None,
        }
    }

    /// Length of the output. It fits 32 bits once it is [checked](Self::check).
    pub(super) fn outputs(&self) -> u32 {
        match self.kind {
            KindShape::Sru(sru) => sru.units(),
            KindShape::Recurrent(recurrent) => recurrent.directions.saturating_mul(recurrent.width(self.projection())),
            KindShape::Linear | KindShape::Conv1d(_) | KindShape::Embedding => {
                self.sites[0].map_or(0, |site| site.columns)
            }
            KindShape::Norm(_) | KindShape::Pointwise(_) => self.inputs,
        }
    }

    /// What product `site` must be.
    fn asked(&self, site: usize) -> Asked {
        let arriving = self.inputs;
        match self.kind {
            KindShape::Sru(sru) => sru.asked(arriving, site, self.projection()),
            KindShape::Recurrent(recurrent) => recurrent.asked(arriving, site, self.projection()),
            KindShape::Conv1d(conv) => {
                Asked { inputs: u64::from(conv.kernel) * u64::from(arriving), columns: None, parts: 1 }
            }
            // Of a table, inputs are rows.
            KindShape::Embedding => {
                Asked { inputs: self.sites[0].map_or(0, |site| site.inputs.into()), columns: None, parts: 1 }
            }
            _ => Asked { inputs: arriving.into(), columns: None, parts: 1 },
        }
    }

    /// Checks the numbers against each other and the `arriving` codes a frame.
    pub(super) fn check(&self, layer: u32, arriving: u32) -> Result<(), ImageError> {
        let place = Place::Layer(layer);
        number(place, LAYER_INPUTS, Expected::Value(arriving.into()), self.inputs)?;
        match self.kind {
            KindShape::Sru(sru) => {
                check_units(place, sru.directions, sru.hidden)?;
                if matches!(sru.highway, Highway::Input(_)) {
                    number(place, OUTPUTS, Expected::Value(arriving.into()), sru.units())?;
                }
                if sru.norm.is_some() {
                    number(place, LAYER_INPUTS, Expected::Range(1, MAX_WIDTH as i64), arriving)?;
                }
            }
            KindShape::Recurrent(recurrent) => check_units(place, recurrent.directions, recurrent.hidden)?,
            KindShape::Conv1d(conv) => conv.check(place)?,
            KindShape::Embedding => number(place, LAYER_INPUTS, Expected::Value(1), arriving)?,
            KindShape::Norm(_) => number(place, LAYER_INPUTS, Expected::Range(1, MAX_WIDTH as i64), arriving)?,
            KindShape::Linear | KindShape::Pointwise(_) => {}
        }
        for (index, site) in self.sites.iter().flatten().enumerate() {
            let Asked { inputs, columns, parts } = self.asked(index);
            site.check(Place::Product(layer, index as u32), inputs, columns, parts)?;
        }
        Ok(())
    }

    /// Where the tensors begin: vectors, then of every product weights, requantizers, biases.
    pub(super) fn places(&self, layer: u32, cursor: &mut Cursor<'_>) -> Result<LayerPlaces, ImageError> {
        let mut places = LayerPlaces::default();
        let bytes = self.vectors() * size_of::<i16>() as u64;
        if bytes > 0 {
            places.vectors = cursor.place(Place::Layer(layer), "end of the vectors", bytes)?;
        }
        for (index, (site, place)) in self.sites.iter().flatten().zip(&mut places.sites).enumerate() {
            *place = site.places(Place::Product(layer, index as u32), cursor)?;
        }
        Ok(places)
    }

    /// Numbers of the vectors.
    pub(super) fn vectors(&self) -> u64 {
        match self.kind {
            KindShape::Sru(sru) => 2 * (u64::from(sru.units()) + sru.norm.map_or(0, |_| u64::from(self.inputs))),
            KindShape::Recurrent(recurrent) => {
                let peepholes = recurrent.cell.peephole_shift().map_or(0, |_| recurrent.cell.kind().peepholes());
                peepholes as u64 * u64::from(recurrent.units())
            }
            KindShape::Norm(_) => 2 * u64::from(self.inputs),
            _ => 0,
        }
    }

    /// Checks that `record` and those of its products, at bytes `offsets` of the file, are those of this shape and these
    /// places.
    pub(super) fn check_records(
        &self,
        layer: u32,
        places: &LayerPlaces,
        offsets: [usize; 2],
        record: &[u8; RECORD_BYTES],
        products: &[u8],
    ) -> Result<(), ImageError> {
        compare(Place::Layer(layer), &LAYER_FIELDS, offsets[0], &self.encode(places), record)?;
        let sites = self.sites.iter().flatten().zip(&places.sites);
        for (index, ((site, places), record)) in sites.zip(products.chunks_exact(PRODUCT_BYTES)).enumerate() {
            let offset = offsets[1] + index * PRODUCT_BYTES;
            site.check_record(Place::Product(layer, index as u32), places, offset, record)?;
        }
        Ok(())
    }
}

impl LayerPlaces {
    /// The offset of the vectors that `record` has.
    pub(super) fn vectors_of(record: &[u8; RECORD_BYTES]) -> u32 {
        VECTORS.read(record)
    }
}

/// The first product of a layer, by its record.
pub(super) fn first_product(record: &[u8; RECORD_BYTES]) -> u32 {
    FIRST_PRODUCT.read(record)
}

fn decode_norm(place: Place, record: &[u8]) -> Result<Norm, ImageError> {
    let shift = NORM_SHIFT.read_within(place, [0, MAX_SHIFT], record)?;
    let epsilon = EPSILON.read_within(place, [1, u32::MAX], record)?;
    Ok(Norm::from_parts(epsilon, shift).expect("both parts were checked"))
}

fn encode_norm(norm: Norm, record: &mut [u8]) {
    EPSILON.write(record, norm.epsilon());
    NORM_SHIFT.write(record, norm.shift());
}

fn check_units(place: Place, directions: u32, hidden: u32) -> Result<(), ImageError> {
    number(place, DIRECTIONS, Expected::Range(1, 2), directions)?;
    number(place, HIDDEN, Expected::Range(1, i64::from(u32::MAX / directions)), hidden)
}
