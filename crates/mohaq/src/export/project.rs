//! The folder of an export: the network's C, a test vector with a program that runs it, and what builds both.

use super::ExportError;
use super::code::{self, Code, array16, named};
use super::name::Name;
use super::vector::{VECTOR_FRAMES, Vector};
use mohaq_rt::cell::{CellKind, Highway};
use mohaq_rt::image::{Image, ImageParameters};
use mohaq_rt::parameters::{LayerParameters, SiteParameters};
use std::collections::BTreeMap;

/// A network as a folder of C99.
#[derive(Clone, Debug)]
pub struct Project {
    /// Contents by path in the folder.
    pub files: BTreeMap<String, String>,
    /// Bytes of constants, on a machine of 32 bit addresses; the code comes on top.
    pub constant_bytes: usize,
    /// Bytes of the arena, for the longest sequence where the network needs whole ones.
    pub arena_bytes: usize,
    /// Frames of the longest sequence; `None` for a stream.
    pub max_frames: Option<usize>,
}

/// What is put into a project beside the network.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of files, functions and macros.
    pub name: Name,
    /// What the layers are called, in order; those that are missing have numbers alone.
    pub labels: Vec<String>,
    /// Frames of the longest sequence that a network without streams is given, unless the C compiler is told otherwise.
    pub max_frames: usize,
}

impl Project {
    /// The network in `image` as C.
    ///
    /// # Errors
    /// [`ExportError::Vector`] where the network does not take a test vector.
    pub fn new(image: Image<'_>, settings: &Settings) -> Result<Self, ExportError> {
        let network = image.parameters();
        let stream = code::is_stream(&network);
        let frames = if stream { VECTOR_FRAMES } else { VECTOR_FRAMES.min(settings.max_frames) };
        let vector = Vector::drawn(image, frames)?;
        let label = |index: usize| match settings.labels.get(index) {
            Some(label) => format!("Layer {index}, {}", plain(label)),
            None => format!("Layer {index}"),
        };
        let labels: Vec<String> = (0..network.layers.len()).map(label).collect();
        let code = code::write(&network, &settings.name, &labels, settings.max_frames);
        let about = labels.iter().zip(&network.layers).map(|(label, layer)| format!("{label}: {}", in_words(layer)));
        let writer = Writer { network: &network, settings, code: &code, stream, about: about.collect() };
        Ok(Self {
            files: writer.files(&vector),
            constant_bytes: code.constant_bytes,
            arena_bytes: code.arena_bytes,
            max_frames: (!stream).then_some(settings.max_frames),
        })
    }
}

/// `label` without what could end a comment.
fn plain(label: &str) -> String {
    label.chars().filter(|letter| letter.is_alphanumeric() || "._- ".contains(*letter)).collect()
}

struct Writer<'a> {
    network: &'a ImageParameters,
    settings: &'a Settings,
    code: &'a Code,
    stream: bool,
    /// A line a layer.
    about: Vec<String>,
}

