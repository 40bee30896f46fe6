//! Types whose values the service's own extractors make: what a part of one is, by all places that make a value of it.
//!
//! **Invariant:** a part is the tenant's own only if every value of the type in the workspace is written out in the type's
//! own file, and each fills the part with what is trusted there, or with what a statement returned that is proved for the
//! trusted tenant; and if no field of that name is changed anywhere. What a request says fills it only if it surely does.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_prover::verdict::{KnownValue, Named, TenantSource, Verdict};
use tenantry_source::{Bind, Extracted, Fields, Made, MadeIn, Marks, ProvenanceKind, QuerySite, Types};
use tenantry_span::Span;

use crate::decide::{CALLERS, Cause, Decision, FRESH, Way};
use crate::rows::{self, Judged};

/// How often a part of one extractor's type may be filled with a part of another's.
pub(crate) const MAX_ROUNDS: usize = 4;
/// The most fields down to a part.
const MAX_FIELDS: usize = 4;

/// What a part of an extractor's value is.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// The tenant's own value, trusted or checked by a guard: the places that say so.
    Own(ProvenanceKind, Way),
    /// A value of a row that is the tenant's: what it names, and the places that say so.
    Row(Vec<Named>, Way),
    /// What the request says: the way it comes.
    Asked(Way),
}

/// What the files of a workspace say of types that were asked for.
#[derive(Default)]
pub(crate) struct Extractors {
    /// Of each file that declares one of them, with those that may be made there where it is not seen.
    files: Vec<(MadeIn, BTreeSet<String>)>,
    /// The paths of all types of these names.
    declared: BTreeMap<String, Vec<Vec<String>>>,
    hidden: BTreeSet<String>,
    /// Names that may mean one of several types where a value is made.
    unclear: BTreeSet<String>,
    changed: BTreeSet<Fields>,
}

/// The parts that values bound or handed over are of types, by the types' names.
pub(crate) fn asked<'b>(binds: impl Iterator<Item = &'b Bind>) -> Types {
    let mut types = Types::new();
    for extracted in binds.filter_map(|bind| bind.provenance.extracted.as_ref()) {
        let name = extracted.paths.first().and_then(|path| path.last());
        if let Some(name) = name.filter(|_| (1..=MAX_FIELDS).contains(&extracted.fields.len())) {
            types.entry(name.clone()).or_default().insert(extracted.fields.clone());
        }
    }
    types
}

impl Extractors {
    /// Takes in the marks of a file, and what it says of the types that it declares.
    pub(crate) fn add(&mut self, marks: Marks, made: Option<MadeIn>) {
        let own: BTreeSet<&String> = marks.declared.iter().filter_map(|path| path.last()).collect();
        // A value that is made in another file than its type's is not looked at.
        let all = marks.made.iter().chain(&marks.hidden);
        self.hidden.extend(all.filter(|name| !own.contains(name)).cloned());
        // In the file of a type its name means that one, where nothing else can be meant.
        self.unclear.extend(marks.made.iter().filter(|name| marks.imported.contains(*name)).cloned());
        let hidden = marks.hidden.iter().filter(|name| own.contains(name)).cloned().collect();
        for path in &marks.declared {
            let name = path.last().cloned().unwrap_or_default();
            self.declared.entry(name).or_default().push(path.clone());
        }
        self.changed.extend(marks.changed);
        self.files.extend(made.map(|made| (made, hidden)));
    }

    /// Of a file that cannot be read nothing is known.
    pub(crate) fn hide(&mut self, types: &Types) {
        self.hidden.extend(types.keys().cloned());
    }

    /// The parts of other types that are filled into these.
    pub(crate) fn asked_further(&self) -> Types {
        let made = self.files.iter().flat_map(|(file, _)| &file.made);
        asked(made.flat_map(|made| &made.parts).filter_map(|(_, bind)| bind.as_ref()))
    }

