//! What a declared type says of where its values come from, under the names that the file has for types.

use syn::{Expr, Type};
use tenantry_prover::verdict::Nullability;

use super::scope::{LocalId, Source};
use super::{Reader, strip};
use crate::modules::module_path;
use crate::types::{self, Origin};

/// How many other names of a type are looked behind.
const MAX_ALIASES: usize = 8;

/// The crate that services depend on.
pub(crate) const OWN: &str = "tenantry";

impl Reader<'_> {
    /// Classifies the declared type of a parameter, variable or field.
    pub(crate) fn origin(&self, ty: &Type) -> Origin {
        self.origin_within(ty, 0)
    }

    fn origin_within(&self, ty: &Type, depth: usize) -> Origin {
        if let Type::Tuple(tuple) = ty {
            let of_request = tuple.elems.iter().any(|ty| self.origin_within(ty, depth) == Origin::Request);
            return if of_request { Origin::Request } else { Origin::Plain };
        }
        let Some((written, segment)) = types::head(ty) else { return Origin::Plain };
        let name = segment.ident.to_string();
        let aliases = match self.declared.aliases.get(&written) {
            Some(aliases) if depth < MAX_ALIASES => aliases.as_slice(),
            _ => &[],
        };
        let behind = aliases.iter().map(|ty| self.origin_within(ty, depth + 1)).max();
        // The module of this type may not be that of the alias: the worst that it may mean.
        match behind {
            Some(behind) if self.imports.imports(&name) => behind.max(self.named(&written, segment, depth)),
            Some(behind) => behind,
            None => self.named(&written, segment, depth),
        }
    }

    fn named(&self, written: &str, segment: &syn::PathSegment, depth: usize) -> Origin {
        // What an implementation says that a type of its trait is may be any type.
        if written.starts_with("Self::") || self.is_named_by_block(written) {
            return Origin::Plain;
        }
        let all = self.paths(written);
        let listed = || self.trust.types.iter().chain(&self.trust.extractors);
        let is_trusted = |full: &[String]| {
            self.is_own_type(full, "TenantId") || listed().any(|entry| self.is_entry(full, &entry.value))
        };
        if all.iter().all(|full| is_trusted(full)) {
            return match self.is_another(written, &is_trusted) {
                true => Origin::Plain,
                false => Origin::Trusted,
            };
        }
        let inner = types::generic_types(segment);
        let last = |full: &Vec<String>| full.last().cloned().unwrap_or_default();
        let of_request = |full: &Vec<String>| {
            types::is_request(&last(full), !inner.is_empty()) || types::is_whole_request(full)
        };
        if all.iter().any(of_request) {
            return Origin::Request;
        }
        if all.iter().any(|full| types::is_wrapper(&last(full))) {
            let origins = inner.iter().map(|ty| self.origin_within(ty, depth));
            // `Result<Tenant, Error>` holds a tenant; nothing that also holds the request's data does.
            return origins
                .max_by_key(|origin| match origin {
                    Origin::Plain => 0,
                    Origin::Trusted => 1,
                    Origin::Request => 2,
                })
                .unwrap_or(Origin::Plain);
        }
        Origin::Plain
    }

    /// A function, an implementation or a block around declares the name, as a type that it is generic over or as its own.
    pub(super) fn is_named_by_block(&self, written: &str) -> bool {
        let around = self.scopes.iter().skip(1).rev().take_while(|scope| !scope.module);
        !written.contains("::") && around.into_iter().any(|scope| scope.uses.declares(written))
    }

    /// True if the name may be brought by a glob that brings another type of it, where nothing in sight says what it is.
    fn is_another(&self, written: &str, is_trusted: &impl Fn(&[String]) -> bool) -> bool {
        let segments: Vec<String> = written.split("::").map(str::to_owned).collect();
        let meant = self.meant(&segments);
        if meant.is_hidden {
            return true;
        }
        if !meant.ways.is_empty() || meant.globs.is_empty() {
            return false;
        }
        // What the file imports it as elsewhere is not what it is here.
        let is_only = !self.imports.imports(&segments[0]) && self.has_one_type(segments.last());
        !is_only && !meant.globs.iter().all(|glob| self.is_brought(glob, &segments, is_trusted))
    }

    /// Whether a value of the type may be NULL in SQL.
    pub(super) fn nullability(&self, ty: &Type) -> Nullability {
        types::nullability(ty, self.declared, &|name| self.is_named_by_block(name))
    }

    /// The type of what a method of a `TenantId` or a `TenantScope` hands out, as far as the written type says it.
    pub(super) fn handed_out<'t>(&self, ty: &'t Type, method: &str) -> Option<&'t Type> {
        let owner = match method {
            "get" | "into_inner" => "TenantId",
            "tenant" => "TenantScope",
            _ => return None,
        };
        let (written, segment) = types::head(ty)?;
        let is_own = self.paths(&written).iter().all(|full| self.is_own_type(full, owner));
        types::generic_types(segment).first().copied().filter(|_| is_own)
    }

    /// The workspace declares at most one type of this name.
    fn has_one_type(&self, name: Option<&String>) -> bool {
        name.is_some_and(|name| self.sayings(&crate::said::of_types(name)).len() < 2)
    }

    /// True if the path is the one that the policy names. An entry from the root of a crate on means this very place, in
    /// whatever crate; of another one the end is enough.
    pub(super) fn is_entry(&self, full: &[String], entry: &str) -> bool {
        let parts: Vec<&str> = entry.split('<').next().unwrap_or(entry).split("::").map(str::trim).collect();
        let ["crate", place @ ..] = parts.as_slice() else { return names(full, entry) };
        let [first, _, ..] = full else { return names(full, entry) };
        if place.len() < 2 {
            return names(full, entry);
        }
        let is_declared = || self.scopes.iter().any(|scope| scope.uses.declares(first));
        let here = self.absolute(full).or_else(|| {
            let file = module_path(self.source.path);
            let lies_here = full.starts_with(&file) && !file.is_empty();
            if lies_here {
                return Some(full.to_vec());
            }
            is_declared().then(|| self.module.iter().chain(full).cloned().collect())
        });
        match here {
            Some(here) => here.iter().eq(place.iter()),
            // Of another crate, or of this one's root.
            None => {
                let (_, rest) = full.split_at(1);
                rest.iter().eq(place.iter()) || full.iter().eq(place.iter())
            }
        }
    }

    /// The type of a request as a whole.
    pub(super) fn is_request_type(&self, ty: &Type) -> bool {
        types::head(ty)
            .is_some_and(|(written, _)| self.paths(&written).iter().any(|full| types::is_whole_request(full)))
    }

    /// True for the path of a type of the crate `tenantry`, which is trusted without a word in the policy.
    fn is_own_type(&self, full: &[String], name: &str) -> bool {
        let is_own = |root: &String| self.surroundings.package(root) == OWN;
        match full {
            [root, last] => last == name && is_own(root),
            [last] => last == name && self.imports.globs().iter().filter_map(|glob| glob.first()).any(is_own),
            _ => false,
        }
    }

    /// True for a parameter, or a field, that is declared as a `tenantry::TenantScope`.
    pub(super) fn is_own_scope(&self, expr: &Expr, limit: LocalId) -> bool {
        let ty = match strip(expr) {
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let local = id.and_then(|id| self.locals.get(id));
                let whole = local.filter(|local| matches!(local.source, Source::Parameter(Origin::Plain)));
                whole.filter(|local| !local.assigned && !local.torn).and_then(|local| local.ty)
            }
            Expr::Field(field) => self.field_type(field, limit).filter(|_| !self.is_assigned(expr, limit)),
            _ => None,
        };
        let Some((written, _)) = ty.and_then(types::head) else { return false };
        self.paths(&written).iter().all(|full| self.is_own_type(full, "TenantScope"))
    }

    /// True for the functions of `tenantry::TenantId` by whose name the source says that the value was authenticated.
    pub(super) fn is_own_constructor(&self, full: &[String]) -> bool {
        let Some((name, ty)) = full.split_last() else { return false };
        matches!(name.as_str(), "from_authenticated" | "for_job") && self.is_own_type(ty, "TenantId")
    }

    /// True for any of its functions that makes a value of it.
    pub(super) fn makes_own(&self, full: &[String]) -> bool {
        let Some((name, ty)) = full.split_last() else { return false };
        let makes = matches!(name.as_str(), "from_authenticated" | "for_job" | "for_test");
        makes && self.is_own_type(ty, "TenantId")
    }

    /// The paths that the written name of a type may stand for: what is imported, and what the file declares.
    pub(super) fn paths(&self, written: &str) -> Vec<Vec<String>> {
        let segments: Vec<String> = written.split("::").map(str::to_owned).collect();
        let mut all = self.imports.expand_all(&segments);
        let [name] = segments.as_slice() else { return all };
        let Some(declared) = self.declared.types.get(name) else { return all };
        if !self.imports.imports(name) {
            all.clear();
        }
        let file = module_path(self.source.path);
        all.extend(declared.iter().map(|path| file.iter().chain(path).chain([name]).cloned().collect()));
        all
    }
}

/// True if the path is what the policy names: as far as both say where it lies, they agree.
fn names(full: &[String], entry: &str) -> bool {
    let entry = entry.split('<').next().unwrap_or(entry).trim();
    let is_place = |segment: &&str| !matches!(*segment, "" | "crate" | "self" | "super");
    let entry: Vec<&str> = entry.split("::").map(str::trim).filter(is_place).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).filter(is_place).collect();
    let foreign = full.len() > 1
        && full.first().is_some_and(|root| ["sqlx", "std", "axum", "actix_web"].contains(root));
    !entry.is_empty()
        && !full.is_empty()
        && (full.ends_with(&entry) && (entry.len() > 1 || !foreign) || entry.ends_with(&full))
}
