//! What is known of a value on an edge of a graph before there is data.

use super::super::model::Pooled;
use super::constant::{Constant, Numbers};
use super::length::Length;
use std::rc::Rc;

/// A value on an edge.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Numbers.
    Constant(Rc<Constant>),
    /// A scalar or vector of integers, some of which depend on lengths that are open.
    Lengths { scalar: bool, values: Vec<Length> },
    /// One number everywhere.
    Filled { value: f32, shape: Vec<Length> },
    /// One integer everywhere, such as a length for every sequence.
    Repeated { value: Length, shape: Vec<Length> },
    /// What the network computes on.
    Data(Data),
    /// Several of it, one above the other: the final states of several layers.
    Stacked(Vec<Data>),
}

/// What a network computes on: frames of features.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Data {
    pub axes: Vec<Axis>,
    /// The layer that made it; `None` for the input itself.
    pub layer: Option<usize>,
    /// Where only one frame of a sequence is left.
    pub pooled: Option<Pooled>,
    /// Where only one direction of the layer's output is here.
    pub part: Option<usize>,
    /// Frames of zeros that were put before and behind.
    pub padding: [usize; 2],
    /// Whether frames go from the last to the first.
    pub reversed: bool,
    /// A final cell state: it can be an output, and nothing else.
    pub cell: bool,
    /// Numbers of rows in a table, which are integers and at least 0.
    pub rows: bool,
}

/// An axis, as the factors of its length, the slowest first. An axis of length 1 may have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Axis(pub Vec<Factor>);

/// A part of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    pub meaning: Meaning,
    pub length: Length,
}

/// What one steps along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An axis of the model's input, whose part (time, batch or features) the first layer decides.
    Input(usize),
    /// From one direction of a recurrent layer to the other.
    Direction,
    /// From one feature to the next.
    Feature,
}

impl Axis {
    pub(super) fn one(meaning: Meaning, length: Length) -> Self {
        Self(vec![Factor { meaning, length }])
    }

    pub(super) fn length(&self) -> Length {
        Length::product(self.0.iter().map(|factor| &factor.length))
    }

    /// Its meaning, where it has one and only one; factors of length 1 do not count beside others.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        let counts = |factor: &&Factor| factor.length.value() != Some(1);
        let mut long = self.0.iter().filter(counts);
        match (long.next(), long.next(), &self.0[..]) {
            (Some(factor), None, _) | (None, None, [factor, ..]) => Some(factor.meaning),
            _ => None,
        }
    }

    fn is(&self, meanings: &[Meaning]) -> bool {
        self.0.len() == meanings.len()
            && self.0.iter().zip(meanings).all(|(factor, meaning)| factor.meaning == *meaning)
    }
}

impl Data {
    /// Frames of a layer, in axes.
    pub(super) fn new(axes: Vec<Axis>, layer: Option<usize>) -> Self {
        Self { axes, layer, pooled: None, part: None, padding: [0, 0], reversed: false, cell: false, rows: false }
    }

    pub(super) fn shape(&self) -> Vec<Length> {
        self.axes.iter().map(Axis::length).collect()
    }

    /// Number of features along `axis`, where it holds all of them and nothing else.
    pub(super) fn features(&self, axis: usize) -> Option<usize> {
        let axis = self.axes.get(axis)?;
        let whole = axis.is(&[Meaning::Feature]) || axis.is(&[Meaning::Direction, Meaning::Feature]);
        let input = self.layer.is_none() && matches!(axis.meaning(), Some(Meaning::Input(_)));
        let whole = (whole && self.part.is_none() && !self.directions_elsewhere(axis)) || input;
        if whole { axis.length().size().filter(|&features| features > 0) } else { None }
    }

    /// Whether the directions are an axis of their own.
    fn directions_elsewhere(&self, features: &Axis) -> bool {
        let direction = |factor: &Factor| factor.meaning == Meaning::Direction;
        !features.0.iter().any(direction) && self.axes.iter().flat_map(|axis| &axis.0).any(direction)
    }

    /// For messages.
    pub(super) fn describe(&self) -> String {
        let lengths: Vec<String> = self.shape().iter().map(Length::to_string).collect();
        format!("[{}]", lengths.join(", "))
    }
}

impl Value {
    pub(super) fn constant(shape: Vec<usize>, numbers: Numbers) -> Self {
        Self::Constant(Rc::new(Constant { shape, numbers }))
    }

    /// The shape, as far as it is known.
    pub(super) fn shape(&self) -> Option<Vec<Length>> {
        let known = |length: usize| Length::known(i64::try_from(length).unwrap_or(i64::MAX));
        Some(match self {
            Self::Constant(constant) => constant.shape.iter().map(|&length| known(length)).collect(),
            Self::Lengths { scalar: true, .. } => Vec::new(),
            Self::Lengths { values, .. } => vec![known(values.len())],
            Self::Filled { shape, .. } | Self::Repeated { shape, .. } => shape.clone(),
            Self::Data(data) => data.shape(),
            Self::Stacked(_) => return None,
        })
    }

    /// What it is, for messages.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Constant(constant) => match constant.numbers {
                Numbers::Floats(_) => "a constant",
                Numbers::Integers(_) => "constant integers",
            },
            Self::Lengths { .. } | Self::Repeated { .. } => "lengths",
            Self::Filled { .. } => "one number everywhere",
            Self::Data(_) => "the data",
            Self::Stacked(_) => "states of several layers",
        }
    }
}
