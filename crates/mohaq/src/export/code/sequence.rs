//! Networks that need frames ahead: whole sequences, layer by layer.

use super::layer::{Arguments, LayerCode, Windows};
use super::places::even;

/// Where a network for whole sequences keeps its codes: what has a fixed size first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arena {
    pub(super) work: usize,
    pub(super) memory: usize,
    /// Of one frame.
    pub(super) read: usize,
    /// Codes a frame between two layers.
    pub(super) values: usize,
    /// Codes a frame that the products of a layer with two directions read.
    pub(super) sequence_read: usize,
}

impl Arena {
    /// For `layers`.
    pub(super) fn of(layers: &[LayerCode]) -> Self {
        let most = |of: fn(&LayerCode) -> usize| even(layers.iter().map(of).max().unwrap_or(0));
        let values = layers.iter().skip(1).map(|layer| layer.inputs).max().unwrap_or(0);
        Self {
            work: most(|layer| layer.work.max(layer.read_work)),
            memory: most(|layer| layer.memory),
            read: most(|layer| if layer.directions == 1 { layer.read } else { 0 }),
            values: even(values),
            sequence_read: most(|layer| if layer.directions == 2 { layer.read } else { 0 }),
        }
    }

    /// Codes whatever the sequence, and codes a frame.
    pub(super) fn codes(&self) -> [usize; 2] {
        [self.work + self.memory + self.read, 2 * self.values + self.sequence_read]
    }
}

/// The function that takes `layer` through a sequence.
pub(super) fn function(name: &str, prefix: &str, index: usize, layer: &LayerCode, arena: &Arena) -> String {
    let Arena { work, memory, values, .. } = *arena;
    let fixed = arena.codes()[0];
    let mut places = Vec::new();
    if layer.work > 0 || layer.read_work > 0 {
        places.push("    int16_t *const work = net->arena;\n".to_owned());
    }
    if layer.memory > 0 {
        places.push(format!("    int16_t *const memory = net->arena + {work};\n"));
    }
    if layer.read > 0 {
        let at = match layer.directions {
            1 => format!("{}", work + memory),
            _ => format!("{fixed} + ({prefix}_MAX_FRAMES * {})", 2 * values),
        };
        places.push(format!("    int16_t *const read = net->arena + {at};\n"));
    }
    let head = format!(
        "/* Layer {index} over a sequence; returns how many frames come out. */\n\
         static size_t layer{index}_sequence({name}_net *net, const int16_t *input, size_t frames, int16_t *output)\n{{\n"
    );
    let (declared, body) = match (&layer.windows, layer.directions) {
        (Some(windows), _) => ("    size_t count = 0u;\n    size_t step;\n", convolved(index, layer, windows)),
        (None, 1) => ("    size_t frame;\n", forward(index, layer)),
        (None, _) => ("    size_t direction;\n    size_t step;\n", both_ways(index, layer)),
    };
    let unused = if places.is_empty() && !layer.counts { "    (void)net;\n" } else { "" };
    let unused = if layer.counts { "    (void)net; /* which has the counters, if there are any */\n" } else { unused };
    format!("{head}{}{declared}\n{unused}{body}}}\n\n", places.concat())
}

fn forward(index: usize, layer: &LayerCode) -> String {
    let (inputs, outputs) = (layer.inputs, layer.outputs());
    let (input, output) = (format!("input + (frame * {inputs}u)"), format!("output + (frame * {outputs}u)"));
    let begin = if layer.memory > 0 {
        format!("    (void)memset(memory, 0, {}u * sizeof(*memory));\n", layer.memory)
    } else {
        String::new()
    };
    let read =
        if layer.read > 0 { format!("        {};\n", layer.read_call(index, &input, "read")) } else { String::new() };
    let arguments = Arguments { input: &input, read: "read", output: &output, memory: "memory" };
    let call = layer.call(index, &arguments);
    format!(
        "{begin}    for (frame = 0u; frame < frames; ++frame) {{\n{read}        {call};\n    }}\n    return frames;\n"
    )
}

