//! What the service counts and times, in the text format of Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use colidx::SearchStats;

/// What a scrape must say it is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds, from a search in memory to a long commit.
const REQUEST_SECONDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0,
];

/// Seconds of a step of a search.
const STAGE_SECONDS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteCode {
    route: String,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IndexLabel {
    index: String,
}

type Gauges = Family<IndexLabel, Gauge>;
type Timings<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted and timed.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RouteCode, Counter>,
    durations: Timings<Route>,
    stages: Timings<Stage>,
    documents: Gauges,
    vectors: Gauges,
    bytes: Gauges,
    generation: Gauges,
    waiting: Gauge,
    memory: Gauge,
}

/// One index, as it is now.
pub(crate) struct IndexNow<'a> {
    pub name: &'a str,
    pub documents: u64,
    pub vectors: u64,
    pub bytes: u64,
    pub generation: u64,
}

impl Metrics {
    pub fn new(commit: &'static str) -> Metrics {
        let mut registry = Registry::with_prefix("colidx");
        let requests = Family::default();
        let durations: Timings<Route> =
            Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS));
        let stages: Timings<Stage> = Family::new_with_constructor(|| Histogram::new(STAGE_SECONDS));
        let (documents, vectors, bytes, generation) = (
            Gauges::default(),
            Gauges::default(),
            Gauges::default(),
            Gauges::default(),
        );
        let (waiting, memory) = (Gauge::default(), Gauge::default());
        registry.register(
            "http_requests",
            "Requests answered, by route and status",
            requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register_with_unit(
            "search_stage",
            "Time of the steps of searches",
            Unit::Seconds,
            stages.clone(),
        );
        registry.register(
            "documents",
            "Documents that a search can find",
            documents.clone(),
        );
        registry.register(
            "vectors",
            "Token vectors of these documents",
            vectors.clone(),
        );
        registry.register(
            "index_bytes",
            "Bytes of the files of an index",
            bytes.clone(),
        );
        registry.register(
            "index_generation",
            "The commit that is served",
            generation.clone(),
        );
        registry.register(
            "encode_queue",
            "Texts that wait to be encoded",
            waiting.clone(),
        );
        registry.register(
            "resident_memory_bytes",
            "Memory of the process",
            memory.clone(),
        );
        let build = [("version", env!("CARGO_PKG_VERSION")), ("git", commit)];
        registry.register("build", "The program", Info::new(build.to_vec()));
        Metrics {
            registry,
            requests,
            durations,
            stages,
            documents,
            vectors,
            bytes,
            generation,
            waiting,
            memory,
        }
    }

    /// Counts a request. `route` is the template, so that keys of documents are no labels.
    pub fn request(&self, route: &str, code: u16, time: Duration) {
        let route = route.to_owned();
        let labels = RouteCode {
            route: route.clone(),
            code,
        };
        self.requests.get_or_create(&labels).inc();
        let labels = Route { route };
        self.durations
            .get_or_create(&labels)
            .observe(time.as_secs_f64());
    }

    /// Times a step.
    pub fn stage(&self, stage: &'static str, time: Duration) {
        let stage = self.stages.get_or_create(&Stage { stage });
        stage.observe(time.as_secs_f64());
    }

    /// Times the steps of a search.
    pub fn search(&self, stats: &SearchStats) {
        self.stage("centroids", stats.centroid_time);
        self.stage("candidates", stats.candidate_time);
        self.stage("partial", stats.partial_time);
        self.stage("exact", stats.exact_time);
        self.stage("search", stats.total_time);
    }

    /// All of it as text, with the state of the indexes and the queue as they are now.
    pub fn text(&self, indexes: &[IndexNow<'_>], waiting: usize) -> String {
        for now in indexes {
            let label = IndexLabel {
                index: now.name.to_owned(),
            };
            let set = |gauges: &Gauges, value: u64| {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                gauges.get_or_create(&label).set(value);
            };
            set(&self.documents, now.documents);
            set(&self.vectors, now.vectors);
            set(&self.bytes, now.bytes);
            set(&self.generation, now.generation);
        }
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.memory.set(resident_bytes().unwrap_or(0));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Memory of this process, where the system tells.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes = line.trim().strip_suffix("kB")?;
    Some(kibibytes.trim().parse::<i64>().ok()? * 1024)
}
