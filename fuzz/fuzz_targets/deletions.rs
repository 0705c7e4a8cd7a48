#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| colidx_fuzz::deletions(data));
