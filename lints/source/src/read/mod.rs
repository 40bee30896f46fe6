//! The walk over a file that parses.

mod asserted;
mod assumed;
mod builder;
mod called;
mod changes;
mod composed;
mod conditions;
mod dominated;
mod evaluate;
mod extracted;
mod fetched;
mod growing;
mod guards;
mod handed;
mod inlined;
mod lent;
mod macros;
mod mapped;
mod metavariables;
mod origins;
mod provenance;
mod queries;
mod repeated;
mod returned;
mod said;
pub(crate) mod scope;
mod texts;
mod vouched;
pub(crate) mod walk;

pub(crate) use called::is_plain_attribute;
pub(crate) use changes::{assigns_to_left, lends, reads_only};
pub(crate) use evaluate::{diverges, names_return, returns, strip};
pub(crate) use extracted::EXTRACTING;
pub(crate) use origins::OWN;
pub use provenance::MAX_STEPS;
pub(crate) use provenance::is_same_value;
pub(crate) use scope::{LocalId, Source};
pub(crate) use texts::{MAX_TEXTS, shorten};
pub(crate) use walk::{expression_attributes, receiver_changes};

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use syn::visit::Visit;
use tenantry_policy::Trust;
use tenantry_rules::SinkLibrary;
use tenantry_span::{Span, TextRange};

use crate::calls::Asked;
use crate::chains::seaorm::Followed;
use crate::chains::{self, Held};
use crate::declared::Declared;
use crate::expansions::Expansions;
use crate::extent::Lines;
use crate::imports::Imports;
use crate::input::{Constant, SourceFile, Surroundings};
use crate::made::Wanted;
use crate::modules::module_path;
use crate::tokens::Tokens;
use crate::{FileSites, Prefilter, QuerySite, limits, loose, marks, outline, suppress, unparsed};
use builder::never_runs;
use changes::Changes;
use queries::{Meta, Prepared};
use scope::{Local, Scope, State};
use texts::Texts;

