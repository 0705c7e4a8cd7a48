//! colidx
