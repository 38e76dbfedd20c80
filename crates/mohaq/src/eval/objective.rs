//! Objectives and limits: how a measurement becomes numbers to minimise and one violation.
//!
//! An objective only reads a [`Measurement`]; it is always minimised, in its own unit. A limit that is not met becomes
//! part of one violation ≥ 0, with the reason kept, so that an infeasible candidate is a value and never a gap.

use super::Measurement;
use crate::platform;
use mohaq_speech::metric::Metric;
use serde::{Deserialize, Serialize};

/// What a search trades against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Error on the development set, in the unit of its metric.
    Error,
    /// Weights and vectors, bytes.
    Memory,
    /// How many times faster than 16×16 bits everywhere: the ratio of the run times.
    Speedup,
    /// The published speedup: the mean of the sites' speedups, weighted by their work.
    SpeedupPaper,
    /// Energy a frame, picojoule.
    Energy,
    /// Time a frame, milliseconds.
    Time,
    /// Activations and states, bytes.
    Ram,
    /// Operations over time, 10⁹ a second.
    Gops,
    /// Operations over energy, 10⁹ a second and watt.
    GopsPerWatt,
    /// Time to compute a frame over its duration.
    RealTimeFactor,
}

impl Objective {
    /// Every objective, in the order reports show them.
    pub const ALL: [Self; 10] = [
        Self::Error,
        Self::Memory,
        Self::Speedup,
        Self::SpeedupPaper,
        Self::Energy,
        Self::Time,
        Self::Ram,
        Self::Gops,
        Self::GopsPerWatt,
        Self::RealTimeFactor,
    ];

    /// The name in recipes, logs and tables.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Memory => "memory",
            Self::Speedup => "speedup",
            Self::SpeedupPaper => "speedup_paper",
            Self::Energy => "energy",
            Self::Time => "time",
            Self::Ram => "ram",
            Self::Gops => "gops",
            Self::GopsPerWatt => "gops_per_watt",
            Self::RealTimeFactor => "real_time_factor",
        }
    }

    /// What a person reads above a column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Memory => "Memory",
            Self::Speedup => "Speedup",
            Self::SpeedupPaper => "Speedup as published",
            Self::Energy => "Energy a frame",
            Self::Time => "Time a frame",
            Self::Ram => "RAM",
            Self::Gops => "Throughput",
            Self::GopsPerWatt => "Efficiency",
            Self::RealTimeFactor => "Real-time factor",
        }
    }

    /// The unit of [`Objective::shown`], where errors are measured by `metric`.
    pub fn unit(self, metric: &Metric) -> &str {
        match self {
            Self::Error => &metric.unit,
            Self::Memory | Self::Ram => "B",
            Self::Speedup | Self::SpeedupPaper => "×",
            Self::Energy => "pJ",
            Self::Time => "ms",
            Self::Gops => "GOP/s",
            Self::GopsPerWatt => "GOP/s/W",
            Self::RealTimeFactor => "",
        }
    }

    /// How the value is computed, in a sentence.
    pub const fn definition(self) -> &'static str {
        match self {
            Self::Error => "what the task counts as one, on the development set or on the worst of its subsets",
            Self::Memory => "weights at their bits, recurrent vectors and biases at 16 bit",
            Self::Speedup => "time at 16×16 bits everywhere over the time: the ratio of run times",
            Self::SpeedupPaper => "sum of MACs × speedup of the site over all operations, as MOHAQ publishes it",
            Self::Energy => "of loading and computing, as the platform's model counts them",
            Self::Time => "of computing and moving data, as the platform's model counts them",
            Self::Ram => {
                "the input of the largest product at its bits beside its result at 16 bit, and the states at 16 bit"
            }
            Self::Gops => "operations of a frame over its time; a multiply-accumulate is two",
            Self::GopsPerWatt => "operations of a frame over its energy; a multiply-accumulate is two",
            Self::RealTimeFactor => {
                "time to compute a frame over its duration: at most 1 where a stream is kept up with"
            }
        }
    }

    /// True where larger is better: such an objective is minimised as its negative.
    pub const fn maximised(self) -> bool {
        matches!(self, Self::Speedup | Self::SpeedupPaper | Self::Gops | Self::GopsPerWatt)
    }

    /// The value for people, in [`Objective::unit`]; `None` where the platform has no such figure.
    pub fn shown(self, measurement: &Measurement) -> Option<f64> {
        let cost = &measurement.cost;
        match self {
            Self::Error => Some(measurement.error),
            Self::Memory => Some(cost.memory_bits as f64 / 8.0),
            Self::Speedup => cost.speedup,
            Self::SpeedupPaper => cost.speedup_paper,
            Self::Energy => cost.energy_pj,
            Self::Time => cost.frame_time_s.map(|seconds| 1e3 * seconds),
            Self::Ram => Some(cost.ram_bits as f64 / 8.0),
            Self::Gops => cost.gops(),
            Self::GopsPerWatt => cost.gops_per_watt(),
            Self::RealTimeFactor => cost.real_time_factor(),
        }
    }

    /// The value to minimise; infinite where the platform has no such figure.
    pub fn read(self, measurement: &Measurement) -> f64 {
        let value = self.shown(measurement).unwrap_or(f64::INFINITY);
        if self.maximised() { -value } else { value }
    }

    /// The objective named `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|objective| objective.key() == key)
    }
}

