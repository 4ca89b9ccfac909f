//! Limits: how often a route may be asked, by address, by identifier and by everybody together.
//!
//! They are taken from the narrowest to the widest and before any work, so that one client that is over its own limit
//! uses up nobody else's. What they count is kept in the store and shared by every process on it. What holds where the
//! store does not answer, each route says ([`WithoutStore`], SECURITY TH-12): nothing is ever unlimited.

mod in_process;

use std::error::Error;
use std::time::Duration;

use portcullis_backends::{FlowError, Portcullis};
use portcullis_core::backend::RequestContext;
use portcullis_core::id::UserId;
use portcullis_core::net::limit_prefix;
use portcullis_core::secret::SecretText;
use portcullis_core::store::{LimitKey, RateLimit, Taken};

use crate::code::Code;
use crate::config::LimitMode;
use crate::problem::Problem;
use WithoutStore::{InProcess as InProcessOnly, Refuse};
pub(crate) use in_process::InProcess;

/// By what a limit tells callers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Per {
    /// The client's address: IPv4 whole, IPv6 by its /64. Requests without a known address share one count.
    Address,
    /// The identifier in the body, by its keyed digest, so that all spellings of one share a count. A browser that its
    /// owner signed in with before is counted apart, so that strangers use up nothing of theirs (SECURITY TH-05).
    Identifier,
    /// Who is signed in.
    Person,
    /// The token in the body, by its keyed digest.
    Token,
    /// Not at all.
    Everybody,
}

impl Per {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Identifier => "identifier",
            Self::Person => "person",
            Self::Token => "token",
            Self::Everybody => "everybody",
        }
    }
}

/// One limit of a route. Routes that name the same bucket share its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteLimit {
    /// The name of the count.
    pub bucket: &'static str,
    /// By what callers are told apart.
    pub per: Per,
    /// How many.
    pub limit: RateLimit,
}

/// What holds for a route while the store of its limits does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithoutStore {
    /// It is counted in this process alone: for routes whose work needs people only, who may be in another store.
    InProcess,
    /// It answers 503 before any work: for routes that need sessions, which are kept with the limits, and for those that
    /// send mail to somebody who may not have asked, whose mailbox the count of all processes together protects.
    Refuse,
}

/// The limits of a route, or why it has none.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Limits {
    /// These, narrowest first, and what holds without their store.
    Of(&'static [RouteLimit], WithoutStore),
    /// None.
    None {
        /// Why none are needed.
        because: &'static str,
    },
}

const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

const fn limit(bucket: &'static str, per: Per, burst: u32, period: Duration) -> RouteLimit {
    RouteLimit {
        bucket,
        per,
        limit: RateLimit { burst, period },
    }
}

/// A sign-in costs a hash. One address may fail thirty times a minute over all names, which an office behind one address
/// does not reach, since what succeeds is given back; one name may be used sixty times in a quarter of an hour from
/// anywhere, success or not, so that an account of one's own buys no more hashes than anybody's. There is no count of
/// everybody together: whoever filled it would keep everybody out, and the hash queue says `Busy` before that.
const SIGN_INS: &[RouteLimit] = &[
    limit("sign-in", Per::Address, 30, MINUTE),
    limit("sign-in", Per::Identifier, 60, QUARTER),
];

/// A session is needed in the end: without its store there is none, and so no hash for it.
pub(crate) const SIGN_IN: Limits = Limits::Of(SIGN_INS, Refuse);

/// The same counts. A pair of tokens is kept with the people.
pub(crate) const TOKEN: Limits = Limits::Of(SIGN_INS, InProcessOnly);

/// A password given again is counted with those of sign-in: whoever guesses gets no second count. And one session buys no
/// more hashes than one name does, from however many addresses.
pub(crate) const STEP_UP: Limits = Limits::Of(
    &[
        limit("sign-in", Per::Address, 30, MINUTE),
        limit("sign-in", Per::Person, 60, QUARTER),
    ],
    Refuse,
);

/// A sign-up costs a hash, a row and a mail to somebody who may not have asked for it: ten an hour from one address,
/// and five mails in a quarter of an hour to one mailbox, whichever route sends them (SECURITY TH-08).
pub(crate) const SIGN_UP: Limits = Limits::Of(&mailing("sign-up", 10), Refuse);

/// As a sign-up, without the hash and the row.
pub(crate) const SEND_LINK: Limits = Limits::Of(&mailing("send-link", 10), Refuse);

