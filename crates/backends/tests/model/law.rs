//! What must hold, in words of its own: who owns what, and until when. Nothing here asks the code under test.

#[path = "law/accounts.rs"]
mod accounts;
#[path = "law/codes.rs"]
mod codes;
#[path = "law/custom.rs"]
mod custom;
#[path = "law/links.rs"]
mod links;
#[path = "law/sessions.rs"]
mod sessions;
#[path = "law/tokens.rs"]
mod tokens;

use crate::act::{Act, Address, Answer, Kind, Spelling, Word};
use crate::story::Story;

/// Seconds since the story began.
pub(crate) type Moment = u64;

pub(crate) const MINUTE: u64 = 60;
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;

/// How long a password has to stand, where it has to.
pub(crate) const COOLDOWN: u64 = 10 * MINUTE;

/// The caps of the story, low enough to be reached.
pub(crate) const SESSIONS_MAX: usize = 3;
pub(crate) const PAIRS_MAX: usize = 3;

/// Where somebody's account is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nobody has proved the address yet.
    Pending,
    Active,
    /// Without an end it is an operator who ends it.
    Suspended {
        until: Option<Moment>,
    },
    /// For good.
    Closed,
    /// Nothing is kept about them, and the address is free.
    Erased,
}

/// Somebody's account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// As their mail is addressed.
    pub(crate) email: Spelling,
    /// What they showed to be theirs.
    pub(crate) proved: Vec<Address>,
    pub(crate) life: Life,
    /// Counts the changes that end whatever was made before.
    pub(crate) era: u32,
    pub(crate) password: Option<Word>,
    /// When it was set.
    password_since: Moment,
    /// The one before it, where passwords are remembered.
    earlier: Option<Word>,
}

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Proves the address of a sign-up; the password that came with it counts in the browser that it came from.
    Verify {
        prepared: Option<(Word, usize)>,
    },
    Reset,
    SignIn,
    /// Proves a new address.
    Move,
}

impl Purpose {
    /// Whether a newer one takes the older one's place.
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// A link in a mail.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) purpose: Purpose,
    /// Whom it was made for; nobody where the account is to come from the link.
    pub(crate) person: Option<usize>,
    pub(crate) to: Spelling,
    era: u32,
    ends: Moment,
    is_used: bool,
    is_replaced: bool,
}

/// What a browser is given that asked for a code.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) to: Spelling,
    /// Who had the address then.
    person: Option<usize>,
    era: u32,
    ends: Moment,
    /// Whether a code was mailed; without one no code works.
    pub(crate) is_mailed: bool,
    is_used: bool,
    is_replaced: bool,
    tries: u32,
}

/// A token of an application's own.
#[derive(Clone, Debug)]
pub(crate) struct Custom {
    pub(crate) kind: Kind,
    person: Option<usize>,
    to: Spelling,
    era: u32,
    ends: Moment,
    is_used: bool,
    is_replaced: bool,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) person: usize,
    era: u32,
    /// When its owner last showed that it is them.
    pub(crate) proved_at: Moment,
    seen: Moment,
    idle_end: Moment,
    end: Moment,
    is_ended: bool,
}

/// A key of a program.
#[derive(Clone, Debug)]
pub(crate) struct ApiToken {
    pub(crate) person: usize,
    end: Option<Moment>,
    is_revoked: bool,
}

/// A chain of refresh tokens.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) person: usize,
    era: u32,
    current: usize,
    /// The one before, and when it was used.
    before: Option<(usize, Moment)>,
    idle_end: Moment,
    end: Moment,
    is_ended: bool,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) family: usize,
    end: Moment,
}

/// What was wrong so often.
#[derive(Clone, Copy, Debug)]
enum Secret {
    Password,
    /// What came by mail.
    Mailed,
}

/// Failures in a row with one address.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    wait_until: Moment,
    forgotten: Moment,
}

/// Everything that is true so far.
#[derive(Clone, Debug)]
pub(crate) struct Law {
    pub(crate) now: Moment,
    /// Whether a magic link makes accounts.
    links_make_accounts: bool,
    /// Whether the password that somebody has and the one before may not be set again.
    remembers: bool,
    waits: bool,
    pub(crate) people: Vec<Person>,
    /// How many sign-ups left a cookie.
    pub(crate) browsers: usize,
    pub(crate) links: Vec<Link>,
    pub(crate) tickets: Vec<Ticket>,
    /// When an address may be sent the next code.
    next_code: [Moment; 3],
    pub(crate) custom: Vec<Custom>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) api_tokens: Vec<ApiToken>,
    pub(crate) families: Vec<Family>,
    /// The family of each refresh token.
    pub(crate) refresh: Vec<usize>,
    pub(crate) access: Vec<Access>,
    failures: [[Failures; 3]; 2],
}

