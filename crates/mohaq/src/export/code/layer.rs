//! A function for every layer that takes it through one frame.

use super::kernel::Kernel;
use super::parts::Parts;
use super::places::Places;
use super::{recurrent, sru};
use mohaq_rt::cell::Pointwise;
use mohaq_rt::parameters::{Conv1dParameters, LayerParameters, NormParameters, SiteParameters};

/// A layer as its callers see it.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerCode {
    /// 1, or 2 where the second runs from the last frame to the first.
    pub(super) directions: usize,
    /// Codes of a frame that goes in.
    pub(super) inputs: usize,
    /// Codes of a frame that comes out, of one direction.
    pub(super) width: usize,
    /// Codes that a direction remembers.
    pub(super) memory: usize,
    /// Codes that are needed within a frame.
    pub(super) work: usize,
    /// Codes of a frame that a first function makes of the input for the products to read; 0 where they read the input.
    pub(super) read: usize,
    /// Whether the function that makes them needs codes of its own.
    pub(super) read_work: usize,
    /// Whether the layer's function reads the input itself.
    pub(super) takes_input: bool,
    /// Whether anything in it saturates.
    pub(super) counts: bool,
    /// The windows of a convolution.
    pub(super) windows: Option<Windows>,
}

/// The windows of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: [usize; 2],
}

impl LayerCode {
    /// A layer with one direction and nothing but a function of its input.
    fn plain(inputs: usize, width: usize) -> Self {
        Self { directions: 1, inputs, width, takes_input: true, ..Self::default() }
    }

    /// Codes of a frame that comes out.
    pub(super) fn outputs(&self) -> usize {
        self.directions * self.width
    }

    /// The head of the layer's function, `layerN`.
    pub(super) fn head(&self, index: usize, about: &str) -> String {
        let returns = if self.windows.is_some() { "int32_t" } else { "void" };
        let parameters = [
            (self.directions == 2, "size_t direction"),
            (self.takes_input, "const int16_t *input"),
            (self.read > 0, "const int16_t *read"),
            (true, "int16_t *output"),
            (self.memory > 0, "int16_t *memory"),
            (self.work > 0, "int16_t *work"),
            (self.counts, "uint32_t *clipped"),
        ];
        let parameters = parameters.into_iter().filter(|(has, _)| *has).map(|(_, text)| text);
        let parameters = wrapped(parameters.map(str::to_owned), &format!("static {returns} layer{index}("));
        format!("/* {about} */\n{parameters})\n{{\n")
    }

    /// A call of the layer's function; expressions in the order of its parameters.
    pub(super) fn call(&self, index: usize, arguments: &Arguments<'_>) -> String {
        let given = [
            (self.directions == 2, "direction"),
            (self.takes_input, arguments.input),
            (self.read > 0, arguments.read),
            (true, arguments.output),
            (self.memory > 0, arguments.memory),
            (self.work > 0, "work"),
        ];
        let given = given.into_iter().filter(|(has, _)| *has).map(|(_, text)| text.to_owned());
        let counter = self.counts.then(|| format!("COUNTER(net, {index})"));
        format!("layer{index}({})", given.chain(counter).collect::<Vec<_>>().join(", "))
    }

    /// A call of the function that makes what the products read.
    pub(super) fn read_call(&self, index: usize, input: &str, read: &str) -> String {
        let work = if self.read_work > 0 { ", work" } else { "" };
        format!("layer{index}_read({input}, {read}{work}, COUNTER(net, {index}))")
    }
}

/// What a layer's function is called with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    pub(super) input: &'a str,
    pub(super) read: &'a str,
    pub(super) output: &'a str,
    pub(super) memory: &'a str,
}

