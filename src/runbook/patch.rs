//! Changes to one object as data: JSON merge patches with removed keys as null, the fields they touch with old
//! and new values, the lines a person confirms, and whether an answer carries what was meant.

mod field;
mod merge;
mod planned;
mod removal;
mod template;
#[cfg(test)]
mod tests;
mod words;

pub use field::{FieldChange, ObjectRef, Source};
pub use merge::{apply_merge, changes};
pub use planned::{Action, Planned, Standing};
pub use removal::plan_removal;
pub use template::{plan_rollback, restorable};
pub use words::{field_lines, template_lines};
