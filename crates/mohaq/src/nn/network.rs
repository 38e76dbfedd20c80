//! A network: a description with parameters.

use super::initialize::initialize;
use super::layer::{Part, Recurrent};
use super::{Layer, NetworkDescription, Site, SiteId, Workload};
use crate::tensor::{Matrix, Real};
use crate::{Error, Result};
use mohaq_speech::dataset::Sequence;

/// Elementwise operations a frame and recurrent unit, as the paper counts them: 88,000 for its 4,400 units.
const ELEMENTWISE_A_UNIT: u64 = 20;

/// Of one number of a normalised frame: a sum and a sum of squares, then a difference, two products and a sum.
const OPERATIONS_A_NORM: u64 = 7;

/// A network in floating point.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<T = f32> {
    description: NetworkDescription,
    layers: Vec<Layer<T>>,
}

/// A parameter to be read.
#[derive(Clone, Debug)]
pub struct Parameter<'a, T = f32> {
    /// The layer's name and what it is there: `l1.weight`.
    pub name: String,
    /// The values.
    pub values: &'a Matrix<T>,
}

/// A parameter to be changed.
#[derive(Debug)]
pub struct ParameterMut<'a, T = f32> {
    /// The layer's name and what it is there: `l1.weight`.
    pub name: String,
    /// The values.
    pub values: &'a mut Matrix<T>,
}

impl<T: Real> Network<T> {
    /// A network with random parameters, the same for the same seed.
    ///
    /// # Errors
    /// Where the description does not [`check`](NetworkDescription::check).
    pub fn new(description: &NetworkDescription, seed: u64) -> Result<Self> {
        let mut network = Self::zeros(description)?;
        initialize(&mut network, seed);
        Ok(network)
    }

    /// A network whose parameters are all zero, to be filled.
    ///
    /// # Errors
    /// Where the description does not [`check`](NetworkDescription::check).
    pub fn zeros(description: &NetworkDescription) -> Result<Self> {
        description.check()?;
        Ok(Self::assemble(description))
    }

    /// Zeros in the shapes of a description that has been checked.
    fn assemble(description: &NetworkDescription) -> Self {
        let mut inputs = description.input;
        let mut sites = 0;
        let mut layers = Vec::with_capacity(description.layers.len());
        for (layer, name) in description.layers.iter().zip(description.names()) {
            let made = Layer::zeros(layer, name, inputs, SiteId(sites));
            sites += made.site_count();
            inputs = layer.outputs(inputs);
            layers.push(made);
        }
        Self { description: description.clone(), layers }
    }

    /// What the network was made from.
    pub fn description(&self) -> &NetworkDescription {
        &self.description
    }

    /// In the order data meets them.
    pub fn layers(&self) -> &[Layer<T>] {
        &self.layers
    }

    pub(super) fn layers_mut(&mut self) -> &mut [Layer<T>] {
        &mut self.layers
    }

    /// Features a frame.
    pub fn inputs(&self) -> usize {
        self.description.input
    }

    /// Classes.
    pub fn outputs(&self) -> usize {
        self.description.outputs()
    }

