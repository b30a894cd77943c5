//! The second pair of eyes: what somebody is asked to approve, what is signed, and whether what came back is a good answer.
//! Everything here is a judgement over texts; who carries them is the engine's business. An approval is for one step of one
//! run with one plan on one cluster, by somebody else, for a short time, once.

pub mod granted;
pub mod signers;
pub mod sshsig;

use crate::runbook::canonical::{self, hex};
use crate::runbook::machine::fact::RunTarget;
use crate::runbook::patch::Planned;
use crate::runbook::prose::bounded;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
pub use granted::Granted;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
pub use signers::NAMESPACE;
use std::collections::BTreeMap;

/// How long an approval holds unless the runbook says less.
pub const TTL: SignedDuration = SignedDuration::from_mins(15);
/// How far the server's clock may seem to be off between two questions.
const SLACK: SignedDuration = SignedDuration::from_secs(30);
/// The longest text of a request or an approval that is read.
const LONGEST: usize = 512 * 1024;
/// How the texts begin.
const REQUEST: &str = "vigie-request:";
const APPROVAL: &str = "vigie-approval:";
/// Letters of a code: none that is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What somebody is asked to approve: all that is shown, and all that is bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// The runbook.
    pub runbook: String,
    /// Its version.
    pub version: String,
    /// Digest of its model.
    pub model: String,
    /// What it is called.
    pub title: String,
    /// Where.
    pub target: RunTarget,
    /// Who began it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// Its parameters.
    pub params: BTreeMap<String, Value>,
    /// The changes that follow, as far as they are worked out.
    pub plans: Vec<Planned>,
    /// How long an approval holds, in seconds.
    pub ttl_s: i64,
    /// Who may not approve it.
    pub not: Vec<String>,
}

impl Request {
    /// What the signature is bound to: any difference in what is shown makes another one.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.canonical()))
    }

    fn canonical(&self) -> String {
        canonical::to_string(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The short name by which somebody finds it: `7K3F-Q9ZD`.
    pub fn code(&self) -> String {
        let digest = Sha256::digest(self.canonical());
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) & 31]);
        let letters: String = digest.iter().take(8).map(letter).collect();
        format!("{}-{}", &letters[..4], &letters[4..])
    }

    /// The text that is carried to whoever approves.
    pub fn text(&self) -> String {
        format!(
            "{REQUEST}{}",
            BASE64_URL_SAFE_NO_PAD.encode(self.canonical())
        )
    }

    /// Reads such a text.
    pub fn read(text: &str) -> Result<Self, String> {
        let bytes = unpacked(text, REQUEST, "a request for an approval")?;
        serde_json::from_slice(&bytes)
            .map_err(|_| "the request for an approval is not one of this version".to_owned())
    }

    /// The words that are signed, for an approval that holds until then.
    pub fn words(&self, expires: Timestamp) -> Signed {
        Signed {
            run: self.run.clone(),
            step: self.step.clone(),
            plan_digest: self.digest(),
            cluster_uid: self.target.cluster_uid.clone(),
            expires,
        }
    }
}

/// Whether a text is a request rather than a code.
pub fn is_request(text: &str) -> bool {
    text.trim().starts_with(REQUEST)
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// The digest of what was shown.
    pub plan_digest: String,
    /// The cluster.
    pub cluster_uid: String,
    /// Until when.
    pub expires: Timestamp,
}

impl Signed {
    /// The bytes that are signed.
    pub fn bytes(&self) -> Vec<u8> {
        canonical::to_string(&serde_json::to_value(self).unwrap_or_default()).into_bytes()
    }

