//! The crates of a project, read from its `Cargo.toml` files; cargo is not run.

use std::path::{Component, Path, PathBuf};

use crate::disk::{Disk, Kind};
use crate::files::{MAX_FILE, Unread};
use crate::walk::Folder;

/// A crate of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    /// The package's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The text of its `Cargo.toml`, from which a dialect may be guessed.
    pub(crate) manifest: String,
    /// The name of its build script and the script, if it has one.
    pub(crate) build: Option<(String, String)>,
    /// The names that its manifest gives to dependencies, as Rust writes them, with those of the packages.
    pub(crate) renamed: Vec<(String, String)>,
}

impl Crate {
    /// The name and the text of its build script.
    pub fn build_script(&self) -> Option<(&str, &str)> {
        self.build.as_ref().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// True if its manifest says that there is no build script.
    pub fn refuses_a_build_script(&self) -> bool {
        let value = toml_span::parse(&self.manifest).ok();
        value.is_some_and(|value| {
            value.pointer("/package/build").and_then(|build| build.as_bool()) == Some(false)
        })
    }

    /// True if it depends on a crate, by that crate's own name.
    pub fn depends_on(&self, name: &str) -> bool {
        let Ok(value) = toml_span::parse(&self.manifest) else { return false };
        let mut named = dependencies(&value).map(|(name, _)| name.replace('-', "_"));
        named.any(|known| self.package(&known) == name)
    }

    /// The package behind the name under which its Rust knows a crate.
    pub fn package<'n>(&'n self, name: &'n str) -> &'n str {
        self.renamed.iter().find(|(known, _)| known == name).map_or(name, |(_, package)| package)
    }

    /// The names that its manifest gives to dependencies, as Rust writes them, with those of the packages.
    pub fn renamed(&self) -> &[(String, String)] {
        &self.renamed
    }

    /// True if cargo compiles it again when a file is added to a folder: its build script names the folder, or cargo
    /// watches the whole package since the script names nothing. A path that is put together counts for what is meant.
    pub fn watches(&self, folder: &Path) -> bool {
        let Some((_, script)) = &self.build else { return false };
        let said = script.split("rerun-if-changed=").skip(1);
        let named: Vec<&str> =
            said.map(|rest| rest.split(['"', '\\', '\n']).next().unwrap_or("").trim()).collect();
        if !script.contains("rerun-if-") {
            return folder.starts_with(&self.folder);
        }
        named.iter().any(|path| path.contains('{') || folder.starts_with(plain(&self.folder.join(path))))
    }

    /// A folder as a path from the crate's own on, with `/`.
    pub fn path_to(&self, folder: &Path) -> String {
        let (mut ours, mut theirs) = (self.folder.components().peekable(), folder.components().peekable());
        while ours.peek().is_some() && ours.peek() == theirs.peek() {
            ours.next();
            theirs.next();
        }
        let up = ours.map(|_| "..".to_owned());
        let down = theirs.map(|part| part.as_os_str().to_string_lossy().into_owned());
        up.chain(down).collect::<Vec<_>>().join("/")
    }
}

type Dependency<'v> = (&'v str, &'v toml_span::Value<'v>);

/// The dependencies that a manifest names, by the names that it gives them.
fn dependencies<'v>(manifest: &'v toml_span::Value<'v>) -> impl Iterator<Item = Dependency<'v>> {
    let targets = manifest.pointer("/target").and_then(|targets| targets.as_table());
    let holders = std::iter::once(manifest).chain(targets.into_iter().flat_map(|targets| targets.values()));
    let tables = holders.flat_map(|holder| {
        ["/dependencies", "/dev-dependencies", "/build-dependencies"]
            .into_iter()
            .filter_map(|table| holder.pointer(table).and_then(|table| table.as_table()))
    });
    tables.flatten().map(|(key, value)| (key.name.as_ref(), value))
}

