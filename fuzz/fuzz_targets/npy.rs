#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("npy"), |data: &[u8]| colidx_fuzz::npy(data));