/// What the reader knows while it walks.
pub(crate) struct Reader<'a> {
    pub(crate) source: SourceFile<'a>,
    /// Bytes before the text that was parsed: a byte order mark, a first line for the shell.
    pub(crate) base: usize,
    lines: &'a Lines,
    tokens: &'a Tokens,
    pub(crate) imports: &'a Imports,
    pub(crate) declared: &'a Declared<'a>,
    pub(crate) expansions: &'a Expansions,
    pub(crate) sinks: &'a [SinkLibrary],
    trust: &'a Trust,
    pub(crate) surroundings: &'a dyn Surroundings,
    /// For each library: the file names one of its crates.
    pub(crate) mentioned: Vec<bool>,
    sites: Vec<QuerySite>,
    metas: Vec<Meta>,
    prepared: Vec<Prepared>,
    skipped: Vec<(TextRange, String)>,
    units: Option<Vec<TextRange>>,
    attributes: Vec<crate::Suppression>,
    test_modules: Vec<String>,
    modules: Vec<String>,
    /// The module alone, without functions and types.
    pub(crate) module: Vec<String>,
    self_types: Vec<String>,
    /// Their paths as they are written.
    self_paths: Vec<Vec<String>>,
    /// For each of them, the type parameter that it is a `Result` or an `Option` of.
    wrapped: Vec<Option<String>>,
    /// For each of them, what its `impl` is generic over.
    around_types: Vec<Vec<Generic>>,
    /// The trait whose declaration is walked.
    own_trait: Option<String>,
    cfgs: Vec<String>,
    tests: usize,
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) locals: Vec<Local<'a>>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) state: State,
    branches: Vec<u32>,
    next_branch: u32,
    block_texts: HashMap<usize, Texts>,
    /// What blocks and arms yield that is a query under construction, by where they begin.
    pub(crate) block_chains: HashMap<usize, Held>,
    /// A library is mentioned whose queries are chains of calls.
    pub(crate) reads_chains: bool,
    /// What is known ahead of the functions that are walked.
    pub(crate) followed: Vec<Followed>,
    /// The entities of the workspace, once they were asked for.
    pub(crate) entities: Option<std::sync::Arc<chains::seaorm::Entities>>,
    /// How deep a chain is being followed.
    pub(crate) chain_depth: usize,
    /// The variables that what chains bind is made of, by the place of the value.
    pub(crate) chain_binds: HashMap<Span, HashSet<scope::LocalId>>,
    /// Variables that the binds of the site being made come from.
    pub(crate) touched: HashSet<scope::LocalId>,
    /// The first variable of the pattern whose variables are declared.
    pattern_from: Option<LocalId>,
    /// How many patterns around take a value apart into several.
    tearing: usize,
    /// The fields by which patterns around take a value apart.
    taken_apart: Vec<Option<String>>,
    /// The parameter that is the list of values of the call that is read.
    listed: Option<Span>,
    /// Functions whose calls are looked for.
    pub(crate) asked: Option<Asked<'a>>,
    /// The closure that comes next is kept in a variable: who calls it is not looked at.
    keeps_closure: bool,
    /// What the closure that comes next is called on, if that hands it nothing else.
    gives_closure: Option<&'a syn::Expr>,
    /// Into how many parts the value at hand may be taken apart still.
    parts_left: usize,
    /// Types of which the values are looked for that are made here.
    pub(crate) wanted: Option<Wanted>,
    /// Who may call the function that is walked next.
    shown_to: called::Shown,
    /// What was assigned to variables and their fields, where somebody asks what values are made of.
    set: Vec<(LocalId, Vec<String>, crate::calls::Composed)>,
    /// What stands here lies in a macro or a module that may register it somewhere.
    exposed: bool,
    /// The row that the block begins with which is walked next.
    header: Option<fetched::Header<'a>>,
    /// Filters of rows that a variable holds, in the statement that is walked.
    filtered: Vec<fetched::Filtered>,
    /// Checks of rows that blocks around fetched.
    open_checks: Vec<fetched::Open>,
    /// The functions that the file declares outside of types.
    lendable: HashMap<String, Vec<lent::Lendable<'a>>>,
    /// How often the file declares something of a name, by the keyword before it, once that was asked for.
    heads: std::cell::OnceCell<HashMap<String, usize>>,
    /// The macros that the file defines.
    pub(crate) own_macros: Vec<(String, crate::MacroDeclaration)>,
    /// How many functions are walked that something is lent to.
    lent_depth: usize,
    /// Where the closures of `map` begin whose first parameter counts.
    counting: HashSet<usize>,
    /// The first variable of the code that is walked which may run any number of times.
    repeats_from: Option<LocalId>,
    /// The innermost code here that may run any number of times.
    round: Option<TextRange>,
    /// It is read for its marks alone: what else the scanner asks of a site is left out.
    marks_only: bool,
}

/// The function that is walked.
pub(crate) struct Function<'a> {
    name_span: Span,
    params: Vec<Parameter>,
    /// Its type parameters and constants in order.
    pub(crate) generics: Vec<Generic>,
    body: TextRange,
    changes: Changes,
    /// Its receiver is `&mut self` or `mut self`.
    changes_self: bool,
    /// Identifiers of the body; read when the first site asks.
    used: Option<BTreeSet<&'a str>>,
    /// The sites before its own.
    first_site: usize,
}

/// A type parameter, or a constant one.
pub(crate) struct Generic {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The paths that its bounds may stand for.
    pub(crate) bounds: Vec<Vec<String>>,
}

#[derive(Clone)]
struct Parameter {
    name: String,
    ty: String,
    span: Span,
    locals: Vec<scope::LocalId>,
}

pub(crate) struct Parsed {
    pub(crate) base: usize,
    pub(crate) file: syn::File,
    pub(crate) lines: Lines,
    /// Of what was parsed.
    pub(crate) tokens: Tokens,
    /// Methods as functions that are handed what they are called on.
    methods: Vec<lent::Method>,
}

/// Parses what of the text `reduce` leaves, or says why not.
pub(crate) fn parse(text: &str, reduce: impl FnOnce(&str) -> Cow<'_, str>) -> Result<Parsed, String> {
    parse_tokens(text, None, reduce)
}

