//! Theme files: TOML text to a sheet of paints, one for each role. A mistake names the theme, the line, the key
//! and the nearest thing that would have been right. Reading files is not done here; texts are given.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::Modifier;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::colour::Rgb;
use super::role::Role;

const LONGEST_CHAIN: usize = 8;
const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("italic", Modifier::ITALIC),
];

/// How one role is painted before the terminal's depth is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// The colour; none leaves the terminal's own.
    pub colour: Option<Rgb>,
    /// Attributes added at every depth.
    pub add: Modifier,
}

/// A theme with every role resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// One paint a role, in the order of [`Role::ALL`].
    pub paints: [Paint; Role::ALL.len()],
    /// Whether the ground is painted, or left to the terminal.
    pub paint_ground: bool,
}

impl Sheet {
    /// The paint of a role.
    pub fn paint(&self, role: Role) -> Paint {
        self.paints.get(role.index()).copied().unwrap_or_default()
    }
}

/// What is wrong with a theme, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}{}", at(theme, *line), .nearest.as_ref().map_or(String::new(), |near| format!("; did you mean {near}?")))]
pub struct ThemeError {
    /// The theme whose text is wrong.
    pub theme: String,
    /// The line, counted from one; 0 where there is no such theme at all.
    pub line: usize,
    /// What is wrong, naming the key.
    pub problem: String,
    /// The nearest thing that would be right.
    pub nearest: Option<String>,
}

/// Where a mistake stands, before its sentence.
fn at(theme: &str, line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!("theme {theme}, line {line}: "),
    }
}

/// A named text among which themes are looked up.
pub type Text<'a> = (&'a str, &'a str);

struct Place<'a> {
    theme: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn wrong(&self, span: &Range<usize>, problem: String) -> ThemeError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ThemeError {
            theme: self.theme.to_owned(),
            line,
            problem,
            nearest: None,
        }
    }
}

impl ThemeError {
    fn near<'a>(mut self, given: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let scored = known.map(|name| (strsim::osa_distance(given, name), name));
        let best = scored
            .filter(|(far, name)| *far <= (name.len() / 2).max(2))
            .min();
        self.nearest = best.map(|(_, name)| name.to_owned());
        self
    }
}

struct Wish {
    colour: Option<String>,
    add: Modifier,
    from: usize,
    span: Range<usize>,
}

#[derive(Default)]
struct Merged {
    palette: BTreeMap<String, Rgb>,
    wishes: BTreeMap<&'static str, Wish>,
    paint_ground: bool,
}

/// Resolves the theme of that name among the texts, the later one winning where two have the same name.
pub fn load(name: &str, texts: &[Text<'_>]) -> Result<Sheet, ThemeError> {
    let chain = chain(name, texts)?;
    let mut merged = Merged::default();
    for (from, (theme, text)) in chain.iter().enumerate().rev() {
        let place = Place { theme, text };
        merged.read(&place, from, &parse(&place)?)?;
    }
    let places: Vec<Place<'_>> = chain
        .iter()
        .map(|(theme, text)| Place { theme, text })
        .collect();
    merged.resolve(&places)
}

fn parse<'a>(place: &Place<'a>) -> Result<DeTable<'a>, ThemeError> {
    match DeTable::parse(place.text) {
        Ok(table) => Ok(table.into_inner()),
        Err(error) => Err(place.wrong(&error.span().unwrap_or(0..0), error.message().to_owned())),
    }
}

/// The theme and those it extends, itself first.
fn chain<'a>(name: &str, texts: &[Text<'a>]) -> Result<Vec<Text<'a>>, ThemeError> {
    let find = |wanted: &str| {
        texts
            .iter()
            .rev()
            .find(|(known, _)| *known == wanted)
            .copied()
    };
    let names = || texts.iter().map(|(known, _)| *known);
    let Some(first) = find(name) else {
        let mut known = vec!["auto"];
        for one in names() {
            if !known.contains(&one) {
                known.push(one);
            }
        }
        let error = ThemeError {
            theme: name.to_owned(),
            line: 0,
            problem: format!("there is no theme {name}; there are {}", known.join(", ")),
            nearest: None,
        };
        return Err(error.near(name, names()));
    };
    let mut chain = vec![first];
    while let Some((theme, text)) = chain.last().copied() {
        let place = Place { theme, text };
        let table = parse(&place)?;
        let Some(extends) = table.get("extends") else {
            break;
        };
        let span = extends.span();
        let Some(base) = extends.get_ref().as_str() else {
            return Err(place.wrong(&span, "extends is the name of a theme, in quotes".into()));
        };
        // A user's `night` may extend the shipped `night`: the next one down, not itself.
        let next = if base == theme {
            below(base, text, texts)
        } else {
            find(base)
        };
        let Some(next) = next else {
            return Err(place
                .wrong(&span, format!("extends names no theme: {base}"))
                .near(base, names()));
        };
        if chain.contains(&next) || chain.len() == LONGEST_CHAIN {
            return Err(place.wrong(&span, format!("extends goes round in a circle at {base}")));
        }
        chain.push(next);
    }
    Ok(chain)
}

