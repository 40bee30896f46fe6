//! The crates of a project, read from its `Cargo.toml` files; cargo is not run.

use std::path::{Path, PathBuf};

use crate::disk::Disk;
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
}

/// The packages below `root`: members of its workspace, or all packages where there is no workspace at `root`.
pub(crate) fn crates(disk: &Disk, root: &Path, folders: &[Folder]) -> (Vec<Crate>, Vec<(PathBuf, Unread)>) {
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    for folder in folders.iter().filter(|folder| folder.files.iter().any(|file| file == "Cargo.toml")) {
        let path = folder.path.join("Cargo.toml");
        match disk.read(&path, MAX_FILE) {
            Err(why) => skipped.push((path, why)),
            Ok(manifest) => match package_name(&manifest) {
                Ok(Some(name)) => found.push(Crate { name, folder: folder.path.clone(), manifest }),
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
    fn patterns_match_whole_names_and_paths() {
        assert!(name_matches("api-*", "api-server") && name_matches("*", "") && name_matches("a?c", "abc"));
        assert!(!name_matches("api-*", "my-api-x") && !name_matches("a?c", "ac"));
        assert!(path_matches("crates/*", Path::new("crates/a")));
        assert!(!path_matches("crates/*", Path::new("crates/a/b")));
        assert!(path_matches("**/b", Path::new("crates/a/b")));
    }
}
