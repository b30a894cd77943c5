//! The append-only, hash-chained, synced record of runs, its recovery and its verification.