fn below<'a>(name: &str, text: &str, texts: &[Text<'a>]) -> Option<Text<'a>> {
    let at = texts
        .iter()
        .rposition(|(known, own)| *known == name && *own == text)?;
    texts
        .get(..at)?
        .iter()
        .rev()
        .find(|(known, _)| *known == name)
        .copied()
}

impl Merged {
    fn read(
        &mut self,
        place: &Place<'_>,
        from: usize,
        table: &DeTable<'_>,
    ) -> Result<(), ThemeError> {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("extends", _) => {}
                ("paint_ground", DeValue::Boolean(on)) => self.paint_ground = *on,
                ("palette", DeValue::Table(colours)) => self.palette(place, colours)?,
                ("roles", DeValue::Table(roles)) => self.roles(place, from, roles)?,
                (known @ ("paint_ground" | "palette" | "roles"), other) => {
                    let problem = format!("{known} cannot be a {}", other.type_str());
                    return Err(place.wrong(&value.span(), problem));
                }
                (other, _) => {
                    let known = ["extends", "paint_ground", "palette", "roles"];
                    let error = place.wrong(&key.span(), format!("unknown key {other}"));
                    let mut error = error.near(other, known.into_iter());
                    if error.nearest.is_none() {
                        let all = known.join(", ");
                        error.problem = format!("unknown key {other}; there are {all}");
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn palette(&mut self, place: &Place<'_>, colours: &DeTable<'_>) -> Result<(), ThemeError> {
        for (key, value) in colours {
            let Some(colour) = value.get_ref().as_str().and_then(Rgb::hex) else {
                let problem = format!(
                    "palette.{} must be a colour like \"#1f5fbf\"",
                    key.get_ref()
                );
                return Err(place.wrong(&value.span(), problem));
            };
            self.palette.insert(key.get_ref().to_string(), colour);
        }
        Ok(())
    }

    fn roles(
        &mut self,
        place: &Place<'_>,
        from: usize,
        roles: &DeTable<'_>,
    ) -> Result<(), ThemeError> {
        for (key, value) in roles {
            let name = key.get_ref().as_ref();
            let Some(role) = Role::named(name) else {
                let error = place.wrong(&key.span(), format!("roles.{name} is not a role"));
                return Err(error.near(name, Role::ALL.into_iter().map(Role::name)));
            };
            let (colour, add) = wish(place, name, value)?;
            self.wishes.insert(
                role.name(),
                Wish {
                    colour,
                    add,
                    from,
                    span: value.span(),
                },
            );
        }
        Ok(())
    }

    fn resolve(self, places: &[Place<'_>]) -> Result<Sheet, ThemeError> {
        let mut paints = [Paint::default(); Role::ALL.len()];
        for (paint, role) in paints.iter_mut().zip(Role::ALL) {
            let own = places.first().unwrap_or(&Place {
                theme: "",
                text: "",
            });
            let Some(wish) = self.wishes.get(role.name()) else {
                let start = own.text.find("[roles]").unwrap_or(0);
                return Err(own.wrong(&(start..start), format!("roles.{} is missing", role.name())));
            };
            paint.add = wish.add;
            paint.colour = match &wish.colour {
                None => None,
                Some(given) => Some(self.colour(given).ok_or_else(|| {
                    let place = places.get(wish.from).unwrap_or(own);
                    let problem = format!(
                        "roles.{} names no colour of the palette: {given}",
                        role.name()
                    );
                    place
                        .wrong(&wish.span, problem)
                        .near(given, self.palette.keys().map(String::as_str))
                })?),
            };
        }
        Ok(Sheet {
            paints,
            paint_ground: self.paint_ground,
        })
    }

    fn colour(&self, given: &str) -> Option<Rgb> {
        self.palette.get(given).copied().or_else(|| Rgb::hex(given))
    }
}

type Colour = Option<String>;

fn wish(
    place: &Place<'_>,
    role: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<(Colour, Modifier), ThemeError> {
    let expected =
        || format!("roles.{role} is a colour, or {{ colour = \"…\", add = [\"bold\"] }}");
    let table = match value.get_ref() {
        DeValue::String(colour) => return Ok((Some(colour.to_string()), Modifier::empty())),
        DeValue::Table(table) => table,
        _ => return Err(place.wrong(&value.span(), expected())),
    };
    let (mut colour, mut add) = (None, Modifier::empty());
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("colour", DeValue::String(name)) => colour = Some(name.to_string()),
            ("add", DeValue::Array(list)) => {
                for item in list {
                    add |= attribute(place, role, item)?;
                }
            }
            (other, _) => {
                let error = place.wrong(&key.span(), expected());
                return Err(error.near(
                    other,
                    ["colour", "add"]
                        .into_iter()
                        .filter(|known| *known != other),
                ));
            }
        }
    }
    Ok((colour, add))
}

fn attribute(
    place: &Place<'_>,
    role: &str,
    item: &Spanned<DeValue<'_>>,
) -> Result<Modifier, ThemeError> {
    let given = item.get_ref().as_str().unwrap_or_default();
    let known = ATTRIBUTES.iter().find(|(name, _)| *name == given);
    known.map(|(_, modifier)| *modifier).ok_or_else(|| {
        let error = place.wrong(
            &item.span(),
            format!("roles.{role} adds an unknown attribute {given}"),
        );
        error.near(given, ATTRIBUTES.iter().map(|(name, _)| *name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night() -> String {
        include_str!("../../../themes/night.toml").to_owned()
    }

    fn message(name: &str, texts: &[Text<'_>]) -> String {
        load(name, texts)
            .expect_err("a wrong theme was taken")
            .to_string()
    }

    #[test]
    fn an_unknown_theme_and_an_unknown_key_list_what_there_is() {
        let night = night();
        assert_eq!(
            message("nope", &[("night", &night), ("mine", "")]),
            "there is no theme nope; there are auto, night, mine"
        );
        assert!(message("nigth", &[("night", &night)]).ends_with("; did you mean night?"));
        assert_eq!(
            message(
                "mine",
                &[
                    ("night", &night),
                    ("mine", "extends = \"night\"\nzzzzzzzz = 1\n")
                ]
            ),
            "theme mine, line 2: unknown key zzzzzzzz; there are extends, paint_ground, palette, roles"
        );
    }

    #[test]
    fn a_misspelt_role_is_named_with_its_line_and_the_nearest() {
        let text = night().replace("healthy = \"teal\"", "haelthy = \"teal\"");
        assert_eq!(
            message("night", &[("night", &text)]),
            "theme night, line 29: roles.haelthy is not a role; did you mean healthy?"
        );
    }

    #[test]
    fn mistakes_say_where_and_what_would_be_right() {
        let base = night();
        let table = [
            (
                "watch = \"amber\"",
                "watch = \"ambre\"",
                "line 30: roles.watch names no colour of the palette: ambre; did you mean amber?",
            ),
            (
                "\"#f7bf05\"",
                "\"#f7bf0\"",
                "line 14: palette.amber must be a colour like",
            ),
            (
                "[\"bold\"]",
                "[\"blod\"]",
                "unknown attribute blod; did you mean bold?",
            ),
            (
                "[palette]",
                "[pallete]",
                "line 5: unknown key pallete; did you mean palette?",
            ),
            (
                "paint_ground = false",
                "paint_ground = 3",
                "line 3: paint_ground cannot be a",
            ),
            ("accent = \"sky\"\n", "", "line 20: roles.accent is missing"),
            (
                "colour = \"white\"",
                "color = \"white\"",
                "did you mean colour?",
            ),
            ("[roles]", "[roles", "line 20"),
        ];
        for (old, new, want) in table {
            let said = message("night", &[("night", &base.replace(old, new))]);
            assert!(said.contains(want), "{said}\n  should contain\n{want}");
        }
    }

    #[test]
    fn a_theme_may_extend_another_and_repaint_its_palette() {
        let base = night();
        let mine =
            "extends = \"night\"\n[palette]\nteal = \"#00ffff\"\n[roles]\nwatch = \"#ffffff\"\n";
        let texts = [("night", base.as_str()), ("mine", mine)];
        let sheet = load("mine", &texts).expect("loads");
        assert_eq!(sheet.paint(Role::Healthy).colour, Some(Rgb(0, 255, 255)));
        assert_eq!(sheet.paint(Role::Watch).colour, Some(Rgb(255, 255, 255)));
        assert_eq!(
            sheet.paint(Role::Failing),
            load("night", &texts).expect("loads").paint(Role::Failing)
        );
    }

    #[test]
    fn a_users_theme_may_extend_the_shipped_one_of_the_same_name() {
        let base = night();
        let mine = "extends = \"night\"\npaint_ground = true\n";
        let sheet = load("night", &[("night", &base), ("night", mine)]).expect("loads");
        assert!(sheet.paint_ground);
    }

    #[test]
    fn circles_and_unknown_names_end_in_a_sentence() {
        let texts = [("a", "extends = \"b\""), ("b", "extends = \"a\"")];
        assert!(message("a", &texts).contains("circle"));
        assert!(message("a", &[("a", "extends = \"a\"")]).contains("names no theme"));
        assert!(message("nihgt", &[("night", "")]).contains("did you mean night?"));
    }
}
