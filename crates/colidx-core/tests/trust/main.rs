//! Nothing that a writer is given or meets makes it commit what cannot be opened, or lose what was
//! there.

#[path = "../common/mod.rs"]
mod common;
mod directories;
mod locks;
mod magnitudes;
mod staging;
