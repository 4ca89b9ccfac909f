//! Where rows live.

use crate::id::{SessionId, UserId};

/// Where a row lives: rows of one part can change together.
///
/// There are 65,536 parts. Ids that are made for a person begin with the person's part, so that all their rows share
/// it and a session's row is found by its id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part([u8; 2]);

impl Part {
    /// From its two bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 2]) -> Self {
        Self(bytes)
    }

    /// Its two bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 2] {
        &self.0
    }

    /// The part of an id: its first two bytes.
    #[must_use]
    pub const fn of_id(id: &[u8; 16]) -> Self {
        Self([id[0], id[1]])
    }

    /// The part of a session.
    #[must_use]
    pub const fn of_session(id: SessionId) -> Self {
        Self::of_id(id.as_bytes())
    }

    /// The part of a person: the shard tag that [`SessionId::tagged`] puts before their sessions.
    #[must_use]
    pub fn of_user(user: UserId) -> Self {
        let mut tag = [0_u8; 2];
        for pair in user.as_bytes().chunks_exact(2) {
            for (to, from) in tag.iter_mut().zip(pair) {
                *to = to.rotate_left(3) ^ from;
            }
        }
        Self(tag)
    }

    /// A part for what has no id, by hash (FNV-1a, folded): the same for the same bytes, everywhere and for ever.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let [a, b, c, d] = hash.to_be_bytes();
        Self([a ^ c, b ^ d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_persons_sessions_live_in_the_persons_part() {
        let entropy = SeededEntropy::new(9);
        for key in 0..200 {
            let mut bytes = *UserId::from_integer(key).as_bytes();
            bytes.rotate_left(usize::try_from(key).unwrap() % 16);
            let user = UserId::from_bytes(bytes);
            let session = SessionId::tagged(user, &entropy).unwrap();
            assert_eq!(Part::of_session(session), Part::of_user(user));
        }
    }

    #[test]
    fn bytes_spread_over_the_parts_and_stay_where_they_are() {
        let of = |number: u32| Part::of_bytes(format!("sign-in ip {number}").as_bytes());
        let parts: std::collections::BTreeSet<Part> = (0..1000).map(of).collect();
        assert!(parts.len() > 950, "{}", parts.len());
        assert_eq!(Part::of_bytes(b"foobar").as_bytes(), &[0x46, 0xf4]);
    }
}
