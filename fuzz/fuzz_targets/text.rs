#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("text"), |data: &[u8]| colidx_fuzz::text(data));
