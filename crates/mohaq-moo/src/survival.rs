//! Who lives on: constrained domination, then rank, then crowding (Deb et al. 2002, §III and §VI).
//!
//! Feasible candidates are ranked by front; the front that does not fit as a whole is pruned where it is crowded. The
//! infeasible come after all of them, each violation a rank of its own. Candidates are brought into the order of their
//! genomes first and ties are broken by it, so the result depends on the set of candidates and not on how they came.

use crate::{
    Archive, Points,
    crowding::{loneliness, prune},
    non_dominated_sort,
};

/// A member of the population and its place in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// Position in the archive.
    pub(crate) position: usize,
    /// 0 is best.
    pub(crate) rank: usize,
    /// Larger is lonelier; compared within a rank only.
    pub(crate) crowding: f64,
}

/// The best `keep` of the `candidates`, which are positions in `archive`; best first.
pub(crate) fn select(archive: &Archive, mut candidates: Vec<usize>, keep: usize) -> Vec<Member> {
    let evaluations = archive.evaluations();
    candidates.sort_unstable_by(|&a, &b| evaluations[a].genome.cmp(&evaluations[b].genome));
    let (feasible, infeasible): (Vec<usize>, Vec<usize>) =
        candidates.into_iter().partition(|&position| evaluations[position].score.is_feasible());
    let mut members = Vec::new();
    rank_feasible(archive, &feasible, keep, &mut members);
    rank_infeasible(archive, infeasible, &mut members);
    members.truncate(keep);
    members
}

/// Appends fronts until there are `keep` members, each with the lonelier first; the last is pruned to what fits.
fn rank_feasible(archive: &Archive, feasible: &[usize], keep: usize, members: &mut Vec<Member>) {
    let objectives = |&position: &usize| archive.evaluations()[position].score.objectives.as_slice();
    let points = Points::recorded(feasible.iter().map(objectives));
    for (rank, indices) in non_dominated_sort(&points).into_iter().enumerate() {
        let begin = members.len();
        if begin >= keep {
            return;
        }
        let front = points.subset(&indices);
        let kept = prune(&front, keep - begin);
        let crowding = loneliness(&front.subset(&kept));
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
