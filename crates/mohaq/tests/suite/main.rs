//! The suite: cases as data, run by every engine.
//!
//! What is expected was computed by a program in Python that follows the book's chapter "Numerics" and not this code
//! (`suite/make.py`). Integers are compared with `==`; floats within bounds that say where they come from.

mod case;
mod coverage;
mod devices;
mod engines;
mod exported;
mod onnx;

use case::{Case, Clipped, Expected, Result};
use engines::{Prepared, Shipped, fake_agrees, fake_distance, float_agrees, same_codes, same_saturations};

/// Runs `check` on every case and spec and lists all that fail.
fn for_every_spec(check: impl Fn(&Case, &Expected) -> Result<()>) {
    let cases = case::all();
    let pairs = cases.iter().flat_map(|case| case.expected.iter().map(move |expected| (case, expected)));
    let failures: Vec<String> = pairs.filter_map(|(case, expected)| check(case, expected).err()).collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_float_network_follows_its_equations() {
    let failures: Vec<String> = case::all().iter().filter_map(|case| float_agrees(case, &case.outputs).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_fake_quantized_network_is_as_near_to_the_integers_as_interval_arithmetic_says() {
    for_every_spec(fake_agrees);
}

#[test]
fn every_level_computes_the_codes_of_the_book_for_whole_batches() {
    for_every_spec(|case, expected| {
        Prepared::every_level(case, expected)?
            .iter()
            .try_for_each(|engine| same_codes(case, expected, engine.name(), &engine.batch(case).0))
    });
}

#[test]
fn every_level_computes_the_codes_of_the_book_sequence_by_sequence() {
    for_every_spec(|case, expected| {
        Prepared::every_level(case, expected)?
            .iter()
            .try_for_each(|engine| same_codes(case, expected, engine.name(), &engine.sequences(case).0))
    });
}

#[test]
fn every_level_computes_the_codes_of_the_book_frame_by_frame() {
    for_every_spec(|case, expected| {
        for engine in Prepared::every_level(case, expected)? {
            match engine.frames(case) {
                Some(codes) => same_codes(case, expected, engine.name(), &codes)?,
                None if case.needs_frames_ahead() => {}
                None => return Err(format!("{}: no stream, but no layer needs frames ahead", case.place(expected))),
            }
        }
        Ok(())
    });
}

#[test]
fn saturations_are_those_of_the_book_at_every_level() {
    for_every_spec(|case, expected| {
        let engines = Prepared::every_level(case, expected)?;
        let (_, scalar) = engines[0].batch(case);
        for engine in &engines {
            let (_, counts) = engine.batch(case);
            same_saturations(case, expected, engine.name(), &counts)?;
            // `total` too: clipped codes alone are in the case.
            if counts != scalar || engine.sequences(case).1 != scalar {
                return Err(format!("{}: {} counts other than scalar", case.place(expected), engine.name()));
            }
        }
        Ok(())
    });
}

#[test]
fn images_compute_the_codes_of_the_book_and_count_its_saturations() {
    for_every_spec(|case, expected| {
        let want: u64 = expected.clipped.iter().map(Clipped::total).sum();
        let agrees = |engine: &str, (codes, clipped): (Vec<i16>, u64)| {
            same_codes(case, expected, engine, &codes)?;
            let wrong = || format!("{}, {engine}: {clipped} codes clip, expected {want}", case.place(expected));
            (clipped == want).then_some(()).ok_or_else(wrong)
        };
        let image = Shipped::new(case, expected)?;
        agrees("image", image.batch(case))?;
        match image.frames(case) {
            Some(stream) => agrees("image, frame by frame", stream),
            None if case.needs_frames_ahead() => Ok(()),
            None => Err(format!("{}: no stream, but no layer needs frames ahead", case.place(expected))),
        }
    });
}

#[test]
fn the_comparers_notice_a_single_wrong_code() {
    for case in case::all() {
        let expected = &case.expected[0];
        let engine = &Prepared::every_level(&case, expected).expect("engines")[0];
        let (codes, counts) = engine.batch(&case);
        for index in [0, codes.len() / 2, codes.len() - 1] {
            let mut changed = expected.clone();
            changed.codes[index] ^= 1;
            assert!(same_codes(&case, &changed, "scalar", &codes).is_err(), "{} {index}", case.name);
        }
        assert!(same_codes(&case, expected, "scalar", &codes[1..]).is_err(), "{}", case.name);
        for layer in 0..counts.len() {
            for counter in 0..expected.clipped[layer].clone().counters_mut().count() {
                let mut changed = expected.clone();
                *changed.clipped[layer].counters_mut().nth(counter).expect("one of them") += 1;
                let place = format!("{}, layer {layer}, counter {counter}", case.name);
                assert!(same_saturations(&case, &changed, "scalar", &counts).is_err(), "{place}");
            }
        }
    }
}

#[test]
fn the_comparers_of_floats_notice_what_is_beyond_their_bounds() {
    for case in case::all() {
        let largest = case.outputs.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        for wrong in [3e-4 * largest, f32::NAN] {
            let mut outputs = case.outputs.clone();
            outputs[0] += wrong;
            assert!(float_agrees(&case, &outputs).is_err(), "{}: {wrong}", case.name);
        }
        for expected in &case.expected {
            let distance = fake_distance(&case, expected).expect("a distance");
            let mut narrow = expected.clone();
            // Just below what is measured.
            narrow.fake_steps = distance - 1e-3;
            assert!(fake_agrees(&case, &narrow).is_err(), "{}", case.place(expected));
        }
    }
}

#[test]
fn a_case_without_tensors_tensors_without_a_case_and_an_empty_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(case::names(folder.path()).expect_err("nothing there").contains("no cases"));
    for ending in ["toml", "safetensors"] {
        let path = folder.path().join(format!("half.{ending}"));
        std::fs::write(&path, "").expect("written");
        assert!(case::names(folder.path()).expect_err("half a case").contains("`half`"), "{ending}");
        std::fs::remove_file(path).expect("removed");
    }
    assert!(case::names(&folder.path().join("none")).is_err());
}
