//! File, environment and flags become one validated configuration; mistakes name file, line, column and key.
