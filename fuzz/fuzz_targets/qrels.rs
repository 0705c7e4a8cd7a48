#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("qrels"), |data: &[u8]| colidx_fuzz::qrels(data));
