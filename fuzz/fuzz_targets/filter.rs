#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("filter"), |data: &[u8]| colidx_fuzz::filter(data));
