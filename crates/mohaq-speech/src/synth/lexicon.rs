//! Words and how they are said, and words that nobody has heard before.
//!
//! Pronunciations are American, in TIMIT's names with stops unsplit (`t`, not `tcl t`): `timing` adds the closures. A `1`
//! after a vowel carries the main stress. Function words come reduced, as they are said in a sentence.

use super::random::Random;

/// A word in writing and in phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) spelling: String,
    /// Names of phones with the stress mark, stops unsplit.
    pub(super) sounds: Vec<String>,
}

/// What a word does in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Determiner,
    Adjective,
    Noun,
    Verb,
    Adverb,
    Preposition,
    Pronoun,
    Name,
    Auxiliary,
    Infinitive,
    Conjunction,
}

/// A word of `part`, in a random one of its entries.
pub(super) fn known(part: Part, random: &mut Random) -> Word {
    let entries: Vec<&str> = entries(part).lines().collect();
    parse(random.choose(&entries))
}

fn parse(entry: &str) -> Word {
    let mut fields = entry.split(' ').map(str::to_owned);
    Word { spelling: fields.next().unwrap_or_default(), sounds: fields.collect() }
}

fn entries(part: Part) -> &'static str {
    match part {
        Part::Determiner => DETERMINERS,
        Part::Adjective => ADJECTIVES,
        Part::Noun => NOUNS,
        Part::Verb => VERBS,
        Part::Adverb => ADVERBS,
        Part::Preposition => PREPOSITIONS,
        Part::Pronoun => PRONOUNS,
        Part::Name => NAMES,
        Part::Auxiliary => AUXILIARIES,
        Part::Infinitive => INFINITIVES,
        Part::Conjunction => CONJUNCTIONS,
    }
}

/// A word of one to three syllables that English allows and does not have.
pub(super) fn invented(random: &mut Random) -> Word {
    let syllables = random.choose(&[1, 1, 2, 2, 2, 3]);
    let stressed = (random.unit() * f64::from(syllables.min(2))) as i32;
    let mut word = Word { spelling: String::new(), sounds: Vec::new() };
    for syllable in 0..syllables {
        let last = syllable + 1 == syllables;
        let stress = syllable == stressed;
        append(&mut word, random.choose(ONSETS), "");
        let nucleus = if stress { random.choose(FULL) } else { random.choose(REDUCED) };
        append(&mut word, nucleus, if stress { "1" } else { "" });
        if last || random.chance(0.35) {
            append(&mut word, random.choose(if last { FINAL_CODAS } else { INNER_CODAS }), "");
        }
    }
    word
}

/// Appends `sounds` (separated by spaces) and their spelling; `mark` goes behind the last sound.
fn append(word: &mut Word, sounds: &str, mark: &str) {
    for sound in sounds.split_whitespace() {
        word.spelling.push_str(letters(sound));
        word.sounds.push(sound.to_owned());
    }
    if let Some(last) = word.sounds.last_mut() {
        last.push_str(mark);
    }
}

fn letters(sound: &str) -> &str {
    match sound {
        "aa" | "ax" => "a",
        "ae" => "a",
        "ah" => "u",
        "ao" => "aw",
        "aw" => "ou",
        "axr" | "er" => "er",
        "ay" => "y",
        "dh" | "th" => "th",
        "eh" => "e",
        "el" => "le",
        "en" => "en",
        "ey" => "ay",
        "hh" => "h",
        "ih" | "ix" => "i",
        "iy" => "ee",
        "jh" => "j",
        "ow" => "o",
        "uh" => "oo",
        "uw" | "ux" => "ue",
        "zh" => "zh",
        "dx" => "tt",
        consonant => consonant,
    }
}

const ONSETS: &[&str] = &[
    "b", "d", "g", "p", "t", "k", "f", "v", "th", "dh", "s", "z", "sh", "ch", "jh", "m", "n", "l", "r", "w", "y", "hh",
    "b r", "d r", "g r", "p r", "t r", "k r", "f r", "th r", "p l", "k l", "b l", "g l", "f l", "s l", "s p", "s t",
    "s k", "s m", "s n", "s w", "t w", "k w", "s t r", "s p r", "s k r", "b", "d", "g", "p", "v", "th", "z", "sh",
    "ch", "jh", "y", "w", "hh", "sh r",
];
const FULL: &[&str] =
    &["iy", "ih", "eh", "ae", "aa", "ao", "uh", "uw", "ah", "er", "ey", "ow", "ay", "aw", "oy", "ux", "uh", "oy", "aw"];
const REDUCED: &[&str] = &["ax", "ix", "axr", "ih", "ow", "iy"];
const INNER_CODAS: &[&str] = &["n", "m", "l", "s", "k", "p", "r", "ng", "f"];
const FINAL_CODAS: &[&str] = &[
    "", "", "", "b", "d", "g", "p", "t", "k", "f", "v", "th", "s", "z", "sh", "ch", "jh", "m", "n", "ng", "l", "r",
    "n d", "n t", "s t", "k s", "ng k", "l d", "m p", "t s", "zh", "dh", "v", "ng", "b", "g", "l t", "f t", "n z",
];

