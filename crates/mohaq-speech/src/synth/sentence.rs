//! Sentences: a small grammar over the lexicon.
//!
//! It gives the phone sequence as much order as English has between neighbours and little beyond, so that a bigram phone
//! model helps and cannot do the work alone.

use super::lexicon::{Part, Word, invented, known};
use super::random::Random;

/// A sentence: clauses of words, with a pause possible between clauses.
pub(super) fn sentence(random: &mut Random, invented_words: f64) -> Vec<Vec<Word>> {
    let mut writer = Writer { random, invented_words, words: Vec::new() };
    let mut clauses = vec![writer.clause()];
    if writer.random.chance(0.3) {
        writer.add(Part::Conjunction);
        clauses.push(writer.clause());
    }
    clauses
}

/// The words as one line: lower case, full stop.
pub(super) fn text(clauses: &[Vec<Word>]) -> String {
    let words: Vec<String> = clauses.iter().flatten().map(|word| word.spelling.replace('_', " ")).collect();
    format!("{}.", words.join(" "))
}

struct Writer<'a> {
    random: &'a mut Random,
    invented_words: f64,
    words: Vec<Word>,
}

impl Writer<'_> {
    fn clause(&mut self) -> Vec<Word> {
        self.subject();
        if self.random.chance(0.35) {
            self.add(Part::Auxiliary);
            self.add(Part::Infinitive);
        } else {
            self.add(Part::Verb);
        }
        self.things();
        if self.random.chance(0.45) {
            self.add(Part::Preposition);
            self.things();
        }
        if self.random.chance(0.3) {
            self.add(Part::Adverb);
        }
        core::mem::take(&mut self.words)
    }

    fn subject(&mut self) {
        match (self.random.unit() * 10.0) as u32 {
            0..4 => self.add(Part::Pronoun),
            4..6 => self.add(Part::Name),
            _ => self.things(),
        }
    }

    fn things(&mut self) {
        self.add(Part::Determiner);
        if self.random.chance(0.4) {
            self.add(Part::Adjective);
        }
        self.add(Part::Noun);
    }

    fn add(&mut self, part: Part) {
        let open = matches!(part, Part::Noun | Part::Verb | Part::Infinitive | Part::Adjective);
        let word = if open && self.random.chance(self.invented_words) {
            invented(self.random)
        } else {
            known(part, self.random)
        };
        self.words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::random::Purpose;

    #[test]
    fn sentences_have_a_length_that_can_be_said_in_one_breath() {
        let mut lengths: Vec<usize> = (0..200)
            .map(|n| sentence(&mut Random::new(1, Purpose::Sentence, 0, n), 0.3).iter().flatten().count())
            .collect();
        lengths.sort_unstable();
        assert!(lengths[0] >= 4 && lengths[199] <= 25 && (6..=10).contains(&lengths[100]), "{lengths:?}");
    }

    #[test]
    fn text_is_one_line_of_words() {
        let clauses = sentence(&mut Random::new(1, Purpose::Sentence, 0, 0), 0.0);
        let text = text(&clauses);
        assert!(text.ends_with('.') && text.is_ascii() && !text.contains(['\n', '_']), "{text}");
    }
}
