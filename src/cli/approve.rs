//! `vigie approve`: the second pair of eyes. Shows what a waiting run would do, signs it with an SSH key, and puts the
//! signature where the run looks for it, or prints it to be carried by hand.

use super::args::{Approve as Asked, Output};
use super::console::runtime;
use super::exit::{FAILING, Failed, NO, OK, UNKNOWN};
use super::session::Start;
use super::{print, shelf};
use crate::domain::target::Scope;
use crate::engine::clock::Clock;
use crate::engine::runs::{approvals, records};
use crate::journal::{AuditEvent, in_words};
use crate::platform::kubernetes::Cluster;
use crate::runbook::approval::{self, NAMESPACE, Request};
use crate::runbook::quantity::show_duration;
use crate::runbook::template::plain;
use crate::ui::widget::text::sanitize;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The key that is taken where none is named.
const KEY: &str = "~/.ssh/id_ed25519";

/// What is known of the other side.
struct Found {
    request: Request,
    cluster: Option<Cluster>,
    /// Who we are there.
    user: Option<String>,
    now: Timestamp,
}

/// `vigie approve`.
pub fn approve(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    // One for all: a connection ends with the runtime it was made in.
    let runtime = runtime()?;
    let found = runtime.block_on(find(start, asked))?;
    let request = &found.request;
    if let Some(run) = &asked.run {
        let wanted = run.to_ascii_uppercase();
        if wanted.len() < 4 || !(request.run.starts_with(&wanted) || request.run.ends_with(&wanted))
        {
            let why = format!("the request is of run {}, not of {run}", request.run);
            return refused(start, &found, &why);
        }
    }
    let json = start.global.output == Output::Json;
    if !json {
        print::text(&shown(&found))?;
    }
    if let Some(own) = found
        .user
        .as_ref()
        .filter(|user| request.not.contains(user))
    {
        let why = format!("{own} began or carried this run: somebody else must approve it");
        return refused(start, &found, &why);
    }
    if !confirmed(asked, &request.target.namespace)? {
        let namespace = &request.target.namespace;
        print::note(&format!("not signed; --confirm {namespace} signs it"));
        return Ok(FAILING);
    }
    let expires = found.now + SignedDuration::from_secs(request.ttl_s);
    let words = request.words(expires);
    let key = key(start, asked);
    let signature = sign(&key, &words.bytes())?;
    let text = words.text(&signature);
    let config = start.loaded.config();
    let signers = config.approvals.allowed_signers.as_deref();
    let signers = signers.map(|path| start.loaded.resolve(path));
    let mut by = format!("the key {}", key.display());
    if signers.is_some() {
        let file = shelf::allowed(signers.as_deref());
        let file = file.as_ref().map(String::as_str).map_err(String::as_str);
        match approval::judge(request, &text, file, found.now, &[]) {
            Ok(granted) => by = format!("{} ({})", granted.by, granted.key),
            Err(why) => return refused(start, &found, &why),
        }
    }
    write_down(start, &found, "approval.signed", &by)?;
    let carried = runtime.block_on(deliver(&found, &text));
    told(&found.request, &text, &by, carried, json)
}

/// The request of a code, or the one that was carried here as a text; and what its cluster says of itself.
async fn find(start: &Start, asked: &Asked) -> Result<Found, Failed> {
    let place = start.place();
    let by_hand = approval::is_request(&asked.code);
    let cluster = Cluster::connect(&place.options).await;
    let cluster = match cluster {
        Ok(cluster) => Some(cluster),
        Err(_) if by_hand => None,
        Err(failure) => return Err(Failed::unconnected(&failure)),
    };
    let mut request = None;
    if by_hand {
        request = Some(Request::read(&asked.code).map_err(Failed::usage)?);
    }
    let Some(cluster) = cluster else {
        let request = request.ok_or_else(|| Failed::usage("there is no request"))?;
        return Ok(unreached(request));
    };
    let request = match request {
        Some(request) => request,
        None => by_code(&cluster, place.scope.as_ref(), &asked.code).await?,
    };
    let ours = Clock::system().now();
    let asked_of = futures::join!(
        cluster.cluster_uid(),
        cluster.identity(),
        approvals::server_time(&cluster, ours)
    );
    let (Ok(uid), who, Some(now)) = asked_of else {
        if by_hand {
            return Ok(unreached(request));
        }
        return Err(Failed::new(UNKNOWN, "the cluster does not say which it is"));
    };
    if *uid != *request.target.cluster_uid {
        let there = &request.target.context;
        return Err(Failed::new(
            UNKNOWN,
            format!(
                "the request is of another cluster ({there}); choose its context with --context"
            ),
        ));
    }
    Ok(Found {
        request,
        cluster: Some(cluster),
        user: who.ok().map(|who| who.username),
        now,
    })
}