/// `head` and parameters behind it, in lines of at most 110 letters.
pub(super) fn wrapped(parameters: impl Iterator<Item = String>, head: &str) -> String {
    let (mut text, mut width) = (head.to_owned(), head.len());
    for (index, parameter) in parameters.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        if index > 0 && width + parameter.len() + 3 > 110 {
            text += &format!(",\n{}{parameter}", " ".repeat(head.len()));
            width = head.len() + parameter.len();
        } else {
            let space = if index > 0 { " " } else { "" };
            text += &format!("{comma}{space}{parameter}");
            width += parameter.len() + 2;
        }
    }
    text
}

/// Adds the function of `layer`, which gets frames of `inputs` codes, one after the other where this is a `stream`.
pub(super) fn add(
    parts: &mut Parts,
    index: usize,
    layer: &LayerParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
    stream: bool,
) -> LayerCode {
    match layer {
        LayerParameters::Sru(layer) => sru::add(parts, index, layer, inputs, label),
        LayerParameters::Recurrent(layer) => recurrent::add(parts, index, layer, inputs, label),
        LayerParameters::Linear(site) => linear(parts, index, site, label),
        LayerParameters::Conv1d(conv) if stream => convolution(parts, index, conv, inputs, label),
        LayerParameters::Conv1d(conv) => windowed(parts, index, conv, inputs, label),
        LayerParameters::Embedding(site) => embedding(parts, index, site, label),
        LayerParameters::Norm(norm) => normalisation(parts, index, norm, inputs, label),
        LayerParameters::Pointwise(function) => pointwise(parts, index, *function, inputs, label),
    }
}

fn linear(parts: &mut Parts, index: usize, site: &SiteParameters<Vec<i16>>, label: &str) -> LayerCode {
    let name = format!("layer{index}_product");
    parts.product(&name, label, site, 1);
    let mut places = Places::new("work");
    places.take("row", site.inputs);
    let code = LayerCode { work: places.codes(), counts: true, ..LayerCode::plain(site.inputs, site.columns) };
    let body = [
        places.lines(),
        "\n".to_owned(),
        parts.operands(&name, "input", "clipped"),
        parts.multiply(&name, site, ["0u", &format!("{}u", site.columns)], "output"),
    ];
    let about = format!("{label}: a matrix.");
    parts.functions += &format!("{}{}}}\n\n", code.head(index, &about), body.concat());
    code
}

fn embedding(parts: &mut Parts, index: usize, site: &SiteParameters<Vec<i16>>, label: &str) -> LayerCode {
    let name = format!("layer{index}_table");
    parts.product(&name, label, site, 1);
    parts.calls(Kernel::LookUp);
    let code = LayerCode { counts: true, ..LayerCode::plain(1, site.columns) };
    let (bits, columns) = (site.weight.count(), site.columns);
    let about = format!("{label}: a row of a table, whose number is the input.");
    let call = format!("    look_up(&{name}, {bits}u, (size_t)input[0], {columns}u, output, clipped);\n");
    parts.functions += &format!("{}{call}}}\n\n", code.head(index, &about));
    code
}

/// Adds the vectors of a normalisation and returns a call of it.
pub(super) fn normalise(parts: &mut Parts, index: usize, norm: &NormParameters, from: &str, to: &str) -> String {
    parts.vector("Gains of the normalisation.", &format!("layer{index}_gain"), &norm.gain);
    parts.vector("Its biases.", &format!("layer{index}_bias"), &norm.bias);
    parts.calls(Kernel::Normalise);
    let (width, epsilon, shift) = (norm.gain.len(), norm.norm.epsilon(), norm.norm.shift());
    let vectors = format!("layer{index}_gain, layer{index}_bias");
    format!("    normalise({width}u, {from}, {vectors}, {epsilon}u, {shift}u, {to}, clipped);\n")
}

fn normalisation(parts: &mut Parts, index: usize, norm: &NormParameters, inputs: usize, label: &str) -> LayerCode {
    let code = LayerCode { counts: true, ..LayerCode::plain(inputs, inputs) };
    let call = normalise(parts, index, norm, "input", "output");
    let about = format!("{label}: every frame to mean 0 and variance 1.");
    parts.functions += &format!("{}{call}}}\n\n", code.head(index, &about));
    code
}

