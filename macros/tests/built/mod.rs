//! The macros, and as much of the libraries around them as tests name, built for `rustc` itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

pub(crate) fn out() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui")
}

/// The macros' library, and the runtime and the query library that the cases use.
pub(crate) struct Built {
    pub(crate) macros: PathBuf,
}

impl Built {
    /// What every test uses, made once.
    pub(crate) fn shared() -> &'static Built {
        static BUILT: OnceLock<Built> = OnceLock::new();
        BUILT.get_or_init(Built::new)
    }

    fn new() -> Built {
        std::fs::create_dir_all(out()).unwrap();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "tenantry-macros", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let said = String::from_utf8(built.stdout).unwrap();
        let line =
            said.lines().find(|line| line.contains("\"name\":\"tenantry_macros\"")).expect("the macros");
        let mut names = line.split('"').filter(|part| part.ends_with(std::env::consts::DLL_SUFFIX));
        let macros = PathBuf::from(names.next_back().expect("the library's file"));
        let built = Built { macros };
        let _ = std::fs::remove_dir_all(out().join("projects"));
        ["", "faulty", "bare", "secured"].into_iter().for_each(|name| drop(project(name)));
        built.library("sqlx", &ui().join("sqlx.rs"));
        built.library("diesel", &ui().join("diesel.rs"));
        built.library("async_trait", &ui().join("async_trait.rs"));
        built.library("tenantry", &Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src/lib.rs"));
        built
    }

    pub(crate) fn rustc(&self, krate: &str, source: &Path) -> Command {
        let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
        rustc.args(["--edition=2024", "--crate-name", krate]);
        rustc.arg("--extern").arg(format!("tenantry_macros={}", self.macros.display()));
        rustc.arg(source).arg("-L").arg(out()).env_remove("RUSTFLAGS");
        // The library's own dependency is looked for in folders alone.
        rustc.arg("-L").arg(format!("dependency={}", self.macros.parent().unwrap().display()));
        rustc
    }

    fn library(&self, name: &str, source: &Path) {
        let mut rustc = self.rustc(name, source);
        rustc.args(["--cfg", "feature=\"macros\"", "-Aunexpected_cfgs"]).arg("--out-dir").arg(out());
        match name {
            "async_trait" => rustc.args(["--crate-type=proc-macro", "--emit=link"]),
            _ => rustc.args(["--crate-type=lib", "--emit=link,metadata"]),
        };
        let done = rustc.output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// A project in a repository of its own, so that no policy above it is its policy.
pub(crate) fn project(name: &str) -> PathBuf {
    let (from, to) = (ui().join(name), out().join("projects").join(name));
    for folder in [".git", "migrations", "queries"] {
        std::fs::create_dir_all(to.join(folder)).unwrap();
        let files = std::fs::read_dir(from.join(folder)).into_iter().flatten();
        files.for_each(|file| copy(&file.unwrap().path(), &to.join(folder)));
    }
    for file in ["Cargo.toml", "tenantry.toml"] {
        copy(&from.join(file), &to);
    }
    to
}

/// Copies a file that may not be there, in one step for whoever reads it meanwhile.
fn copy(from: &Path, to: &Path) {
    let Ok(text) = std::fs::read(from) else { return };
    let to = to.join(from.file_name().unwrap());
    if std::fs::read(&to).ok().as_ref() != Some(&text) {
        std::fs::write(to, text).unwrap();
    }
}