/// A request whose cluster cannot be asked: the time is ours, and what is signed is carried by hand.
fn unreached(request: Request) -> Found {
    print::note(
        "its cluster cannot be asked: this machine's clock counts, and what is signed is carried by hand",
    );
    Found {
        request,
        cluster: None,
        user: None,
        now: Clock::system().now(),
    }
}

async fn by_code(cluster: &Cluster, scope: Option<&Scope>, code: &str) -> Result<Request, Failed> {
    let namespace = match scope {
        Some(Scope::Namespace(name)) => name.clone(),
        Some(Scope::All) => return Err(Failed::usage("in which namespace? Name it with -n")),
        None => cluster.namespace().clone(),
    };
    let code = code.trim().to_ascii_uppercase();
    let silent = |failure: crate::platform::failure::Failure| {
        Failed::new(UNKNOWN, format!("{failure}\n{}", failure.advice()))
    };
    let Some(text) = approvals::request(cluster, &namespace, &code)
        .await
        .map_err(silent)?
    else {
        let known = approvals::codes(cluster, &namespace)
            .await
            .unwrap_or_default();
        let known = if known.is_empty() {
            "nothing waits for an approval there".to_owned()
        } else {
            format!("these wait: {}", known.join(", "))
        };
        return Err(Failed::usage(format!(
            "no request {} in {namespace}; {known}",
            sanitize(&code)
        )));
    };
    let request = Request::read(&text).map_err(|why| Failed::new(UNKNOWN, why))?;
    if request.code() != code {
        let why = "what stands under this code is another request: somebody changed it";
        return Err(Failed::new(NO, why));
    }
    if *request.target.namespace != *namespace {
        let why = format!(
            "what stands under this code is of namespace {}",
            request.target.namespace
        );
        return Err(Failed::new(NO, sanitize(&why)));
    }
    Ok(request)
}

/// Everything that is signed, to be read before.
fn shown(found: &Found) -> String {
    let Request {
        run,
        step,
        runbook,
        version,
        title,
        target,
        actor,
        reason,
        params,
        plans,
        ttl_s,
        ..
    } = &found.request;
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        // A string takes whatever is written.
        let _ = writeln!(text, "{label:<11} {}", sanitize(value));
    };
    line("runbook", &format!("{title} ({runbook} {version})"));
    line("run", &format!("{run}, begun by {actor}"));
    line("why", reason.as_deref().unwrap_or("no reason was given"));
    let place = format!(
        "{} in {} ({}), environment {}",
        target.namespace, target.context, target.server, target.environment
    );
    line("where", &place);
    line("step", step);
    for (name, value) in params {
        line("", &format!("{name} = {}", plain(value)));
    }
    for plan in plans {
        line("changes", &format!("{} {}", plan.kind, plan.object.short()));
        for change in &plan.lines {
            line("", change);
        }
    }
    if plans.is_empty() {
        line(
            "changes",
            "not worked out yet; the runbook says what follows",
        );
    }
    line("holds", &show_duration(SignedDuration::from_secs(*ttl_s)));
    line("digest", &found.request.digest());
    text
}

/// Whether the namespace was typed, here or beforehand.
fn confirmed(asked: &Asked, namespace: &str) -> Result<bool, Failed> {
    if asked.confirm.iter().any(|text| text == namespace) {
        return Ok(true);
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(false);
    }
    let mut screen = std::io::stderr();
    write!(screen, "type the namespace to sign this: ")?;
    screen.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim() == namespace)
}

