#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("lexical"), |data: &[u8]| colidx_fuzz::lexical(data));
