//! colidx-cluster