/// The dependencies to which a manifest gives another name than the package has, or for it the workspace's, whose are
/// `above`.
fn renamed(manifest: &str, above: &[(String, String)]) -> Vec<(String, String)> {
    if above.is_empty() && !may_rename(manifest) {
        return Vec::new();
    }
    let Ok(manifest) = toml_span::parse(manifest) else { return Vec::new() };
    let package = |(name, value): Dependency<'_>| {
        let name = name.replace('-', "_");
        let is_above = value.pointer("/workspace").and_then(|said| said.as_bool()) == Some(true);
        let mut above = above.iter().filter(|(known, _)| is_above && *known == name);
        let package = package_of(value).or_else(|| above.next().map(|(_, package)| package.clone()))?;
        Some((name, package))
    };
    dependencies(&manifest).filter_map(package).collect()
}

/// What the manifest of a workspace gives other names for its crates.
fn renamed_above(manifest: &str) -> Vec<(String, String)> {
    let manifest = may_rename(manifest).then(|| toml_span::parse(manifest).ok()).flatten();
    let table =
        manifest.as_ref().and_then(|manifest| manifest.pointer("/workspace/dependencies")?.as_table());
    let all = table.into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.name.replace('-', "_"), package_of(value)?))).collect()
}

/// The package that a dependency says it is, as Rust writes it.
fn package_of(dependency: &toml_span::Value<'_>) -> Option<String> {
    Some(dependency.pointer("/package")?.as_str()?.replace('-', "_"))
}

/// True if a manifest may give a dependency another name: nearly none does.
fn may_rename(manifest: &str) -> bool {
    let mut after = manifest.split("package").skip(1);
    after.any(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with('='))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// The build script that a manifest means, with its name.
fn build_script(disk: &Disk, folder: &Path, manifest: &str) -> Option<(String, String)> {
    let value = toml_span::parse(manifest).ok();
    let written = value.as_ref().and_then(|value| value.pointer("/package/build"));
    let name = match written {
        Some(written) => written.as_str()?.to_owned(),
        None => "build.rs".to_owned(),
    };
    if disk.kind(&folder.join(&name)) != Kind::File {
        return None;
    }
    let text = disk.read(&folder.join(&name), MAX_FILE).ok()?;
    Some((name, text))
}

/// The packages below `root`: members of its workspace, or all packages where there is no workspace at `root`.
pub(crate) fn crates(disk: &Disk, root: &Path, folders: &[Folder]) -> (Vec<Crate>, Vec<(PathBuf, Unread)>) {
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    let above = disk.read(&root.join("Cargo.toml"), MAX_FILE).ok();
    let above = above.map(|manifest| renamed_above(&manifest)).unwrap_or_default();
    for folder in folders.iter().filter(|folder| folder.files.iter().any(|file| file == "Cargo.toml")) {
        let path = folder.path.join("Cargo.toml");
        match disk.read(&path, MAX_FILE) {
            Err(why) => skipped.push((path, why)),
            Ok(manifest) => match package_name(&manifest) {
                Ok(Some(name)) => {
                    let build = build_script(disk, &folder.path, &manifest);
                    let renamed = renamed(&manifest, &above);
                    found.push(Crate { name, folder: folder.path.clone(), manifest, build, renamed });
                }
                Ok(None) => {}
                Err(why) => skipped.push((path, Unread::Malformed(why))),
            },
        }
    }
    if let Some((members, exclude)) = workspace(disk, root) {
        // Path dependencies are members too, so a pattern can only say what is surely not one.
        let excluded = |found: &Crate| {
            let path = found.folder.strip_prefix(root).unwrap_or(&found.folder);
            exclude.iter().any(|pattern| path.starts_with(pattern) || path_matches(pattern, path))
                && !members.iter().any(|pattern| path_matches(pattern, path))
        };
        found.retain(|found| !excluded(found));
    }
    (found, skipped)
}

fn package_name(manifest: &str) -> Result<Option<String>, String> {
    let value = toml_span::parse(manifest).map_err(|error| format!("is not TOML: {error}"))?;
    Ok(value.pointer("/package/name").and_then(|name| name.as_str()).map(str::to_owned))
}

/// Patterns of members and of excluded folders, if `root` is a workspace.
fn workspace(disk: &Disk, root: &Path) -> Option<(Vec<String>, Vec<String>)> {
    let manifest = disk.read(&root.join("Cargo.toml"), MAX_FILE).ok()?;
    let value = toml_span::parse(&manifest).ok()?;
    value.pointer("/workspace")?;
    let list = |key: &str| -> Vec<String> {
        let values = value.pointer(key).and_then(|list| list.as_array());
        let texts = values.into_iter().flatten().filter_map(|value| value.as_str());
        texts.map(|text| text.trim_start_matches("./").trim_end_matches('/').to_owned()).collect()
    };
    Some((list("/workspace/members"), list("/workspace/exclude")))
}

/// True if a path matches a pattern segment by segment; `**` stands for any number of segments.
/// True if a path matches a pattern in which `**` stands for any folders.
pub(crate) fn path_matches(pattern: &str, path: &Path) -> bool {
    let path: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let pattern: Vec<&str> = pattern.split('/').collect();
    segments_match(&pattern, &path)
}

fn segments_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            segments_match(rest, path)
                || path.split_first().is_some_and(|(_, tail)| segments_match(pattern, tail))
        }
        (Some((head, rest)), Some((first, tail))) => name_matches(head, first) && segments_match(rest, tail),
        _ => false,
    }
}

