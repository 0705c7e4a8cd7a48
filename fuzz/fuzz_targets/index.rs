#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("index"), |data: &[u8]| colidx_fuzz::index(data));
