//! What files declare for the chains of other files: tables, joins between them, the structs that rows are read into and
//! written from.

use crate::modules::module_path;
use crate::tokens::Tokens;

/// A declaration, with where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The name by which it is asked for.
    pub name: String,
    /// The module that it stands in, within its crate; within its file, as [`declarations`] gives it.
    pub module: Vec<String>,
    /// Its crate, as Rust paths name it; empty as [`declarations`] gives it.
    pub krate: String,
    /// The `cfg`s around it within its file, as they are written without blanks; not all of them need be seen.
    pub cfgs: Vec<String>,
    /// What it declares.
    pub what: Declaration,
}

/// What is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// A table.
    Table(TableDeclaration),
    /// A table may be joined to another one without saying how. It is asked for by the names of both.
    Join(JoinDeclaration),
    /// A struct that rows are written from or read into.
    Row(RowDeclaration),
    /// A struct that rows are read into by the names of its fields.
    Record(RecordDeclaration),
    /// `impl HasTable for` a struct. It is asked for by a key of its own.
    HasTable(HasTableDeclaration),
    /// What a file says of SeaORM's entities.
    SeaOrm(std::sync::Arc<super::seaorm::SeaFile>),
    /// A function of the database.
    Function(FunctionDeclaration),
    /// A struct that writes SQL around a query that it holds.
    Wrapper(WrapperDeclaration),
    /// A project's own method of queries.
    Method(MethodDeclaration),
    /// A function gives back an expression or a query.
    Computes,
    /// A macro, under its name with a mark behind.
    Macro(crate::MacroDeclaration),
    /// A module.
    Module,
    /// A module lends its macros to what follows it.
    MacroUse,
    /// A module names what is declared elsewhere.
    Export(ExportDeclaration),
    /// What a function says, a constant of a trait is, or that there is a type. Each is asked for by a key of its own.
    Says(SaysDeclaration),
}

/// The texts that a function may give, or that a constant of a type is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaysDeclaration {
    /// The type that it is of, by its last name.
    pub of: Option<String>,
    /// The trait that it is of.
    pub of_trait: Option<String>,
    /// It is not seen which types it is of.
    pub is_anyones: bool,
    /// It gives nothing but these texts, and what these methods of the same value say.
    pub is_known: bool,
    /// The texts.
    pub texts: Vec<String>,
    /// The methods.
    pub methods: Vec<String>,
}

/// `#[derive(sqlx::FromRow)] struct Order { id: Uuid, … }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordDeclaration {
    /// The fields that are read from the columns of their own names.
    pub fields: Vec<String>,
    /// All of its fields are.
    pub is_whole: bool,
}

/// `impl HasTable for Row { type Table = orders::table; … }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HasTableDeclaration {
    /// The struct, as it is written there.
    pub of: Vec<String>,
    /// The table, as it is written there.
    pub table: Vec<String>,
}

/// `use path as name`; of a glob the module that is exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportDeclaration {
    /// What is named, as it is written there.
    pub path: Vec<String>,
}

/// What a struct around a query writes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrapperDeclaration {
    /// The parts.
    pub parts: Vec<WrapperPart>,
}

/// A part of what a struct around a query writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapperPart {
    /// What it is.
    pub word: WrapperWord,
    /// The text, the name, the field, or what is written where it is not known.
    pub text: String,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrapperWord {
    /// SQL as it stands.
    Text,
    /// A name that is quoted.
    Name,
    /// A field that writes itself: the query.
    Field,
    /// A field that is bound.
    Bind,
    /// It is not known what is written.
    Unknown,
}

/// A project's own method, which takes a query by value. Where it neither wraps nor calls it gives back what it is called on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodDeclaration {
    /// The struct that it makes, or that it is a method of.
    pub of: String,
    /// The field of the struct that the query becomes.
    pub wraps: Option<String>,
    /// The method that it calls on what it is called on.
    pub calls: Option<String>,
    /// The fields that it reads besides.
    pub reads: Vec<String>,
}

/// A function of the database under its name in Rust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionDeclaration {
    /// Its name in the database.
    pub name: String,
}

/// A table as a query builder knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableDeclaration {
    /// Its schema in the database, where one is written.
    pub schema: Option<String>,
    /// Its name in the database.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<ColumnDeclaration>,
    /// The columns of its primary key, by their names in Rust.
    pub key: Vec<String>,
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnDeclaration {
    /// Its name in Rust.
    pub name: String,
    /// Its name in the database.
    pub column: String,
    /// Its type as written.
    pub ty: String,
}

