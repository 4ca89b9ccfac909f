//! Random stories: one step after the other, each about something that is there by then.

use std::fmt;

use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;

use crate::act::{Act, Kind, Spelling, Word};
use crate::law::{DAY, Law, MINUTE, Purpose};

/// One of many, counted back from the newest: what was made last is taken most often.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Back(u8);

impl Back {
    fn of(self, many: usize) -> Option<usize> {
        let back = usize::from(self.0).checked_rem(many)?;
        Some(many - 1 - back)
    }

    fn among(self, some: &[usize]) -> Option<usize> {
        self.of(some.len()).map(|at| some[at])
    }
}

impl fmt::Debug for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-{}", self.0)
    }
}

/// Which link: one that is for it, or any at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Fitting(Back),
    Any(Back),
}

/// In which browser a link is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    /// The one that signed up for it.
    Own,
    Other(Back),
    None,
}

/// Which code is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// The one that came with the ticket.
    Own,
    /// One that came with another.
    Other(Back),
    /// None of all, so many times.
    Guess(u32),
}

/// A step, before it is known what there is to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Needs nothing to be there.
    Plain(Act),
    Verify(Which, Browser, Option<Word>),
    OpenMagicLink(Which),
    EnterCode(Back, Entered),
    IssueCustom(Kind, Spelling, Option<Back>, u64),
    /// For what it is for, or for something else.
    RedeemCustom(Back, Option<Kind>),
    ResetPassword(Which, Word),
    ConfirmAddress(Back, Which),
    SignIn(Spelling, Word, Option<Back>),
    /// Signing in with the password that holds.
    Enter(Back),
    IssueTokens(Back),
    /// In one of the live sessions, or in any; whose owner's password is the first word, where it is known.
    InSession(Back, Liveness, Doing),
    Refresh(Back),
    SignOutTokens(Back),
    Suspend(Back, Option<u64>),
    Activate(Back),
    Terminate(Back),
    Unlock(Back),
    SignOutPerson(Back, bool),
    Erase(Back),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liveness {
    Live,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    ChangePassword(Option<Word>, Word),
    StepUp(Option<Word>),
    AskForAddress(Spelling),
    Use,
    SignOut,
    SignOutEverywhere,
    EndSession(Back),
    EndOtherSessions,
    CloseAccount,
    MakeApiToken(Option<u64>),
    RevokeApiToken(Back),
    RevokeApiTokens,
}

