//! What a policy is made of, one part a subject.

use std::time::Duration;

/// Growing delays after failures. Never a lock without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Failures in a row before the first delay (1..=100).
    pub free_attempts: u32,
    /// The first delay; it doubles with every further failure.
    pub base_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
    /// A count is forgotten this long after its last failure.
    pub window: Duration,
}

/// What a password must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Least length in code points: 15 where the password is the only factor, never under 8
    /// (SP 800-63B-4 section 3.1.1.2).
    pub min_length: u32,
    /// What holds for a new password where it cannot be told whether it is known from a breach. `false`: it is taken; the
    /// other rules hold, and nobody is kept from a reset by somebody else's outage. `true`: the flow waits.
    pub breach_check_required: bool,
    /// How long a password holds, once it is set, before its owner may change it; zero for no such wait. A link from the
    /// mail sets a new one all the same.
    pub change_cooldown: Duration,
    /// How many of the latest passwords may not be set again, the one that holds now among them; 0 for none (0..=24).
    /// Each costs a hash when a new one is set. Needs [`PasswordHistory`](crate::store::PasswordHistory).
    pub history: u32,
}

/// How long sessions live and how many a person has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// A session unused for this long is over.
    pub idle: Duration,
    /// A session is over after this long, used or not.
    pub absolute: Duration,
    /// The most live sessions a person has; the one unused for longest makes room.
    pub max_per_user: u32,
    /// How recent the sign-in behind a sensitive change must be (SECURITY SE-07).
    pub fresh_within: Duration,
}

/// How many API tokens a person has and how long they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiTokenPolicy {
    /// The most live tokens a person has.
    pub max_per_user: u32,
    /// The longest life of a token.
    pub max_lifetime: Duration,
    /// Whether a token must name its end.
    pub expiry_required: bool,
}

/// How long access and refresh tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Life of an access token.
    pub access: Duration,
    /// A refresh token unused for this long is over.
    pub refresh_idle: Duration,
    /// A refresh family is over after this long, used or not.
    pub refresh_absolute: Duration,
    /// A spent refresh token that comes again within this time gets the same successor again.
    pub refresh_grace: Duration,
    /// The most live refresh families a person has; the one unused for longest makes room.
    pub refresh_max_per_user: u32,
}

/// How long one-time links live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPolicy {
    /// E-mail verification.
    pub email_verification: Duration,
    /// Password reset.
    pub password_reset: Duration,
    /// Magic link.
    pub magic_link: Duration,
    /// Change of the address.
    pub email_change: Duration,
}

/// With what people may sign in, besides a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInPolicy {
    /// Whether a link in a mail signs in.
    pub magic_link: bool,
    /// Whether that link makes the account where the address has none.
    pub magic_link_sign_up: bool,
    /// Whether a code in a mail signs in.
    pub email_code: bool,
    /// Life of that code, at most 10 minutes (ASVS 6.5.5).
    pub email_code_life: Duration,
}

/// What becomes of accounts that are closed, or that nobody proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPolicy {
    /// What is kept about a person is erased this long after their account was closed.
    pub erase_after: Duration,
    /// A sign-up of which nothing is proved for so long is removed. Never shorter than the life of the link that proves.
    pub unproved: Duration,
}
