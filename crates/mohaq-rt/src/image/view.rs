//! The layers of an image, read where they lie.

use super::error::{ImageError, Place};
use super::product::{MULTIPLIERS, PRODUCT_BYTES, REQUANTIZER_BYTES, SHIFTS, SitePlaces, SiteShape};
use super::record::{ConvShape, KindShape, LayerPlaces, LayerShape, RECORD_BYTES, RecurrentShape, SruShape};
use crate::cell::{Highway, Pointwise, RecurrentCell, SruCell};
use crate::norm::Norm;
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
    /// Units of any other cell.
    Recurrent(RecurrentView<'a>),
    /// A matrix and a bias.
    Linear(SiteView<'a>),
    /// A convolution over time.
    Conv1d(ConvView<'a>),
    /// A row of a table, whose number is the one code that arrives; of the site, inputs are rows.
    Embedding(SiteView<'a>),
    /// Every frame brought to mean 0 and variance 1.
    Norm(NormView<'a>),
    /// A function of one number.
    Pointwise {
        /// The function.
        function: Pointwise,
        /// Length of input and output.
        width: usize,
    },
}

/// What the products of a layer are read from.
#[derive(Clone, Copy, Debug)]
struct Products<'a> {
    file: &'a [u8],
    /// Their records.
    records: &'a [u8],
    layer: u32,
}

/// A layer of simple recurrent units of an image.
#[derive(Clone, Copy, Debug)]
pub struct SruView<'a> {
    shape: SruShape,
    products: Products<'a>,
    inputs: usize,
    /// `[2, directions · hidden]`, 16 bit codes; behind them gain and bias, `[2, inputs]`, where there is a normalisation.
    vectors: &'a [u8],
}

/// A layer of any other cell of an image.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentView<'a> {
    shape: RecurrentShape,
    products: Products<'a>,
    inputs: usize,
    outputs: usize,
    /// `[peepholes, directions · hidden]`, 16 bit codes.
    peepholes: &'a [u8],
}

/// A convolution of an image.
#[derive(Clone, Copy, Debug)]
pub struct ConvView<'a> {
    shape: ConvShape,
    site: SiteView<'a>,
    inputs: usize,
}

/// A normalisation of an image.
#[derive(Clone, Copy, Debug)]
pub struct NormView<'a> {
    norm: Norm,
    width: usize,
    /// `[2, width]`, 16 bit codes: gain, bias.
    vectors: &'a [u8],
}

/// A product of an image.
#[derive(Clone, Copy, Debug)]
pub struct SiteView<'a> {
    shape: SiteShape,
    /// Columns that share a requantizer, where not every one has its own.
    part: usize,
    /// Where in the file the weights begin.
    weights_at: usize,
    layout: Layout,
    accumulator: Accumulator,
    weights: &'a [u8],
    requantizers: &'a [u8],
    /// 16 bit codes, or nothing.
    biases: &'a [u8],
}

impl<'a> Products<'a> {
    /// Product `index`, `part` columns of which share a requantizer.
    fn site(&self, index: usize, part: usize) -> SiteView<'a> {
        let record = &self.records[index * PRODUCT_BYTES..][..PRODUCT_BYTES];
        let place = Place::Product(self.layer, index as u32);
        let shape = SiteShape::decode(place, record).expect("checked when the image was read");
        SiteView::new(&shape, part, &SitePlaces::decode(record), self.file)
    }
}

