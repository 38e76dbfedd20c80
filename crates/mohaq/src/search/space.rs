//! The space of a search: which choices are free, and how a genome becomes a precision for every site.

use crate::nn::{Site, SiteId, Workload};
use crate::platform::{Platform, PlatformError};
use crate::quant::{Precision, QuantSpec};
use mohaq_moo::{Genome, Space};
use mohaq_rt::Bits;
use std::collections::BTreeSet;

/// What one gene decides, for one site.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// The width of the weights.
    Weight(Vec<Bits>),
    /// The width of the inputs.
    Activation(Vec<Bits>),
    /// Both at once: the platform ties them, or allows only some pairs.
    Pair(Vec<Precision>),
    /// The width of a table, with the pair that stands for it.
    Table(Vec<Precision>),
}

impl Choice {
    fn levels(&self) -> usize {
        match self {
            Self::Weight(widths) | Self::Activation(widths) => widths.len(),
            Self::Pair(pairs) | Self::Table(pairs) => pairs.len(),
        }
    }
}

/// The free choices over the sites of one network on one platform.
///
/// The rows of a table are not multiplied: it has one gene, its width, and of the platform's pairs of that width the one with
/// the widest input. Elsewhere, where the platform allows every pair of some widths, a site has two genes, weight first; otherwise one gene that picks
/// among the allowed pairs. Levels are ordered by width, so that neighbouring levels are neighbouring precisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecisionSpace {
    sites: usize,
    choices: Vec<(SiteId, Choice)>,
}

impl PrecisionSpace {
    /// The space that `platform` leaves free over the sites of `workload`.
    ///
    /// # Errors
    /// [`PlatformError::Unpriced`] at the first site that the platform knows no precision for.
    pub fn new(workload: &Workload, platform: &dyn Platform) -> Result<Self, PlatformError> {
        let of_site = |site: &Site| platform.precisions_at(site);
        match workload.sites.iter().find(|site| of_site(site).is_empty()) {
            Some(site) => Err(PlatformError::unpriced(platform, site)),
            None => Ok(Self::over(workload, of_site)),
        }
    }

    /// The space over the sites of `workload` where every one may take each of `pairs`.
    pub fn among(workload: &Workload, pairs: &[Precision]) -> Self {
        Self::over(workload, |_| pairs.to_vec())
    }

    fn over(workload: &Workload, pairs_of: impl Fn(&Site) -> Vec<Precision>) -> Self {
        let mut choices = Vec::new();
        for (index, site) in workload.sites.iter().enumerate() {
            let pairs = pairs_of(site);
            // Nothing is multiplied at a table.
            let of_site =
                if site.macs == 0 { vec![Choice::Table(pairs_of_tables(&pairs))] } else { choices_of(&pairs) };
            choices.extend(of_site.into_iter().map(|choice| (SiteId(index), choice)));
        }
        Self { sites: workload.sites.len(), choices }
    }

    /// The box the search moves in.
    ///
    /// # Errors
    /// [`mohaq_moo::Error`] for a network without sites.
    pub fn genes(&self) -> Result<Space, mohaq_moo::Error> {
        Space::new(self.choices.iter().map(|(_, choice)| choice.levels() as u16).collect())
    }

    /// Number of sites.
    pub fn sites(&self) -> usize {
        self.sites
    }

    /// Number of candidates in the space.
    pub fn candidates(&self) -> f64 {
        self.choices.iter().map(|(_, choice)| choice.levels() as f64).product()
    }

    /// What `platform` leaves free and what it rules out, in a sentence.
    pub fn in_words(&self, workload: &Workload, platform: &dyn Platform) -> String {
        let all = platform.precisions();
        let kind = match choices_of(all).as_slice() {
            [Choice::Weight(_), Choice::Activation(_)] => "weights and activations free",
            _ if platform.tied() => "weights and activations tied",
            _ => "not every pair allowed",
        };
        let fewer = workload.sites.iter().filter_map(|site| {
            let here = platform.precisions_at(site);
            let listed: Vec<String> = here.iter().map(ToString::to_string).collect();
            (here.len() < all.len()).then(|| format!("; `{}` only at {}", site.name, listed.join(", ")))
        });
        let (name, choices, candidates) = (platform.name(), self.choices.len(), self.candidates());
        let fewer: String = fewer.collect();
        format!("{name}: {} precisions, {kind}; {choices} choices, {candidates:.1e} candidates{fewer}", all.len())
    }

    /// The precisions that `genome` stands for.
    ///
    /// # Panics
    /// When `genome` is not of this space.
    pub fn decode(&self, genome: &Genome) -> QuantSpec {
        assert_eq!(genome.0.len(), self.choices.len(), "one gene a choice");
        let mut spec = QuantSpec::uniform(Precision::new(Bits::Sixteen, Bits::Sixteen), self.sites);
        for (&level, (site, choice)) in genome.0.iter().zip(&self.choices) {
            let (precision, level) = (&mut spec.0[site.0], usize::from(level));
            match choice {
                Choice::Weight(widths) => precision.weight = widths[level],
                Choice::Activation(widths) => precision.activation = widths[level],
                Choice::Pair(pairs) | Choice::Table(pairs) => *precision = pairs[level],
            }
        }
        spec
    }

