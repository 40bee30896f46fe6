//! How cached values lie in bytes: fields in order, numbers in as many bytes as they need, files by their paths.
//!
//! **Invariant:** every field of a type is named here, so that a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tenantry_prover::verdict::Nullability;
use tenantry_source::entities::{
    Alias, Column, Def, Entity, Function, Holder, Home, Iden, Linked, ModuleUses, Related, Relation, SeaFile,
    Setter, Touch,
};
use tenantry_source::{
    Answer, AtHand, Bind, CalledWrapper, CheckCall, ColumnDeclaration, Condition, Constant, Declaration,
    Declared, ExportDeclaration, Extracted, FieldDeclaration, FileSites, FunctionDeclaration, Given, Gives,
    GivesKind, HandedPart, HasTableDeclaration, HoleKind, JoinDeclaration, MacroDeclaration, Mark, MarkKind,
    MethodDeclaration, ModuleFile, Param, Piece, Provenance, ProvenanceKind, QuerySite, RecordDeclaration,
    RowCheck, RowColumn, RowDeclaration, RowValue, Said, SaysDeclaration, Session, SessionStep, SettingCall,
    SqlText, Suppression, TableDeclaration, Unknown, Wrapper, WrapperDeclaration, WrapperParam, WrapperPart,
    WrapperWord,
};
use tenantry_span::{FileId, Span, TextRange};

/// Writes values, and gathers the files that their places lie in.
pub(crate) struct Writer<'f> {
    pub(crate) bytes: Vec<u8>,
    path: &'f dyn Fn(FileId) -> String,
    paths: Vec<String>,
    known: HashMap<FileId, usize>,
}

impl<'f> Writer<'f> {
    /// A writer that finds the paths of files by `path`.
    pub(crate) fn new(path: &'f dyn Fn(FileId) -> String) -> Writer<'f> {
        Writer { bytes: Vec::new(), path, paths: Vec::new(), known: HashMap::new() }
    }

    /// The bytes, and the files that they refer to by number.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<String>) {
        (self.bytes, self.paths)
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push((value & 0x7f) as u8);
    }
}

/// Reads values; `None` where the bytes are not what was written.
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    files: &'b [FileId],
}

impl<'b> Reader<'b> {
    /// A reader that knows the files by number.
    pub(crate) fn new(bytes: &'b [u8], files: &'b [FileId]) -> Reader<'b> {
        Reader { bytes, files }
    }

    /// The rest, where other files are known by number.
    pub(crate) fn with_files(self, files: &'b [FileId]) -> Reader<'b> {
        Reader { files, ..self }
    }

    /// True if everything was read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }
}

/// A value that can be cached.
pub(crate) trait Stored: Sized {
    fn put(&self, out: &mut Writer<'_>);
    fn get(from: &mut Reader<'_>) -> Option<Self>;
}

impl Stored for u64 {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(*self);
    }

    fn get(from: &mut Reader<'_>) -> Option<u64> {
        from.number()
    }
}

impl Stored for u32 {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(u64::from(*self));
    }

    fn get(from: &mut Reader<'_>) -> Option<u32> {
        u32::try_from(from.number()?).ok()
    }
}

impl Stored for usize {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(*self as u64);
    }

    fn get(from: &mut Reader<'_>) -> Option<usize> {
        from.length()
    }
}

impl Stored for u8 {
    fn put(&self, out: &mut Writer<'_>) {
        out.bytes.push(*self);
    }

    fn get(from: &mut Reader<'_>) -> Option<u8> {
        from.byte()
    }
}

impl Stored for bool {
    fn put(&self, out: &mut Writer<'_>) {
        out.bytes.push(u8::from(*self));
    }

    fn get(from: &mut Reader<'_>) -> Option<bool> {
        match from.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Stored for String {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        out.bytes.extend_from_slice(self.as_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Option<String> {
        let length = from.length()?;
        String::from_utf8(from.take(length)?.to_vec()).ok()
    }
}

/// Bytes as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Stored for Bytes {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(self.0.len() as u64);
        out.bytes.extend_from_slice(&self.0);
    }

    fn get(from: &mut Reader<'_>) -> Option<Bytes> {
        let length = from.length()?;
        from.take(length).map(|bytes| Bytes(bytes.to_vec()))
    }
}

impl<const N: usize> Stored for [u8; N] {
    fn put(&self, out: &mut Writer<'_>) {
        out.bytes.extend_from_slice(self);
    }

