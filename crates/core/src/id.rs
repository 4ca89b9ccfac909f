//! Typed 128-bit identifiers.
//!
//! portcullis makes UUIDv7 (RFC 9562 section 5.7) for things that are listed, and a shard tag with random bits for
//! sessions. Any 128-bit value is accepted, so adopters keep their own keys: an integer key maps through
//! [`UserId::from_integer`] / [`UserId::to_integer`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::entropy::{Entropy, EntropyError, random_bytes};
use crate::time::Timestamp;

/// The first eight bytes of an id that stands for an integer key; version nibble 8 (RFC 9562 section 5.8, custom).
const INTEGER_TAG: [u8; 8] = *b"pcl-in\x80\x00";

/// The text is not a UUID of 32 hexadecimal digits in the 8-4-4-4-12 form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID like 0190b5a4-6f00-7000-8000-000000000000")]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From sixteen bytes; every value is accepted.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes, as stores keep them.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// A new UUIDv7: sorts by `now` to the millisecond, with 74 random bits.
            ///
            /// # Errors
            /// [`EntropyError`] where the source of randomness fails.
            pub fn time_ordered(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                uuid_v7(now, entropy).map(Self)
            }

            /// The id that stands for an adopter's integer key.
            #[must_use]
            pub const fn from_integer(key: u64) -> Self {
                let (t, k) = (INTEGER_TAG, key.to_be_bytes());
                Self([
                    t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7],
                    k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7],
                ])
            }

            /// The integer key this id stands for; `None` for an id that stands for none.
            #[must_use]
            pub fn to_integer(self) -> Option<u64> {
                let key = self.0.strip_prefix(&INTEGER_TAG)?;
                Some(u64::from_be_bytes(key.try_into().ok()?))
            }
        }

        /// The UUID form: lower case, hyphenated.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_uuid(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A person.
    UserId;
    /// A tenant: a closed world of people, addresses and policy.
    TenantId;
    /// A session. Its first two bytes are the person's shard tag.
    SessionId;
    /// An API token (personal access token).
    ApiTokenId;
    /// A refresh family. Its first two bytes are the person's shard tag.
    RefreshFamilyId;
    /// A single-use verification token.
    VerificationTokenId;
    /// An audit event.
    EventId;
    /// A mail in the outbox.
    MailId;
    /// One claim of a mail by one worker.
    ClaimId;
    /// A ticket, the public half of its token. All of it is random, its shard tag too: a ticket may belong to nobody.
    TicketId;
}

impl UserId {
    /// Acts for the system itself in the audit log; no store creates it.
    pub const SYSTEM: Self = Self([0; 16]);
}

impl TenantId {
    /// The parent of every tenant's policy; no store creates it.
    pub const SYSTEM: Self = Self([0; 16]);
}

impl TicketId {
    /// A new id of 128 random bits.
    ///
    /// # Errors
    /// [`EntropyError`] where the source of randomness fails.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        random_bytes(entropy).map(Self)
    }
}

macro_rules! tagged {
    ($($name:ident),+) => {$(
        impl $name {
            /// A new random id whose first two bytes are the shard tag of `user`, so that one person's rows can share
            /// a cluster slot; 112 bits are random.
            ///
            /// # Errors
            /// [`EntropyError`] where the source of randomness fails.
            pub fn tagged(user: UserId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let mut bytes = random_bytes::<16>(entropy)?;
                for (to, from) in bytes.iter_mut().zip(shard_tag(user)) {
                    *to = from;
                }
                Ok(Self(bytes))
            }
        }
    )+};
}

tagged!(SessionId, RefreshFamilyId);

/// The id is one of the reserved ones, which stores refuse to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this id is reserved for the system")]
pub struct ReservedId;

