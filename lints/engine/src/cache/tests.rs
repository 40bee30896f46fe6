use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tenantry_source::{FileSites, HoleKind, ModuleFile, Piece, SqlText, Suppression};
use tenantry_span::{FileId, Span, TextRange};

use super::{Cache, CachePlace, Entry, Question, Reading, Readings, since_epoch, stat};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tenantry-cache-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("writable");
    folder
}

#[cfg(unix)]
#[test]
fn times_count_only_well_after_them() {
    let file = folder("times").join("a.rs");
    std::fs::write(&file, "fn a() {}").expect("writable");
    assert_eq!(stat(&file, since_epoch()), None);
    let later = since_epoch() + 10_000_000_000;
    let first = stat(&file, later);
    assert!(first.is_some());
    assert_eq!(stat(&file, later), first);
    std::fs::write(&file, "fn b() {}").expect("writable");
    assert_ne!(stat(&file, later), first);
}

#[test]
fn a_reading_comes_back_as_it_was_and_only_with_all_its_files() {
    let span = |file: u32| Span::new(FileId(file), TextRange { start: 3, end: 300 });
    let suppression = Suppression {
        span: span(7),
        covers: TextRange { start: 0, end: 1 },
        rule: "raw-query".to_owned(),
        reason: Some("…".to_owned()),
        until: None,
        owner: None,
        problem: None,
    };
    let sites = FileSites { suppressions: vec![suppression], ..FileSites::default() };
    let reading = Reading::of(Vec::new(), &sites, &|id| format!("{}.rs", id.0));
    let back: Option<FileSites> = reading.value(|path| (path == "7.rs").then_some(FileId(9)));
    let back = back.expect("the file is known");
    assert_eq!(back.suppressions.first().map(|found| found.span.file), Some(FileId(9)));
    assert_eq!(back.suppressions.first().map(|found| found.rule.as_str()), Some("raw-query"));
    assert!(reading.value::<FileSites>(|_| None).is_none());
    let hole = Piece::Hole { span: span(1), text: "x".to_owned(), kind: HoleKind::Integer };
    let literal = Piece::Literal { value: "é".to_owned(), span: span(2), map: vec![(0, 4), (1, 900)] };
    let texts = vec![SqlText { pieces: vec![hole, literal], chosen_by: Some("a".to_owned()) }];
    let reading = Reading::of(Vec::new(), &texts, &|id| id.0.to_string());
    assert_eq!(reading.value::<Vec<SqlText>>(|path| path.parse().ok().map(FileId)), Some(texts));
}

fn entries() -> HashMap<String, Entry> {
    let asked = vec![
        (Question::Include("a.sql".to_owned()), Some([7; 32])),
        (Question::Constant(vec!["crate".to_owned(), "A".to_owned()]), None),
    ];
    let sites = Reading::of(asked, &FileSites::default(), &|_| String::new());
    let readings = Readings { digest: [1; 32], sites: Some(sites), ..Readings::default() };
    let module = ModuleFile { name: "b".to_owned(), is_test: true, file: None };
    let entry = Entry { sites: true, modules: vec![module], readings: Some(readings), ..Entry::default() };
    HashMap::from([("src/a.rs".to_owned(), entry), ("src/b.rs".to_owned(), Entry::default())])
}

#[test]
fn what_is_damaged_or_anothers_is_no_cache() {
    let place = CachePlace { folder: folder("damaged"), tool: "1".to_owned() };
    let root = Path::new("/project");
    Cache::open(Some(&place), root, "policy").store(entries());
    let known = |place: &CachePlace, depends: &str| Cache::open(Some(place), root, depends).known;
    assert_eq!(known(&place, "policy"), entries());
    assert!(known(&place, "another policy").is_empty());
    assert!(known(&CachePlace { tool: "2".to_owned(), ..place.clone() }, "policy").is_empty());
    assert!(Cache::open(Some(&place), Path::new("/other"), "policy").known.is_empty());

    let file = std::fs::read_dir(&place.folder).expect("a folder");
    let file = file.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some());
    let file = file.expect("the cache's file");
    let whole = std::fs::read(&file).expect("readable");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 0x10;
        }
        std::fs::write(&file, &damaged).expect("writable");
        assert!(known(&place, "policy").is_empty(), "byte {at}");
        std::fs::write(&file, whole.get(..at).unwrap_or_default()).expect("writable");
        assert!(known(&place, "policy").is_empty(), "cut at {at}");
    }
    std::fs::write(&file, [whole.as_slice(), b"x"].concat()).expect("writable");
    assert!(known(&place, "policy").is_empty());
}