const DETERMINERS: &str = "the dh ax
the dh ax
a ax
her hh axr
his hh ix z
this dh ih s
that dh ae t
each iy1 ch
our aw axr
their dh eh r
some s ah m
every eh1 v r iy
my m ay
your y axr
both b ow1 th
no n ow1";

const ADJECTIVES: &str = "greasy g r iy1 s iy
dark d aa1 r k
thick th ih1 k
young y ah1 ng
huge hh y uw1 jh
blue b l uw1
loyal l oy1 el
rough r ah1 f
cheap ch iy1 p
bright b r ay1 t
yellow y eh1 l ow
noisy n oy1 z iy
smooth s m ux1 dh
wooden w uh1 d en
usual y uw1 zh uw el
fresh f r eh1 sh
strange s t r ey1 n jh
good g uh1 d
brown b r aw1 n
early er1 l iy
little l ih1 dx el
pretty p r ih1 dx iy
hollow hh aa1 l ow
golden g ow1 l d en
frozen f r ow1 z en
gentle jh eh1 n t el
royal r oy1 el
quiet k w ay1 ix t
proud p r aw1 d
fourth f ao1 r th
silver s ih1 l v axr
purple p er1 p el
zigzag z ih1 g z ae g
marble m aa1 r b el
foolish f uw1 l ix sh
heavy hh eh1 v iy
damp d ae1 m p
sharp sh aa1 r p
thirsty th er1 s t iy
youthful y uw1 th f el
moist m oy1 s t";

const NOUNS: &str = "water w ao1 dx axr
suit s ux1 t
boy b oy1
house hh aw1 s
book b uh1 k
garage g ax r aa1 zh
vision v ih1 zh en
measure m eh1 zh axr
treasure t r eh1 zh axr
father f aa1 dh axr
mother m ah1 dh axr
weather w eh1 dh axr
church ch er1 ch
judge jh ah1 jh
bridge b r ih1 jh
kitchen k ih1 ch en
button b ah1 t en
bottle b aa1 dx el
ladder l ae1 dx axr
city s ih1 dx iy
butter b ah1 dx axr
finger f ih1 ng g axr
singer s ih1 ng axr
song s ao1 ng
morning m ao1 r n ix ng
evening iy1 v n ix ng
ocean ow1 sh en
island ay1 l ax n d
voice v oy1 s
thunder th ah1 n d axr
cloth k l ao1 th
bath b ae1 th
mouth m aw1 th
tooth t uw1 th
path p ae1 th
garden g aa1 r d en
cookie k uh1 k iy
sugar sh uh1 g axr
wolf w uh1 l f
youth y uw1 th
yacht y aa1 t
zebra z iy1 b r ax
zoo z uw1
hammer hh ae1 m axr
violin v ay ax l ih1 n
village v ih1 l ix jh
orange ao1 r ix n jh
coffee k ao1 f iy
coin k oy1 n
toy t oy1
noise n oy1 z
mountain m aw1 n t en
cloud k l aw1 d
crowd k r aw1 d
shower sh aw1 axr
fire f ay1 axr
light l ay1 t
knife n ay1 f
snake s n ey1 k
stone s t ow1 n
smoke s m ow1 k
window w ih1 n d ow
shadow sh ae1 d ow
bird b er1 d
worker w er1 k axr
nurse n er1 s
lemon l eh1 m ax n
pepper p eh1 p axr
pocket p aa1 k ix t
bucket b ah1 k ix t
ticket t ih1 k ix t
chicken ch ih1 k ix n
giant jh ay1 ax n t
jacket jh ae1 k ix t
goat g ow1 t
game g ey1 m
dog d ao1 g
egg eh1 g
bag b ae1 g
cup k ah1 p
pump p ah1 m p
queen k w iy1 n
beach b iy1 ch
machine m ax sh iy1 n
fish f ih1 sh
cushion k uh1 sh en
leather l eh1 dh axr
feather f eh1 dh axr
robot r ow1 b aa t
shelf sh eh1 l f
hand hh ae1 n d
project p r aa1 jh eh k t";