    /// What a value is that is a part of an extractor's.
    pub(crate) fn part(&self, bind: &Bind, at: Option<usize>, near: &[Judged<'_>]) -> Option<Part> {
        let part = self.part_of(bind.provenance.extracted.as_ref()?, at, near, 0)?;
        Some(match part {
            known @ (Part::Own(..) | Part::Row(..)) => known,
            Part::Asked(mut way) => {
                way.push((bind.span, format!("`{}` is that part", bind.text)));
                Part::Asked(way)
            }
        })
    }

    /// What the binds of a site are that are parts of extractors' values, by their indices.
    pub(crate) fn parts(
        &self,
        site: &QuerySite,
        database: usize,
        near: &[Judged<'_>],
    ) -> BTreeMap<usize, Part> {
        let binds = site.binds.iter().flatten().enumerate();
        binds.filter_map(|(at, bind)| Some((at, self.part(bind, Some(database), near)?))).collect()
    }

    /// What an argument is that is such a part: the tenant's own, or a request's.
    pub(crate) fn argument(&self, bind: &Bind, near: &[Judged<'_>]) -> Option<(ProvenanceKind, Way)> {
        match self.part(bind, None, near)? {
            Part::Own(kind, way) => Some((kind, way)),
            Part::Asked(way) => Some((ProvenanceKind::Request, way)),
            Part::Row(names, way) => {
                let is_tenant = names.iter().any(|name| matches!(name, Named::Tenant(_)));
                is_tenant.then_some((ProvenanceKind::Trusted, way))
            }
        }
    }

    fn part_of(
        &self,
        extracted: &Extracted,
        database: Option<usize>,
        near: &[Judged<'_>],
        depth: usize,
    ) -> Option<Part> {
        let made = self.values(extracted).filter(|_| depth < MAX_ROUNDS)?;
        let is_changed = self.changed.iter().any(|place| may_be_in(place, &extracted.fields));
        let mut parts = Vec::new();
        for value in &made {
            let (_, bind) = value.parts.iter().find(|(fields, _)| *fields == extracted.fields)?;
            let bind = bind.as_ref()?;
            let part = self.filled(value, bind, database, near, depth);
            if let Some(Part::Asked(_)) = part {
                return part.filter(|_| value.is_extractor);
            }
            parts.push(part);
        }
        let mut parts: Vec<Part> = parts.into_iter().collect::<Option<_>>()?;
        if is_changed {
            return None;
        }
        let first = parts.pop()?;
        parts.into_iter().try_fold(first, |known, other| match (known, other) {
            (Part::Own(kind, mut way), Part::Own(of, other)) => {
                way.extend(other);
                Some(Part::Own(kind.max(of), way))
            }
            (Part::Row(names, mut way), Part::Row(others, other)) => {
                let names: Vec<Named> = names.into_iter().filter(|name| others.contains(name)).collect();
                way.extend(other);
                (!names.is_empty()).then_some(Part::Row(names, way))
            }
            _ => None,
        })
    }

    /// All values of the type, if these are all that there can be and an extractor makes one.
    fn values(&self, extracted: &Extracted) -> Option<Vec<&Made>> {
        let name = extracted.paths.first()?.last()?;
        let declared = self.declared.get(name).filter(|_| !self.hidden.contains(name))?;
        let may_be = |path: &&Vec<String>| extracted.paths.iter().any(|written| means(written, path));
        let mut meant = declared.iter().filter(may_be);
        let (Some(path), None) = (meant.next(), meant.next()) else { return None };
        let is_told = |written: &Vec<String>| {
            means(written, path) && (declared.len() == 1 || places(written).count() > 1)
        };
        if !extracted.paths.iter().all(is_told) {
            return None;
        }
        let mut of_file = self.files.iter().filter(|(file, _)| file.types.contains(path));
        let (Some((file, hidden)), None) = (of_file.next(), of_file.next()) else { return None };
        if hidden.contains(name) || declared.len() > 1 && self.unclear.contains(name) {
            return None;
        }
        let values = file.made.iter().filter(|made| made.ty == *name && !made.is_test);
        let values: Vec<&Made> = values.collect();
        values.iter().any(|made| made.is_extractor).then_some(values)
    }

    /// What a part is by what it is filled with.
    fn filled(
        &self,
        value: &Made,
        bind: &Bind,
        database: Option<usize>,
        near: &[Judged<'_>],
        depth: usize,
    ) -> Option<Part> {
        let text = bind.text.trim_start_matches('&');
        let how = if value.is_extractor { "extracted" } else { "made" };
        let here = (value.span, format!("`{}` is {how} here, with `{text}` in it", value.ty));
        let mut way: Way = bind.provenance.steps.iter().rev().cloned().collect();
        match bind.provenance.kind {
            ProvenanceKind::Trusted | ProvenanceKind::Guarded => {
                way.push(here);
                Some(Part::Own(bind.provenance.kind, way))
            }
            // What the extractor looks something up by, it may have checked.
            ProvenanceKind::Request if !is_looked_up(value, bind, near) => {
                way.push(here);
                Some(Part::Asked(way))
            }
            // Of what a chain of a library's calls gives the kind is not known, but the row is.
            ProvenanceKind::Row | ProvenanceKind::Unknown if bind.provenance.row.is_some() => {
                let (names, read) = returned(value, bind, database, near)?;
                Some(Part::Row(
                    names,
                    vec![(read, "this statement returns the tenant's rows alone".to_owned()), here],
                ))
            }
            ProvenanceKind::Parameter | ProvenanceKind::Unknown => {
                let part = self.part_of(bind.provenance.extracted.as_ref()?, database, near, depth + 1)?;
                Some(match part {
                    Part::Own(kind, mut way) => {
                        way.push(here);
                        Part::Own(kind, way)
                    }
                    Part::Row(names, mut way) => {
                        way.push(here);
                        Part::Row(names, way)
                    }
                    Part::Asked(mut way) => {
                        way.push(here);
                        Part::Asked(way)
                    }
                })
            }
            ProvenanceKind::Request
            | ProvenanceKind::Row
            | ProvenanceKind::Fresh
            | ProvenanceKind::Literal => None,
        }
    }
}

/// A statement of the same function is bound to the value.
fn is_looked_up(value: &Made, bind: &Bind, near: &[Judged<'_>]) -> bool {
    let of_function = |site: &&QuerySite| site.item == value.item && site.span.file == value.span.file;
    let mut sites = near.iter().map(|(site, _, _)| *site).filter(of_function);
    let entry = bind.provenance.steps.last();
    sites.any(|site| match &site.binds {
        Some(binds) => {
            binds.iter().any(|bound| bound.key == bind.key || bound.provenance.steps.last() == entry)
        }
        None => true,
    })
}

/// What the value names that a statement of the same function returned, and the statement's place.
fn returned(
    value: &Made,
    bind: &Bind,
    database: Option<usize>,
    near: &[Judged<'_>],
) -> Option<(Vec<Named>, Span)> {
    let row = bind.provenance.row.as_ref()?;
    let inside = |(site, _, _): &&Judged<'_>| {
        site.span.file == row.within.file && row.within.range.contains_range(site.span.range)
    };
    let mut inside = near.iter().filter(inside);
    let (Some((site, of, decisions)), None) = (inside.next(), inside.next()) else { return None };
    let [Decision { verdict: Verdict::Scoped(proof), .. }] = decisions else { return None };
    if database.is_some_and(|database| *of != Some(database)) || site.item != value.item {
        return None;
    }
    // Of two tenants the one need not be the other: only what is trusted is one.
    let is_own = |source: &TenantSource| match source {
        TenantSource::Param(number) => site
            .all_binds()
            .any(|(known, bind)| known == *number && bind.provenance.kind == ProvenanceKind::Trusted),
        TenantSource::Setting(_) => false,
    };
    let takes = |text: &String| text.starts_with(CALLERS) || text.ends_with(FRESH);
    if proof.pins.is_empty() || !proof.pins.iter().all(is_own) || proof.assumptions.iter().any(takes) {
        return None;
    }
    let names = &rows::column(site, proof, &row.column)?.names;
    (!names.is_empty()).then(|| (names.clone(), site.span))
}

/// What is changed may be the part, or something around it: what is no part of anything here can get there only if its
/// outermost field is set, or lent.
fn may_be_in(place: &Fields, part: &Fields) -> bool {
    let is_of_self = place.first().is_some_and(|first| first == "self");
    part.first().is_some_and(|first| place.contains(first))
        || is_of_self && part.iter().any(|field| place.contains(field))
}

/// The names of a path that say where it lies.
fn places(path: &[String]) -> impl Iterator<Item = &String> {
    path.iter().filter(|part| !matches!(part.as_str(), "crate" | "self" | "super"))
}

/// The path that is written for a type may be the path of this one: as far as both say where it lies, they agree.
fn means(written: &[String], path: &[String]) -> bool {
    let rest: Vec<&String> = places(written).collect();
    // What goes by one name alone in another file than its own came with a `*`, from wherever.
    let is_told = written.len() > 1 || path.len() == 1;
    is_told && path.iter().collect::<Vec<_>>().ends_with(&rest)
}

/// The site with what is known of the parts of extractors' values that it is bound to: the binds that are the tenant's
/// own as such, and what the others name.
pub(crate) fn with_parts(site: &QuerySite, parts: &BTreeMap<usize, Part>) -> (QuerySite, rows::Known, Way) {
    let mut site = site.clone();
    let mut known = rows::Known::default();
    let mut way = Way::new();
    for (at, bind) in site.binds.iter_mut().flatten().enumerate() {
        match parts.get(&at) {
            Some(Part::Own(kind, places)) => {
                bind.provenance.kind = *kind;
                way.extend(places.iter().cloned());
            }
            Some(Part::Row(names, places)) => {
                let param = u32::try_from(at + 1).unwrap_or(u32::MAX);
                known.values.push(KnownValue { param, names: names.clone(), is_new: false, chosen: false });
                let text = bind.text.trim_start_matches('&');
                known.assumptions.push(format!("the row that `{text}` was read from is still the tenant's"));
                way.extend(places.iter().cloned());
            }
            Some(Part::Asked(_)) | None => {}
        }
        if bind.provenance.kind == ProvenanceKind::Trusted {
            known.keys.insert(bind.key.clone());
        }
    }
    way.sort();
    way.dedup();
    (site, known, way)
}

/// The way by which a request's data come to what a site's proof takes for the tenant.
pub(crate) fn asked_for(
    site: &QuerySite,
    decisions: &[Decision],
    parts: &BTreeMap<usize, Part>,
) -> Option<Way> {
    let pins = |at: usize| {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        decisions.iter().any(|decision| match &decision.verdict {
            Verdict::Scoped(proof) => proof.pins.contains(&TenantSource::Param(number)),
            Verdict::Leaks(_) | Verdict::Undecided(_) => false,
        })
    };
    let binds = site.binds.as_ref()?.len();
    parts.iter().find_map(|(at, part)| match part {
        Part::Asked(way) if *at < binds && pins(*at) => Some(way.clone()),
        Part::Asked(_) | Part::Own(..) | Part::Row(..) => None,
    })
}

/// The fields of the parts that are asked for.
pub(crate) fn names(types: &Types) -> BTreeSet<String> {
    let fields = types.values().flatten().flat_map(|fields: &Fields| fields).cloned();
    types.keys().cloned().chain(fields).collect()
}

/// The site is not scoped, or only as far as callers pass their own tenant. What is known to be a request's stays so.
pub(crate) fn is_open(decisions: &[Decision]) -> bool {
    let takes = |decision: &Decision| match &decision.verdict {
        Verdict::Scoped(proof) => proof.assumptions.iter().any(|text| text.starts_with(CALLERS)),
        Verdict::Leaks(_) | Verdict::Undecided(_) => {
            !matches!(decision.cause, Cause::UntrustedBind(_) | Cause::UntrustedCallers(_))
        }
    };
    decisions.iter().any(takes)
}