/// A bound that a candidate must keep.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// Error on the development set at most this, in the unit of its metric.
    Error(f64),
    /// Weights and vectors at most this, bytes.
    Memory(u64),
    /// Weights and vectors at most 1 / `times` of what all `parameters` of the network take as 32 bit floats.
    Compression {
        /// How many times smaller.
        times: f64,
        /// Weights and vectors of the network.
        parameters: u64,
    },
    /// A figure of the platform at most this, or at least where larger is better, in the unit of the objective.
    Figure {
        /// Which figure.
        objective: Objective,
        /// The bound.
        bound: f64,
    },
    /// Activations and states at most this, bytes.
    Ram(u64),
    /// What a memory of the platform holds.
    Platform(platform::Limit),
}

impl Limit {
    /// By how much `measurement` exceeds the limit, relative to it; 0 where it is kept, infinite for an error that is not a
    /// number.
    pub fn violation(&self, measurement: &Measurement) -> f64 {
        let excess = |value: f64, limit: f64| match value <= limit {
            true => 0.0,
            false if value.is_nan() => f64::INFINITY,
            false if limit > 0.0 => value / limit - 1.0,
            // A user's own score may have any sign.
            false => (value - limit) / limit.abs().max(f64::MIN_POSITIVE),
        };
        match self {
            Self::Error(most) => excess(measurement.error, *most),
            Self::Memory(bytes) => excess(measurement.cost.memory_bits as f64, 8.0 * *bytes as f64),
            Self::Compression { times, parameters } => {
                excess(measurement.cost.memory_bits as f64, float_bits(*parameters) / times)
            }
            // A platform without the figure keeps no limit of it.
            Self::Figure { objective, bound } => match objective.shown(measurement) {
                None => f64::INFINITY,
                Some(value) if objective.maximised() => excess(*bound, value),
                Some(value) => excess(value, *bound),
            },
            Self::Ram(bytes) => excess(measurement.cost.ram_bits as f64, 8.0 * *bytes as f64),
            Self::Platform(limit) => limit.violation(&measurement.cost).map_or(0.0, |violation| violation.amount),
        }
    }

    /// What `measurement`, whose error is measured by `metric`, has against the limit, in words.
    pub fn reason(&self, measurement: &Measurement, metric: &Metric) -> String {
        match self {
            Self::Error(most) => format!("error is {}, at most {}", metric.show(measurement.error), metric.show(*most)),
            Self::Memory(bytes) => {
                format!("memory is {} bytes, at most {bytes} bytes", measurement.cost.memory_bits.div_ceil(8))
            }
            Self::Compression { times, parameters } => {
                let reached = float_bits(*parameters) / measurement.cost.memory_bits as f64;
                format!("compression is {reached:.2} times, at least {times} times")
            }
            Self::Figure { objective, bound } => {
                let (unit, sign) = (objective.unit(metric), if objective.maximised() { "at least" } else { "at most" });
                let value = objective.shown(measurement).map_or("unknown".into(), |value| format!("{value:.4} {unit}"));
                let text =
                    format!("{} is {}, {sign} {bound} {unit}", objective.label().to_lowercase(), value.trim_end());
                text.trim_end().to_owned()
            }
            Self::Ram(bytes) => format!("ram is {} bytes, at most {bytes} bytes", measurement.cost.ram_bytes()),
            Self::Platform(limit) => limit.violation(&measurement.cost).map_or_else(String::new, |v| v.to_string()),
        }
    }

