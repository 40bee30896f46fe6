//! Tying classes: to each other, to the tenant, or to the rows around.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::ColId;
use crate::prove::context::{Class, Lost, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Closure, Term};
use crate::tenancy::DomainId;

impl<'a> Prover<'a> {
    /// Ties classes to tenant values and to enclosing relations, and merges those that have one owner.
    pub(super) fn settle(&mut self, state: &mut State, outer: &Outer) {
        if state.classes.is_empty() {
            return;
        }
        let closure = self.close(outer, &state.facts);
        self.merge(state, &closure);
        for at in 0..state.classes.len() {
            self.pin(state, at, outer, &closure);
        }
        self.merge(state, &closure);
    }

    pub(super) fn merge(&mut self, state: &mut State, closure: &Closure) {
        let mut merged: Vec<Class> = Vec::new();
        for class in std::mem::take(&mut state.classes) {
            let open =
                |class: &Class| matches!(class.status, Status::Open | Status::Pinned | Status::Outer(..));
            let homes = merged.iter_mut().filter(|home| open(home) && open(&class));
            let home =
                homes.into_iter().find_map(|home| self.meeting(home, &class, closure).map(|by| (home, by)));
            match home {
                Some((home, (theirs, ours))) => {
                    self.tell_meeting(home, &class, (&theirs, &ours), closure);
                    absorb(home, class);
                }
                None => merged.push(class),
            }
        }
        state.classes = merged;
    }

    /// Says that a class has the owner of another, and by which equality.
    pub(super) fn tell_meeting(&mut self, home: &Class, class: &Class, by: (&Rep, &Rep), closure: &Closure) {
        let (theirs, ours) = (by.0.col, by.1.col);
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let has = if names.len() > 1 { "have" } else { "has" };
        let origin = self.plan.columns.get(theirs.0 as usize).and_then(|info| info.origin);
        let owner = origin.map(|(scan, _)| scan).or(home.scans.first().copied());
        let owner = owner.map_or_else(|| "the others".to_owned(), |scan| self.called(scan));
        let (a, b) = (self.spoken_column(ours), self.spoken_column(theirs));
        let why = match &by.1.names {
            Names::Tenant(_) if closure.is_chased(ours, theirs) => {
                format!("{a} equals {b}, as a foreign key says")
            }
            Names::Tenant(_) => format!("{a} equals {b}"),
            Names::Row(table, _) => format!("{a} and {b} name one row of `{}`", table.name),
        };
        let text = format!("{} {has} the owner of {owner}: {why}", names.join(", "));
        self.step(self.range_of(class), text);
    }

    /// Says that the rows of a subquery have the owner of the row around it.
    pub(super) fn tell_comparison(&mut self, home: &Class, class: &Class, term: &Term) {
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let around =
            home.scans.first().map_or_else(|| "the row around".to_owned(), |scan| self.called(*scan));
        let has = if names.len() > 1 { "have" } else { "has" };
        let by = term.col().map_or_else(|| "its key".to_owned(), |col| self.spoken_column(col));
        let text = format!("{} {has} the owner of {around}: {by} is the same for both", names.join(", "));
        self.step(self.range_of(class), text);
    }

    /// A column as the statement would write it in full.
    pub(super) fn spoken_column(&self, col: ColId) -> String {
        let Some(info) = self.plan.columns.get(col.0 as usize) else { return "its key".to_owned() };
        match info.origin.and_then(|(scan, _)| self.scan(scan)) {
            Some(scan) => format!("`{}.{}`", scan.alias, info.name),
            None => format!("`{}`", info.name),
        }
    }

    /// Representatives of both that name the same owner by the same value.
    pub(super) fn meeting(&self, a: &Class, b: &Class, closure: &Closure) -> Option<(Rep, Rep)> {
        let tells = |rep: &&Rep| self.have_one_owner(a, b, &rep.names);
        a.reps.iter().filter(tells).find_map(|x| {
            let same = |y: &&Rep| x.names == y.names && x.via == y.via && closure.equal(&x.term(), &y.term());
            b.reps.iter().find(same).map(|y| (x.clone(), y.clone()))
        })
    }

    /// Rows that agree on `names` agree on their owner at every level that both have: rows of one organization may belong
    /// to two of its workspaces.
    pub(super) fn have_one_owner(&self, a: &Class, b: &Class, names: &Names) -> bool {
        let told = self.levels_of(names);
        let told_of = |class: &Class| self.levels_of_class(class).is_subset(&told);
        told_of(a) || told_of(b)
    }

    /// The levels at which rows of a class have owners, those included that its scans were in one class with.
    pub(super) fn levels_of_class(&self, class: &Class) -> BTreeSet<DomainId> {
        let tables = class.scans.iter().filter_map(|scan| self.scan(*scan));
        let own = tables.flat_map(|scan| self.levels(&scan.table));
        own.chain(class.beyond.iter().copied()).collect()
    }

