//! The console in a real terminal (a pty), as an operator has it: what the screen shows, and keys.

use std::path::Path;

use super::world::World;
use crate::pty::Seat;

/// A running console; ended when dropped.
pub struct Console(Seat);

impl Console {
    /// Opens it as one of the cluster's people in the test's namespace, with a home of its own.
    pub fn open(world: &World, user: &str, home: &Path) -> Self {
        // The same environment as any other program of the test's people, but for its home.
        let command = world.command("", user);
        let around: Vec<(String, String)> = command
            .get_envs()
            .filter(|(name, _)| !name.to_string_lossy().starts_with("XDG_") && *name != "HOME")
            .filter_map(|(name, value)| Some((name.to_str()?.into(), value?.to_str()?.into())))
            .collect();
        let around: Vec<(&str, &str)> = around.iter().map(|(n, v)| (&**n, &**v)).collect();
        let arguments = ["--namespace", &world.namespace];
        Self(Seat::take(home, (180, 50), &arguments, &around))
    }

    /// Waits until the screen shows what is looked for; a test that waits in vain shows what it had.
    pub fn until<T>(&mut self, what: &str, seen: impl Fn(&str) -> Option<T>) -> T {
        self.0.waits(what, |text| seen(text).is_some());
        seen(&self.0.text()).unwrap()
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.0.press(keys);
    }

    /// Leaves it as an operator does; gives its exit code.
    pub fn leave(mut self) -> u32 {
        self.0.leave()
    }
}
