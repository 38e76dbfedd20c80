//! Writing an image.

use super::cursor::Cursor;
use super::header::{Header, seal};
use super::parameters::{ImageParameters, sixteen_bit, transposed};
use super::product::{PRODUCT_BYTES, REQUANTIZER_BYTES, SitePlaces, SiteShape};
use super::record::{ConvShape, KindShape, LayerShape, MAX_SITES, RECORD_BYTES, RecurrentShape, SruShape};
use super::{HEADER_BYTES, Image};
use crate::Error;
use crate::parameters::{LayerParameters, RecurrentParameters, SiteParameters, SruParameters};
use alloc::vec;
use alloc::vec::Vec;

type Site = SiteParameters<Vec<i16>>;

/// The bytes of an image of `network`.
///
/// # Errors
/// [`Error::Length`] for a tensor that has not the length its layer asks for, [`Error::Code`] for a weight that its width
/// does not hold, and [`Error::Image`] for whatever [`Image::parse`] would refuse: layers that do not fit each other, a
/// network without layers, a file of 4 GiB.
pub fn write(network: &ImageParameters) -> Result<Vec<u8>, Error> {
    let inputs = narrow("inputs", network.inputs)?;
    let layers = narrow("layers", network.layers.len())?;
    let products: usize = network.layers.iter().map(|layer| layer.sites().len()).sum();
    let layer_records = network.layers.len().saturating_mul(RECORD_BYTES).saturating_add(HEADER_BYTES);
    let records = layer_records.saturating_add(products.saturating_mul(PRODUCT_BYTES));
    let (mut cursor, mut outputs) = (Cursor::new(narrow("records", records)?, u32::MAX, &[]), inputs);
    let (mut placed, mut first) = (Vec::with_capacity(network.layers.len()), 0);
    for (layer, parameters) in (0..layers).zip(&network.layers) {
        let shape = layer_shape(parameters, outputs, first)?;
        shape.check(layer, outputs)?;
        placed.push((shape, shape.places(layer, &mut cursor)?));
        first += shape.kind.sites() as u32;
        outputs = shape.outputs();
    }
    let (length, input, output) = (cursor.end(), network.input, network.output);
    let header = Header { length, layers, products: first, inputs, outputs, input, output };
    let mut file = vec![0; header.length as usize];
    put(&mut file, 0, &header.encode(0));
    for (layer, (parameters, (shape, places))) in network.layers.iter().zip(&placed).enumerate() {
        put(&mut file, (HEADER_BYTES + layer * RECORD_BYTES) as u32, &shape.encode(places));
        let products = layer_records + shape.first_product as usize * PRODUCT_BYTES;
        let sites = shape.sites.iter().flatten().zip(&places.sites).zip(parameters.sites());
        for (index, ((shape, places), site)) in sites.enumerate() {
            put(&mut file, (products + index * PRODUCT_BYTES) as u32, &shape.encode(places));
            write_site(&mut file, site, shape, places)?;
        }
        let vectors = vectors_of(parameters);
        if !vectors.is_empty() {
            put(&mut file, places.vectors, &sixteen_bit(&vectors)?);
        }
    }
    seal(&mut file);
    Image::parse(&file)?;
    Ok(file)
}

/// The shape of a layer; the numbers in it are not yet checked against each other.
fn layer_shape(layer: &LayerParameters<Vec<i16>>, inputs: u32, first_product: u32) -> Result<LayerShape, Error> {
    let kind = match layer {
        LayerParameters::Sru(sru) => KindShape::Sru(sru_shape(sru, inputs)?),
        LayerParameters::Recurrent(recurrent) => KindShape::Recurrent(recurrent_shape(recurrent)?),
        LayerParameters::Linear(_) => KindShape::Linear,
        LayerParameters::Conv1d(conv) => KindShape::Conv1d(ConvShape {
            kernel: narrow("kernel", conv.kernel)?,
            stride: narrow("stride", conv.stride)?,
            padding: [narrow("padding", conv.padding[0])?, narrow("padding", conv.padding[1])?],
        }),
        LayerParameters::Embedding(_) => KindShape::Embedding,
        LayerParameters::Norm(norm) => {
            length("gain of a normalisation", inputs as usize, &norm.gain)?;
            length("bias of a normalisation", inputs as usize, &norm.bias)?;
            KindShape::Norm(norm.norm)
        }
        LayerParameters::Pointwise(function) => KindShape::Pointwise(*function),
    };
    let given = layer.sites();
    if given.len() != kind.sites() {
        return Err(Error::Length { what: "products of a layer", expected: kind.sites(), got: given.len() });
    }
    let mut sites = [None; MAX_SITES];
    for (shape, site) in sites.iter_mut().zip(given) {
        *shape = Some(site_shape(site)?);
    }
    Ok(LayerShape { kind, inputs, sites, first_product })
}

