//! The binary `colidx`; everything it does is in the library beside it.

fn main() -> std::process::ExitCode {
    colidx_cli::main()
}
