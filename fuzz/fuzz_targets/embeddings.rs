#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("embeddings"), |data: &[u8]| colidx_fuzz::embeddings(data));
