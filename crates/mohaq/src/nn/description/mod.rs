//! What a network is made of, as its user writes it.
//!
//! ```
//! let description = mohaq::nn::NetworkDescription::from_toml(r#"
//!     input = 23
//!
//!     [[layers]]
//!     kind = "sru"
//!     hidden = 550
//!     bidirectional = true
//!     highway_bias = -1.0
//!
//!     [[layers]]
//!     kind = "linear"
//!     outputs = 1904
//! "#)?;
//! assert_eq!(description.outputs(), 1904);
//! # Ok::<(), mohaq::Error>(())
//! ```
//!
//! A description says nothing of parameters; [`Network`](super::Network) holds both.

mod frames;
mod recurrent;
mod sru;

pub use frames::{
    Conv1dDescription, EmbeddingDescription, LayerNormDescription, LinearDescription, PointwiseDescription,
};
pub use recurrent::{
    GateDescription, GruDescription, LstmDescription, Pooling, QrnnDescription, RecurrentShape, Reset, RnnActivation,
    RnnDescription,
};
pub use sru::{Skip, SkipDescription, SruDescription};

use super::Cell;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// More than any machine that this is for will train; a typing error otherwise ends as a failed allocation.
const MAX_PARAMETERS: u128 = 1 << 31;

/// Numbers of rows are codes of 16 bits, which have a sign.
const MAX_VOCABULARY: usize = 1 << 15;

/// A stack of layers over frames of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    /// Features a frame.
    pub input: usize,
    /// In the order data meets them.
    pub layers: Vec<LayerDescription>,
}

/// One layer; `kind` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LayerDescription {
    /// Simple recurrent units.
    Sru(SruDescription),
    /// Elman's recurrent network.
    Rnn(RnnDescription),
    /// Long short-term memory.
    Lstm(LstmDescription),
    /// Gated recurrent units.
    Gru(GruDescription),
    /// Light gated recurrent units.
    LiGru(GateDescription),
    /// Minimal gated units.
    Mgu(GateDescription),
    /// Quasi-recurrent network.
    Qrnn(QrnnDescription),
    /// A matrix and a bias.
    Linear(LinearDescription),
    /// A convolution over time.
    Conv1d(Conv1dDescription),
    /// A row of a table for every frame.
    Embedding(EmbeddingDescription),
    /// Every frame brought to mean 0 and variance 1.
    LayerNorm(LayerNormDescription),
    /// max(x, 0).
    Relu(PointwiseDescription),
    /// Hyperbolic tangent.
    Tanh(PointwiseDescription),
    /// 1 / (1 + e⁻ˣ).
    Sigmoid(PointwiseDescription),
}

impl NetworkDescription {
    /// Parses and checks a description.
    ///
    /// # Errors
    /// [`Error::DescriptionSyntax`], and whatever [`check`](Self::check) finds.
    pub fn from_toml(text: &str) -> Result<Self> {
        let description: Self = toml::from_str(text).map_err(Error::DescriptionSyntax)?;
        description.check()?;
        Ok(description)
    }

    /// Finds what no network can have.
    ///
    /// # Errors
    /// [`Error::NoLayers`], [`Error::ZeroWidth`], [`Error::LayerName`], [`Error::DuplicateLayer`],
    /// [`Error::IdentitySkip`], [`Error::HighwayBias`], [`Error::LayerSetting`], [`Error::TooManyParameters`].
    pub fn check(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::NoLayers);
        }
        at_least_one("network description", "input", self.input)?;
        let mut names = BTreeSet::new();
        let mut inputs = self.input;
        let mut parameters = 0;
        for ((index, layer), name) in self.layers.iter().enumerate().zip(self.names()) {
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                return Err(Error::LayerName { name });
            }
            layer.check(&name, inputs, index == 0)?;
            parameters = layer.parameters(inputs).saturating_add(parameters);
            inputs = layer.outputs(inputs);
            if !names.insert(name.clone()) {
                return Err(Error::DuplicateLayer { name });
            }
        }
        if parameters > MAX_PARAMETERS {
            return Err(Error::TooManyParameters { got: parameters, limit: MAX_PARAMETERS });
        }
        Ok(())
    }

    /// Width of the last layer's output: the number of classes.
    pub fn outputs(&self) -> usize {
        self.layers.iter().fold(self.input, |inputs, layer| layer.outputs(inputs))
    }

    /// Number of parameters, saturating for widths that no network can have.
    pub fn parameters(&self) -> u128 {
        let count = |(inputs, sum): (usize, u128), layer: &LayerDescription| {
            (layer.outputs(inputs), sum.saturating_add(layer.parameters(inputs)))
        };
        self.layers.iter().fold((self.input, 0), count).1
    }

    /// The name of every layer, given or by default: what it is and, where there may be several, its number among them.
    pub fn names(&self) -> Vec<String> {
        let several = self.layers.iter().filter(|layer| layer.stem() == "fc").count() > 1;
        let mut counts = BTreeMap::new();
        let mut name = |layer: &LayerDescription| {
            let stem = layer.stem();
            let number = counts.entry(stem).or_insert(0_usize);
            *number += 1;
            if let Some(given) = layer.name() {
                return given.clone();
            }
            match stem {
                "fc" if !several => stem.to_owned(),
                "embedding" if *number == 1 => stem.to_owned(),
                _ => format!("{stem}{}", *number - 1),
            }
        };
        self.layers.iter().map(&mut name).collect()
    }

    /// Frames that come out where `frames` go in.
    pub fn frames(&self, frames: usize) -> usize {
        self.layers.iter().fold(frames, |frames, layer| layer.frames(frames))
    }

    /// Frames of the input from one frame of the output to the next.
    pub fn stride(&self) -> usize {
        self.layers.iter().fold(1, |stride, layer| stride.saturating_mul(layer.stride()))
    }

    /// Whether a frame is the number of a row of a table, and no features.
    pub fn reads_tokens(&self) -> bool {
        matches!(self.layers.first(), Some(LayerDescription::Embedding(_)))
    }
}

