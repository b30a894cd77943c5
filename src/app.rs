//! App: everything the operator can see or has chosen. One owner; update is the only place it changes.
