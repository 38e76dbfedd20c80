//! Writing an image.

use super::cursor::Cursor;
use super::header::{Header, seal};
use super::parameters::{ImageParameters, sixteen_bit, transposed};
use super::record::{LayerPlaces, LayerShape, RECORD_BYTES, REQUANTIZER_BYTES, SitePlaces, SiteShape, SruShape};
use super::{HEADER_BYTES, Image};
use crate::Error;
use crate::parameters::{LayerParameters, SiteParameters, SruParameters};
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
    let records = narrow("records", network.layers.len().saturating_mul(RECORD_BYTES).saturating_add(HEADER_BYTES))?;
    let (mut cursor, mut outputs) = (Cursor::new(records, u32::MAX, &[]), inputs);
    let mut placed = Vec::with_capacity(network.layers.len());
    for (layer, parameters) in (0..layers).zip(&network.layers) {
        let shape = layer_shape(parameters, outputs)?;
        shape.check(layer, outputs)?;
        placed.push((shape, shape.places(layer, &mut cursor)?));
        outputs = shape.outputs();
    }
    let header = Header { length: cursor.end(), layers, inputs, outputs, input: network.input, output: network.output };
    let mut file = vec![0; header.length as usize];
    put(&mut file, 0, &header.encode(0));
    for (layer, (parameters, (shape, places))) in network.layers.iter().zip(&placed).enumerate() {
        put(&mut file, (HEADER_BYTES + layer * RECORD_BYTES) as u32, &shape.encode(places));
        write_tensors(&mut file, parameters, shape, places)?;
    }
    seal(&mut file);
    Image::parse(&file)?;
    Ok(file)
}

fn layer_shape(layer: &LayerParameters<Vec<i16>>, arriving: u32) -> Result<LayerShape, Error> {
    Ok(match layer {
        LayerParameters::Sru(sru) => LayerShape::Sru(sru_shape(sru)?),
        LayerParameters::Linear(site) => LayerShape::Linear(site_shape(site)?),
        LayerParameters::Pointwise(function) => LayerShape::Pointwise(*function, arriving),
    })
}

fn sru_shape(sru: &SruParameters<Vec<i16>>) -> Result<SruShape, Error> {
    length("vectors of a recurrent layer", sru.directions.saturating_mul(sru.hidden).saturating_mul(2), &sru.vectors)?;
    Ok(SruShape {
        hidden: narrow("hidden units", sru.hidden)?,
        directions: narrow("directions", sru.directions)?,
        cell: sru.cell,
        highway: sru.highway,
        projection: sru.projection.as_ref().map(site_shape).transpose()?,
        site: site_shape(&sru.site)?,
    })
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

fn write_tensors(
    file: &mut [u8],
    layer: &LayerParameters<Vec<i16>>,
    shape: &LayerShape,
    places: &LayerPlaces,
) -> Result<(), Error> {
    match (layer, shape) {
        (LayerParameters::Sru(sru), LayerShape::Sru(shape)) => {
            put(file, places.vectors, &sixteen_bit(&sru.vectors)?);
            if let (Some(projection), Some(shape)) = (&sru.projection, &shape.projection) {
                write_site(file, projection, shape, &places.projection)?;
            }
            write_site(file, &sru.site, &shape.site, &places.product)
        }
        (LayerParameters::Linear(site), LayerShape::Linear(shape)) => write_site(file, site, shape, &places.product),
        _ => Ok(()),
    }
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
