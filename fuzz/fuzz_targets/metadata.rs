#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("metadata"), |data: &[u8]| colidx_fuzz::metadata(data));