    /// A short name: what the limit bounds.
    pub fn name(&self) -> String {
        match self {
            Self::Error(_) => "error".into(),
            Self::Memory(_) => "memory".into(),
            Self::Compression { .. } => "compression".into(),
            Self::Figure { objective, .. } => objective.key().into(),
            Self::Ram(_) => "ram".into(),
            Self::Platform(limit) => format!("platform.{}", limit.memory),
        }
    }

    /// What a person reads: `Error`, `Memory`, `Memory at 10.6 times compression`, ``Memory `sram` of the platform``.
    pub fn label(&self) -> String {
        match self {
            Self::Error(_) => "Error".into(),
            Self::Memory(_) => "Memory".into(),
            Self::Compression { times, .. } => format!("Memory at {times} times compression"),
            Self::Figure { objective, .. } => objective.label().into(),
            Self::Ram(_) => "RAM".into(),
            Self::Platform(limit) => format!("Memory `{}` of the platform", limit.memory),
        }
    }

    /// The objective that the limit bounds.
    pub const fn objective(&self) -> Objective {
        match self {
            Self::Error(_) => Objective::Error,
            Self::Figure { objective, .. } => *objective,
            Self::Ram(_) => Objective::Ram,
            Self::Platform(limit) if limit.activations && !limit.weights => Objective::Ram,
            Self::Memory(_) | Self::Compression { .. } | Self::Platform(_) => Objective::Memory,
        }
    }

    /// The bound itself, in the unit of [`Limit::objective`].
    pub fn bound(&self) -> f64 {
        match self {
            Self::Error(bound) | Self::Figure { bound, .. } => *bound,
            Self::Memory(bytes) | Self::Ram(bytes) => *bytes as f64,
            Self::Compression { times, parameters } => float_bits(*parameters) / times / 8.0,
            Self::Platform(limit) => limit.bytes as f64,
        }
    }
}

