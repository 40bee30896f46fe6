//! The passes that decide a site by what lies outside of it: rows, calls, sessions, callers, extractors.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use tenantry_judge::databases::{schema, worst};
use tenantry_policy::Trust;
use tenantry_project::Database;
use tenantry_prover::prove::Policies;
use tenantry_rules::SinkLibrary;
use tenantry_source::{Constants, FileSites, GivesKind, Names, QuerySite, Session};
use tenantry_span::{FileId, Span};

use super::{JudgedSite, Run, RustFile, survive};
use crate::callers::{self, Callers};
use crate::checked;
use crate::decide::{self, Decision};
use crate::extracted::{self, Extractors};
use crate::helpers::{self, Followed};
use crate::makers;
use crate::returned;
use crate::rows::{self, Judged};
use crate::sessions::{self, Near, Wrappers};
use crate::statement::{Outcome, Schema};
use crate::suppress;
use crate::uses;
use crate::walk::relative;

impl Run<'_> {
    /// Puts the calls of functions that return a row in the place of the queries of these, where callers check the row.
    pub(super) fn judge_at_calls(
        &mut self,
        queries: &mut Vec<(usize, QuerySite)>,
        judged: &mut Vec<JudgedSite>,
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let is_open = |judged: &JudgedSite| {
            judged.as_ref().is_ok_and(|(_, all)| worst(all) != Outcome::Scoped && all.len() == 1)
        };
        let open = queries.iter().zip(judged.iter()).filter(|(_, judged)| is_open(judged));
        let open: Vec<&QuerySite> = open.map(|((_, site), _)| site).collect();
        let asked = returned::asked(open.iter().copied());
        if asked.is_empty() {
            return;
        }
        let methods = returned::methods(open.into_iter());
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let callers = workspace.read_rows(&mut files, &asked);
        let methods = workspace.functions(&mut files, methods);
        let mut found: BTreeMap<usize, Vec<QuerySite>> = BTreeMap::new();
        for (at, ((_, site), judged)) in queries.iter().zip(judged.iter()).enumerate() {
            if is_open(judged) && returned::is_returned(site) {
                found.insert(at, returned::calls(site, &callers, &methods));
            }
        }
        let names = checked::asked(found.values().flatten());
        let checking = workspace.functions(&mut files, names);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crate_names();
        let mut replaced: BTreeMap<usize, Vec<(QuerySite, JudgedSite)>> = BTreeMap::new();
        for (at, calls) in found {
            let Some((krate, _)) = queries.get(at) else { continue };
            let judge = |mut site: QuerySite| {
                let checks = checked::checks(&site, &checking, &crates);
                site.checks.extend(checks);
                let judged = survive(|| databases.judge(self.name_of(*krate), &site));
                (site, judged)
            };
            let calls: Vec<(QuerySite, JudgedSite)> = calls.into_iter().map(judge).collect();
            let is_scoped =
                |judged: &JudgedSite| judged.as_ref().is_ok_and(|(_, all)| worst(all) == Outcome::Scoped);
            if calls.iter().any(|(_, judged)| is_scoped(judged)) {
                replaced.insert(at, calls);
            }
        }
        if replaced.is_empty() {
            return;
        }
        let both = std::mem::take(queries).into_iter().zip(std::mem::take(judged));
        let mut all: Vec<((usize, QuerySite), JudgedSite)> = Vec::new();
        for (at, ((krate, site), judged)) in both.enumerate() {
            match replaced.remove(&at) {
                Some(calls) => {
                    all.extend(calls.into_iter().map(|(site, judged)| ((krate, site), judged)));
                }
                None => all.push(((krate, site), judged)),
            }
        }
        all.sort_by_cached_key(|((_, site), _)| {
            (suppress::path(&self.files, site.span.file), site.span.range, site.call.clone())
        });
        (*queries, *judged) = all.into_iter().unzip();
    }

    /// Puts beside all sites the calls of functions that give back the row of a query, or say that there is one, where what
    /// is open stands in a function that calls them. They are no sites of their own: how many there were before is for the
    /// caller to know.
    pub(super) fn add_calls(
        &mut self,
        queries: &mut Vec<(usize, QuerySite)>,
        judged: &mut Vec<JudgedSite>,
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let outcome = |judged: &JudgedSite| judged.as_ref().ok().map(|(_, all)| worst(all));
        let both = || queries.iter().zip(judged.iter());
        let is_given = |((_, site), judged): &(&(usize, QuerySite), &JudgedSite)| {
            outcome(judged) == Some(Outcome::Scoped) && uses::is_given(site)
        };
        let given: Vec<(usize, QuerySite)> =
            both().filter(is_given).map(|(query, _)| query.clone()).collect();
        let open = both().filter(|(_, judged)| outcome(judged).is_some_and(|worst| worst != Outcome::Scoped));
        let open: HashSet<Span> = open.map(|((_, site), _)| site.span).collect();
        let mut layers = uses::given(given.iter().map(|(_, site)| site));
        let Some(all) = Names::of_uses(layers.clone()) else { return };
        let mut called: HashSet<&str> = HashSet::new();
        for file in open.iter().map(|place| place.file).collect::<HashSet<FileId>>() {
            called.extend(all.in_text(self.files.text(file)));
        }
        layers.retain(|name, _| called.contains(name.as_str()));
        if layers.is_empty() {
            return;
        }
        let mut files = std::mem::take(&mut self.files);
        let (callers, read) = self.workspace(constants, sinks).uses(&mut files, layers, &open);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crate_names();
        let mut kinds: HashMap<Span, Option<GivesKind>> = HashMap::new();
        let mut added: Vec<((usize, QuerySite), JudgedSite)> = Vec::new();
        for (krate, site) in &given {
            for call in uses::calls(site, &callers, &crates) {
                let mut judged = survive(|| databases.judge(self.name_of(*krate), &call));
                if outcome(&judged) != Some(Outcome::Scoped) {
                    continue;
                }
                if let Ok((_, decisions)) = &mut judged {
                    uses::without_columns(&call, decisions);
                }
                // Of two queries of one function the call may say different things: then it says neither.
                let kind = call.gives.map(|gives| gives.kind);
                kinds
                    .entry(call.span)
                    .and_modify(|known| *known = known.filter(|_| *known == kind))
                    .or_insert(kind);
                added.push(((*krate, call), judged));
            }
        }
        for ((_, site), judged) in queries.iter_mut().zip(judged.iter()) {
            if outcome(judged) == Some(Outcome::Scoped) {
                continue;
            }
            let mut same = read.iter().filter(|read| read.span == site.span && read.item == site.item);
            if let (Some(only), None) = (same.next(), same.next())
                && let Some(with) = uses::with_uses(site, only, &kinds)
            {
                *site = with;
            }
        }
        for (query, verdict) in added {
            queries.push(query);
            judged.push(verdict);
        }
    }

    /// The names of the workspace's crates, as Rust paths write them.
    fn crate_names(&self) -> HashSet<String> {
        self.crates.iter().map(|(name, _)| name.replace('-', "_")).collect()
    }

    /// Decides anew the sites whose row is handed to functions that may compare it.
    pub(super) fn judge_by_checks(
        &mut self,
        queries: &mut [(usize, QuerySite)],
        judged: &mut [JudgedSite],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let is_open =
            |judged: &JudgedSite| judged.as_ref().is_ok_and(|(_, all)| worst(all) != Outcome::Scoped);
        let open = queries.iter().zip(judged.iter()).filter(|(_, judged)| is_open(judged));
        let names = checked::asked(open.map(|((_, site), _)| site));
        if names.is_empty() {
            return;
        }
        let mut files = std::mem::take(&mut self.files);
        let callers = self.workspace(constants, sinks).functions(&mut files, names);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crate_names();
        for ((krate, site), judged) in queries.iter_mut().zip(judged).filter(|(_, judged)| is_open(judged)) {
            let checks = checked::checks(site, &callers, &crates);
            if !checks.is_empty() {
                site.checks.extend(checks);
                *judged = survive(|| databases.judge(self.name_of(*krate), site));
            }
        }
    }

    /// Decides anew the sites that bind ids which functions of the workspace may have made for them.
    pub(super) fn judge_by_makers(
        &mut self,
        queries: &mut [(usize, QuerySite)],
        judged: &mut [JudgedSite],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let is_open = |site: &QuerySite, judged: &JudgedSite| {
            judged.as_ref().is_ok_and(|(_, decisions)| makers::is_open(site, decisions))
        };
        let open = queries.iter().zip(judged.iter()).filter(|((_, site), judged)| is_open(site, judged));
        let names: HashSet<String> = open.flat_map(|((_, site), _)| makers::names(site)).collect();
        if names.is_empty() {
            return;
        }
        let mut files = std::mem::take(&mut self.files);
        let callers = self.workspace(constants, sinks).functions(&mut files, names);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crate_names();
        for ((krate, site), judged) in queries.iter_mut().zip(judged) {
            let known = if is_open(site, judged) { makers::with_new(site, &callers, &crates) } else { None };
            if let Some(known) = known {
                *site = known;
                *judged = survive(|| databases.judge(self.name_of(*krate), site));
            }
        }
    }

    /// Decides anew the sites on tables that are restricted by policies: where their connection had the setting set.
    pub(super) fn judge_by_sessions(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
        sessions: &HashMap<FileId, Vec<Session>>,
        wrappers: &Wrappers,
    ) {
        let secured = |database: &Database| {
            let mut tables = database.catalog.tables.values();
            database.tenancy.app_role.is_some() && tables.any(|table| table.row_security.enabled)
        };
        if !self.databases.iter().any(secured) {
            return;
        }
        let mut by_file: HashMap<FileId, Vec<&QuerySite>> = HashMap::new();
        for (_, site) in queries {
            by_file.entry(site.span.file).or_default().push(site);
        }
        let databases = self.databases(sinks);
        let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
            let Ok((Some(database), decisions)) = judged else { return None };
            let database = self.databases.get(*database).filter(|database| secured(database))?;
            let only = databases.fitting(self.name_of(*krate), site).len() == 1;
            if !only || worst(decisions) == Outcome::Scoped {
                return None;
            }
            let schema = Schema { policies: Policies::Applied, ..schema(database) };
            let texts = site.texts.iter().filter_map(|text| text.known_in(schema.dialect, &[]));
            let touched =
                survive(|| texts.into_iter().any(|sql| schema.bind(&sql).iter().any(|one| one.is_secured())));
            if !touched.ok()? {
                return None;
            }
            let mut decisions = survive(|| decide::decide(schema, site)).ok()?;
            let near = Near {
                sites: by_file.get(&site.span.file)?.clone(),
                sessions: sessions.get(&site.span.file).map_or(&[][..], Vec::as_slice),
                wrappers,
            };
            survive(|| sessions::settle(schema, site, &near, &mut decisions)).ok()?;
            Some((at, decisions))
        };
        let both = queries.par_iter().zip(judged.par_iter()).enumerate();
        let found: Vec<(usize, Vec<Decision>)> = both.filter_map(anew).collect();
        for (at, decisions) in found {
            if let Some(Ok((_, known))) = judged.get_mut(at) {
                *known = decisions;
            }
        }
    }

    /// Takes back proofs of statements that compare with the setting of the tenant themselves, where what is in sight sets it
    /// to another value.
    pub(super) fn doubt_by_settings(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sessions: &HashMap<FileId, Vec<Session>>,
        wrappers: &Wrappers,
    ) {
        let mut by_file: HashMap<FileId, Vec<&QuerySite>> = HashMap::new();
        for (_, site) in queries {
            by_file.entry(site.span.file).or_default().push(site);
        }
        let both = queries.par_iter().zip(judged.par_iter_mut());
        both.for_each(|((_, site), judged)| {
            let Ok((Some(database), decisions)) = judged else { return };
            let Some(database) = self.databases.get(*database) else { return };
            let reads = |decision: &Decision| decide::reads_setting(schema(database), site, decision);
            if !survive(|| decisions.iter().any(reads)).unwrap_or(true) {
                return;
            }
            let near = Near {
                sites: by_file.get(&site.span.file).cloned().unwrap_or_default(),
                sessions: sessions.get(&site.span.file).map_or(&[][..], Vec::as_slice),
                wrappers,
            };
            if let Err(why) = survive(|| sessions::doubt(schema(database), site, &near, decisions)) {
                *judged = Err(why);
            }
        });
    }

    /// Decides anew the sites that are bound to values of rows which earlier statements returned. Gives what was decided of
    /// them without those, by their indices.
    pub(super) fn judge_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
    ) -> BTreeMap<usize, Vec<Decision>> {
        let databases = self.databases(sinks);
        let mut before = BTreeMap::new();
        for _ in 0..rows::MAX_ROUNDS {
            let changed = self.judge_anew(queries, judged, |krate, site, near| {
                databases.judge_by_rows(self.name_of(krate), site, near)
            });
            if changed.is_empty() {
                break;
            }
            for (at, decisions) in changed {
                before.entry(at).or_insert(decisions);
            }
        }
        before
    }

    /// Decides again the sites that rest on rows of earlier ones, now that it is known who calls these: what uses a row is no
    /// better than what returned it. `before` is what was decided of them without the rows.
    pub(super) fn judge_again_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
        mut before: BTreeMap<usize, Vec<Decision>>,
    ) {
        let databases = self.databases(sinks);
        for _ in 0..rows::MAX_ROUNDS {
            let near = near(queries, judged);
            let anew = before.iter().filter_map(|(at, without)| {
                let (krate, site) = queries.get(*at)?;
                let (database, decisions) = judged.get(*at)?.as_ref().ok()?;
                if worst(decisions) != Outcome::Scoped {
                    return None;
                }
                let near: Vec<Judged<'_>> =
                    near.iter().filter(|(other, _, _)| other.span.file == site.span.file).copied().collect();
                let open = (site, *database, without.as_slice());
                let again =
                    survive(|| databases.judge_by_rows(self.name_of(*krate), open, &near)).ok().flatten();
                Some((*at, again))
            });
            let anew: Vec<(usize, Option<Vec<Decision>>)> = anew.collect();
            let mut any = false;
            for (at, again) in anew {
                any |= again.is_none();
                let decisions = again.or_else(|| before.remove(&at));
                if let (Some(Ok((_, known))), Some(decisions)) = (judged.get_mut(at), decisions) {
                    *known = decisions;
                }
            }
            if !any {
                break;
            }
        }
    }

    /// Takes back the findings that rest on rows of which other statements leave open whose they are.
    pub(super) fn doubt_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
    ) {
        let databases = self.databases(sinks);
        self.judge_anew(queries, judged, |_, site, near| databases.doubt_by_rows(site, near));
    }

    /// Decides sites anew by what was decided of the others of their files; gives those that this changed, with what was
    /// decided of them before.
    fn judge_anew(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        decide: impl Fn(usize, Judged<'_>, &[Judged<'_>]) -> Option<Vec<Decision>> + Sync,
    ) -> Vec<(usize, Vec<Decision>)> {
        let mut by_file: HashMap<FileId, Vec<Judged<'_>>> = HashMap::new();
        for ((_, site), judged) in queries.iter().zip(judged.iter()) {
            if let Ok((database, decisions)) = judged {
                by_file.entry(site.span.file).or_default().push((site, *database, decisions));
            }
        }
        let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
            let Ok((database, decisions)) = judged else { return None };
            let near = by_file.get(&site.span.file)?;
            let decisions =
                survive(|| decide(*krate, (site, *database, decisions.as_slice()), near)).ok()??;
            Some((at, decisions))
        };
        let both = queries.par_iter().zip(judged.par_iter()).enumerate();
        let found: Vec<(usize, Vec<Decision>)> = both.filter_map(anew).collect();
        let mut changed = Vec::new();
        for (at, decisions) in found {
            if let Some(Ok((_, known))) = judged.get_mut(at) {
                changed.push((at, std::mem::replace(known, decisions)));
            }
        }
        changed
    }

    /// What the calls of the workspace are read with.
    fn workspace<'w>(
        &'w self,
        constants: &'w BTreeMap<usize, Constants>,
        sinks: &'w [SinkLibrary],
    ) -> callers::Workspace<'w> {
        static NO_TRUST: LazyLock<Trust> = LazyLock::new(Trust::default);
        let sources = self.found.paths.iter().filter_map(|path| {
            let shown = relative(&self.root, path);
            let (krate, path_in_crate) = self.in_crate(path);
            let excluded = self.exclude.is_match(&shown);
            let is_test = self.modules.is_test(krate, &path_in_crate);
            (!is_test).then(|| callers::Source { path: path.clone(), shown, krate, path_in_crate, excluded })
        });
        callers::Workspace {
            sources: sources.collect(),
            overlay: self.options.overlay.as_ref(),
            trust: self.policy.as_ref().map_or(&NO_TRUST, |policy| &policy.trust),
            answers: &self.answers,
            constants,
            sinks,
            crates: &self.crates,
            declared: &self.declared,
            uses: Arc::new(self.declared.uses()),
            cache: &self.calls,
        }
    }

    /// Follows places that run what their functions are handed to the calls of these functions.
    pub(super) fn follow_helpers(
        &mut self,
        rust: &[RustFile],
        read: &[Result<FileSites, String>],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> Followed {
        let mut places: Vec<helpers::Place> = Vec::new();
        for (rust, found) in rust.iter().zip(read) {
            let in_test = self.modules.is_test(rust.krate, &rust.path_in_crate);
            let sites = found.iter().flat_map(|found| &found.sites);
            let handed = sites.filter(|site| !in_test && !site.is_test && helpers::is_handed(site));
            places.extend(handed.map(|site| (rust.krate, site.clone())));
        }
        if places.is_empty() {
            return Followed::default();
        }
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let mut callers = Callers::new(Arc::new(self.declared.uses()));
        let known = read.iter().flatten().flat_map(|found| &found.sites);
        let known = known.filter(|site| !helpers::is_guess(site)).map(|site| site.span).collect();
        let read = |callers: &mut Callers, asked: &_| workspace.read_helpers(&mut files, callers, asked);
        let mut followed = helpers::follow(&places, &mut callers, &known, read);
        for (krate, site) in &mut followed.calls {
            *krate = self.in_crate(&self.root.join(suppress::path(&files, site.span.file))).0;
        }
        self.files = files;
        followed
    }

    /// Looks up who hands over what proofs take for granted of callers: what is settled, or what a request says. Gives the
    /// places that settled a site, by its index.
    pub(super) fn judge_by_callers(
        &mut self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> HashMap<usize, Vec<(Span, String)>> {
        let demanded = demands(queries, judged);
        let (all, trusted) = (callers::together(&demanded), callers::places(&demanded));
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let mut callers =
            if all.is_empty() { Callers::default() } else { workspace.callers(&mut files, &all, &trusted) };
        let open = queries
            .iter()
            .zip(judged.iter())
            .filter(|(_, judged)| judged.as_ref().is_ok_and(|(_, decisions)| extracted::is_open(decisions)));
        let binds = open.flat_map(|((_, site), _)| site.binds.iter().flatten());
        let parts = extracted::asked(binds.chain(callers.arguments()));
        let extractors = (!parts.is_empty()).then(|| workspace.extractors(&mut files, &parts));
        self.files = files;
        let mut places = match &extractors {
            Some(extractors) => self.judge_by_extractors(extractors, queries, judged, &mut callers, sinks),
            None => HashMap::new(),
        };
        let demands = demands(queries, judged);
        let all = callers::together(&demands);
        if !all.is_empty() {
            places.extend(callers.apply(
                &self.files,
                &all,
                &demands,
                judged.iter_mut().map(|judged| judged.as_mut().ok().map(|(_, decisions)| decisions)),
            ));
        }
        places
    }

    /// Decides anew the sites that are bound to parts of values which extractors make, and takes in what callers hand over
    /// of these. Gives the places that settled a site, by its index.
    fn judge_by_extractors(
        &self,
        extractors: &Extractors,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        callers: &mut Callers,
        sinks: &[SinkLibrary],
    ) -> HashMap<usize, Vec<(Span, String)>> {
        let mut places = HashMap::new();
        let databases = self.databases(sinks);
        for _ in 0..rows::MAX_ROUNDS {
            let near = near(queries, judged);
            let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
                let Ok((Some(database), decisions)) = judged else { return None };
                if !extracted::is_open(decisions) || databases.fitting(self.name_of(*krate), site).len() != 1
                {
                    return None;
                }
                let parts = extractors.parts(site, *database, &near);
                if parts.is_empty() {
                    return None;
                }
                if let Some(way) = extracted::asked_for(site, decisions, &parts) {
                    let mut blamed = decisions.clone();
                    callers::blame(&mut blamed, &[way], callers::takes_for_granted);
                    return Some((at, blamed, Vec::new()));
                }
                let (site, known, way) = extracted::with_parts(site, &parts);
                let schema = schema(self.databases.get(*database)?);
                let decisions = survive(|| decide::decide_knowing(schema, &site, &known)).ok()?;
                (!extracted::is_open(&decisions)).then_some((at, decisions, way))
            };
            let both = queries.par_iter().zip(judged.par_iter()).enumerate();
            let found: Vec<_> = both.filter_map(anew).collect();
            if found.is_empty() {
                break;
            }
            for (at, decisions, way) in found {
                if let Some(Ok((_, known))) = judged.get_mut(at) {
                    *known = decisions;
                }
                places.insert(at, way);
            }
        }
        let near = near(queries, judged);
        callers.know(|bind| extractors.argument(bind, &near));
        places
    }
}

/// What the proofs of sites take for granted of callers.
fn demands(queries: &[(usize, QuerySite)], judged: &[JudgedSite]) -> Vec<Option<callers::Demanded>> {
    let demands = queries.iter().zip(judged).map(|((_, site), judged)| {
        judged.as_ref().ok().and_then(|(_, decisions)| callers::demanded(site, decisions))
    });
    demands.collect()
}

/// All sites with what was decided.
fn near<'j>(queries: &'j [(usize, QuerySite)], judged: &'j [JudgedSite]) -> Vec<Judged<'j>> {
    let all = queries.iter().zip(judged).filter_map(|((_, site), judged)| {
        let (database, decisions) = judged.as_ref().ok()?;
        Some((site, *database, decisions.as_slice()))
    });
    all.collect()
}
