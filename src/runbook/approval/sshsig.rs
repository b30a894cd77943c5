//! Signatures as `ssh-keygen -Y sign` makes them: read, and held against what they claim to sign. Ed25519, ECDSA on the
//! three NIST curves, RSA with SHA-2, and the first two from a security key. What is not understood is refused.

use crate::runbook::canonical::hex;
use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256, Sha512};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
/// The most characters of a signature.
const LONGEST: usize = 16 * 1024;
/// The curves: their name in keys, and the algorithm.
const CURVES: [(&str, &signature::EcdsaVerificationAlgorithm, usize); 3] = [
    ("nistp256", &signature::ECDSA_P256_SHA256_FIXED, 32),
    ("nistp384", &signature::ECDSA_P384_SHA384_FIXED, 48),
    ("nistp521", &signature::ECDSA_P521_SHA512_FIXED, 66),
];

/// A signature as it was read; nothing is believed of it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    /// The public key, as it stands in files.
    pub key: Vec<u8>,
    /// What it was made for.
    pub namespace: String,
    hash: String,
    signature: Vec<u8>,
}

/// Reads a signature in its armour.
pub fn read(armoured: &str) -> Result<SshSig, String> {
    if armoured.len() > LONGEST {
        return Err("it is too long for a signature".to_owned());
    }
    let inside = armoured.trim().strip_prefix(BEGIN);
    let inside = inside.and_then(|text| text.strip_suffix(END));
    let inside = inside.ok_or("it is not an SSH signature")?;
    let packed: String = inside.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(packed);
    let bytes = bytes.map_err(|_| "its base64 is broken")?;
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it is not an SSH signature")?;
    let mut wire = Wire(rest);
    if wire.number()? != 1 {
        return Err("it is of a version that is not known here".to_owned());
    }
    let key = wire.bytes()?.to_vec();
    let namespace = wire.text()?;
    // Reserved: whatever stands there is signed too, and is nothing today.
    if !wire.bytes()?.is_empty() {
        return Err("it has parts that are not known here".to_owned());
    }
    let hash = wire.text()?;
    let signature = wire.bytes()?.to_vec();
    wire.end()?;
    Ok(SshSig {
        key,
        namespace,
        hash,
        signature,
    })
}

impl SshSig {
    /// The key's fingerprint, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// Whether the key signed this message for that purpose.
    pub fn verify(&self, message: &[u8]) -> Result<(), String> {
        let digest = match self.hash.as_str() {
            "sha256" => Sha256::digest(message).to_vec(),
            "sha512" => Sha512::digest(message).to_vec(),
            _ => return Err("it is made with a hash that is not known here".to_owned()),
        };
        let mut signed = MAGIC.to_vec();
        for part in [
            self.namespace.as_bytes(),
            b"",
            self.hash.as_bytes(),
            &digest,
        ] {
            signed.extend((part.len() as u32).to_be_bytes());
            signed.extend(part);
        }
        let mut key = Wire(&self.key);
        let kind = key.text()?;
        let mut made = Wire(&self.signature);
        let how = made.text()?;
        let raw = made.bytes()?;
        let well = match kind.as_str() {
            "ssh-ed25519" => how == kind && ed25519(key.bytes()?, &signed, raw),
            "sk-ssh-ed25519@openssh.com" => {
                let point = key.bytes()?;
                let touched = touched(key.bytes()?, &mut made, &signed)?;
                how == kind && ed25519(point, &touched, raw)
            }
            "ssh-rsa" => {
                let (e, n) = (key.bytes()?, key.bytes()?);
                rsa(&how, (n, e), &signed, raw)
            }
            "sk-ecdsa-sha2-nistp256@openssh.com" => {
                let (curve, point) = (key.text()?, key.bytes()?);
                let touched = touched(key.bytes()?, &mut made, &signed)?;
                how == kind && ecdsa(&curve, point, &touched, raw)?
            }
            _ => {
                let curve = kind.strip_prefix("ecdsa-sha2-");
                let curve = curve.ok_or("its key is of a kind that is not known here")?;
                let named = key.text()?;
                how == kind && named == curve && ecdsa(curve, key.bytes()?, &signed, raw)?
            }
        };
        key.end()?;
        made.end()?;
        if well {
            Ok(())
        } else {
            Err("the signature does not fit what it should sign".to_owned())
        }
    }
}

/// A key's fingerprint.
pub fn fingerprint(key: &[u8]) -> String {
    let digest = Sha256::digest(key);
    format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(digest))
}

/// What names one signature among all, however its armour is broken into lines.
pub fn id(sig: &SshSig) -> String {
    hex(&Sha256::digest(&sig.signature))[..32].to_owned()
}

fn ed25519(key: &[u8], message: &[u8], made: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&signature::ED25519, key);
    key.verify(message, made).is_ok()
}

/// What a security key signs: for whom, that somebody touched it, how often it signed, and the message.
fn touched(application: &[u8], made: &mut Wire<'_>, signed: &[u8]) -> Result<Vec<u8>, String> {
    let (flags, counter) = (made.byte()?, made.take(4)?);
    if flags & 1 == 0 {
        return Err("nobody touched the security key".to_owned());
    }
    let mut all = Sha256::digest(application).to_vec();
    all.push(flags);
    all.extend(counter);
    all.extend(Sha256::digest(signed));
    Ok(all)
}

fn rsa(how: &str, (n, e): (&[u8], &[u8]), message: &[u8], made: &[u8]) -> bool {
    let with = match how {
        "rsa-sha2-512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "rsa-sha2-256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        // SHA-1 is nobody's word any more.
        _ => return false,
    };
    let key = RsaPublicKeyComponents {
        n: positive(n),
        e: positive(e),
    };
    key.verify(with, message, made).is_ok()
}

fn ecdsa(curve: &str, point: &[u8], message: &[u8], made: &[u8]) -> Result<bool, String> {
    let known = CURVES.iter().find(|(name, ..)| *name == curve);
    let (_, with, wide) = known.ok_or("its curve is not known here")?;
    let mut parts = Wire(made);
    let mut fixed = Vec::with_capacity(wide * 2);
    for _ in 0..2 {
        let number = positive(parts.bytes()?);
        let missing = wide.checked_sub(number.len());
        let missing = missing.ok_or("its numbers are too large")?;
        fixed.extend(std::iter::repeat_n(0, missing));
        fixed.extend(number);
    }
    parts.end()?;
    Ok(UnparsedPublicKey::new(*with, point)
        .verify(message, &fixed)
        .is_ok())
}

/// A number without the zeros before it.
fn positive(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0);
    number
        .get(first.unwrap_or(number.len())..)
        .unwrap_or_default()
}

/// SSH's own way to write bytes behind each other.
struct Wire<'b>(&'b [u8]);

impl<'b> Wire<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn number(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?.try_into();
        Ok(u32::from_be_bytes(bytes.map_err(|_| "it ends too early")?))
    }

    fn bytes(&mut self) -> Result<&'b [u8], String> {
        let count = self.number()?;
        self.take(count as usize)
    }

    fn text(&mut self) -> Result<String, String> {
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes).map_err(|_| "it holds a name that is no text".to_owned())
    }

    fn end(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err("something stands behind its end".to_owned())
        }
    }
}
