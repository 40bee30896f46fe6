//! Functions that make a query of a table, a condition or rows that they are handed, and run it.

use tenantry_source::{
    Bind, Condition, HandedPart, HandedTable, HoleKind, Piece, QuerySite, Rendering, SqlText,
};
use tenantry_span::Span;

use super::{Arguments, At};

/// The parts of a site that its function is handed, with their names.
fn handed(site: &QuerySite) -> impl Iterator<Item = (HandedPart, &str)> {
    site.texts.iter().flat_map(|text| &text.pieces).filter_map(|piece| match piece {
        Piece::Hole { kind: HoleKind::Handed(part), text, .. } => Some((*part, text.as_str())),
        _ => None,
    })
}

/// The site makes a query of what its function is handed.
pub(super) fn is_handed(site: &QuerySite) -> bool {
    handed(site).next().is_some()
}

/// The site runs a query that its function is handed.
pub(super) fn takes_query(site: &QuerySite) -> bool {
    handed(site).any(|(part, _)| matches!(part, HandedPart::Query(_)))
}

/// A part of the texts is not known.
pub(super) fn is_open(site: &QuerySite) -> bool {
    let mut pieces = site.texts.iter().flat_map(|text| &text.pieces);
    pieces.any(|piece| matches!(piece, Piece::Hole { .. }))
}

/// The names of what it is handed, as the function has them.
pub(super) fn names(site: &QuerySite) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, name) in handed(site) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The texts of a site at a call, under construction.
#[derive(Default)]
struct Filled {
    texts: Vec<SqlText>,
    binds: Vec<Bind>,
    conditions: Vec<Condition>,
    /// Something that is handed over is not known.
    open: bool,
}

impl Filled {
    fn push(&mut self, pieces: &mut Vec<Piece>, piece: &Piece, bind: impl FnOnce(u32) -> Option<Value>) {
        let Piece::Placeholder { number, span } = piece else {
            self.open |= matches!(piece, Piece::Hole { .. });
            return pieces.push(piece.clone());
        };
        let Some((bind, condition)) = bind(*number) else {
            self.open = true;
            return pieces.push(unread(*span, "…", "what is bound here is not known"));
        };
        self.binds.push(bind);
        let number = u32::try_from(self.binds.len()).unwrap_or(u32::MAX);
        self.conditions.extend(condition.map(|condition| Condition { number, ..condition }));
        pieces.push(Piece::Placeholder { number, span: *span });
    }
}

/// What a placeholder stands for, and the condition that it is.
type Value = (Bind, Option<Condition>);

fn value(binds: &[Bind], conditions: &[Condition], number: u32) -> Option<Value> {
    let bind = binds.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
    let condition = conditions.iter().find(|condition| condition.number == number);
    Some((bind.clone(), condition.copied()))
}

fn unread(span: Span, text: &str, why: &str) -> Piece {
    Piece::Hole { span, text: text.to_owned(), kind: HoleKind::Unread(why.to_owned()) }
}

impl Arguments<'_> {
    /// The call as a place that runs the query, with what is handed over in its place.
    pub(super) fn parts_at_call(&self, site: &QuerySite, is_sure: bool) -> At {
        let mut filled = Filled::default();
        let binds = site.binds.as_deref().unwrap_or_default();
        for text in &site.texts {
            let mut pieces = Vec::new();
            for piece in &text.pieces {
                let Piece::Hole { kind: HoleKind::Handed(part), text, .. } = piece else {
                    filled.push(&mut pieces, piece, |number| {
                        let (bind, condition) = value(binds, &site.conditions, number)?;
                        Some((self.bind(&bind), condition))
                    });
                    continue;
                };
                match self.rendering(site, *part) {
                    Some(rendering) => {
                        for piece in &rendering.text.pieces {
                            filled.push(&mut pieces, piece, |number| {
                                value(&rendering.binds, &rendering.conditions, number)
                            });
                        }
                    }
                    None => {
                        filled.open = true;
                        pieces.push(unread(self.call.span, text, &self.why(*part, text)));
                    }
                }
            }
            filled.texts.push(SqlText { pieces, chosen_by: text.chosen_by.clone() });
        }
        let Filled { texts, binds, conditions, open } = filled;
        if !is_sure && open {
            return At::Unseen;
        }
        At::Known(Box::new(self.as_site(site, texts, Some(binds), None, conditions)))
    }

    /// Why the call hands over nothing that is known for a part.
    fn why(&self, part: HandedPart, text: &str) -> String {
        let of = match part {
            HandedPart::Expression(of)
            | HandedPart::Query(of)
            | HandedPart::Table(of)
            | HandedPart::Columns(of)
            | HandedPart::Key { of, .. }
            | HandedPart::Row { of, .. }
            | HandedPart::Changes { of, .. } => of,
        };
        let said = self.head.generics.iter().position(|known| *known == of);
        match said.and_then(|at| self.handed.chains.types.get(at)) {
            Some(Some(None)) => {
                format!("which table the type stands for that is handed over as `{text}` is not known")
            }
            _ => format!("this call does not say which `{text}` is meant"),
        }
    }

    /// What the call hands over for a part.
    fn rendering(&self, site: &QuerySite, part: HandedPart) -> Option<&Rendering> {
        let chains = &self.handed.chains;
        match part {
            HandedPart::Expression(place) => chains.expressions.get(self.index(place)?),
            HandedPart::Query(place) => chains.queries.get(self.index(place)?),
            HandedPart::Table(of) => Some(&self.table(site, of)?.name),
            HandedPart::Columns(of) => Some(&self.table(site, of)?.columns),
            HandedPart::Key { of, value } => self.table(site, of)?.keys.get(self.index(value)?),
            HandedPart::Row { of, value } => self.table(site, of)?.rows.get(self.index(value)?),
            HandedPart::Changes { of, value } => self.table(site, of)?.changes.get(self.index(value)?),
        }
    }

    /// The table that the call says: by a type argument, by an argument that is one, or by the struct of the rows.
    fn table(&self, site: &QuerySite, of: Span) -> Option<&HandedTable> {
        let chains = &self.handed.chains;
        let Some(generic) = self.head.generics.iter().position(|known| *known == of) else {
            return chains.tables.get(self.index(of)?)?.as_ref();
        };
        if let Some(said) = chains.types.get(generic).and_then(Option::as_ref) {
            return said.as_ref();
        }
        let mut rows = handed(site).filter_map(|(part, _)| match part {
            HandedPart::Row { of: table, value } | HandedPart::Changes { of: table, value }
                if table == of =>
            {
                chains.rows.get(self.index(value)?)?.as_ref()
            }
            _ => None,
        });
        let first = rows.next()?;
        rows.all(|other| other.name.text == first.name.text).then_some(first)
    }
}
