//! Fingerprints of values, to tell whether records belong to the run that wants to go on with them.

use crate::nn::Network;
use mohaq_speech::dataset::{Development, Pooling, Sequence, Task};
use mohaq_speech::digest::Digest;

/// The fingerprint of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> String {
    format!("{:032x}", Digest::new().raw(bytes).finish())
}

/// The fingerprint of a network's parameters, by name and to the bit.
pub(crate) fn of_network(network: &Network) -> String {
    let mut digest = Digest::new();
    for parameter in network.parameters() {
        digest = digest.field(parameter.name.as_bytes());
        digest = parameter.values.data().iter().fold(digest, |digest, value| digest.number(u64::from(value.to_bits())));
    }
    format!("{:032x}", digest.finish())
}

/// A number for every loss that a training may minimise or be judged by.
pub(crate) fn of_loss(task: &Task) -> u32 {
    match task {
        Task::Phones(_) | Task::Frames { .. } => 0,
        Task::Sequences { pooling: Pooling::Mean, .. } => 1,
        Task::Sequences { pooling: Pooling::Last, .. } => 2,
        Task::Regression { .. } => 3,
        // The loss of frames, but another epoch is the best.
        Task::NextToken { .. } => 4,
        // Classes are far fewer than 2³¹.
        Task::Ctc { blank, .. } => 5 + blank,
    }
}

/// The fingerprint of what training reads: features, labels and targets of the training and validation sets, in their order,
/// and what is made of them where that does not follow from the labels.
pub(crate) fn of_training_data(data: Development<'_>) -> String {
    let of_sequence = |digest: Digest, sequence: &Sequence| {
        let digest = digest.field(sequence.id.as_bytes()).number(sequence.features.frames() as u64);
        let features = sequence.features.values.iter().map(|value| u64::from(value.to_bits()));
        let labels = sequence.labels.iter().map(|&label| u64::from(label));
        let targets = sequence.targets.iter().map(|value| u64::from(value.to_bits()));
        features.chain(labels).chain(targets).fold(digest, Digest::number)
    };
    let sets = [data.train, data.valid].into_iter();
    let digest = sets.fold(Digest::new(), |digest, set| set.iter().fold(digest.number(set.len() as u64), of_sequence));
    let digest = match of_loss(data.task) {
        0 | 1 => digest,
        loss => digest.number(loss.into()),
    };
    format!("{:032x}", digest.finish())
}
