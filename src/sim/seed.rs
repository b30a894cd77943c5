//! Seeded chance: the same seed gives the same world, names and numbers included. Used by everything in the world; knows nothing of it.

/// A small generator (SplitMix64): fast, seedable, good enough for scenery, not for secrets.
#[derive(Debug, Clone)]
pub struct Rng(u64);

/// The letters Kubernetes uses for generated names: no vowels, so no words.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Rng {
    /// A generator that always gives the same sequence for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A whole number from `low` up to and including `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0) as u64 + 1;
        low + (self.bits() % width) as i64
    }

    /// A suffix as in generated object names.
    pub fn suffix(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(LETTERS[(self.bits() % LETTERS.len() as u64) as usize]))
            .collect()
    }

    /// A random (version 4) identifier.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// So many random hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let blocks = 0..digits.div_ceil(16);
        let mut text: Vec<String> = blocks.map(|_| format!("{:016x}", self.bits())).collect();
        if let Some(last) = text.last_mut() {
            last.truncate(digits - (digits.div_ceil(16) - 1) * 16);
        }
        text.concat()
    }
}

/// Scrambles 64 bits, always in the same way.
pub fn mix(bits: u64) -> u64 {
    let z = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that stands for a text (FNV-1a).
pub fn fold(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A hash as Kubernetes writes it into names: its decimal digits, in letters that make no words.
pub fn safe(hash: u32) -> String {
    hash.to_string()
        .bytes()
        .map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_world() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_ne!(Rng::new(8).uuid(), Rng::new(7).uuid());
        for _ in 0..1000 {
            assert!((3..=5).contains(&a.between(3, 5)));
            assert!((-2..=2).contains(&b.between(-2, 2)));
        }
    }

    #[test]
    fn identifiers_have_the_shape_of_identifiers() {
        let id = Rng::new(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert_eq!(Rng::new(1).hex(40).len(), 40);
    }
}
