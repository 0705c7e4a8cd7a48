#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("foreign_pickle"), |data: &[u8]| colidx_fuzz::foreign_pickle(data));
