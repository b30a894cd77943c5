//! Regular expressions, anchored at both ends, for label matchers and `label_replace`. Backtracks over a small
//! program and remembers where it has been, so the work is bounded by program length times text length.

/// The largest program accepted: keeps `(a{99}){99}` from growing without limit.
const LIMIT: usize = 65_536;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    program: Vec<Step>,
    groups: usize,
}

#[derive(Debug, Clone)]
enum Step {
    One(Set),
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Start,
    End,
    Match,
}

#[derive(Debug, Clone)]
struct Set {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Set {
    fn of(ranges: &[(char, char)], negated: bool) -> Self {
        Self {
            ranges: ranges.to_vec(),
            negated,
        }
    }

    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|&(low, high)| low <= c && c <= high) != self.negated
    }
}

#[derive(Debug, Clone)]
enum Node {
    Empty,
    One(Set),
    Start,
    End,
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Group(usize, Box<Node>),
    Repeat {
        node: Box<Node>,
        least: usize,
        most: Option<usize>,
        greedy: bool,
    },
}

impl Pattern {
    /// Compiles an expression, or says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            text: text.chars().collect(),
            at: 0,
            groups: 0,
            depth: 0,
        };
        let node = reader.choice()?;
        if reader.at < reader.text.len() {
            return Err(format!("error parsing regexp: unexpected ): `{text}`"));
        }
        let mut program = Vec::new();
        emit(&node, &mut program)?;
        program.push(Step::Match);
        Ok(Self {
            program,
            groups: reader.groups,
        })
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        self.captures(text).is_some()
    }

    /// The groups of a match of the whole text, the text itself first; a group that took no part is empty.
    pub fn captures(&self, text: &str) -> Option<Vec<String>> {
        let chars: Vec<char> = text.chars().collect();
        let saves = self.run(&chars)?;
        let group = |n: usize| match (saves[2 * n], saves[2 * n + 1]) {
            (Some(from), Some(to)) => chars[from..to].iter().collect(),
            _ => String::new(),
        };
        let mut found = vec![text.to_owned()];
        found.extend((0..self.groups).map(group));
        Some(found)
    }

    fn run(&self, text: &[char]) -> Option<Vec<Option<usize>>> {
        let width = text.len() + 1;
        let mut seen = vec![false; self.program.len() * width];
        let mut stack = vec![(0, 0, vec![None; 2 * self.groups])];
        while let Some((mut step, mut at, mut saves)) = stack.pop() {
            while !std::mem::replace(&mut seen[step * width + at], true) {
                match &self.program[step] {
                    Step::One(set) if at < text.len() && set.has(text[at]) => at += 1,
                    Step::Start if at == 0 => {}
                    Step::End if at == text.len() => {}
                    Step::Match if at == text.len() => return Some(saves),
                    Step::One(_) | Step::Start | Step::End | Step::Match => break,
                    Step::Save(slot) => saves[*slot] = Some(at),
                    Step::Jump(to) => {
                        step = *to;
                        continue;
                    }
                    Step::Split(first, second) => {
                        stack.push((*second, at, saves.clone()));
                        step = *first;
                        continue;
                    }
                }
                step += 1;
            }
        }
        None
    }
}