impl Step {
    /// What it comes to; `None` where there is nothing to do it with yet.
    pub(crate) fn resolve(self, law: &Law) -> Option<Act> {
        Some(match self {
            Self::Plain(act) => act,
            Self::Verify(which, browser, password) => {
                let is_fitting = |purpose| matches!(purpose, Purpose::Verify { .. });
                let link = choose(which, law, is_fitting)?;
                let browser = match (browser, law.links[link].purpose) {
                    (Browser::Own, Purpose::Verify { prepared }) => prepared.map(|(_, from)| from),
                    (Browser::Other(back), _) => back.of(law.browsers),
                    _ => None,
                };
                Act::Verify {
                    link,
                    browser,
                    password,
                }
            }
            Self::OpenMagicLink(which) => {
                let link = choose(which, law, |purpose| purpose == Purpose::SignIn)?;
                Act::OpenMagicLink { link }
            }
            Self::EnterCode(back, entered) => {
                let all = 0..law.tickets.len();
                let mailed: Vec<usize> = all.filter(|one| law.tickets[*one].is_mailed).collect();
                match entered {
                    Entered::Own => {
                        let ticket = back.among(&mailed)?;
                        let code = Some(ticket);
                        Act::EnterCode { ticket, code }
                    }
                    Entered::Other(other) => Act::EnterCode {
                        ticket: back.of(law.tickets.len())?,
                        code: other.among(&mailed),
                    },
                    Entered::Guess(times) => Act::GuessCode {
                        ticket: back.of(law.tickets.len())?,
                        times,
                    },
                }
            }
            Self::IssueCustom(kind, to, back, secs) => Act::IssueCustom {
                kind,
                to,
                person: back.and_then(|back| back.of(law.people.len())),
                secs,
            },
            Self::RedeemCustom(back, kind) => {
                let custom = back.of(law.custom.len())?;
                let kind = kind.unwrap_or(law.custom[custom].kind);
                Act::RedeemCustom { custom, kind }
            }
            Self::ResetPassword(which, password) => {
                let link = choose(which, law, |purpose| purpose == Purpose::Reset)?;
                Act::ResetPassword { link, password }
            }
            Self::ConfirmAddress(back, which) => {
                let link = choose(which, law, |purpose| purpose == Purpose::Move)?;
                let owner = law.links[link].person;
                let theirs = owner
                    .map(|owner| law.sessions_of(owner))
                    .unwrap_or_default();
                let session = back
                    .among(&theirs)
                    .or_else(|| back.of(law.sessions.len()))?;
                Act::ConfirmAddress { session, link }
            }
            Self::SignIn(with, password, replaces) => {
                let replaces = replaces.and_then(|back| back.of(law.sessions.len()));
                Act::SignIn {
                    with,
                    password,
                    replaces,
                }
            }
            Self::Enter(back) => {
                let person = &law.people[back.of(law.people.len())?];
                let (with, password) = (person.email, person.password?);
                Act::SignIn {
                    with,
                    password,
                    replaces: None,
                }
            }
            Self::IssueTokens(back) => {
                let person = &law.people[back.of(law.people.len())?];
                let (with, password) = (person.email, person.password?);
                Act::IssueTokens { with, password }
            }
            Self::InSession(back, liveness, doing) => {
                let all = 0..law.sessions.len();
                let live: Vec<usize> = match liveness {
                    Liveness::Live => all.filter(|session| law.is_signed_in(*session)).collect(),
                    Liveness::Any => all.collect(),
                };
                doing.resolve(back.among(&live)?, law)?
            }
            Self::Refresh(back) => Act::Refresh {
                refresh: back.of(law.refresh.len())?,
            },
            Self::SignOutTokens(back) => Act::SignOutTokens {
                access: back.of(law.access.len())?,
            },
            Self::Suspend(back, secs) => Act::Suspend {
                person: back.of(law.people.len())?,
                secs,
            },
            Self::Activate(back) => Act::Activate {
                person: back.of(law.people.len())?,
            },
            Self::Terminate(back) => Act::Terminate {
                person: back.of(law.people.len())?,
            },
            Self::Unlock(back) => Act::Unlock {
                person: back.of(law.people.len())?,
            },
            Self::SignOutPerson(back, api_tokens) => Act::SignOutPerson {
                person: back.of(law.people.len())?,
                api_tokens,
            },
            Self::Erase(back) => Act::Erase {
                person: back.of(law.people.len())?,
            },
        })
    }
}

impl Doing {
    fn resolve(self, session: usize, law: &Law) -> Option<Act> {
        let known = law.people[law.sessions[session].person].password;
        let or_any = |word: Option<Word>| word.or(known).unwrap_or(Word::Horse);
        Some(match self {
            Self::ChangePassword(current, new) => Act::ChangePassword {
                session,
                current: or_any(current),
                new,
            },
            Self::StepUp(password) => Act::StepUp {
                session,
                password: or_any(password),
            },
            Self::AskForAddress(new) => Act::AskForAddress { session, new },
            Self::Use => Act::Use { session },
            Self::SignOut => Act::SignOut { session },
            Self::SignOutEverywhere => Act::SignOutEverywhere { session },
            Self::EndSession(back) => Act::EndSession {
                session,
                other: back.of(law.sessions.len())?,
            },
            Self::EndOtherSessions => Act::EndOtherSessions { session },
            Self::CloseAccount => Act::CloseAccount { session },
            Self::MakeApiToken(secs) => Act::MakeApiToken { session, secs },
            Self::RevokeApiToken(back) => Act::RevokeApiToken {
                session,
                api_token: back.of(law.api_tokens.len())?,
            },
            Self::RevokeApiTokens => Act::RevokeApiTokens { session },
        })
    }
}

