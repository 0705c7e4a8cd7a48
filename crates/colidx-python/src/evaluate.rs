//! Metrics of a run against judgements.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use colidx::data::{Judgements, Run, parse_metrics};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::OrRaise;

/// A file, or what it would hold.
#[derive(FromPyObject)]
pub enum Rankings {
    Given(BTreeMap<String, Vec<(String, f32)>>),
    File(PathBuf),
}

/// Averages of `metrics` over all judged queries. `judgements` is JSON, or else `file` is read.
#[pyfunction]
pub fn evaluate<'py>(
    py: Python<'py>,
    rankings: Rankings,
    judgements: Option<String>,
    file: Option<PathBuf>,
    metrics: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let metrics = parse_metrics(metrics).or_raise()?;
    let run = match rankings {
        Rankings::File(path) => Run::open(&path).or_raise()?,
        Rankings::Given(rankings) => {
            let mut run = Run::new();
            for (query, ranking) in rankings {
                run.insert(&query, ranking);
            }
            run
        }
    };
    let judgements = match file {
        Some(path) => Judgements::open(&path),
        None => {
            let json = Cursor::new(judgements.unwrap_or_default());
            Judgements::from_reader(json, "qrels")
        }
    };
    let judgements = judgements.or_raise()?;
    let evaluation = colidx::data::evaluate(&judgements, &run, &metrics).or_raise()?;
    let means = PyDict::new(py);
    for (metric, mean) in evaluation.means {
        means.set_item(metric.to_string(), mean)?;
    }
    Ok(means)
}
