//! Builds the crate anew when an operation is added to `schema/operations`, which is embedded.

fn main() {
    println!("cargo::rerun-if-changed=../schema/operations");
}
