#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("frame"), |data: &[u8]| colidx_fuzz::frame(data));
