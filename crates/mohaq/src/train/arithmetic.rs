//! What a training computes with: floating point as it stands, or what another room makes of it.

use crate::Result;
use crate::nn::{Float, Gradients, Network, SiteOps};
use crate::tensor::Matrix;
use serde_json::Value;

/// A parameter that is learned beside those of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Its name, that of no parameter of the network.
    pub name: String,
    /// The values.
    pub values: Matrix,
}

/// All that a training changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub network: Network,
    pub learned: Vec<Learned>,
}

impl Parameters {
    /// Every matrix with its name, those of the network first.
    pub(super) fn named(&self) -> Vec<(String, &Matrix)> {
        let network = self.network.parameters().into_iter().map(|parameter| (parameter.name, parameter.values));
        network.chain(self.learned.iter().map(|learned| (learned.name.clone(), &learned.values))).collect()
    }

    /// In the order of [`named`](Self::named).
    pub(super) fn matrices_mut(&mut self) -> Vec<&mut Matrix> {
        let network = self.network.parameters_mut().into_iter().map(|parameter| parameter.values);
        network.chain(self.learned.iter_mut().map(|learned| &mut learned.values)).collect()
    }
}

/// The arithmetic of a training: which network is run in place of the one that is trained, what happens at its sites,
/// and how gradients find back.
///
/// Every step and every measurement calls [`prepare`](Self::prepare) first; what follows holds until the next call.
pub trait Arithmetic: SiteOps<f32> {
    /// What is learned beside the network, before the first step.
    fn learned(&self) -> Vec<Learned>;

    /// Takes note of the parameters as they are now.
    ///
    /// # Errors
    /// Where they cannot be computed with.
    fn prepare(&mut self, network: &Network, learned: &[Learned]) -> Result<()>;

    /// The network that is run in place of `network`.
    fn run<'a>(&'a self, network: &'a Network) -> &'a Network;

    /// Turns `gradients` of the network that was run into those of `network`, and returns those of what is learned
    /// beside it, in the order of [`learned`](Self::learned).
    fn back(&self, network: &Network, gradients: &mut Gradients) -> Vec<Matrix>;

    /// What tells this arithmetic from another one: a checkpoint of another one is refused.
    fn origin(&self) -> Value;
}

impl Arithmetic for Float {
    fn learned(&self) -> Vec<Learned> {
        Vec::new()
    }

    fn prepare(&mut self, _network: &Network, _learned: &[Learned]) -> Result<()> {
        Ok(())
    }

    fn run<'a>(&'a self, network: &'a Network) -> &'a Network {
        network
    }

    fn back(&self, _network: &Network, _gradients: &mut Gradients) -> Vec<Matrix> {
        Vec::new()
    }

    fn origin(&self) -> Value {
        Value::Null
    }
}
