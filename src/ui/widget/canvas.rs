//! A grid of dots behind a grid of cells: eight braille dots to a cell, or one sign in ASCII. Lines are drawn in
//! dots; which cell shows which sign falls out of it.

use ratatui::style::Style;

/// The bit of each braille dot, by row and column inside a cell.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// How a line is drawn; colour alone does not tell two lines apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Every dot.
    Solid,
    /// Every other dot.
    Dotted,
}

/// Dots not yet on the screen.
pub struct Canvas {
    columns: usize,
    rows: usize,
    braille: bool,
    cells: Vec<Ink>,
}

#[derive(Clone, Copy, Default)]
struct Ink {
    dots: u8,
    sign: char,
    style: Style,
}

impl Canvas {
    /// A blank canvas of so many cells.
    pub fn new(columns: usize, rows: usize, braille: bool) -> Canvas {
        Canvas {
            columns,
            rows,
            braille,
            cells: vec![Ink::default(); columns * rows],
        }
    }

    /// Dots across and down.
    pub fn dots(&self) -> (usize, usize) {
        if self.braille {
            (self.columns * 2, self.rows * 4)
        } else {
            (self.columns, self.rows)
        }
    }

    /// The sign and style of a cell, if anything was drawn in it.
    pub fn cell(&self, column: usize, row: usize) -> Option<(char, Style)> {
        if column >= self.columns {
            return None;
        }
        let ink = self
            .cells
            .get(row * self.columns + column)
            .filter(|ink| ink.dots != 0)?;
        let braille = char::from_u32(0x2800 + u32::from(ink.dots)).unwrap_or(' ');
        Some((if self.braille { braille } else { ink.sign }, ink.style))
    }

    /// Draws a line through dots, one after the other.
    pub fn line(&mut self, points: &[(usize, usize)], stroke: Stroke, style: Style) {
        let mut pen = Pen {
            last: None,
            count: 0,
            stroke,
            style,
        };
        let Some(first) = points.first() else { return };
        self.dot(*first, &mut pen);
        for pair in points.windows(2) {
            if let [from, to] = pair {
                self.segment(*from, *to, &mut pen);
            }
        }
    }

    fn segment(&mut self, from: (usize, usize), to: (usize, usize), pen: &mut Pen) {
        let (dx, dy) = (to.0 as i64 - from.0 as i64, to.1 as i64 - from.1 as i64);
        let steps = dx.abs().max(dy.abs());
        for step in 1..=steps {
            let along = |start: usize, way: i64| {
                let moved = (2 * way * step + steps * way.signum()) / (2 * steps);
                (start as i64 + moved).max(0) as usize
            };
            self.dot((along(from.0, dx), along(from.1, dy)), pen);
        }
    }

    fn dot(&mut self, place: (usize, usize), pen: &mut Pen) {
        if pen.last == Some(place) {
            return;
        }
        pen.last = Some(place);
        pen.count += 1;
        if self.braille && pen.stroke == Stroke::Dotted && pen.count.is_multiple_of(2) {
            return;
        }
        let (x, y) = place;
        let (across, down) = if self.braille { (2, 4) } else { (1, 1) };
        if x / across >= self.columns || y / down >= self.rows {
            return;
        }
        let Some(ink) = self.cells.get_mut(y / down * self.columns + x / across) else {
            return;
        };
        ink.dots |= BITS
            .get(y % down)
            .and_then(|row| row.get(x % across))
            .copied()
            .unwrap_or(0);
        ink.sign = if pen.stroke == Stroke::Solid {
            '*'
        } else {
            '+'
        };
        ink.style = pen.style;
    }
}

struct Pen {
    last: Option<(usize, usize)>,
    count: usize,
    stroke: Stroke,
    style: Style,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(canvas: &Canvas, row: usize) -> String {
        (0..canvas.columns)
            .map(|x| canvas.cell(x, row).map_or(' ', |(sign, _)| sign))
            .collect()
    }

    #[test]
    fn the_two_strokes_differ_without_colour() {
        let mut canvas = Canvas::new(4, 1, true);
        canvas.line(&[(0, 3), (7, 3)], Stroke::Solid, Style::new());
        assert_eq!(row(&canvas, 0), "⣀⣀⣀⣀");
        let mut canvas = Canvas::new(4, 1, true);
        canvas.line(&[(0, 3), (3, 3), (7, 3)], Stroke::Dotted, Style::new());
        assert_eq!(row(&canvas, 0), "⡀⡀⡀⡀");
        let mut canvas = Canvas::new(4, 1, false);
        canvas.line(&[(0, 0), (1, 0)], Stroke::Solid, Style::new());
        canvas.line(&[(2, 0), (3, 0)], Stroke::Dotted, Style::new());
        assert_eq!(row(&canvas, 0), "**++");
    }

    #[test]
    fn slopes_climb_dot_by_dot_both_ways() {
        let mut up = Canvas::new(2, 1, true);
        up.line(&[(0, 3), (3, 0)], Stroke::Solid, Style::new());
        let mut down = Canvas::new(2, 1, true);
        down.line(&[(3, 0), (0, 3)], Stroke::Solid, Style::new());
        assert_eq!(row(&up, 0), "⡠⠊");
        assert_eq!(row(&down, 0), "⡠⠊");
    }

    #[test]
    fn a_single_point_is_a_dot_and_outside_is_nothing() {
        let mut canvas = Canvas::new(2, 1, true);
        canvas.line(&[(0, 0)], Stroke::Solid, Style::new());
        canvas.line(&[(90, 90)], Stroke::Solid, Style::new());
        assert_eq!(row(&canvas, 0), "⠁ ");
    }

    proptest! {
        #[test]
        fn any_line_on_any_canvas(
            points in proptest::collection::vec((0usize..300, 0usize..300), 0..12),
            columns in 0usize..40, rows in 0usize..20, braille in any::<bool>()
        ) {
            let mut canvas = Canvas::new(columns, rows, braille);
            canvas.line(&points, Stroke::Solid, Style::new());
            for y in 0..rows {
                prop_assert_eq!(row(&canvas, y).chars().count(), columns);
            }
        }
    }
}
