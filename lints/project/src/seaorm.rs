//! SeaORM's migrations and entities, which are Rust: where they lie, and what they make of a catalog.
//!
//! **Invariant:** migrations win. Entities add tables that no migration makes, and columns of tables that are not
//! complete; what they add is not `complete`, and their foreign keys are not `validated`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use tenantry_prover::catalog::{Catalog, QualifiedName, SkippedStatement};
use tenantry_prover::lower;
use tenantry_source::SourceFile;
use tenantry_source::seaorm::{SchemaStep, SchemaText, SeaOrm, is_seaorm};
use tenantry_span::{FileId, Span};

use crate::disk::Disk;
use crate::files::{Files, MAX_FILE};
use crate::migrations::without_down;
use crate::walk::Folder;

/// Folders whose Rust is about something else than the service's own schema.
const NOT_SCHEMAS: &[&str] = &["tests", "benches", "examples", "target"];

/// The files below a folder of which a schema may be made, sorted.
pub(crate) fn files(disk: &Disk, folders: &[Folder], below: &Path) -> Vec<PathBuf> {
    let ours = |folder: &&Folder| {
        let rest = folder.path.strip_prefix(below);
        rest.is_ok_and(|rest| {
            !rest.iter().any(|part| part.to_str().is_some_and(|part| NOT_SCHEMAS.contains(&part)))
        })
    };
    let rust = folders.iter().filter(ours).flat_map(|folder| {
        let own = folder.files.iter().filter(|file| file.ends_with(".rs"));
        own.map(|file| folder.path.join(file))
    });
    let mut found: Vec<PathBuf> =
        rust.filter(|path| disk.read(path, MAX_FILE).is_ok_and(|text| is_seaorm(&text))).collect();
    found.sort();
    found
}

/// The folder of the file that lists the migrations, if one of the files does.
pub(crate) fn list<'f>(disk: &Disk, files: &'f [PathBuf]) -> Option<&'f Path> {
    let lists = |path: &&PathBuf| disk.read(path, MAX_FILE).is_ok_and(|text| text.contains("fn migrations("));
    files.iter().find(lists).and_then(|path| path.parent())
}

/// True if a file has an entity.
pub(crate) fn has_entities(disk: &Disk, path: &Path) -> bool {
    disk.read(path, MAX_FILE).is_ok_and(|text| text.contains("DeriveEntityModel"))
}

/// What of the files counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Migrations, and what the entities add to them.
    Migrations,
    /// The entities: the migrations are another database's, or are written in SQL.
    Entities,
}

/// Applies the migrations and then the entities of the files. Returns the files of SQL that were included. The caller
/// runs this on a deep stack.
pub(crate) fn apply(
    disk: &Disk,
    catalog: &mut Catalog,
    root: &Path,
    files: &mut Files,
    read: &[(FileId, &str)],
    extent: Extent,
) -> Vec<FileId> {
    if read.is_empty() {
        return Vec::new();
    }
    let paths: Vec<String> =
        read.iter().map(|(file, _)| files.path(*file).to_string_lossy().replace('\\', "/")).collect();
    let sources: Vec<SourceFile<'_>> =
        read.iter().zip(&paths).map(|((file, text), path)| SourceFile { file: *file, path, text }).collect();
    let orm = SeaOrm::read(&sources);
    let included = RefCell::new(Vec::new());
    let files = RefCell::new(files);
    let include = |from: FileId, relative: &str| {
        let path = root.join(files.borrow().path(from)).parent()?.join(relative);
        let path = disk.canonical(&path)?;
        let below = path.strip_prefix(root).ok()?.to_path_buf();
        let text = disk.read(&path, MAX_FILE).ok()?;
        let file = files.borrow_mut().add(below, text.as_str());
        included.borrow_mut().push(file);
        Some((file, text))
    };
    if extent == Extent::Migrations {
        let mut made = Made::default();
        for step in orm.migrations(catalog.dialect, &include) {
            made.apply(catalog, step);
        }
        made.settle(catalog);
    }
    add_entities(catalog, &orm);
    included.into_inner()
}

/// Texts that were made of Rust, each under an id of its own until all are applied.
#[derive(Default)]
struct Made {
    texts: Vec<SchemaText>,
}

impl Made {
    fn id(at: usize) -> FileId {
        FileId(u32::MAX - u32::try_from(at).unwrap_or(u32::MAX))
    }

    fn apply(&mut self, catalog: &mut Catalog, step: SchemaStep) {
        match step {
            SchemaStep::Sql(text) => {
                lower::apply(catalog.dialect, catalog, Made::id(self.texts.len()), &text.sql);
                self.texts.push(text);
            }
            SchemaStep::File(file, text) => {
                lower::apply(catalog.dialect, catalog, file, &without_down(&text));
            }
            SchemaStep::Unread { span, why, table } => {
                let table = table.map(|name| qualified(catalog, name));
                if let Some(table) = table.as_ref().and_then(|name| catalog.tables.get_mut(name)) {
                    table.complete = false;
                }
                catalog.skipped.push(SkippedStatement { span, why, table });
            }
        }
    }

    /// Puts the places in Rust for those in the made texts.
    fn settle(&self, catalog: &mut Catalog) {
        catalog.relocate(&|span: Span| {
            let at = usize::try_from(u32::MAX - span.file.0).unwrap_or(usize::MAX);
            self.texts.get(at).map_or(span, |text| text.place(span.range))
        });
    }
}

fn qualified(catalog: &Catalog, (schema, name): (Option<String>, String)) -> QualifiedName {
    QualifiedName { schema: schema.unwrap_or_else(|| catalog.default_schema.clone()), name }
}

fn add_entities(catalog: &mut Catalog, orm: &SeaOrm) {
    let mut own = Catalog::empty(catalog.dialect);
    let mut made = Made::default();
    // One may reference another that comes later: those that could not be made are tried again.
    let mut left = orm.entities(catalog.dialect);
    loop {
        let before = left.len();
        let mut refused = Vec::new();
        for entity in left {
            let skipped = own.skipped.len();
            made.apply(&mut own, SchemaStep::Sql(entity.step.clone()));
            if own.skipped.len() > skipped {
                refused.push(entity);
            }
        }
        left = refused;
        if left.is_empty() || left.len() == before {
            break;
        }
        own.skipped.clear();
    }
    made.settle(&mut own);
    catalog.skipped.extend(own.skipped);
    for (name, mut table) in own.tables {
        if catalog.views.contains_key(&name) {
            continue;
        }
        match catalog.tables.get_mut(&name) {
            None => {
                table.complete = false;
                table.foreign_keys.iter_mut().for_each(|key| key.validated = false);
                catalog.tables.insert(name, table);
            }
            Some(known) if !known.complete => {
                let missing: Vec<_> =
                    table.columns.into_iter().filter(|column| known.column(&column.name).is_none()).collect();
                known.columns.extend(missing);
            }
            Some(_) => {}
        }
    }
}
