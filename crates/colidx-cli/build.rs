//! Tells the program which commit it was built from, where that is known.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=COLIDX_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = std::env::var("COLIDX_COMMIT").ok().or_else(of_git);
    println!(
        "cargo::rustc-env=COLIDX_COMMIT={}",
        commit.unwrap_or_default()
    );
}

/// Only for releases: a build while working would compile again after every commit.
fn of_git() -> Option<String> {
    if std::env::var("PROFILE").ok()? != "release" {
        return None;
    }
    let head = "../../.git/logs/HEAD";
    if !std::path::Path::new(head).exists() {
        return None;
    }
    println!("cargo::rerun-if-changed={head}");
    let git = Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(git.stdout).ok()?.trim().to_owned();
    let is_commit = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    (git.status.success() && is_commit).then_some(commit)
}
