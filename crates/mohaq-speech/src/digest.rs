//! A fingerprint of content, the same on every machine and in every version.
//!
//! FNV-1a with 128 bits: it names cache entries and seeds noise, where an accidental collision must not happen (under
//! 10⁻²⁰ for a million files) and nobody gains from a forged one. A cryptographic hash would bring a dependency (and
//! `blake3` a C compiler) for strength that is not needed; 32 bit checksums are too short.
//!
//! Source: Fowler, Noll, Vo, Eastlake, "The FNV Non-Cryptographic Hash Algorithm" (RFC 9923).

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// A fingerprint in the making.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u128);

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// The fingerprint of nothing.
    pub const fn new() -> Self {
        Self(OFFSET_BASIS)
    }

    /// Takes in a number of fixed width.
    pub fn number(self, number: u64) -> Self {
        number.to_le_bytes().into_iter().fold(self, Self::byte)
    }

    /// Takes in a field: its length, then its bytes, so that no two sequences of fields read the same.
    pub fn field(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).raw(bytes)
    }

    /// Takes in bytes alone.
    pub fn raw(self, bytes: &[u8]) -> Self {
        bytes.iter().copied().fold(self, Self::byte)
    }

    /// The fingerprint of what was taken in.
    pub const fn finish(self) -> u128 {
        self.0
    }

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u128).wrapping_mul(PRIME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hash_as_the_rfc_says() {
        // RFC 9923, appendix C: 128 bit FNV-1a of nothing, "a" and "foobar".
        let hash = |text: &str| Digest::new().raw(text.as_bytes()).finish();
        assert_eq!(hash(""), OFFSET_BASIS);
        assert_eq!(hash("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(hash("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn fields_do_not_run_together() {
        let hash = |fields: [&str; 2]| {
            fields.iter().fold(Digest::new(), |digest, field| digest.field(field.as_bytes())).finish()
        };
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }
}
