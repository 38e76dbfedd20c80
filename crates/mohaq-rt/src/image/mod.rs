//! A quantized network as one file, which is run where it lies: in flash, in a mapping, in memory.
//!
//! [`Image::parse`] reads the file once, checks all of it and copies nothing: there is no allocation, no alignment is asked
//! of the memory, and no number in an accepted image can make a reader fail. For every network there is one sequence of
//! bytes, so reading an image and [writing](fn@write) it again gives the same file. All numbers are little-endian.
//!
//! ```text
//! header, 64 bytes            0  magic, "\x89mohaq\r\n"    24  inputs a frame          u32
//!                             8  version            u32    28  outputs a frame         u32
//!                            12  CRC-32 of all     (u32)   32  fraction of the inputs  u8
//!                                bytes behind it           33  fraction of the outputs u8
//!                            16  length of the file u32    36  number of products      u32
//!                            20  number of layers   u32    40  zeros
//! record, 64 bytes a layer    0  kind: SRU 1, linear 2, pointwise 3, recurrent 4, convolution 5, table 6, normalisation 7
//!                             1  function: ReLU 1, tanh 2, sigmoid 3; or the cell, as CellKind numbers them
//!                             2  directions         u8              20  offset of the vectors        u32
//!                             3  highway: none 0, product 1,        24  multiplier, 26 shift of the
//!                                input 2                                highway's factor             i16, u8
//!                             4  projections        u8              27  fraction of the state        u8
//!                             5  1 for products apart               28  1 for peepholes, 29 shift of them
//!                             6  shift of the gates u8              30  window                       u8
//!                             7  shift of the hidden output u8      32  kernel, 34 stride, 36 and 38 paddings, u16
//!                             8  inputs             u32             40  epsilon u32, 44 shift of the gain u8
//!                            12  outputs            u32             48  products of the layers before u32
//!                            16  hidden units a direction u32       52  zeros
//! record, 32 bytes a product  0  width of the weights u8            16  offset of the weights      u32
//!                             1  width of the inputs  u8            20  offset of the requantizers u32
//!                             2  shift of the input   u8, 0         24  number of requantizers     u32
//!                             4  its multiplier       i32           28  offset of the biases, or 0 u32
//!                             8  inputs u32, 12 columns u32
//! tensors, layer by layer        vectors, then of each product the weights, requantizers, biases
//! ```
//!
//! Products of a layer stand in the order data meets them: of an SRU a projection, then one of all parts or one of each; of
//! other cells those of the input, those of the hidden output, then a projection. Vectors are the recurrent ones of an SRU,
//! peepholes, or gain and bias of a normalisation.
//!
//! Every tensor begins at the next multiple of 64, with zeros in between, and the file ends with the last one. Weights are
//! packed ([`pack`](crate::pack)) as `[columns, inputs]`, rows aligned to 4 bytes; vectors and biases are 16 bit codes;
//! a requantizer is its multiplier (i32) and its shift (u32).
//!
//! A checksum finds damage, not malice: whoever can write a file can write its checksum. Therefore every number is checked
//! as if there were none.

mod checksum;
mod cursor;
mod error;
mod field;
mod header;
#[cfg(all(test, feature = "alloc"))]
pub(crate) mod networks;
#[cfg(feature = "alloc")]
mod parameters;
mod product;
mod record;
#[cfg(all(test, feature = "alloc"))]
mod tests;
mod view;
#[cfg(feature = "alloc")]
mod write;

pub use checksum::checksum;
pub use cursor::TENSOR_ALIGNMENT;
pub use error::{Expected, ImageError, Place};
pub use header::{HEADER_BYTES, MAGIC, VERSION, seal};
#[cfg(feature = "alloc")]
pub use parameters::ImageParameters;
pub use product::PRODUCT_BYTES;
pub use record::RECORD_BYTES;
pub use view::{ConvView, LayerView, NormView, RecurrentView, SiteView, SruView};
#[cfg(feature = "alloc")]
pub use write::write;

use crate::numeric::Q16;
use core::fmt;
use cursor::Cursor;
use header::Header;
use record::{LayerShape, first_product};

/// A network in bytes that are borrowed and were found good.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    file: &'a [u8],
    header: Header,
}

impl<'a> Image<'a> {
    /// The image that `file` is, from its first byte to its last.
    ///
    /// Reads every byte once or twice and allocates nothing.
    ///
    /// # Errors
    /// [`ImageError`], with the field, what was expected and what was found.
    pub fn parse(file: &'a [u8]) -> Result<Self, ImageError> {
        let header = Header::read(file)?;
        let image = Self { file, header };
        let [products, tensors] = header.records_end(RECORD_BYTES, PRODUCT_BYTES)?;
        let mut cursor = Cursor::new(tensors, header.length, file);
        let (mut width, mut first) = (header.inputs, 0);
        for layer in 0..header.layers {
            let record = image.record(layer);
            let offset = products as usize + first as usize * PRODUCT_BYTES;
            let of_products = &file[offset..tensors as usize];
            let shape = LayerShape::decode(layer, record, of_products, first)?;
            shape.check(layer, width)?;
            let places = shape.places(layer, &mut cursor)?;
            shape.check_records(layer, &places, [record_offset(layer), offset], record, of_products)?;
            image.layer(layer).check(layer)?;
            first += shape.kind.sites() as u32;
            width = shape.outputs();
        }
        header.check_products(first)?;
        header.check_outputs(width)?;
        header.check_end(cursor.end())?;
        Ok(image)
    }

    /// The bytes of the image.
    pub fn bytes(&self) -> &'a [u8] {
        self.file
    }

    /// Codes of a frame that goes in.
    pub fn inputs(&self) -> usize {
        self.header.inputs as usize
    }

    /// Codes of a frame that comes out.
    pub fn outputs(&self) -> usize {
        self.header.outputs as usize
    }

    /// Format of the codes that go in.
    pub fn input_format(&self) -> Q16 {
        self.header.input
    }

    /// Format of the codes that come out.
    pub fn output_format(&self) -> Q16 {
        self.header.output
    }

    /// The layers, in the order data meets them. There is at least one.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerView<'a>> + use<'a> {
        let image = *self;
        (0..self.header.layers as usize).map(move |layer| image.layer(layer as u32))
    }

    fn layer(&self, layer: u32) -> LayerView<'a> {
        let record = self.record(layer);
        let products = HEADER_BYTES + self.header.layers as usize * RECORD_BYTES;
        let first = products + first_product(record) as usize * PRODUCT_BYTES;
        LayerView::new(layer, record, self.file, first)
    }

    fn record(&self, layer: u32) -> &'a [u8; RECORD_BYTES] {
        self.file[record_offset(layer)..].first_chunk().expect("records lie within the file")
    }
}

/// Where the record of `layer` begins.
fn record_offset(layer: u32) -> usize {
    HEADER_BYTES + layer as usize * RECORD_BYTES
}

impl fmt::Debug for Image<'_> {
    /// The header, as nobody wants to read the weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("header", &self.header).finish_non_exhaustive()
    }
}
