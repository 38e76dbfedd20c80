//! Who lives on: constrained domination, then rank, then crowding (Deb et al. 2002, §III and §VI) or hypervolume.
//!
//! Feasible candidates are ranked by front; the front that does not fit as a whole is pruned where it is crowded, or where
//! it adds the least. The
//! infeasible come after all of them, each violation a rank of its own. Candidates are brought into the order of their
//! genomes first and ties are broken by it, so the result depends on the set of candidates and not on how they came.

use crate::{Archive, Points, contribution, crowding, non_dominated_sort};

/// Which members of a front live on when not all can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Survival {
    /// The lonelier, by crowding distance, or by nearest neighbours from three objectives on (NSGA-II).
    #[default]
    Crowding,
    /// Those that add the most to the hypervolume (SMS-EMOA). With two objectives no better than crowding; with three it found
    /// 1 to 5 % more hypervolume in 630 evaluations (`examples/peer_problems.rs`), for tens of microseconds an evaluation.
    /// Every member of a front of `n` that goes takes n² log n steps with three objectives, n³ log n with four.
    Hypervolume,
}

impl Survival {
    fn prune(self, front: &Points, keep: usize) -> Vec<usize> {
        match self {
            Self::Crowding => crowding::prune(front, keep),
            Self::Hypervolume => contribution::prune(front, keep),
        }
    }

    fn measure(self, front: &Points) -> Vec<f64> {
        match self {
            Self::Crowding => crowding::loneliness(front),
            Self::Hypervolume => contribution::hypervolume_contribution(front),
        }
    }
}

/// A member of the population and its place in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// Position in the archive.
    pub(crate) position: usize,
    /// 0 is best.
    pub(crate) rank: usize,
    /// Larger is lonelier, or adds more; compared within a rank only.
    pub(crate) crowding: f64,
}

/// The best `keep` of the `candidates`, which are positions in `archive`; best first.
pub(crate) fn select(archive: &Archive, mut candidates: Vec<usize>, keep: usize, survival: Survival) -> Vec<Member> {
    let evaluations = archive.evaluations();
    candidates.sort_unstable_by(|&a, &b| evaluations[a].genome.cmp(&evaluations[b].genome));
    let (feasible, infeasible): (Vec<usize>, Vec<usize>) =
        candidates.into_iter().partition(|&position| evaluations[position].score.is_feasible());
    let mut members = Vec::new();
    rank_feasible(archive, &feasible, keep, survival, &mut members);
    rank_infeasible(archive, infeasible, &mut members);
    members.truncate(keep);
    members
}

/// Appends fronts until there are `keep` members, each with the lonelier first; the last is pruned to what fits.
fn rank_feasible(archive: &Archive, feasible: &[usize], keep: usize, survival: Survival, members: &mut Vec<Member>) {
    let objectives = |&position: &usize| archive.evaluations()[position].score.objectives.as_slice();
    let points = Points::recorded(feasible.iter().map(objectives));
    for (rank, indices) in non_dominated_sort(&points).into_iter().enumerate() {
        let begin = members.len();
        if begin >= keep {
            return;
        }
        let front = points.subset(&indices);
        let kept = survival.prune(&front, keep - begin);
        let crowding = survival.measure(&front.subset(&kept));
        let member = |(&index, crowding): (&usize, f64)| Member { position: feasible[indices[index]], rank, crowding };
        members.extend(kept.iter().zip(crowding).map(member));
        // Stable: equally crowded members stay in the order of their genomes.
        members[begin..].sort_by(|a, b| b.crowding.total_cmp(&a.crowding));
    }
}

/// Appends the infeasible, the smallest violation first.
fn rank_infeasible(archive: &Archive, mut infeasible: Vec<usize>, members: &mut Vec<Member>) {
    let violation = |position: usize| archive.evaluations()[position].score.violation;
    infeasible.sort_by(|&a, &b| violation(a).total_cmp(&violation(b)));
    let mut rank = members.last().map_or(0, |member| member.rank + 1);
    for (index, &position) in infeasible.iter().enumerate() {
        if index > 0 && violation(position) > violation(infeasible[index - 1]) {
            rank += 1;
        }
        members.push(Member { position, rank, crowding: 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Evaluation, Genome, Score};

    fn archive(scores: &[Score], order: &[usize]) -> Archive {
        let mut archive = Archive::new();
        let evaluation =
            |&index: &usize| Evaluation { genome: Genome(vec![index as u16]), score: scores[index].clone() };
        archive.record(order.iter().map(evaluation).collect()).unwrap();
        archive
    }

    /// Gene, rank and crowding of the survivors.
    fn survivors(archive: &Archive, keep: usize) -> Vec<(u16, usize, f64)> {
        let members = select(archive, (0..archive.len()).collect(), keep, Survival::Crowding);
        let gene = |member: &Member| archive.evaluations()[member.position].genome.0[0];
        members.iter().map(|member| (gene(member), member.rank, member.crowding)).collect()
    }

    fn scores() -> impl Strategy<Value = Vec<Score>> {
        (1usize..=4).prop_flat_map(|objectives| {
            let values = prop::collection::vec((0u8..5).prop_map(f64::from), objectives);
            let violation = prop_oneof![3 => Just(0.0), 1 => (1u8..4).prop_map(f64::from)];
            let score = (values, violation).prop_map(|(objectives, violation)| Score { objectives, violation });
            prop::collection::vec(score, 1..40)
        })
    }

    proptest! {
        #[test]
        fn survivors_do_not_depend_on_the_order_of_candidates(
            (scores, order) in scores().prop_flat_map(|scores| {
                let order: Vec<usize> = (0..scores.len()).collect();
                (Just(scores), Just(order).prop_shuffle())
            }),
            keep in 1usize..30,
        ) {
            let sorted: Vec<usize> = (0..scores.len()).collect();
            let kept = survivors(&archive(&scores, &sorted), keep);
            prop_assert_eq!(&kept, &survivors(&archive(&scores, &order), keep));
            prop_assert_eq!(kept.len(), keep.min(scores.len()));
        }

        #[test]
        fn whoever_is_left_out_beats_no_survivor(scores in scores(), keep in 1usize..30) {
            let order: Vec<usize> = (0..scores.len()).collect();
            let kept: Vec<usize> = survivors(&archive(&scores, &order), keep).iter().map(|it| it.0.into()).collect();
            let beats = |a: &Score, b: &Score| match (a.is_feasible(), b.is_feasible()) {
                (true, true) => crate::dominates(&a.objectives, &b.objectives),
                _ => a.violation < b.violation,
            };
            for out in (0..scores.len()).filter(|index| !kept.contains(index)) {
                prop_assert!(!kept.iter().any(|&survivor| beats(&scores[out], &scores[survivor])));
            }
        }
    }

    #[test]
    fn infeasible_candidates_follow_by_violation_whatever_their_objectives() {
        let infeasible = |violation| Score { objectives: vec![f64::NAN], violation };
        let scores = [infeasible(2.0), Score::feasible(vec![9.0]), infeasible(0.5), infeasible(2.0)];
        let kept = survivors(&archive(&scores, &[0, 1, 2, 3]), 4);
        let places: Vec<(u16, usize)> = kept.iter().map(|it| (it.0, it.1)).collect();
        assert_eq!(places, [(1, 0), (2, 1), (0, 2), (3, 2)]);
    }
}
