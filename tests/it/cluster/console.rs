//! The console in a real terminal (a pty), as an operator has it: what the screen shows, and keys.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::world::World;

const WIDTH: u16 = 180;
const HEIGHT: u16 = 50;
/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running console; ended when dropped.
pub struct Console {
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn MasterPty + Send>,
}

impl Console {
    /// Opens it as one of the cluster's people in the test's namespace, with a home of its own.
    pub fn open(world: &World, user: &str, home: &Path) -> Self {
        let size = PtySize {
            rows: HEIGHT,
            cols: WIDTH,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(["--namespace", &world.namespace]);
        // The same environment as any other program of the test's people.
        for (name, value) in world.command("", user).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("HOME", home);
        command.env("XDG_CONFIG_HOME", home.join("config"));
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("VIGIE_TEST_NO_QUERIES", "1");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let cells = |count| NonZeroU16::new(count).unwrap();
        let screen = vt100::Parser::new(cells(HEIGHT), cells(WIDTH), 0);
        let screen = Arc::new(Mutex::new(screen));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shown = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 16384];
            // Linux reports the end of a pty as an error; what came before it counts.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            screen,
            child,
            keys: pair.master.take_writer().unwrap(),
            _master: pair.master,
        }
    }

    /// What the screen shows now.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows what is looked for; a test that waits in vain shows what it had.
    pub fn until<T>(&self, what: &str, seen: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if let Some(seen) = seen(&text) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "never: {what}\n{text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Leaves it as an operator does; gives its exit code.
    pub fn leave(mut self) -> u32 {
        self.keys("q");
        self.child.wait().unwrap().exit_code()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
