//! The kernels: C text that is the same in every network, of which a network gets those that it calls.

use mohaq_rt::Bits;
use mohaq_rt::numeric::Accumulator;
use mohaq_rt::table::{HYPERBOLIC_TANGENT, ONE, PIECE_BITS, PIECES, SIGMOID, Table};
use std::collections::BTreeSet;

use super::data;

/// A piece of C, in the order in which pieces stand in a file: what one calls stands above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kernel {
    Count,
    Product,
    Round32,
    Round64,
    Saturate16,
    Scaled,
    ScaledWide,
    Result,
    Dsp,
    Arrange,
    BaseOf,
    WordAt,
    Operands,
    CodeAt,
    Dot(Bits, Accumulator),
    Multiply(Bits, Accumulator),
    LookUp,
    SigmoidPoints,
    TanhPoints,
    Interpolate,
    Sigmoid,
    HyperbolicTangent,
    Relu,
    One,
    Mix,
    Times,
    Add,
    Look,
    Remember,
    Show,
    GateHidden,
    RnnTanh,
    RnnRelu,
    Lstm,
    LstmPeepholes,
    Coupled,
    CoupledPeepholes,
    GruAfter,
    GruBefore,
    LiGru,
    Mgu,
    QrnnF,
    QrnnFo,
    Sru,
    ScaleHighway,
    Normalise,
    Window,
    MapRelu,
    MapTanh,
    MapSigmoid,
}

/// The text of a file in `export/c`.
macro_rules! c {
    ($name:literal) => {
        include_str!(concat!("../c/", $name, ".c"))
    };
}

impl Kernel {
    /// Those that it calls.
    fn needs(self) -> Vec<Self> {
        use Kernel::*;
        match self {
            Count | Product | Round32 | Round64 | Dsp | CodeAt | SigmoidPoints | TanhPoints | Relu | One | Window => {
                Vec::new()
            }
            Arrange | BaseOf | WordAt => vec![Dsp],
            Dot(Bits::Two | Bits::Four, Accumulator::I64) => vec![CodeAt],
            Dot(Bits::Two | Bits::Four, Accumulator::I32) => vec![BaseOf, WordAt],
            Dot(..) => vec![WordAt],
            Saturate16 | Result => vec![Count],
            Scaled => vec![Round64],
            ScaledWide => vec![Scaled],
            Operands => vec![Product, Scaled, Count, Arrange],
            Multiply(bits, Accumulator::I32) => vec![Product, Scaled, Result, Dot(bits, Accumulator::I32)],
            Multiply(bits, Accumulator::I64) => vec![Product, ScaledWide, Result, Dot(bits, Accumulator::I64)],
            LookUp => vec![Product, CodeAt, Scaled, Result],
            Interpolate | Times => vec![Round32],
            Mix => vec![Round32, One],
            Sigmoid => vec![SigmoidPoints, Interpolate],
            HyperbolicTangent => vec![TanhPoints, Interpolate],
            Add => vec![Saturate16],
            Look | Remember | ScaleHighway => vec![Round32, Saturate16],
            Show => vec![Times, HyperbolicTangent, Saturate16],
            GateHidden => vec![Times, Sigmoid, Add],
            RnnTanh => vec![HyperbolicTangent, Add],
            RnnRelu => vec![Relu, Add],
            Lstm => vec![Sigmoid, HyperbolicTangent, Add, Remember, Show],
            LstmPeepholes => vec![Sigmoid, HyperbolicTangent, Add, Look, Remember, Show],
            Coupled => vec![Sigmoid, HyperbolicTangent, Add, Remember, Show, One],
            CoupledPeepholes => vec![Sigmoid, HyperbolicTangent, Add, Look, Remember, Show, One],
            GruAfter => vec![Sigmoid, HyperbolicTangent, Add, Times, Mix],
            GruBefore | Mgu => vec![Sigmoid, HyperbolicTangent, Add, Mix],
            LiGru => vec![Sigmoid, Relu, Add, Mix],
            QrnnF => vec![Sigmoid, HyperbolicTangent, Mix],
            QrnnFo => vec![Sigmoid, HyperbolicTangent, Mix, Times],
            Sru => vec![Sigmoid, Saturate16, Round32, Mix],
            Normalise => vec![Round32, Round64, Saturate16],
            MapRelu => vec![Relu],
            MapTanh => vec![HyperbolicTangent],
            MapSigmoid => vec![Sigmoid],
        }
    }

