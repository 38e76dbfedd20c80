//! The layers of an image, read where they lie.

use super::error::{ImageError, Place};
use super::record::{LayerPlaces, LayerShape, MULTIPLIERS, REQUANTIZER_BYTES, SHIFTS, SitePlaces, SiteShape, SruShape};
use crate::cell::{Highway, Pointwise, SruCell};
use crate::numeric::{Accumulator, Requantizer};
use crate::pack::Layout;
use crate::{Bits, Error};

// Offsets and lengths of a file are 32 bit numbers.
const _: () = assert!(usize::BITS >= 32, "machines of 16 bit addresses hold no image");

/// A layer of an image.
#[derive(Clone, Copy, Debug)]
pub enum LayerView<'a> {
    /// Simple recurrent units.
    Sru(SruView<'a>),
    /// A matrix and a bias.
    Linear(SiteView<'a>),
    /// A function of one number.
    Pointwise {
        /// The function.
        function: Pointwise,
        /// Length of input and output.
        width: usize,
    },
}

/// A layer of simple recurrent units of an image.
#[derive(Clone, Copy, Debug)]
pub struct SruView<'a> {
    hidden: usize,
    directions: usize,
    cell: SruCell,
    highway: Highway,
    projection: Option<SiteView<'a>>,
    site: SiteView<'a>,
    /// `[2, directions · hidden]`, 16 bit codes.
    vectors: &'a [u8],
}

/// A product of an image.
#[derive(Clone, Copy, Debug)]
pub struct SiteView<'a> {
    shape: SiteShape,
    /// Columns that share a requantizer, where not every one has its own.
    part: usize,
    layout: Layout,
    accumulator: Accumulator,
    weights: &'a [u8],
    requantizers: &'a [u8],
    /// 16 bit codes, or nothing.
    biases: &'a [u8],
}

impl<'a> LayerView<'a> {
    /// The layer of `shape` whose tensors begin at `places`, all of which `file` holds.
    pub(super) fn new(shape: &LayerShape, places: &LayerPlaces, file: &'a [u8]) -> Self {
        match shape {
            LayerShape::Sru(sru) => Self::Sru(SruView::new(sru, places, file)),
            LayerShape::Linear(site) => Self::Linear(SiteView::new(site, site.columns, &places.product, file)),
            LayerShape::Pointwise(function, width) => Self::Pointwise { function: *function, width: *width as usize },
        }
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Sru(sru) => sru.inputs(),
            Self::Linear(site) => site.inputs(),
            Self::Pointwise { width, .. } => *width,
        }
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Sru(sru) => sru.outputs(),
            Self::Linear(site) => site.columns(),
            Self::Pointwise { width, .. } => *width,
        }
    }

    /// Checks the numbers in the tensors, which begin at `places`.
    pub(super) fn check(&self, layer: u32, places: &LayerPlaces) -> Result<(), ImageError> {
        match self {
            Self::Sru(sru) => {
                if let Some(projection) = &sru.projection {
                    projection.check(Place::Projection(layer), &places.projection)?;
                }
                sru.site.check(Place::Product(layer), &places.product)
            }
            Self::Linear(site) => site.check(Place::Product(layer), &places.product),
            Self::Pointwise { .. } => Ok(()),
        }
    }
}

impl<'a> SruView<'a> {
    fn new(shape: &SruShape, places: &LayerPlaces, file: &'a [u8]) -> Self {
        let SruShape { hidden, directions, cell, highway, projection, site } = *shape;
        let outputs = (directions * hidden) as usize;
        Self {
            hidden: hidden as usize,
            directions: directions as usize,
            cell,
            highway,
            projection: projection.map(|site| SiteView::new(&site, site.columns, &places.projection, file)),
            site: SiteView::new(&site, hidden, &places.product, file),
            vectors: slice(file, places.vectors, 2 * outputs * size_of::<i16>()),
        }
    }

    /// Length of the layer's input.
    pub fn inputs(&self) -> usize {
        self.projection.as_ref().unwrap_or(&self.site).inputs()
    }

    /// Length of the layer's output.
    pub fn outputs(&self) -> usize {
        self.directions * self.hidden
    }

    /// Units a direction.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// 1, or 2 where the second runs from the last frame to the first.
    pub fn directions(&self) -> usize {
        self.directions
    }

    /// Formats of vectors, state and hidden output.
    pub fn cell(&self) -> SruCell {
        self.cell
    }

    /// What is carried past the cells.
    pub fn highway(&self) -> Highway {
        self.highway
    }