/// `child.column` refers to the key of `parent`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinDeclaration {
    /// The table that holds the column, by its name in Rust.
    pub child: String,
    /// The table that is referred to, by its name in Rust.
    pub parent: String,
    /// The column of the child, by its name in Rust.
    pub column: String,
}

/// A struct whose fields are columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowDeclaration {
    /// The table, by the path that is written or that the name of the struct stands for.
    pub table: Vec<String>,
    /// What is derived for it: `Insertable`, `AsChangeset`, `Selectable`, …
    pub derives: Vec<String>,
    /// Its fields in order.
    pub fields: Vec<FieldDeclaration>,
    /// Other structs that its rows belong to, each with its foreign key.
    pub parents: Vec<(String, String)>,
    /// A field without a value is written as NULL and not left out.
    pub none_is_null: bool,
    /// The columns of its primary key, where they are written.
    pub key: Vec<String>,
    /// What its rows are read from, where that is not the table alone.
    pub base_query: Option<String>,
}

/// A field of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldDeclaration {
    /// Its name; its number where it has none.
    pub name: String,
    /// The column that it stands for, by its name in Rust.
    pub column: String,
    /// Its type as written, white space removed.
    pub ty: String,
    /// It stands for the columns of another struct.
    pub embed: bool,
    /// It is written or read as another type makes it.
    pub serialized: bool,
    /// It is left out when a row is inserted.
    pub skip_insertion: bool,
    /// It is left out when a row is changed.
    pub skip_update: bool,
    /// What is selected for it, where it is an expression.
    pub select: Option<String>,
}

/// What a file declares for the chains of others. The caller says where the file lies, with [`Declared::at`].
pub fn declarations(text: &str) -> Vec<Declared> {
    declarations_among(text, true)
}

/// True if a file names SeaORM, or what it builds its statements with.
pub fn names_sea_orm(text: &str) -> bool {
    ["sea_orm", "sea_query"]
        .iter()
        .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// [`declarations`] of a file among others: where neither it nor one of them names SeaORM it declares nothing for that.
pub fn declarations_among(text: &str, others_name_sea_orm: bool) -> Vec<Declared> {
    let mut found = super::diesel::declarations(text);
    if others_name_sea_orm || names_sea_orm(text) {
        found.extend(super::seaorm::declarations(text));
    }
    super::records::declarations(text, &mut found);
    let tokens = Tokens::of(text);
    found.extend(super::exports::declarations(text, &tokens));
    crate::given::declarations(text, &mut found);
    crate::said::declarations(text, &tokens, &mut found);
    found
}

/// The `cfg`s among attributes, without blanks.
pub(crate) fn cfgs_of(attributes: &[syn::Attribute]) -> impl Iterator<Item = String> + '_ {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).filter_map(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return None };
        Some(without_blanks(&list.tokens.to_string()))
    })
}

/// What is written, without blanks, so that two ways to write a `cfg` are one.
pub(crate) fn without_blanks(written: &str) -> String {
    written.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The attributes of an item that declares something for chains of calls.
pub(crate) fn item_attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => &[],
    }
}

/// Of twins, of which a build has one, those that are in every build that has the code in `around`; all of them where it
/// has none for sure.
///
/// Two of one name in one place are in no build together. One that is in each of these builds leaves no room for others.
pub(crate) fn in_build<T>(twins: Vec<(Vec<String>, T)>, around: &[String]) -> Vec<T> {
    let around: Vec<String> = around.iter().map(|cfg| without_blanks(cfg)).collect();
    let is_there =
        |(cfgs, _): &(Vec<String>, T)| !cfgs.is_empty() && cfgs.iter().all(|cfg| around.contains(cfg));
    let any = twins.iter().any(is_there);
    twins.into_iter().filter(|twin| !any || is_there(twin)).map(|(_, what)| what).collect()
}

impl Declared {
    /// The name, where it is that of a `use` for something that is called otherwise.
    pub fn renamed(&self) -> Option<&str> {
        let Declaration::Export(export) = &self.what else { return None };
        (export.path.last() != Some(&self.name)).then_some(self.name.as_str())
    }

    /// A module names everything of another one.
    pub fn is_glob(&self) -> bool {
        matches!(self.what, Declaration::Export(_)) && self.name.ends_with(super::exports::ALL)
    }

    /// The declaration where its file is `path` of the crate `krate`.
    pub fn at(mut self, krate: &str, path: &str) -> Declared {
        self.krate = krate.replace('-', "_");
        self.module = module_path(path).into_iter().chain(self.module).collect();
        if let Some(name) = super::exports::name_at(&self) {
            self.name = name;
        }
        self
    }
}
