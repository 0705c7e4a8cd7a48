#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("columns"), |data: &[u8]| colidx_fuzz::columns(data));
