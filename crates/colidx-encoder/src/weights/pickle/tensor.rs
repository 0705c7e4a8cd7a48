//! Tensors described by a pickle, and their elements.

use std::ops::Range;

use half::{bf16, f16};

use super::machine::{Contents, Id, Value};

/// A tensor: a view of a storage.
pub(super) struct Tensor {
    /// The name of the storage.
    pub(super) storage: String,
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    strides: Vec<usize>,
    /// Index of its first element in the storage.
    offset: usize,
}

/// The element type of a storage.
pub(super) enum Element {
    F32,
    F16,
    BF16,
    /// A type that weights may not have, by torch's name.
    Other(String),
}

impl Element {
    fn of(class: &str) -> Element {
        match class {
            "FloatStorage" => Element::F32,
            "HalfStorage" => Element::F16,
            "BFloat16Storage" => Element::BF16,
            other => Element::Other(other.to_owned()),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Element::F32 => "F32",
            Element::F16 => "F16",
            Element::BF16 => "BF16",
            Element::Other(name) => name,
        }
    }

    fn width(&self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F16 | Element::BF16 => 2,
            Element::Other(_) => 1,
        }
    }
}

/// A malformed description of a tensor.
#[derive(Debug, thiserror::Error)]
#[error("what it says about tensor `{name}` lacks {lacks} or has another there")]
pub(super) struct Problem {
    name: String,
    lacks: &'static str,
}

/// The tensors of a pickled dict, by name. Other values are skipped.
pub(super) fn named(contents: &Contents<'_>) -> Result<Vec<(String, Tensor)>, Problem> {
    let Value::Dict(items) = contents.root() else {
        return Ok(Vec::new());
    };
    let mut tensors = Vec::new();
    for &(key, value) in items {
        let &Value::Text(name) = contents.get(key) else {
            continue;
        };
        let problem = |lacks| Problem {
            name: name.to_owned(),
            lacks,
        };
        if let Some(arguments) = rebuilt(contents, value).map_err(problem)? {
            let tensor = tensor(contents, arguments).map_err(problem)?;
            tensors.push((name.to_owned(), tensor));
        }
    }
    Ok(tensors)
}

/// The arguments from which torch rebuilds a tensor; none if the value is not a tensor.
fn rebuilt<'c>(contents: &'c Contents<'_>, value: Id) -> Result<Option<&'c [Id]>, &'static str> {
    let call = |value| match contents.get(value) {
        &Value::Call(callable, arguments) => Some((contents.get(callable), arguments)),
        _ => None,
    };
    let Some((mut callable, mut arguments)) = call(value) else {
        return Ok(None);
    };
    match callable {
        // A parameter or a subclass of Tensor wraps a tensor: (function, type, arguments, state).
        Value::Global("torch._utils", "_rebuild_parameter") => {
            let inner = tuple(contents, arguments).and_then(|items| call(*items.first()?));
            (callable, arguments) = inner.ok_or("the tensor of a parameter")?;
        }
        Value::Global("torch._tensor", "_rebuild_from_type_v2") => {
            let items = tuple(contents, arguments);
            let Some(&[function, _, inner, ..]) = items else {
                return Err("the arguments of its class");
            };
            (callable, arguments) = (contents.get(function), inner);
        }
        _ => {}
    }
    if !matches!(
        callable,
        Value::Global("torch._utils", "_rebuild_tensor_v2")
    ) {
        return Ok(None);
    }
    tuple(contents, arguments).map(Some).ok_or("its arguments")
}

/// Reads storage, offset, shape and strides; further arguments do not matter.
fn tensor(contents: &Contents<'_>, arguments: &[Id]) -> Result<Tensor, &'static str> {
    let &[storage, offset, shape, strides, ..] = arguments else {
        return Err("one of storage, offset, shape and strides");
    };
    let size = |id: Id| match contents.get(id) {
        &Value::Int(value) => usize::try_from(value).ok(),
        _ => None,
    };
    let sizes =
        |id| -> Option<Vec<usize>> { tuple(contents, id)?.iter().map(|&id| size(id)).collect() };
    // ("storage", class, name, device, elements)
    let storage = match contents.get(storage) {
        &Value::PersistentId(name) => tuple(contents, name),
        _ => None,
    };
    let Some(&[_, class, name, ..]) = storage else {
        return Err("a storage");
    };
    let (&Value::Global(_, class), &Value::Text(name)) = (contents.get(class), contents.get(name))
    else {
        return Err("the type or the name of its storage");
    };
    let shape = sizes(shape).ok_or("a shape")?;
    let strides = sizes(strides)
        .filter(|strides| strides.len() == shape.len())
        .ok_or("as many strides as lengths")?;
    Ok(Tensor {
        storage: name.to_owned(),
        element: Element::of(class),
        shape,
        strides,
        offset: size(offset).ok_or("an offset")?,
    })
}

fn tuple<'c>(contents: &'c Contents<'_>, id: Id) -> Option<&'c [Id]> {
    match contents.get(id) {
        Value::Tuple(items) => Some(items),
        _ => None,
    }
}

impl Tensor {
    /// The byte range in its storage; none if it overflows, or if the tensor has more elements than
    /// the range holds.
    pub(super) fn bytes(&self) -> Option<Range<u64>> {
        let count = self
            .shape
            .iter()
            .try_fold(1usize, |product, &length| product.checked_mul(length))?;
        let mut span = count.min(1);
        if count > 0 {
            for (length, stride) in self.shape.iter().zip(&self.strides) {
                span = span.checked_add((length - 1).checked_mul(*stride)?)?;
            }
        }
        let width = self.element.width();
        let start = self.offset.checked_mul(width)?;
        let end = start.checked_add(span.checked_mul(width)?)?;
        (count <= span).then_some(start as u64..end as u64)
    }

    /// Appends its elements, row-major, from the byte range given by [`bytes`](Self::bytes).
    pub(super) fn append_floats(&self, bytes: &[u8], out: &mut Vec<f32>) {
        match self.element {
            Element::F32 => self.append_with(bytes.as_chunks().0, f32::from_le_bytes, out),
            Element::F16 => {
                self.append_with(bytes.as_chunks().0, |b| f16::from_le_bytes(b).to_f32(), out);
            }
            Element::BF16 => {
                self.append_with(
                    bytes.as_chunks().0,
                    |b| bf16::from_le_bytes(b).to_f32(),
                    out,
                );
            }
            Element::Other(_) => {}
        }
    }

    fn append_with<const N: usize>(
        &self,
        elements: &[[u8; N]],
        value: impl Fn([u8; N]) -> f32,
        out: &mut Vec<f32>,
    ) {
        let mut step = 1;
        let contiguous = (self.shape.iter().zip(&self.strides).rev()).all(|(&length, &stride)| {
            let expected = step;
            step *= length;
            length == 1 || stride == expected
        });
        if contiguous {
            out.extend(elements.iter().map(|&element| value(element)));
            return;
        }
        // A counter with one digit per axis.
        let mut place = vec![0; self.shape.len()];
        let mut at = 0;
        for _ in 0..self.shape.iter().product() {
            out.push(value(elements[at]));
            for axis in (0..place.len()).rev() {
                place[axis] += 1;
                at += self.strides[axis];
                if place[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                place[axis] = 0;
            }
        }
    }
}
