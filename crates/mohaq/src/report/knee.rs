//! The knee of a front: where to begin looking.

use super::{Direction, Evaluation, Report};

impl Report {
    /// The member of the front that is nearest to the best of every objective at once, each scaled to what the front spans:
    /// the knee. The lowest number among equally near ones; `None` for an empty front.
    ///
    /// An objective that a member lacks counts as the worst of the front.
    pub fn knee(&self) -> Option<u64> {
        let members: Vec<&Evaluation> = self.front.iter().filter_map(|point| self.candidate(point.id)).collect();
        let mut distances = vec![0.0; members.len()];
        for (index, objective) in self.objectives.iter().enumerate() {
            let sign = if objective.direction == Direction::Minimize { 1.0 } else { -1.0 };
            let values: Vec<Option<f64>> =
                members.iter().map(|member| member.values.get(index)?.get().map(|value| sign * value)).collect();
            let known = || values.iter().flatten().copied();
            let [best, worst] = [known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max)];
            for (distance, value) in distances.iter_mut().zip(&values) {
                let share = value.map_or(1.0, |value| if worst > best { (value - best) / (worst - best) } else { 0.0 });
                *distance += share * share;
            }
        }
        let nearest = members.iter().zip(&distances).min_by(|(a, x), (b, y)| x.total_cmp(y).then(a.id.cmp(&b.id)));
        nearest.map(|(member, _)| member.id)
    }

    /// The candidate with number `id`.
    pub fn candidate(&self, id: u64) -> Option<&Evaluation> {
        self.evaluations.iter().find(|candidate| candidate.id == id)
    }
}
