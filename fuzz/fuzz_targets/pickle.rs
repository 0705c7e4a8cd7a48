#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("pickle"), |data: &[u8]| colidx_fuzz::pickle(data));
