//! What people, strangers and operators do, one thing at a time. Numbers count what was made, from zero.

use std::fmt;

/// An address as somebody writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spelling {
    Ada,
    /// The same canonical form, and perhaps a stranger's mailbox.
    AdaInCapitals,
    Eve,
    Grace,
}

/// What two spellings have in common; an account belongs to one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    Ada,
    Eve,
    Grace,
}

impl Address {
    /// Its canonical form.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ada => "ada@example.com",
            Self::Eve => "eve@example.com",
            Self::Grace => "grace@example.com",
        }
    }
}

impl Spelling {
    pub(crate) const ALL: [Self; 4] = [Self::Ada, Self::AdaInCapitals, Self::Eve, Self::Grace];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ada => "ada@example.com",
            Self::AdaInCapitals => "ADA@example.com",
            Self::Eve => "eve@example.com",
            Self::Grace => "grace@example.com",
        }
    }

    pub(crate) const fn address(self) -> Address {
        match self {
            Self::Ada | Self::AdaInCapitals => Address::Ada,
            Self::Eve => Address::Eve,
            Self::Grace => Address::Grace,
        }
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the passwords that anybody tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Horse,
    Staple,
    Battery,
}

impl Word {
    pub(crate) const ALL: [Self; 3] = [Self::Horse, Self::Staple, Self::Battery];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Horse => "correct horse battery staple",
            Self::Staple => "another horse, another staple",
            Self::Battery => "a battery of staple horses",
        }
    }
}

/// What an application's own token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Seat,
    Wish,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Seat, Self::Wish];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Seat => "seat",
            Self::Wish => "wish",
        }
    }
}

/// Nobody has this one.
pub(crate) const GUESS: &str = "a guess that is nobody's password";

/// One act. Whoever does it has what is named, by right or not: links, cookies and tokens are known to everybody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    SignUp {
        with: Spelling,
        password: Word,
    },
    AskForVerification {
        with: Spelling,
    },
    Verify {
        link: usize,
        browser: Option<usize>,
        password: Option<Word>,
    },
    SignIn {
        with: Spelling,
        password: Word,
        replaces: Option<usize>,
    },
    Guess {
        with: Spelling,
        times: u32,
    },
    AskForMagicLink {
        with: Spelling,
    },
    OpenMagicLink {
        link: usize,
    },
    AskForCode {
        with: Spelling,
    },
    /// The code that came with a ticket, this one or another; none of all where it is a guess.
    EnterCode {
        ticket: usize,
        code: Option<usize>,
    },
    GuessCode {
        ticket: usize,
        times: u32,
    },
    /// A token of an application's own, for somebody or for whoever has the address.
    IssueCustom {
        kind: Kind,
        to: Spelling,
        person: Option<usize>,
        secs: u64,
    },
    RedeemCustom {
        custom: usize,
        kind: Kind,
    },
    ForgetPassword {
        with: Spelling,
    },
    ResetPassword {
        link: usize,
        password: Word,
    },
    ChangePassword {
        session: usize,
        current: Word,
        new: Word,
    },
    AskForAddress {
        session: usize,
        new: Spelling,
    },
    ConfirmAddress {
        session: usize,
        link: usize,
    },
    StepUp {
        session: usize,
        password: Word,
    },
    Use {
        session: usize,
    },
    SignOut {
        session: usize,
    },
    SignOutEverywhere {
        session: usize,
    },
    EndSession {
        session: usize,
        other: usize,
    },
    EndOtherSessions {
        session: usize,
    },
    CloseAccount {
        session: usize,
    },
    MakeApiToken {
        session: usize,
        secs: Option<u64>,
    },
    RevokeApiToken {
        session: usize,
        api_token: usize,
    },
    RevokeApiTokens {
        session: usize,
    },
    IssueTokens {
        with: Spelling,
        password: Word,
    },
    Refresh {
        refresh: usize,
    },
    SignOutTokens {
        access: usize,
    },
    Suspend {
        person: usize,
        secs: Option<u64>,
    },
    Activate {
        person: usize,
    },
    /// An account that an operator opens, with a password.
    OpenAccount {
        with: Spelling,
        password: Word,
    },
    /// Somebody of another system, whose address that one had proof of; they have no password.
    Import {
        with: Spelling,
    },
    Terminate {
        person: usize,
    },
    Unlock {
        person: usize,
    },
    /// Everything that somebody is signed in with ends, and their API tokens where that is asked for.
    SignOutPerson {
        person: usize,
        api_tokens: bool,
    },
    /// Nothing is kept about somebody.
    Erase {
        person: usize,
    },
    Wait {
        secs: u64,
    },
}

/// What came of it. Both sides number what they make, so the numbers must agree as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Taken without a word about whether it did anything.
    Accepted,
    /// Done, and nothing new in hand.
    Done,
    /// No.
    Refused,
    /// A password that they had before.
    Reused,
    /// The password is too new to be changed.
    TooSoon,
    /// There is nobody.
    NotFound,
    /// Wait first.
    Locked,
    /// The link is good, and needs a password.
    PasswordRequired,
    /// An address is proved; whose.
    Verified { person: usize },
    /// A new session.
    Session { session: usize },
    /// A new ticket, whose code was mailed or not.
    Ticket { ticket: usize },
    /// A new token of an application's own.
    Custom { custom: usize },
    /// A new API token.
    ApiToken { api_token: usize },
    /// A pair; both may be ones that were there before.
    Pair { refresh: usize, access: usize },
    /// How many ended.
    Ended { count: usize },
}
