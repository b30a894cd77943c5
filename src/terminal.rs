//! Entering and leaving the terminal: raw mode, alternate screen, panic hook, signals, the log file. The only raw-mode code.