/// A link or a code to sign in with: people behind one address ask for it as often as they sign in, so more than
/// sign-ups, and no more mail to one mailbox than any other route sends.
pub(crate) const SIGN_IN_MAIL: Limits = Limits::Of(&mailing("sign-in-mail", 30), Refuse);

/// As sending a link: the answer costs a mail, and the mailbox's count is the one that every mail has.
pub(crate) const FORGOT: Limits = Limits::Of(&mailing("forgot", 10), Refuse);

/// Asking for another address sends a mail to it and one to the present address, which has a count of its own.
pub(crate) const CHANGE_MAIL: Limits = Limits::Of(&mailing("change-mail", 10), Refuse);

/// A change costs two hashes, and one more for each earlier password that is compared, for somebody in a session; wrong
/// current passwords have the delays of sign-in besides.
pub(crate) const CHANGE: Limits = Limits::Of(
    &[
        limit("change", Per::Address, 30, MINUTE),
        limit("change", Per::Person, 20, QUARTER),
    ],
    Refuse,
);

/// A name for a session costs an event, which is kept.
pub(crate) const RENAME: Limits = Limits::Of(
    &[
        limit("rename", Per::Address, 60, MINUTE),
        limit("rename", Per::Person, 60, HOUR),
    ],
    Refuse,
);

/// An API token costs a row and an event, which are kept when it is revoked.
pub(crate) const API_TOKEN: Limits = Limits::Of(
    &[
        limit("api-token", Per::Address, 60, MINUTE),
        limit("api-token", Per::Person, 60, HOUR),
    ],
    Refuse,
);

const LINKS: &[RouteLimit] = &[limit("verify", Per::Address, 30, MINUTE)];

/// Links are not guessed, having 256 bits; but a new password that comes with one is hashed.
pub(crate) const VERIFY: Limits = Limits::Of(LINKS, InProcessOnly);

/// A new password is compared with earlier ones too, a hash each, and whoever holds a link learns little about them.
pub(crate) const RESET: Limits = Limits::Of(
    &[
        limit("verify", Per::Address, 30, MINUTE),
        limit("reset", Per::Token, 20, QUARTER),
    ],
    InProcessOnly,
);

/// A link that is used up for a session, or only in one: it is left whole where there can be none.
pub(crate) const SESSION_LINK: Limits = Limits::Of(LINKS, Refuse);

/// Codes are guessed, five times a ticket and with delays for each address they are sent to; this bounds what one client
/// tries over all addresses. What succeeds is given back.
pub(crate) const CODE: Limits =
    Limits::Of(&[limit("email-code", Per::Address, 30, MINUTE)], Refuse);

/// Refresh tokens are not guessed either; what is counted is those that are not good.
pub(crate) const REFRESH: Limits =
    Limits::Of(&[limit("refresh", Per::Address, 60, MINUTE)], InProcessOnly);

/// Reads up to a thousand rows, for somebody in a session; people ask for it once in a while.
pub(crate) const EXPORT: Limits = Limits::Of(&[limit("export", Per::Address, 10, MINUTE)], Refuse);

/// What a route has that sends a mail: so many an hour from one address, and no more to one mailbox, or from everybody
/// together, than all such routes may.
const fn mailing(bucket: &'static str, an_hour: u32) -> [RouteLimit; 3] {
    let by_address = limit(bucket, Per::Address, an_hour, HOUR);
    [by_address, MAIL_TO_ONE, MAIL_TO_ALL]
}

const MAIL_TO_ONE: RouteLimit = limit("mail", Per::Identifier, 5, QUARTER);
const MAIL_TO_ALL: RouteLimit = limit("mail", Per::Everybody, 1200, MINUTE);

/// What a request says of itself, for the limits that ask for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    /// What somebody typed to say who they are.
    pub(crate) identifier: Option<&'a str>,
    /// Who is signed in.
    pub(crate) person: Option<UserId>,
    /// The token that it brings.
    pub(crate) token: Option<&'a SecretText>,
}

/// Who is counted.
pub(crate) struct Counted<'a> {
    pub(crate) portcullis: &'a Portcullis,
    pub(crate) mode: LimitMode,
    pub(crate) context: &'a RequestContext,
    /// Where it is counted while the store does not answer.
    pub(crate) in_process: &'a InProcess,
}

