//! Layers of cells that multiply their hidden output.

use super::kernel::Kernel;
use super::layer::LayerCode;
use super::parts::Parts;
use super::places::Places;
use mohaq_rt::cell::CellKind;
use mohaq_rt::parameters::{RecurrentParameters, SiteParameters};

/// A layer that is being written.
struct Writer<'a> {
    parts: &'a mut Parts,
    index: usize,
    layer: &'a RecurrentParameters<Vec<i16>>,
    inputs: usize,
}

/// Adds the function of `layer`.
pub(super) fn add(
    parts: &mut Parts,
    index: usize,
    layer: &RecurrentParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
) -> LayerCode {
    let mut writer = Writer { parts, index, layer, inputs };
    writer.data(label);
    let (memory, work) = (writer.memory(), writer.work());
    let code = LayerCode {
        directions: layer.directions,
        inputs,
        width: layer.width(),
        memory: memory.codes(),
        work: work.codes(),
        takes_input: true,
        counts: true,
        ..LayerCode::default()
    };
    let about = format!("{label}: {} units of {}.", layer.hidden, in_words(layer.cell.kind()));
    let body = [memory.lines(), work.lines(), writer.input(), writer.hidden(), writer.units(), writer.show()];
    parts.functions += &format!("{}{}}}\n\n", code.head(index, &about), body.concat());
    code
}

impl Writer<'_> {
    fn kind(&self) -> CellKind {
        self.layer.cell.kind()
    }

    fn data(&mut self, label: &str) {
        let (index, layer) = (self.index, self.layer);
        for (number, site) in layer.input.iter().enumerate() {
            self.parts.product(&format!("layer{index}_input{number}"), &format!("{label}, input"), site, layer.hidden);
        }
        for (number, site) in layer.recurrent.iter().enumerate() {
            let about = format!("{label}, hidden output");
            self.parts.product(&format!("layer{index}_hidden{number}"), &about, site, layer.hidden);
        }
        if let Some(site) = &layer.projection {
            self.parts.product(&format!("layer{index}_projection"), &format!("{label}, projection"), site, 1);
        }
        if !layer.peepholes.is_empty() {
            self.parts.vector("Peepholes.", &format!("layer{index}_peepholes"), &layer.peepholes);
        }
    }

    /// What one direction remembers: c, h and the last frame, as far as the cell has them.
    fn memory(&self) -> Places {
        let mut places = Places::new("memory");
        if self.kind().has_state() {
            places.take("c", self.layer.hidden);
        }
        if self.kind().is_recurrent() {
            places.take("h", self.layer.width());
        }
        if self.layer.window == 2 {
            places.take("before", self.inputs);
        }
        places
    }

    /// What is computed within a frame.
    fn work(&self) -> Places {
        let mut places = Places::new("work");
        let products = self.layer.input.iter().chain(&self.layer.recurrent).chain(&self.layer.projection);
        places.take("row", products.map(|site| site.inputs).max().unwrap_or(0));
        places.take("u", self.kind().gates() * self.layer.hidden);
        if self.kind().is_recurrent() {
            places.take("v", self.kind().gates() * self.layer.hidden);
        }
        if self.layer.projection.is_some() {
            places.take("shown", self.layer.hidden);
        }
        if self.layer.window == 2 {
            places.take("joined", 2 * self.inputs);
        }
        if self.kind().is_gated() {
            places.take("gated", self.layer.width());
        }
        places
    }

    /// The first of this direction's columns of a product, and how many there are.
    fn columns(&self, site: &SiteParameters<Vec<i16>>) -> [String; 2] {
        let of_direction = site.columns / self.layer.directions;
        [self.offset(of_direction).unwrap_or_else(|| "0u".into()), format!("{of_direction}u")]
    }

    /// So many for every direction before this one, where there is more than one.
    fn offset(&self, of_direction: usize) -> Option<String> {
        (self.layer.directions == 2).then(|| format!("direction * {of_direction}u"))
    }

    /// u of all gates.
    fn input(&mut self) -> String {
        let (index, inputs) = (self.index, self.inputs);
        let (mut text, from, counter) = if self.layer.window == 2 {
            let joined = format!(
                "\n    (void)memcpy(joined, before, {inputs}u * sizeof(*joined));\n    \
                 (void)memcpy(joined + {inputs}, input, {inputs}u * sizeof(*joined));\n    \
                 (void)memcpy(before, input, {inputs}u * sizeof(*before));\n"
            );
            (joined, "joined", "clipped")
        } else if self.layer.directions == 2 {
            // Both directions read the same operands, which are counted once.
            (format!("{ONCE}\n"), "input", "once")
        } else {
            ("\n".to_owned(), "input", "clipped")
        };
        let mut first = 0;
        for (number, site) in self.layer.input.iter().enumerate() {
            let (name, columns) = (format!("layer{index}_input{number}"), self.columns(site));
            text += &self.parts.operands(&name, from, counter);
            text += &self.parts.multiply(&name, site, columns.each_ref().map(String::as_str), &part("u", first));
            first += site.columns / self.layer.directions;
        }
        text
    }

    /// v of all gates.
    fn hidden(&mut self) -> String {
        let (index, products, mut first) = (self.index, self.layer.recurrent.len(), 0);
        let mut text = String::new();
        for (number, site) in self.layer.recurrent.iter().enumerate() {
            let (name, columns) = (format!("layer{index}_hidden{number}"), self.columns(site));
            let gated = self.kind().is_gated() && number + 1 == products;
            if gated {
                self.parts.calls(Kernel::GateHidden);
                text += &format!("    gate_hidden({}u, u, v, h, gated);\n", self.layer.hidden);
            }
            text += &self.parts.operands(&name, if gated { "gated" } else { "h" }, "clipped");
            text += &self.parts.multiply(&name, site, columns.each_ref().map(String::as_str), &part("v", first));
            first += site.columns / self.layer.directions;
        }
        text
    }

    /// All units through the frame.
    fn units(&mut self) -> String {
        let (hidden, cell) = (self.layer.hidden, self.layer.cell);
        let shown = match (&self.layer.projection, self.kind().is_recurrent()) {
            (Some(_), _) => "shown",
            (None, true) => "h",
            (None, false) => "output",
        };
        let fraction = cell.state_fraction();
        let peepholes = cell.peephole_shift().map(|shift| {
            let offset = self.offset(hidden).map_or_else(String::new, |offset| format!(" + ({offset})"));
            format!("layer{}_peepholes{offset}, {}u, {shift}u, ", self.index, self.layer.directions * hidden)
        });
        let looks = peepholes.is_some();
        let peepholes = peepholes.unwrap_or_default();
        let (kernel, arguments) = match cell.kind() {
            CellKind::RnnTanh => (Kernel::RnnTanh, format!("v, {shown}, clipped")),
            CellKind::RnnRelu => (Kernel::RnnRelu, format!("v, {shown}, clipped")),
            CellKind::Lstm => (
                if looks { Kernel::LstmPeepholes } else { Kernel::Lstm },
                format!("v, {peepholes}{fraction}u, c, {shown}, clipped"),
            ),
            CellKind::CoupledLstm => (
                if looks { Kernel::CoupledPeepholes } else { Kernel::Coupled },
                format!("v, {peepholes}{fraction}u, c, {shown}, clipped"),
            ),
            CellKind::GruAfter => (Kernel::GruAfter, format!("v, {shown}, clipped")),
            CellKind::GruBefore => (Kernel::GruBefore, format!("v, {shown}, clipped")),
            CellKind::LiGru => (Kernel::LiGru, format!("v, {shown}, clipped")),
            CellKind::Mgu => (Kernel::Mgu, format!("v, {shown}, clipped")),
            CellKind::QrnnF => (Kernel::QrnnF, format!("c, {shown}")),
            CellKind::QrnnFo => (Kernel::QrnnFo, format!("c, {shown}")),
        };
        self.parts.calls(kernel);
        format!("    {}({hidden}u, u, {arguments});\n", function(kernel))
    }

    /// The hidden output in its width.
    fn show(&mut self) -> String {
        let width = self.layer.width();
        let show = format!("    (void)memcpy(output, h, {width}u * sizeof(*output));\n");
        let Some(site) = &self.layer.projection else {
            return if self.kind().is_recurrent() { show } else { String::new() };
        };
        let name = format!("layer{}_projection", self.index);
        let columns = self.columns(site);
        let operands = self.parts.operands(&name, "shown", "clipped");
        let multiply = self.parts.multiply(&name, site, columns.each_ref().map(String::as_str), "h");
        format!("{operands}{multiply}{show}")
    }
}

