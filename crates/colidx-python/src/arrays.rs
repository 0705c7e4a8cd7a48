//! Arrays in and out. An array of f32 that lies in order is borrowed, others are converted once;
//! torch is known by its methods alone.

use std::fmt::Display;

use numpy::{
    PyArray1, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray2, PyUntypedArray,
    PyUntypedArrayMethods, dtype,
};
use pyo3::prelude::*;

use crate::error::exception;

/// `value` as token vectors, `[n_tokens, dim]` f32. `name` is the argument in messages.
pub fn vectors<'py>(
    name: impl Display,
    value: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray2<'py, f32>> {
    let array = as_f32(&name, untyped(&name, value, true)?)?;
    if array.ndim() != 2 {
        let shape = array.getattr("shape")?;
        let message = format!("{name}: expected shape (tokens, dim), got {shape}");
        return Err(exception("VectorError", message));
    }
    match array.cast::<PyArray2<f32>>() {
        Ok(array) if array.is_c_contiguous() && is_aligned(array)? => Ok(array.readonly()),
        _ => {
            let options = ("float32", "CA");
            let ordered = numpy(array.py())?.call_method1("require", (array, options.0, options.1));
            Ok(ordered?.cast::<PyArray2<f32>>()?.readonly())
        }
    }
}

fn is_aligned(array: &Bound<'_, PyArray2<f32>>) -> PyResult<bool> {
    array.getattr("flags")?.getattr("aligned")?.extract()
}

fn numpy(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("numpy")
}

/// Any array, of whatever type. A tensor's values come to the processor's memory, and with `float`
/// to 32 bits, as numpy does not know all of torch's types.
fn untyped<'py>(
    name: &impl Display,
    value: &Bound<'py, PyAny>,
    float: bool,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let array = if value.hasattr("detach")? {
        let tensor = value.call_method0("detach")?.call_method0("cpu")?;
        let tensor = match float {
            true => tensor.call_method0("float")?,
            false => tensor,
        };
        tensor.call_method0("numpy")?
    } else {
        let made = numpy(value.py())?.call_method1("asarray", (value,));
        made.map_err(|error| {
            let kind = kind(value);
            exception(
                "DtypeError",
                format!("{name}: expected an array, got {kind}: {error}"),
            )
        })?
    };
    Ok(array.cast_into::<PyUntypedArray>()?)
}

fn kind(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name();
    name.map_or_else(|_| "another type".to_owned(), |name| name.to_string())
}

fn as_f32<'py>(
    name: &impl Display,
    array: Bound<'py, PyUntypedArray>,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = array.py();
    let got = array.dtype();
    if got.is_equiv_to(&dtype::<f32>(py)) {
        return Ok(array);
    }
    if got.is_equiv_to(&dtype::<half::f16>(py)) {
        let converted = array.call_method1("astype", ("float32",))?;
        return Ok(converted.cast_into::<PyUntypedArray>()?);
    }
    let message = format!(
        "{name}: expected an array of float32 or float16, got {got}; convert it with .astype(\"float32\")"
    );
    Err(exception("DtypeError", message))
}

/// `value` as vocabulary ids, `[n_tokens]`.
pub fn token_ids(name: impl Display, value: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let array = untyped(&name, value, false)?;
    if array.ndim() != 1 {
        let shape = array.getattr("shape")?;
        let message = format!("{name}: expected shape (tokens,), got {shape}");
        return Err(exception("VectorError", message));
    }
    if let Ok(ids) = array.cast::<PyArray1<u32>>() {
        return Ok(ids.to_vec()?);
    }
    let got = array.dtype();
    if !matches!(got.kind(), b'i' | b'u') && !array.is_empty() {
        let message = format!("{name}: expected an array of whole numbers, got {got}");
        return Err(exception("DtypeError", message));
    }
    let numbers: Vec<i64> = array.call_method1("astype", ("int64",))?.extract()?;
    let ids = numbers.into_iter().map(|id| {
        u32::try_from(id).map_err(|_| {
            let message = format!("{name}: expected ids from 0 to 4294967295, got {id}");
            exception("VectorError", message)
        })
    });
    ids.collect()
}

/// Row-major values as an array of `[n, dim]`; nothing is copied.
pub fn matrix(py: Python<'_>, values: Vec<f32>, dim: usize) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let rows = values.len() / dim.max(1);
    PyArray1::from_vec(py, values).reshape([rows, dim])
}
