//! From a folder to a [`Project`].

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tenantry_policy::{DatabaseSection, Dialect, Policy, Spanned};
use tenantry_prover::catalog::{Catalog, SkippedStatement};
use tenantry_prover::lower::{apply, on_deep_stack};
use tenantry_prover::ownership::{Inference, infer, resolve};
use tenantry_prover::tenancy::Tenancy;
use tenantry_span::{Diagnostic, FileId, Span, TextRange};

use crate::dialect::guess;
use crate::diesel;
use crate::disk::{Disk, Kind};
use crate::files::{Files, MAX_FILE, Unread, read_file};
use crate::migrations::{Source, lone_files, named_folder, sources, without_down};
use crate::seaorm::{self, Extent};
use crate::servers::{Given, VARIABLE};
use crate::walk::Folder;
use crate::workspace::{Crate, crates, name_matches, path_matches};

/// The name of the policy file.
pub const POLICY_FILE: &str = "tenantry.toml";

/// How many Rust files of a crate are looked at to guess its dialect.
const MAX_RUST_FILES: usize = 200;

/// A project, as far as it can be known without reading Rust.
#[derive(Debug)]
pub struct Project {
    /// The folder of the policy file, or of the workspace.
    pub root: PathBuf,
    /// The policy file, if there is one and it is valid.
    pub policy: Option<Policy>,
    /// What is wrong with the policy file, or does not fit the schema.
    pub diagnostics: Vec<Diagnostic>,
    /// The crates, sorted by folder.
    pub crates: Vec<Crate>,
    /// The databases, in the order of the policy file, else of their folders.
    pub databases: Vec<Database>,
    /// Every file that was read, with its text.
    pub files: Files,
    /// Files and folders that could not be read.
    pub skipped: Vec<Skipped>,
}

impl Project {
    /// The folders of migrations that each crate uses and cargo does not watch for it, from the crate's own folder on.
    /// Crates without any are left out; the others are told by their place among the crates.
    pub fn unwatched(&self) -> Vec<(usize, Vec<String>)> {
        let of_crate = |known: &Crate| -> Vec<String> {
            let used = self.databases.iter().filter(|database| database.crates.contains(&known.name));
            let folders = used.flat_map(|database| &database.folders).map(|folder| self.root.join(folder));
            let missing = folders.filter(|folder| !known.watches(folder));
            let mut paths: Vec<String> = missing.map(|folder| known.path_to(&folder)).collect();
            paths.sort();
            paths.dedup();
            paths
        };
        let all = self.crates.iter().map(of_crate).enumerate();
        all.filter(|(_, missing)| !missing.is_empty()).collect()
    }
}

/// A file or folder that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path, relative to the root.
    pub path: PathBuf,
    /// Why.
    pub why: Unread,
}

/// One database of a project.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name: the policy's, else `main` for an only one, else its crate's or folder's.
    pub name: String,
    /// Its dialect.
    pub dialect: Dialect,
    /// Its schema after all files.
    pub catalog: Catalog,
    /// Who owns what.
    pub tenancy: Tenancy,
    /// The files that made the schema, in order.
    pub files: Vec<FileId>,
    /// The folders, from the root on, in which a new file of SQL would belong to the schema.
    pub folders: Vec<PathBuf>,
    /// The names of the crates that may use it.
    pub crates: Vec<String>,
    /// What was inferred, where the policy names no keys.
    pub inference: Option<Inference>,
    /// The role under which the application runs.
    pub app_role: Option<String>,
    /// Why all its rows belong to one tenant, where the policy says that they do.
    pub single_tenant: Option<String>,
}

