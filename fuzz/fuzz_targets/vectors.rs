#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("vectors"), |data: &[u8]| colidx_fuzz::vectors(data));