    /// In front of the cells.
    pub fn projection(&self) -> Option<SiteView<'a>> {
        self.projection
    }

    /// The layer's product; columns by direction, then part, then unit.
    pub fn site(&self) -> SiteView<'a> {
        self.site
    }

    /// v of forget gate and reset gate for unit `output` of all directions.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn vectors(&self, output: usize) -> [i16; 2] {
        [0, 1].map(|gate| code(self.vectors, gate * self.outputs() + output))
    }
}

impl<'a> SiteView<'a> {
    fn new(shape: &SiteShape, part: u32, places: &SitePlaces, file: &'a [u8]) -> Self {
        let columns = shape.columns as usize;
        let layout = shape.layout().expect("weights that lie in memory");
        let accumulator = Accumulator::exact_for(shape.weight, shape.activation, shape.inputs.into());
        Self {
            shape: *shape,
            part: part as usize,
            layout,
            accumulator: accumulator.expect("64 bits sum 2^32 products of every width exactly"),
            weights: slice(file, places.weights, layout.bytes()),
            requantizers: slice(file, places.requantizers, shape.requantizers as usize * REQUANTIZER_BYTES),
            biases: slice(file, places.biases, if shape.biased { columns * size_of::<i16>() } else { 0 }),
        }
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.shape.inputs as usize
    }

    /// Length of the output.
    pub fn columns(&self) -> usize {
        self.shape.columns as usize
    }

    /// Width of the weights.
    pub fn weight(&self) -> Bits {
        self.shape.weight
    }

    /// Width of the inputs.
    pub fn activation(&self) -> Bits {
        self.shape.activation
    }

    /// The narrowest sum that is exact.
    pub fn accumulator(&self) -> Accumulator {
        self.accumulator
    }

    /// From the 16 bit codes that arrive to the product's input.
    pub fn input(&self) -> Requantizer {
        self.shape.input
    }

    /// How the weights are packed: `[columns, inputs]`, so that a column's sum reads one row.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The packed weights.
    pub fn weights(&self) -> &'a [u8] {
        self.weights
    }

    /// The packed weights of `column`, with what fills the row.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn row(&self, column: usize) -> &'a [u8] {
        let bytes = self.layout.row_bytes();
        &self.weights[column * bytes..][..bytes]
    }

    /// Number of requantizers: one for each of some equal parts of the columns, or one a column.
    pub fn requantizers(&self) -> usize {
        self.shape.requantizers as usize
    }

    /// From sums to 16 bit codes in `column`.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn requantizer(&self, column: usize) -> Requantizer {
        let count = self.requantizers();
        let index = if count == self.columns() { column } else { column / self.part % count };
        let (multiplier, shift) = self.requantizer_parts(index);
        Requantizer::from_parts(multiplier, shift).expect("checked when the image was read")
    }

    /// Whether there are biases.
    pub fn is_biased(&self) -> bool {
        self.shape.biased
    }

    /// Added to the 16 bit code of `column`; 0 where the product has no biases.
    ///
    /// # Panics
    /// If there are biases, but not of such a column.
    pub fn bias(&self, column: usize) -> i16 {
        if self.shape.biased { code(self.biases, column) } else { 0 }
    }

    pub(super) fn requantizer_parts(&self, index: usize) -> (i32, u32) {
        let (multipliers, _) = self.requantizers.as_chunks::<{ REQUANTIZER_BYTES / 2 }>();
        let [multiplier, shift] = [multipliers[2 * index], multipliers[2 * index + 1]];
        (i32::from_le_bytes(multiplier), u32::from_le_bytes(shift))
    }

    fn check(&self, place: Place, places: &SitePlaces) -> Result<(), ImageError> {
        if let Err(Error::Padding { row }) = self.layout.check_padding(self.weights) {
            let row_end = places.weights as usize + (row + 1) * self.layout.row_bytes();
            return Err(ImageError::Padding { place, offset: row_end - 1 });
        }
        for index in 0..self.requantizers() {
            let (multiplier, shift) = self.requantizer_parts(index);
            if Requantizer::from_parts(multiplier, shift).is_some() {
                continue;
            }
            let (field, expected, got) = if shift > Requantizer::MAX_SHIFT {
                ("shift of requantizer", SHIFTS, shift.into())
            } else {
                ("multiplier of requantizer", MULTIPLIERS, multiplier.into())
            };
            return Err(ImageError::Element { place, field, index, expected, got });
        }
        Ok(())
    }
}

/// `bytes` of `file` from `offset` on.
fn slice(file: &[u8], offset: u32, bytes: usize) -> &[u8] {
    &file[offset as usize..][..bytes]
}

/// The 16 bit code `index` of packed ones.
fn code(bytes: &[u8], index: usize) -> i16 {
    i16::from_le_bytes(bytes.as_chunks().0[index])
}