/// The root of the project that `start` lies in: the nearest folder upwards with a policy file, else the farthest with a
/// cargo workspace or package, else `start`.
#[allow(
    clippy::disallowed_methods,
    reason = "it is found anew every time, and is part of what a report is kept by"
)]
pub fn find_root(start: &Path) -> PathBuf {
    let start = start.canonicalize().unwrap_or_else(|_| start.to_path_buf());
    // What lies above the repository is somebody else's.
    let repository = start.ancestors().find(|folder| folder.join(".git").exists());
    let within = |folder: &&Path| repository.is_none_or(|top| folder.starts_with(top));
    let mut folders = start.ancestors().take_while(within);
    if let Some(with_policy) = folders.find(|folder| folder.join(POLICY_FILE).is_file()) {
        return with_policy.to_path_buf();
    }
    let manifest = |folder: &&Path| read_file(&folder.join("Cargo.toml"), MAX_FILE).ok();
    let is_workspace = |folder: &&Path| {
        manifest(folder)
            .is_some_and(|text| text.lines().any(|line| line.trim_start().starts_with("[workspace]")))
    };
    let workspace = start.ancestors().take_while(within).find(is_workspace);
    let package = || start.ancestors().take_while(within).find(|folder| manifest(folder).is_some());
    workspace.or_else(package).map_or(start.clone(), Path::to_path_buf)
}

/// Loads the project that `start` lies in.
pub fn load(start: &Path) -> Project {
    load_from(&Disk::default(), find_root(start))
}

/// Loads the project at `root`, as [`find_root`] finds it, from a disk that may be watched.
pub fn load_from(disk: &Disk, root: PathBuf) -> Project {
    let (folders, mut skipped) = disk.folders(&root);
    let (crates, unread) = crates(disk, &root, &folders);
    skipped.extend(unread);
    let mut loader = Loader {
        disk,
        project: Project {
            root: root.clone(),
            policy: None,
            diagnostics: Vec::new(),
            crates,
            databases: Vec::new(),
            files: Files::default(),
            skipped: Vec::new(),
        },
        folders,
        seaorm: Vec::new(),
    };
    for (path, why) in skipped {
        loader.skip(&path, why);
    }
    let policy_is_faulty = loader.read_policy();
    loader.leave_out_excluded();
    loader.seaorm = loader.seaorm_files();
    let plans = loader.plans();
    let crates: Vec<Vec<String>> = plans.iter().map(|plan| plan.crates.clone()).collect();
    for plan in plans {
        let entities = match plan.live {
            Some(_) => Vec::new(),
            None => loader.entity_files(&plan, &crates),
        };
        loader.build(plan, entities);
    }
    loader.apply_policy(policy_is_faulty);
    loader.project
}

/// A database before its schema is read.
struct DatabasePlan {
    name: String,
    dialect: Option<Dialect>,
    folder: PathBuf,
    files: Vec<PathBuf>,
    /// What takes the place of files.
    live: Option<Given>,
    /// The folders that the files were found in, where all of a folder counts.
    folders: Vec<PathBuf>,
    crates: Vec<String>,
    app_role: Option<String>,
    single_tenant: Option<String>,
}

impl DatabasePlan {
    /// Takes a schema in the place of its files.
    fn take(&mut self, live: Given) {
        self.files.clear();
        self.dialect = Some(Dialect::Postgres);
        self.live = Some(live);
    }
}

/// True if a schema is given for the database of this name, or for the only one.
fn is_meant(given: &Given, name: &str, lone: bool) -> bool {
    given.database.as_deref().map_or(lone, |meant| meant == name)
}

struct Loader<'d> {
    disk: &'d Disk,
    project: Project,
    folders: Vec<Folder>,
    /// For each crate that uses SeaORM, its own files of which a schema may be made.
    seaorm: Vec<(Crate, Vec<PathBuf>)>,
}

