//! One Rust file as the list of paths it refers to: a small lexer, use-trees, inline paths, inline modules and `#[cfg(test)]`.
//! It resolves `crate`, `self`, `super` and child modules; it does not know types, and judges nothing.

/// A word or sign of the source, comments and the insides of strings left out.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// One mention of something defined elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The whole path. One of ours begins with `crate`; anything else begins with the name of a package.
    pub path: Vec<String>,
    /// Where it is written.
    pub line: usize,
    /// Whether it stands in code compiled for tests only.
    pub test: bool,
    /// Whether it is a `pub use`: a name handed on, not used here.
    pub handed_on: bool,
    /// The name it gets here, where that is another.
    pub renamed: Option<String>,
}

/// What a file declares and mentions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Every mention, in order.
    pub references: Vec<Reference>,
    /// Child modules compiled for tests only.
    pub test_children: Vec<String>,
    /// Names of macros called, with their lines.
    pub macros: Vec<(String, usize)>,
    /// What would bring in or hand out code past every path, with its line.
    pub detours: Vec<(&'static str, usize)>,
}

/// An inline module or a block for tests, open until its brace closes.
struct Scope {
    name: Option<String>,
    depth: usize,
    test: bool,
}

/// Reads a file that is the module `module` (`["app", "update"]`) and whose child files are `children`.
pub fn outline(text: &str, module: &[String], children: &[String]) -> Outline {
    let tokens = tokens(text);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        depth: 0,
        nested: 0,
        scopes: Vec::new(),
        pending_test: None,
        module,
        children,
        found: Outline::default(),
    };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Round and square brackets that are open.
    nested: usize,
    scopes: Vec<Scope>,
    /// How deep in brackets the `#[cfg(test)]` stands that the next item belongs to.
    pending_test: Option<usize>,
    module: &'a [String],
    children: &'a [String],
    found: Outline,
}