fn emit(node: &Node, program: &mut Vec<Step>) -> Result<(), String> {
    if program.len() > LIMIT {
        return Err("error parsing regexp: expression too large".into());
    }
    match node {
        Node::Empty => {}
        Node::One(set) => program.push(Step::One(set.clone())),
        Node::Start => program.push(Step::Start),
        Node::End => program.push(Step::End),
        Node::Sequence(parts) => parts.iter().try_for_each(|part| emit(part, program))?,
        Node::Group(number, inner) => {
            program.push(Step::Save(2 * number));
            emit(inner, program)?;
            program.push(Step::Save(2 * number + 1));
        }
        Node::Choice(parts) => emit_choice(parts, program)?,
        Node::Repeat {
            node,
            least,
            most,
            greedy,
        } => {
            for _ in 0..*least {
                emit(node, program)?;
            }
            match most {
                None => emit_star(node, *greedy, program)?,
                Some(most) => {
                    for _ in *least..*most {
                        emit_optional(node, *greedy, program)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn emit_choice(parts: &[Node], program: &mut Vec<Step>) -> Result<(), String> {
    let mut leave = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        if n + 1 == parts.len() {
            emit(part, program)?;
            break;
        }
        let split = program.len();
        program.push(Step::Jump(0));
        emit(part, program)?;
        leave.push(program.len());
        program.push(Step::Jump(0));
        program[split] = Step::Split(split + 1, program.len());
    }
    let end = program.len();
    for jump in leave {
        program[jump] = Step::Jump(end);
    }
    Ok(())
}

fn emit_star(node: &Node, greedy: bool, program: &mut Vec<Step>) -> Result<(), String> {
    let split = program.len();
    program.push(Step::Jump(0));
    emit(node, program)?;
    program.push(Step::Jump(split));
    program[split] = split_to(split + 1, program.len(), greedy);
    Ok(())
}

fn emit_optional(node: &Node, greedy: bool, program: &mut Vec<Step>) -> Result<(), String> {
    let split = program.len();
    program.push(Step::Jump(0));
    emit(node, program)?;
    program[split] = split_to(split + 1, program.len(), greedy);
    Ok(())
}

fn split_to(inside: usize, after: usize, greedy: bool) -> Step {
    if greedy {
        Step::Split(inside, after)
    } else {
        Step::Split(after, inside)
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    groups: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        let text: String = self.text.iter().collect();
        Err(format!("error parsing regexp: {what}: `{text}`"))
    }

    fn choice(&mut self) -> Result<Node, String> {
        let mut parts = vec![self.sequence()?];
        while self.take('|') {
            parts.push(self.sequence()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Node::Choice(parts),
        })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let atom = self.atom()?;
            parts.push(self.repeated(atom)?);
        }
        Ok(Node::Sequence(parts))
    }

    fn repeated(&mut self, atom: Node) -> Result<Node, String> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts() {
                Some(counts) => counts,
                None => return Ok(atom),
            },
            _ => return Ok(atom),
        };
        self.at += 1;
        if most.is_some_and(|most| most < least) || least > 1000 || most.unwrap_or(0) > 1000 {
            return self.wrong("invalid repeat count");
        }
        let greedy = !self.take('?');
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return self.wrong("invalid nested repetition operator");
        }
        Ok(Node::Repeat {
            node: Box::new(atom),
            least,
            most,
            greedy,
        })
    }

    /// Reads `{n}`, `{n,}` or `{n,m}` and stops on the closing brace; anything else is literal text.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let close = self.text[self.at..].iter().position(|&c| c == '}')? + self.at;
        let body: String = self.text[self.at + 1..close].iter().collect();
        let counts = match body.split_once(',') {
            None => body.parse().ok().map(|n| (n, Some(n))),
            Some((least, "")) => least.parse().ok().map(|n| (n, None)),
            Some((least, most)) => least.parse().ok().zip(most.parse().ok().map(Some)),
        }?;
        self.at = close;
        Some(counts)
    }

    fn atom(&mut self) -> Result<Node, String> {
        let Some(c) = self.peek() else {
            return Ok(Node::Empty);
        };
        self.at += 1;
        Ok(match c {
            '.' => Node::One(Set::of(&[('\n', '\n')], true)),
            '^' => Node::Start,
            '$' => Node::End,
            '(' => return self.group(),
            '[' => Node::One(self.class()?),
            '\\' => return self.escape(),
            '*' | '+' | '?' => return self.wrong("missing argument to repetition operator"),
            literal => Node::One(Set::of(&[(literal, literal)], false)),
        })
    }

    fn group(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > 50 {
            return self.wrong("expression nests too deeply");
        }
        let mut number = None;
        if self.take('?') {
            let named = self.take('P') | self.take('<');
            if named {
                while self.peek().is_some() && !self.take('>') {
                    self.at += 1;
                }
                number = Some(self.groups);
            } else if !self.take(':') {
                return self.wrong("invalid or unsupported Perl syntax");
            }
        } else {
            number = Some(self.groups);
        }
        self.groups += usize::from(number.is_some());
        let inner = Box::new(self.choice()?);
        if !self.take(')') {
            return self.wrong("missing closing )");
        }
        self.depth -= 1;
        Ok(match number {
            Some(number) => Node::Group(number, inner),
            None => *inner,
        })
    }

    fn escape(&mut self) -> Result<Node, String> {
        let Some(c) = self.peek() else {
            return self.wrong("trailing backslash at end of expression");
        };
        self.at += 1;
        Ok(match c {
            'A' => Node::Start,
            'z' => Node::End,
            _ => match shorthand(c) {
                Some((ranges, negated)) => Node::One(Set::of(ranges, negated)),
                None if c.is_ascii_alphanumeric() => return self.wrong("invalid escape sequence"),
                None => Node::One(Set::of(&[(c, c)], false)),
            },
        })
    }

    fn class(&mut self) -> Result<Set, String> {
        let negated = self.take('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut first = true;
        loop {
            let Some(mut low) = self.peek() else {
                return self.wrong("missing closing ]");
            };
            self.at += 1;
            if low == ']' && !first {
                return Ok(Set { ranges, negated });
            }
            first = false;
            if low == '\\' {
                low = self.peek().unwrap_or('\\');
                self.at += 1;
                if let Some((short, false)) = shorthand(low) {
                    ranges.extend_from_slice(short);
                    continue;
                }
            }
            let high = self.class_end(low);
            if high < low {
                return self.wrong("invalid character class range");
            }
            ranges.push((low, high));
        }
    }

    fn class_end(&mut self, low: char) -> char {
        let next = self.text.get(self.at + 1).copied();
        match (self.peek(), next) {
            (Some('-'), Some(high)) if high != ']' => {
                self.at += 2;
                high
            }
            _ => low,
        }
    }
}

type Ranges = &'static [(char, char)];

fn shorthand(c: char) -> Option<(Ranges, bool)> {
    const DIGIT: Ranges = &[('0', '9')];
    const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    const SPACE: Ranges = &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];
    Some(match c {
        'd' => (DIGIT, false),
        'D' => (DIGIT, true),
        'w' => (WORD, false),
        'W' => (WORD, true),
        's' => (SPACE, false),
        'S' => (SPACE, true),
        'n' => (&[('\n', '\n')], false),
        't' => (&[('\t', '\t')], false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn the_whole_text_must_fit() {
        let cases = [
            ("5..", "500", true),
            ("5..", "5000", false),
            ("5..|4[0-9]{2}", "404", true),
            ("5..|4[0-9]{2}", "44", false),
            ("veza-.*", "veza-backend", true),
            ("(veza|chat)-[^x]+", "chat-server", true),
            ("a+b?c*", "aab", true),
            ("a+b?c*", "bcc", false),
            ("", "", true),
            (".+", "", false),
            ("a\\.b", "a.b", true),
            ("a\\.b", "axb", false),
            ("\\d+\\w", "12x", true),
            ("(?:a|ab)(c|bcd)", "abcd", true),
            ("x{0,2}", "xxx", false),
            ("[]a]+", "a]", true),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
        ];
        for (pattern, text, expected) in cases {
            let found = Pattern::new(pattern).unwrap().matches(text);
            assert_eq!(found, expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn groups_are_captured_and_broken_patterns_refused() {
        let found = Pattern::new("(.*)-(\\d+)").unwrap().captures("a-b-12");
        assert_eq!(found.unwrap(), ["a-b-12", "a-b", "12"]);
        for broken in ["(", "[a", "a)", "*", "\\", "a{3,2}", "((a{999}){999}){999}"] {
            assert!(Pattern::new(broken).is_err(), "{broken}");
        }
    }
}
