//! CRC-32, the checksum of an image.

/// The polynomial x³² + x²⁶ + x²³ + … + 1, lowest power first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What a byte does to the remainder.
static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut remainder, mut bit) = (byte as u32, 0);
        while bit < 8 {
            remainder = (remainder >> 1) ^ (POLYNOMIAL * (remainder & 1));
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

/// The CRC-32 of `bytes`, that of zip, PNG and Ethernet (CRC-32/ISO-HDLC): it finds every error of up to 32 bits in a
/// row, and any other but for one in 2³².
pub fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |remainder, &byte| {
        let [low, ..] = remainder.to_le_bytes();
        (remainder >> 8) ^ TABLE[usize::from(low ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_are_the_published_ones() {
        // The catalogue of parametrised CRC algorithms, entry CRC-32/ISO-HDLC.
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), 0);
        // By zlib.crc32 of Python.
        assert_eq!(checksum(&[0; 32]), 0x190a_55ad);
        assert_eq!(checksum(&[0xff; 32]), 0xff6c_ab0b);
    }

    #[test]
    fn every_flipped_bit_shows() {
        let bytes = *b"integer networks on any machine";
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&flipped), checksum(&bytes), "bit {bit}");
        }
    }
}