/// True if a name matches a pattern in which `*` stands for any characters and `?` for one.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // `reached` are the positions in the name that the pattern read so far can end at.
    let mut reached = vec![false; name.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        let mut any = false;
        for (at, cell) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            any |= here;
            let before = at.checked_sub(1);
            let stepped = before.and_then(|at| reached.get(at)).copied().unwrap_or(false);
            let fits =
                before.and_then(|at| name.get(at)).is_some_and(|char| wanted == '?' || wanted == *char);
            *cell = if wanted == '*' { any } else { stepped && fits };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_may_have_a_name_of_its_own() {
        let above = "[workspace.dependencies]\nown-one = { package = \"tenantry\", version = \"1\" }";
        let manifest = "[dependencies]\ntn = { package = \"tenantry\" }\nserde = \"1\"\n\
            [target.'cfg(unix)'.dev-dependencies]\nown-one = { workspace = true }\n";
        let told = |from: &[(&str, &str)]| -> Vec<(String, String)> {
            from.iter().map(|(name, package)| ((*name).to_owned(), (*package).to_owned())).collect()
        };
        assert_eq!(renamed(manifest, &[]), told(&[("tn", "tenantry")]));
        let both = renamed(manifest, &renamed_above(above));
        assert_eq!(both, told(&[("tn", "tenantry"), ("own_one", "tenantry")]));
        let krate = |manifest: &str, renamed| Crate {
            name: String::new(),
            folder: PathBuf::new(),
            manifest: manifest.to_owned(),
            build: None,
            renamed,
        };
        let known = krate(manifest, both);
        assert!(known.depends_on("tenantry") && known.depends_on("serde") && !known.depends_on("tn"));
        assert_eq!((known.package("tn"), known.package("serde")), ("tenantry", "serde"));
        assert!(
            !krate("[dependencies]\ntenantry = { package = \"other\" }", told(&[("tenantry", "other")]))
                .depends_on("tenantry")
        );
    }

    #[test]
    fn patterns_match_whole_names_and_paths() {
        assert!(name_matches("api-*", "api-server") && name_matches("*", "") && name_matches("a?c", "abc"));
        assert!(!name_matches("api-*", "my-api-x") && !name_matches("a?c", "ac"));
        assert!(path_matches("crates/*", Path::new("crates/a")));
        assert!(!path_matches("crates/*", Path::new("crates/a/b")));
        assert!(path_matches("**/b", Path::new("crates/a/b")));
    }
}
