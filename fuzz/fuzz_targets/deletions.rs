#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("deletions"), |data: &[u8]| colidx_fuzz::deletions(data));
