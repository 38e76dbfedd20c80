//! `.npz`: shapes and numbers of numbers agree in whatever is accepted.
//!
//! The input is tried as an archive and as the one array in an archive, past the archive's checksums.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::CompressionMethod::Stored;
use zip::write::{SimpleFileOptions, ZipWriter};

fn check(archive: &[u8]) {
    for (_, array) in mohaq_speech::container::decode_npz(archive, Path::new("fuzz")).unwrap_or_default() {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
    }
}

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a.npy", SimpleFileOptions::default().compression_method(Stored)).expect("memory");
    archive.write_all(b"\x93NUMPY").and_then(|()| archive.write_all(data)).expect("memory");
    check(archive.finish().expect("memory").get_ref());
});
