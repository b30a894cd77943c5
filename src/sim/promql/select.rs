//! Looks up the series of every selector of a query once, before anything is computed, so that the store need
//! only be held for that long.

use super::ast::{Expr, Kind, Pin, Selector, Shift};
use super::value::{Series, Store, Window};

/// How far back an instant selector looks for its newest sample.
pub const LOOKBACK: i64 = 300_000;
/// The resolution of a subquery that names none.
pub const SUBQUERY_STEP: i64 = 60_000;

/// The series of a query, by the selectors' numbers.
pub struct Selected(Vec<Vec<Box<dyn Series>>>);

impl Selected {
    /// Looks up all selectors of an expression for the moments of a window.
    pub fn new(expr: &Expr, store: &dyn Store, window: Window) -> Self {
        let mut found = Self(Vec::new());
        found.visit(expr, store, window, window);
        found
    }

    /// The series of one selector.
    pub fn series(&self, id: usize) -> impl Iterator<Item = &dyn Series> {
        self.0.get(id).into_iter().flatten().map(AsRef::as_ref)
    }

    /// `reach` is the stretch that is looked at here, `window` the query's own.
    fn visit(&mut self, expr: &Expr, store: &dyn Store, reach: Window, window: Window) {
        match &expr.kind {
            Kind::Number(_) | Kind::Text(_) => {}
            Kind::Vector(selector) => self.look_up(selector, LOOKBACK, store, reach, window),
            Kind::Matrix(selector, range) => self.look_up(selector, *range, store, reach, window),
            Kind::Subquery {
                inner,
                range,
                shift,
                ..
            } => {
                let (start, end) = shifted(*shift, reach, window);
                let reach = Window {
                    start: start - range,
                    end,
                    ..reach
                };
                self.visit(inner, store, reach, window);
            }
            Kind::Call(_, args) => args
                .iter()
                .for_each(|arg| self.visit(arg, store, reach, window)),
            Kind::Aggregate { inner, param, .. } => {
                if let Some(param) = param {
                    self.visit(param, store, reach, window);
                }
                self.visit(inner, store, reach, window);
            }
            Kind::Binary { left, right, .. } => {
                self.visit(left, store, reach, window);
                self.visit(right, store, reach, window);
            }
            Kind::Negate(inner) | Kind::Paren(inner) => self.visit(inner, store, reach, window),
        }
    }

    fn look_up(
        &mut self,
        selector: &Selector,
        back: i64,
        store: &dyn Store,
        reach: Window,
        window: Window,
    ) {
        let (start, end) = shifted(selector.shift, reach, window);
        if self.0.len() <= selector.id {
            self.0.resize_with(selector.id + 1, Vec::new);
        }
        self.0[selector.id] = store.select(selector, start - back, end);
    }
}

/// The first and last moment looked at, with offset and `@` applied.
fn shifted(shift: Shift, reach: Window, window: Window) -> (i64, i64) {
    let moment = |at| moment(shift, at, window);
    (moment(reach.start), moment(reach.end))
}

/// The moment looked at when a query is evaluated at another.
pub fn moment(shift: Shift, at: i64, window: Window) -> i64 {
    let base = match shift.pin {
        Some(Pin::At(pinned)) => pinned,
        Some(Pin::Start) => window.start,
        Some(Pin::End) => window.end,
        None => at,
    };
    base - shift.offset
}