impl Reader<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text.as_str())
    }

    fn before(&self, back: usize) -> &str {
        self.at
            .checked_sub(back)
            .and_then(|at| self.tokens.get(at))
            .map_or("", |token| token.text.as_str())
    }

    fn in_test(&self) -> bool {
        self.pending_test.is_some() || self.scopes.iter().any(|scope| scope.test)
    }

    fn step(&mut self) {
        match self.text(0) {
            "#" if (1..=5)
                .map(|ahead| self.text(ahead))
                .eq(["[", "cfg", "(", "test", ")"]) =>
            {
                self.pending_test = Some(self.nested);
                self.at += 7;
            }
            "#" if self.text(1) == "[" && self.text(2) == "path" => self.detour("#[path]"),
            "macro_export" => self.detour("#[macro_export]"),
            "extern" if self.text(1) == "crate" => self.detour("extern crate"),
            "include" if self.text(1) == "!" => self.detour("include!"),
            "(" | "[" => {
                self.nested += 1;
                self.at += 1;
            }
            ")" | "]" => {
                self.nested = self.nested.saturating_sub(1);
                self.at += 1;
            }
            // A field, a variant or an arm for tests ends here, and what follows is not for tests.
            "," if self.pending_test == Some(self.nested) => {
                self.pending_test = None;
                self.at += 1;
            }
            "mod" if self.text(2) == ";" => self.child(),
            "mod" if self.text(2) == "{" => self.inline_module(),
            "{" => self.open(None),
            "}" => self.close(),
            ";" => {
                self.pending_test = None;
                self.at += 1;
            }
            "use" if self.text(1) != "<" => self.use_tree(),
            _ => self.inline_path(),
        }
    }

    fn detour(&mut self, what: &'static str) {
        let line = self.tokens[self.at].line;
        self.found.detours.push((what, line));
        self.at += 1;
    }

    fn child(&mut self) {
        if self.in_test() {
            let name = self.text(1).to_owned();
            self.found.test_children.push(name);
        }
        self.at += 2;
    }

    fn inline_module(&mut self) {
        let name = self.text(1).to_owned();
        self.at += 2;
        self.open(Some(name));
    }

    fn open(&mut self, name: Option<String>) {
        self.depth += 1;
        if name.is_some() || self.pending_test.is_some() {
            let scope = Scope {
                name,
                depth: self.depth,
                test: self.pending_test.is_some(),
            };
            self.scopes.push(scope);
            self.pending_test = None;
        }
        self.at += 1;
    }

    fn close(&mut self) {
        self.scopes.retain(|scope| scope.depth < self.depth);
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
    }

    fn use_tree(&mut self) {
        let line = self.tokens[self.at].line;
        let handed_on =
            self.before(1) == "pub" || (self.before(1) == ")" && self.before(4) == "pub");
        let end = self.tokens[self.at..]
            .iter()
            .position(|token| token.text == ";")
            .map_or(self.tokens.len(), |ahead| self.at + ahead);
        let words: Vec<&str> = self.tokens[self.at + 1..end]
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        let mut at = 0;
        let mut paths = Vec::new();
        expand(&words, &mut at, &[], &mut paths);
        for (path, renamed) in paths {
            self.mention(path, line, handed_on, renamed);
        }
        self.at = end;
    }

    fn inline_path(&mut self) {
        let line = self.tokens[self.at].line;
        if self.text(1) == "!" && self.text(2) != "=" && is_word(self.text(0)) {
            let name = self.text(0).to_owned();
            self.found.macros.push((name, line));
        }
        let starts = is_word(self.text(0))
            && !is_keyword(self.text(0))
            && self.text(1) == "::"
            && !(self.before(1) == "::" && is_word(self.before(2)) && !is_keyword(self.before(2)));
        if !starts {
            self.at += 1;
            return;
        }
        let mut path = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && is_word(self.text(1)) {
            path.push(self.text(1).to_owned());
            self.at += 2;
        }
        self.mention(path, line, false, None);
    }

    fn mention(
        &mut self,
        path: Vec<String>,
        line: usize,
        handed_on: bool,
        renamed: Option<String>,
    ) {
        let path = self.resolve(path);
        let test = self.in_test();
        self.found.references.push(Reference {
            path,
            line,
            test,
            handed_on,
            renamed,
        });
    }

    /// The path from the crate's root, or as it is where another package is meant.
    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let mut here: Vec<String> = self.module.to_vec();
        here.extend(self.scopes.iter().filter_map(|scope| scope.name.clone()));
        let mut rest = path.as_slice();
        match rest.first().map(String::as_str) {
            Some("crate" | "vigie") => {
                return [vec!["crate".to_owned()], rest[1..].to_vec()].concat();
            }
            Some("self") => rest = &rest[1..],
            Some("super") => {
                while rest.first().is_some_and(|word| word == "super") {
                    here.pop();
                    rest = &rest[1..];
                }
            }
            Some(first)
                if here.len() == self.module.len()
                    && self.children.iter().any(|child| child == first) => {}
            _ => return path,
        }
        [vec!["crate".to_owned()], here, rest.to_vec()].concat()
    }
}

/// Every path of a use-tree: `a::{b, c::{self, d as e}, *}`.
fn expand(
    words: &[&str],
    at: &mut usize,
    prefix: &[String],
    paths: &mut Vec<(Vec<String>, Option<String>)>,
) {
    let mut path = prefix.to_vec();
    let mut renamed = None;
    while let Some(word) = words.get(*at) {
        match *word {
            "{" => {
                *at += 1;
                while words.get(*at).is_some_and(|next| *next != "}") {
                    expand(words, at, &path, paths);
                }
                *at += 1;
                if words.get(*at) == Some(&",") {
                    *at += 1;
                }
                return;
            }
            "," => {
                *at += 1;
                break;
            }
            "}" => break,
            "as" => {
                renamed = words.get(*at + 1).map(|name| (*name).to_owned());
                *at += 2;
            }
            "::" => *at += 1,
            "self" if !path.is_empty() => *at += 1,
            name => {
                path.push(name.to_owned());
                *at += 1;
            }
        }
    }
    if !path.is_empty() {
        paths.push((path, renamed));
    }
}

