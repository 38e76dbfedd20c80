//! How much memory the messages of a file will take, found before any is made.
//!
//! Two bytes of protobuf can say "one more node", and a node in memory takes hundreds: a file made for it would grow a
//! hundredfold. So the file is walked once, and what its messages and strings will take is added up.

use super::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, StringStringEntryProto,
    TensorAnnotation, TensorProto, TrainingInfoProto, TypeProto, ValueInfoProto, tensor_shape_proto::Dimension,
};

/// What any file may take: 16 MiB.
const ALLOWANCE: usize = 16 << 20;

/// What a file may take for each of its bytes. Short names cost most: a string of two bytes takes 26 and an allocation.
const GROWTH: usize = 32;

/// Deepest nesting, as `prost` has it.
const DEEPEST: usize = 100;

/// Messages that hold messages, and all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Function,
    Training,
    Annotation,
    Leaf,
}

/// (message, field, what the field holds, what one takes). Fields that are not here hold text, bytes or packed numbers.
const FIELDS: &[(Kind, u64, Kind, usize)] = &[
    (Kind::Model, 7, Kind::Graph, size_of::<GraphProto>()),
    (Kind::Model, 14, Kind::Leaf, size_of::<StringStringEntryProto>()),
    (Kind::Model, 20, Kind::Training, size_of::<TrainingInfoProto>()),
    (Kind::Model, 25, Kind::Function, size_of::<FunctionProto>()),
    (Kind::Graph, 1, Kind::Node, size_of::<NodeProto>()),
    (Kind::Graph, 5, Kind::Tensor, size_of::<TensorProto>()),
    (Kind::Graph, 11, Kind::ValueInfo, size_of::<ValueInfoProto>()),
    (Kind::Graph, 12, Kind::ValueInfo, size_of::<ValueInfoProto>()),
    (Kind::Graph, 13, Kind::ValueInfo, size_of::<ValueInfoProto>()),
    (Kind::Graph, 14, Kind::Annotation, size_of::<TensorAnnotation>()),
    (Kind::Graph, 15, Kind::Sparse, size_of::<SparseTensorProto>()),
    (Kind::Node, 5, Kind::Attribute, size_of::<AttributeProto>()),
    (Kind::Attribute, 5, Kind::Tensor, 0),
    (Kind::Attribute, 6, Kind::Graph, 0),
    (Kind::Attribute, 10, Kind::Tensor, size_of::<TensorProto>()),
    (Kind::Attribute, 11, Kind::Graph, size_of::<GraphProto>()),
    (Kind::Attribute, 14, Kind::Type, 0),
    (Kind::Attribute, 15, Kind::Type, size_of::<TypeProto>()),
    (Kind::Attribute, 22, Kind::Sparse, 0),
    (Kind::Attribute, 23, Kind::Sparse, size_of::<SparseTensorProto>()),
    (Kind::Sparse, 1, Kind::Tensor, 0),
    (Kind::Sparse, 2, Kind::Tensor, 0),
    (Kind::ValueInfo, 2, Kind::Type, 0),
    (Kind::Type, 1, Kind::TensorType, 0),
    (Kind::TensorType, 2, Kind::Shape, 0),
    (Kind::Shape, 1, Kind::Leaf, size_of::<Dimension>()),
    (Kind::Function, 7, Kind::Node, size_of::<NodeProto>()),
    (Kind::Function, 11, Kind::Attribute, size_of::<AttributeProto>()),
    (Kind::Function, 12, Kind::ValueInfo, size_of::<ValueInfoProto>()),
    (Kind::Training, 1, Kind::Graph, 0),
    (Kind::Training, 2, Kind::Graph, 0),
];

/// What text, bytes, and messages that are not above take at most, beside their bytes: a `String`, or three.
const SMALL: usize = 72;

/// Walks the messages of `bytes`.
///
/// # Errors
/// Where they are cut off, nested too deeply, or would take too much.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let limit = ALLOWANCE.saturating_add(bytes.len().saturating_mul(GROWTH));
    let mut taken = size_of::<ModelProto>();
    let mut open = vec![(Kind::Model, bytes)];
    while let Some((kind, rest)) = open.pop() {
        let Some((field, content, rest)) = next(rest)? else { continue };
        open.push((kind, rest));
        let Some(content) = content else {
            taken += size_of::<u64>();
            continue;
        };
        let known = FIELDS.iter().find(|(outer, number, ..)| (*outer, *number) == (kind, field));
        let (inner, size) = known.map_or((Kind::Leaf, SMALL), |&(_, _, inner, size)| (inner, size));
        taken += size;
        if taken > limit {
            return Err(format!("{} bytes with parts that would take more than {limit} bytes of memory", bytes.len()));
        }
        if inner != Kind::Leaf {
            if open.len() >= DEEPEST {
                return Err(format!("messages nested more than {DEEPEST} deep"));
            }
            open.push((inner, content));
        }
    }
    Ok(())
}

/// A field: its number, its bytes where it has a length, and what follows; `None` at the end.
type Field<'a> = (u64, Option<&'a [u8]>, &'a [u8]);

fn next(bytes: &[u8]) -> Result<Option<Field<'_>>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let cut = || "cut off: a message ends in the middle of a field".to_owned();
    let (key, rest) = number(bytes).ok_or_else(cut)?;
    let skip = |length: u64| {
        let length = usize::try_from(length).ok()?;
        rest.split_at_checked(length)
    };
    Ok(Some(match key & 7 {
        0 => (key >> 3, None, number(rest).ok_or_else(cut)?.1),
        1 => (key >> 3, None, skip(8).ok_or_else(cut)?.1),
        2 => {
            let (length, rest) = number(rest).ok_or_else(cut)?;
            let length = usize::try_from(length).map_err(|_| cut())?;
            let (content, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
            (key >> 3, Some(content), rest)
        }
        5 => (key >> 3, None, skip(4).ok_or_else(cut)?.1),
        other => return Err(format!("a field of wire type {other}, expected 0, 1, 2 or 5")),
    }))
}

/// A number of seven bits a byte.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte < 0x80 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_empty_nodes_is_refused_before_they_are_made() {
        let nodes = [0x0a, 0x00].repeat(1 << 20);
        let length = nodes.len() as u64;
        let mut file = vec![0x3a];
        file.extend((0..4).map(|at| (length >> (7 * at)) as u8 & 0x7f | if at < 3 { 0x80 } else { 0 }));
        file.extend(nodes);
        let refused = check(&file).expect_err("two bytes a node");
        assert!(refused.contains("would take more than"), "{refused}");
    }

    #[test]
    fn cuts_and_deep_nests_are_named() {
        assert_eq!(check(&[0x3a, 0x05, 0x0a]), Err("cut off: a message ends in the middle of a field".to_owned()));
        assert_eq!(check(&[0x0b]), Err("a field of wire type 3, expected 0, 1, 2 or 5".to_owned()));
        assert_eq!(check(&[]), Ok(()));
        // A node of a graph in an attribute of a node of a graph, and so on, from the inside out.
        let mut file = Vec::new();
        for depth in 0..199 {
            let field = [0x0a, 0x32, 0x2a][depth % 3];
            let length = file.len();
            let mut outer = vec![field, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
            outer.append(&mut file);
            file = outer;
        }
        let mut model = vec![0x3a, (file.len() & 0x7f) as u8 | 0x80, (file.len() >> 7) as u8];
        model.append(&mut file);
        assert_eq!(check(&model), Err("messages nested more than 100 deep".to_owned()));
    }
}