fn key(start: &Start, asked: &Asked) -> PathBuf {
    let configured = start.loaded.config().approvals.key.as_deref();
    let named = asked.key.as_deref().map(|path| path.display().to_string());
    let named = named.as_deref().or(configured).unwrap_or(KEY);
    start.loaded.resolve(named)
}

/// Signs with OpenSSH's own program: it knows agents, passphrases and security keys, and asks for what it needs itself.
fn sign(key: &Path, message: &[u8]) -> Result<String, Failed> {
    let could_not = |why: String| Failed::new(UNKNOWN, format!("it could not be signed: {why}"));
    let child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child =
        child.map_err(|error| could_not(format!("ssh-keygen: {}", in_words(&error))))?;
    if let Some(mut input) = child.stdin.take() {
        // Closed before it read all: its exit code tells.
        let _ = input.write_all(message);
    }
    let output = child
        .wait_with_output()
        .map_err(|error| could_not(in_words(&error)))?;
    if !output.status.success() {
        let why = format!(
            "ssh-keygen refused {}; name another key with --key or [approvals] key",
            key.display()
        );
        return Err(could_not(why));
    }
    String::from_utf8(output.stdout).map_err(|_| could_not("the signature is no text".to_owned()))
}

/// Puts what was signed beside the request; whether it is there.
async fn deliver(found: &Found, text: &str) -> bool {
    let Some(cluster) = &found.cluster else {
        return false;
    };
    let (code, name) = (found.request.code(), approval_name(text));
    let namespace = &found.request.target.namespace;
    let sent = approvals::answer(cluster, namespace, (&code, &name), text).await;
    if let Err(failure) = &sent {
        print::note(&format!(
            "it could not be put beside the request: {failure}"
        ));
    }
    sent.is_ok()
}

/// Says that it is signed, and what to do where it must be carried by hand.
fn told(request: &Request, text: &str, by: &str, carried: bool, json: bool) -> Result<u8, Failed> {
    let place = if carried { approvals::PLACE } else { "by hand" };
    if json {
        let document = json!({
            "schema": 1, "run": request.run, "step": request.step, "code": request.code(), "by": by, "carried": place, "approval": text,
        });
        print::text(&print::line(&document))?;
        return Ok(OK);
    }
    let by = sanitize(by);
    let next = if carried {
        format!(
            "signed by {by}; the run goes on when it looks next, or with vigie resume {}\n",
            request.run
        )
    } else {
        format!(
            "signed by {by}\n\n{text}\n\nIt is carried to the run by hand: --answer {}=approval:TEXT, or pasted into its question.\n",
            request.step
        )
    };
    print::text(&next)?;
    Ok(OK)
}

/// A name for the entry, different for each signature.
fn approval_name(text: &str) -> String {
    use sha2::Digest as _;
    crate::runbook::canonical::hex(&sha2::Sha256::digest(text))
}

/// Says no, and writes it down.
fn refused(start: &Start, found: &Found, why: &str) -> Result<u8, Failed> {
    write_down(start, found, "approval.refused", why)?;
    Err(Failed::new(NO, sanitize(why)))
}

/// Puts what happened into this machine's audit log.
fn write_down(start: &Start, found: &Found, event: &str, what: &str) -> Result<(), Failed> {
    let request = &found.request;
    let fields = json!({
        "actor": records::actor(found.user.as_deref()),
        "app": {"version": env!("CARGO_PKG_VERSION")},
        "target": request.target,
        "run": {"id": request.run, "runbook": request.runbook, "version": request.version, "model": request.model, "plan": request.digest()},
        "step": request.step, "code": request.code(), "what": what,
    });
    let event = AuditEvent {
        ts: Clock::system().now(),
        event: event.to_owned(),
        fields: fields.as_object().cloned().unwrap_or_default(),
    };
    records::append(&start.loaded.state_dir(), &[event]).map_err(|why| Failed::new(UNKNOWN, why))
}
