#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("corpus"), |data: &[u8]| colidx_fuzz::corpus(data));
