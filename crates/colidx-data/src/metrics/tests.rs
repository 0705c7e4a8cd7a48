use super::*;
use std::io::Cursor;

fn judged(documents: &[(&str, i64)]) -> BTreeMap<String, i64> {
    documents
        .iter()
        .map(|&(key, relevance)| (key.to_owned(), relevance))
        .collect()
}

fn value(metric: &str, ranking: &[&str], judged: &BTreeMap<String, i64>) -> f64 {
    metric
        .parse::<Metric>()
        .unwrap()
        .of_query(ranking.iter().copied(), judged)
}

#[test]
fn names() {
    let metrics = parse_metrics("ndcg@10, recall@100,MRR@10,map,success@5,p@5,ndcg@10,").unwrap();
    let names: Vec<String> = metrics.iter().map(Metric::to_string).collect();
    assert_eq!(
        names,
        ["ndcg@10", "recall@100", "mrr@10", "map", "success@5", "p@5"]
    );
    assert_eq!(
        metrics
            .iter()
            .map(|metric| metric.depth())
            .collect::<Vec<_>>(),
        [Some(10), Some(100), Some(10), None, Some(5), Some(5)]
    );
    assert_eq!(
        parse_metrics("dcg@3"),
        Err(MetricError::Unknown("dcg@3".into()))
    );
    for bad in ["ndcg@", "ndcg@0", "ndcg@-1", "ndcg@ten", "p@1.5"] {
        assert_eq!(parse_metrics(bad), Err(MetricError::CutOff(bad.into())));
    }
    assert_eq!(
        parse_metrics("recall"),
        Err(MetricError::NeedsCutOff("recall".into()))
    );
    assert_eq!(parse_metrics(" ,"), Err(MetricError::None));
}

#[test]
fn values_by_hand() {
    let judged = judged(&[("a", 3), ("b", 1), ("c", 2), ("junk", -1), ("no", 0)]);
    let ranking = ["x", "c", "junk", "a", "y", "b"];
    let log = |n: f64| n.log2();
    let ideal = 3.0 / log(2.0) + 2.0 / log(3.0) + 1.0 / log(4.0);
    let found = 2.0 / log(3.0) + 3.0 / log(5.0);
    assert_eq!(value("ndcg@4", &ranking, &judged), found / ideal);
    assert_eq!(
        value("ndcg@2", &ranking, &judged),
        2.0 / log(3.0) / (3.0 / log(2.0) + 2.0 / log(3.0))
    );
    assert_eq!(
        value("ndcg", &ranking, &judged),
        (found + 1.0 / log(7.0)) / ideal
    );
    assert_eq!(value("recall@4", &ranking, &judged), 2.0 / 3.0);
    assert_eq!(value("recall@100", &ranking, &judged), 1.0);
    assert_eq!(value("mrr", &ranking, &judged), 0.5);
    assert_eq!(value("mrr@1", &ranking, &judged), 0.0);
    assert_eq!(
        value("map", &ranking, &judged),
        (1.0 / 2.0 + 2.0 / 4.0 + 3.0 / 6.0) / 3.0
    );
    assert_eq!(
        value("map@4", &ranking, &judged),
        (1.0 / 2.0 + 2.0 / 4.0) / 3.0
    );
    assert_eq!(value("success@1", &ranking, &judged), 0.0);
    assert_eq!(value("success@2", &ranking, &judged), 1.0);
    assert_eq!(value("p@4", &ranking, &judged), 0.5);
    assert_eq!(value("p@10", &ranking, &judged), 0.3);
}

#[test]
fn nothing_found_and_nothing_to_find() {
    for metric in [
        "ndcg@10",
        "ndcg",
        "recall@10",
        "mrr",
        "map",
        "success@10",
        "p@10",
    ] {
        assert_eq!(value(metric, &[], &judged(&[("a", 1)])), 0.0, "{metric}");
        assert_eq!(
            value(metric, &["a"], &judged(&[("a", 0), ("b", -1)])),
            0.0,
            "{metric}"
        );
        assert_eq!(value(metric, &["a"], &judged(&[])), 0.0, "{metric}");
    }
    let evaluation = evaluate(&Judgements::default(), &Run::new(), &[Metric::Recall(5)]);
    assert_eq!(
        evaluation,
        Evaluation {
            means: vec![(Metric::Recall(5), 0.0)],
            queries: 0,
            missing: 0
        }
    );
}

/// Made once with ir_measures 0.4.3 and pytrec_eval-terrier 0.5.11, which agree on every figure. The run lacks one query
/// with judgements (q4) and has one without (unjudged); q7 has no relevant document; some judgements are negative.
#[test]
fn averages_are_those_of_trec_eval() {
    let qrels =
        Judgements::from_reader(Cursor::new(include_str!("testdata/qrels.txt")), "qrels.txt")
            .unwrap();
    let run = Run::from_reader(Cursor::new(include_str!("testdata/run.txt")), "run.txt").unwrap();
    let expected = [
        ("ndcg@10", 0.5664193112974191),
        ("ndcg@3", 0.470064753601501),
        ("ndcg", 0.576591495721814),
        ("recall@5", 0.5033333333333333),
        ("recall@20", 0.6516666666666667),
        ("mrr", 0.675),
        ("mrr@3", 0.65),
        ("map", 0.42877340921748824),
        ("map@5", 0.3535416666666667),
        ("success@1", 0.6),
        ("success@5", 0.8),
        ("p@5", 0.44),
        ("p@10", 0.29),
    ];
    let names = expected.map(|(name, _)| name).join(",");
    let evaluation = evaluate(&qrels, &run, &parse_metrics(&names).unwrap());
    assert_eq!((evaluation.queries, evaluation.missing), (10, 1));
    for ((metric, got), (name, expected)) in evaluation.means.iter().zip(expected) {
        assert_eq!(metric.to_string(), name);
        assert!(
            (got - expected).abs() < 1e-12,
            "{name}: {got} instead of {expected}"
        );
    }
}
