//! Names that C takes.

use super::ExportError;

/// Words that C99 or C11 keeps for itself, and `main`.
const WORDS: [&str; 39] = [
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float",
    "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof",
    "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm", "fortran",
    "main", "bool", "device",
];

/// Letters of a name at most: C99 tells 31 of what a linker sees apart, and `_quantize` is put behind it.
const LONGEST: usize = 22;

/// A name of files, functions and, in capitals, of macros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// `name`, where C takes it.
    ///
    /// # Errors
    /// [`ExportError::Name`] for what is no identifier, begins with an underscore, is a word of C, or is too long.
    pub fn new(name: &str) -> Result<Self, ExportError> {
        let error = |reason| Err(ExportError::Name { name: name.to_owned(), reason });
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return error("expected a letter first");
        }
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return error("expected letters, digits and _");
        }
        if name.len() > LONGEST {
            return error("expected at most 22 letters");
        }
        if WORDS.contains(&name) {
            return error("a word that is taken");
        }
        Ok(Self(name.to_owned()))
    }

    /// As it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In capitals, in front of macros.
    pub fn prefix(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_of_c_are_names() {
        for good in ["network", "Kws2", "a", "key_word_spotter_22_abc"] {
            assert_eq!(Name::new(good).is_ok(), good.len() <= LONGEST, "{good}");
        }
        assert_eq!(Name::new("kws_v2").map(|name| name.prefix()).ok().as_deref(), Some("KWS_V2"));
        for bad in ["", "2fast", "_kws", "key-word", "a b", "gru.c", "größe", "for", "main", "static"] {
            let error = Name::new(bad).expect_err(bad);
            assert!(error.hint().is_some_and(|hint| hint.contains("--name")), "{error}");
        }
    }
}
