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

#[cfg(test)]
mod tests {
    use super::super::tests::plausible::report;
    use super::super::{Figure, FrontPoint};
    use super::*;

    /// A report whose front has these values of two objectives, the second of which is maximised.
    fn front(values: &[[f64; 2]]) -> Report {
        let mut report = report(80);
        report.objectives.truncate(2);
        report.objectives[0].direction = Direction::Minimize;
        report.objectives[1].direction = Direction::Maximize;
        report.evaluations.truncate(values.len());
        report.front.clear();
        for (candidate, values) in report.evaluations.iter_mut().zip(values) {
            candidate.values = values.map(Figure::from).to_vec();
            let missing = Figure::MISSING;
            report.front.push(FrontPoint {
                id: candidate.id,
                search_error: missing,
                valid_error: missing,
                test_error: missing,
                explained: None,
            });
        }
        report
    }

    #[test]
    fn the_knee_is_nearest_to_the_best_of_both() {
        let report = front(&[[10.0, 1.0], [11.0, 30.0], [14.0, 33.0], [20.0, 41.0]]);
        // Shares of what the front spans: 0 and 1, 0.1 and 0.275, 0.4 and 0.2, 1 and 0.
        assert_eq!(report.knee(), Some(report.evaluations[1].id));
        // Seconds in place of hours change nothing.
        let scaled = front(&[[36_000.0, 1.0], [39_600.0, 30.0], [50_400.0, 33.0], [72_000.0, 41.0]]);
        assert_eq!(scaled.knee(), Some(scaled.evaluations[1].id));
    }

    #[test]
    fn a_front_of_one_is_its_own_knee_and_none_has_none() {
        let mut one = front(&[[10.0, f64::NAN]]);
        assert_eq!(one.knee(), Some(one.evaluations[0].id));
        one.front.clear();
        assert_eq!(one.knee(), None);
        assert_eq!(one.candidate(u64::MAX), None);
    }
}
