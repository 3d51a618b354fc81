//! Makes cargo embed the assets anew after they were built.

fn main() {
    // Cargo would run this on every build while there is nothing to watch. A tree that can not be written to does as
    // well.
    let _ = std::fs::create_dir_all("dist");
    println!("cargo::rerun-if-changed=dist");
}
