//! Everything that can be wrong from outside: one clear sentence with what to do, the documented exit code, and nothing left behind.

mod seats;

use std::process::{Command, Stdio};
use std::time::Duration;

use vigie::sim::scenario::Scenario;

use super::command::{Home, Said, no_crash, plain};

/// It ended with this code, nothing on stdout, and said all of these; in a few lines, without a backtrace or an escape.
fn told(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    for part in parts {
        assert!(said.err.contains(part), "no `{part}` in {said:?}");
    }
    assert!(
        said.err.lines().count() <= 12 && plain(&said.err),
        "{said:?}"
    );
    assert!(
        !said.err.contains("panicked") && !said.err.contains("RUST_BACKTRACE"),
        "{said:?}"
    );
}

/// A kubeconfig for one server.
fn kubeconfig(server: &str, cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: c, user: u, namespace: veza-production}}}}]\n"
    )
}

#[tokio::test]
async fn a_wrong_flag_or_value_is_told_with_what_would_do() {
    let home = Home::new();
    for (arguments, parts) in [
        (&["--namespce", "x"][..], &["--namespce", "--namespace"][..]),
        (&["statsu"], &["statsu", "status"]),
        (&["status", "-n", "x", "-A"], &["cannot be used with"]),
        (&["status", "--output", "xml"], &["xml", "json"]),
        (&["demo", "--frame", "12"], &["120x40"]),
        (&["demo", "--frame", "9999x9999"], &["500x300"]),
        (
            &["demo", "--scenario", "nope"],
            &[
                "nope",
                "bad-release",
                "crash-loop",
                "image-missing",
                "slow-dependency",
                "healthy",
                "large",
            ],
        ),
        (&["demo", "--seed", "x"], &["--seed"]),
        (&["--open", "nowhere"], &["overview", "rollout/NAME"]),
        (&["rollout", "watch", "x", "--until", "never"], &["done"]),
        (&["--as-group", "x", "status"], &["--as"]),
        (&["--theme", "nigth", "status"], &["nigth", "night"]),
        (
            &["--config", "/nonexistent/c.toml", "status"],
            &["--config", "/nonexistent/c.toml", "vigie config path"],
        ),
    ] {
        told(&home.run(arguments).await, 2, parts);
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_told_with_its_place_by_every_command() {
    let home = Home::new();
    for (text, parts) in [
        (
            "thme = \"night\"\n",
            &["config.toml:1:1", "thme", "theme"][..],
        ),
        ("theme = 3\n", &["config.toml:1"]),
        (
            "theme = \"nigth\"\n",
            &["config.toml:1:9", "nigth", "night"],
        ),
        ("theme = \"night\n", &["config.toml:1"]),
        (
            "\n[keys]\nlgs = [\"l\"]\n",
            &["config.toml:3:1", "lgs", "logs"],
        ),
        ("[keys]\nlogs = [\"d\"]\n", &["config.toml:2:8", "`d`"]),
        ("[thresholds]\np99 = \"fast\"\n", &["config.toml:2", "fast"]),
    ] {
        home.write("config/vigie/config.toml", text);
        for arguments in [
            &["status"][..],
            &["config", "check"],
            &["demo", "--frame", "80x24"],
        ] {
            told(&home.run(arguments).await, 2, parts);
        }
        let doctor = home.run(&["doctor"]).await;
        assert!(
            doctor.code == Some(2) && doctor.out.contains("not ok  configuration"),
            "{doctor:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_kubeconfig_or_context_is_told() {
    let mut home = Home::new();
    let missing = home.path("nowhere");
    told(
        &home.run(&["status", "--kubeconfig", &missing]).await,
        2,
        &["nowhere", "kubeconfig"],
    );
    home.write("broken", "{{{ not yaml");
    let broken = home.path("broken");
    told(
        &home.run(&["status", "--kubeconfig", &broken]).await,
        2,
        &["broken", "valid YAML", "line 1"],
    );
    home.write("good", &kubeconfig("http://127.0.0.1:1", "", ""));
    let good = home.path("good");
    told(
        &home
            .run(&["status", "--kubeconfig", &good, "--context", "tset"])
            .await,
        2,
        &["tset", "test"],
    );
    home.write("plugin", &kubeconfig("http://127.0.0.1:1", "", "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}"));
    let plugin = home.path("plugin");
    told(
        &home.run(&["status", "--kubeconfig", &plugin]).await,
        2,
        &["no-such-plugin"],
    );
    home.set("KUBECONFIG", &missing);
    let doctor = home.run(&["doctor"]).await;
    assert!(
        doctor.code == Some(1) && doctor.out.contains("not ok  kubeconfig"),
        "{doctor:?}"
    );
    assert!(no_crash(home.folder.path()));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_or_trusted_is_told_and_nothing_is_healthy() {
    let mut home = Home::new();
    home.write("k", &kubeconfig("https://127.0.0.1:1", "", ""));
    let path = home.path("k");
    home.set("KUBECONFIG", &path);
    for arguments in [&["status"][..], &["rollout", "status", "veza-backend"]] {
        told(
            &home.run(arguments).await,
            4,
            &["127.0.0.1:1", "connection refused", "Check that"],
        );
    }
    let (code, status) = home.json(&["status"]).await;
    assert_eq!(
        (code, &status["verdict"]["level"]),
        (Some(4), &"unknown".into())
    );
    home.write(
        "k",
        &kubeconfig("https://no-such-host.invalid:6443", "", ""),
    );
    told(
        &home.run(&["status"]).await,
        4,
        &["no-such-host.invalid", "Check that"],
    );
}

/// A server with a certificate that expired long ago, by openssl; none where there is no openssl.
fn expired(home: &Home) -> Option<(std::process::Child, u16)> {
    let (key, cert) = (home.path("tls.key"), home.path("tls.crt"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args([
            "-not_before",
            "20200101000000Z",
            "-not_after",
            "20200201000000Z",
            "-keyout",
            &key,
            "-out",
            &cert,
        ])
        .stderr(Stdio::null())
        .status()
        .ok()?;
    if !made.success() {
        return None;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .ok()?
        .local_addr()
        .ok()?
        .port();
    let child = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
            &key,
            "-cert",
            &cert,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let listening = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    (0..100).find(|_| {
        listening() || {
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(50));
            false
        }
    })?;
    Some((child, port))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told() {
    let mut home = Home::new();
    let Some((mut server, port)) = expired(&home) else {
        eprintln!("skipped: no openssl that makes expired certificates");
        return;
    };
    let authority = format!(", certificate-authority: \"{}\"", home.path("tls.crt"));
    home.write(
        "k",
        &kubeconfig(&format!("https://127.0.0.1:{port}"), &authority, ""),
    );
    let path = home.path("k");
    home.set("KUBECONFIG", &path);
    let said = home.run(&["status"]).await;
    server.kill().unwrap();
    server.wait().unwrap();
    told(&said, 4, &["certificate expired", "clock"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_workload_or_right_that_is_missing_is_told() {
    let home = Home::on(Scenario::Healthy, 60).await;
    told(
        &home.run(&["status", "-n", "veza-prodction"]).await,
        2,
        &["no namespace veza-prodction", "veza-production"],
    );
    told(
        &home.run(&["rollout", "status", "veza-backnd"]).await,
        2,
        &["no Deployment veza-backnd", "Deployment/veza-backend"],
    );
    told(
        &home.run(&["rollout", "history", "sts/veza-backend"]).await,
        2,
        &["no StatefulSet veza-backend"],
    );
    let stranger = home.run(&["status", "--as", "nobody-in-particular"]).await;
    told(
        &stranger,
        4,
        &[
            "may not act as somebody else",
            "Ask for the right to impersonate users",
        ],
    );
    assert!(stranger.out.starts_with("UNKNOWN"), "{stranger:?}");
}

#[tokio::test]
async fn a_console_without_a_terminal_says_what_does_without() {
    let home = Home::new();
    for arguments in [&[][..], &["--open", "pods"], &["--alert", "HighErrorRate"]] {
        told(
            &home.run(arguments).await,
            2,
            &["no terminal", "vigie status", "vigie demo --frame"],
        );
    }
}

#[tokio::test]
async fn a_home_that_cannot_be_written_or_a_log_level_that_is_none_is_told() {
    let mut home = Home::new();
    home.write("state", "a file");
    let said = home.run(&["demo", "--frame", "80x24"]).await;
    assert_eq!(
        said.code,
        Some(0),
        "looking needs no state directory: {said:?}"
    );
    home.set("VIGIE_LOG", "vigie=loudly");
    std::fs::remove_file(home.folder.path().join("state")).unwrap();
    told(
        &home.run(&["demo", "--frame", "80x24"]).await,
        2,
        &["VIGIE_LOG", "loudly", "debug"],
    );
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_names_its_file_and_what_is_wrong() {
    let home = Home::new();
    home.write("random", "\u{1}\u{2}: [");
    home.write("empty", "");
    home.write("folder/x", "");
    let exec = |script: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\"-c\", \"{script}\"], interactiveMode: Never}}"
        )
    };
    let at = |cluster: &str, user: &str| kubeconfig("https://127.0.0.1:1", cluster, user);
    let missing = home.path("missing.pem");
    for (name, text) in [
        (
            "authority",
            at(&format!(", certificate-authority: {missing}"), ""),
        ),
        ("base64", at(", certificate-authority-data: \"!!\"", "")),
        (
            "certificate",
            at(
                "",
                &format!("client-certificate: {missing}, client-key: {missing}"),
            ),
        ),
        ("token", at("", &format!("tokenFile: {missing}"))),
        ("address", kubeconfig("not an address", "", "")),
        (
            "cluster",
            at("", "").replace("cluster: c,", "cluster: another,"),
        ),
        ("current", at("", "").replace("current-context: test\n", "")),
        ("failing", at("", &exec("echo hush-hush; exit 7"))),
        ("gibberish", at("", &exec("echo hush-hush"))),
    ] {
        home.write(name, &text);
    }
    for (name, code, parts) in [
        ("random", 2, &["random", "valid YAML"][..]),
        ("empty", 2, &["empty", "no contexts"]),
        ("folder", 2, &["folder cannot be read", "directory"]),
        ("nowhere", 2, &["nowhere", "not found"]),
        (
            "authority",
            2,
            &["certificate authority", "missing.pem", "not found"],
        ),
        ("base64", 2, &["certificate authority", "base64"]),
        (
            "certificate",
            2,
            &["client certificate", "missing.pem", "not found"],
        ),
        ("token", 2, &["token file", "missing.pem", "not found"]),
        ("address", 2, &["address is not valid"]),
        ("cluster", 2, &["cluster another", "not in the kubeconfig"]),
        ("current", 2, &["no current context", "test"]),
        ("failing", 4, &["plugin sh failed", "exit status: 7"]),
        ("gibberish", 4, &["plugin sh", "no credential"]),
    ] {
        let path = home.path(name);
        let said = home.run(&["status", "--kubeconfig", &path]).await;
        told(&said, code, parts);
        assert!(!said.err.contains("hush"), "{said:?}");
    }
}
