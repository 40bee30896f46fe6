//! A migration that is new makes the marked functions be proved again; one that is there and changes does so by itself.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
