//! How fast the decoder is: frames a second on one core, for the phone sets of the two corpora.
//!
//! `cargo run --release -p mohaq-speech --example decoder_throughput`

use std::time::Instant;

use mohaq_speech::dataset::{Features, PhoneTask, Sequence};
use mohaq_speech::decode::{Decoder, DecoderWeights, PhoneModel, Workspace};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const UTTERANCES: usize = 250;
const PHONES_AN_UTTERANCE: usize = 30;
const FRAMES_A_PHONE: usize = 10;
const STATES: usize = 3;
const REPEATS: usize = 5;

fn main() -> mohaq_speech::error::Result<()> {
    for phones in [20, 39, 48] {
        let names: Vec<String> = (0..phones).map(|phone| phone.to_string()).collect();
        let fold = (0..phones as u16).map(Some).collect();
        let task = PhoneTask { phones: names.clone(), states: STATES, scored: names, fold };
        let (train, outputs) = data(phones);
        let decoder = Decoder::new(&PhoneModel::estimate(&task, &train)?, DecoderWeights::default())?;
        let mut workspace = Workspace::default();
        for (sequence, output) in train.iter().zip(&outputs) {
            assert_eq!(decoder.decode(output, &mut workspace)?.phones, sequence.reference, "wrong answer");
        }
        let mut seconds: Vec<f64> = Vec::new();
        for _ in 0..REPEATS {
            let start = Instant::now();
            for output in &outputs {
                decoder.decode(output, &mut workspace)?;
            }
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        let frames = UTTERANCES * PHONES_AN_UTTERANCE * FRAMES_A_PHONE;
        let (best, median) = (seconds[0], seconds[REPEATS / 2]);
        println!(
            "{phones} phones × {STATES} states, {frames} frames: median {median:.4} s, best {best:.4} s, {:.0} frames/s",
            frames as f64 / median
        );
    }
    Ok(())
}

/// Random phones, and posteriors clear enough that there is one right answer.
fn data(phones: usize) -> (Vec<Sequence>, Vec<Vec<f32>>) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut train, mut outputs) = (Vec::new(), Vec::new());
    for utterance in 0..UTTERANCES {
        let reference: Vec<u16> =
            (0..PHONES_AN_UTTERANCE).map(|_| (random.next_u32() % phones as u32) as u16).collect();
        let state = |frame: usize| (frame * STATES / FRAMES_A_PHONE) as u32;
        let labels: Vec<u32> = (reference.iter())
            .flat_map(|&phone| (0..FRAMES_A_PHONE).map(move |frame| u32::from(phone) * STATES as u32 + state(frame)))
            .collect();
        let classes = (phones * STATES) as u32;
        let mut output = Vec::new();
        for &label in &labels {
            let noise = random.next_u32() as f32 / u32::MAX as f32;
            output.extend((0..classes).map(|class| if class == label { -0.01 } else { -14.0 - noise }));
        }
        let (id, speaker) = (utterance.to_string(), String::new());
        train.push(Sequence { id, speaker, features: Features::default(), labels, targets: Vec::new(), reference });
        outputs.push(output);
    }
    (train, outputs)
}