fn pointwise(parts: &mut Parts, index: usize, function: Pointwise, inputs: usize, label: &str) -> LayerCode {
    let (kernel, name) = match function {
        Pointwise::Relu => (Kernel::MapRelu, "relu"),
        Pointwise::Tanh => (Kernel::MapTanh, "tanh"),
        Pointwise::Sigmoid => (Kernel::MapSigmoid, "sigmoid"),
    };
    parts.calls(kernel);
    let code = LayerCode::plain(inputs, inputs);
    let head = code.head(index, &format!("{label}: {name} of every code."));
    parts.functions += &format!("{head}    map_{name}({inputs}u, input, output);\n}}\n\n");
    code
}

/// One window of a convolution: the one that ends with this frame of a stream.
fn convolution(
    parts: &mut Parts,
    index: usize,
    conv: &Conv1dParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
) -> LayerCode {
    let (name, site) = (format!("layer{index}_product"), &conv.site);
    parts.product(&name, label, site, 1);
    let mut places = Places::new("work");
    places.take("frames", site.inputs);
    places.take("row", site.inputs);
    let Conv1dParameters { kernel, stride, padding, .. } = *conv;
    let history = (kernel - 1) * inputs;
    let code = LayerCode {
        memory: history + 1,
        work: places.codes(),
        counts: true,
        windows: Some(Windows { kernel, stride, padding }),
        ..LayerCode::plain(inputs, site.columns)
    };
    let about = format!(
        "{label}: a convolution over {kernel} frames, one output every {stride}. Memory: the frames before, and how many are \
         still missing."
    );
    let shift = format!(
        "\n    (void)memcpy(frames, memory, {history}u * sizeof(*frames));\n    \
         (void)memcpy(frames + {history}, input, {inputs}u * sizeof(*frames));\n    \
         (void)memcpy(memory, frames + {inputs}, {history}u * sizeof(*frames));\n    \
         if (memory[{history}] > 0) {{\n        memory[{history}] = (int16_t)(memory[{history}] - 1);\n        \
         return 0;\n    }}\n    memory[{history}] = {};\n",
        stride - 1
    );
    let body = [
        places.lines(),
        shift,
        parts.operands(&name, "frames", "clipped"),
        parts.multiply(&name, site, ["0u", &format!("{}u", site.columns)], "output"),
        "    return 1;\n".to_owned(),
    ];
    parts.functions += &format!("{}{}}}\n\n", code.head(index, &about), body.concat());
    code
}

/// The window of a convolution that begins at any frame of a whole sequence.
fn windowed(
    parts: &mut Parts,
    index: usize,
    conv: &Conv1dParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
) -> LayerCode {
    let (name, site) = (format!("layer{index}_product"), &conv.site);
    let Conv1dParameters { kernel, stride, padding, .. } = *conv;
    parts.product(&name, label, site, 1);
    parts.calls(Kernel::Window);
    let mut places = Places::new("work");
    places.take("seen", site.inputs);
    places.take("row", site.inputs);
    let operands = parts.operands(&name, "seen", "clipped");
    let multiply = parts.multiply(&name, site, ["0u", &format!("{}u", site.columns)], "output");
    let left = padding[0];
    parts.functions += &format!(
        "/* {label}: a convolution over the {kernel} frames from `first` - {left} on. */\n\
         static void layer{index}(const int16_t *input, size_t frames, size_t first, int16_t *output, int16_t *work,\n                   \
         uint32_t *clipped)\n{{\n{}\n    window(input, frames, {inputs}u, {kernel}u, first, {left}u, seen);\n\
         {operands}{multiply}}}\n\n",
        places.lines()
    );
    LayerCode {
        work: places.codes(),
        counts: true,
        windows: Some(Windows { kernel, stride, padding }),
        ..LayerCode::plain(inputs, site.columns)
    }
}
