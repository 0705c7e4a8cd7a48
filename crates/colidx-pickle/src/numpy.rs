//! Arrays of numpy in a pickle.

use std::ops::Range;

use crate::value::{Contents, Id, Value};

/// An array in C order, and where its bytes lie in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickledArray {
    /// Byte order and type, as in `<f4`.
    pub descr: String,
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// Where its bytes lie.
    pub bytes: Range<u64>,
}

/// A pickle that is no array of arrays.
#[derive(Debug, thiserror::Error)]
#[error("it is not {0}")]
pub struct NotArrays(&'static str);

/// The arrays in a pickled one-dimensional array of objects, in order.
///
/// # Errors
/// It is something else, or one of its items is.
pub fn arrays(contents: &Contents) -> Result<Vec<PickledArray>, NotArrays> {
    let outer = state(contents, contents.root_id()).ok_or(NotArrays("an array"))?;
    let Value::List(items) = contents.get(outer.items) else {
        return Err(NotArrays("an array of objects"));
    };
    if outer.shape != [items.len()] {
        return Err(NotArrays("an array of one dimension"));
    }
    let inner = |&id: &Id| {
        let array = state(contents, id)?;
        match contents.get(array.items) {
            Value::Bytes(bytes) => Some(PickledArray {
                descr: array.descr,
                shape: array.shape,
                bytes: bytes.clone(),
            }),
            _ => None,
        }
    };
    let arrays: Option<_> = items.iter().map(inner).collect();
    arrays.ok_or(NotArrays("an array of arrays of numbers in C order"))
}

struct State {
    descr: String,
    shape: Vec<usize>,
    items: Id,
}

/// The state of an array: `(version, shape, dtype, whether in Fortran order, items)`.
fn state(contents: &Contents, id: Id) -> Option<State> {
    let &Value::Call {
        callable,
        state: Some(state),
        ..
    } = contents.get(id)
    else {
        return None;
    };
    let ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") =
        contents.global(callable)?
    else {
        return None;
    };
    let &[_, shape, dtype, order, items] = contents.tuple(state)? else {
        return None;
    };
    let shape = contents.sizes(shape)?;
    // Where only one dimension is longer than 1, both orders are the same.
    if !matches!(contents.get(order), Value::False) && shape.iter().filter(|&&n| n > 1).count() > 1
    {
        return None;
    }
    Some(State {
        descr: descr(contents, dtype)?,
        shape,
        items,
    })
}

/// The name of an element type: `dtype(name, ..)` with the state `(version, byte order, ..)`.
fn descr(contents: &Contents, id: Id) -> Option<String> {
    let &Value::Call {
        callable,
        arguments,
        state: Some(state),
    } = contents.get(id)
    else {
        return None;
    };
    let ("numpy", "dtype") = contents.global(callable)? else {
        return None;
    };
    let name = contents.text(*contents.tuple(arguments)?.first()?)?;
    let order = contents.text(*contents.tuple(state)?.get(1)?)?;
    Some(format!("{order}{name}"))
}

#[cfg(test)]
mod tests;