impl Counted<'_> {
    /// Takes one from every limit of this kind.
    pub(crate) async fn take(
        &self,
        limits: &Limits,
        per: Per,
        named: Named<'_>,
    ) -> Result<(), Problem> {
        for (key, limit) in self.counts(limits, per, named) {
            if let Taken::Limited { retry_after } = self.take_one(limits, &key, &limit).await? {
                return Err(Problem::new(Code::RateLimited).with_retry_after(retry_after));
            }
        }
        Ok(())
    }

    async fn take_one(
        &self,
        limits: &Limits,
        key: &LimitKey,
        limit: &RateLimit,
    ) -> Result<Taken, Problem> {
        match (self.portcullis.take_limit(key, limit).await, limits) {
            (Ok(taken), _) => {
                self.in_process.ends();
                Ok(taken)
            }
            (Err(error @ FlowError::Unavailable(_)), Limits::Of(_, InProcessOnly)) => {
                self.portcullis.count_failure(&error);
                self.in_process.begins(&error);
                Ok(self.in_process.take(key, limit, self.portcullis.now()))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Gives one back to the address; what one name may do is counted, success or not.
    pub(crate) async fn refund(&self, limits: &Limits) {
        for (key, limit) in self.counts(limits, Per::Address, Named::default()) {
            if let Err(error) = self.portcullis.refund_limit(&key, &limit).await {
                // What was asked for is done; a count that is one too high harms nobody.
                self.portcullis.count_failure(&error);
                self.in_process.refund(&key, &limit);
                tracing::warn!(error = &error as &dyn Error, "a limit was not given back");
            }
        }
    }

    fn counts(
        &self,
        limits: &Limits,
        per: Per,
        named: Named<'_>,
    ) -> impl Iterator<Item = (LimitKey, RateLimit)> {
        let limits = match limits {
            Limits::Of(limits, _) => *limits,
            Limits::None { .. } => &[],
        };
        limits
            .iter()
            .filter(move |limit| per == limit.per)
            .filter_map(move |limit| {
                let scaled = scale(limit.limit, self.mode)?;
                Some((self.key(limit, named)?, scaled))
            })
    }

    /// `None` where the request does not say what the limit is by.
    fn key(&self, limit: &RouteLimit, named: Named<'_>) -> Option<LimitKey> {
        let value = match limit.per {
            Per::Address => match self.context.client.ip {
                Some(ip) => limit_prefix(ip).to_string(),
                None => {
                    tracing::warn!(
                        "no client address: serve with into_make_service_with_connect_info::<SocketAddr>(), or \
                         everybody shares the limits of one address"
                    );
                    "unknown".to_owned()
                }
            },
            Per::Identifier => self
                .portcullis
                .attempts_digest_hex(self.context, named.identifier?),
            Per::Person => named.person?.to_string(),
            Per::Token => self.portcullis.token_digest_hex(named.token?),
            Per::Everybody => String::new(),
        };
        Some(LimitKey::new(limit.bucket, limit.per.as_str(), &value))
    }
}

/// `None` for no limit.
fn scale(limit: RateLimit, mode: LimitMode) -> Option<RateLimit> {
    match mode {
        LimitMode::Standard => Some(limit),
        LimitMode::Times(times) => Some(RateLimit {
            burst: limit.burst.saturating_mul(times.get()),
            period: limit.period,
        }),
        LimitMode::Off => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn limits_stand_narrowest_first() {
        let all = [
            SIGN_IN,
            SIGN_UP,
            SEND_LINK,
            CHANGE_MAIL,
            SIGN_IN_MAIL,
            FORGOT,
            CHANGE,
            RENAME,
            API_TOKEN,
            STEP_UP,
            VERIFY,
            RESET,
            CODE,
            SESSION_LINK,
            TOKEN,
            REFRESH,
            EXPORT,
        ];
        for limits in all {
            let Limits::Of(limits, _) = limits else {
                panic!("no limits")
            };
            assert!(limits.is_sorted_by_key(|limit| limit.per));
            assert_eq!(limits.first().unwrap().per, Per::Address);
        }
    }

    #[test]
    fn limits_scale_and_switch_off() {
        let one = RateLimit {
            burst: 10,
            period: MINUTE,
        };
        assert_eq!(scale(one, LimitMode::Standard), Some(one));
        assert_eq!(scale(one, LimitMode::Off), None);
        let thrice = LimitMode::Times(NonZeroU32::new(3).unwrap());
        assert_eq!(scale(one, thrice).unwrap().burst, 30);
    }
}
