//! `token create|list|revoke`.

mod view;

use std::time::Duration;

use portcullis_backends::flow::{CreateApiTokenOutcome, NewApiToken};
use portcullis_core::api_token::{ApiTokenInputError, IpAllowlist, Scopes, parse_name};
use portcullis_core::id::ApiTokenId;
use serde_json::json;

use self::view::{CreatedView, TokenView};
use super::operator::{Operator, failed, nobody};
use crate::cli::{Token, Who};
use crate::failure::{Exit, Failure};
use crate::output::{Format, note};

const SECS_A_DAY: u64 = 24 * 60 * 60;

pub(super) async fn run(asked: Token, operator: &Operator) -> Result<(), Failure> {
    match asked {
        Token::Create {
            who,
            name,
            scopes,
            expires_in_days,
            networks,
        } => {
            let new = described(&name, &scopes, expires_in_days, &networks)
                .map_err(|error| Failure::usage(error.to_string()))?;
            create(&who.who, new, operator).await
        }
        Token::List(Who { who }) => list(&who, operator).await,
        Token::Revoke { who, id } => revoke(&who.who, &id, operator).await,
    }
}

fn described(
    name: &str,
    scopes: &[String],
    days: Option<u32>,
    networks: &[String],
) -> Result<NewApiToken, ApiTokenInputError> {
    let scopes = scopes.iter().map(|scope| scope.parse());
    Ok(NewApiToken {
        name: parse_name(name)?,
        scopes: Scopes::new(scopes.collect::<Result<Vec<_>, _>>()?)?,
        ip_allowlist: IpAllowlist::parse(networks.iter().map(String::as_str))?,
        expires_in: days.map(|days| Duration::from_secs(u64::from(days) * SECS_A_DAY)),
    })
}

async fn create(who: &str, new: NewApiToken, operator: &Operator) -> Result<(), Failure> {
    let user = operator.find(who).await?.user.id;
    let created = operator
        .portcullis
        .admin_create_api_token(operator.tenant, user, new)
        .await;
    match created.map_err(failed)? {
        CreateApiTokenOutcome::Created { info, token } => {
            if operator.format == Format::Text {
                note("this is the only time that the token is shown:");
            }
            let view = CreatedView::new(&info, &token);
            operator.format.print(&view, |view| view.token().to_owned())
        }
        CreateApiTokenOutcome::Invalid(error) => {
            Err(Failure::new(Exit::Refused, error.to_string()))
        }
        CreateApiTokenOutcome::NotFound => Err(nobody(who)),
        CreateApiTokenOutcome::LimitReached { limit } => Err(Failure::new(
            Exit::Refused,
            format!("`{who}` has {limit} live tokens, the most that are allowed: revoke one first"),
        )),
    }
}

async fn list(who: &str, operator: &Operator) -> Result<(), Failure> {
    let user = operator.find(who).await?.user.id;
    let listed = operator
        .portcullis
        .admin_list_api_tokens(operator.tenant, user)
        .await;
    let views: Vec<TokenView> = listed.map_err(failed)?.iter().map(TokenView::new).collect();
    operator.format.print_all(&views, TokenView::line)
}

async fn revoke(who: &str, id: &str, operator: &Operator) -> Result<(), Failure> {
    let id: ApiTokenId = id.parse().map_err(|_| {
        Failure::usage(
            "ID: expected the id that `portcullis token list` prints, not the token itself",
        )
    })?;
    let user = operator.find(who).await?.user.id;
    let revoked = operator
        .portcullis
        .admin_revoke_api_token(operator.tenant, user, id)
        .await;
    if !revoked.map_err(failed)? {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "`{who}` has no live token {id}; `portcullis token list {who}` shows those there are"
            ),
        ));
    }
    let answer = json!({ "id": id, "revoked": true });
    operator
        .format
        .print(&answer, |_| format!("{id} is revoked"))
}
