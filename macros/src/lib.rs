//! The macros of Tenantry. Use them through the crate `tenantry`.
//!
//! **Invariant:** nothing is decided here: an item is judged by [`tenantry_judge::marked`], where the scanner judges as well.
//! **Invariant:** the item is emitted as it came. What stands beside it, or as items at the beginning of a method's body, is
//! never run: files that the compiler is to watch, and what is told.
//! **Invariant:** the compiler's thread handles its own tokens only; everything else runs on a thread with a deep stack,
//! where `proc_macro2` is its own fallback and spans have places.
#![forbid(unsafe_code)]

mod emit;
mod sql;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use proc_macro::{Span, TokenStream};
use tenantry_judge::marked::{Attribute, Judged, Place, Workspace};
use tenantry_policy::Date;
use tenantry_prover::lower::on_deep_stack;

/// Claims that every query of an item stays inside one tenant; where one does not, or that is not seen, it does not compile.
///
/// It stands on functions, `impl` blocks and modules with their content.
/// The tenant is found by its type: [`TenantId`](https://docs.rs/tenantry), or one that `[trust]` names.
///
/// - `tenant = "…"` names an expression, such as a parameter, that is the tenant. That callers hand over their own is then
///   the scanner's to prove.
/// - `defer` leaves the proof to the scanner: `cargo tenantry check` fails if it cannot prove the item either.
#[proc_macro_attribute]
pub fn tenant_scoped(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    marked(item)
}

/// Says that the queries of an item cross tenants on purpose.
///
/// `reason = "…"` is mandatory; `owner = "…"`, `until = "2027-03-31"` and `ticket = "…"` are kept in reports.
/// After its last day it is warned of here, and `cargo tenantry check` tells the findings again.
#[proc_macro_attribute]
pub fn cross_tenant(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    marked(item)
}

/// Names the integration profile of `tenantry.toml` under which an item's calls leave the process.
#[proc_macro_attribute]
pub fn integration(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    marked(item)
}

/// A text of SQL that is checked where it stands: `tenant_sql!("…")` is the `&'static str`.
///
/// The tenant is the one placeholder that is equated with a key, or the one that is named: `tenant_sql!("…", tenant = $2)`.
/// `tenant_sql!(file "queries/orders.sql")` reads a file, from the crate's manifest on.
/// Where the bound value comes from is checked where the text is run.
#[proc_macro]
pub fn tenant_sql(tokens: TokenStream) -> TokenStream {
    sql::expand(tokens)
}

fn marked(item: TokenStream) -> TokenStream {
    let span = Span::call_site();
    // With the item's own context nobody is told that a macro says it.
    let shown = item.clone().into_iter().next().map_or(span, |first| span.resolved_at(first.span()));
    let Some(path) = span.local_file() else {
        if is_editor() {
            return item;
        }
        let why =
            "tenantry: the source of this item is not found, so that nothing is known of the queries in it";
        return emit::with(item, false, &[], &[(shown, why.to_owned())], &[]);
    };
    let (line, column) = position(span);
    let in_example = lines_before_example() != 0;
    let attribute = Attribute { path: &path, line, column, today: today(), in_example };
    if let Some(proved) = kept(|place, folder| tenantry_judge::marked::proved(place, folder, attribute)) {
        return emit::with(item, proved.is_method, &emit::files_to_watch(&proved.files), &[], &[]);
    }
    let judge = |workspace: &Arc<Workspace>| match place() {
        Some(place) => tenantry_judge::marked::judge_and_keep(workspace, place, attribute),
        None => tenantry_judge::marked::judge(workspace, attribute),
    };
    let (workspace, judged) = match in_workspace(judge) {
        Ok(found) => found,
        Err(why) => return emit::with(item, false, &[], &[(shown, why)], &[]),
    };
    let places = emit::Places::of(&item, &judged);
    let told = |told: &[tenantry_judge::marked::Told], otherwise: Span| -> Vec<(Span, String)> {
        told.iter().map(|told| (places.span(told.place, otherwise), told.message.clone())).collect()
    };
    // What a warning is made of is nothing that lints are to look at.
    let (errors, warnings) = (told(&judged.errors, shown), told(&judged.warnings, span));
    let Judged { is_method, .. } = judged;
    emit::with(item, is_method, &emit::files_to_watch(&workspace.files()), &errors, &warnings)
}

