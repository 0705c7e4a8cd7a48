//! The binary `colidx`.

fn main() -> std::process::ExitCode {
    colidx_cli::main()
}
