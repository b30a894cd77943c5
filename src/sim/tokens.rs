//! Tokens by the key that signed them, and the keys that a pod knows: plain data with its own rules.

use std::collections::{BTreeMap, BTreeSet};

/// How long a token is good, in milliseconds: fifteen minutes.
pub const LIFETIME: i64 = 900_000;
/// How long somebody who is refused takes to sign in anew, on average, in milliseconds.
const ANEW: f64 = 20_000.0;

/// The keys that a pod started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Whether its template refers to any: a pod that verifies nothing refuses nothing.
    pub verifies: bool,
    /// What it signs with.
    pub signs: Option<u64>,
    accepts: BTreeSet<u64>,
}

/// The tokens there are, by the key that signed them.
#[derive(Debug, Clone)]
pub struct Sessions {
    shares: BTreeMap<u64, Share>,
    at_ms: i64,
    lifetime: i64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            shares: BTreeMap::new(),
            at_ms: 0,
            lifetime: LIFETIME,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Share {
    weight: f64,
    /// Since when nobody signs with this key any more.
    idle_ms: Option<i64>,
}

impl Keys {
    /// Learns a key, if it is there; the first of the roles also signs.
    pub fn take(&mut self, role: usize, key: Option<u64>) {
        if role == 0 {
            self.signs = key;
        }
        self.accepts.extend(key);
    }

    /// Whether a token signed with a key is refused.
    pub fn refuses(&self, key: u64) -> bool {
        self.verifies && !self.accepts.contains(&key)
    }
}

impl Sessions {
    /// From now on a token is good for so many milliseconds.
    pub fn live(&mut self, lifetime: i64) {
        self.lifetime = lifetime.max(1);
    }

    /// Lets them go on up to a moment: who signs how much, and how much of each key is refused.
    pub fn turn(
        &mut self,
        now: i64,
        signed: &BTreeMap<u64, f64>,
        signers: f64,
        refusals: &BTreeMap<u64, f64>,
    ) {
        let passed = (now - self.at_ms).max(0);
        self.at_ms = now;
        for key in signed.keys() {
            self.shares.entry(*key).or_default().idle_ms = None;
        }
        let mut moved = 0.0;
        for (key, share) in &mut self.shares {
            if !signed.contains_key(key) && share.idle_ms.is_none() {
                share.idle_ms = Some(now);
            }
            let refused = refusals.get(key).copied().unwrap_or(0.0);
            let anew = 1.0 - (-(passed as f64) * refused / ANEW).exp();
            // The last token that this key signed ends a lifetime after nobody signs with it any more.
            let lifetime = self.lifetime;
            let left = share.idle_ms.map(|since| lifetime - (now - passed - since));
            let ended = left.map_or(0.0, |left| (passed as f64 / left.max(1) as f64).min(1.0));
            let gone = share.weight * anew.max(ended);
            share.weight -= gone;
            moved += gone;
        }
        let total: f64 = self.shares.values().map(|share| share.weight).sum::<f64>() + moved;
        if total <= 0.0 {
            moved = 1.0;
        }
        for (key, by) in signed {
            self.shares.entry(*key).or_default().weight += moved * by / signers;
        }
        self.shares
            .retain(|_, share| share.weight > 1e-6 || share.idle_ms.is_none());
    }

    /// The keys there are tokens of.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        self.shares.keys().copied()
    }

    /// The share of all tokens that some keys refuse.
    pub fn refused_by(&self, keys: &Keys) -> f64 {
        let refused = self.shares.iter().filter(|(key, _)| keys.refuses(**key));
        refused.map(|(_, share)| share.weight).sum()
    }

    /// Nobody signs: time passes, and nothing else.
    pub fn pass(&mut self, now: i64) {
        self.at_ms = now;
    }
}
