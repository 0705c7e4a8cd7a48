//! Several pieces in one input: each behind its length, so that a fuzzer's changes to one leave the
//! others what they were.

/// Packs pieces.
pub(crate) fn pack<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut input = Vec::new();
    for piece in pieces {
        input.extend((piece.len() as u32).to_le_bytes());
        input.extend(piece);
    }
    input
}

/// Takes pieces from an input. One that is longer than what is left is cut, and behind the end all
/// are empty.
pub(crate) struct Pieces<'a>(pub(crate) &'a [u8]);

impl<'a> Pieces<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn next(&mut self) -> &'a [u8] {
        let Some((length, rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return &[];
        };
        let length = u32::from_le_bytes(*length) as usize;
        let (piece, rest) = rest.split_at(length.min(rest.len()));
        self.0 = rest;
        piece
    }
}
