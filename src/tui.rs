//! The loop: input, facts and frames go in, update decides, a frame is drawn when something changed.