    /// Adds it to `kernels`, and what it calls.
    pub(super) fn insert_into(self, kernels: &mut BTreeSet<Self>) {
        if !kernels.insert(self) {
            return;
        }
        for kernel in self.needs() {
            kernel.insert_into(kernels);
        }
    }

    /// Its text; `@PREFIX@` stands for that of the network's macros.
    pub(super) fn text(self) -> String {
        let text = match self {
            Self::Count => c!("count"),
            Self::Product => c!("product"),
            Self::Round32 => c!("round32"),
            Self::Round64 => c!("round64"),
            Self::Saturate16 => c!("saturate16"),
            Self::Scaled => c!("scaled"),
            Self::ScaledWide => c!("scaled_wide"),
            Self::Result => c!("result"),
            Self::Operands => c!("operands"),
            Self::Dsp => c!("dsp"),
            Self::Arrange => c!("arrange"),
            Self::BaseOf => c!("base_of"),
            Self::WordAt => c!("word_at"),
            Self::Dot(bits @ (Bits::Two | Bits::Four), sum @ Accumulator::I64) => {
                return of_widths(c!("dot_narrow_s64"), bits, sum);
            }
            Self::Dot(bits, sum) => return of_widths(dot(bits), bits, sum),
            Self::Multiply(bits, sum) => return of_widths(c!("multiply"), bits, sum),
            Self::CodeAt => c!("code_at"),
            Self::LookUp => c!("look_up"),
            Self::SigmoidPoints => return points("sigmoid", "The logistic function from -16 to 16", &SIGMOID),
            Self::TanhPoints => return points("tanh", "The hyperbolic tangent from -8 to 8", &HYPERBOLIC_TANGENT),
            Self::Interpolate => c!("interpolate"),
            Self::Sigmoid => c!("sigmoid"),
            Self::HyperbolicTangent => c!("hyperbolic_tangent"),
            Self::Relu => c!("relu"),
            Self::One => c!("one"),
            Self::Mix => c!("mix"),
            Self::Times => c!("times"),
            Self::Add => c!("add"),
            Self::Look => c!("look"),
            Self::Remember => c!("remember"),
            Self::Show => c!("show"),
            Self::GateHidden => c!("gate_hidden"),
            Self::RnnTanh => c!("cell_rnn_tanh"),
            Self::RnnRelu => c!("cell_rnn_relu"),
            Self::Lstm => c!("cell_lstm"),
            Self::LstmPeepholes => c!("cell_lstm_peepholes"),
            Self::Coupled => c!("cell_coupled"),
            Self::CoupledPeepholes => c!("cell_coupled_peepholes"),
            Self::GruAfter => c!("cell_gru_after"),
            Self::GruBefore => c!("cell_gru_before"),
            Self::LiGru => c!("cell_ligru"),
            Self::Mgu => c!("cell_mgu"),
            Self::QrnnF => c!("cell_qrnn_f"),
            Self::QrnnFo => c!("cell_qrnn_fo"),
            Self::Sru => c!("cell_sru"),
            Self::ScaleHighway => c!("scale_highway"),
            Self::Normalise => c!("normalise"),
            Self::Window => c!("window"),
            Self::MapRelu => c!("map_relu"),
            Self::MapTanh => c!("map_tanh"),
            Self::MapSigmoid => c!("map_sigmoid"),
        };
        text.to_owned()
    }

    /// Bytes of constants in it.
    pub(super) fn constant_bytes(self) -> usize {
        match self {
            Self::SigmoidPoints | Self::TanhPoints => 2 * (PIECES + 1),
            _ => 0,
        }
    }
}

fn dot(bits: Bits) -> &'static str {
    match bits {
        Bits::Two => c!("dot_w2"),
        Bits::Four => c!("dot_w4"),
        Bits::Eight => c!("dot_w8"),
        Bits::Sixteen => c!("dot_w16"),
    }
}

