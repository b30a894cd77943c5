//! Chords to commands: parsing, conflicts, descriptions. Help and hints are made from it.

pub mod chord;
