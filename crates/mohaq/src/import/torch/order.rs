//! The order of modules, which a safetensors file does not keep.

use super::super::error::ImportError;
use super::super::model::{Imported, Kind};
use super::Module;

/// Attempts at an order before giving up: far more than a chain of a dozen widths takes.
const ATTEMPTS: usize = 100_000;

/// Most modules that are put in order; a recurrent network has a dozen.
const MOST_MODULES: usize = 64;

/// The modules in the one order in which each takes what the one before gives, a table first, and numbered ones of one
/// parent by their numbers.
///
/// # Errors
/// [`ImportError::Unclear`] where there is none or several.
pub(super) fn ordered(mut modules: Vec<Module>) -> Result<Vec<Module>, ImportError> {
    modules.sort_by_cached_key(|module| natural(&module.name));
    if modules.len() > MOST_MODULES {
        let reason = format!("{} modules, expected at most {MOST_MODULES} without a description", modules.len());
        return Err(ImportError::file(reason));
    }
    let mut search = Search { modules: &modules, earlier: earlier(&modules), found: Vec::new(), attempts: 0 };
    search.extend(&mut Vec::new());
    let names = || modules.iter().map(|module| module.name.clone()).collect();
    let widths = |module: &Module| match module.inputs() {
        Some(inputs) => format!("{inputs} → {}", module.outputs()),
        None => format!("→ {}", module.outputs()),
    };
    let all: Vec<String> = modules.iter().map(widths).collect();
    let reason = match (&search.found[..], search.attempts < ATTEMPTS) {
        ([_], true) => None,
        ([], true) => Some(format!("in no order does each fit the one before ({})", all.join(", "))),
        _ => Some(format!("fit in more than one order ({})", all.join(", "))),
    };
    if let Some(reason) = reason {
        return Err(ImportError::Unclear { modules: names(), reason });
    }
    let order = search.found.remove(0);
    let mut slots: Vec<Option<Module>> = modules.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|at| slots[at].take()).collect())
}

struct Search<'a> {
    modules: &'a [Module],
    /// For each module, those that stand before it by their numbers.
    earlier: Vec<Vec<usize>>,
    found: Vec<Vec<usize>>,
    attempts: usize,
}

impl Search<'_> {
    fn extend(&mut self, order: &mut Vec<usize>) {
        self.attempts += 1;
        if self.found.len() > 1 || self.attempts >= ATTEMPTS {
            return;
        }
        if order.len() == self.modules.len() {
            self.found.push(order.clone());
            return;
        }
        for next in 0..self.modules.len() {
            if !order.contains(&next) && self.may_follow(order, next) {
                order.push(next);
                self.extend(order);
                order.pop();
            }
        }
    }

    fn may_follow(&self, order: &[usize], next: usize) -> bool {
        let module = &self.modules[next];
        let fits = match order.last() {
            None => true,
            Some(&last) => {
                !module.is_embedding() && module.inputs().is_none_or(|inputs| inputs == self.modules[last].outputs())
            }
        };
        fits && self.earlier[next].iter().all(|other| order.contains(other))
    }
}

/// For each module, those of the same parent with a lower number.
fn earlier(modules: &[Module]) -> Vec<Vec<usize>> {
    let lower = |a: &Module, b: &Module| siblings(&a.name, &b.name).is_some_and(|(a, b)| a < b);
    let before = |module: &Module| (0..modules.len()).filter(|&other| lower(&modules[other], module)).collect();
    modules.iter().map(before).collect()
}

/// The numbers of two modules that are numbered children of one parent.
fn siblings(a: &str, b: &str) -> Option<(u64, u64)> {
    let split = |name: &str| {
        let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
        Some((parent.to_owned(), last.parse::<u64>().ok()?))
    };
    let ((parent, a), (other, b)) = (split(a)?, split(b)?);
    (parent == other).then_some((a, b))
}

/// Text and numbers in turn, so that 10 comes after 9.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest[text..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| text + length);
        parts.push((rest[..text].to_owned(), rest[text..digits].parse().unwrap_or(u64::MAX)));
        rest = &rest[digits..];
    }
    parts
}

