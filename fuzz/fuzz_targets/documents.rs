#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("documents"), |data: &[u8]| colidx_fuzz::documents(data));