/// Does something in the project of the crate that is compiled, on a deep stack.
fn in_workspace<T: Send>(
    work: impl FnOnce(&Arc<Workspace>) -> T + Send,
) -> Result<(Arc<Workspace>, T), String> {
    let Some(folder) = manifest_folder() else {
        return Err("tenantry: CARGO_MANIFEST_DIR is not set, so that the project is not found".to_owned());
    };
    let done = on_deep_stack(|| {
        let workspace = tenantry_judge::marked::workspace(&folder);
        let done = work(&workspace);
        (workspace, done)
    });
    done.ok_or_else(|| "tenantry: an internal error ended the work on this item".to_owned())
}

/// What is kept of an earlier run, in the project of the crate that is compiled.
fn kept<T>(find: impl FnOnce(&Place, &Path) -> Option<T>) -> Option<T> {
    find(place()?, &manifest_folder()?)
}

/// Where proofs are kept; nowhere if `TENANTRY_NO_CACHE` is set.
fn place() -> Option<&'static Place> {
    static PLACE: OnceLock<Option<Place>> = OnceLock::new();
    let found = || {
        let is_off = std::env::var_os("TENANTRY_NO_CACHE").is_some_and(|value| !value.is_empty());
        if is_off { None } else { Place::of_compiler(std::env::args_os(), env!("CARGO_CRATE_NAME")) }
    };
    PLACE.get_or_init(found).as_ref()
}

/// True in an editor's macro server, which tells no places: nothing is built from what it expands.
fn is_editor() -> bool {
    Span::call_site().file().is_empty()
}

fn manifest_folder() -> Option<PathBuf> {
    std::env::var_os("CARGO_MANIFEST_DIR").map(|folder| Path::new(&folder).to_path_buf())
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Line and column of where a span begins in its file.
fn position(span: Span) -> (u32, u32) {
    let start = span.start();
    let line = i64::from(number(start.line())) + lines_before_example();
    (u32::try_from(line).unwrap_or_default(), number(start.column()))
}

/// How many lines `rustdoc` says that an example of a documentation lies below its place in the program that is compiled.
fn lines_before_example() -> i64 {
    static LINES: OnceLock<i64> = OnceLock::new();
    let told = || std::env::var("UNSTABLE_RUSTDOC_TEST_LINE").ok()?.parse().ok();
    *LINES.get_or_init(|| told().unwrap_or_default())
}

/// The day of `SOURCE_DATE_EPOCH`, so that a build can be repeated, else the clock's: an editor's macro server may live on
/// into the next one.
fn today() -> Date {
    static TOLD: OnceLock<Option<u64>> = OnceLock::new();
    static LAST: Mutex<Option<(u64, Date)>> = Mutex::new(None);
    let told = || std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let days = TOLD.get_or_init(told).unwrap_or_else(now) / 86_400;
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match *last {
        Some((known, date)) if known == days => date,
        _ => last.insert((days, day(days))).1,
    }
}

/// The date so many days after 1 January 1970.
fn day(days: u64) -> Date {
    let (mut year, mut left) = (1970u16, days);
    let is_leap =
        |year: u16| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length || year == 9999 {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1u8;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    Date { year, month: month.min(12), day: u8::try_from(left + 1).unwrap_or(31) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_become_dates() {
        for (days, date) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_543, "2026-03-31"), (20_819, "2027-01-01")]
        {
            assert_eq!(super::day(days).to_string(), date);
        }
        assert_eq!(super::day(u64::MAX).year, 9999);
    }
}