fn choose(which: Which, law: &Law, is_fitting: impl Fn(Purpose) -> bool) -> Option<usize> {
    match which {
        Which::Any(back) => back.of(law.links.len()),
        Which::Fitting(back) => {
            let all = 0..law.links.len();
            let fitting: Vec<usize> = all
                .filter(|link| is_fitting(law.links[*link].purpose))
                .collect();
            back.among(&fitting)
        }
    }
}

/// A whole story.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) links_make_accounts: bool,
    pub(crate) remembers: bool,
    /// Whether a password is to stand for a while before it is changed.
    pub(crate) waits: bool,
    pub(crate) steps: Vec<Step>,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "a story where links make accounts: {}, passwords are remembered: {}, and have to stand: {}",
            self.links_make_accounts, self.remembers, self.waits
        )?;
        for step in &self.steps {
            writeln!(f, "    {step:?}")?;
        }
        Ok(())
    }
}

/// Stories of all sorts; half of them begin with somebody signed in.
pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let beginning = prop_oneof![
        3 => Just(Vec::new()),
        2 => Just(somebody_signs_in()),
        1 => Just(somebody_changes_their_password()),
    ];
    let settings = (any::<bool>(), any::<bool>(), weighted(0.3));
    (settings, beginning, vec(step(), 1..60)).prop_map(
        |((links_make_accounts, remembers, waits), mut steps, rest)| {
            steps.extend(rest);
            Story {
                links_make_accounts,
                remembers,
                waits,
                steps,
            }
        },
    )
}

fn somebody_signs_in() -> Vec<Step> {
    let newest = Back(0);
    let (with, password) = (Spelling::Ada, Word::Horse);
    vec![
        Step::Plain(Act::SignUp { with, password }),
        Step::Verify(Which::Fitting(newest), Browser::Own, None),
        Step::Enter(newest),
        Step::IssueTokens(newest),
    ]
}

fn somebody_changes_their_password() -> Vec<Step> {
    let change = Doing::ChangePassword(None, Word::Staple);
    let mut steps = somebody_signs_in();
    steps.push(Step::InSession(Back(0), Liveness::Live, change));
    steps
}

fn step() -> impl Strategy<Value = Step> {
    let by_mail = prop_oneof![
        4 => (spelling(), word()).prop_map(|(with, password)| Act::SignUp { with, password }),
        1 => spelling().prop_map(|with| Act::AskForVerification { with }),
        3 => spelling().prop_map(|with| Act::AskForMagicLink { with }),
        2 => spelling().prop_map(|with| Act::ForgetPassword { with }),
        3 => spelling().prop_map(|with| Act::AskForCode { with }),
        1 => (spelling(), 1..8_u32).prop_map(|(with, times)| Act::Guess { with, times }),
        4 => wait().prop_map(|secs| Act::Wait { secs }),
    ];
    let by_operator = prop_oneof![
        3 => (back(), option::of(span())).prop_map(|(person, secs)| Step::Suspend(person, secs)),
        3 => back().prop_map(Step::Activate),
        1 => (spelling(), word())
            .prop_map(|(with, password)| Step::Plain(Act::OpenAccount { with, password })),
        2 => spelling().prop_map(|with| Step::Plain(Act::Import { with })),
        1 => back().prop_map(Step::Terminate),
        1 => back().prop_map(Step::Unlock),
        2 => (back(), any::<bool>())
            .prop_map(|(person, api_tokens)| Step::SignOutPerson(person, api_tokens)),
        1 => back().prop_map(Step::Erase),
    ];
    let entered = prop_oneof![
        6 => Just(Entered::Own),
        1 => back().prop_map(Entered::Other),
        2 => (1..8_u32).prop_map(Entered::Guess),
    ];
    let live = prop_oneof![6 => Just(Liveness::Live), 1 => Just(Liveness::Any)];
    prop_oneof![
        18 => by_mail.prop_map(Step::Plain),
        4 => (which(), browser(), option::weighted(0.2, word()))
            .prop_map(|(link, browser, password)| Step::Verify(link, browser, password)),
        3 => which().prop_map(Step::OpenMagicLink),
        3 => (back(), entered).prop_map(|(ticket, code)| Step::EnterCode(ticket, code)),
        2 => (kind(), spelling(), option::of(back()), span())
            .prop_map(|(kind, to, person, secs)| Step::IssueCustom(kind, to, person, secs.max(MINUTE))),
        1 => (back(), option::weighted(0.2, kind()))
            .prop_map(|(custom, kind)| Step::RedeemCustom(custom, kind)),
        2 => (which(), word()).prop_map(|(link, password)| Step::ResetPassword(link, password)),
        2 => (back(), which()).prop_map(|(session, link)| Step::ConfirmAddress(session, link)),
        2 => (spelling(), word(), option::of(back()))
            .prop_map(|(with, password, replaces)| Step::SignIn(with, password, replaces)),
        4 => back().prop_map(Step::Enter),
        2 => back().prop_map(Step::IssueTokens),
        12 => (back(), live, doing()).prop_map(|(session, live, doing)| Step::InSession(session, live, doing)),
        5 => back().prop_map(Step::Refresh),
        1 => back().prop_map(Step::SignOutTokens),
        4 => by_operator,
    ]
}

