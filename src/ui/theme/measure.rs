//! Measures a theme: contrast after WCAG 2, and how far apart the four verdicts stay for eyes that see fewer
//! colours (Machado, Oliveira and Fernandes 2009, full severity). Tests hold the shipped themes to the limits; a
//! user's own theme gets the same findings as advice.

use super::colour::{Rgb, distance, oklab, through};
use super::file::Sheet;
use super::role::Role;

/// Least contrast of text on both surfaces.
pub const TEXT_LIMIT: f64 = 4.5;
/// Least contrast of lines on the ground.
pub const LINE_LIMIT: f64 = 3.0;
/// Least OKLab distance between two verdicts under any vision.
pub const APART_LIMIT: f64 = 0.10;

const TEXTS: [Role; 9] = [
    Role::Text,
    Role::TextDim,
    Role::TextStrong,
    Role::Accent,
    Role::Healthy,
    Role::Watch,
    Role::Failing,
    Role::Unknown,
    Role::Armed,
];
const LINES: [Role; 5] = [
    Role::Border,
    Role::BorderFocus,
    Role::Threshold,
    Role::SeriesOld,
    Role::SeriesNew,
];
const VERDICTS: [Role; 4] = [Role::Healthy, Role::Watch, Role::Failing, Role::Unknown];

/// How an eye sees colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vision {
    /// Three working kinds of cone.
    Normal,
    /// Without the long waves.
    Protan,
    /// Without the middle waves.
    Deutan,
    /// Without the short waves.
    Tritan,
}

impl Vision {
    /// Every vision measured.
    pub const ALL: [Vision; 4] = [
        Vision::Normal,
        Vision::Protan,
        Vision::Deutan,
        Vision::Tritan,
    ];

    fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Vision::Normal => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Vision::Protan => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Vision::Deutan => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Vision::Tritan => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        }
    }

    /// The colour in OKLab as this eye has it.
    pub fn sees(self, colour: Rgb) -> [f64; 3] {
        oklab(through(self.matrix(), colour.linear()).map(|channel| channel.clamp(0.0, 1.0)))
    }
}

/// The contrast of two colours after WCAG 2: 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |colour: Rgb| {
        let [r, g, b] = colour.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// One thing measured below its limit.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A role that is hard to read on a surface.
    Faint {
        /// The role.
        role: Role,
        /// The surface it stands on.
        on: Role,
        /// The contrast measured.
        contrast: f64,
    },
    /// Two verdicts some eye cannot tell apart by colour.
    Alike {
        /// One verdict.
        one: Role,
        /// The other.
        other: Role,
        /// For whom.
        vision: Vision,
        /// The distance measured.
        distance: f64,
    },
}

/// Everything in the sheet that is below its limit. Roles without a colour have nothing to measure.
pub fn findings(sheet: &Sheet) -> Vec<Finding> {
    let mut found = Vec::new();
    for on in [Role::Surface, Role::SurfaceAlt] {
        found.extend(
            TEXTS
                .iter()
                .filter_map(|role| faint(sheet, *role, on, TEXT_LIMIT)),
        );
    }
    found.extend(
        LINES
            .iter()
            .filter_map(|role| faint(sheet, *role, Role::Surface, LINE_LIMIT)),
    );
    for vision in Vision::ALL {
        found.extend(alike(sheet, vision));
    }
    found
}

/// The lowest contrast of any text on either surface, and the smallest distance between verdicts.
pub fn lowest(sheet: &Sheet) -> Option<(f64, f64)> {
    let colour = |role: Role| sheet.paint(role).colour;
    let grounds = [colour(Role::Surface)?, colour(Role::SurfaceAlt)?];
    let texts = TEXTS.iter().filter_map(|role| colour(*role));
    let text = texts
        .flat_map(|own| grounds.map(|ground| contrast(own, ground)))
        .reduce(f64::min)?;
    let apart = Vision::ALL
        .into_iter()
        .flat_map(|vision| pairs(sheet, vision));
    Some((text, apart.map(|(_, _, far)| far).reduce(f64::min)?))
}

fn faint(sheet: &Sheet, role: Role, on: Role, limit: f64) -> Option<Finding> {
    let contrast = contrast(sheet.paint(role).colour?, sheet.paint(on).colour?);
    (contrast < limit).then_some(Finding::Faint { role, on, contrast })
}

fn alike(sheet: &Sheet, vision: Vision) -> impl Iterator<Item = Finding> {
    let near = pairs(sheet, vision)
        .into_iter()
        .filter(|(_, _, far)| *far < APART_LIMIT);
    near.map(move |(one, other, distance)| Finding::Alike {
        one,
        other,
        vision,
        distance,
    })
}

fn pairs(sheet: &Sheet, vision: Vision) -> Vec<(Role, Role, f64)> {
    let seen: Vec<(Role, [f64; 3])> = VERDICTS
        .iter()
        .filter_map(|role| Some((*role, vision.sees(sheet.paint(*role).colour?))))
        .collect();
    let mut pairs = Vec::new();
    for (at, (one, first)) in seen.iter().enumerate() {
        pairs.extend(
            seen.iter()
                .skip(at + 1)
                .map(|(other, second)| (*one, *other, distance(*first, *second))),
        );
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_matches_the_published_ends_and_a_known_middle() {
        assert!((contrast(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((contrast(Rgb(9, 9, 9), Rgb(9, 9, 9)) - 1.0).abs() < 1e-9);
        assert!((contrast(Rgb(0x77, 0x77, 0x77), Rgb(255, 255, 255)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn grey_stays_grey_for_every_eye() {
        for vision in Vision::ALL {
            let seen = vision.sees(Rgb(128, 128, 128));
            assert!(
                seen[1].abs() < 2e-3 && seen[2].abs() < 2e-3,
                "{vision:?} {seen:?}"
            );
        }
    }

    #[test]
    fn red_and_green_come_closer_without_the_middle_waves() {
        let (red, green) = (Rgb(200, 40, 40), Rgb(70, 130, 40));
        let apart = |vision: Vision| distance(vision.sees(red), vision.sees(green));
        assert!(apart(Vision::Deutan) < apart(Vision::Normal) / 2.0);
    }
}
