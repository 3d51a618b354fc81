//! Makes cargo embed the assets again after they were built.

fn main() {
    // Without the folder, cargo would run this script on every build. A tree that is read-only works too.
    let _ = std::fs::create_dir_all("dist");
    println!("cargo::rerun-if-changed=dist");
}