const VERBS: &str = "washed w aa1 sh t
found f aw1 n d
watched w aa1 ch t
enjoyed eh n jh oy1 d
destroyed d ix s t r oy1 d
changed ch ey1 n jh d
took t uh1 k
pushed p uh1 sh t
measured m eh1 zh axr d
saw s ao1
chose ch ow1 z
carried k eh1 r iy d
followed f aa1 l ow d
gathered g ae1 dh axr d
breathed b r iy1 dh d
loved l ah1 v d
thought th ao1 t
moved m ux1 v d
brought b r ao1 t
covered k ah1 v axr d
painted p ey1 n t ix d
needed n iy1 d ix d
visited v ih1 z ix dx ix d
opened ow1 p en d
joined jh oy1 n d
caught k ao1 t
heard hh er1 d
made m ey1 d
left l eh1 f t
bought b ao1 t
threw th r uw1
used y uw1 z d
hung hh ah1 ng
forgot f axr g aa1 t
began b ix g ae1 n
allowed ax l aw1 d
avoided ax v oy1 dx ix d
shook sh uh1 k
climbed k l ay1 m d
judged jh ah1 jh d
hugged hh ah1 g d
grabbed g r ae1 b d
rubbed r ah1 b d
gave g ey1 v";

const ADVERBS: &str = "slowly s l ow1 l iy
usually y uw1 zh ax l iy
together t ax g eh1 dh axr
yesterday y eh1 s t axr d ey
again ax g eh1 n
there dh eh1 r
outside aw t s ay1 d
loudly l aw1 d l iy
all_year ao1 l y ih1 r
now n aw1
enough ix n ah1 f
always ao1 l w ey z
this_month dh ih1 s m ah1 n th
soon s ux1 n
carefully k eh1 r f el iy
beautifully b y uw1 dx ix f l iy";

const PREPOSITIONS: &str = "in ix n
of ax v
with w ix th
under ah n d axr
through th r uw
behind b ix hh ay n d
from f r ax m
for f axr
between b ix t w iy n
above ax b ah v
near n ih r
at ae t
on ao n
without w ix dh aw t
along ax l ao ng
beyond b ix y aa n d";

const PRONOUNS: &str = "she sh iy
he hh iy
we w iy
they dh ey
you y ux
i ay
it ih t
nobody n ow1 b ax dx iy
someone s ah1 m w ax n
who hh uw";

const NAMES: &str = "joyce jh oy1 s
george jh ao1 r jh
ruth r uw1 th
vera v ih1 r ax
hugh hh y uw1
chuck ch ah1 k
sheila sh iy1 l ax
gwen g w eh1 n
yolanda y ow l aa1 n d ax
zoe z ow1 iy
howard hh aw1 axr d
roy r oy1
kathy k ae1 th iy
brooke b r uh1 k";

const AUXILIARIES: &str = "had hh ae d
will w ax l
should sh uh d
could k uh d
might m ay t
would w uh d
can k ix n
must m ax s t";

const INFINITIVES: &str = "wash w aa1 sh
find f ay1 n d
watch w aa1 ch
enjoy eh n jh oy1
destroy d ix s t r oy1
change ch ey1 n jh
take t ey1 k
push p uh1 sh
measure m eh1 zh axr
choose ch uw1 z
gather g ae1 dh axr
breathe b r iy1 dh
leave l iy1 v
move m ux1 v
bring b r ih1 ng
cover k ah1 v axr
need n iy1 d
use y uw1 z
judge jh ah1 jh
give g ih1 v
hear hh ih1 r
sing s ih1 ng
rub r ah1 b
throw th r ow1
avoid ax v oy1 d
put p uh1 t
cook k uh1 k
shout sh aw1 t";

const CONJUNCTIONS: &str = "and en d
and ix n
but b ax t
because b ix k ax z
while w ay l
or axr
though dh ow";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::phone::{PHONES, phone};
    use crate::synth::random::Purpose;

    const PARTS: [Part; 11] = [
        Part::Determiner,
        Part::Adjective,
        Part::Noun,
        Part::Verb,
        Part::Adverb,
        Part::Preposition,
        Part::Pronoun,
        Part::Name,
        Part::Auxiliary,
        Part::Infinitive,
        Part::Conjunction,
    ];

    fn assert_said(word: &Word) {
        assert!(!word.spelling.is_empty() && !word.sounds.is_empty(), "{word:?}");
        let syllables = word.sounds.iter().filter(|s| PHONES[phone(s.trim_end_matches('1'))].syllabic()).count();
        assert!(syllables > 0, "{word:?}");
    }

    #[test]
    fn every_entry_is_made_of_known_phones_and_has_a_syllable() {
        for part in PARTS {
            for entry in entries(part).lines() {
                assert_said(&parse(entry));
            }
        }
    }

    #[test]
    fn invented_words_have_one_stress_and_rarely_repeat() {
        let mut random = Random::new(7, Purpose::Sentence, 0, 0);
        let mut words: Vec<Word> = (0..500).map(|_| invented(&mut random)).collect();
        for word in &words {
            assert_said(word);
            assert_eq!(word.sounds.iter().filter(|sound| sound.ends_with('1')).count(), 1, "{word:?}");
        }
        words.sort_by(|a, b| a.sounds.cmp(&b.sounds));
        words.dedup();
        assert!(words.len() > 475, "{}", words.len());
    }
}
