//! From a source to a dataset: synthesise where asked, open, compute features.

use crate::config::{Plan, Source};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_speech::container;
use mohaq_speech::corpus::{Corpus, fsdd, timit};
use mohaq_speech::dataset::Dataset;
use mohaq_speech::prepare::prepare;
use mohaq_speech::synth::{self, SynthConfig};
use std::path::Path;

/// The dataset of `plan`, features from its cache where they are there.
///
/// # Errors
/// Whatever the corpus' reader refuses; [`Error::OtherSynthetic`].
pub fn dataset(plan: &Plan, watch: &dyn Watch) -> Result<Dataset> {
    let corpus = match &plan.source {
        Source::Features(path) => {
            let recipe = &plan.recipe;
            return Ok(container::open(path, recipe.features.normalise, &recipe.task)?);
        }
        Source::Synthetic(path) => {
            synthesise(path, &plan.recipe.data.synthetic, watch)?;
            // What it lacks of the real TIMIT is no news: it was made that small.
            Corpus { name: "synthetic".into(), notes: Vec::new(), ..timit::open(path)? }
        }
        Source::Timit(path) => timit::open(path)?,
        Source::Fsdd(path, split) => fsdd::open(path, split)?,
    };
    let dataset = features(plan, &corpus, watch)?;
    for note in &dataset.notes {
        watch.note(note);
    }
    Ok(dataset)
}

fn features(plan: &Plan, corpus: &Corpus, watch: &dyn Watch) -> Result<Dataset> {
    watch.begin("features", corpus.recordings.len() as u64, "utterances");
    let cache = plan.out.join("cache");
    let progress = |done: usize, _total: usize| watch.advance(done as u64, "");
    let dataset = prepare(corpus, &plan.recipe.features, plan.recipe.data.states, Some(&cache), &progress)?;
    watch.end(&summary(&dataset));
    Ok(dataset)
}

/// `train 320, valid 64, test 64 sequences, 23 features a frame, 117 classes`
pub fn summary(dataset: &Dataset) -> String {
    let [train, valid, test] = [&dataset.train, &dataset.valid, &dataset.test].map(Vec::len);
    let (dim, outputs) = (dataset.dim, dataset.task.outputs_in_words());
    format!("train {train}, valid {valid}, test {test} sequences, {dim} features a frame, {outputs}")
}

/// Writes the synthetic corpus to `path` unless it is there already, made with the same settings.
///
/// # Errors
/// [`Error::OtherSynthetic`] where `path` holds a synthetic corpus of other settings; errors of the synthesiser, which
/// writes to a missing or empty directory only.
pub fn synthesise(path: &Path, config: &SynthConfig, watch: &dyn Watch) -> Result<()> {
    match synth::provenance(path)? {
        Some(found) if found.config == *config && found.generation == synth::GENERATION => return Ok(()),
        Some(_) => return Err(Error::OtherSynthetic { path: path.into() }),
        None => {}
    }
    let speakers = config.train_speakers + config.valid_speakers + config.test_speakers;
    watch.begin("synthesis", (speakers * config.sentences) as u64, "sentences");
    let made = synth::write(path, config, &|done: usize, _total: usize| watch.advance(done as u64, ""))?;
    watch.end(&format!(
        "{:.1} minutes of speech by {} speakers in {}",
        made.seconds / 60.0,
        made.speakers,
        path.display()
    ));
    Ok(())
}