fn both_ways(index: usize, layer: &LayerCode) -> String {
    let (inputs, width, outputs) = (layer.inputs, layer.width, layer.outputs());
    let read = if layer.read > 0 {
        let (input, to) = (format!("input + (step * {inputs}u)"), format!("read + (step * {}u)", layer.read));
        let call = layer.read_call(index, &input, &to);
        format!("    for (step = 0u; step < frames; ++step) {{\n        {call};\n    }}\n")
    } else {
        String::new()
    };
    let input = format!("input + (frame * {inputs}u)");
    let from = format!("read + (frame * {}u)", layer.read);
    let output = "to".to_owned();
    let arguments = Arguments { input: &input, read: &from, output: &output, memory: "memory" };
    let call = layer.call(index, &arguments);
    format!(
        "{read}    for (direction = 0u; direction < 2u; ++direction) {{\n        \
         (void)memset(memory, 0, {}u * sizeof(*memory));\n        \
         for (step = 0u; step < frames; ++step) {{\n            \
         const size_t frame = (direction == 0u) ? step : (frames - 1u - step);\n            \
         int16_t *const to = output + (frame * {outputs}u) + (direction * {width}u);\n\n            \
         {call};\n        }}\n    }}\n    return frames;\n",
        layer.memory
    )
}

fn convolved(index: usize, layer: &LayerCode, windows: &Windows) -> String {
    let Windows { kernel, stride, padding: [left, right] } = *windows;
    let outputs = layer.outputs();
    format!(
        "    if ((frames > 0u) && ((frames + {}u) >= {kernel}u)) {{\n        \
         count = ((frames + {0}u - {kernel}u) / {stride}u) + 1u;\n    }}\n    \
         for (step = 0u; step < count; ++step) {{\n        \
         layer{index}(input, frames, step * {stride}u, output + (step * {outputs}u), work, COUNTER(net, {index}));\n    \
         }}\n    return count;\n",
        left + right
    )
}

/// `NAME_run`. `rows`: of the table in front, where there is one.
pub(super) fn run(
    name: &str,
    prefix: &str,
    inputs: usize,
    layers: &[LayerCode],
    arena: &Arena,
    rows: Option<usize>,
) -> String {
    let fixed = arena.codes()[0];
    let mut declared = String::new();
    if layers.len() > 1 {
        declared += &format!("    int16_t *const a = net->arena + {fixed};\n");
    }
    if layers.len() > 2 {
        declared += &format!("    int16_t *const b = a + ({prefix}_MAX_FRAMES * {});\n", arena.values);
    }
    let check = rows.map_or_else(String::new, |rows| {
        format!(
            "    for (count = 0u; count < ((size_t)frames * {inputs}u); ++count) {{\n        \
             if ((inputs[count] < 0) || ((int32_t)inputs[count] >= {rows})) {{\n            \
             return {prefix}_NO_SUCH_ROW;\n        }}\n    }}\n"
        )
    });
    let buffer = |index: usize| if index.is_multiple_of(2) { "a" } else { "b" };
    let calls = (0..layers.len()).map(|index| {
        let input = if index == 0 { "inputs" } else { buffer(index - 1) };
        let output = if index + 1 == layers.len() { "outputs" } else { buffer(index) };
        format!("    count = layer{index}_sequence(net, {input}, count, {output});\n")
    });
    format!(
        "int32_t {name}_run({name}_net *net, const int16_t *inputs, uint32_t frames, int16_t *outputs)\n{{\n{declared}    \
         size_t count;\n\n    if (frames > {prefix}_MAX_FRAMES) {{\n        return {prefix}_TOO_LONG;\n    }}\n{check}    \
         count = frames;\n{}    return (int32_t)count;\n}}\n",
        calls.collect::<String>()
    )
}