impl LayerDescription {
    /// Every kind of layer, as descriptions name it.
    pub const KINDS: [&'static str; 14] = [
        "sru",
        "rnn",
        "lstm",
        "gru",
        "ligru",
        "mgu",
        "qrnn",
        "linear",
        "conv1d",
        "embedding",
        "layernorm",
        "relu",
        "tanh",
        "sigmoid",
    ];

    /// The kind, as descriptions name it.
    pub const fn kind(&self) -> &'static str {
        let place = match self {
            Self::Sru(_) => 0,
            Self::Rnn(_) => 1,
            Self::Lstm(_) => 2,
            Self::Gru(_) => 3,
            Self::LiGru(_) => 4,
            Self::Mgu(_) => 5,
            Self::Qrnn(_) => 6,
            Self::Linear(_) => 7,
            Self::Conv1d(_) => 8,
            Self::Embedding(_) => 9,
            Self::LayerNorm(_) => 10,
            Self::Relu(_) => 11,
            Self::Tanh(_) => 12,
            Self::Sigmoid(_) => 13,
        };
        Self::KINDS[place]
    }

    fn name(&self) -> Option<&String> {
        match self {
            Self::Sru(sru) => sru.name.as_ref(),
            Self::Rnn(rnn) => rnn.name.as_ref(),
            Self::Lstm(lstm) => lstm.name.as_ref(),
            Self::Gru(gru) => gru.name.as_ref(),
            Self::LiGru(gates) | Self::Mgu(gates) => gates.name.as_ref(),
            Self::Qrnn(qrnn) => qrnn.name.as_ref(),
            Self::Linear(linear) => linear.name.as_ref(),
            Self::Conv1d(conv) => conv.name.as_ref(),
            Self::Embedding(embedding) => embedding.name.as_ref(),
            Self::LayerNorm(norm) => norm.name.as_ref(),
            Self::Relu(pointwise) | Self::Tanh(pointwise) | Self::Sigmoid(pointwise) => pointwise.name.as_ref(),
        }
    }

    /// What a default name begins with.
    const fn stem(&self) -> &'static str {
        match self {
            Self::Sru(_)
            | Self::Rnn(_)
            | Self::Lstm(_)
            | Self::Gru(_)
            | Self::LiGru(_)
            | Self::Mgu(_)
            | Self::Qrnn(_) => "l",
            Self::Linear(_) => "fc",
            Self::Conv1d(_) => "conv",
            Self::Embedding(_) => "embedding",
            Self::LayerNorm(_) => "norm",
            Self::Relu(_) => "relu",
            Self::Tanh(_) => "tanh",
            Self::Sigmoid(_) => "sigmoid",
        }
    }

    /// The shape of a recurrent layer of a [`Cell`]; `None` for all others.
    pub fn recurrent(&self) -> Option<RecurrentShape> {
        match self {
            Self::Rnn(rnn) => Some(rnn.shape()),
            Self::Lstm(lstm) => Some(lstm.shape()),
            Self::Gru(gru) => Some(gru.shape()),
            Self::LiGru(gates) => Some(gates.shape(Cell::LiGru)),
            Self::Mgu(gates) => Some(gates.shape(Cell::Mgu)),
            Self::Qrnn(qrnn) => Some(qrnn.shape()),
            _ => None,
        }
    }

    /// Width of the output over `inputs` inputs.
    pub fn outputs(&self, inputs: usize) -> usize {
        match self {
            Self::Sru(sru) => sru.outputs(),
            Self::Linear(linear) => linear.outputs,
            Self::Conv1d(conv) => conv.outputs,
            Self::Embedding(embedding) => embedding.outputs,
            Self::LayerNorm(_) | Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => inputs,
            recurrent => recurrent.recurrent().map_or(inputs, |shape| shape.outputs()),
        }
    }

    /// Frames that come out where `frames` go in.
    pub fn frames(&self, frames: usize) -> usize {
        match self {
            Self::Conv1d(conv) => conv.frames(frames),
            _ => frames,
        }
    }

    /// Frames of the input from one frame of the output to the next.
    pub fn stride(&self) -> usize {
        match self {
            Self::Conv1d(conv) => conv.stride,
            _ => 1,
        }
    }

    /// Whether it is one of several directions, so that no frame comes out before the last went in.
    pub fn is_bidirectional(&self) -> bool {
        match self {
            Self::Sru(sru) => sru.bidirectional,
            other => other.recurrent().is_some_and(|shape| shape.directions == 2),
        }
    }

    fn check(&self, name: &str, inputs: usize, first: bool) -> Result<()> {
        let place = format!("layer `{name}`");
        match self {
            Self::Sru(sru) => sru.check(name, inputs),
            Self::Linear(linear) => at_least_one(&place, "outputs", linear.outputs),
            Self::Conv1d(conv) => {
                at_least_one(&place, "outputs", conv.outputs)?;
                at_least_one(&place, "kernel", conv.kernel)?;
                at_least_one(&place, "stride", conv.stride)?;
                let most = conv.kernel - 1;
                // More would make frames that see nothing, and more frames than there were.
                let [left, right] = conv.padding;
                let together = left.saturating_add(right);
                if together > most {
                    let expected = format!("together at most {most}, one less than the kernel");
                    return Err(setting(name, "padding", &format_args!("{left} and {right}"), expected));
                }
                Ok(())
            }
            Self::Embedding(embedding) => {
                at_least_one(&place, "vocabulary", embedding.vocabulary)?;
                at_least_one(&place, "outputs", embedding.outputs)?;
                if embedding.vocabulary > MAX_VOCABULARY {
                    let expected = format!("at most {MAX_VOCABULARY}, the numbers that a code of 16 bits has");
                    return Err(setting(name, "vocabulary", &embedding.vocabulary, expected));
                }
                if !first {
                    return Err(setting(name, "kind", &"embedding", "the first layer of the network".into()));
                }
                if inputs != 1 {
                    return Err(setting(name, "input", &inputs, "1: the number of a row".into()));
                }
                Ok(())
            }
            Self::LayerNorm(_) | Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => Ok(()),
            recurrent => {
                let shape = recurrent.recurrent().expect("all others were named");
                at_least_one(&place, "hidden", shape.hidden)?;
                at_least_one(&place, "projection", shape.projection.unwrap_or(1))?;
                if !(1..=2).contains(&shape.window) {
                    return Err(setting(name, "window", &shape.window, "1 or 2".into()));
                }
                Ok(())
            }
        }
    }

    /// In `u128`: no product of three `usize` written by a user overflows it by accident.
    fn parameters(&self, inputs: usize) -> u128 {
        match self {
            Self::Sru(sru) => sru.parameters(inputs),
            Self::Linear(linear) => linear.outputs as u128 * (inputs as u128 + 1),
            Self::Conv1d(conv) => (inputs as u128 * conv.kernel as u128 + 1).saturating_mul(conv.outputs as u128),
            Self::Embedding(embedding) => embedding.vocabulary as u128 * embedding.outputs as u128,
            Self::LayerNorm(_) => 2 * inputs as u128,
            Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => 0,
            recurrent => recurrent.recurrent().map_or(0, |shape| shape.parameters(inputs)),
        }
    }
}

