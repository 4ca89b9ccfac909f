//! `user create|list|show|suspend|activate|sign-out|unlock|grant-role|revoke-role|export|erase|import`.

mod erase;
mod import;
mod sign_out;
mod view;

use portcullis_backends::flow::{
    AdminOutcome, OpenAccountOutcome, RoleChange, StateChange, UserRecord,
};
use portcullis_core::id::UserId;
use portcullis_core::identifier::Identifier;
use portcullis_core::state::EntityState;

use self::view::UserView;
use super::operator::{Operator, failed, nobody};
use super::password;
use crate::cli::{User, Who};
use crate::failure::{Exit, Failure};

/// How many people are read at once.
const PAGE: u32 = 500;

pub(super) async fn run(asked: User, operator: &Operator) -> Result<(), Failure> {
    match asked {
        User::Create { email } => create(&email, operator).await,
        User::List { after, limit } => list(after.as_deref(), limit, operator).await,
        User::Show(Who { who }) => show(&operator.find(&who).await?, operator),
        User::Suspend { who, reason, until } => {
            let change = StateChange {
                to: EntityState::Suspended,
                reason,
                until: until.map(|moment| moment.0),
            };
            set_state(&who.who, change, operator).await
        }
        User::Activate(Who { who }) => {
            let change = StateChange {
                to: EntityState::Active,
                reason: None,
                until: None,
            };
            set_state(&who, change, operator).await
        }
        User::GrantRole { who, role } => {
            change_role(&who.who, RoleChange::Grant(role), operator).await
        }
        User::RevokeRole { who, role } => {
            change_role(&who.who, RoleChange::Revoke(role), operator).await
        }
        User::Export(Who { who }) => export(&who, operator).await,
        User::SignOut {
            who,
            api_tokens,
            yes,
            ..
        } => sign_out::run(who.as_deref(), api_tokens, yes, operator).await,
        User::Erase { who, yes } => erase::run(&who.who, yes, operator).await,
        User::Import(asked) => import::run(&asked, operator).await,
        User::Unlock(Who { who }) => {
            let user = operator.find(&who).await?.user.id;
            let unlocked = operator
                .portcullis
                .admin_unlock(operator.tenant, user)
                .await;
            done(&who, unlocked.map_err(failed)?)?;
            show(&operator.find(&who).await?, operator)
        }
    }
}

async fn create(email: &str, operator: &Operator) -> Result<(), Failure> {
    let email = Identifier::email(email).map_err(|error| Failure::usage(error.to_string()))?;
    let password = password::read()?;
    let opened = operator
        .portcullis
        .admin_open_account(operator.tenant, email, password)
        .await;
    match opened.map_err(failed)? {
        OpenAccountOutcome::Opened { user } => {
            show(&operator.find(&user.to_string()).await?, operator)
        }
        OpenAccountOutcome::Taken => Err(Failure::new(
            Exit::Refused,
            "somebody has this e-mail address already",
        )),
        OpenAccountOutcome::PasswordRefused(rejection) => {
            Err(Failure::new(Exit::Refused, rejection.to_string()))
        }
    }
}

async fn list(after: Option<&str>, limit: u32, operator: &Operator) -> Result<(), Failure> {
    let mut after: Option<UserId> = match after {
        Some(id) => Some(id.parse().map_err(|_| {
            Failure::usage(
                "--after: expected the id of a person, as `portcullis user list` prints it",
            )
        })?),
        None => None,
    };
    let now = operator.portcullis.now();
    let mut views = Vec::new();
    let mut wanted = limit;
    while wanted > 0 {
        let page = wanted.min(PAGE);
        let read = operator
            .portcullis
            .admin_users(operator.tenant, after, page);
        let records = read.await.map_err(failed)?;
        let found = u32::try_from(records.len()).unwrap_or(u32::MAX);
        after = records.last().map(|record| record.user.id);
        views.extend(records.iter().map(|record| UserView::new(record, now)));
        if found < page {
            break;
        }
        wanted = wanted.saturating_sub(found);
    }
    operator.format.print_all(&views, UserView::line)
}

fn show(record: &UserRecord, operator: &Operator) -> Result<(), Failure> {
    let view = UserView::new(record, operator.portcullis.now());
    operator.format.print(&view, UserView::text)
}

/// JSON either way; over several lines where a person reads it.
async fn export(who: &str, operator: &Operator) -> Result<(), Failure> {
    let user = operator.find(who).await?.user.id;
    let read = operator
        .portcullis
        .admin_export_account(operator.tenant, user);
    let export = read.await.map_err(failed)?.ok_or_else(|| nobody(who))?;
    operator.format.print(&export, |export| {
        // A tree of strings, numbers and maps with string keys: JSON can say all of it.
        serde_json::to_string_pretty(export).unwrap_or_default()
    })
}

async fn set_state(who: &str, change: StateChange, operator: &Operator) -> Result<(), Failure> {
    let user = operator.find(who).await?.user.id;
    let set = operator
        .portcullis
        .admin_set_state(operator.tenant, user, change)
        .await;
    done(who, set.map_err(failed)?)?;
    show(&operator.find(&user.to_string()).await?, operator)
}

async fn change_role(who: &str, change: RoleChange, operator: &Operator) -> Result<(), Failure> {
    let user = operator.find(who).await?.user.id;
    let changed = operator
        .portcullis
        .admin_change_role(operator.tenant, user, change)
        .await;
    done(who, changed.map_err(failed)?)?;
    show(&operator.find(&user.to_string()).await?, operator)
}

fn done(who: &str, outcome: AdminOutcome) -> Result<(), Failure> {
    match outcome {
        AdminOutcome::Done => Ok(()),
        AdminOutcome::NotFound => Err(nobody(who)),
        AdminOutcome::Refused(refusal) => Err(Failure::new(Exit::Refused, refusal.to_string())),
    }
}
