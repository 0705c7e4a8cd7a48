//! colidx-encoder
