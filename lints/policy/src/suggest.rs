//! What the user may have meant.

/// The one of `known` that is nearest to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normalised(word);
    let near = known.into_iter().map(|candidate| (distance(&word, &normalised(candidate)), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    let allowed = (candidate.chars().count() / 3).max(1);
    (distance <= allowed).then_some(candidate)
}

/// Underscores for hyphens, capitals for small letters: never a reason to be far apart.
fn normalised(word: &str) -> Vec<char> {
    // A name that is longer than any key is near none; cutting it bounds the work.
    word.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The number of insertions, deletions and substitutions between the two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(from != to)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        let count = |a: &str, b: &str| distance(&normalised(a), &normalised(b));
        assert_eq!(count("kitten", "sitting"), 3);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("abc", ""), 3);
        assert_eq!(count("null_is_shared", "null-is-shared"), 0);
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(nearest("kees", ["keys", "root"]), Some("keys"));
        assert_eq!(nearest("colour", ["keys", "root"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
