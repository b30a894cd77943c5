//! Runs effects: spawns watchers, performs actions, reports facts back. Owns the clock.
