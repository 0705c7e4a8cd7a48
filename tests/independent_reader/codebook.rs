//! Section 5: the codebook.

use super::bytes::{floats, number, numbers, packed, split_packed};
use super::frame::Sections;

pub struct Codebook {
    pub centroids: Vec<i8>,
    pub steps: Vec<f32>,
    pub weights: Vec<f32>,
    pub gains: Vec<f32>,
    pub scales: Vec<f32>,
}

pub fn codebook(file: &Sections, dim: usize, nbits: usize, centroids: usize) -> Codebook {
    let cells = numbers(&file["CELL"], 4);
    assert!(cells.is_sorted_by(|a, b| a < b));
    assert_eq!((cells[0], cells[cells.len() - 1]), (0, centroids as u64));
    assert_eq!(file["CCEN"].len(), (cells.len() - 1) * dim);

    if !file["GRPH"].is_empty() {
        let width = (1..).find(|w| 1 << w >= centroids).unwrap();
        let (links, tail) = split_packed(&file["GRPH"], width, 32 * centroids);
        assert_eq!(tail, [0; 8]);
        assert!((0..32 * centroids).all(|i| packed(links, width, i) < centroids));
    }

    let (mut end, mut tokens) = (0, Vec::new());
    for group in file["GRUP"].chunks(12) {
        tokens.push(number(group, 0, 4));
        assert_eq!(number(group, 4, 4), end);
        assert!(number(group, 8, 4) > 0);
        end += number(group, 8, 4);
    }
    assert_eq!(end, centroids as u64);
    assert!(tokens.is_sorted_by(|a, b| a < b));
    let mut members = numbers(&file["MEMB"], 4);
    members.sort_unstable();
    assert!(members.into_iter().eq(0..centroids as u64));

    assert!(f64::from_bits(number(&file["FIT."], 0, 8)).is_finite() && file["FIT."].len() == 8);
    let book = Codebook {
        centroids: file["CENT"].iter().map(|b| b.cast_signed()).collect(),
        steps: floats(&file["STEP"]),
        weights: floats(&file["WGHT"]),
        gains: floats(&file["GAIN"]),
        scales: floats(&file["SCAL"]),
    };
    assert_eq!(book.centroids.len(), centroids * dim);
    assert_eq!((book.steps.len(), book.scales.len()), (dim, dim));
    assert_eq!((book.weights.len(), book.gains.len()), (2 << nbits, 16));
    assert!(book.weights.chunks(1 << nbits).all(<[f32]>::is_sorted));
    assert!(book.gains.is_sorted());
    let greatest = |values: &[f32]| {
        assert!(values.iter().all(|x| x.is_finite()));
        let magnitudes = values.iter().map(|&x| f64::from(x).abs());
        magnitudes.fold(0.0, f64::max)
    };
    let heaviest = greatest(&book.gains) * greatest(&book.weights);
    assert!(heaviest <= f64::from(f32::MAX));
    for (step, scale) in book.steps.iter().zip(&book.scales) {
        let bound = 128.0 * greatest(&[*step]) + greatest(&[*scale]) * heaviest;
        assert!(bound <= f64::from(f32::MAX));
    }
    book
}
