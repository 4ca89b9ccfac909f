//! `user sign-out`.

use portcullis_backends::flow::{ApiTokensToo, EndedEverything};
use serde::Serialize;

use super::super::operator::{Operator, failed};
use super::{done, show};
use crate::failure::{Exit, Failure};
use crate::output;

/// What was ended.
#[derive(Debug, Serialize)]
struct Ended {
    /// Accounts of every state in every tenant.
    accounts: u64,
    api_tokens_revoked: u64,
}

/// Nobody named is everybody.
pub(super) async fn run(
    who: Option<&str>,
    api_tokens: bool,
    yes: bool,
    operator: &Operator,
) -> Result<(), Failure> {
    let api_tokens = match api_tokens {
        true => ApiTokensToo::Revoked,
        false => ApiTokensToo::Kept,
    };
    let Some(who) = who else {
        return everybody(api_tokens, yes, operator).await;
    };
    let user = operator.find(who).await?.user.id;
    let ended = operator
        .portcullis
        .admin_sign_out(operator.tenant, user, api_tokens)
        .await;
    done(who, ended.map_err(failed)?)?;
    show(&operator.find(&user.to_string()).await?, operator)
}

async fn everybody(
    api_tokens: ApiTokensToo,
    yes: bool,
    operator: &Operator,
) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::new(
            Exit::Refused,
            "this would sign everybody out in every tenant and end every link in a mail; `--yes` does it",
        ));
    }
    let told = |ended: EndedEverything| {
        output::note(&format!("{} accounts so far", ended.accounts));
    };
    let ended = operator
        .portcullis
        .admin_end_everything(api_tokens, told)
        .await
        .map_err(failed)?;
    let view = Ended {
        accounts: ended.accounts,
        api_tokens_revoked: ended.api_tokens,
    };
    operator.format.print(&view, |view| {
        format!(
            "accounts            {}\nAPI tokens revoked  {}",
            view.accounts, view.api_tokens_revoked
        )
    })
}
