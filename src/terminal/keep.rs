//! Keeping a text in a file of the folder the console was started in. The file is its owner's alone, and none is written over.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Names longer than this are cut.
const LONGEST: usize = 120;

/// Writes a text into a new file of that name; says where it is.
pub fn keep(name: &str, text: &str) -> io::Result<PathBuf> {
    let path = std::env::current_dir()?.join(plain(name));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    super::unix::only_owner(&mut options);
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

/// A name that is one file in one folder, whatever a cluster calls its objects.
fn plain(name: &str) -> String {
    let plain = |c: char| {
        let fits = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if fits { c } else { '_' }
    };
    let name: String = name.chars().map(plain).collect();
    let (stem, end) = name.rsplit_once('.').unwrap_or((&name, "txt"));
    let from = stem.len().saturating_sub(LONGEST);
    format!("{}.{end}", stem[from..].trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_one_file_in_the_folder() {
        assert_eq!(plain("vigie-logs-api-1.txt"), "vigie-logs-api-1.txt");
        assert_eq!(plain("../../etc/pass\u{1b}wd.txt"), "_.._etc_pass_wd.txt");
        assert!(plain(&format!("{}.txt", "x".repeat(999))).len() < 130);
    }
}
