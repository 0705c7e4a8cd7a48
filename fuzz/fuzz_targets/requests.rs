#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("requests"), |data: &[u8]| colidx_fuzz::requests(data));