/// Words after which a path may begin with `::`.
fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "return"
            | "in"
            | "as"
            | "mut"
            | "dyn"
            | "impl"
            | "if"
            | "while"
            | "match"
            | "else"
            | "move"
            | "ref"
            | "for"
            | "where"
            | "await"
            | "break"
    )
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line) = (0, 1);
    let mut found = Vec::new();
    while at < chars.len() {
        let from = at;
        let word = chars[at].is_alphanumeric() || chars[at] == '_';
        at = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => end_of_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_comment(&chars, at),
            '"' => end_of_string(&chars, at),
            '\'' => end_of_quote(&chars, at),
            'r' | 'b' | 'c' if raw_string(&chars, at).is_some() => {
                raw_string(&chars, at).unwrap_or(at + 1)
            }
            // A raw identifier is the identifier.
            'r' if word_begins(&chars, at)
                && chars.get(at + 1) == Some(&'#')
                && chars.get(at + 2).is_some_and(|c| c.is_alphabetic()) =>
            {
                at + 2
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                found.push(Token {
                    text: "::".into(),
                    line,
                });
                at + 2
            }
            _ if word => {
                let end = (at..chars.len())
                    .find(|&next| !(chars[next].is_alphanumeric() || chars[next] == '_'))
                    .unwrap_or(chars.len());
                found.push(Token {
                    text: chars[at..end].iter().collect(),
                    line,
                });
                end
            }
            space if space.is_whitespace() => at + 1,
            sign => {
                found.push(Token {
                    text: sign.to_string(),
                    line,
                });
                at + 1
            }
        };
        line += chars[from..at.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    found
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    (at..chars.len())
        .find(|&next| chars[next] == '\n')
        .unwrap_or(chars.len())
}

fn end_of_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut next = at;
    while next + 1 < chars.len() {
        match (chars[next], chars[next + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                next += 1;
                continue;
            }
        }
        next += 2;
        if depth == 0 {
            return next;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], at: usize) -> usize {
    let mut next = at + 1;
    while next < chars.len() && chars[next] != '"' {
        next += if chars[next] == '\\' { 2 } else { 1 };
    }
    next + 1
}

/// The end of a character, or of the quote that begins a lifetime.
fn end_of_quote(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        return (at + 3..chars.len())
            .find(|&next| chars[next] == '\'')
            .map_or(chars.len(), |end| end + 1);
    }
    if chars.get(at + 2) == Some(&'\'') {
        at + 3
    } else {
        at + 1
    }
}

/// Whether no word goes on from before this place.
fn word_begins(chars: &[char], at: usize) -> bool {
    at == 0 || !(chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

/// The end of a raw or prefixed string that begins here, if one does.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    if !word_begins(chars, at) {
        return None;
    }
    let mut next = at;
    while matches!(chars.get(next), Some('b' | 'c' | 'r')) && next < at + 2 {
        next += 1;
    }
    let raw = chars[at..next].contains(&'r');
    let hashes = chars[next..].iter().take_while(|c| **c == '#').count();
    if chars.get(next + hashes) != Some(&'"') || (hashes > 0 && !raw) {
        return None;
    }
    if !raw {
        return Some(end_of_string(chars, next));
    }
    let mut end = next + hashes + 1;
    while end < chars.len() {
        if chars[end] == '"'
            && chars[end + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes
        {
            return Some(end + 1 + hashes);
        }
        end += 1;
    }
    Some(chars.len())
}

#[test]
fn use_trees_expand_and_inline_modules_shift_super() {
    let module = ["app".to_owned(), "update".to_owned()];
    let text = "use super::{a::{self, B as C}, d::*};\nmod inner { use super::super::e::F; }\nfn g() { self::h::i(); r#\"crate::no\"#; }";
    let found: Vec<String> = outline(text, &module, &[])
        .references
        .iter()
        .map(|one| one.path.join("::"))
        .collect();
    assert_eq!(
        found,
        [
            "crate::app::a",
            "crate::app::a::B",
            "crate::app::d::*",
            "crate::app::e::F",
            "crate::app::update::h::i"
        ]
    );
}