    /// Refuses a sequence that asks a table for a row which it has not.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn check_tokens(&self, sequence: &Sequence) -> Result<()> {
        let Some(Layer::Embedding(table)) = self.layers.first() else { return Ok(()) };
        let rows = table.weight.rows();
        let is_row = |x: f32| x >= 0.0 && x < rows as f32 && x.fract() == 0.0;
        match sequence.features.values.iter().position(|&x| !is_row(x)) {
            Some(frame) => {
                let (id, got) = (sequence.id.clone(), sequence.features.values[frame]);
                Err(Error::Token { id, frame, got, rows })
            }
            None => Ok(()),
        }
    }

    /// The same network in another precision, as for a proof in `f64`.
    pub fn cast<U: Real>(&self) -> Network<U> {
        let mut network = Network::assemble(&self.description);
        for (to, from) in network.parameters_mut().into_iter().zip(self.parameters()) {
            *to.values = from.values.cast();
        }
        network
    }

    /// Every parameter, in an order that depends on the description alone.
    pub fn parameters(&self) -> Vec<Parameter<'_, T>> {
        let all = self.layers.iter().flat_map(|layer| names_of(layer).into_iter().zip(layer.matrices()));
        all.map(|(name, values)| Parameter { name, values }).collect()
    }

    /// Every parameter, in the order of [`parameters`](Self::parameters).
    pub fn parameters_mut(&mut self) -> Vec<ParameterMut<'_, T>> {
        fn of_layer<T: Real>(layer: &mut Layer<T>) -> Vec<(String, &mut Matrix<T>)> {
            names_of(layer).into_iter().zip(layer.matrices_mut()).collect()
        }
        let all = self.layers.iter_mut().flat_map(of_layer);
        all.map(|(name, values)| ParameterMut { name, values }).collect()
    }

    /// Recurrent vectors, biases and gains: every parameter that is no site's weight. In the order of
    /// [`parameters`](Self::parameters).
    pub fn vectors(&self) -> Vec<&Matrix<T>> {
        self.layers.iter().flat_map(|layer| select(layer.parts(), layer.matrices(), false)).collect()
    }

    /// The same, to be changed.
    pub fn vectors_mut(&mut self) -> Vec<&mut Matrix<T>> {
        self.layers.iter_mut().flat_map(|layer| select(layer.parts(), layer.matrices_mut(), false)).collect()
    }

    /// The weights of every site, in the order of [`Workload::sites`].
    pub fn site_weights(&self) -> Vec<&Matrix<T>> {
        self.layers.iter().flat_map(|layer| select(layer.parts(), layer.matrices(), true)).collect()
    }

    /// The weights of every site, in the order of [`Workload::sites`].
    pub fn site_weights_mut(&mut self) -> Vec<&mut Matrix<T>> {
        self.layers.iter_mut().flat_map(|layer| select(layer.parts(), layer.matrices_mut(), true)).collect()
    }

    /// Where the weights of every site stand among [`parameters`](Self::parameters).
    pub fn site_parameters(&self) -> Vec<usize> {
        let parts = self.layers.iter().flat_map(Layer::parts).enumerate();
        parts.filter(|(_, part)| part.site.is_some()).map(|(place, _)| place).collect()
    }

    /// What a frame of the output costs.
    pub fn workload(&self) -> Workload {
        let input_frames = self.description.stride() as u64;
        let mut workload = Workload { input_frames, ..Workload::default() };
        // How often a layer's input comes while one frame of the network's output is made.
        let mut frames = input_frames;
        for (layer, description) in self.layers.iter().zip(&self.description.layers) {
            frames /= description.stride() as u64;
            let parts = layer.parts();
            let ahead = layer.products_ahead();
            for (index, (part, matrix)) in parts.iter().zip(layer.matrices()).enumerate() {
                match &part.site {
                    Some(site) => workload.sites.push(layer.site(site, matrix, frames, index >= ahead)),
                    None => workload.vectors += matrix.data().len() as u64,
                }
            }
            workload.state += layer.state();
            match layer {
                Layer::Sru(sru) => {
                    workload.vectors_published += sru.vectors.data().len() as u64;
                    workload.elementwise += frames * ELEMENTWISE_A_UNIT * sru.outputs() as u64;
                    let norm = sru.norm.as_ref().map_or(0, |norm| norm.gain.cols() as u64);
                    workload.elementwise += frames * OPERATIONS_A_NORM * norm;
                }
                Layer::Recurrent(recurrent) => {
                    let units = (recurrent.shape.directions * recurrent.shape.hidden) as u64;
                    workload.vectors_published += units * recurrent.cell().gates().len() as u64;
                    workload.elementwise += frames * recurrent.cell().operations() * units;
                }
                Layer::LayerNorm(norm) => {
                    workload.elementwise += frames * OPERATIONS_A_NORM * norm.gain.cols() as u64;
                }
                Layer::Linear(_) | Layer::Conv1d(_) | Layer::Embedding(_) | Layer::Pointwise(_) => {}
            }
        }
        workload
    }
}

/// The parameters' full names.
fn names_of<T: Real>(layer: &Layer<T>) -> Vec<String> {
    layer.parts().iter().map(|part| format!("{}.{}", layer.name(), part.name)).collect()
}

/// The matrices that are weights of sites, or all others.
fn select<M>(parts: Vec<Part>, matrices: Vec<M>, sites: bool) -> Vec<M> {
    let chosen = parts.into_iter().zip(matrices).filter(|(part, _)| part.site.is_some() == sites);
    chosen.map(|(_, matrix)| matrix).collect()
}

impl<T: Real> Layer<T> {
    /// How many of its products need nothing of the frame before: they come first.
    fn products_ahead(&self) -> usize {
        if let Self::Recurrent(recurrent) = self { recurrent.input.len() } else { usize::MAX }
    }

    /// The site `part` of the layer, which runs `frames` times.
    fn site(&self, part: &str, weight: &Matrix<T>, frames: u64, recurrent: bool) -> Site {
        let name = if part.is_empty() { self.name().to_owned() } else { format!("{}.{part}", self.name()) };
        let [inputs, outputs] = weight.shape();
        let weights = weight.data().len() as u64;
        // A row of a table is read, not multiplied.
        let macs = if matches!(self, Self::Embedding(_)) { 0 } else { frames * weights };
        Site { name, inputs, outputs, macs, weights, recurrent }
    }

