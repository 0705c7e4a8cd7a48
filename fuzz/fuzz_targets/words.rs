#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("words"), |data: &[u8]| colidx_fuzz::words(data));
