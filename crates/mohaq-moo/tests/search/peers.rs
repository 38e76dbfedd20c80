//! NSGA-II with the settings of MOHAQ on the problems of `precision.rs`.

use mohaq_moo::{Hypervolume, Nsga2, Nsga2Config, Score, Space, Survival};

use crate::precision::Problem;

impl Problem {
    /// A search with the settings of MOHAQ but for `survival`, run for `evaluations`.
    pub(crate) fn search(self, survival: Survival, seed: u64, evaluations: usize) -> Nsga2 {
        let space = Space::new(vec![4; 16]).expect("16 genes");
        let config = Nsga2Config { survival, ..Nsga2Config::default() };
        let mut search = Nsga2::new(space, config, seed).expect("the default settings are valid");
        while search.archive().len() < evaluations {
            let scores: Vec<Score> = search.ask().iter().map(|genome| self.score(genome)).collect();
            search.tell(&scores).expect("one finite score for each");
        }
        search
    }

    /// Hypervolumes of the last population's front and of everything evaluated.
    pub(crate) fn hypervolumes(self, search: &Nsga2) -> [f64; 2] {
        [search.population_front(), search.archive().front()].map(|front| {
            let mut volume = Hypervolume::new(&vec![1.0; if self == Self::BfMem { 3 } else { 2 }]).expect("2 or 3");
            for point in front {
                volume.add(&point.score.objectives).expect("finite objectives");
            }
            volume.value()
        })
    }
}