impl Loader<'_> {
    /// Reads the policy file; true if there is one and it cannot be used.
    fn read_policy(&mut self) -> bool {
        let path = self.project.root.join(POLICY_FILE);
        if self.disk.kind(&path) != Kind::File {
            return false;
        }
        let text = match self.disk.read(&path, MAX_FILE) {
            Ok(text) => text,
            Err(why) => {
                let file = self.project.files.add(POLICY_FILE, "");
                let span = Span::new(file, TextRange::default());
                self.project.diagnostics.push(Diagnostic::error(span, format!("{POLICY_FILE} {why}")));
                return true;
            }
        };
        let file = self.project.files.add(POLICY_FILE, text.as_str());
        match tenantry_policy::parse(file, &text) {
            Ok(policy) => {
                self.project.policy = Some(policy);
                false
            }
            Err(diagnostics) => {
                self.project.diagnostics.extend(diagnostics);
                true
            }
        }
    }

    /// What `[scan] exclude` names is no schema either, unless a `[[database]]` names it.
    fn leave_out_excluded(&mut self) {
        let policy = self.project.policy.as_ref();
        let exclude: Vec<String> =
            policy.into_iter().flat_map(|policy| &policy.exclude).map(|glob| glob.value.clone()).collect();
        let root = self.project.root.clone();
        let is_excluded = |path: &Path| {
            let below = path.strip_prefix(&root).unwrap_or(path);
            exclude.iter().any(|glob| path_matches(glob, below))
        };
        for folder in &mut self.folders {
            let path = folder.path.clone();
            folder.files.retain(|file| !is_excluded(&path.join(file)));
        }
    }

    fn plans(&mut self) -> Vec<DatabasePlan> {
        let sections =
            self.project.policy.as_ref().map(|policy| policy.databases.clone()).unwrap_or_default();
        if sections.is_empty() {
            let found = self.found_plans(self.sources());
            return self.given_plans(found);
        }
        let lone = sections.len() == 1;
        let plans: Vec<DatabasePlan> =
            sections.iter().flat_map(|section| self.section_plans(section, lone)).collect();
        for given in self.disk.servers().given.clone() {
            if !plans.iter().any(|plan| plan.live.as_ref().is_some_and(|live| live.name == given.name)) {
                self.tell_unused(&given);
            }
        }
        plans
    }

    /// The databases that were found, with what is given in the place of files.
    fn given_plans(&mut self, mut plans: Vec<DatabasePlan>) -> Vec<DatabasePlan> {
        for given in self.disk.servers().given.clone() {
            if plans.is_empty() {
                plans.push(DatabasePlan {
                    name: given.database.clone().unwrap_or_else(|| "main".to_owned()),
                    dialect: None,
                    folder: self.project.root.clone(),
                    files: Vec::new(),
                    live: None,
                    folders: Vec::new(),
                    crates: self.project.crates.iter().map(|known| known.name.clone()).collect(),
                    app_role: None,
                    single_tenant: None,
                });
            }
            let lone = plans.len() == 1;
            match plans.iter_mut().find(|plan| is_meant(&given, &plan.name, lone)) {
                Some(plan) => {
                    self.disk.forget();
                    plan.take(given);
                }
                None => self.tell_unused(&given),
            }
        }
        plans
    }

    /// A schema that was given for a database that there is not.
    fn tell_unused(&mut self, given: &Given) {
        let message = match &given.database {
            Some(name) => format!("no database of the project is named `{name}`"),
            None => "the project has several databases, and nothing says for which this schema is".to_owned(),
        };
        let file = self.project.files.add(given.path(), "");
        let span = Span::new(file, TextRange::default());
        let help = "write `--schema-from NAME=URL`; `cargo tenantry schema` shows the names";
        self.project.diagnostics.push(Diagnostic::error(span, message).help(help));
    }

    /// The schema that a server has for a database of the policy: what was given, else what its variable leads to.
    fn live(&mut self, section: &DatabaseSection, lone: bool) -> Option<Given> {
        let servers = self.disk.servers().clone();
        let name = section.name.value.as_str();
        if let Some(given) = servers.given.iter().find(|given| is_meant(given, name, lone)) {
            self.disk.forget();
            return Some(given.clone());
        }
        let entry = section.schema.iter().find(|entry| entry.value.starts_with(VARIABLE))?;
        if servers.files_only {
            return None;
        }
        let variable = entry.value.strip_prefix(VARIABLE)?;
        let answer = match (section.schema.len(), servers.ask) {
            (1, Some(ask)) => ask(variable),
            (1, None) => {
                Err("the schema is that of a live database, to which nothing connects here: name the \
                              files that make it"
                    .to_owned())
            }
            _ => Err(format!("`{}` stands for a whole schema: name nothing beside it", entry.value)),
        };
        match answer {
            Ok(given) => {
                self.disk.forget();
                Some(given)
            }
            Err(why) => {
                self.tell(entry.range, why);
                None
            }
        }
    }

    /// The databases of what was found in the tree.
    fn found_plans(&self, sources: Vec<Source>) -> Vec<DatabasePlan> {
        let lone = sources.len() == 1;
        let mut plans: Vec<DatabasePlan> = Vec::new();
        for source in sources {
            let owner = self.crate_of(&source.folder);
            let crates = match owner {
                Some(owner) if !lone => vec![owner.name.clone()],
                _ => self.project.crates.iter().map(|known| known.name.clone()).collect(),
            };
            let plain = owner.map(|owner| owner.name.clone()).filter(|_| !lone);
            let mut name = plain.unwrap_or_else(|| "main".to_owned());
            if plans.iter().any(|plan| plan.name == name) {
                name = self.relative(&source.folder).to_string_lossy().replace('\\', "/");
            }
            let folders = if source.dump { Vec::new() } else { vec![source.folder.clone()] };
            plans.push(DatabasePlan {
                name,
                dialect: None,
                folder: source.folder,
                files: source.files,
                live: None,
                folders,
                crates,
                app_role: None,
                single_tenant: None,
            });
        }
        plans
    }

    fn section_plans(&mut self, section: &DatabaseSection, lone: bool) -> Vec<DatabasePlan> {
        let uses = |known: &&Crate| {
            section.crates.is_empty()
                || section.crates.iter().any(|glob| name_matches(&glob.value, &known.name))
        };
        let crates: Vec<String> =
            self.project.crates.iter().filter(uses).map(|known| known.name.clone()).collect();
        // A pattern may stand for crates to come, a name does not.
        for glob in section.crates.iter().filter(|glob| !glob.value.contains(['*', '?'])) {
            self.tell_unless_a_crate_fits(glob);
        }
        let app_role = section.app_role.as_ref().map(|role| role.value.clone());
        let single_tenant = section.single_tenant.as_ref().map(|why| why.value.clone());
        let name = section.name.value.clone();
        let live = self.live(section, lone);
        let named: Vec<_> =
            section.schema.iter().filter(|written| !written.value.starts_with(VARIABLE)).cloned().collect();
        let looks_for_files =
            named.is_empty() && (section.schema.is_empty() || self.disk.servers().files_only);
        if live.is_some() || !looks_for_files {
            let is_live = live.is_some();
            let files = match is_live {
                true => Vec::new(),
                false => named.iter().flat_map(|written| self.named_files(written)).collect(),
            };
            let written = named.iter().map(|written| self.project.root.join(&written.value));
            let folders = match is_live {
                true => Vec::new(),
                false => written.filter(|path| self.disk.kind(path) == Kind::Folder).collect(),
            };
            let dialect = Some(if is_live { Dialect::Postgres } else { section.dialect });
            return vec![DatabasePlan {
                name,
                dialect,
                folder: self.project.root.clone(),
                files,
                live,
                folders,
                crates,
                app_role,
                single_tenant,
            }];
        }
        // Nothing says which folder it is: each that could be is a database of its own, never one mixed of all.
        let found = self.found_plans(self.sources());
        let texts_fit = |plan: &DatabasePlan| self.guess_of(plan) == section.dialect;
        let mut fitting: Vec<DatabasePlan> = found.into_iter().filter(texts_fit).collect();
        let lone = fitting.len() == 1;
        for plan in &mut fitting {
            plan.name = if lone { name.clone() } else { format!("{name} ({})", plan.name) };
            plan.dialect = Some(section.dialect);
            plan.app_role.clone_from(&app_role);
            plan.single_tenant.clone_from(&single_tenant);
            if lone {
                plan.crates.clone_from(&crates);
            } else {
                plan.crates.retain(|known| crates.contains(known));
            }
        }
        // The schema of crates that do not use it is another database's.
        let has_crates = !self.project.crates.is_empty();
        fitting.retain(|plan| !has_crates || !plan.crates.is_empty());
        if fitting.is_empty() {
            if single_tenant.is_none() {
                self.tell(section.name.range, format!("no schema was found for the database `{name}`"));
            }
            fitting.push(DatabasePlan {
                name,
                dialect: Some(section.dialect),
                folder: self.project.root.clone(),
                files: Vec::new(),
                live: None,
                folders: Vec::new(),
                crates,
                app_role,
                single_tenant,
            });
        }
        fitting
    }

    /// A name that no crate has would leave the crate that is meant without its database.
    fn tell_unless_a_crate_fits(&mut self, glob: &Spanned<String>) {
        let crates = &self.project.crates;
        if crates.is_empty() || crates.iter().any(|known| name_matches(&glob.value, &known.name)) {
            return;
        }
        let Some(file) = self.project.policy.as_ref().and_then(|policy| policy.file) else { return };
        let names = || crates.iter().map(|known| known.name.as_str());
        let help = match tenantry_policy::nearest(&glob.value, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write it as it stands in `[package]`; `*` means all".to_owned(),
        };
        let message = format!("no crate of the project is named `{}`", glob.value);
        let told = Diagnostic::warning(Span::new(file, glob.range), message).help(help);
        self.project.diagnostics.push(told);
    }

    /// The files that one entry of `schema` means.
    fn named_files(&mut self, written: &Spanned<String>) -> Vec<PathBuf> {
        let relative = Path::new(written.value.trim_end_matches('/'));
        let outside =
            relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
        if outside {
            self.tell(written.range, format!("`{}` leads out of the project", written.value));
            return Vec::new();
        }
        let normal: PathBuf =
            relative.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let path = self.project.root.join(normal);
        let kind = self.disk.kind(&path);
        if kind == Kind::File {
            return vec![path];
        }
        if kind != Kind::Folder {
            self.tell(written.range, format!("there is no file or folder `{}`", written.value));
            return Vec::new();
        }
        // The folder may be one that a search leaves out.
        let (below, skipped) = self.disk.folders(&path);
        for (path, why) in skipped {
            self.skip(&path, why);
        }
        let files =
            below.iter().find(|folder| folder.path == path).map(|folder| named_folder(folder, &below));
        let mut files = files.unwrap_or_default();
        // Where Rust lists the migrations, the SQL beside it is what they include.
        let rust = seaorm::files(self.disk, &below, &path);
        if seaorm::list(self.disk, &rust) == Some(&path) || files.is_empty() {
            files = rust;
        }
        if files.is_empty() {
            let holds_sql = |folder: &&Folder| folder.files.iter().any(|file| file.ends_with(".sql"));
            let what = match below.iter().find(holds_sql) {
                Some(folder) => format!(
                    "`{}` holds no SQL file; there are some in `{}`: name the folder whose files make the tables",
                    written.value,
                    self.relative(&folder.path).display()
                ),
                None => format!("`{}` holds no SQL file", written.value),
            };
            self.tell(written.range, what);
        }
        files
    }

    /// Diesel's `schema.rs` files of crates that have no SQL of their own and share none.
    fn table_files(&self, known: &[Source]) -> Vec<Source> {
        if known.iter().any(|source| self.crate_of(&source.folder).is_none()) || known.len() == 1 {
            return Vec::new();
        }
        let taken: Vec<&Path> =
            known.iter().filter_map(|source| Some(self.crate_of(&source.folder)?.folder.as_path())).collect();
        let with_schema =
            self.folders.iter().filter(|folder| folder.files.iter().any(|file| file == "schema.rs"));
        let free = with_schema.filter(|folder| {
            self.crate_of(&folder.path).is_none_or(|owner| !taken.contains(&owner.folder.as_path()))
        });
        let files = free.map(|folder| (folder.path.clone(), folder.path.join("schema.rs")));
        files
            .filter(|(_, file)| self.read(file).is_ok_and(|text| diesel::has_tables(&text)))
            .map(|(folder, file)| Source { folder, files: vec![file], dump: true })
            .collect()
    }

    fn guess_of(&self, plan: &DatabasePlan) -> Dialect {
        let texts: Vec<String> = plan.files.iter().filter_map(|file| self.read(file).ok()).collect();
        self.guess(&plan.folder, &texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn guess(&self, folder: &Path, texts: &[&str]) -> Dialect {
        let manifest = self.crate_of(folder).map_or("", |owner| owner.manifest.as_str());
        guess(&self.relative(folder), texts, manifest, || self.rust_of(folder))
    }

    /// The Rust of the crate that `folder` lies in, as far as it goes.
    fn rust_of(&self, folder: &Path) -> String {
        let Some(owner) = self.crate_of(folder) else { return String::new() };
        let below = self.folders.iter().filter(|folder| folder.path.starts_with(&owner.folder));
        let files = below.flat_map(|folder| folder.files.iter().map(|file| folder.path.join(file)));
        let rust = files.filter(|path| path.extension().is_some_and(|end| end == "rs")).take(MAX_RUST_FILES);
        rust.filter_map(|path| self.read(&path).ok()).collect()
    }

    /// What the tree holds: migrations, and dumps where they are not shadowed.
    fn sources(&self) -> Vec<Source> {
        let mut found = self.with_what_goes_before(sources(&self.project.root, &self.folders));
        let has_migrations = found.iter().any(|source| !source.dump);
        // A dump that belongs to no crate is the project's own only where there is nothing better.
        found.retain(|source| !source.dump || self.crate_of(&source.folder).is_some() || !has_migrations);
        found.retain(|source| !source.dump || source.files.iter().any(|file| self.creates_tables(file)));
        let tables = self.table_files(&found);
        found.extend(tables);
        found.extend(self.seaorm_sources(&found));
        let lone = self.lone_files(&found);
        found.extend(lone);
        found
    }

    /// Migrations within another folder of migrations that make no table are no database of their own: roles, extensions
    /// and functions, which are there before the first table is.
    fn with_what_goes_before(&self, found: Vec<Source>) -> Vec<Source> {
        let outer = |inner: &Source| {
            let around = |source: &Source| {
                !source.dump && source.folder != inner.folder && inner.folder.starts_with(&source.folder)
            };
            let is_part = !inner.dump && !inner.files.iter().any(|file| self.creates_tables(file));
            found.iter().position(|source| is_part && around(source))
        };
        let outers: Vec<Option<usize>> = found.iter().map(outer).collect();
        let mut files: Vec<Vec<PathBuf>> = found.iter().map(|source| source.files.clone()).collect();
        for (at, outer) in outers.iter().enumerate() {
            let before = found.get(at).map(|inner| inner.files.clone()).unwrap_or_default();
            if let Some(files) = outer.and_then(|outer| files.get_mut(outer)) {
                files.splice(0..0, before);
            }
        }
        let whole = found.into_iter().zip(files).zip(outers).filter(|(_, outer)| outer.is_none());
        whole.map(|((source, files), _)| Source { files, ..source }).collect()
    }

    /// Files whose names suggest that they make the tables, in crates for which nothing better was found.
    fn lone_files(&self, known: &[Source]) -> Vec<Source> {
        let mut taken: Vec<&Path> = Vec::new();
        for source in known {
            // What belongs to no crate may serve them all.
            let Some(owner) = self.crate_of(&source.folder) else { return Vec::new() };
            taken.push(&owner.folder);
        }
        let mut found = Vec::new();
        for source in lone_files(&self.project.root, &self.folders) {
            let Some(owner) = self.crate_of(&source.folder).map(|owner| owner.folder.as_path()) else {
                continue;
            };
            if !taken.contains(&owner) && source.files.iter().any(|file| self.creates_tables(file)) {
                taken.push(owner);
                found.push(source);
            }
        }
        found
    }

    /// SeaORM's migrations; where there is no schema of any kind, the entities themselves.
    fn seaorm_sources(&self, known: &[Source]) -> Vec<Source> {
        let with_migrations =
            self.seaorm.iter().filter(|(_, files)| seaorm::list(self.disk, files).is_some());
        let found: Vec<Source> = with_migrations
            .map(|(known, files)| Source {
                folder: seaorm::list(self.disk, files)
                    .map_or_else(|| known.folder.clone(), Path::to_path_buf),
                files: files.clone(),
                dump: false,
            })
            .collect();
        if !found.is_empty() || !known.is_empty() {
            return found;
        }
        let folder = self.seaorm.first().map(|(known, _)| known.folder.clone());
        let all: Vec<PathBuf> = self.seaorm.iter().flat_map(|(_, files)| files.clone()).collect();
        let has_entities = all.iter().any(|file| seaorm::has_entities(self.disk, file));
        let source = folder.filter(|_| has_entities).map(|folder| Source { folder, files: all, dump: true });
        source.into_iter().collect()
    }

    /// A crate's own files, not those of crates within its folder.
    fn seaorm_files(&self) -> Vec<(Crate, Vec<PathBuf>)> {
        let users = self.project.crates.iter().filter(|known| known.manifest.contains("sea-orm"));
        let with_files = users.map(|known| {
            let mut files = seaorm::files(self.disk, &self.folders, &known.folder);
            files.retain(|file| self.crate_of(file).is_some_and(|owner| owner.folder == known.folder));
            (known.clone(), files)
        });
        with_files.filter(|(_, files)| !files.is_empty()).collect()
    }

    /// Files with entities of the crates that use a database and no other one.
    fn entity_files(&self, plan: &DatabasePlan, plans: &[Vec<String>]) -> Vec<PathBuf> {
        let own = |known: &Crate| {
            let users = plans.iter().filter(|crates| crates.contains(&known.name)).count();
            plan.crates.contains(&known.name) && users == 1
        };
        let files = self.seaorm.iter().filter(|(known, _)| own(known)).flat_map(|(_, files)| files.clone());
        files.filter(|file| !plan.files.contains(file)).collect()
    }

    fn build(&mut self, plan: DatabasePlan, entities: Vec<PathBuf>) {
        let mut read: Vec<(FileId, String)> = Vec::new();
        let mut lost: Vec<SkippedStatement> = Vec::new();
        if let Some(live) = &plan.live {
            read.push((self.project.files.add(live.path(), Arc::clone(&live.text)), live.text.to_string()));
        }
        for path in plan.files.iter().chain(&entities) {
            match self.read(path) {
                Ok(text) => {
                    let up = without_down(&text);
                    read.push((self.project.files.add(self.relative(path), text), up));
                }
                Err(why) => {
                    let file = self.project.files.add(self.relative(path), "");
                    let span = Span::new(file, TextRange::default());
                    lost.push(SkippedStatement { span, why: format!("the file {why}"), table: None });
                    self.skip(path, why);
                }
            }
        }
        let files = &self.project.files;
        let is_rust = |file: &FileId| files.path(*file).extension().is_some_and(|end| end == "rs");
        let rust: Vec<FileId> = read.iter().map(|(file, _)| *file).filter(is_rust).collect();
        // Words of Rust are not those of a dialect.
        let texts: Vec<&str> =
            read.iter().filter(|(file, _)| !rust.contains(file)).map(|(_, text)| text.as_str()).collect();
        let dialect = plan.dialect.unwrap_or_else(|| self.guess(&plan.folder, &texts));
        let root = self.project.root.clone();
        let is_own_rust = plan.files.iter().any(|file| file.extension().is_some_and(|end| end == "rs"));
        let extent = if is_own_rust { Extent::Migrations } else { Extent::Entities };
        let disk = self.disk;
        let files = &mut self.project.files;
        let built = on_deep_stack(|| {
            let mut catalog = Catalog::empty(dialect);
            let (mut tables, mut orm) = (Vec::new(), Vec::new());
            for (file, text) in &read {
                match (rust.contains(file), diesel::has_tables(text)) {
                    (false, _) => apply(dialect, &mut catalog, *file, text),
                    (true, true) => tables.push((*file, text)),
                    (true, false) => orm.push((*file, text.as_str())),
                }
            }
            // What SQL says of a table goes before what `table!` does, in whatever order they are named.
            tables.into_iter().for_each(|(file, text)| diesel::apply(&mut catalog, file, text));
            let included = seaorm::apply(disk, &mut catalog, &root, files, &orm, extent);
            (catalog, included)
        });
        let (built, included) = built.unzip();
        let mut catalog = built.unwrap_or_else(|| {
            let mut catalog = Catalog::empty(dialect);
            for (file, text) in &read {
                let span = Span::new(*file, TextRange::from_usize(0, text.len()));
                let why = "reading the schema failed".to_owned();
                catalog.skipped.push(SkippedStatement { span, why, table: None });
            }
            catalog
        });
        catalog.skipped.extend(lost);
        // What is written in Rust is listed there, in a file that is there already.
        let is_sql = |file: &PathBuf| file.extension().is_some_and(|end| end == "sql");
        let holds_sql = |folder: &&PathBuf| {
            plan.files.iter().any(|file| is_sql(file) && file.starts_with(folder.as_path()))
        };
        let folders = plan.folders.iter().filter(holds_sql).map(|folder| self.relative(folder)).collect();
        self.project.databases.push(Database {
            name: plan.name,
            dialect,
            catalog,
            tenancy: Tenancy::default(),
            files: read.into_iter().map(|(file, _)| file).chain(included.unwrap_or_default()).collect(),
            folders,
            crates: plan.crates,
            inference: None,
            app_role: plan.app_role,
            single_tenant: plan.single_tenant,
        });
    }

    /// Works out who owns what in each database.
    fn apply_policy(&mut self, policy_is_faulty: bool) {
        let written = self.project.policy.clone().unwrap_or_default();
        let names_keys = !written.tenancy.keys.is_empty() || !written.tenancy.hierarchy.is_empty();
        let names_owners = names_keys || written.tenancy.root.is_some() || policy_is_faulty;
        let mut told: Vec<Vec<Diagnostic>> = Vec::new();
        for database in &mut self.project.databases {
            if database.single_tenant.is_some() {
                continue;
            }
            let mut policy = written.clone();
            // A section without a schema of its own stands for databases that are named after it.
            policy.databases.retain(|section| {
                let rest = database.name.strip_prefix(section.name.value.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
            });
            if !names_owners {
                let inference = infer(&database.catalog);
                policy.tenancy.keys.clone_from(&inference.policy.tenancy.keys);
                policy.tenancy.root.clone_from(&inference.policy.tenancy.root);
                policy.tenancy.hierarchy.clone_from(&inference.policy.tenancy.hierarchy);
                database.inference = Some(inference);
            }
            let (tenancy, diagnostics) = resolve(&policy, &database.catalog);
            database.tenancy = tenancy;
            if !database.catalog.tables.is_empty() {
                told.push(diagnostics);
            }
        }
        // What one of several databases has is no slip.
        let Some((first, others)) = told.split_first() else { return };
        let everywhere = first.iter().filter(|told| {
            let same =
                |other: &Diagnostic| other.primary.span == told.primary.span && other.message == told.message;
            others.iter().all(|others| others.iter().any(same))
        });
        self.project.diagnostics.extend(everywhere.cloned());
    }

    /// The crate whose folder is the nearest above `path`.
    fn crate_of(&self, path: &Path) -> Option<&Crate> {
        let above = self.project.crates.iter().filter(|known| path.starts_with(&known.folder));
        above.max_by_key(|known| known.folder.components().count())
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.project.root).unwrap_or(path).to_path_buf()
    }

    fn skip(&mut self, path: &Path, why: Unread) {
        let path = self.relative(path);
        self.project.skipped.push(Skipped { path, why });
    }

    fn tell(&mut self, range: TextRange, message: String) {
        let Some(file) = self.project.policy.as_ref().and_then(|policy| policy.file) else { return };
        self.project.diagnostics.push(Diagnostic::error(Span::new(file, range), message));
    }

    fn read(&self, path: &Path) -> Result<String, Unread> {
        self.disk.read(path, MAX_FILE)
    }

    fn creates_tables(&self, path: &Path) -> bool {
        self.read(path).is_ok_and(|text| text.to_lowercase().contains("create table"))
    }
}

#[cfg(test)]
mod tests;
