//! How one sample is written in a file.

use std::fmt;

/// A sample's type and byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// 8 bit unsigned integers around 128.
    U8,
    /// 16 bit integers, little endian.
    I16Le,
    /// 16 bit integers, big endian.
    I16Be,
    /// 24 bit integers, little endian.
    I24Le,
    /// 32 bit integers, little endian.
    I32Le,
    /// 32 bit floating point, little endian, full scale ±1.
    F32Le,
    /// 64 bit floating point, little endian, full scale ±1.
    F64Le,
    /// 8 bit µ-law.
    MuLaw,
}

impl Coding {
    /// Bytes a sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::MuLaw => 1,
            Self::I16Le | Self::I16Be => 2,
            Self::I24Le => 3,
            Self::I32Le | Self::F32Le => 4,
            Self::F64Le => 8,
        }
    }

    /// The samples in units of 16 bit integers. An incomplete last sample is left out.
    pub(super) fn to_f32(self, data: &[u8]) -> Vec<f32> {
        match self {
            Self::U8 => data.iter().map(|&code| (f32::from(code) - 128.0) * 256.0).collect(),
            Self::MuLaw => data.iter().map(|&code| f32::from(expand_mu_law(code))).collect(),
            Self::I16Le => each(data, |bytes| f32::from(i16::from_le_bytes(bytes))),
            Self::I16Be => each(data, |bytes| f32::from(i16::from_be_bytes(bytes))),
            // The three bytes become the upper ones of 32 bits: the same number times 256.
            Self::I24Le => each(data, |[a, b, c]| (f64::from(i32::from_le_bytes([0, a, b, c])) / 65536.0) as f32),
            Self::I32Le => each(data, |bytes| (f64::from(i32::from_le_bytes(bytes)) / 65536.0) as f32),
            Self::F32Le => each(data, |bytes| f32::from_le_bytes(bytes) * 32768.0),
            Self::F64Le => each(data, |bytes| (f64::from_le_bytes(bytes) * 32768.0) as f32),
        }
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "8 bit integers",
            Self::I16Le => "16 bit integers",
            Self::I16Be => "16 bit integers, big endian",
            Self::I24Le => "24 bit integers",
            Self::I32Le => "32 bit integers",
            Self::F32Le => "32 bit floating point",
            Self::F64Le => "64 bit floating point",
            Self::MuLaw => "8 bit µ-law",
        })
    }
}

fn each<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)).collect()
}

/// 14 bit linear value of a µ-law code, scaled to 16 bit.
///
/// Source: ITU-T G.711 (1988), table 2; codes are transmitted inverted.
fn expand_mu_law(code: u8) -> i16 {
    let code = !code;
    let mantissa = i16::from(code & 0x0f);
    let exponent = (code >> 4) & 0x07;
    // The bias of 33 steps (132 at 16 bit) makes the segments' ends meet.
    let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_the_same_in_every_coding() {
        assert_eq!(Coding::U8.to_f32(&[0, 128, 255]), [-32768.0, 0.0, 32512.0]);
        assert_eq!(Coding::I16Le.to_f32(&[0, 0x80, 0xff, 0x7f]), [-32768.0, 32767.0]);
        assert_eq!(Coding::I16Be.to_f32(&[0x80, 0, 0x7f, 0xff]), [-32768.0, 32767.0]);
        assert_eq!(Coding::I24Le.to_f32(&[0, 0, 0x80, 0, 1, 0]), [-32768.0, 1.0]);
        assert_eq!(Coding::I32Le.to_f32(&[0, 0, 0, 0x80, 0, 0, 1, 0]), [-32768.0, 1.0]);
        assert_eq!(Coding::F32Le.to_f32(&(-1.0f32).to_le_bytes()), [-32768.0]);
        assert_eq!(Coding::F64Le.to_f32(&0.5f64.to_le_bytes()), [16384.0]);
    }

    #[test]
    fn mu_law_is_g711() {
        // G.711 table 2: decision values ±8031 (of 14 bit) at the ends, both zeros, the first step of 2.
        assert_eq!(expand_mu_law(0x80), 8031 * 4);
        assert_eq!(expand_mu_law(0x00), -8031 * 4);
        assert_eq!((expand_mu_law(0xff), expand_mu_law(0x7f)), (0, 0));
        assert_eq!(expand_mu_law(0xfe), 8);
        assert!((0x80..0xff).all(|code| expand_mu_law(code) > expand_mu_law(code + 1)));
    }
}
