//! A runbook as plain data: the file format, the pure machine that runs it, checks and gates, the lint.