    /// The genome of `spec`; `None` where the space does not hold it. The width of a table's input means nothing.
    pub fn encode(&self, spec: &QuantSpec) -> Option<Genome> {
        let level = |(site, choice): &(SiteId, Choice)| {
            let precision = spec.0.get(site.0)?;
            match choice {
                Choice::Weight(widths) => widths.iter().position(|width| *width == precision.weight),
                Choice::Activation(widths) => widths.iter().position(|width| *width == precision.activation),
                Choice::Pair(pairs) => pairs.iter().position(|pair| pair == precision),
                Choice::Table(pairs) => pairs.iter().position(|pair| pair.weight == precision.weight),
            }
        };
        let levels: Option<Vec<u16>> = self.choices.iter().map(|gene| level(gene).map(|level| level as u16)).collect();
        levels.map(Genome)
    }
}

/// The genes of one site under the allowed `pairs`.
fn choices_of(pairs: &[Precision]) -> Vec<Choice> {
    let pairs: BTreeSet<Precision> = pairs.iter().copied().collect();
    let weights: BTreeSet<Bits> = pairs.iter().map(|pair| pair.weight).collect();
    let activations: BTreeSet<Bits> = pairs.iter().map(|pair| pair.activation).collect();
    if pairs.len() == weights.len() * activations.len() {
        let (weights, activations) = (weights.into_iter().collect(), activations.into_iter().collect());
        vec![Choice::Weight(weights), Choice::Activation(activations)]
    } else {
        vec![Choice::Pair(pairs.into_iter().collect())]
    }
}

/// One pair for every width of the weights.
fn pairs_of_tables(pairs: &[Precision]) -> Vec<Precision> {
    let mut widest = std::collections::BTreeMap::new();
    for pair in pairs {
        let activation = widest.entry(pair.weight).or_insert(pair.activation);
        *activation = std::cmp::max(pair.activation, *activation);
    }
    widest.into_iter().map(|(weight, activation)| Precision::new(weight, activation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(widths: &[Bits], tied: bool) -> Vec<Precision> {
        let all = widths.iter().flat_map(|&w| widths.iter().map(move |&a| Precision::new(w, a)));
        all.filter(|pair| !tied || pair.weight == pair.activation).collect()
    }

    #[test]
    fn a_full_product_has_two_genes_and_a_tie_has_one() {
        let free = choices_of(&pairs(&Bits::ALL, false));
        assert_eq!(free.iter().map(Choice::levels).collect::<Vec<_>>(), [4, 4]);
        let tied = choices_of(&pairs(&Bits::ALL[1..], true));
        assert_eq!(tied.iter().map(Choice::levels).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_space_says_what_a_platform_leaves_free() {
        let site = |name: &str, inputs| Site {
            name: name.into(),
            inputs,
            outputs: 8,
            macs: 8 * inputs as u64,
            weights: 8 * inputs as u64,
            recurrent: false,
        };
        let workload = Workload { sites: vec![site("a", 4), site("b", 6)], ..Workload::default() };
        let words = |platform: &dyn Platform| {
            PrecisionSpace::new(&workload, platform).map(|space| space.in_words(&workload, platform))
        };
        let builtin = |name: &str| words(&crate::platform::load(name).unwrap()).unwrap();
        let free = "16 precisions, weights and activations free; 4 choices, 2.6e2 candidates";
        assert_eq!(builtin("bitfusion"), format!("bitfusion: {free}"));
        let tied = "3 precisions, weights and activations tied; 2 choices, 9.0e0 candidates";
        assert_eq!(builtin("silago"), format!("silago: {tied}"));
        let pairs = "4 precisions, not every pair allowed; 2 choices, 1.6e1 candidates";
        assert_eq!(builtin("fpga-dsp48"), format!("fpga-dsp48: {pairs}"));
        let table = |outputs: usize| {
            let text = format!(
                "schema = 2\nmodel = \"lut\"\nname = \"t\"\ntitle = \"T\"\n[operands]\npairs = [\"4x8\", \"8x8\"]\n[lut]\n\
                 [[lut.product]]\ninputs = 4\noutputs = 8\nns = {{ 4x8 = 1, 8x8 = 2 }}\n\
                 [[lut.product]]\ninputs = 6\noutputs = {outputs}\nns = {{ 8x8 = 2 }}\n"
            );
            words(&crate::platform::TablePlatform::parse(&text, "t").unwrap())
        };
        let expected = "t: 2 precisions, weights and activations free; 4 choices, 2.0e0 candidates; `b` only at 8x8";
        assert_eq!(table(8).unwrap(), expected);
        let error = table(9).expect_err("no precision at `b`").to_string();
        assert_eq!(error, "site `b`: platform `t` has no measurement around 6 to 8");
    }

    #[test]
    fn decoding_undoes_encoding() {
        for tied in [false, true] {
            let choices = choices_of(&pairs(&Bits::ALL, tied));
            let choices = (0..3).flat_map(|site| choices.iter().map(move |c| (SiteId(site), c.clone()))).collect();
            let space = PrecisionSpace { sites: 3, choices };
            let genes = space.genes().unwrap().genes() as u16;
            let genome = Genome((0..genes).map(|gene| (gene * 7 + 3) % 4).collect());
            assert_eq!(space.encode(&space.decode(&genome)), Some(genome));
        }
    }

    #[test]
    fn a_table_has_one_gene_and_its_input_means_nothing() {
        let pairs = pairs(&[Bits::Four, Bits::Eight], false);
        assert_eq!(pairs_of_tables(&pairs), ["4x8", "8x8"].map(|pair| pair.parse().unwrap()));
        let tables = Choice::Table(pairs_of_tables(&pairs));
        let space = PrecisionSpace { sites: 1, choices: vec![(SiteId(0), tables)] };
        let genome = space.encode(&QuantSpec::parse("4x4", 1).unwrap()).unwrap();
        assert_eq!(space.decode(&genome), QuantSpec::parse("4x8", 1).unwrap());
    }
}
