//! A network: a description with parameters.

use super::initialize::initialize;
use super::{Layer, NetworkDescription, Site, SiteId, Workload};
use crate::Result;
use crate::tensor::{Matrix, Real};

/// Elementwise operations a frame and recurrent unit, as the paper counts them: 88,000 for its 4,400 units.
const ELEMENTWISE_A_UNIT: u64 = 20;

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
            sites += made.sites().len();
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
        let mut parameters = Vec::new();
        let mut push = |layer: &str, part: &str, values| {
            parameters.push(Parameter { name: format!("{layer}.{part}"), values });
        };
        for layer in &self.layers {
            match layer {
                Layer::Sru(sru) => {
                    if let Some((_, projection)) = &sru.projection {
                        push(&sru.name, "projection", projection);
                    }
                    push(&sru.name, "weight", &sru.weight);
                    push(&sru.name, "vectors", &sru.vectors);
                    push(&sru.name, "bias", &sru.bias);
                }
                Layer::Linear(linear) => {
                    push(&linear.name, "weight", &linear.weight);
                    push(&linear.name, "bias", &linear.bias);
                }
                Layer::Pointwise(_) => {}
            }
        }
        parameters
    }

    /// Every parameter, in the order of [`parameters`](Self::parameters).
    pub fn parameters_mut(&mut self) -> Vec<ParameterMut<'_, T>> {
        let mut parameters = Vec::new();
        let mut push = |layer: &str, part: &str, values| {
            parameters.push(ParameterMut { name: format!("{layer}.{part}"), values });
        };
        for layer in &mut self.layers {
            match layer {
                Layer::Sru(sru) => {
                    if let Some((_, projection)) = &mut sru.projection {
                        push(&sru.name, "projection", projection);
                    }
                    push(&sru.name, "weight", &mut sru.weight);
                    push(&sru.name, "vectors", &mut sru.vectors);
                    push(&sru.name, "bias", &mut sru.bias);
                }
                Layer::Linear(linear) => {
                    push(&linear.name, "weight", &mut linear.weight);
                    push(&linear.name, "bias", &mut linear.bias);
                }
                Layer::Pointwise(_) => {}
            }
        }
        parameters
    }

    /// Recurrent vectors and biases: every parameter that is no site's weight. In the order of
    /// [`parameters`](Self::parameters).
    pub fn vectors(&self) -> Vec<&Matrix<T>> {
        fn of_layer<T>(layer: &Layer<T>) -> Vec<&Matrix<T>> {
            match layer {
                Layer::Sru(sru) => vec![&sru.vectors, &sru.bias],
                Layer::Linear(linear) => vec![&linear.bias],
                Layer::Pointwise(_) => Vec::new(),
            }
        }
        self.layers.iter().flat_map(of_layer).collect()
    }

    /// Recurrent vectors and biases, in the order of [`vectors`](Self::vectors).
    pub fn vectors_mut(&mut self) -> Vec<ParameterMut<'_, T>> {
        let vectors =
            |parameter: &ParameterMut<'_, T>| [".vectors", ".bias"].iter().any(|end| parameter.name.ends_with(end));
        self.parameters_mut().into_iter().filter(vectors).collect()
    }

    /// The weights of every site, in the order of [`Workload::sites`].
    pub fn site_weights(&self) -> Vec<&Matrix<T>> {
        self.layers.iter().flat_map(Layer::sites).map(|(_, weight)| weight).collect()
    }

    /// The weights of every site, in the order of [`Workload::sites`].
    pub fn site_weights_mut(&mut self) -> Vec<&mut Matrix<T>> {
        fn of_layer<T>(layer: &mut Layer<T>) -> Vec<&mut Matrix<T>> {
            match layer {
                Layer::Sru(sru) => {
                    let projection = sru.projection.iter_mut().map(|(_, matrix)| matrix);
                    projection.chain([&mut sru.weight]).collect()
                }
                Layer::Linear(linear) => vec![&mut linear.weight],
                Layer::Pointwise(_) => Vec::new(),
            }
        }
        self.layers.iter_mut().flat_map(of_layer).collect()
    }

    /// Where the weights of every site stand among [`parameters`](Self::parameters).
    pub fn site_parameters(&self) -> Vec<usize> {
        let mut places = Vec::new();
        let mut first = 0;
        for layer in &self.layers {
            places.extend(first..first + layer.sites().len());
            first += layer.parameter_count();
        }
        places
    }

    /// What a frame costs.
    pub fn workload(&self) -> Workload {
        let mut workload = Workload { sites: Vec::new(), vectors: 0, vectors_published: 0, elementwise: 0 };
        for layer in &self.layers {
            workload.sites.extend(layer.sites().into_iter().map(|(name, weight)| site(name, weight)));
            match layer {
                Layer::Sru(sru) => {
                    workload.vectors += (sru.vectors.data().len() + sru.bias.data().len()) as u64;
                    workload.vectors_published += sru.vectors.data().len() as u64;
                    workload.elementwise += ELEMENTWISE_A_UNIT * sru.outputs() as u64;
                }
                Layer::Linear(linear) => workload.vectors += linear.bias.data().len() as u64,
                Layer::Pointwise(_) => {}
            }
        }
        workload
    }
}

impl<T: Real> Layer<T> {
    /// The layer's products, in the order data meets them.
    fn sites(&self) -> Vec<(String, &Matrix<T>)> {
        match self {
            Self::Sru(sru) => {
                let projection = sru.projection.iter().map(|(_, matrix)| (format!("{}.projection", sru.name), matrix));
                projection.chain([(sru.name.clone(), &sru.weight)]).collect()
            }
            Self::Linear(linear) => vec![(linear.name.clone(), &linear.weight)],
            Self::Pointwise(_) => Vec::new(),
        }
    }
}

fn site<T: Real>(name: String, weight: &Matrix<T>) -> Site {
    let [inputs, outputs] = weight.shape();
    let weights = weight.data().len() as u64;
    Site { name, inputs, outputs, macs: weights, weights }
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
    fn a_seed_makes_one_network_and_another_seed_another() {
        let description = NetworkDescription::from_toml(PAPER).expect("a valid description");
        let [a, b, c] = [1, 1, 2].map(|seed| Network::<f32>::new(&description, seed).expect("a valid description"));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}
