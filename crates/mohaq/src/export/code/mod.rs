//! C99 for a network: one source file and its header.
//!
//! Kernels are files of C text in `export/c`; a network gets those that it calls ([`kernel::Kernel`]). What differs from
//! network to network is written here: constants ([`parts`]), a function a layer that takes it through one frame
//! ([`layer`], [`recurrent`], [`sru`]), and the functions that its user calls ([`stream`], [`sequence`]).

mod data;
mod kernel;
mod layer;
mod parts;
mod places;
mod recurrent;
mod sequence;
mod sru;
mod stream;

use super::name::Name;
use layer::LayerCode;
use mohaq_rt::image::ImageParameters;
use mohaq_rt::parameters::LayerParameters;
use parts::Parts;

pub(super) use data::array16;

/// The C of a network.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// `NAME.c`.
    pub(super) source: String,
    /// What differs in `NAME.h`: the arena's macros.
    pub(super) arena_macros: String,
    /// Bytes of all constants on a machine of 32 bit addresses.
    pub(super) constant_bytes: usize,
    /// Bytes of the arena.
    pub(super) arena_bytes: usize,
    /// What of them goes from frame to frame; `None` for a network that needs whole sequences.
    pub(super) memory_bytes: Option<usize>,
    /// Whether its input is the number of a row of a table.
    pub(super) table: bool,
}

/// Writes the C of `network`. `labels` are what its layers are called; `max_frames` is for networks without streams.
pub(super) fn write(network: &ImageParameters, name: &Name, labels: &[String], max_frames: usize) -> Code {
    let stream = is_stream(network);
    let mut parts = Parts::default();
    let mut layers = Vec::new();
    let mut width = network.inputs;
    for (index, layer) in network.layers.iter().enumerate() {
        let code = layer::add(&mut parts, index, layer, width, &labels[index], stream);
        width = code.outputs();
        layers.push(code);
    }
    let rows = match network.layers.first() {
        Some(LayerParameters::Embedding(site)) => Some(site.inputs),
        _ => None,
    };
    let (functions, arena_macros, [codes, memory]) = if stream {
        of_stream(name, &layers, rows)
    } else {
        of_sequences(name, network.inputs, &layers, rows, max_frames)
    };
    let (constant_bytes, prefix) = (parts.constant_bytes(), name.prefix());
    let quantize = include_str!("../c/project/quantize.c");
    let body = parts.text() + &init(name.as_str(), &prefix, stream) + &functions + quantize;
    let head = format!(
        "/* {0}: a network in integers, made by mohaq {1}. Do not edit. */\n#include \"{0}.h\"\n\n#include <string.h>\n\n",
        name.as_str(),
        env!("CARGO_PKG_VERSION")
    );
    Code {
        source: named(&(head + &body), name),
        arena_macros,
        constant_bytes,
        arena_bytes: 2 * codes,
        memory_bytes: stream.then_some(2 * memory),
        table: rows.is_some(),
    }
}

/// `template` with the name put in.
pub(super) fn named(template: &str, name: &Name) -> String {
    template.replace("@NAME@", name.as_str()).replace("@PREFIX@", &name.prefix())
}

/// Whether `network` runs frame by frame.
pub(super) fn is_stream(network: &ImageParameters) -> bool {
    network.layers.iter().all(|layer| match layer {
        LayerParameters::Sru(sru) => sru.directions == 1,
        LayerParameters::Recurrent(recurrent) => recurrent.directions == 1,
        LayerParameters::Conv1d(conv) => conv.padding[1] == 0,
        _ => true,
    })
}

fn init(name: &str, prefix: &str, stream: bool) -> String {
    let counters = format!(
        "#ifdef {prefix}_COUNT_SATURATIONS\n    (void)memset(net->saturated, 0, sizeof(net->saturated));\n#endif\n"
    );
    let reset = if stream { format!("    {name}_reset(net);\n") } else { String::new() };
    format!(
        "void {name}_init({name}_net *net, int16_t arena[{prefix}_ARENA_CODES])\n{{\n    net->arena = arena;\n\
         {counters}{reset}}}\n\n"
    )
}

/// Functions and macros of a stream; codes of its arena, and of what goes from frame to frame.
fn of_stream(name: &Name, layers: &[LayerCode], rows: Option<usize>) -> (String, String, [usize; 2]) {
    let (arena, prefix) = (stream::Arena::of(layers), name.prefix());
    // An arena of nothing is no array.
    let codes = arena.codes(layers.len()).max(2);
    let macros = format!(
        "/* Codes of the arena; the first {} go from frame to frame. */\n#define {prefix}_ARENA_CODES {codes}\n",
        arena.memory()
    );
    (stream::functions(name.as_str(), &prefix, layers, &arena, rows), macros, [codes, arena.memory()])
}

/// The same of a network for whole sequences.
fn of_sequences(
    name: &Name,
    inputs: usize,
    layers: &[LayerCode],
    rows: Option<usize>,
    max_frames: usize,
) -> (String, String, [usize; 2]) {
    let (arena, prefix) = (sequence::Arena::of(layers), name.prefix());
    let [fixed, a_frame] = arena.codes();
    let macros = format!(
        "/* Frames of the longest sequence. */\n#ifndef {prefix}_MAX_FRAMES\n#define {prefix}_MAX_FRAMES {max_frames}\n#endif\n\n\
         /* Codes of the arena. */\n#define {prefix}_ARENA_CODES ({fixed} + ({prefix}_MAX_FRAMES * {a_frame}))\n"
    );
    let each = layers.iter().enumerate();
    let functions = each.map(|(index, layer)| sequence::function(name.as_str(), &prefix, index, layer, &arena));
    let functions =
        functions.collect::<String>() + &sequence::run(name.as_str(), &prefix, inputs, layers, &arena, rows);
    (functions, macros, [fixed + max_frames * a_frame, 0])
}
