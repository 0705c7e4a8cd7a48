//! How good rankings are: runs, and the measures that compare them with judgements and with each other.

pub mod metrics;
pub mod overlap;
pub mod run;

pub use metrics::{Evaluation, Metric, MetricError, evaluate, parse_metrics};
pub use overlap::overlap;
pub use run::{Run, RunError, RunWriter};