fn setting(layer: &str, field: &'static str, got: &dyn std::fmt::Display, expected: String) -> Error {
    Error::LayerSetting { layer: layer.to_owned(), field, got: got.to_string(), expected }
}

fn at_least_one(place: &str, field: &'static str, width: usize) -> Result<()> {
    if width == 0 { Err(Error::ZeroWidth { place: place.to_owned(), field }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRU: &str = "[[layers]]\nkind = \"sru\"\nhidden = 4\n";
    const LINEAR: &str = "[[layers]]\nkind = \"linear\"\noutputs = 5\n";

    fn parse(layers: &str) -> Result<NetworkDescription> {
        NetworkDescription::from_toml(&format!("input = 8\n{layers}"))
    }

    fn refusal(layers: &str) -> String {
        parse(layers).expect_err("a refusal").to_string()
    }

    #[test]
    fn names_are_given_or_counted() {
        let description = parse(&format!("{SRU}name = \"first\"\n{SRU}{LINEAR}[[layers]]\nkind = \"relu\"\n{LINEAR}"));
        assert_eq!(description.expect("valid").names(), ["first", "l1", "fc0", "relu0", "fc1"]);
        assert_eq!(parse(&format!("{SRU}{LINEAR}")).expect("valid").names(), ["l0", "fc"]);
    }

    #[test]
    fn the_highway_is_an_identity_only_where_the_widths_agree() {
        let skip = |layer: &LayerDescription, inputs| match layer {
            LayerDescription::Sru(sru) => sru.skip(inputs),
            other => panic!("{other:?}"),
        };
        let description = parse(&format!("{SRU}bidirectional = true")).expect("valid");
        assert_eq!(skip(&description.layers[0], 8), Skip::Identity);
        assert_eq!(skip(&description.layers[0], 4), Skip::None);
        assert_eq!(
            refusal(&format!("{SRU}skip = \"identity\"")),
            "layer `l0`: an identity skip needs an input as wide as the output, got 8 and 4"
        );
    }

    #[test]
    fn what_no_network_can_have_is_named() {
        assert_eq!(refusal("layers = []"), "network description: no layers");
        assert_eq!(refusal("[[layers]]\nkind = \"sru\"\nhidden = 0"), "layer `l0`: hidden is 0, expected at least 1");
        assert_eq!(refusal(&format!("{SRU}projection = 0")), "layer `l0`: projection is 0, expected at least 1");
        assert_eq!(
            refusal(&format!("{SRU}name = \"a\"\n{SRU}name = \"a\"")),
            "layer `a`: this name is taken by an earlier layer"
        );
        assert_eq!(refusal(&format!("{SRU}name = \"a.b\"")), "layer `a.b`: a name is letters, digits, `_` and `-`");
        assert_eq!(refusal(&format!("{SRU}highway_bias = nan")), "layer `l0`: highway_bias is NaN, expected -20 … 20");
        let conv =
            |padding: &str| format!("[[layers]]\nkind = \"conv1d\"\noutputs = 2\nkernel = 3\npadding = {padding}");
        assert!(parse(&conv("[1, 1]")).is_ok() && parse(&conv("[2, 0]")).is_ok());
        assert_eq!(
            refusal(&conv("[2, 1]")),
            "layer `conv0`: padding is 2 and 1, expected together at most 2, one less than the kernel"
        );
        let wide = format!("{SRU}[[layers]]\nkind = \"linear\"\noutputs = 9000000000000000");
        assert_eq!(refusal(&wide), "network description: 45000000000000112 parameters, expected at most 2147483648");
    }

    #[test]
    fn kinds_are_what_descriptions_say() {
        for kind in LayerDescription::KINDS {
            let keys = match kind {
                "linear" => "outputs = 2",
                "embedding" => "vocabulary = 9\noutputs = 2",
                "conv1d" => "outputs = 2\nkernel = 1",
                "layernorm" | "relu" | "tanh" | "sigmoid" => "",
                _ => "hidden = 2",
            };
            let input = if kind == "embedding" { 1 } else { 8 };
            let text = format!("input = {input}\n[[layers]]\nkind = \"{kind}\"\n{keys}\n");
            let description = NetworkDescription::from_toml(&text).unwrap();
            assert_eq!(description.layers[0].kind(), kind);
        }
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused() {
        assert!(refusal(&format!("{SRU}hiden = 5")).contains("hiden"));
        assert!(refusal("[[layers]]\nkind = \"relu\"\noutputs = 5").contains("outputs"));
        assert!(refusal("[[layers]]\nkind = \"transformer\"").contains("transformer"));
        assert!(NetworkDescription::from_toml("input = 8\noutput = 3\nlayers = []").is_err());
    }

    #[test]
    fn a_description_survives_being_written() {
        let description = parse(&format!("{SRU}projection = 3\nhighway_bias = -1.5\nskip = \"matrix\"\n{LINEAR}"));
        let description = description.expect("valid");
        let text = toml::to_string(&description).expect("TOML");
        assert_eq!(NetworkDescription::from_toml(&text).expect("valid"), description);
    }
}
