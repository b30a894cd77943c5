//! The terminal is given back whatever happens: a child of this very test program takes a real one (a pty) and ends in each way.
//! The children are the tests named `child_*`; without their variable they do nothing.

use std::io::Read;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vigie::terminal::{self, Guard, Options, Signals};

const SECRET: &str = "eyJhbGciOiJIUzI1NiJ9a1b2c3d4e5f6g7h8i9j0k1l2m3";

/// The folder for reports, in a child that is meant.
fn asked() -> Option<std::path::PathBuf> {
    std::env::var_os("VIGIE_TEST_TERMINAL").map(Into::into)
}

fn take() -> Guard {
    let guard = Guard::enter(Options {
        mouse: true,
        kitty_keys: true,
    })
    .unwrap();
    terminal::write("drawing").unwrap();
    guard
}

#[test]
fn child_that_leaves() {
    if asked().is_some() {
        take().leave();
    }
}

#[test]
fn child_that_panics_without_a_screen() {
    if let Some(folder) = asked() {
        terminal::install_panic_hook(folder, None);
        panic!("refused: Bearer {SECRET}");
    }
}

#[test]
fn child_that_panics_while_drawing() {
    if let Some(folder) = asked() {
        terminal::install_panic_hook(folder, None);
        let _guard = take();
        panic!("refused: Bearer {SECRET}");
    }
}

#[test]
fn child_that_panics_beside_the_drawing() {
    if let Some(folder) = asked() {
        let mut crashes = terminal::crashes();
        terminal::install_panic_hook(folder, None);
        let guard = take();
        let other = std::thread::spawn(|| panic!("elsewhere"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(crashes.changed()).unwrap();
        terminal::write(" and still drawing").unwrap();
        assert!(other.join().is_err());
        guard.leave();
        terminal::tell(&crashes.borrow().clone().unwrap());
    }
}

#[test]
fn child_that_is_terminated() {
    if asked().is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::listen().unwrap();
            let guard = take();
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
            let signal = signals.next().await;
            guard.leave();
            assert_eq!(signal, terminal::Signal::Terminate);
        });
    }
}

/// Runs a child in a terminal of its own until it ends; what that terminal then shows, and all that was sent to it.
fn in_a_terminal(child: &str, folder: &Path) -> (vt100::Parser, String) {
    let pty = native_pty_system()
        .openpty(PtySize {
            rows: 40,
            cols: 200,
            pixel_width: 0,
            pixel_height: 0,
        })
        .unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args([
        &format!("terminal::{child}"),
        "--exact",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env("VIGIE_TEST_TERMINAL", folder);
    let mut running = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().unwrap();
    let reading = std::thread::spawn(move || {
        let mut sent = Vec::new();
        // Linux reports the end of a pty as an error; what came before it counts.
        let _ = reader.read_to_end(&mut sent);
        sent
    });
    running.wait().unwrap();
    drop(pty.master);
    let sent = reading.join().unwrap();
    let size = |cells| NonZeroU16::new(cells).unwrap();
    let mut screen = vt100::Parser::new(size(40), size(200), 0);
    screen.process(&sent);
    (screen, String::from_utf8_lossy(&sent).into_owned())
}

fn given_back(screen: &vt100::Screen) {
    assert!(!screen.alternate_screen(), "the alternate screen is left");
    assert!(!screen.bracketed_paste(), "bracketed paste is off");
    assert!(!screen.hide_cursor(), "the cursor shows");
    assert_eq!(
        screen.mouse_protocol_mode(),
        vt100::MouseProtocolMode::None,
        "the mouse is free"
    );
}

fn reports(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    for (child, crashed) in [
        ("child_that_leaves", false),
        ("child_that_is_terminated", false),
        ("child_that_panics_while_drawing", true),
        ("child_that_panics_beside_the_drawing", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (terminal, sent) = in_a_terminal(child, folder.path());
        assert!(
            sent.contains("drawing") && sent.contains("\x1b[?1049h"),
            "{child} took the screen: {sent:?}"
        );
        given_back(terminal.screen());
        assert_eq!(
            sent.matches("\x1b[?1049l").count(),
            1,
            "{child} left once: {sent:?}"
        );
        assert_eq!(
            reports(folder.path()).len(),
            usize::from(crashed),
            "{child}"
        );
        assert_eq!(
            terminal
                .screen()
                .contents()
                .contains("a mistake of its own"),
            crashed,
            "{child}: {}",
            terminal.screen().contents()
        );
    }
}

#[test]
fn a_panic_beside_the_drawing_does_not_touch_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let (_, sent) = in_a_terminal("child_that_panics_beside_the_drawing", folder.path());
    let (drawn, left) = (sent.find("and still drawing"), sent.find("\x1b[?1049l"));
    assert!(drawn.is_some() && drawn < left, "{sent:?}");
}

#[test]
fn a_crash_report_says_where_and_keeps_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "terminal::child_that_panics_without_a_screen",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("VIGIE_TEST_TERMINAL", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr).into_owned();
    let report = reports(folder.path()).concat();
    assert!(
        said.contains("tests/it/terminal.rs:") && said.contains("The report is "),
        "{said}"
    );
    assert!(
        report.contains("refused: Bearer [redacted]")
            && report.contains("child_that_panics_without_a_screen"),
        "{report}"
    );
    assert!(!said.contains(SECRET) && !report.contains(SECRET));
}

#[test]
fn without_a_terminal_the_screen_cannot_be_taken() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["terminal::child_that_leaves", "--exact", "--nocapture"])
        .env("VIGIE_TEST_TERMINAL", folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[child.stdout, child.stderr].concat()).into_owned();
    assert!(
        said.contains("there is no terminal here") && !said.contains("\x1b[?1049h"),
        "{said}"
    );
}

#[test]
fn asking_a_terminal_for_its_ground_needs_a_terminal() {
    let xterm = |name: &str| (name == "TERM").then(|| "dumb".to_owned());
    assert_eq!(terminal::ground(Duration::from_millis(50), xterm), None);
}
