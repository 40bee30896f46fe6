//! Rust source to sites: which places run SQL, with which text, with which binds, and where the bound values come from.
//!
//! **Invariant:** `syn` is named in this crate and in the macros only. **Invariant:** no I/O; included files and other
//! files of the crate come through a trait that the caller implements.
//! **Invariant:** a call that may run SQL and whose text is not known is a site with a hole, never no site.
#![forbid(unsafe_code)]

mod answers;
mod calls;
mod chains;
mod declared;
mod expansions;
mod extent;
mod given;
mod ident;
mod imports;
mod input;
pub mod limits;
mod literal;
mod loose;
mod made;
mod marks;
mod modules;
mod outline;
mod prefilter;
mod read;
mod said;
pub mod seaorm;
mod sessions;
mod site;
mod suppress;
mod tokens;
mod types;
mod unparsed;

pub use answers::{Answer, answers, guard_names};
pub use calls::{
    Asserted, Call, Calls, Composed, FunctionHead, Handed, HandedChains, HandedTable, How, Mention, Names,
    Place, Rendering, calls,
};
/// What files say of SeaORM's entities, for chains of calls.
pub mod entities {
    pub use crate::chains::seaorm::{
        Alias, Column, Def, Entity, Function, Holder, Home, Iden, Linked, ModuleUses, Related, Relation,
        SeaFile, Setter, Touch,
    };
}

pub use chains::{
    Assembled, ColumnDeclaration, Declaration, Declared, ExportDeclaration, FieldDeclaration,
    FunctionDeclaration, HasTableDeclaration, JoinDeclaration, MethodDeclaration, RecordDeclaration,
    RowDeclaration, SaysDeclaration, TableDeclaration, WrapperDeclaration, WrapperPart, WrapperWord,
    declarations, declarations_among, diesel_join, diesel_table, names_sea_orm,
};
pub use given::MacroDeclaration;
pub use input::{Constant, Constants, NoSurroundings, SourceFile, Surroundings};
pub use loose::{
    first_checked_text, included_rust, macros_called, macros_called_in, macros_defined, rests_on_modules,
    sql_of_literal,
};
pub use made::{Fields, Made, MadeIn, Marks, Types, made, marks};
pub use marks::{Mark, MarkKind, literal_text, mark_at, may_mark};
pub use modules::{ModuleFile, module_files, module_path};
pub use prefilter::{
    Prefilter, constant_names, looks_like_sql, may_define_constants, mentions_sql, names, prefilter,
};
pub use read::{MAX_STEPS, MarkedFile, constants, parses, read, read_marked, read_with};
pub use sessions::{CalledWrapper, Session, SessionStep, SettingCall, Wrapper, WrapperParam, may_wrap};
pub use site::*;
pub use suppress::{Directive, directives, sql_comments};
pub use tokens::Tokens;