fn sru_shape(sru: &SruParameters<Vec<i16>>, inputs: u32) -> Result<SruShape, Error> {
    length("vectors of a recurrent layer", sru.directions.saturating_mul(sru.hidden).saturating_mul(2), &sru.vectors)?;
    if let Some(norm) = &sru.norm {
        length("gain of a normalisation", inputs as usize, &norm.gain)?;
        length("bias of a normalisation", inputs as usize, &norm.bias)?;
    }
    Ok(SruShape {
        hidden: narrow("hidden units", sru.hidden)?,
        directions: narrow("directions", sru.directions)?,
        cell: sru.cell,
        highway: sru.highway,
        norm: sru.norm.as_ref().map(|norm| norm.norm),
        projected: sru.projection.is_some(),
        split: sru.sites.len() > 1,
    })
}

fn recurrent_shape(recurrent: &RecurrentParameters<Vec<i16>>) -> Result<RecurrentShape, Error> {
    let units = recurrent.directions.saturating_mul(recurrent.hidden);
    let peepholes = recurrent.cell.peephole_shift().map_or(0, |_| recurrent.cell.kind().peepholes());
    length("peepholes of a recurrent layer", units.saturating_mul(peepholes), &recurrent.peepholes)?;
    Ok(RecurrentShape {
        hidden: narrow("hidden units", recurrent.hidden)?,
        directions: narrow("directions", recurrent.directions)?,
        cell: recurrent.cell,
        window: narrow("window", recurrent.window)?,
        projected: recurrent.projection.is_some(),
        split: recurrent.input.len() > 1,
    })
}

fn vectors_of(layer: &LayerParameters<Vec<i16>>) -> Vec<i16> {
    match layer {
        LayerParameters::Sru(sru) => {
            let norm = sru.norm.iter().flat_map(|norm| norm.gain.iter().chain(&norm.bias));
            sru.vectors.iter().chain(norm).copied().collect()
        }
        LayerParameters::Recurrent(recurrent) => recurrent.peepholes.clone(),
        LayerParameters::Norm(norm) => [norm.gain.as_slice(), &norm.bias].concat(),
        _ => Vec::new(),
    }
}

fn site_shape(site: &Site) -> Result<SiteShape, Error> {
    length("weights of a product", site.inputs.saturating_mul(site.columns), &site.weights)?;
    if !site.biases.is_empty() {
        length("biases of a product", site.columns, &site.biases)?;
    }
    Ok(SiteShape {
        inputs: narrow("inputs of a product", site.inputs)?,
        columns: narrow("columns of a product", site.columns)?,
        weight: site.weight,
        activation: site.activation,
        input: site.input,
        requantizers: narrow("requantizers of a product", site.outputs.len())?,
        biased: !site.biases.is_empty(),
    })
}

fn write_site(file: &mut [u8], site: &Site, shape: &SiteShape, places: &SitePlaces) -> Result<(), Error> {
    let layout = shape.layout()?;
    let weights = &mut file[places.weights as usize..][..layout.bytes()];
    layout.pack(&transposed(&site.weights, site.columns), weights)?;
    for (index, requantizer) in site.outputs.iter().enumerate() {
        let (multiplier, shift) = (requantizer.multiplier().to_le_bytes(), requantizer.shift().to_le_bytes());
        let stored = &mut file[places.requantizers as usize + index * REQUANTIZER_BYTES..][..REQUANTIZER_BYTES];
        stored.copy_from_slice([multiplier, shift].as_flattened());
    }
    if shape.biased {
        put(file, places.biases, &sixteen_bit(&site.biases)?);
    }
    Ok(())
}

fn put(file: &mut [u8], offset: u32, bytes: &[u8]) {
    file[offset as usize..][..bytes.len()].copy_from_slice(bytes);
}

fn length(what: &'static str, expected: usize, tensor: &[i16]) -> Result<(), Error> {
    if tensor.len() == expected { Ok(()) } else { Err(Error::Length { what, expected, got: tensor.len() }) }
}

/// `number` as the 32 bits that the file has for it.
fn narrow(what: &'static str, number: usize) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Length { what, expected: u32::MAX as usize, got: number })
}