/// [`parse`] of a text whose tokens may be known.
fn parse_tokens(
    text: &str,
    known: Option<Tokens>,
    reduce: impl FnOnce(&str) -> Cow<'_, str>,
) -> Result<Parsed, String> {
    let without_mark = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = match without_mark.strip_prefix("#!") {
        Some(after) if !after.trim_start().starts_with('[') => {
            without_mark.find('\n').and_then(|end| without_mark.get(end..)).unwrap_or("")
        }
        _ => without_mark,
    };
    let base = text.len() - rest.len();
    let reduced = plain_names(reduce(rest));
    let is_whole = matches!(&reduced, Cow::Borrowed(reduced) if reduced.len() == text.len());
    let tokens = known.filter(|_| is_whole).unwrap_or_else(|| Tokens::of(&reduced));
    limits::check_tokens(&reduced, &tokens)?;
    match syn::parse_str::<syn::File>(&reduced) {
        Ok(file) => {
            let methods = lent::methods(&file.items, &reduced);
            Ok(Parsed { base, file, lines: Lines::of(&reduced), tokens, methods })
        }
        Err(error) => {
            let at = base + error.span().byte_range().start;
            let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
            Err(format!("the file does not parse: {error} (line {line})"))
        }
    }
}

/// The text with `  query` for `r#query`, which is the same name; a keyword stays as it is.
fn plain_names(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memmem::find(text.as_bytes(), b"r#").is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0usize;
    for token in tokenize(&text, FrontmatterAllowed::No) {
        let written = text.get(at..at + token.len as usize).unwrap_or("");
        at += token.len as usize;
        match (token.kind, written.strip_prefix("r#")) {
            (TokenKind::RawIdent, Some(name)) if syn::parse_str::<syn::Ident>(name).is_ok() => {
                out.push_str("  ");
                out.push_str(name);
            }
            _ => out.push_str(written),
        }
    }
    if out.len() == text.len() { Cow::Owned(out) } else { text }
}

/// True if a text is Rust that [`read`] would parse as a whole. The caller keeps the stack large enough for `syn`.
pub fn parses(text: &str) -> bool {
    parse(text, |text| Cow::Borrowed(text)).is_ok()
}

/// Reads a file: its query sites, its suppressions, and what could not be read.
///
/// A file that does not parse yields its strings that look like SQL, each as a site whose text is not known.
/// Functions in which nothing can be a site are not parsed, and where they do not parse is not told.
/// The caller keeps stacks large enough for `syn`; [`crate::limits`] bounds how deep a file may nest.
pub fn read(
    source: &SourceFile<'_>,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
) -> FileSites {
    read_with(&Prefilter::new(sinks), source, sinks, trust, surroundings)
}

/// [`read`] with a prefilter made of the same sinks, for many files.
pub fn read_with(
    prefilter: &Prefilter,
    source: &SourceFile<'_>,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
) -> FileSites {
    // A suppression covers what follows it, whatever that is.
    let is_marked = marks::may_mark(source.text.as_bytes());
    let parsed = if is_marked {
        parse(source.text, |text| Cow::Borrowed(text))
    } else {
        parse(source.text, |text| outline::reduced(text, prefilter))
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(why) => return unparsed::read(source, why),
    };
    let imports = Imports::of(&parsed.file);
    let mut found = sites(&parsed, &imports, source, sinks, trust, surroundings, false);
    if is_marked {
        found.marks = marks::marks(source.file, &parsed, &imports, surroundings);
    }
    if !found.sites.is_empty() || crate::may_wrap(source.text) {
        let setters: Vec<&str> = trust.with_setting.iter().map(|name| name.value.as_str()).collect();
        (found.sessions, found.wrappers) = crate::sessions::follow(&parsed, source.text, &setters);
    }
    found
}