/// Suffix of what multiplies weights of `bits` in sums of a width.
pub(super) fn suffix(bits: Bits, sum: Accumulator) -> String {
    format!("w{}_s{}", bits.count(), sum_bits(sum))
}

fn sum_bits(sum: Accumulator) -> u32 {
    match sum {
        Accumulator::I32 => 32,
        Accumulator::I64 => 64,
    }
}

/// A template of products with its widths put in.
fn of_widths(template: &str, bits: Bits, sum: Accumulator) -> String {
    let (scaled, multiply_add) = match sum {
        Accumulator::I32 => ("scaled", "__smlad"),
        Accumulator::I64 => ("scaled_wide", "__smlald"),
    };
    let (base, argument) = if sum == Accumulator::I32 && bits <= Bits::Four {
        (format!("    const uint32_t base = BASE_W{}(row, site->inputs);\n", bits.count()), ", base")
    } else {
        (String::new(), "")
    };
    template
        .replace("@W@", &bits.count().to_string())
        .replace("@BITS@", &sum_bits(sum).to_string())
        .replace("@SUM@", &format!("int{}_t", sum_bits(sum)))
        .replace("@SCALED@", scaled)
        .replace("@SMLAD@", multiply_add)
        .replace("@BASE@\n", &(base + "\n"))
        .replace("@BASE_ARGUMENT@", argument)
}

/// Weights that the kernel for these widths takes from a word; 1 where it takes them one by one.
pub(super) fn block(bits: Bits, sum: Accumulator) -> u32 {
    match (bits, sum) {
        (Bits::Two | Bits::Four, Accumulator::I64) => 1,
        _ => 32 / bits.count(),
    }
}

/// The points of a table: its values at the left ends of all pieces, and 1 at the right end of the last.
fn points(name: &str, about: &str, table: &Table) -> String {
    let left = |piece: usize| table.at((i32::from(i16::MIN) + ((piece as i32) << PIECE_BITS)) as i16);
    let all: Vec<i16> = (0..PIECES).map(left).chain([ONE as i16]).collect();
    data::array16(&format!("{about}, in Q1.14."), &format!("{name}_points"), &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_between_the_points_is_the_table() {
        for table in [&SIGMOID, &HYPERBOLIC_TANGENT] {
            let left = |piece: usize| table.at((i32::from(i16::MIN) + ((piece as i32) << PIECE_BITS)) as i16);
            let points: Vec<i64> = (0..PIECES).map(|piece| left(piece).into()).chain([ONE.into()]).collect();
            for code in i16::MIN..=i16::MAX {
                let from_left = (i64::from(code) - i64::from(i16::MIN)) as usize;
                let (piece, part) = (from_left >> PIECE_BITS, (from_left % (1 << PIECE_BITS)) as i64);
                let line = (points[piece] << PIECE_BITS) + part * (points[piece + 1] - points[piece]);
                assert_eq!(mohaq_rt::numeric::round_shift(line, PIECE_BITS), i64::from(table.at(code)), "{code}");
            }
        }
    }

    #[test]
    fn what_a_kernel_calls_stands_above_it() {
        use Kernel::*;
        let mut all = BTreeSet::new();
        let roots = [
            Operands,
            LookUp,
            GateHidden,
            RnnTanh,
            RnnRelu,
            Lstm,
            LstmPeepholes,
            Coupled,
            CoupledPeepholes,
            GruAfter,
            GruBefore,
            LiGru,
            Mgu,
            QrnnF,
            QrnnFo,
            Sru,
            ScaleHighway,
            Normalise,
            Window,
            MapRelu,
            MapTanh,
            MapSigmoid,
        ];
        let products =
            Bits::ALL.into_iter().flat_map(|bits| [Accumulator::I32, Accumulator::I64].map(|sum| Multiply(bits, sum)));
        roots.into_iter().chain(products).for_each(|kernel| kernel.insert_into(&mut all));
        for kernel in &all {
            for needed in kernel.needs() {
                assert!(needed < *kernel, "{needed:?} behind {kernel:?}");
            }
        }
    }
}