/// Bits of `parameters` numbers as 32 bit floats. Exact: parameters are far fewer than 2⁴⁸.
fn float_bits(parameters: u64) -> f64 {
    32.0 * parameters as f64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::platform::Cost;
    use mohaq_speech::score::Counts;

    /// A measurement with `percent` wrong frames.
    pub(crate) fn measured(percent: f64, memory_bits: u64, speedup: f64) -> Measurement {
        let cost = Cost {
            weight_bits: memory_bits,
            memory_bits,
            memory_bits_paper: memory_bits,
            speedup: Some(speedup),
            ..Cost::default()
        };
        Measurement { error: percent, subset_errors: Vec::new(), errors: Counts::default(), cost }
    }

    #[test]
    fn what_is_maximised_is_read_as_its_negative() {
        let measurement = measured(12.5, 800, 4.0);
        assert_eq!(Objective::Speedup.shown(&measurement), Some(4.0));
        assert_eq!(Objective::Speedup.read(&measurement), -4.0);
        assert_eq!(Objective::Memory.read(&measurement), 100.0);
        assert_eq!(Objective::Error.read(&measurement), 12.5);
    }

    #[test]
    fn a_figure_that_the_platform_lacks_is_the_worst() {
        assert_eq!(Objective::Energy.read(&measured(1.0, 8, 1.0)), f64::INFINITY);
    }

    #[test]
    fn compression_is_of_all_parameters_as_32_bit_floats() {
        // 1000 parameters take 32,000 bit as floats: 10 times smaller is 3200 bit, or 400 bytes.
        let limit = Limit::Compression { times: 10.0, parameters: 1000 };
        assert_eq!(limit.violation(&measured(1.0, 3200, 1.0)), 0.0);
        assert_eq!(limit.violation(&measured(1.0, 4800, 1.0)), 0.5);
        assert!(limit.violation(&measured(1.0, 3201, 1.0)) > 0.0, "the last bit decides");
        let rate = Metric::rate("frame error rate");
        assert_eq!(limit.reason(&measured(1.0, 4800, 1.0), &rate), "compression is 6.67 times, at least 10 times");
        assert_eq!((limit.bound(), limit.objective()), (400.0, Objective::Memory));
        assert_eq!((limit.name(), limit.label()), ("compression".into(), "Memory at 10 times compression".into()));
    }

    #[test]
    fn figures_of_the_platform_are_read_and_bounded() {
        let mut measurement = measured(1.0, 8, 1.0);
        let limit = |objective, bound| Limit::Figure { objective, bound };
        let rate = Metric::rate("frame error rate");
        let time = limit(Objective::Time, 2.0);
        assert_eq!(Objective::Time.read(&measurement), f64::INFINITY);
        assert_eq!(time.violation(&measurement), f64::INFINITY);
        assert_eq!(time.reason(&measurement, &rate), "time a frame is unknown, at most 2 ms");
        let (operations, duration_s) = (6_000_000, Some(10e-3));
        measurement.cost = Cost { frame_time_s: Some(3e-3), operations, duration_s, ..measurement.cost };
        assert_eq!((Objective::Time.read(&measurement), Objective::Gops.read(&measurement)), (3.0, -2.0));
        assert!((Objective::RealTimeFactor.read(&measurement) - 0.3).abs() < 1e-15);
        assert_eq!((time.violation(&measurement), limit(Objective::Time, 3.0).violation(&measurement)), (0.5, 0.0));
        assert_eq!(time.reason(&measurement, &rate), "time a frame is 3.0000 ms, at most 2 ms");
        // At least 3 GOP/s, half as much again as there are.
        let gops = limit(Objective::Gops, 3.0);
        assert_eq!((gops.violation(&measurement), limit(Objective::Gops, 2.0).violation(&measurement)), (0.5, 0.0));
        assert_eq!(gops.reason(&measurement, &rate), "throughput is 2.0000 GOP/s, at least 3 GOP/s");
        let pace = limit(Objective::RealTimeFactor, 0.2);
        assert_eq!(pace.reason(&measurement, &rate), "real-time factor is 0.3000, at most 0.2");
        assert_eq!(limit(Objective::GopsPerWatt, 1.0).violation(&measurement), f64::INFINITY);
    }

    #[test]
    fn ram_is_read_and_bounded() {
        let mut measurement = measured(1.0, 8, 1.0);
        measurement.cost.ram_bits = 8001;
        let rate = Metric::rate("frame error rate");
        assert_eq!(Objective::Ram.read(&measurement), 8001.0 / 8.0);
        assert!(Limit::Ram(1000).violation(&measurement) > 0.0, "the last bit decides");
        assert_eq!(Limit::Ram(1001).violation(&measurement), 0.0);
        assert_eq!(Limit::Ram(1000).reason(&measurement, &rate), "ram is 1001 bytes, at most 1000 bytes");
        let of =
            |weights| platform::Limit { memory: "ram".into(), bytes: 1, weights, vectors: false, activations: true };
        assert_eq!(Limit::Platform(of(false)).objective(), Objective::Ram);
        assert_eq!(Limit::Platform(of(true)).objective(), Objective::Memory);
    }

    #[test]
    fn an_error_of_any_sign_may_exceed_its_limit() {
        let violation = |limit, error| Limit::Error(limit).violation(&measured(error, 8, 1.0));
        assert_eq!([violation(-2.0, -3.0), violation(-2.0, -2.0), violation(-2.0, -1.0)], [0.0, 0.0, 0.5]);
        assert!(violation(0.0, 1e-9) > 0.0 && violation(1.0, f64::NAN) == f64::INFINITY);
    }

    #[test]
    fn keys_name_their_objectives() {
        for objective in Objective::ALL {
            assert_eq!(Objective::from_key(objective.key()), Some(objective));
        }
    }
}
