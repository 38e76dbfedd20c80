//! Networks that run frame by frame.

use super::layer::{Arguments, LayerCode};
use super::places::even;
use std::fmt::Write;

/// Where a stream keeps its codes: what layers remember, then what a frame needs.
#[derive(Clone, Debug)]
pub(super) struct Arena {
    /// Where the memory of each layer begins.
    memories: Vec<usize>,
    memory: usize,
    /// Codes of a frame between two layers.
    values: usize,
    read: usize,
    work: usize,
}

impl Arena {
    /// For `layers`.
    pub(super) fn of(layers: &[LayerCode]) -> Self {
        let most = |of: fn(&LayerCode) -> usize| even(layers.iter().map(of).max().unwrap_or(0));
        let mut memory = 0;
        let memories = layers.iter().map(|layer| {
            let begin = memory;
            memory += even(layer.memory);
            begin
        });
        let memories = memories.collect();
        let values = even(layers.iter().skip(1).map(|layer| layer.inputs).max().unwrap_or(0));
        let (read, work) = (most(|layer| layer.read), most(|layer| layer.work.max(layer.read_work)));
        Self { memories, memory, values, read, work }
    }

    /// All codes.
    pub(super) fn codes(&self, layers: usize) -> usize {
        self.memory + self.between(layers) * self.values + self.read + self.work
    }

    /// Codes that go from frame to frame.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Buffers between layers.
    fn between(&self, layers: usize) -> usize {
        (layers - 1).min(2)
    }
}

/// `NAME_reset` and `NAME_step`. `rows`: of the table in front, where there is one.
pub(super) fn functions(name: &str, prefix: &str, layers: &[LayerCode], arena: &Arena, rows: Option<usize>) -> String {
    reset(name, layers, arena) + &step(name, prefix, layers, arena, rows)
}

fn reset(name: &str, layers: &[LayerCode], arena: &Arena) -> String {
    let mut body = String::new();
    if arena.memory > 0 {
        let _ = writeln!(body, "    (void)memset(net->arena, 0, {}u * sizeof(*net->arena));", arena.memory);
    } else {
        body += "    (void)net;\n";
    }
    for (layer, begin) in layers.iter().zip(&arena.memories) {
        if let Some(windows) = &layer.windows {
            let missing = windows.kernel - 1 - windows.padding[0];
            let _ = writeln!(body, "    net->arena[{}] = {missing};", begin + layer.memory - 1);
        }
    }
    format!("void {name}_reset({name}_net *net)\n{{\n{body}}}\n\n")
}

fn step(name: &str, prefix: &str, layers: &[LayerCode], arena: &Arena, rows: Option<usize>) -> String {
    let mut next = arena.memory;
    let mut declared = String::new();
    let mut take = |name: &str, codes: usize, needed: bool| {
        if needed && codes > 0 {
            let _ = writeln!(declared, "    int16_t *const {name} = net->arena + {next};");
            next += codes;
        }
    };
    take("a", arena.values, layers.len() > 1);
    take("b", arena.values, layers.len() > 2);
    take("read", arena.read, true);
    take("work", arena.work, true);
    if declared.is_empty() {
        declared += "    (void)net;\n";
    }
    let mut body = String::from("\n");
    if let Some(rows) = rows {
        let _ = write!(
            body,
            "    if ((input[0] < 0) || ((int32_t)input[0] >= {rows})) {{\n        return {prefix}_NO_SUCH_ROW;\n    }}\n"
        );
    }
    for (index, layer) in layers.iter().enumerate() {
        body += &one(index, layer, layers.len(), arena.memories[index]);
    }
    format!(
        "int32_t {name}_step({name}_net *net, const int16_t input[{prefix}_INPUTS], int16_t output[{prefix}_OUTPUTS])\n\
         {{\n{declared}{body}    return 1;\n}}\n"
    )
}

/// The calls of one layer.
fn one(index: usize, layer: &LayerCode, layers: usize, memory: usize) -> String {
    let buffer = |index: usize| if index.is_multiple_of(2) { "a" } else { "b" };
    let input = if index == 0 { "input" } else { buffer(index - 1) };
    let output = if index + 1 == layers { "output" } else { buffer(index) };
    let memory = format!("net->arena + {memory}");
    let read = if layer.read > 0 { format!("    {};\n", layer.read_call(index, input, "read")) } else { String::new() };
    let call = layer.call(index, &Arguments { input, read: "read", output, memory: &memory });
    let call = match layer.windows {
        Some(_) => format!("    if ({call} == 0) {{\n        return 0;\n    }}\n"),
        None => format!("    {call};\n"),
    };
    read + &call
}
