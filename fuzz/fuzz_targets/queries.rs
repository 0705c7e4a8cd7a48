#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("queries"), |data: &[u8]| colidx_fuzz::queries(data));