impl Law {
    pub(crate) fn new(story: &Story) -> Self {
        Self {
            now: 0,
            links_make_accounts: story.links_make_accounts,
            remembers: story.remembers,
            waits: story.waits,
            people: Vec::new(),
            browsers: 0,
            links: Vec::new(),
            tickets: Vec::new(),
            next_code: [0; 3],
            custom: Vec::new(),
            sessions: Vec::new(),
            api_tokens: Vec::new(),
            families: Vec::new(),
            refresh: Vec::new(),
            access: Vec::new(),
            failures: Default::default(),
        }
    }

    /// Whose account an address belongs to. There is one at the most, whatever its state, until they are erased.
    pub(crate) fn holder(&self, address: Address) -> Option<usize> {
        let has = |person: &Person| person.email.address() == address;
        let mut people = self.people.iter();
        people.position(|person| has(person) && person.life != Life::Erased)
    }

    /// Whether somebody may act at all.
    pub(crate) fn may_act(&self, person: usize) -> bool {
        match self.people[person].life {
            Life::Active => true,
            Life::Suspended { until } => until.is_some_and(|until| until <= self.now),
            Life::Pending | Life::Closed | Life::Erased => false,
        }
    }

    /// Whether what proves an address may be used by somebody, or for them.
    fn may_prove(&self, person: usize) -> bool {
        self.people[person].life == Life::Pending || self.may_act(person)
    }

    /// Forgets the failures with an address.
    fn forgive(&mut self, secret: Secret, address: Address) {
        self.failures[secret as usize][address as usize] = Failures::default();
    }

    /// Ends whatever somebody was given before, but for their API tokens.
    fn new_era(&mut self, person: usize) {
        self.people[person].era += 1;
    }

    /// Does it, and says what must come of it.
    pub(crate) fn act(&mut self, act: Act) -> Answer {
        match act {
            Act::Wait { secs } => {
                self.now += secs;
                return Answer::Done;
            }
            _ => self.now += 1,
        }
        match act {
            Act::SignUp { with, password } => self.sign_up(with, password),
            Act::AskForVerification { with } => self.ask_for_verification(with),
            Act::Verify {
                link,
                browser,
                password,
            } => self.verify(link, browser, password),
            Act::SignIn {
                with,
                password,
                replaces,
            } => self.sign_in(with, password, replaces),
            Act::Guess { with, times } => self.guess(with, times),
            Act::AskForMagicLink { with } => self.ask_for_magic_link(with),
            Act::OpenMagicLink { link } => self.open_magic_link(link),
            Act::AskForCode { with } => self.ask_for_code(with),
            Act::EnterCode { ticket, code } => self.enter_code(ticket, code),
            Act::GuessCode { ticket, times } => self.guess_code(ticket, times),
            Act::IssueCustom {
                kind,
                to,
                person,
                secs,
            } => self.issue_custom(kind, to, person, secs),
            Act::RedeemCustom { custom, kind } => self.redeem_custom(custom, kind),
            Act::ForgetPassword { with } => self.forget_password(with),
            Act::ResetPassword { link, password } => self.reset_password(link, password),
            Act::ChangePassword {
                session,
                current,
                new,
            } => self.change_password(session, current, new),
            Act::AskForAddress { session, new } => self.ask_for_address(session, new),
            Act::ConfirmAddress { session, link } => self.confirm_address(session, link),
            Act::StepUp { session, password } => self.step_up(session, password),
            Act::Use { session } => self.in_session(session, |_, _| Answer::Done),
            Act::SignOut { session } => self.sign_out(session),
            Act::SignOutEverywhere { session } => self.sign_out_everywhere(session),
            Act::EndSession { session, other } => self.end_session(session, other),
            Act::EndOtherSessions { session } => self.end_other_sessions(session),
            Act::CloseAccount { session } => self.close_account(session),
            Act::MakeApiToken { session, secs } => self.make_api_token(session, secs),
            Act::RevokeApiToken { session, api_token } => self.revoke_api_token(session, api_token),
            Act::RevokeApiTokens { session } => self.revoke_api_tokens(session),
            Act::IssueTokens { with, password } => self.issue_tokens(with, password),
            Act::Refresh { refresh } => self.refresh(refresh),
            Act::SignOutTokens { access } => self.sign_out_tokens(access),
            Act::Suspend { person, secs } => self.suspend(person, secs),
            Act::Activate { person } => self.activate(person),
            Act::OpenAccount { with, password } => self.bring(with, Some(password)),
            Act::Import { with } => self.bring(with, None),
            Act::Terminate { person } => self.terminate(person),
            Act::Unlock { person } => self.unlock(person),
            Act::SignOutPerson { person, api_tokens } => self.sign_out_person(person, api_tokens),
            Act::Erase { person } => self.erase(person),
            Act::Wait { .. } => Answer::Done,
        }
    }
}