    pub(super) fn pin(&mut self, state: &mut State, at: usize, outer: &Outer, closure: &Closure) {
        let Some(class) = state.classes.get(at) else { return };
        if !matches!(class.status, Status::Open | Status::Outer(..)) {
            return;
        }
        let mut status = None;
        let mut known = None;
        for rep in &class.reps {
            for term in closure.equals_of(&rep.term()) {
                // The representative is `rep.via` of what it names. A column under the same functions is that itself; one
                // that equals the representative is what the representative is.
                let via = match &term.via {
                    via if *via == rep.via => Vec::new(),
                    via if via.is_empty() => rep.via.clone(),
                    _ => continue,
                };
                match (&term.base, &rep.names) {
                    (Base::Param(number), names) if via.is_empty() && self.is_known_value(*number, names) => {
                        known = Some((*number, rep.clone()));
                    }
                    (Base::Tenant(tenant), Names::Tenant(domain)) if via.is_empty() => {
                        status = Some((Status::Pinned, Some((*tenant, *domain, rep.col))));
                    }
                    (Base::Column(col), _) if outer.cols.contains(col) && status.is_none() => {
                        let anchor = Term::column(*col);
                        status = Some((Status::Outer(anchor, rep.names.clone(), via), None));
                    }
                    _ => {}
                }
            }
            if matches!(status, Some((Status::Pinned, _))) {
                break;
            }
        }
        if let Some((number, rep)) = known
            && !matches!(status, Some((Status::Pinned, _)))
        {
            self.tie_to_known(state, at, number, &rep);
            return;
        }
        let Some((status, pin)) = status else { return };
        if let Some((tenant, domain, col)) = pin {
            self.note_tied_keys(class, closure);
            self.tie(state, at, tenant, domain, col);
            return;
        }
        if let Some(class) = state.classes.get_mut(at)
            && class.status == Status::Open
        {
            class.status = status;
        }
    }

    /// Ties a class to a tenant value, and says so.
    pub(super) fn tie(
        &mut self,
        state: &mut State,
        at: usize,
        tenant: usize,
        domain: crate::tenancy::DomainId,
        col: ColId,
    ) {
        let Some(class) = state.classes.get_mut(at) else { return };
        class.status = Status::Pinned;
        let class = class.clone();
        self.note_tie(&class, tenant, domain, col);
    }

    /// Says that a class is tied to a tenant value.
    pub(super) fn note_tie(
        &mut self,
        class: &Class,
        tenant: usize,
        domain: crate::tenancy::DomainId,
        col: ColId,
    ) {
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let first = names.first().map_or("a relation", String::as_str);
        let along = match names.get(1..).unwrap_or_default() {
            [] => String::new(),
            others => format!(", and with it {}", others.join(", ")),
        };
        let text = format!(
            "{first} is restricted to the tenant: {} equals {}{along}",
            self.spoken_column(col),
            self.spoken(tenant)
        );
        self.step(self.range_of(class), text);
        self.pins.insert((tenant, domain));
        self.tied_in.insert(domain);
        let sources: Vec<_> = self.sources(tenant).cloned().collect();
        self.pin_sources.extend(sources);
    }

    /// Says that a class is tied to elements of an array of what the tenant's rows name.
    pub(super) fn tell_collected(&mut self, class: &Class, rep: &Rep) {
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let key = self.spoken_column(rep.col);
        let text = format!(
            "{} {verb} restricted to what rows of the tenant name: {key} is in a list of them",
            names.join(", ")
        );
        self.step(self.range_of(class), text);
        self.note_levels(&rep.names);
    }

    /// Ties a class to a value that names what is the tenant's, and says so.
    pub(super) fn tie_to_known(&mut self, state: &mut State, at: usize, number: u32, rep: &Rep) {
        let Some(class) = state.classes.get_mut(at) else { return };
        class.status = Status::Pinned;
        let class = class.clone();
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let range = self.range_of(&class);
        let column = self.plan.columns.get(rep.col.0 as usize).map_or("its key", |info| &info.name);
        let text = format!(
            "{} {} restricted to what a row of the tenant names: `{column}` equals `${number}`",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" }
        );
        self.step(range, text);
        self.pin_sources.insert(crate::verdict::TenantSource::Param(number));
        self.note_levels(&rep.names);
    }

    /// How a tenant value is called in messages.
    pub(super) fn spoken(&self, tenant: usize) -> String {
        let names: Vec<String> = self
            .sources(tenant)
            .map(|source| match source {
                crate::verdict::TenantSource::Param(number) => format!("`${number}`"),
                crate::verdict::TenantSource::Setting(name) => format!("`current_setting('{name}')`"),
            })
            .collect();
        names.join(" / ")
    }
}

pub(super) fn lost(range: TextRange, why: &str) -> Status {
    Status::Lost(Lost { why: why.to_owned(), range, certain: true })
}

pub(super) fn lose_open(state: &mut State, range: TextRange, why: &str) {
    for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
        class.status = lost(range, why);
    }
}

pub(super) fn lose_all(state: &mut State, range: TextRange, why: &str) {
    for class in &mut state.classes {
        class.status = Status::Lost(Lost { why: why.to_owned(), range, certain: false });
    }
}

pub(super) fn absorb(home: &mut Class, class: Class) {
    home.scans.extend(class.scans);
    home.reps.extend(class.reps);
    home.murky = home.murky.take().or(class.murky);
    home.padded |= class.padded;
    home.beyond.extend(class.beyond);
    home.status = match (&home.status, class.status) {
        (Status::Pinned, _) | (_, Status::Pinned) => Status::Pinned,
        (Status::Outer(..), _) => home.status.clone(),
        (_, other) => other,
    };
}

/// Representatives that stay visible: kept columns with a representative's value.
pub(super) fn kept_reps(reps: &[Rep], kept: &BTreeSet<ColId>, closure: &Closure) -> Vec<Rep> {
    let mut found = BTreeSet::new();
    for rep in reps {
        for col in kept {
            let term = Term::column(*col);
            for equal in closure.equals_of(&term) {
                if equal.col() == Some(rep.col) {
                    let via: Vec<_> = rep.via.iter().chain(&equal.via).cloned().collect();
                    found.insert(Rep { col: *col, via, names: rep.names.clone() });
                }
            }
            if closure.equal(&rep.term(), &term) {
                found.insert(Rep { col: *col, via: rep.via.clone(), names: rep.names.clone() });
            }
        }
    }
    found.into_iter().collect()
}
