//! What this program is.

use colidx_kernels::Isa;

/// The commit that it was built from; empty where that is not known.
pub const COMMIT: &str = env!("COLIDX_COMMIT");

const FEATURES: [(&str, bool); 7] = [
    ("faiss", cfg!(feature = "faiss")),
    ("cuda", cfg!(feature = "cuda")),
    ("metal", cfg!(feature = "metal")),
    ("serve", cfg!(feature = "serve")),
    ("mcp", cfg!(feature = "mcp")),
    ("sqlite", cfg!(feature = "sqlite")),
    ("parquet", cfg!(feature = "parquet")),
];

/// Version, commit, features, instruction sets of this processor, and the format of indexes.
pub fn long() -> String {
    let commit = match COMMIT {
        "" => String::new(),
        commit => format!(" ({commit})"),
    };
    let features = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name);
    let features: Vec<&str> = features.collect();
    let sets: Vec<&str> = Isa::all_supported().map(Isa::name).collect();
    let used = colidx_kernels::selected().map_or("none", Isa::name);
    format!(
        "{}{commit}\nfeatures: {}\ninstruction sets: {}; used: {used}\nindex format: {}",
        env!("CARGO_PKG_VERSION"),
        features.join(", "),
        sets.join(", "),
        colidx::FORMAT_VERSION
    )
}
