//! Compiles `blas.c`, which loads the BLAS of faiss on first use, where the feature `faiss` is on.

fn main() {
    println!("cargo:rerun-if-changed=src/blas.c");
    #[cfg(feature = "faiss")]
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        cc::Build::new()
            .file("src/blas.c")
            .warnings(true)
            .cargo_metadata(false)
            .compile("colidx_blas");
        let folder = std::env::var("OUT_DIR").unwrap_or_default();
        println!("cargo:rustc-link-search=native={folder}");
        // Link it whole, because faiss comes after it, and before the BLAS, which is then no longer
        // needed.
        println!("cargo:rustc-link-lib=static:+whole-archive,-bundle=colidx_blas");
    }
}
