#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("word_query"), |data: &[u8]| colidx_fuzz::word_query(data));
