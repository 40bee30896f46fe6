//! A verdict with its derivation, shown where the statement stands.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use tenantry_engine::report::SiteReport;
use tenantry_prover::verdict::{Basis, Leak, Obstacle, Proof, TenantSource, Verdict};
use tenantry_source::{Bind, ProvenanceKind};
use tenantry_span::TextRange;

use crate::terminal::{plain, within};

/// Where a range of a statement lies: a file's or a text's name, its whole text, the range in it.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) path: String,
    pub(crate) text: &'a str,
    pub(crate) range: TextRange,
}

/// Says where a range of the statement lies.
pub(crate) type Locate<'a, 'l> = &'l dyn Fn(TextRange) -> Place<'a>;

/// Renders a verdict on the statement that lies at `whole`; `site` tells what is bound, where that is known.
pub(crate) fn render(
    renderer: &Renderer,
    verdict: &Verdict,
    whole: TextRange,
    site: Option<&SiteReport>,
    locate: Locate<'_, '_>,
) -> String {
    let groups = match verdict {
        Verdict::Scoped(proof) => vec![scoped(proof, whole, site, locate)],
        Verdict::Leaks(leaks) => leaks.iter().map(|known| leak(known, locate)).collect(),
        Verdict::Undecided(obstacles) => obstacles.iter().map(|known| obstacle(known, locate)).collect(),
    };
    let shown: Vec<String> =
        groups.iter().map(|group| renderer.render(std::slice::from_ref(group))).collect();
    shown.join("\n")
}

fn scoped<'a>(
    proof: &Proof,
    whole: TextRange,
    site: Option<&SiteReport>,
    locate: Locate<'a, '_>,
) -> Group<'a> {
    let tables: Vec<String> = proof.tables.iter().map(|table| format!("`{}`", table.name)).collect();
    let title = match tables.as_slice() {
        [] => "scoped: no row of a tenant is touched".to_owned(),
        [table] => format!("scoped: {table} stays inside one tenant"),
        [init @ .., last] => format!("scoped: {} and {last} stay inside one tenant", init.join(", ")),
    };
    let group = Group::with_title(Level::NOTE.with_name("proof").primary_title(plain(&title)));
    let numbered = proof.steps.len() > 1;
    let steps = (1..).zip(&proof.steps).map(|(number, step)| {
        let label = if numbered { format!("{number}. {}", step.text) } else { step.text.clone() };
        (step.range, label, AnnotationKind::Primary)
    });
    let mut places: Vec<(TextRange, String, AnnotationKind)> = steps.collect();
    if places.is_empty() {
        places.push((whole, String::new(), AnnotationKind::Primary));
    }
    let mut group = snippets(group, places, locate);
    for note in binds(proof, site) {
        group = group.element(Level::NOTE.message(plain(&note)));
    }
    match proof.basis {
        Basis::Query | Basis::NoTenantData => {}
        Basis::Guard => {
            group = group.element(Level::NOTE.message("a guard around the call is part of the proof"))
        }
        Basis::RowSecurity => {
            group = group.element(Level::NOTE.message("row level security is part of the proof"));
        }
    }
    for assumption in &proof.assumptions {
        group = group.element(Level::NOTE.message(plain(&format!("taken for granted: {assumption}"))));
    }
    group
}

/// What the placeholders that pin are, as the service writes it.
fn binds(proof: &Proof, site: Option<&SiteReport>) -> Vec<String> {
    let bound = |number: &u32| -> Option<&Bind> {
        let at = usize::try_from(*number).ok()?.checked_sub(1)?;
        site?.binds.as_ref()?.get(at)
    };
    let notes = proof.pins.iter().filter_map(|source| match source {
        TenantSource::Param(number) => {
            let bind = bound(number)?;
            Some(format!("`${number}` is `{}`, {}", bind.text, origin(bind)))
        }
        TenantSource::Setting(_) => None,
    });
    notes.collect()
}

fn origin(bind: &Bind) -> &'static str {
    match bind.provenance.kind {
        ProvenanceKind::Unknown if bind.provenance.row.is_some() => origin_of(ProvenanceKind::Row),
        kind => origin_of(kind),
    }
}

fn origin_of(kind: ProvenanceKind) -> &'static str {
    match kind {
        ProvenanceKind::Trusted => "the authenticated tenant",
        ProvenanceKind::Guarded => "checked against the authenticated tenant",
        ProvenanceKind::Parameter => "a parameter of the function",
        ProvenanceKind::Request => "data of the request",
        ProvenanceKind::Row => "read from the database earlier",
        ProvenanceKind::Literal => "a fixed value",
        ProvenanceKind::Fresh => "made anew here",
        ProvenanceKind::Unknown => "of unknown origin",
    }
}

fn leak<'a>(leak: &Leak, locate: Locate<'a, '_>) -> Group<'a> {
    let title = format!("leaks: `{}`: {}", leak.table.name, leak.message);
    let mut places = vec![(leak.range, String::new(), AnnotationKind::Primary)];
    places.extend(leak.related.iter().map(|(range, text)| (*range, text.clone(), AnnotationKind::Context)));
    let group = Group::with_title(Level::ERROR.primary_title(plain(&title)));
    let reasons = leak.reasons.iter().map(|reason| Level::NOTE.message(plain(&reason.text)));
    let group = reasons.fold(snippets(group, places, locate), Group::element);
    help(group, leak.help.as_deref())
}

fn obstacle<'a>(obstacle: &Obstacle, locate: Locate<'a, '_>) -> Group<'a> {
    let group =
        Group::with_title(Level::WARNING.primary_title(plain(&format!("undecided: {}", obstacle.message))));
    let places = vec![(obstacle.range, String::new(), AnnotationKind::Primary)];
    help(snippets(group, places, locate), obstacle.help.as_deref())
}

fn help<'a>(group: Group<'a>, help: Option<&str>) -> Group<'a> {
    match help {
        Some(help) => group.element(Level::HELP.message(plain(help))),
        None => group,
    }
}

/// One snippet for each file, in the order of the first place in it.
fn snippets<'a>(
    mut group: Group<'a>,
    places: Vec<(TextRange, String, AnnotationKind)>,
    locate: Locate<'a, '_>,
) -> Group<'a> {
    let mut files: Vec<(Place<'a>, Vec<Annotation<'a>>)> = Vec::new();
    for (range, label, kind) in places {
        let place = locate(range);
        let annotation = kind.span(within(place.text, place.range)).label(plain(&label));
        match files.iter_mut().find(|(known, _)| known.path == place.path) {
            Some((_, annotations)) => annotations.push(annotation),
            None => files.push((place, vec![annotation])),
        }
    }
    for (place, annotations) in files {
        group = group.element(Snippet::source(place.text).path(plain(&place.path)).annotations(annotations));
    }
    group
}
