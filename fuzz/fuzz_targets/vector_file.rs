#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("vector_file"), |data: &[u8]| colidx_fuzz::vector_file(data));
