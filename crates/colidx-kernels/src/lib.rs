//! colidx-kernels
