//! The query language of Prometheus, as far as dashboards and alerts use it: read a query, look up its series,
//! evaluate it at one moment or many. Knows nothing of where series come from or how answers are sent.

pub mod aggregate;
pub mod ast;
pub mod binary;
pub mod columns;
pub mod cursor;
pub mod eval;
pub mod functions;
pub mod labels;
pub mod lex;
pub mod parse;
pub mod pattern;
pub mod quantile;
pub mod relabel;
pub mod select;
pub mod typing;
pub mod value;
pub mod windows;
