//! An image that another program wrote, and the codes which that program computed (`golden/image/make.py`).
#![cfg(feature = "std")]

use mohaq_rt::Level;
use mohaq_rt::engine::{Engine, Scratch};
use mohaq_rt::image::{Image, write};
use mohaq_rt::net::Net;
use mohaq_rt::numeric::SaturationCount;
use std::str::FromStr;

const FILE: &[u8] = include_bytes!("../../../golden/image/network.mohaq");
const TEXT: &str = include_str!("../../../golden/image/network.txt");

/// The numbers of the line that begins with `name`.
fn numbers<T: FromStr>(name: &str) -> Vec<T> {
    let line = TEXT.lines().find_map(|line| line.strip_prefix(name)).expect("such a line");
    line.split_whitespace().map(|number| number.parse().ok().expect("a number")).collect()
}

#[test]
fn an_image_of_another_program_is_read_and_written_as_it_is() {
    let image = Image::parse(FILE).expect("a good image");
    assert_eq!((image.inputs(), image.outputs(), image.layers().len()), (5, 5, 16));
    assert_eq!((image.input_format().to_string(), image.output_format().to_string()), ("Q3.12".into(), "Q5.10".into()));
    assert_eq!(write(&image.parameters()).as_deref(), Ok(FILE));
}

#[test]
fn another_program_computes_the_same_codes() {
    let image = Image::parse(FILE).expect("a good image");
    let (codes, starts, expected): (Vec<i16>, Vec<usize>, Vec<i16>) =
        (numbers("inputs"), numbers("starts"), numbers("outputs"));
    let clipped: Vec<u64> = numbers("clipped");
    let net = Net::new(image);
    let mut arena = vec![0; net.run_arena_len(starts[starts.len() - 1])];
    let mut outputs = vec![0; expected.len()];
    let count = net.run(&codes, &starts, &mut arena, &mut outputs).expect("slices of the right length");
    assert_eq!(outputs, expected);
    assert_eq!(count, SaturationCount { clipped: clipped[0], total: clipped[1] });
    for level in Level::available() {
        let engine = Engine::from_image(level, &image).expect("a small network");
        assert_eq!(engine.run(&codes, &starts, &mut Scratch::default()).0, expected, "{}", level.name());
    }
}