/// Declares the counter of what only one of two directions counts.
pub(super) const ONCE: &str =
    "    uint32_t uncounted = 0u;\n    uint32_t *const once = (direction == 0u) ? clipped : &uncounted;\n";

/// A buffer from its code `first` on.
pub(super) fn part(buffer: &str, first: usize) -> String {
    if first == 0 { buffer.to_owned() } else { format!("{buffer} + {first}") }
}

/// The C function of a cell.
fn function(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::RnnTanh => "cell_rnn_tanh",
        Kernel::RnnRelu => "cell_rnn_relu",
        Kernel::Lstm => "cell_lstm",
        Kernel::LstmPeepholes => "cell_lstm_peepholes",
        Kernel::Coupled => "cell_coupled",
        Kernel::CoupledPeepholes => "cell_coupled_peepholes",
        Kernel::GruAfter => "cell_gru_after",
        Kernel::GruBefore => "cell_gru_before",
        Kernel::LiGru => "cell_ligru",
        Kernel::Mgu => "cell_mgu",
        Kernel::QrnnF => "cell_qrnn_f",
        Kernel::QrnnFo => "cell_qrnn_fo",
        _ => unreachable!("no cell of this room"),
    }
}

fn in_words(kind: CellKind) -> &'static str {
    match kind {
        CellKind::RnnTanh => "Elman's network",
        CellKind::RnnRelu => "Elman's network with ReLU",
        CellKind::Lstm => "long short-term memory",
        CellKind::CoupledLstm => "long short-term memory with coupled gates",
        CellKind::GruAfter => "a GRU that resets behind the product",
        CellKind::GruBefore => "a GRU that resets before the product",
        CellKind::LiGru => "a light GRU",
        CellKind::Mgu => "a minimal gated unit",
        CellKind::QrnnF => "a quasi-recurrent network",
        CellKind::QrnnFo => "a quasi-recurrent network with output gates",
    }
}
