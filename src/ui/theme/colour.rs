//! Colours as numbers: hexadecimal, OKLab, and the nearest of the terminal's 256. What a colour is for
//! lives in the roles.

use ratatui::style::Color;

/// A colour in sRGB, eight bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Reads `#rrggbb`.
    pub fn hex(text: &str) -> Option<Rgb> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Rgb(channel(0)?, channel(2)?, channel(4)?))
    }

    /// The channels as linear light, 0 to 1.
    pub fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// The colour as the terminal is told it, exactly.
    pub fn exact(self) -> Color {
        Color::Rgb(self.0, self.1, self.2)
    }

    /// The nearest of the colours 16 to 255 by OKLab distance. The first sixteen are left alone: every
    /// terminal shows others.
    pub fn nearest_256(self) -> Color {
        let own = oklab(self.linear());
        let far = |index: &u8| distance(own, oklab(indexed(*index).linear()));
        let nearest = (16..=255u8).min_by(|a, b| far(a).total_cmp(&far(b)));
        Color::Indexed(nearest.unwrap_or(255))
    }
}

/// The colour behind index 16 to 255: a cube of six levels, then 24 greys.
pub fn indexed(index: u8) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return Rgb(grey, grey, grey);
    }
    let cube = index.saturating_sub(16);
    Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}

const CONES: [[f64; 3]; 3] = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const OPPONENTS: [[f64; 3]; 3] = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];

/// Linear light to OKLab: lightness, then green to red, then blue to yellow.
pub fn oklab(light: [f64; 3]) -> [f64; 3] {
    through(OPPONENTS, through(CONES, light).map(f64::cbrt))
}

/// A matrix times a colour.
pub fn through(matrix: [[f64; 3]; 3], colour: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| {
        row.iter()
            .zip(colour)
            .map(|(weight, channel)| weight * channel)
            .sum()
    })
}

/// How far apart two colours in OKLab look.
pub fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!(Rgb::hex("#11151c"), Some(Rgb(0x11, 0x15, 0x1c)));
        for wrong in [
            "11151c", "#11151", "#11151cc", "#1115gg", "#+1+2+3", "", "#ééé",
        ] {
            assert_eq!(Rgb::hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn oklab_matches_the_published_points() {
        let white = oklab(Rgb(255, 255, 255).linear());
        assert!((white[0] - 1.0).abs() < 1e-3 && white[1].abs() < 1e-3 && white[2].abs() < 1e-3);
        let red = oklab(Rgb(255, 0, 0).linear());
        for (have, want) in red.iter().zip([0.628, 0.225, 0.126]) {
            assert!((have - want).abs() < 1e-3, "{red:?}");
        }
    }

    #[test]
    fn colours_of_the_cube_and_greys_are_their_own_nearest() {
        for index in [16u8, 21, 46, 196, 231, 232, 244, 255] {
            let Color::Indexed(nearest) = indexed(index).nearest_256() else {
                panic!("not indexed")
            };
            assert_eq!(indexed(nearest), indexed(index));
        }
        assert_eq!(Rgb(250, 5, 3).nearest_256(), Color::Indexed(196));
    }
}
