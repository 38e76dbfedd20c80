//! What is written is read, and nothing else is.

use super::networks::{Kind, LayerPlan, Numbers, SitePlan, network, small_network, token_network};
use super::*;
use crate::cell::CellKind;
use crate::parameters::LayerParameters;
use crate::{Bits, Error};
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// Offsets of `small_network`'s records.
const SRU: usize = HEADER_BYTES;
const POINTWISE: usize = HEADER_BYTES + 2 * RECORD_BYTES;
const LINEAR: usize = HEADER_BYTES + 3 * RECORD_BYTES;
/// Of the products: projection and product of the first layer, the second layer's, the matrix.
const PRODUCTS: [usize; 4] = {
    let first = HEADER_BYTES + 4 * RECORD_BYTES;
    [first, first + PRODUCT_BYTES, first + 2 * PRODUCT_BYTES, first + 3 * PRODUCT_BYTES]
};
const TENSORS: usize = PRODUCTS[3] + PRODUCT_BYTES;

/// The message about the small network after `change`, with a checksum that fits.
fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut file = write(&small_network()).expect("a good network");
    change(&mut file);
    seal(&mut file);
    Image::parse(&file).expect_err("a changed file").to_string()
}

fn with(bytes: impl AsRef<[u8]>, at: usize) -> String {
    refusal(|file| file[at..][..bytes.as_ref().len()].copy_from_slice(bytes.as_ref()))
}

fn offset_at(file: &[u8], at: usize) -> usize {
    let bytes: [u8; 4] = file[at..][..4].try_into().expect("4 bytes");
    u32::from_le_bytes(bytes) as usize
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 128 }))]

    #[test]
    fn every_network_survives_a_round_trip(network in network(2)) {
        let file = write(&network).expect("a good network");
        let image = Image::parse(&file).expect("our own");
        prop_assert_eq!(image.parameters(), network);
        prop_assert_eq!(write(&image.parameters()).expect("a good network"), file);
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_are_an_image(at in 0_usize..2000, value: u8, other in 0_usize..2000, cut in 0_usize..8) {
        let mut file = write(&small_network()).expect("a good network");
        let length = file.len();
        file[at % length] = value;
        file[other % length] ^= 1 << cut;
        file.truncate(length - cut / 7);
        seal(&mut file);
        if let Ok(image) = Image::parse(&file) {
            prop_assert_eq!(write(&image.parameters()).expect("a good network"), file);
        }
    }
}

#[test]
fn an_image_tells_what_it_holds() {
    let file = write(&small_network()).expect("a good network");
    let image = Image::parse(&file).expect("our own");
    assert_eq!((image.inputs(), image.outputs(), image.layers().len()), (4, 5, 4));
    let widths: Vec<[usize; 2]> = image.layers().map(|layer| [layer.inputs(), layer.outputs()]).collect();
    assert_eq!(widths, [[4, 6], [6, 6], [6, 6], [6, 5]]);
    assert_eq!(image.bytes(), file);
}

#[test]
fn tensors_are_aligned_and_the_rest_is_zero() {
    let file = write(&small_network()).expect("a good network");
    for at in [SRU + 20, PRODUCTS[1] + 16, PRODUCTS[1] + 20, PRODUCTS[0] + 28, PRODUCTS[3] + 16] {
        let offset = offset_at(&file, at);
        assert!(offset >= TENSORS && offset.is_multiple_of(64), "{offset}");
    }
    assert!(file[TENSORS..offset_at(&file, SRU + 20)].iter().all(|&byte| byte == 0));
}

#[test]
fn every_cut_is_refused() {
    let file = write(&small_network()).expect("a good network");
    for length in (0..file.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
        let error = Image::parse(&file[..length]).expect_err("a part of a file");
        let expected = match length {
            0..HEADER_BYTES => ImageError::Short { got: length },
            _ => ImageError::Length { expected: file.len() as u32, got: length },
        };
        assert_eq!(error, expected);
    }
    let longer = [file.as_slice(), &[0]].concat();
    let expected = ImageError::Length { expected: file.len() as u32, got: longer.len() };
    assert_eq!(Image::parse(&longer).err(), Some(expected));
}

