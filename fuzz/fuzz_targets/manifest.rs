#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("manifest"), |data: &[u8]| colidx_fuzz::manifest(data));
