//! Overlays: what a recipe says for another corpus than the one it was written for.
//!
//! ```toml
//! [data]
//! corpus = "timit"
//!
//! [corpus.fsdd.train]    # on corpus `fsdd`, `train.epochs` is 16
//! epochs = 16
//! ```
//!
//! The overlay of the corpus in use is merged over the recipe before anything is typed: tables key by key, while anything
//! else, lists included, replaces what was there. Every value keeps its place in the text, so that an error in an overlay
//! has its line like any other. Nothing of `corpus` is left afterwards: a recipe that has been read is one for one corpus.

use super::recipe::CorpusKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as Unknown, StrDeserializer};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// Why a text is no recipe, and where in it.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    /// Expected and got.
    pub(super) message: String,
    /// Bytes of the text.
    pub(super) span: Option<Range<usize>>,
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        Self { message: error.message().to_owned(), span: error.span() }
    }
}

/// A recipe's text as tables, its overlays apart.
pub(super) struct Document<'t> {
    root: Spanned<DeTable<'t>>,
    overlays: Vec<(CorpusKind, DeTable<'t>)>,
}

impl<'t> Document<'t> {
    /// Reads `text` and takes `[corpus…]` out of it.
    pub(super) fn read(text: &'t str) -> Result<Self, Fault> {
        let mut root = DeTable::parse(text)?;
        let overlays = match root.get_mut().remove("corpus") {
            None => Vec::new(),
            Some(corpora) => overlays(corpora)?,
        };
        Ok(Self { root, overlays })
    }

    /// The corpora that have an overlay.
    pub(super) fn corpora(&self) -> impl Iterator<Item = CorpusKind> {
        self.overlays.iter().map(|(corpus, _)| *corpus)
    }

    /// The recipe as written, without any overlay.
    pub(super) fn written<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        Ok(T::deserialize(Deserializer::from(self.root.clone()))?)
    }

    /// The recipe on `corpus`, which was written for `home`: under the overlay of `corpus`, where it has one.
    ///
    /// The path and the split of one corpus are not those of another: where `corpus` is not `home`, both are dropped.
    pub(super) fn on<T: DeserializeOwned>(&self, corpus: CorpusKind, home: CorpusKind) -> Result<T, Fault> {
        let mut root = self.root.clone();
        if corpus != home
            && let Some(DeValue::Table(data)) = root.get_mut().get_mut("data").map(Spanned::get_mut)
        {
            data.remove("path");
            data.remove("split");
            let place = 0..0;
            let name = DeValue::String(Cow::Borrowed(corpus.key()));
            data.insert(Spanned::new(place.clone(), Cow::Borrowed("corpus")), Spanned::new(place, name));
        }
        if let Some((_, overlay)) = self.overlays.iter().find(|(of, _)| *of == corpus) {
            merge(root.get_mut(), overlay);
        }
        Ok(T::deserialize(Deserializer::from(root))?)
    }
}

/// The tables of `[corpus…]` by the corpora they are for.
fn overlays<'t>(corpora: Spanned<DeValue<'t>>) -> Result<Vec<(CorpusKind, DeTable<'t>)>, Fault> {
    let span = Some(corpora.span());
    let DeValue::Table(corpora) = corpora.into_inner() else {
        return Err(Fault {
            message: "invalid type: `corpus` is a value, expected tables `[corpus.NAME]`".into(),
            span,
        });
    };
    corpora.into_iter().map(|(name, overlay)| named(&name, overlay)).collect()
}

fn named<'t>(name: &Spanned<Cow<'t, str>>, overlay: Spanned<DeValue<'t>>) -> Result<(CorpusKind, DeTable<'t>), Fault> {
    let corpus = CorpusKind::deserialize(StrDeserializer::<Unknown>::new(name.get_ref()));
    let corpus = corpus.map_err(|error| Fault { message: error.to_string(), span: Some(name.span()) })?;
    let span = Some(overlay.span());
    let DeValue::Table(overlay) = overlay.into_inner() else {
        return Err(Fault {
            message: format!("invalid type: `corpus.{}` is a value, expected a table", corpus.key()),
            span,
        });
    };
    if let Some(DeValue::Table(data)) = overlay.get("data").map(Spanned::get_ref)
        && let Some((key, _)) = data.get_key_value("corpus")
    {
        let message = format!("the overlay of `{}` cannot be for another corpus", corpus.key());
        return Err(Fault { message, span: Some(key.span()) });
    }
    Ok((corpus, overlay))
}

/// Tables key by key; anything else of `over` replaces what `base` has there.
fn merge<'t>(base: &mut DeTable<'t>, over: &DeTable<'t>) {
    for (key, value) in over {
        match (base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(base)), DeValue::Table(over)) => merge(base, over),
            _ => {
                // Taken out first: a map keeps the key that is there, and with it a place outside the overlay.
                base.remove(key.get_ref().as_ref());
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
