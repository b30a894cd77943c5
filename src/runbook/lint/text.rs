//! Text that was decoded wrongly once and saved so: a person reads past it, and a phone cannot.

use crate::runbook::place::{Lines, Problem, Severity};
use crate::runbook::prose::bounded;

/// What UTF-8 looks like when it was read as Latin-1 or Windows-1252, and when it was read as Mac Roman.
const MARKS: &[&str] = &[
    "Ã©", "Ã¨", "Ã ", "Ã§", "Ãª", "Ã´", "Ã®", "Ã»", "Ã¢", "Ã¼", "Ã¶", "Ã¤", "Ã‰", "Ã€", "â€™",
    "â€œ", "â€“", "â€”", "â€¦", "Â«", "Â»", "Â ", "Â°", "√©", "√®", "√†", "√ß", "√™", "√¥", "√Æ",
    "√ª", "√¢", "√º", "√∂", "√§", "√â", "√Ä", "‚Äô", "‚Äú", "‚Äì", "‚Äî", "‚Ä¶", "¬´", "¬ª", "¬∞",
    "\u{fffd}",
];
/// Most warnings about one file.
const MOST: usize = 20;

/// A warning for each line in which text was decoded wrongly.
pub fn mojibake(file: &str, text: &str) -> Vec<Problem> {
    let lines = Lines::new(text);
    let mut found: Vec<Problem> = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let first = MARKS
            .iter()
            .filter_map(|mark| Some((line.find(mark)?, *mark)))
            .min();
        if let Some((at, mark)) = first {
            found.push(Problem {
                file: file.to_owned(),
                place: lines.place(from + at),
                severity: Severity::Warning,
                message: format!(
                    "`{}` looks like UTF-8 that was read as something else",
                    bounded(mark, 8)
                ),
                help: Some("decode the original as UTF-8 and paste it again".to_owned()),
            });
        }
        if found.len() >= MOST {
            break;
        }
        from += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrongly_decoded_text_is_found_at_its_place_and_french_is_not() {
        let found = mojibake(
            "f",
            "fine: éàç « œuvre » – … Âge √2\nd√©ploiement\nIt’s fine\nItâ€™s not\n",
        );
        let places: Vec<String> = found
            .iter()
            .map(|problem| problem.place.to_string())
            .collect();
        assert_eq!(places, ["2:2", "4:3"], "{found:?}");
        assert_eq!(mojibake("f", &"√©\n".repeat(100)).len(), MOST);
    }
}
