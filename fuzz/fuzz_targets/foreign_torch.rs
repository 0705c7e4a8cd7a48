#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("foreign_torch"), |data: &[u8]| colidx_fuzz::foreign_torch(data));
