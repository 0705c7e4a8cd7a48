//! Writes the seeds of every target to `fuzz/corpus`, where `cargo fuzz run` looks for them.

use std::path::Path;

fn main() -> std::io::Result<()> {
    for (name, _) in colidx_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in colidx_fuzz::seeds::of(name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
