#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("checkpoint_config"), |data: &[u8]| colidx_fuzz::checkpoint_config(data));