impl<'a> LayerView<'a> {
    /// The layer of a record that was checked, with those of its products from byte `first_product` of `file` on.
    pub(super) fn new(layer: u32, record: &[u8; RECORD_BYTES], file: &'a [u8], first_product: usize) -> Self {
        let products = Products { file, records: &file[first_product..], layer };
        let shape = LayerShape::decode(layer, record, products.records, 0).expect("checked when the image was read");
        let inputs = shape.inputs as usize;
        let vectors = slice(file, LayerPlaces::vectors_of(record), shape.vectors() as usize * size_of::<i16>());
        match shape.kind {
            KindShape::Sru(sru) => Self::Sru(SruView { shape: sru, products, inputs, vectors }),
            KindShape::Recurrent(recurrent) => Self::Recurrent(RecurrentView {
                shape: recurrent,
                products,
                inputs,
                outputs: shape.outputs() as usize,
                peepholes: vectors,
            }),
            KindShape::Linear => Self::Linear(products.site(0, 1)),
            KindShape::Conv1d(conv) => Self::Conv1d(ConvView { shape: conv, site: products.site(0, 1), inputs }),
            KindShape::Embedding => Self::Embedding(products.site(0, 1)),
            KindShape::Norm(norm) => Self::Norm(NormView { norm, width: inputs, vectors }),
            KindShape::Pointwise(function) => Self::Pointwise { function, width: inputs },
        }
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Sru(sru) => sru.inputs(),
            Self::Recurrent(recurrent) => recurrent.inputs(),
            Self::Linear(site) => site.inputs(),
            Self::Conv1d(conv) => conv.inputs(),
            Self::Embedding(_) => 1,
            Self::Norm(norm) => norm.width(),
            Self::Pointwise { width, .. } => *width,
        }
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Sru(sru) => sru.outputs(),
            Self::Recurrent(recurrent) => recurrent.outputs(),
            Self::Linear(site) | Self::Embedding(site) => site.columns(),
            Self::Conv1d(conv) => conv.site().columns(),
            Self::Norm(norm) => norm.width(),
            Self::Pointwise { width, .. } => *width,
        }
    }

    /// Frames that come out where `frames` go in.
    pub fn frames(&self, frames: usize) -> usize {
        match self {
            Self::Conv1d(conv) => conv.frames(frames),
            _ => frames,
        }
    }

    /// Number of products.
    pub fn sites(&self) -> usize {
        match self {
            Self::Sru(sru) => KindShape::Sru(sru.shape).sites(),
            Self::Recurrent(recurrent) => KindShape::Recurrent(recurrent.shape).sites(),
            Self::Linear(_) | Self::Conv1d(_) | Self::Embedding(_) => 1,
            Self::Norm(_) | Self::Pointwise { .. } => 0,
        }
    }

    /// Product `index`, in the order data meets them.
    ///
    /// # Panics
    /// If there is no such product.
    pub fn site(&self, index: usize) -> SiteView<'a> {
        match self {
            Self::Sru(sru) => match sru.projection() {
                Some(projection) if index == 0 => projection,
                projection => sru.site(index - usize::from(projection.is_some())),
            },
            Self::Recurrent(recurrent) => {
                let [input, hidden] = recurrent.shape.products();
                match index {
                    _ if index < input => recurrent.input(index),
                    _ if index < input + hidden => recurrent.recurrent(index - input),
                    _ => recurrent.projection().expect("the last product"),
                }
            }
            Self::Linear(site) | Self::Embedding(site) => *site,
            Self::Conv1d(conv) => conv.site(),
            Self::Norm(_) | Self::Pointwise { .. } => panic!("product {index} of a layer without products"),
        }
    }

    /// Checks the numbers in the tensors.
    pub(super) fn check(&self, layer: u32) -> Result<(), ImageError> {
        (0..self.sites()).try_for_each(|index| self.site(index).check(Place::Product(layer, index as u32)))
    }
}

impl<'a> SruView<'a> {
    /// Length of the layer's input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of the layer's output.
    pub fn outputs(&self) -> usize {
        self.directions() * self.hidden()
    }

    /// Units a direction.
    pub fn hidden(&self) -> usize {
        self.shape.hidden as usize
    }

    /// 1, or 2 where the second runs from the last frame to the first.
    pub fn directions(&self) -> usize {
        self.shape.directions as usize
    }

    /// Formats of vectors, state and hidden output.
    pub fn cell(&self) -> SruCell {
        self.shape.cell
    }

    /// What is carried past the cells.
    pub fn highway(&self) -> Highway {
        self.shape.highway
    }

