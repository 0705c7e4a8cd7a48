#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("tokenizer"), |data: &[u8]| colidx_fuzz::tokenizer(data));
