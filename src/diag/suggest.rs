//! One suggestion for a mistyped name, or none.

/// The candidate nearest to `word` among the names valid at that place: case,
/// `-` and `_` are folded, then Damerau–Levenshtein within
/// max(1, length / 3). `None` when nothing is near; never more than one,
/// because a list of guesses is noise.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let limit = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_the_nearest_name_only_when_it_is_near() {
        let names = ["ramp", "hold", "drain"];
        assert_eq!(nearest("rmap", names), Some("ramp"), "a swap is one edit");
        assert_eq!(nearest("Ramp", names), Some("ramp"));
        assert_eq!(nearest("dra-in", names), Some("drain"));
        assert_eq!(nearest("banana", names), None);
        assert_eq!(nearest("x", ["y"]), None, "one letter for another is no likeness");
    }
}
