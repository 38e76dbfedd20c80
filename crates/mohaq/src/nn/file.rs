//! Networks on disk: one safetensors file with the parameters under their names and the description in its metadata.

use super::{Network, NetworkDescription};
use crate::tensor::file::{Stored, write};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the layout, part of what a file says to hold.
const KIND: &str = "network 1";

/// Numbers for which room may be made beyond what a file holds: 4 MiB.
const SPARE_NUMBERS: u128 = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    kind: String,
    description: NetworkDescription,
}

impl Network {
    /// Writes the network, replacing the file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Safetensors`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let note = Note { kind: KIND.to_owned(), description: self.description().clone() };
        let note = serde_json::to_string(&note).map_err(|source| Error::Note { path: path.to_owned(), source })?;
        let parameters = self.parameters();
        let matrices: Vec<_> = parameters.into_iter().map(|parameter| (parameter.name, parameter.values)).collect();
        write(path, &matrices, note)
    }

    /// Reads a network that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Where the file cannot be read, is of another kind, has a description that does not
    /// [`check`](NetworkDescription::check), or lacks, adds or misshapes a parameter, or holds one that is not finite:
    /// each by name.
    pub fn load(path: &Path) -> Result<Self> {
        let mut stored = Stored::read(path)?;
        let json = |source| Error::Note { path: path.to_owned(), source };
        let note: serde_json::Value = serde_json::from_str(stored.note()).map_err(json)?;
        if note["kind"] != KIND {
            let got = note["kind"].as_str().unwrap_or_default().to_owned();
            return Err(Error::NoteKind { path: path.to_owned(), got, expected: KIND });
        }
        let note: Note = serde_json::from_value(note).map_err(json)?;
        note.description.check()?;
        // Room is made for about what the file holds, not for what its description promises. A tensor that is missing or of
        // another shape is named below, where there is room enough to look.
        let (got, expected) = (stored.numbers(), note.description.parameters());
        if expected > 2 * got as u128 + SPARE_NUMBERS {
            return Err(Error::TooFewNumbers { path: path.to_owned(), got, expected });
        }
        let mut network = Self::zeros(&note.description)?;
        for parameter in network.parameters_mut() {
            stored.take(&parameter.name, parameter.values)?;
        }
        stored.finish()?;
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Matrix;

    fn network() -> Network {
        let text = "input = 3\n[[layers]]\nkind = \"sru\"\nhidden = 2\n[[layers]]\nkind = \"linear\"\noutputs = 4";
        Network::new(&NetworkDescription::from_toml(text).expect("valid"), 1).expect("valid")
    }

    /// What loading says of a file whose matrices have been changed.
    fn refusal(change: impl FnOnce(&mut Vec<(String, Matrix)>)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("network.safetensors");
        let network = network();
        let mut matrices: Vec<_> = network.parameters().into_iter().map(|p| (p.name, p.values.clone())).collect();
        change(&mut matrices);
        let matrices: Vec<_> = matrices.iter().map(|(name, matrix)| (name.clone(), matrix)).collect();
        let note = Note { kind: KIND.to_owned(), description: network.description().clone() };
        write(&path, &matrices, serde_json::to_string(&note).expect("JSON")).expect("written");
        let message = Network::load(&path).expect_err("a refusal").to_string();
        message.replace(&format!("{}: ", path.display()), "")
    }

    #[test]
    fn a_network_comes_back_the_same_and_its_file_has_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        network().save(&a).expect("saved");
        let loaded = Network::load(&a).expect("loaded");
        assert_eq!(loaded, network());
        loaded.save(&b).expect("saved");
        assert_eq!(std::fs::read(a).expect("bytes"), std::fs::read(b).expect("bytes"));
    }

    #[test]
    fn every_lie_of_a_file_is_named() {
        assert_eq!(refusal(|m| drop(m.remove(1))), "tensor `l0.vectors` is missing");
        let extra = |m: &mut Vec<_>| m.push(("l9.weight".to_owned(), Matrix::zeros(1, 1)));
        assert_eq!(refusal(extra), "tensor `l9.weight` belongs to nothing in the description");
        let shape = |m: &mut Vec<(_, Matrix)>| m[3].1 = Matrix::zeros(4, 2);
        assert_eq!(refusal(shape), "tensor `fc.weight` has shape [4, 2], expected [2, 4]");
        let nan = |m: &mut Vec<(_, Matrix)>| m[0].1.row_mut(2)[1] = f32::NAN;
        assert_eq!(refusal(nan), "tensor `l0.weight` holds NaN at [2, 1]");
    }

    #[test]
    fn a_small_file_that_promises_a_large_network_makes_no_room_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("network.safetensors");
        let description = "input = 3\n[[layers]]\nkind = \"linear\"\noutputs = 400000000";
        let description = NetworkDescription::from_toml(description).expect("below the limit");
        let note = Note { kind: KIND.to_owned(), description };
        write(&path, &[], serde_json::to_string(&note).expect("JSON")).expect("written");
        assert!(matches!(Network::load(&path), Err(Error::TooFewNumbers { got: 0, .. })));
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        assert!(matches!(Network::load(&path), Err(Error::Io { .. })));
        for bytes in [&b""[..], b"RIFF", &[0xff; 64], &[0; 8]] {
            std::fs::write(&path, bytes).expect("written");
            assert!(matches!(Network::load(&path), Err(Error::Safetensors { .. })), "{bytes:?}");
        }
        write(&path, &[], "{\"kind\":\"training 1\"}".to_owned()).expect("written");
        assert!(matches!(Network::load(&path), Err(Error::NoteKind { .. })));
        write(&path, &[], "nonsense".to_owned()).expect("written");
        assert!(matches!(Network::load(&path), Err(Error::Note { .. })));
        network().save(&path).expect("saved");
        let whole = std::fs::read(&path).expect("bytes");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("written");
            assert!(Network::load(&path).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}
