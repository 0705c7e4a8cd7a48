#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("postings"), |data: &[u8]| colidx_fuzz::postings(data));