/// Refuses [`UserId::SYSTEM`]; every store calls it before it creates a person.
///
/// # Errors
/// [`ReservedId`] for the reserved id.
pub fn ensure_user_id_not_reserved(user: UserId) -> Result<(), ReservedId> {
    if user == UserId::SYSTEM {
        Err(ReservedId)
    } else {
        Ok(())
    }
}

/// Refuses [`TenantId::SYSTEM`]; every store calls it before it creates a tenant.
///
/// # Errors
/// [`ReservedId`] for the reserved id.
pub fn ensure_tenant_id_not_reserved(tenant: TenantId) -> Result<(), ReservedId> {
    if tenant == TenantId::SYSTEM {
        Err(ReservedId)
    } else {
        Ok(())
    }
}

/// Two bytes folded from all bytes of a person's id.
fn shard_tag(user: UserId) -> [u8; 2] {
    let mut tag = [0_u8; 2];
    for pair in user.0.chunks_exact(2) {
        for (to, from) in tag.iter_mut().zip(pair) {
            *to = to.rotate_left(3) ^ from;
        }
    }
    tag
}

fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> Result<[u8; 16], EntropyError> {
    let mut bytes = random_bytes::<16>(entropy)?;
    let millis = now.as_micros().div_euclid(1_000).max(0).to_be_bytes();
    for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2)) {
        *to = *from;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        match index {
            6 => *byte = (*byte & 0x0f) | 0x70,
            8 => *byte = (*byte & 0x3f) | 0x80,
            _ => {}
        }
    }
    Ok(bytes)
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

fn parse_uuid(text: &str) -> Result<[u8; 16], ParseIdError> {
    let text = text.as_bytes();
    if text.len() != 36 {
        return Err(ParseIdError);
    }
    let mut bytes = [0_u8; 16];
    let mut nibbles = 0;
    for (index, &character) in text.iter().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if character != b'-' {
                return Err(ParseIdError);
            }
            continue;
        }
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            b'A'..=b'F' => character - b'A' + 10,
            _ => return Err(ParseIdError),
        };
        let byte = bytes.get_mut(nibbles / 2).ok_or(ParseIdError)?;
        *byte = (*byte << 4) | digit;
        nibbles += 1;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn an_id_reads_back_as_it_prints() {
        let id = UserId::time_ordered(Timestamp::from_secs(1_767_225_600), &SeededEntropy::new(1))
            .unwrap();
        let text = id.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "7");
        assert_eq!(text.parse::<UserId>().unwrap(), id);
        assert_eq!(text.to_uppercase().parse::<UserId>().unwrap(), id);
        assert_eq!(
            serde_json::from_str::<UserId>(&serde_json::to_string(&id).unwrap()).unwrap(),
            id
        );
    }

    #[test]
    fn time_ordered_ids_sort_by_time() {
        let entropy = SeededEntropy::new(7);
        let at = |secs| EventId::time_ordered(Timestamp::from_secs(secs), &entropy).unwrap();
        assert!(at(10) < at(11));
        assert!(at(i64::MIN) < at(1));
    }

    #[test]
    fn an_integer_key_maps_in_and_out() {
        for key in [0, 1, u64::MAX] {
            assert_eq!(UserId::from_integer(key).to_integer(), Some(key));
        }
        assert_eq!(UserId::SYSTEM.to_integer(), None);
        assert_ne!(UserId::from_integer(0), UserId::SYSTEM);
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in [
            "",
            "0",
            "0190b5a46f0070008000000000000000",
            "0190b5a4-6f00-7000-8000-00000000000g",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(ParseIdError), "{text}");
        }
    }

    #[test]
    fn one_persons_sessions_share_a_shard_tag() {
        let entropy = SeededEntropy::new(3);
        let user = UserId::from_integer(42);
        let (a, b) = (
            SessionId::tagged(user, &entropy).unwrap(),
            SessionId::tagged(user, &entropy).unwrap(),
        );
        assert_ne!(a, b);
        assert_eq!(a.as_bytes()[..2], b.as_bytes()[..2]);
    }
}
