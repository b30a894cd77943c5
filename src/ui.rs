//! Draws the App. Only reads; one file per thing you can point at.