    /// The text that is carried back.
    pub fn text(&self, armoured: &str) -> String {
        let whole = json!({"signed": self, "signature": armoured});
        format!(
            "{APPROVAL}{}",
            BASE64_URL_SAFE_NO_PAD.encode(canonical::to_string(&whole))
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    signed: Signed,
    signature: String,
}

/// Whether a text approves a request now, by the server's time; the error is one clear sentence. Those in `used` are spent.
pub fn judge(
    request: &Request,
    text: &str,
    signers: Result<&str, &str>,
    now: Timestamp,
    used: &[String],
) -> Result<Granted, String> {
    let bytes = unpacked(text, APPROVAL, "an approval")?;
    let carried: Carried = serde_json::from_slice(&bytes)
        .map_err(|_| "the approval is not one of this version".to_owned())?;
    let (signed, wanted) = (&carried.signed, request.words(carried.signed.expires));
    if signed.cluster_uid != wanted.cluster_uid {
        return Err("the approval is for another cluster".to_owned());
    }
    if signed.run != wanted.run {
        return Err(format!(
            "the approval is for run {}, and this is run {}",
            bounded(&signed.run, 40),
            wanted.run
        ));
    }
    if signed.step != wanted.step {
        return Err(format!(
            "the approval is for step {}, and this is step {}",
            bounded(&signed.step, 60),
            wanted.step
        ));
    }
    if signed.plan_digest != wanted.plan_digest {
        return Err("the approval is for another plan: something has changed since it was signed, and it is void".to_owned());
    }
    if now >= signed.expires {
        return Err(format!(
            "the approval held until {}, and it is {} by the server's clock",
            second(signed.expires),
            second(now)
        ));
    }
    let longest = SignedDuration::from_secs(request.ttl_s.max(0)) + SLACK;
    if signed.expires.duration_since(now) > longest {
        return Err(format!(
            "the approval wants to hold until {}, longer than the {} s that are allowed",
            second(signed.expires),
            request.ttl_s
        ));
    }
    let sig = sshsig::read(&carried.signature)
        .map_err(|why| format!("the approval's signature cannot be read: {why}"))?;
    if sig.namespace != NAMESPACE {
        return Err(format!(
            "the signature was made for `{}`, not for an approval",
            bounded(&sig.namespace, 40)
        ));
    }
    let file = signers.map_err(str::to_owned)?;
    let because = |why: String| format!("the approval is refused: {why} ({})", sig.fingerprint());
    let names = signers::names(file, &sig.key, now).map_err(because)?;
    sig.verify(&signed.bytes()).map_err(because)?;
    if let Some(own) = names
        .iter()
        .find(|name| request.not.iter().any(|not| same(name, not)))
    {
        return Err(format!(
            "{} began or carried this run: somebody else must approve it",
            bounded(own, 80)
        ));
    }
    let id = sshsig::id(&sig);
    if used.contains(&id) {
        return Err("the approval was used already: each is good once".to_owned());
    }
    Ok(Granted {
        by: bounded(names.first().map_or("", String::as_str), 80),
        key: sig.fingerprint(),
        digest: signed.plan_digest.clone(),
        expires: signed.expires,
        id,
    })
}

/// Whether a recorded approval still is what its key signed, for whoever checks the record later.
pub fn recheck(granted: &Granted, run: &str, step: &str, text: &str) -> Result<(), String> {
    let bytes = unpacked(text, APPROVAL, "an approval")?;
    let carried: Carried =
        serde_json::from_slice(&bytes).map_err(|_| "it is not one of this version".to_owned())?;
    let signed = &carried.signed;
    let sig = sshsig::read(&carried.signature)?;
    sig.verify(&signed.bytes())?;
    let same = sig.namespace == NAMESPACE
        && sig.fingerprint() == granted.key
        && sshsig::id(&sig) == granted.id
        && (&*signed.run, &*signed.step) == (run, step)
        && signed.plan_digest == granted.digest
        && signed.expires == granted.expires;
    if same {
        Ok(())
    } else {
        Err("it was signed for something else than is recorded".to_owned())
    }
}

/// Whether two names may mean the same person: without the login's prefix and in small letters, and where one of them has
/// no domain, by what stands before the other's.
fn same(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        name.rsplit(':')
            .next()
            .unwrap_or(name)
            .trim()
            .to_lowercase()
    };
    let (a, b) = (plain(a), plain(b));
    let before = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    a == b || ((!a.contains('@') || !b.contains('@')) && before(&a) == before(&b))
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn unpacked(text: &str, prefix: &str, what: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    let packed = text
        .strip_prefix(prefix)
        .ok_or_else(|| format!("that is not {what}: it begins with `{prefix}`"))?;
    if packed.len() > LONGEST {
        return Err(format!("that is too long for {what}"));
    }
    let packed: String = packed.split_whitespace().collect();
    BASE64_URL_SAFE_NO_PAD
        .decode(packed)
        .map_err(|_| format!("{what} was not copied whole"))
}

#[cfg(test)]
pub(crate) mod tests;