    /// Normalises what products read.
    pub fn norm(&self) -> Option<NormView<'a>> {
        let vectors = &self.vectors[2 * self.outputs() * size_of::<i16>()..];
        self.shape.norm.map(|norm| NormView { norm, width: self.inputs, vectors })
    }

    /// In front of the cells.
    pub fn projection(&self) -> Option<SiteView<'a>> {
        self.shape.projected.then(|| self.products.site(0, 1))
    }

    /// Products of the cells: one of all parts, or one of each.
    pub fn sites(&self) -> usize {
        if self.shape.split { self.highway().parts() } else { 1 }
    }

    /// Product `index` of the cells; columns by direction, then part, then unit.
    pub fn site(&self, index: usize) -> SiteView<'a> {
        self.products.site(usize::from(self.shape.projected) + index, self.hidden())
    }

    /// v of forget gate and reset gate for unit `output` of all directions.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn vectors(&self, output: usize) -> [i16; 2] {
        [0, 1].map(|gate| code(self.vectors, gate * self.outputs() + output))
    }
}

impl<'a> RecurrentView<'a> {
    /// Length of the layer's input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of the layer's output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// What a direction shows and feeds back.
    pub fn width(&self) -> usize {
        self.outputs / self.directions()
    }

    /// Units a direction.
    pub fn hidden(&self) -> usize {
        self.shape.hidden as usize
    }

    /// 1, or 2 where the second runs from the last frame to the first.
    pub fn directions(&self) -> usize {
        self.shape.directions as usize
    }

    /// The cell and the format of its state.
    pub fn cell(&self) -> RecurrentCell {
        self.shape.cell
    }

    /// Frames that a product of the input sees.
    pub fn window(&self) -> usize {
        self.shape.window as usize
    }

    /// Whether every gate has a product of its own.
    pub fn is_split(&self) -> bool {
        self.shape.split
    }

    /// Products of the input, and of the hidden output.
    pub fn products(&self) -> [usize; 2] {
        self.shape.products()
    }

    /// Product `index` of the input.
    pub fn input(&self, index: usize) -> SiteView<'a> {
        self.products.site(index, self.hidden())
    }

    /// Product `index` of the hidden output.
    pub fn recurrent(&self, index: usize) -> SiteView<'a> {
        self.products.site(self.products()[0] + index, self.hidden())
    }

    /// What brings the hidden output to its width.
    pub fn projection(&self) -> Option<SiteView<'a>> {
        let [input, recurrent] = self.products();
        self.shape.projected.then(|| self.products.site(input + recurrent, 1))
    }

    /// Vector `index` of unit `unit` of all directions; 0 where the cell has no peepholes.
    pub fn peephole(&self, index: usize, unit: usize) -> i16 {
        if self.peepholes.is_empty() {
            0
        } else {
            code(self.peepholes, index * self.directions() * self.hidden() + unit)
        }
    }
}

impl<'a> ConvView<'a> {
    /// Length of the layer's input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Frames that a frame of the output sees.
    pub fn kernel(&self) -> usize {
        self.shape.kernel as usize
    }

    /// Frames of the input from one frame of the output to the next.
    pub fn stride(&self) -> usize {
        self.shape.stride as usize
    }

    /// Frames of zeros before the first frame and behind the last.
    pub fn padding(&self) -> [usize; 2] {
        self.shape.padding.map(|padding| padding as usize)
    }

    /// The product.
    pub fn site(&self) -> SiteView<'a> {
        self.site
    }

    /// Frames that come out where `frames` go in: never more.
    pub fn frames(&self, frames: usize) -> usize {
        let padded = frames.saturating_add(self.padding()[0] + self.padding()[1]);
        if frames == 0 || padded < self.kernel() { 0 } else { (padded - self.kernel()) / self.stride() + 1 }
    }
}

impl NormView<'_> {
    /// Length of input and output.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Its constants.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// Gain and bias of number `index`.
    pub fn affine(&self, index: usize) -> [i16; 2] {
        [0, 1].map(|vector| code(self.vectors, vector * self.width + index))
    }
}

impl<'a> SiteView<'a> {
    fn new(shape: &SiteShape, part: usize, places: &SitePlaces, file: &'a [u8]) -> Self {
        let columns = shape.columns as usize;
        let layout = shape.layout().expect("weights that lie in memory");
        let accumulator = Accumulator::exact_for(shape.weight, shape.activation, shape.inputs.into());
        Self {
            shape: *shape,
            part,
            weights_at: places.weights as usize,
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

    fn check(&self, place: Place) -> Result<(), ImageError> {
        if let Err(Error::Padding { row }) = self.layout.check_padding(self.weights) {
            let row_end = self.weights_at + (row + 1) * self.layout.row_bytes();
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
