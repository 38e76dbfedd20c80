//! Constant arrays as C text.

use mohaq_rt::pack::Layout;
use mohaq_rt::parameters::SiteParameters;

/// Bytes to which rows of packed weights are aligned: those of a word, so that a row can be read by words.
const ROW_ALIGNMENT: usize = 4;

/// `static const` codes of 16 bits.
pub(in crate::export) fn array16(about: &str, name: &str, codes: &[i16]) -> String {
    array(about, "int16_t", name, codes.iter().map(ToString::to_string), 16)
}

/// `static const` numbers of 32 bits in hexadecimal.
pub(super) fn array32(about: &str, name: &str, numbers: &[u32]) -> String {
    array(about, "uint32_t", name, numbers.iter().map(|number| format!("0x{number:08X}u")), 8)
}

/// `static const` bytes in hexadecimal.
pub(super) fn bytes(about: &str, name: &str, bytes: &[u8]) -> String {
    array(about, "uint8_t", name, bytes.iter().map(|byte| format!("0x{byte:02X}")), 16)
}

fn array(about: &str, of: &str, name: &str, numbers: impl Iterator<Item = String>, a_line: usize) -> String {
    let numbers: Vec<String> = numbers.collect();
    let lines = numbers.chunks(a_line).map(|line| format!("    {},\n", line.join(", ")));
    format!("/* {about} */\nstatic const {of} {name}[{}] = {{\n{}}};\n", numbers.len(), lines.collect::<String>())
}

/// The weights of a product, `[columns][row]` as [`pack`](mohaq_rt::pack) has them, and the bytes of a row.
///
/// # Panics
/// For weights that their width does not hold: they come from an image that was found good.
pub(super) fn packed(site: &SiteParameters<Vec<i16>>) -> (Vec<u8>, usize) {
    let layout = Layout::new(site.weight, site.columns, site.inputs, ROW_ALIGNMENT).expect("the layout of an image");
    let columns = (0..site.columns).flat_map(|column| site.weights.iter().skip(column).step_by(site.columns));
    let rows: Vec<i16> = columns.copied().collect();
    let mut bytes = vec![0; layout.bytes()];
    layout.pack(&rows, &mut bytes).expect("codes of an image");
    (bytes, layout.row_bytes())
}
