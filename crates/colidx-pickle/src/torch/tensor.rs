//! Tensors described by a pickle, and their elements.

use std::ops::Range;

use half::{bf16, f16};

use crate::value::{Contents, Id, Value};

/// A tensor: a view of a storage.
#[derive(Debug)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// IEEE double precision.
    F64,
    /// Signed 32 bits.
    I32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 8 bits.
    U8,
    /// Another type, by torch's name.
    Other(String),
}

impl Element {
    fn of(class: &str) -> Element {
        match class {
            "FloatStorage" => Element::F32,
            "HalfStorage" => Element::F16,
            "BFloat16Storage" => Element::BF16,
            "DoubleStorage" => Element::F64,
            "IntStorage" => Element::I32,
            "LongStorage" => Element::I64,
            "ByteStorage" => Element::U8,
            other => Element::Other(other.to_owned()),
        }
    }

    /// Its name, such as `F32`.
    pub fn name(&self) -> &str {
        match self {
            Element::F32 => "F32",
            Element::F16 => "F16",
            Element::BF16 => "BF16",
            Element::F64 => "F64",
            Element::I32 => "I32",
            Element::I64 => "I64",
            Element::U8 => "U8",
            Element::Other(name) => name,
        }
    }

    fn width(&self) -> usize {
        match self {
            Element::F64 | Element::I64 => 8,
            Element::F32 | Element::I32 => 4,
            Element::F16 | Element::BF16 => 2,
            Element::U8 | Element::Other(_) => 1,
        }
    }
}

/// A malformed description of a tensor.
#[derive(Debug, thiserror::Error)]
#[error("what it says about tensor `{name}` lacks {lacks} or has another there")]
pub struct TensorError {
    name: String,
    lacks: &'static str,
}

/// The tensors of a pickled dict by name, those of a tuple or list by number, or a single one under
/// the empty name. Other values are skipped.
pub(super) fn named(contents: &Contents) -> Result<Vec<(String, Tensor)>, TensorError> {
    let mut tensors = Vec::new();
    let mut add = |name: String, value| match find(contents, value) {
        Ok(None) => Ok(()),
        Ok(Some(tensor)) => {
            tensors.push((name, tensor));
            Ok(())
        }
        Err(lacks) => Err(TensorError { name, lacks }),
    };
    match contents.root() {
        Value::Dict(items) => {
            for &(key, value) in items {
                if let Some(name) = contents.text(key) {
                    add(name.to_owned(), value)?;
                }
            }
        }
        Value::Tuple(items) | Value::List(items) => {
            for (number, &value) in items.iter().enumerate() {
                add(number.to_string(), value)?;
            }
        }
        _ => add(String::new(), contents.root_id())?,
    }
    Ok(tensors)
}

/// A tensor; none if the value is something else.
fn find(contents: &Contents, value: Id) -> Result<Option<Tensor>, &'static str> {
    match rebuilt(contents, value)? {
        Some(arguments) => tensor(contents, arguments).map(Some),
        None => Ok(None),
    }
}

/// The arguments from which torch rebuilds a tensor; none if the value is not a tensor.
fn rebuilt(contents: &Contents, value: Id) -> Result<Option<&[Id]>, &'static str> {
    let call = |value| match contents.get(value) {
        &Value::Call {
            callable,
            arguments,
            ..
        } => Some((contents.global(callable), arguments)),
        _ => None,
    };
    let Some((mut callable, mut arguments)) = call(value) else {
        return Ok(None);
    };
    match callable {
        // A parameter or a subclass of Tensor wraps a tensor: (function, type, arguments, state).
        Some(("torch._utils", "_rebuild_parameter")) => {
            let inner = contents.tuple(arguments);
            let inner = inner.and_then(|items| call(*items.first()?));
            (callable, arguments) = inner.ok_or("the tensor of a parameter")?;
        }
        Some(("torch._tensor", "_rebuild_from_type_v2")) => {
            let Some(&[function, _, inner, ..]) = contents.tuple(arguments) else {
                return Err("the arguments of its class");
            };
            (callable, arguments) = (contents.global(function), inner);
        }
        _ => {}
    }
    if callable != Some(("torch._utils", "_rebuild_tensor_v2")) {
        return Ok(None);
    }
    contents.tuple(arguments).map(Some).ok_or("its arguments")
}

/// Reads storage, offset, shape and strides; further arguments do not matter.
fn tensor(contents: &Contents, arguments: &[Id]) -> Result<Tensor, &'static str> {
    let &[storage, offset, shape, strides, ..] = arguments else {
        return Err("one of storage, offset, shape and strides");
    };
    // ("storage", class, name, device, elements)
    let storage = match contents.get(storage) {
        &Value::PersistentId(name) => contents.tuple(name),
        _ => None,
    };
    let Some(&[_, class, name, ..]) = storage else {
        return Err("a storage");
    };
    let (Some((_, class)), Some(name)) = (contents.global(class), contents.text(name)) else {
        return Err("the type or the name of its storage");
    };
    let shape = contents.sizes(shape).ok_or("a shape")?;
    let strides = contents
        .sizes(strides)
        .filter(|strides| strides.len() == shape.len())
        .ok_or("as many strides as lengths")?;
    Ok(Tensor {
        storage: name.to_owned(),
        element: Element::of(class),
        shape,
        strides,
        offset: contents.size(offset).ok_or("an offset")?,
    })
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

    /// Whether its elements lie one after the other, row-major.
    pub(super) fn is_contiguous(&self) -> bool {
        let mut step = 1usize;
        (self.shape.iter().zip(&self.strides).rev()).all(|(&length, &stride)| {
            let expected = step;
            step = step.saturating_mul(length);
            length == 1 || stride == expected
        })
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
            _ => {}
        }
    }

    fn append_with<const N: usize>(
        &self,
        elements: &[[u8; N]],
        value: impl Fn([u8; N]) -> f32,
        out: &mut Vec<f32>,
    ) {
        if self.is_contiguous() {
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