#[test]
fn every_flipped_bit_is_found() {
    let mut file = write(&small_network()).expect("a good network");
    for bit in (0..8 * file.len()).step_by(if cfg!(miri) { 1009 } else { 1 }) {
        file[bit / 8] ^= 1 << (bit % 8);
        let error = Image::parse(&file).expect_err("a damaged file");
        match bit / 8 {
            0..8 => assert!(matches!(error, ImageError::Magic { .. })),
            8..12 => assert!(matches!(error, ImageError::Newer { .. } | ImageError::Older { .. })),
            16..20 => assert!(matches!(error, ImageError::Length { .. })),
            _ => assert!(matches!(error, ImageError::Checksum { .. }), "bit {bit}: {error}"),
        }
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_newer_version_is_named_whatever_else_is_in_the_file() {
    let mut file = vec![0xff; 70];
    file[..8].copy_from_slice(&MAGIC);
    file[8..12].copy_from_slice(&3_u32.to_le_bytes());
    let message = Image::parse(&file).expect_err("a newer file").to_string();
    assert_eq!(message, "image was written by a newer mohaq: version 3, this one reads up to 2");
    file[8..12].fill(0);
    let message = Image::parse(&file).expect_err("no such version").to_string();
    assert_eq!(message, "image was written by an older mohaq: version 0, this one reads 2");
}

#[test]
fn every_number_of_the_header_is_checked() {
    let max = u32::MAX.to_le_bytes();
    assert_eq!(with([0; 4], 20), "image, header: number of layers is 0, expected 1 to 4294967295");
    assert!(with(max, 20).starts_with("image, header: number of layers is 4294967295, expected 0 to "));
    assert!(with([5], 20).starts_with("image, layer 0"), "products are not where they were");
    assert!(with([3], 20).starts_with("image, layer 0"), "nor here");
    assert_eq!(with([3], 24), "image, layer 0: inputs is 4, expected 3");
    assert_eq!(with([0], 24), "image, header: inputs is 0, expected 1 to 4294967295");
    assert_eq!(with([6], 28), "image, header: outputs is 6, expected 5");
    assert_eq!(with([16], 32), "image, header: fraction of the inputs is 16, expected 0 to 15");
    assert_eq!(with([255], 33), "image, header: fraction of the outputs is 255, expected 0 to 15");
    assert!(with(max, 36).starts_with("image, header: number of products is 4294967295, expected 0 to "));
    assert!(with([3], 36).starts_with("image, layer 0: padding at byte "), "tensors are not where they were");
    assert_eq!(with([1], 63), "image, header: padding at byte 63 is not zero");
}

#[test]
fn every_number_of_a_record_is_checked() {
    let max = u32::MAX.to_le_bytes();
    assert_eq!(with([8], SRU), "image, layer 0: kind is 8, expected 1 to 7");
    assert_eq!(with([1], SRU + 1), "image, layer 0: function is 1, expected 0");
    assert_eq!(with([3], SRU + 2), "image, layer 0: number of directions is 3, expected 1 to 2");
    assert_eq!(with([3], SRU + 3), "image, layer 0: kind of highway is 3, expected 0 to 2");
    assert_eq!(with([2], SRU + 3), "image, layer 0: outputs is 6, expected 4");
    assert_eq!(with([2], SRU + 4), "image, layer 0: number of projections is 2, expected 0 to 1");
    assert_eq!(with([0], SRU + 4), "image, layer 0, product 0: columns is 2, expected 24");
    assert_eq!(with([2], SRU + 5), "image, layer 0: number of products apart is 2, expected 0 to 1");
    assert_eq!(with([15], SRU + 6), "image, layer 0: shift of the gates is 15, expected 0 to 14");
    assert_eq!(with([99], SRU + 7), "image, layer 0: shift of the hidden output is 99, expected 0 to 14");
    assert_eq!(with([1], SRU + 26), "image, layer 0: shift of the highway's factor is 1, expected 0");
    assert_eq!(
        with([31], SRU + RECORD_BYTES + 26),
        "image, layer 1: shift of the highway's factor is 31, expected 0 to 30"
    );
    assert_eq!(with([5], SRU + 8), "image, layer 0: inputs is 5, expected 4");
    assert_eq!(with([5], SRU + 12), "image, layer 0: outputs is 5, expected 6");
    assert_eq!(with([0], SRU + 16), "image, layer 0: hidden units is 0, expected 1 to 2147483647");
    assert_eq!(with(max, SRU + 16), "image, layer 0: hidden units is 4294967295, expected 1 to 2147483647");
    assert!(with([7], SRU + 20).starts_with("image, layer 0: offset of the vectors is "));
    assert_eq!(with([1], SRU + 28), "image, layer 0: number of peepholes is 1, expected 0");
    assert_eq!(with([2], SRU + 31), "image, layer 0: number of normalisations is 2, expected 0 to 1");
    assert_eq!(with([1], SRU + 32), "image, layer 0: kernel is 1, expected 0");
    assert_eq!(with([1], SRU + 48), "image, layer 0: first product is 1, expected 0");
    assert_eq!(with([1], SRU + 52), "image, layer 0: padding at byte 116 is not zero");
    assert_eq!(with([4], POINTWISE + 1), "image, layer 2: function is 4, expected 1 to 3");
    assert_eq!(with([7], POINTWISE + 8), "image, layer 2: inputs is 7, expected 6");
    assert_eq!(with([7], POINTWISE + 12), "image, layer 2: outputs is 7, expected 6");
    assert_eq!(with([1], LINEAR + 2), "image, layer 3: number of directions is 1, expected 0");
}

/// The message about `network` after a byte of its first record was changed.
fn record_refusal(network: &ImageParameters, at: usize, value: u8) -> String {
    let mut file = write(network).expect("a good network");
    file[HEADER_BYTES + at] = value;
    seal(&mut file);
    Image::parse(&file).expect_err("a changed file").to_string()
}

#[test]
fn every_number_of_other_layers_is_checked() {
    let site = SitePlan { weight: Bits::Four, activation: Bits::Eight, biased: true, by_column: false };
    let network = |kind| {
        let plan = LayerPlan { kind, size: 3, site, projection: None, split: false };
        Numbers(1).network(4, &[plan])
    };
    let lstm = network(Kind::Recurrent(CellKind::Lstm, 1, 1, true));
    for (at, value, message) in [
        (1, 11, "function is 11, expected 1 to 10"),
        (2, 0, "number of directions is 0, expected 1 to 2"),
        (27, 15, "fraction of the state is 15, expected 0 to 14"),
        (28, 2, "number of peepholes is 2, expected 0 to 1"),
        (29, 19, "shift of the peepholes is 19, expected 0 to 18"),
        (30, 3, "window is 3, expected 1 to 2"),
    ] {
        assert_eq!(record_refusal(&lstm, at, value), format!("image, layer 0: {message}"));
    }
    assert_eq!(record_refusal(&lstm, 1, 5), "image, layer 0: number of peepholes is 1, expected 0 to 0");
    assert_eq!(record_refusal(&lstm, 5, 1), "image, layer 0: number of products is 2, expected 8");
    assert_eq!(record_refusal(&lstm, 30, 2), "image, layer 0, product 0: inputs is 4, expected 8");
    let rnn = network(Kind::Recurrent(CellKind::RnnTanh, 1, 1, false));
    assert_eq!(record_refusal(&rnn, 5, 1), "image, layer 0: number of products apart is 1, expected 0 to 0");
    let conv = network(Kind::Conv1d(3, 2, [1, 1]));
    for (at, value, message) in [
        (32, 0, "kernel is 0, expected 1 to 32767"),
        (34, 0, "stride is 0, expected 1 to 32767"),
        (36, 3, "padding in front is 3, expected 0 to 2"),
        (38, 2, "padding behind is 2, expected 0 to 1"),
    ] {
        assert_eq!(record_refusal(&conv, at, value), format!("image, layer 0: {message}"));
    }
    let norm = network(Kind::Norm);
    assert_eq!(record_refusal(&norm, 44, 27), "image, layer 0: shift of the gain is 27, expected 0 to 26");
    let table = token_network(5, 1, &[]);
    assert_eq!(record_refusal(&table, 8, 2), "image, layer 0: inputs is 2, expected 1");
}

#[test]
fn every_number_of_a_product_is_checked() {
    let (max, at) = (u32::MAX.to_le_bytes(), PRODUCTS[3]);
    let place = "image, layer 3, product 0";
    assert_eq!(with([3], at), format!("{place}: width of the weights is 3, expected 2, 4, 8 or 16"));
    assert_eq!(with([0], at + 1), format!("{place}: width of the inputs is 0, expected 2, 4, 8 or 16"));
    assert_eq!(with([54], at + 2), format!("{place}: shift of the input requantizer is 54, expected 0 to 53"));
    assert_eq!(with([9], at + 3), format!("{place}: padding at byte {} is not zero", at + 3));
    let multiplier = format!("{place}: multiplier of the input requantizer is -1, expected 2097152 to 4194303");
    assert_eq!(with(max, at + 4), multiplier);
    assert_eq!(with([5], at + 8), format!("{place}: inputs is 5, expected 6"));
    assert_eq!(with([0; 4], at + 12), format!("{place}: columns is 0, expected 1 to 4294967295"));
    assert!(with(max, at + 12).starts_with(&format!("{place}: end of the weights is ")));
    assert!(with([1], at + 16).starts_with(&format!("{place}: offset of the weights is ")));
    assert!(with([1], at + 20).starts_with(&format!("{place}: offset of the requantizers is ")));
    assert_eq!(with([2], at + 24), format!("{place}: number of requantizers is 2, expected 1 or 5"));
    assert!(with([1], at + 28).starts_with(&format!("{place}: offset of the biases is ")));
    assert!(with([0; 4], at + 28).starts_with("image, header: length is "), "bytes that belong to nothing");
    assert_eq!(with([8], PRODUCTS[0] + 12), "image, layer 0, product 1: inputs is 2, expected 8");
}

#[test]
fn every_tensor_is_checked() {
    let file = write(&small_network()).expect("a good network");
    let [weights, requantizers] = [16, 20].map(|at| offset_at(&file, PRODUCTS[0] + at));
    let place = "image, layer 0, product 0";
    // Two rows of four 4 bit codes, each padded to four bytes.
    assert_eq!(with([1], weights + 7), format!("{place}: padding at byte {} is not zero", weights + 7));
    assert_eq!(with([1], weights + 8), format!("{place}: padding at byte {} is not zero", weights + 8));
    let multiplier = format!("{place}: multiplier of requantizer 0 is 1, expected 2097152 to 4194303");
    assert_eq!(with(1_u32.to_le_bytes(), requantizers), multiplier);
    assert_eq!(with([54], requantizers + 4), format!("{place}: shift of requantizer 0 is 54, expected 0 to 53"));
    let length = file.len();
    let message = refusal(|file| file.resize(length + 64, 0));
    assert_eq!(message, format!("image, header: length is {}, expected {length}", length + 64));
    let message = refusal(|file| file.truncate(length - 1));
    assert_eq!(
        message,
        format!("image, layer 3, product 0: end of the biases is {length}, expected 0 to {}", length - 1)
    );
}

#[test]
fn networks_that_cannot_be_read_are_not_written() {
    let refused = |change: fn(&mut ImageParameters)| {
        let mut network = small_network();
        change(&mut network);
        write(&network).expect_err("a bad network").to_string()
    };
    fn first_linear(network: &mut ImageParameters) -> &mut crate::parameters::SiteParameters<Vec<i16>> {
        let site = network.layers.iter_mut().find_map(|layer| match layer {
            LayerParameters::Linear(site) => Some(site),
            _ => None,
        });
        site.expect("a linear layer")
    }
    assert_eq!(refused(|network| network.inputs = 7), "image, layer 0, product 0: inputs is 4, expected 7");
    assert_eq!(
        refused(|network| network.layers.clear()),
        "image, header: number of layers is 0, expected 1 to 4294967295"
    );
    assert_eq!(
        refused(|network| _ = first_linear(network).weights.pop()),
        "weights of a product has length 29, expected 30"
    );
    assert!(refused(|network| first_linear(network).weight = Bits::Two).ends_with(", expected -2 to 1 for 2 bits"));
    assert_eq!(
        refused(|network| _ = first_linear(network).biases.pop()),
        "biases of a product has length 4, expected 5"
    );
    assert_eq!(
        refused(|network| first_linear(network).outputs.clear()),
        "image, layer 3, product 0: number of requantizers is 0, expected 1 or 5"
    );
    let vectors = refused(|network| match &mut network.layers[0] {
        LayerParameters::Sru(sru) => sru.directions = 257,
        _ => unreachable!("the small network begins with a recurrent layer"),
    });
    assert_eq!(vectors, "vectors of a recurrent layer has length 12, expected 1542");
}

#[test]
fn cells_have_the_shifts_that_formats_can_give() {
    use crate::cell::SruCell;
    let format = |fraction| Q16::new(fraction).expect("below 16");
    let largest = SruCell::new(format(11), format(14), format(0)).expect("formats that go together");
    assert_eq!((largest.gate_shift, largest.hidden_shift), (14, 14), "the largest that an image may have");
    assert!(SruCell::new(format(12), format(14), format(0)).is_err());
    assert!(matches!(Image::parse(&[]).map_err(Error::from), Err(Error::Image(ImageError::Short { got: 0 }))));
}