    fn get(from: &mut Reader<'_>) -> Option<[u8; N]> {
        from.take(N)?.try_into().ok()
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(from: &mut Reader<'_>) -> Option<Vec<T>> {
        // The length is not trusted with memory: it grows as values are really there.
        let length = from.length()?;
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(T::get(from)?);
        }
        Some(values)
    }
}

impl<T: Stored + Ord> Stored for BTreeSet<T> {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(from: &mut Reader<'_>) -> Option<BTreeSet<T>> {
        Vec::get(from).map(|values| values.into_iter().collect())
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn put(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        self.iter().for_each(|(key, value)| {
            key.put(out);
            value.put(out);
        });
    }

    fn get(from: &mut Reader<'_>) -> Option<BTreeMap<K, V>> {
        Vec::get(from).map(|values: Vec<(K, V)>| values.into_iter().collect())
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Writer<'_>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Option<T>> {
        if bool::get(from)? { T::get(from).map(Some) } else { Some(None) }
    }
}

impl<T: Stored> Stored for Box<T> {
    fn put(&self, out: &mut Writer<'_>) {
        self.as_ref().put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<Box<T>> {
        T::get(from).map(Box::new)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn put(&self, out: &mut Writer<'_>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<(A, B)> {
        Some((A::get(from)?, B::get(from)?))
    }
}

impl Stored for FileId {
    fn put(&self, out: &mut Writer<'_>) {
        let number = match out.known.get(self) {
            Some(number) => *number,
            None => {
                out.paths.push((out.path)(*self));
                out.known.insert(*self, out.paths.len() - 1);
                out.paths.len() - 1
            }
        };
        out.number(number as u64);
    }

    fn get(from: &mut Reader<'_>) -> Option<FileId> {
        let number = from.length()?;
        from.files.get(number).copied()
    }
}

/// Values whose fields are stored one after another.
macro_rules! stored {
    ($($name:ident { $($field:ident),* $(,)? })*) => { $(
        impl Stored for $name {
            fn put(&self, out: &mut Writer<'_>) {
                let $name { $($field),* } = self;
                $($field.put(out);)*
            }

            fn get(from: &mut Reader<'_>) -> Option<$name> {
                $(let $field = Stored::get(from)?;)*
                Some($name { $($field),* })
            }
        }
    )* };
}
pub(crate) use stored;

stored! {
    TextRange { start, end }
    Span { file, range }
    SqlText { pieces, chosen_by }
    Constant { path, texts }
    QuerySite { library, call, span, item, item_span, texts, runs_at, binds, bind_list, params, cfgs, is_test, conditions, checks, check_calls, fields, returned, gives, found, checked,
        checked_if_any, answered, at_hand }
    Gives { layers, kind }
    AtHand { bind, ty, is_whole }
    RowCheck { column, bind, span, unchecked }
    CheckCall { path, is_method, receiver_type, of_types, span, unwrapped, says, receiver, arguments, unchecked }
    Given { row, bind, is_steady }
    Condition { number, span, filter }
    Param { name, ty, span, used, bound_here }
    Bind { span, text, key, nullable, provenance, each }
    Provenance { kind, steps, row, extracted, checked_as, made_by }
    Extracted { paths, fields }
    RowValue { within, column }
    FileSites { sites, suppressions, marks, skipped, test_modules, sessions, wrappers }
    Session { within, beside, held, wrapper, before, perhaps, broken, handed_in }
    SessionStep { range, beside, held, setter }
    SettingCall { name, arguments, by_body }
    CalledWrapper { path, is_method, begins }
    Wrapper { name, within, params, runs, is_method }
    WrapperParam { name, stable }
    Mark { span, covers, item, is_method, kind, tenant, reason, owner, until, ticket, profile, problem }
    Suppression { span, covers, rule, reason, until, owner, problem }
    ModuleFile { name, is_test, file }
    Answer { name, arguments, is_method, layers, is_bool }
    Declared { name, module, krate, cfgs, what }
    TableDeclaration { schema, name, columns, key }
    ColumnDeclaration { name, column, ty }
    FunctionDeclaration { name }
    ExportDeclaration { path }
    HasTableDeclaration { of, table }
    RecordDeclaration { fields, is_whole }
    SaysDeclaration { of, of_trait, is_anyones, is_known, texts, methods }
    MacroDeclaration { names, is_open, takes_names, calls, body }
    WrapperDeclaration { parts }
    WrapperPart { word, text }
    MethodDeclaration { of, wraps, calls, reads }
    JoinDeclaration { child, parent, column }
    RowDeclaration { table, derives, fields, parents, none_is_null, key, base_query }
    FieldDeclaration { name, column, ty, embed, serialized, skip_insertion, skip_update, select }
    SeaFile { uses, entities, linked, aliases, functions, idens, macros, holders, hooks_elsewhere }
    Unknown { why, way, said }
    ModuleUses { module, names, globs, items, has_macros }
    Setter { name, fields }
    Holder { home, name, fields }
    Entity { home, schema, table, columns, relations, related, before_save, before_delete }
    Column { variant, field, name, primary }
    Relation { variant, def }
    Related { target, to, via }
    Linked { home, name, target, links }
    Home { krate, module, file }
    Function { home, name, of, of_trait, is_method, arguments, text, touches }
    Alias { home, name, path }
    Iden { home, name, names, own }
}

impl Stored for Declaration {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Declaration::Table(table) => {
                out.bytes.push(0);
                table.put(out);
            }
            Declaration::Join(join) => {
                out.bytes.push(1);
                join.put(out);
            }
            Declaration::Row(row) => {
                out.bytes.push(2);
                row.put(out);
            }
            Declaration::Function(function) => {
                out.bytes.push(3);
                function.put(out);
            }
            Declaration::SeaOrm(file) => {
                out.bytes.push(4);
                SeaFile::put(file, out);
            }
            Declaration::Wrapper(wrapper) => {
                out.bytes.push(5);
                wrapper.put(out);
            }
            Declaration::Method(method) => {
                out.bytes.push(6);
                method.put(out);
            }
            Declaration::Module => out.bytes.push(7),
            Declaration::Computes => out.bytes.push(9),
            Declaration::MacroUse => out.bytes.push(14),
            Declaration::HasTable(of) => {
                out.bytes.push(10);
                of.put(out);
            }
            Declaration::Record(record) => {
                out.bytes.push(11);
                record.put(out);
            }
            Declaration::Says(says) => {
                out.bytes.push(12);
                says.put(out);
            }
            Declaration::Macro(of) => {
                out.bytes.push(13);
                of.put(out);
            }
            Declaration::Export(export) => {
                out.bytes.push(8);
                export.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Declaration> {
        match from.byte()? {
            0 => Stored::get(from).map(Declaration::Table),
            1 => Stored::get(from).map(Declaration::Join),
            2 => Stored::get(from).map(Declaration::Row),
            3 => Stored::get(from).map(Declaration::Function),
            4 => Stored::get(from).map(|file| Declaration::SeaOrm(std::sync::Arc::new(file))),
            5 => Stored::get(from).map(Declaration::Wrapper),
            6 => Stored::get(from).map(Declaration::Method),
            7 => Some(Declaration::Module),
            9 => Some(Declaration::Computes),
            14 => Some(Declaration::MacroUse),
            10 => Stored::get(from).map(Declaration::HasTable),
            11 => Stored::get(from).map(Declaration::Record),
            12 => Stored::get(from).map(Declaration::Says),
            13 => Stored::get(from).map(Declaration::Macro),
            8 => Stored::get(from).map(Declaration::Export),
            _ => None,
        }
    }
}

impl Stored for Touch {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Touch::Fields(fields) => {
                out.bytes.push(0);
                fields.put(out);
            }
            Touch::Parts(parts) => {
                out.bytes.push(1);
                parts.put(out);
            }
            Touch::Anything => out.bytes.push(2),
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Touch> {
        match from.byte()? {
            0 => Stored::get(from).map(Touch::Fields),
            1 => Stored::get(from).map(Touch::Parts),
            2 => Some(Touch::Anything),
            _ => None,
        }
    }
}

impl Stored for Def {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Def::BelongsTo(target, here, there) => {
                out.bytes.push(0);
                (target.clone(), (here.clone(), there.clone())).put(out);
            }
            Def::Has(target, via) => {
                out.bytes.push(1);
                (target.clone(), via.clone()).put(out);
            }
            Def::Named(path, reversed) => {
                out.bytes.push(2);
                (path.clone(), *reversed).put(out);
            }
            Def::Unread => out.bytes.push(3),
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Def> {
        match from.byte()? {
            0 => {
                let (target, (here, there)) = Stored::get(from)?;
                Some(Def::BelongsTo(target, here, there))
            }
            1 => <(Vec<String>, Option<String>)>::get(from).map(|(target, via)| Def::Has(target, via)),
            2 => <(Vec<String>, bool)>::get(from).map(|(path, reversed)| Def::Named(path, reversed)),
            3 => Some(Def::Unread),
            _ => None,
        }
    }
}

/// Values without fields, by number.
macro_rules! numbered {
    ($name:ident { $($variant:ident = $number:literal),* $(,)? }) => {
        impl Stored for $name {
            fn put(&self, out: &mut Writer<'_>) {
                out.bytes.push(match self { $($name::$variant => $number),* });
            }

            fn get(from: &mut Reader<'_>) -> Option<$name> {
                match from.byte()? {
                    $($number => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use numbered;

numbered! { ProvenanceKind {
    Trusted = 0, Guarded = 1, Fresh = 2, Parameter = 3, Request = 4, Row = 5, Literal = 6, Unknown = 7,
} }

numbered! { MarkKind { Scoped = 0, Deferred = 1, CrossTenant = 2, Integration = 3 } }

numbered! { Said { Text = 0, Value = 1 } }
numbered! { WrapperWord { Text = 0, Name = 1, Field = 2, Bind = 3, Unknown = 4 } }

numbered! { Nullability { Never = 0, Unseen = 1, Maybe = 2 } }

impl Stored for Piece {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Piece::Literal { value, span, map } => {
                out.bytes.push(0);
                value.put(out);
                span.put(out);
                map.put(out);
            }
            Piece::Hole { span, text, kind } => {
                out.bytes.push(1);
                span.put(out);
                text.put(out);
                kind.put(out);
            }
            Piece::Built { text, span } => {
                out.bytes.push(2);
                text.put(out);
                span.put(out);
            }
            Piece::Name { name, span } => {
                out.bytes.push(3);
                name.put(out);
                span.put(out);
            }
            Piece::Placeholder { number, span } => {
                out.bytes.push(4);
                number.put(out);
                span.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Piece> {
        match from.byte()? {
            0 => Some(Piece::Literal {
                value: Stored::get(from)?,
                span: Stored::get(from)?,
                map: Stored::get(from)?,
            }),
            1 => Some(Piece::Hole {
                span: Stored::get(from)?,
                text: Stored::get(from)?,
                kind: Stored::get(from)?,
            }),
            2 => Some(Piece::Built { text: Stored::get(from)?, span: Stored::get(from)? }),
            3 => Some(Piece::Name { name: Stored::get(from)?, span: Stored::get(from)? }),
            4 => Some(Piece::Placeholder { number: Stored::get(from)?, span: Stored::get(from)? }),
            _ => None,
        }
    }
}

impl Stored for GivesKind {
    fn put(&self, out: &mut Writer<'_>) {
        out.bytes.push(match self {
            GivesKind::Row => 0,
            GivesKind::Found => 1,
            GivesKind::Answered => 2,
            GivesKind::Says => 3,
        });
    }

    fn get(from: &mut Reader<'_>) -> Option<GivesKind> {
        match from.byte()? {
            0 => Some(GivesKind::Row),
            1 => Some(GivesKind::Found),
            2 => Some(GivesKind::Answered),
            3 => Some(GivesKind::Says),
            _ => None,
        }
    }
}

impl Stored for RowColumn {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            RowColumn::Field(name) => {
                out.bytes.push(0);
                name.put(out);
            }
            RowColumn::Name(name) => {
                out.bytes.push(1);
                name.put(out);
            }
            RowColumn::Only => out.bytes.push(2),
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<RowColumn> {
        match from.byte()? {
            0 => String::get(from).map(RowColumn::Field),
            1 => String::get(from).map(RowColumn::Name),
            2 => Some(RowColumn::Only),
            _ => None,
        }
    }
}

impl Stored for HoleKind {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            HoleKind::Unknown(why) => {
                out.bytes.push(0);
                why.put(out);
            }
            HoleKind::Integer => out.bytes.push(1),
            HoleKind::Unread(why) => {
                out.bytes.push(2);
                why.put(out);
            }
            HoleKind::Parameter(place) => {
                out.bytes.push(3);
                place.put(out);
            }
            HoleKind::Handed(part) => {
                out.bytes.push(4);
                part.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<HoleKind> {
        match from.byte()? {
            0 => Unknown::get(from).map(HoleKind::Unknown),
            1 => Some(HoleKind::Integer),
            2 => String::get(from).map(HoleKind::Unread),
            3 => Span::get(from).map(HoleKind::Parameter),
            4 => HandedPart::get(from).map(HoleKind::Handed),
            _ => None,
        }
    }
}

impl Stored for HandedPart {
    fn put(&self, out: &mut Writer<'_>) {
        let (word, of, value) = match *self {
            HandedPart::Expression(place) => (0, place, None),
            HandedPart::Table(of) => (1, of, None),
            HandedPart::Columns(of) => (2, of, None),
            HandedPart::Key { of, value } => (3, of, Some(value)),
            HandedPart::Row { of, value } => (4, of, Some(value)),
            HandedPart::Changes { of, value } => (5, of, Some(value)),
            HandedPart::Query(place) => (6, place, None),
        };
        out.bytes.push(word);
        of.put(out);
        value.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<HandedPart> {
        let word = from.byte()?;
        let (of, value) = (Span::get(from)?, Option::<Span>::get(from)?);
        match (word, value) {
            (0, None) => Some(HandedPart::Expression(of)),
            (1, None) => Some(HandedPart::Table(of)),
            (2, None) => Some(HandedPart::Columns(of)),
            (3, Some(value)) => Some(HandedPart::Key { of, value }),
            (4, Some(value)) => Some(HandedPart::Row { of, value }),
            (5, Some(value)) => Some(HandedPart::Changes { of, value }),
            (6, None) => Some(HandedPart::Query(of)),
            _ => None,
        }
    }
}
