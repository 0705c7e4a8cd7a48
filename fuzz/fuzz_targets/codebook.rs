#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("codebook"), |data: &[u8]| colidx_fuzz::codebook(data));
