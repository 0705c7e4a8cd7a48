//! The dependencies between the modules of this crate.

#[path = "../../../tests/modules.rs"]
mod modules;

/// Every module, from the bottom up; all may use `error`, `progress` and `setters`.
#[test]
fn modules_depend_only_on_those_below() {
    const FORMAT: &[&str] = &["error", "progress", "setters", "storage"];
    modules::use_only(
        env!("CARGO_MANIFEST_DIR"),
        &[
            ("setters", &[]),
            ("progress", &[]),
            ("cancel", &["progress"]),
            ("error", &["progress"]),
            ("storage", &["error"]),
            ("format", FORMAT),
            ("codebook", &[FORMAT, &["format"]].concat()),
            ("segment", &[FORMAT, &["format", "codebook"]].concat()),
            (
                "snapshot",
                &[FORMAT, &["format", "codebook", "segment"]].concat(),
            ),
            (
                "search",
                &[
                    FORMAT,
                    &["cancel", "format", "codebook", "segment", "snapshot"],
                ]
                .concat(),
            ),
            (
                "index",
                &[
                    FORMAT,
                    &["format", "codebook", "segment", "snapshot", "search"],
                ]
                .concat(),
            ),
            (
                "ingest",
                &[FORMAT, &["format", "codebook", "segment", "snapshot"]].concat(),
            ),
            (
                "writer",
                &[
                    FORMAT,
                    &[
                        "format", "codebook", "segment", "snapshot", "search", "index", "ingest",
                    ],
                ]
                .concat(),
            ),
        ],
    );
}
