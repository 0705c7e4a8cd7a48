#![no_main]

libfuzzer_sys::fuzz_target!(init: colidx_fuzz::seeds::write("safetensors"), |data: &[u8]| colidx_fuzz::safetensors(data));
