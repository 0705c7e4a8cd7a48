//! The instruction set that the environment chooses.

use colidx_kernels::Isa;

use crate::harness::Place;

#[test]
fn an_instruction_set_that_is_not_there_is_refused_by_every_command() {
    let place = Place::with_index();
    let missing = Isa::ALL.into_iter().filter(|level| !level.is_supported());
    let words = missing.map(Isa::name).chain(["AVX2", "fastest", "avx521"]);
    for word in words {
        for command in [
            &["search", "--index", "x.colidx", "moon"][..],
            &["info", "--index", "x.colidx"],
            &["verify", "--index", "x.colidx"],
            &["delete", "tea", "--index", "x.colidx"],
        ] {
            let run = place.colidx(command).env("COLIDX_KERNELS", word).run();
            let quoted = format!("COLIDX_KERNELS is `{word}`");
            run.refuses_usage().says(&[&quoted, "scalar", "amx"]);
        }
    }
    assert_eq!(place.keys("moon").len(), 4);
    for level in Isa::all_supported() {
        let search = ["search", "--index", "x.colidx", "moon"];
        let run = place.colidx(&search).env("COLIDX_KERNELS", level.name());
        run.run().succeeds();
    }
}