/// A file with marks, as far as it shows by itself what they claim.
#[derive(Clone, Debug, Default)]
pub struct MarkedFile {
    /// What [`read`] finds in it, but for what only the scanner asks of a site: what a fix may bind, whether the row is
    /// checked by whoever is called or calls, which connection it runs on.
    pub found: FileSites,
    /// Its string literals, but for those in attributes, which nothing runs, and for constants that are
    /// `tenant_sql!("…")`, which are checked where they stand.
    pub literals: Vec<TextRange>,
}

/// Reads a file with marks, whose tokens are known.
pub fn read_marked(
    source: &SourceFile<'_>,
    tokens: Tokens,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
) -> MarkedFile {
    let parsed = match parse_tokens(source.text, Some(tokens), |text| Cow::Borrowed(text)) {
        Ok(parsed) => parsed,
        Err(why) => {
            let literals = loose::literals(source.text, 0, &Tokens::of(source.text));
            return MarkedFile { found: unparsed::read(source, why), literals };
        }
    };
    let imports = Imports::of(&parsed.file);
    let found = sites(&parsed, &imports, source, sinks, trust, surroundings, true);
    let marks = marks::marks(source.file, &parsed, &imports, surroundings);
    let literals = loose::literals(source.text, parsed.base, &parsed.tokens);
    MarkedFile { found: FileSites { marks, ..found }, literals }
}

/// The sites of a file that was parsed.
fn sites(
    parsed: &Parsed,
    imports: &Imports,
    source: &SourceFile<'_>,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
    marks_only: bool,
) -> FileSites {
    let declared = Declared::of(&parsed.file);
    let expansions = Expansions::of(source.text, &parsed.file, imports, sinks);
    let mut reader = Reader::new(source, parsed, imports, &declared, &expansions, sinks, trust, surroundings);
    reader.marks_only = marks_only;
    reader.visit_file(&parsed.file);
    reader.finish()
}

