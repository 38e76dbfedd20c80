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

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// More than any machine that this is for will train; a typing error otherwise ends as a failed allocation.
const MAX_PARAMETERS: u128 = 1 << 31;

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
    /// A simple recurrent unit.
    Sru(SruDescription),
    /// A matrix and a bias.
    Linear(LinearDescription),
    /// max(x, 0).
    Relu(PointwiseDescription),
    /// Hyperbolic tangent.
    Tanh(PointwiseDescription),
    /// 1 / (1 + e⁻ˣ).
    Sigmoid(PointwiseDescription),
}

/// A layer of simple recurrent units (Lei et al. 2018).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SruDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then `2 · hidden` wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// Width of a linear bottleneck in front of the layer's matrices; the highway goes round it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<usize>,
    /// Where the reset gate's bias starts. Negative lets more of the input through.
    #[serde(default)]
    pub highway_bias: f64,
    /// Scale the highway's input by √(1 + 2·e^highway_bias), which keeps the variance of the output at that of the
    /// input; 1 otherwise.
    #[serde(default = "yes")]
    pub rescale: bool,
    /// What the highway carries.
    #[serde(default)]
    pub skip: SkipDescription,
}

/// What the highway of a simple recurrent unit carries past the cell, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkipDescription {
    /// The input where it is as wide as the output, nothing elsewhere. The paper's network: three matrices in every
    /// layer.
    #[default]
    Auto,
    /// Nothing: h = r ⊙ c.
    None,
    /// The layer's input, scaled.
    Identity,
    /// A fourth matrix times the input. The PyPI package `sru`, where input and output differ in width.
    Matrix,
}

/// A matrix and a bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearDescription {
    /// Names the layer's site and parameters; `fc` by default, or `fc0`, `fc1`, … where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Width of the output. 0, where it is left out: no network can be made, until a recipe fills it in from its data.
    #[serde(default)]
    pub outputs: usize,
}

/// A function of one number, applied everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointwiseDescription {
    /// Names the layer in messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What the highway of a layer carries, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Nothing: h = r ⊙ c.
    None,
    /// The layer's input, scaled: h = r ⊙ c + (1 − r) ⊙ x·s.
    Identity,
    /// A fourth product: h = r ⊙ c + (1 − r) ⊙ U₃.
    Matrix,
}

const fn yes() -> bool {
    true
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
    /// [`Error::IdentitySkip`], [`Error::HighwayBias`], [`Error::TooManyParameters`].
    pub fn check(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::NoLayers);
        }
        at_least_one("network description", "input", self.input)?;
        let mut names = BTreeSet::new();
        let mut inputs = self.input;
        let mut parameters = 0;
        for (layer, name) in self.layers.iter().zip(self.names()) {
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                return Err(Error::LayerName { name });
            }
            layer.check(&name, inputs)?;
            parameters += layer.parameters(inputs);
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

    /// The name of every layer, given or by default.
    pub fn names(&self) -> Vec<String> {
        let linear = |layer: &&LayerDescription| matches!(layer, LayerDescription::Linear(_));
        let several = self.layers.iter().filter(linear).count() > 1;
        let mut counts = [0_usize; 5];
        let mut next = |kind: usize| {
            counts[kind] += 1;
            counts[kind] - 1
        };
        let name = |layer: &LayerDescription| {
            let default = match layer {
                LayerDescription::Sru(_) => format!("l{}", next(0)),
                LayerDescription::Linear(_) if several => format!("fc{}", next(1)),
                LayerDescription::Linear(_) => "fc".to_owned(),
                LayerDescription::Relu(_) => format!("relu{}", next(2)),
                LayerDescription::Tanh(_) => format!("tanh{}", next(3)),
                LayerDescription::Sigmoid(_) => format!("sigmoid{}", next(4)),
            };
            layer.name().cloned().unwrap_or(default)
        };
        self.layers.iter().map(name).collect()
    }
}

impl LayerDescription {
    fn name(&self) -> Option<&String> {
        match self {
            Self::Sru(sru) => sru.name.as_ref(),
            Self::Linear(linear) => linear.name.as_ref(),
            Self::Relu(pointwise) | Self::Tanh(pointwise) | Self::Sigmoid(pointwise) => pointwise.name.as_ref(),
        }
    }

    /// Width of the output over `inputs` inputs.
    pub fn outputs(&self, inputs: usize) -> usize {
        match self {
            Self::Sru(sru) => sru.outputs(),
            Self::Linear(linear) => linear.outputs,
            Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => inputs,
        }
    }

    fn check(&self, name: &str, inputs: usize) -> Result<()> {
        let place = format!("layer `{name}`");
        match self {
            Self::Sru(sru) => {
                at_least_one(&place, "hidden", sru.hidden)?;
                at_least_one(&place, "projection", sru.projection.unwrap_or(1))?;
                if !(-20.0..=20.0).contains(&sru.highway_bias) {
                    return Err(Error::HighwayBias { layer: name.to_owned(), got: sru.highway_bias });
                }
                if sru.skip == SkipDescription::Identity && inputs != sru.outputs() {
                    return Err(Error::IdentitySkip { layer: name.to_owned(), inputs, outputs: sru.outputs() });
                }
                Ok(())
            }
            Self::Linear(linear) => at_least_one(&place, "outputs", linear.outputs),
            Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => Ok(()),
        }
    }

    /// In `u128`: no product of three `usize` written by a user overflows it by accident.
    fn parameters(&self, inputs: usize) -> u128 {
        match self {
            Self::Sru(sru) => {
                let [outputs, projection] = [sru.outputs(), sru.projection.unwrap_or(0)].map(|width| width as u128);
                let projected = sru.projection.unwrap_or(inputs) as u128;
                let matrices = sru.skip(inputs).matrices() as u128;
                inputs as u128 * projection + outputs * (matrices * projected + 4)
            }
            Self::Linear(linear) => linear.outputs as u128 * (inputs as u128 + 1),
            Self::Relu(_) | Self::Tanh(_) | Self::Sigmoid(_) => 0,
        }
    }
}

impl SruDescription {
    /// 1 or 2.
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.directions().saturating_mul(self.hidden)
    }

    /// What the highway carries over an input `inputs` wide.
    pub fn skip(&self, inputs: usize) -> Skip {
        match self.skip {
            SkipDescription::Auto if inputs == self.outputs() => Skip::Identity,
            SkipDescription::Auto | SkipDescription::None => Skip::None,
            SkipDescription::Identity => Skip::Identity,
            SkipDescription::Matrix => Skip::Matrix,
        }
    }

    /// √(1 + 2·e^b), or 1 without rescaling.
    pub fn scale(&self) -> f64 {
        if self.rescale { (1.0 + 2.0 * libm::exp(self.highway_bias)).sqrt() } else { 1.0 }
    }
}

impl Skip {
    /// Matrices of the layer, k in the literature: candidate, forget gate, reset gate and, for [`Skip::Matrix`], skip.
    pub fn matrices(self) -> usize {
        if self == Self::Matrix { 4 } else { 3 }
    }
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
        let wide = format!("{SRU}[[layers]]\nkind = \"linear\"\noutputs = 9000000000000000");
        assert_eq!(refusal(&wide), "network description: 45000000000000112 parameters, expected at most 2147483648");
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