impl Writer<'_> {
    fn files(&self, vector: &Vector) -> BTreeMap<String, String> {
        let name = self.settings.name.as_str();
        let test = if self.stream {
            include_str!("c/project/test_stream.c")
        } else {
            include_str!("c/project/test_sequence.c")
        };
        let test = test.replace("@CHECK@", include_str!("c/project/test_check.c"));
        let device = [
            ("device.h", include_str!("c/project/device.h")),
            ("number.c", include_str!("c/project/device_number.c")),
            ("host.c", include_str!("c/project/device_host.c")),
            ("cortex_m.c", include_str!("c/project/device_cortex_m.c")),
            ("cortex_m.ld", include_str!("c/project/device_cortex_m.ld")),
            ("riscv.c", include_str!("c/project/device_riscv.c")),
            ("riscv.ld", include_str!("c/project/device_riscv.ld")),
        ];
        let device = device.into_iter().map(|(file, text)| (format!("device/{file}"), text.to_owned()));
        let own = [
            (format!("{name}.h"), self.header()),
            (format!("{name}.c"), self.code.source.clone()),
            (format!("{name}_vector.h"), self.vector(vector)),
            (format!("{name}_test.c"), self.named(&test)),
            ("Makefile".to_owned(), self.named(include_str!("c/project/Makefile"))),
            ("README.md".to_owned(), self.readme()),
        ];
        own.into_iter().chain(device).collect()
    }

    fn named(&self, template: &str) -> String {
        named(template, &self.settings.name)
    }

    /// `template` with the network's numbers in it.
    fn filled(&self, template: &str) -> String {
        let network = self.network;
        let outputs = self.outputs();
        let numbers = [
            ("@INPUTS@", network.inputs.to_string()),
            ("@OUTPUTS@", outputs.to_string()),
            ("@INPUT_FRACTION@", network.input.fraction().to_string()),
            ("@OUTPUT_FRACTION@", network.output.fraction().to_string()),
            ("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let filled = numbers.iter().fold(template.to_owned(), |text, (key, value)| text.replace(key, value));
        self.named(&filled)
    }

    /// Codes of a frame that comes out.
    fn outputs(&self) -> usize {
        self.network.layers.iter().fold(self.network.inputs, |width, layer| match layer {
            LayerParameters::Sru(sru) => sru.outputs(),
            LayerParameters::Recurrent(recurrent) => recurrent.outputs(),
            LayerParameters::Linear(site) | LayerParameters::Embedding(site) => site.columns,
            LayerParameters::Conv1d(conv) => conv.site.columns,
            LayerParameters::Norm(_) | LayerParameters::Pointwise(_) => width,
        })
    }

    fn header(&self) -> String {
        let about: String = self.about.iter().map(|line| format!(" * {line}\n")).collect();
        let functions =
            if self.stream { include_str!("c/project/stream.h") } else { include_str!("c/project/sequence.h") };
        let (row, table) = if self.code.table {
            let table = "/* An input that names no row of the table. */\n#define @PREFIX@_NO_SUCH_ROW (-1)\n\n";
            (" For an input that names no row of the table,\n * @PREFIX@_NO_SUCH_ROW; nothing is changed then.", table)
        } else {
            ("", "")
        };
        let template = include_str!("c/project/network.h")
            .replace("@FUNCTIONS@", &(table.to_owned() + functions))
            .replace("@ROW@", row)
            .replace("@LAYERS@", &self.network.layers.len().to_string())
            .replace("@ARENA@", &self.code.arena_macros)
            .replace("@ABOUT@", &about);
        self.filled(&template)
    }

    fn vector(&self, vector: &Vector) -> String {
        let arrays = [
            array16("[VECTOR_FRAMES][inputs]", "vector_inputs", &vector.inputs),
            array16("[VECTOR_OUTPUT_FRAMES][outputs]", "vector_outputs", &vector.outputs),
        ];
        let template = include_str!("c/project/vector.h")
            .replace("@FRAMES@", &vector.frames.to_string())
            .replace("@OUTPUT_FRAMES@", &(vector.outputs.len() / self.outputs().max(1)).to_string())
            .replace("@SATURATED@", &vector.saturated.to_string())
            .replace("@ARRAYS@", &arrays.join("\n"));
        self.named(&template)
    }

    fn readme(&self) -> String {
        let code = self.code;
        let ram_of = match code.memory_bytes {
            Some(bytes) => format!(", {bytes} of which go from frame to frame"),
            None => format!(" for sequences of up to {} frames", self.settings.max_frames),
        };
        let (example, macros) = if self.stream {
            (include_str!("c/project/example_stream.c"), "")
        } else {
            let of_frames = "| `@PREFIX@_MAX_FRAMES` | frames of the longest sequence, which the arena grows with |\n";
            (include_str!("c/project/example_sequence.c"), of_frames)
        };
        let layers: String = self.about.iter().map(|line| format!("* {line}\n")).collect();
        let template = include_str!("c/project/README.md")
            .replace("@FLASH@", &code.constant_bytes.to_string())
            .replace("@RAM_OF@", &ram_of)
            .replace("@RAM@", &code.arena_bytes.to_string())
            .replace("@EXAMPLE@", example.trim_end())
            .replace("@MACROS@", macros)
            .replace("@LAYERS@", layers.trim_end());
        self.filled(&template)
    }
}

fn in_words(layer: &LayerParameters<Vec<i16>>) -> String {
    let products = |sites: &[&SiteParameters<Vec<i16>>]| {
        let bits = |site: &&SiteParameters<Vec<i16>>| format!("{}x{}", site.weight.count(), site.activation.count());
        sites.iter().map(bits).collect::<Vec<_>>().join(" ")
    };
    let ways = |directions: usize| if directions == 2 { " each way" } else { "" };
    match layer {
        LayerParameters::Sru(sru) => {
            let highway = match sru.highway {
                Highway::None => "",
                Highway::Product => ", a matrix past them",
                Highway::Input(_) => ", the input past them",
            };
            let units = format!("{} simple recurrent units{}{highway}", sru.hidden, ways(sru.directions));
            format!("{units}; {}", products(&layer.sites()))
        }
        LayerParameters::Recurrent(recurrent) => {
            let cell = cell(recurrent.cell.kind());
            let units = format!("{cell} of {} units{}", recurrent.hidden, ways(recurrent.directions));
            format!("{units}; {}", products(&layer.sites()))
        }
        LayerParameters::Linear(site) => format!("linear, {} outputs; {}", site.columns, products(&[site])),
        LayerParameters::Conv1d(conv) => {
            let (outputs, bits) = (conv.site.columns, products(&[&conv.site]));
            format!("convolution, {outputs} outputs, kernel {}, stride {}; {bits}", conv.kernel, conv.stride)
        }
        LayerParameters::Embedding(site) => {
            format!("table, {} rows of {}; {} bit", site.inputs, site.columns, site.weight.count())
        }
        LayerParameters::Norm(_) => "layer normalisation".to_owned(),
        LayerParameters::Pointwise(function) => format!("{function:?} of every code"),
    }
}

fn cell(kind: CellKind) -> &'static str {
    match kind {
        CellKind::RnnTanh | CellKind::RnnRelu => "RNN",
        CellKind::Lstm => "LSTM",
        CellKind::CoupledLstm => "coupled LSTM",
        CellKind::GruAfter | CellKind::GruBefore => "GRU",
        CellKind::LiGru => "light GRU",
        CellKind::Mgu => "MGU",
        CellKind::QrnnF | CellKind::QrnnFo => "QRNN",
    }
}