/// The constants of a file whose values are text, for other files of the crate.
///
/// `surroundings` may know the constants of an earlier round, so that constants made of others are whole.
pub fn constants(source: &SourceFile<'_>, surroundings: &dyn Surroundings) -> Vec<Constant> {
    let Ok(parsed) = parse(source.text, |text| outline::with_constants(text).unwrap_or_default()) else {
        return Vec::new();
    };
    let imports = Imports::of(&parsed.file);
    let declared = Declared::of(&parsed.file);
    if declared.constants.is_empty() {
        return Vec::new();
    }
    let expansions = Expansions::of(source.text, &parsed.file, &imports, &[]);
    let trust = Trust::default();
    let mut reader =
        Reader::new(source, &parsed, &imports, &declared, &expansions, &[], &trust, surroundings);
    let mut found = Vec::new();
    for (name, values) in &declared.constants {
        let mut paths: Vec<&Vec<String>> = values.iter().map(|(path, _, _)| path).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            // What else a path within the file names are types.
            let modules = path.iter().filter(|name| !name.starts_with(char::is_uppercase));
            reader.module = module_path(source.path).into_iter().chain(modules.cloned()).collect();
            reader.self_types =
                path.iter().filter(|name| name.starts_with(char::is_uppercase)).cloned().collect();
            let twins = values.iter().filter(|(other, _, ty)| other == path && crate::types::is_text(ty));
            let texts: Vec<_> = twins.flat_map(|(_, value, _)| texts::plain(&reader.texts(value))).collect();
            if !texts.is_empty() {
                let path = reader.modules.iter().chain(path).chain([name]).cloned().collect();
                found.push(Constant { path, texts });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl<'a> Reader<'a> {
    /// The type parameters of the `impl`s and traits around.
    pub(crate) fn generics_around(&self) -> impl Iterator<Item = &str> {
        self.around_types.iter().flatten().map(|generic| generic.name.as_str())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts outlive the reader, so they cannot be made in it"
    )]
    pub(crate) fn new(
        source: &SourceFile<'a>,
        parsed: &'a Parsed,
        imports: &'a Imports,
        declared: &'a Declared<'a>,
        expansions: &'a Expansions,
        sinks: &'a [SinkLibrary],
        trust: &'a Trust,
        surroundings: &'a dyn Surroundings,
    ) -> Reader<'a> {
        let mentioned =
            sinks.iter().map(|library| library.crates.iter().any(|name| imports.roots.contains(name)));
        Reader {
            source: *source,
            base: parsed.base,
            lines: &parsed.lines,
            tokens: &parsed.tokens,
            imports,
            declared,
            expansions,
            sinks,
            trust,
            surroundings,
            mentioned: mentioned.collect(),
            sites: Vec::new(),
            metas: Vec::new(),
            prepared: Vec::new(),
            skipped: Vec::new(),
            units: suppress::may_direct(source.text).then(Vec::new),
            attributes: Vec::new(),
            test_modules: Vec::new(),
            modules: module_path(source.path),
            module: module_path(source.path),
            self_types: Vec::new(),
            self_paths: Vec::new(),
            wrapped: Vec::new(),
            around_types: Vec::new(),
            own_trait: None,
            cfgs: Vec::new(),
            tests: usize::from(is_test_path(source.path)),
            functions: Vec::new(),
            locals: Vec::new(),
            scopes: vec![Scope::default()],
            state: State::default(),
            branches: Vec::new(),
            next_branch: 0,
            block_texts: HashMap::new(),
            block_chains: HashMap::new(),
            chain_binds: HashMap::new(),
            followed: Vec::new(),
            entities: None,
            chain_depth: 0,
            reads_chains: chains::LIBRARIES
                .iter()
                .flat_map(|library| library.crates)
                .any(|name| imports.roots.contains(*name)),
            touched: HashSet::new(),
            pattern_from: None,
            tearing: 0,
            taken_apart: Vec::new(),
            listed: None,
            set: Vec::new(),
            asked: None,
            keeps_closure: false,
            gives_closure: None,
            parts_left: 0,
            wanted: None,
            shown_to: called::Shown::default(),
            exposed: false,
            header: None,
            filtered: Vec::new(),
            open_checks: Vec::new(),
            lendable: lent::lendable(&parsed.file.items, &parsed.methods),
            heads: std::cell::OnceCell::new(),
            own_macros: crate::given::defined(source.text),
            lent_depth: 0,
            counting: HashSet::new(),
            repeats_from: None,
            round: None,
            marks_only: false,
        }
    }

    /// The type whose `impl` is walked.
    /// The `cfg`s around what is walked.
    pub(crate) fn around(&self) -> &[String] {
        &self.cfgs
    }

    pub(crate) fn own_type(&self) -> Option<&str> {
        self.self_type()
    }

    /// The path of that type, as it is written.
    pub(crate) fn own_path(&self) -> Option<&[String]> {
        self.self_paths.last().map(Vec::as_slice)
    }

    fn self_type(&self) -> Option<&str> {
        self.self_types.last().map(String::as_str)
    }

    fn finish(mut self) -> FileSites {
        self.close_builders();
        self.emit_unused_statements();
        // Of several; the only one stays.
        for site in self.sites.iter_mut().filter(|site| site.texts.len() > 1) {
            if !site.texts.iter().all(never_runs) {
                site.texts.retain(|text| !never_runs(text));
            }
        }
        self.sites.sort_by_key(|site| (site.span.range, site.item.clone()));
        let units = self.units.take().unwrap_or_default();
        let mut suppressions = suppress::rust_comments(self.source.file, self.source.text, &units);
        suppressions.append(&mut self.attributes);
        suppressions.sort_by_key(|suppression| suppression.span.range);
        self.skipped.sort();
        FileSites {
            sites: self.sites,
            suppressions,
            marks: Vec::new(),
            skipped: self.skipped,
            test_modules: self.test_modules,
            sessions: Vec::new(),
            wrappers: Vec::new(),
        }
    }
}

/// True for files that are only built for tests, benchmarks and examples. A folder of such a name among the sources is a
/// module, which is built for tests only where it is declared so.
pub(crate) fn is_test_path(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders
        .split('/')
        .take_while(|folder| *folder != "src")
        .any(|folder| matches!(folder, "tests" | "benches" | "examples"))
}
