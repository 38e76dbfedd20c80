//! One `.npy` array: a header that is a Python dictionary, then the numbers.
//!
//! Read by hand: of a header only three plain entries matter, and a parser of Python literals (which the crate `npyz`
//! brings) recurses as deep as the file tells it to.
//!
//! Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".

use super::array::{Array, Number, Values};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read; NumPy's own reader refuses above 10,000 bytes.
const LONGEST_HEADER: usize = 10_000;

/// The array in `bytes`, or why it is not read.
pub(super) fn decode(bytes: &[u8]) -> Result<Array, String> {
    let (header, data) = split(bytes)?;
    let (number, big_endian) = number(entry(header, "descr")?)?;
    let fortran = match entry(header, "fortran_order")? {
        text if text.starts_with("True") => true,
        text if text.starts_with("False") => false,
        _ => return Err("`fortran_order` is neither True nor False".into()),
    };
    let shape = shape(entry(header, "shape")?)?;
    let expected = shape
        .iter()
        .try_fold(number.bytes(), |product, &length| product.checked_mul(length))
        .ok_or_else(|| format!("shape {shape:?} is too large"))?;
    if data.len() != expected {
        return Err(format!("has {} bytes of numbers, expected {expected} for shape {shape:?}", data.len()));
    }
    let values = if big_endian {
        let swapped: Vec<u8> =
            data.chunks_exact(number.bytes()).flat_map(|value| value.iter().rev().copied()).collect();
        number.decode(&swapped)
    } else {
        number.decode(data)
    };
    let values = values.ok_or("has an integer above 2⁶³ − 1")?;
    let values = if fortran { row_major(values, &shape)? } else { values };
    Ok(Array { shape, values })
}

/// The header's text and the bytes after it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("is not an .npy array")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [version, ..] => return Err(format!("is of .npy version {version}, expected 1, 2 or 3")),
        [] => return Err("ends in its header".into()),
    };
    if length > LONGEST_HEADER {
        return Err(format!("has a header of {length} bytes, expected at most {LONGEST_HEADER}"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or("ends in its header")?;
    let header = std::str::from_utf8(header).map_err(|_| "has a header that is not text")?;
    Ok((header, data))
}

/// What follows `'name':` in the header.
fn entry<'a>(header: &'a str, name: &str) -> Result<&'a str, String> {
    let key = format!("'{name}':");
    let at = header.find(&key).ok_or_else(|| format!("has no `{name}` in its header"))?;
    Ok(header[at + key.len()..].trim_start())
}

/// Type and whether it is big endian, from `'<f4', …`.
fn number(text: &str) -> Result<(Number, bool), String> {
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let Some((descr, _)) = quoted else { return Err("holds records, expected plain numbers".into()) };
    let (order, kind) = match descr.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), ..] => (*order, &descr[1..]),
        _ => (b'=', descr),
    };
    let number = match kind {
        "f4" => Number::F32,
        "f8" => Number::F64,
        "i1" => Number::I8,
        "i2" => Number::I16,
        "i4" => Number::I32,
        "i8" => Number::I64,
        "u1" => Number::U8,
        "u2" => Number::U16,
        "u4" => Number::U32,
        "u8" => Number::U64,
        _ => return Err(format!("has type `{descr}`, expected f4, f8, i1 to i8 or u1 to u8")),
    };
    Ok((number, order == b'>'))
}

/// `(3, 4), …`.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let malformed = || "has a shape that is not a tuple of lengths".to_owned();
    let (inside, _) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(malformed)?;
    let lengths = inside.split(',').map(str::trim).filter(|length| !length.is_empty());
    lengths.map(|length| length.parse().map_err(|_| malformed())).collect()
}

/// Fortran order to C order, for up to two dimensions.
fn row_major(values: Values, shape: &[usize]) -> Result<Values, String> {
    let &[rows, columns] = shape else {
        return if shape.len() < 2 {
            Ok(values)
        } else {
            Err(format!("is in Fortran order with {} dimensions, expected at most 2", shape.len()))
        };
    };
    Ok(match values {
        Values::Floats(values) => Values::Floats(transpose(&values, rows, columns)),
        Values::Integers(values) => Values::Integers(transpose(&values, rows, columns)),
    })
}

fn transpose<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..values.len()).map(|i| values[(i % columns) * rows + i / columns]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, 0]);
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    fn header(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
    }

    #[test]
    fn orders_and_byte_orders() {
        let array = decode(&npy(&header("<i2", "False", "(2, 2)"), &[1, 0, 2, 0, 3, 0, 4, 0])).expect("C order");
        assert_eq!(array, Array { shape: vec![2, 2], values: Values::Integers(vec![1, 2, 3, 4]) });
        let array = decode(&npy(&header(">i2", "False", "(2,)"), &[1, 0, 0xff, 0xff])).expect("big endian");
        assert_eq!(array, Array { shape: vec![2], values: Values::Integers(vec![256, -1]) });
        let array = decode(&npy(&header("|u1", "True", "(2, 3)"), &[1, 4, 2, 5, 3, 6])).expect("Fortran order");
        assert_eq!(array.values, Values::Integers(vec![1, 2, 3, 4, 5, 6]));
        let array = decode(&npy(&header("<f4", "False", "()"), &1.5f32.to_le_bytes())).expect("a scalar");
        assert_eq!(array, Array { shape: vec![], values: Values::Floats(vec![1.5]) });
        let array = decode(&npy(&header("<f8", "True", "(0, 5)"), &[])).expect("an empty array");
        assert!(array.values.is_empty());
    }

    #[test]
    fn refusals_have_a_reason() {
        let refusal = |header: &str, data: &[u8]| decode(&npy(header, data)).expect_err("must be refused");
        assert_eq!(
            refusal(&header("<f4", "False", "(3,)"), &[0; 8]),
            "has 8 bytes of numbers, expected 12 for shape [3]"
        );
        assert_eq!(
            refusal(&header("<f2", "False", "()"), &[0; 2]),
            "has type `<f2`, expected f4, f8, i1 to i8 or u1 to u8"
        );
        assert_eq!(
            refusal(&header("<f8", "False", "(4294967296, 4294967296)"), &[]),
            "shape [4294967296, 4294967296] is too large"
        );
        assert_eq!(refusal("{'descr': [('a', '<f4')]}", &[]), "holds records, expected plain numbers");
        assert_eq!(refusal(&header("<f4", "False", "(-1,)"), &[]), "has a shape that is not a tuple of lengths");
        assert_eq!(decode(b"PK"), Err("is not an .npy array".into()));
        assert_eq!(
            decode(b"\x93NUMPY\x02\0\xff\xff\xff\xff"),
            Err("has a header of 4294967295 bytes, expected at most 10000".into())
        );
        assert_eq!(refusal(&header("<u8", "False", "()"), &[0xff; 8]), "has an integer above 2⁶³ − 1");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(header in "[{}'a-z0-9:,() <_]{0,60}", data: Vec<u8>, at in 0usize..80, byte: u8) {
            let mut bytes = npy(&header, &data);
            if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
            let _ = decode(&bytes);
        }
    }
}