    /// Numbers that it keeps from one frame to the next.
    fn state(&self) -> u64 {
        let numbers = match self {
            Self::Sru(sru) => sru.directions * sru.hidden,
            Self::Recurrent(Recurrent { shape, input, .. }) => {
                let state = if shape.cell.has_state() { shape.hidden } else { 0 };
                let hidden = if shape.cell.recurrent(false).is_empty() { 0 } else { shape.width() };
                let window = input.first().map_or(0, |product| product.weight.rows());
                shape.directions * (state + hidden + window - window / shape.window)
            }
            Self::Conv1d(conv) => conv.weight.rows() - conv.weight.rows() / conv.shape.kernel,
            Self::Linear(_) | Self::Embedding(_) | Self::LayerNorm(_) | Self::Pointwise(_) => 0,
        };
        numbers as u64
    }

    /// Number of its sites.
    pub fn site_count(&self) -> usize {
        self.parts().iter().filter(|part| part.site.is_some()).count()
    }

    /// Number of parameter matrices.
    pub(super) fn parameter_count(&self) -> usize {
        self.parts().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The network of the paper: method and published counts in Rezk et al. 2021, table 2.
    const PAPER: &str = r#"
        input = 23
        [[layers]]
        kind = "sru"
        hidden = 550
        bidirectional = true
        highway_bias = -1.0
        [[layers]]
        kind = "sru"
        hidden = 550
        bidirectional = true
        projection = 256
        highway_bias = -1.0
        [[layers]]
        kind = "sru"
        hidden = 550
        bidirectional = true
        projection = 256
        highway_bias = -1.0
        [[layers]]
        kind = "sru"
        hidden = 550
        bidirectional = true
        projection = 256
        highway_bias = -1.0
        [[layers]]
        kind = "linear"
        outputs = 1904
    "#;

    fn paper() -> Network {
        let description = NetworkDescription::from_toml(PAPER).expect("a valid description");
        Network::zeros(&description).expect("a valid description")
    }

    #[test]
    fn the_papers_network_has_the_papers_counts() {
        let workload = paper().workload();
        let table: Vec<_> = workload.sites.iter().map(|site| (site.name.as_str(), site.macs)).collect();
        let expected = [
            ("l0", 75_900),
            ("l1.projection", 281_600),
            ("l1", 844_800),
            ("l2.projection", 281_600),
            ("l2", 844_800),
            ("l3.projection", 281_600),
            ("l3", 844_800),
            ("fc", 2_094_400),
        ];
        assert_eq!(table, expected);
        assert_eq!(workload.macs(), 5_549_500);
        assert_eq!(workload.weights(), 5_549_500);
        assert_eq!(workload.vectors_published, 8_800);
        assert_eq!(workload.elementwise, 88_000);
        assert_eq!(workload.macs() + workload.elementwise, 5_637_500);
        // Four layers with two vectors and two biases of 1100, and the last layer's 1904 biases.
        assert_eq!(workload.vectors, 4 * 4 * 1_100 + 1_904);
    }

    #[test]
    fn parameters_are_the_weights_and_the_vectors() {
        let mut network = paper();
        let count: usize = network.parameters().iter().map(|parameter| parameter.values.data().len()).sum();
        let workload = network.workload();
        assert_eq!(count as u64, workload.parameters());
        assert_eq!(workload.parameters(), workload.weights() + workload.vectors);
        let names: Vec<_> = network.parameters().into_iter().map(|parameter| parameter.name).collect();
        let names_mut: Vec<_> = network.parameters_mut().into_iter().map(|parameter| parameter.name).collect();
        assert_eq!(names, names_mut);
        assert_eq!(names[3..7], ["l1.projection", "l1.weight", "l1.vectors", "l1.bias"].map(String::from));
    }

    #[test]
    fn a_token_that_is_no_row_is_named() {
        let text = "input = 1\n[[layers]]\nkind = \"embedding\"\nvocabulary = 4\noutputs = 2";
        let network = Network::<f32>::zeros(&NetworkDescription::from_toml(text).expect("valid")).expect("valid");
        let sequence = |values: Vec<f32>| {
            let features = mohaq_speech::dataset::Features { dim: 1, values };
            Sequence { id: "s".into(), features, ..Sequence::default() }
        };
        assert!(network.check_tokens(&sequence(vec![0.0, 3.0])).is_ok());
        for wrong in [4.0, -1.0, 0.5, f32::NAN] {
            let refused = network.check_tokens(&sequence(vec![0.0, wrong])).expect_err("no row").to_string();
            assert_eq!(refused, format!("sequence `s`: token {wrong} at frame 1, expected a whole number from 0 to 3"));
        }
    }

    #[test]
    fn a_seed_makes_one_network_and_another_seed_another() {
        let description = NetworkDescription::from_toml(PAPER).expect("a valid description");
        let [a, b, c] = [1, 1, 2].map(|seed| Network::<f32>::new(&description, seed).expect("a valid description"));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}
