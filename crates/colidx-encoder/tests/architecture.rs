//! The dependencies between the modules of this crate.

#[path = "../../../tests/modules.rs"]
mod modules;

#[test]
fn modules_depend_only_on_those_below() {
    modules::use_only(
        env!("CARGO_MANIFEST_DIR"),
        &[
            ("files", &[]),
            ("layout", &["files"]),
            ("settings", &["files"]),
            ("weights", &["files", "layout"]),
            ("ops", &[]),
            ("text", &["files", "layout", "settings"]),
            ("model", &["layout", "ops", "settings", "weights"]),
            (
                "checkpoint",
                &[
                    "files", "layout", "model", "ops", "settings", "text", "weights",
                ],
            ),
            ("encoder", &["checkpoint", "model", "ops", "text"]),
        ],
    );
}