fn doing() -> impl Strategy<Value = Doing> {
    let mostly_right = || option::weighted(0.2, word());
    prop_oneof![
        2 => (mostly_right(), word()).prop_map(|(current, new)| Doing::ChangePassword(current, new)),
        2 => mostly_right().prop_map(Doing::StepUp),
        4 => spelling().prop_map(Doing::AskForAddress),
        3 => Just(Doing::Use),
        1 => Just(Doing::SignOut),
        1 => Just(Doing::SignOutEverywhere),
        1 => back().prop_map(Doing::EndSession),
        1 => Just(Doing::EndOtherSessions),
        1 => Just(Doing::CloseAccount),
        3 => option::of(span()).prop_map(|secs| Doing::MakeApiToken(secs.map(|secs| secs.max(MINUTE)))),
        1 => back().prop_map(Doing::RevokeApiToken),
        1 => Just(Doing::RevokeApiTokens),
    ]
}

fn back() -> impl Strategy<Value = Back> {
    prop_oneof![5 => Just(0), 3 => 1..4_u8, 1 => any::<u8>()].prop_map(Back)
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![9 => back().prop_map(Which::Fitting), 1 => back().prop_map(Which::Any)]
}

fn browser() -> impl Strategy<Value = Browser> {
    prop_oneof![
        4 => Just(Browser::Own),
        1 => back().prop_map(Browser::Other),
        1 => Just(Browser::None),
    ]
}

fn spelling() -> impl Strategy<Value = Spelling> {
    (0..Spelling::ALL.len()).prop_map(|at| Spelling::ALL[at])
}

fn kind() -> impl Strategy<Value = Kind> {
    (0..Kind::ALL.len()).prop_map(|at| Kind::ALL[at])
}

fn word() -> impl Strategy<Value = Word> {
    (0..Word::ALL.len()).prop_map(|at| Word::ALL[at])
}

/// Around the ends of things: each comes up exactly, and one second before.
fn span() -> impl Strategy<Value = u64> {
    const ENDS: [u64; 9] = [
        1,
        10,
        MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        DAY,
        14 * DAY,
        30 * DAY,
        90 * DAY,
    ];
    (0..ENDS.len(), 0..2_u64).prop_map(|(at, before)| ENDS[at] - before)
}

/// Mostly short, so that something is alive.
fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..20_u64, 2 => 20..2000_u64, 2 => span(), 1 => (1..12_u64).prop_map(|days| days * DAY)]
}