/// Refuses where a function must stand between modules and cannot be seen: a number that is missing among children of one
/// parent, or two matrices in a row, which would be one without it.
pub(super) fn nothing_hidden(modules: &[Module]) -> Result<(), ImportError> {
    let unclear = |pair: &[&Module], reason: &str| {
        let modules = pair.iter().map(|module| module.name.clone()).collect();
        Err(ImportError::Unclear { modules, reason: reason.into() })
    };
    for pair in modules.windows(2) {
        if siblings(&pair[0].name, &pair[1].name).is_some_and(|(a, b)| b - a > 1) {
            return unclear(
                &[&pair[0], &pair[1]],
                "modules without parameters stand between them, which the file does not hold",
            );
        }
    }
    let affine = |imported: &Imported| matches!(imported.kind, Kind::Linear { .. } | Kind::Conv1d(_));
    let mut before: Option<&Module> = None;
    for module in modules.iter().filter(|module| !matches!(module.layers[0].kind, Kind::Affine { .. })) {
        if let Some(before) = before
            && before.layers.last().is_some_and(affine)
            && matches!(module.layers[0].kind, Kind::Linear { .. } | Kind::Conv1d(_))
        {
            return unclear(
                &[before, module],
                "two matrices in a row, and the file does not hold the function between them",
            );
        }
        before = Some(module);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Matrix;

    fn module(name: &str, inputs: usize, outputs: usize) -> Module {
        let kind = Kind::Linear { weight: Matrix::zeros(inputs, outputs), bias: vec![0.0; outputs] };
        Module { name: name.into(), layers: vec![Imported::new(name, kind)] }
    }

    fn norm(name: &str, width: usize) -> Module {
        let kind = Kind::LayerNorm { gain: vec![1.0; width], bias: vec![0.0; width] };
        Module { name: name.into(), layers: vec![Imported::new(name, kind)] }
    }

    fn order(modules: Vec<Module>) -> Result<Vec<String>, String> {
        ordered(modules)
            .map(|all| all.into_iter().map(|module| module.name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn widths_say_the_order_where_names_do_not() {
        let order = order(vec![module("fc", 24, 5), module("lstm", 13, 24), norm("bn", 24)]);
        assert_eq!(order, Ok(vec!["lstm".into(), "bn".into(), "fc".into()]));
    }

    #[test]
    fn numbers_of_children_say_the_order_where_widths_do_not() {
        let all = vec![module("net.10", 8, 8), module("net.2", 8, 8), module("net.9", 8, 8)];
        assert_eq!(order(all), Ok(vec!["net.2".into(), "net.9".into(), "net.10".into()]));
    }

    #[test]
    fn several_orders_and_none_are_refused_by_name() {
        let message = order(vec![module("a", 8, 8), module("b", 8, 8)]).expect_err("two orders");
        assert_eq!(message, "modules `a`, `b`: fit in more than one order (8 → 8, 8 → 8)");
        let message = order(vec![module("a", 8, 9), module("b", 7, 8), module("c", 3, 4)]).expect_err("no order");
        assert!(message.contains("in no order does each fit the one before (8 → 9, 7 → 8, 3 → 4)"), "{message}");
        let many = (0..40).map(|at| module(&format!("m{at}x"), 8, 8)).collect();
        assert!(order(many).expect_err("many orders").contains("more than one order"));
    }

    #[test]
    fn what_a_file_does_not_hold_is_asked_for() {
        let message = nothing_hidden(&[module("0", 8, 4), module("2", 4, 2)]).expect_err("a gap").to_string();
        assert_eq!(
            message,
            "modules `0`, `2`: modules without parameters stand between them, which the file does not hold"
        );
        let message =
            nothing_hidden(&[module("fc1", 8, 4), module("fc2", 4, 2)]).expect_err("two matrices").to_string();
        assert!(message.contains("two matrices in a row"), "{message}");
        assert!(nothing_hidden(&[module("fc1", 8, 4), norm("norm", 4), module("fc2", 4, 2)]).is_ok());
    }
}
