//! Taking the locks of the people a script is about, see [`Turns`].

use portcullis_core::id::UserId;
use sha2::{Digest, Sha256};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use super::fault::Trouble;
use super::held::Held;
use super::row::own;
use crate::script::{Script, Turns};
use crate::value::Value;

/// In the order of their ids, whoever asks. The lock is the one that an update of the row takes: rows that refer to it
/// can still be added. Ids of people are unique over all tenants, so a wrong tenant takes nobody else's turn.
const TAKE: &str = "SELECT user_id FROM accounts WHERE user_id = ANY ($1 \
     || ARRAY(SELECT user_id FROM verification_tokens WHERE id = ANY ($2) AND user_id IS NOT NULL) \
     || ARRAY(SELECT owner_id FROM api_tokens WHERE id = ANY ($3)) \
     || ARRAY(SELECT user_id FROM sessions WHERE id = ANY ($4))) \
     ORDER BY user_id FOR NO KEY UPDATE";

/// For whom there is no row to lock. The locks end with the transaction.
const TAKE_KEYS: &str = "SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1) AS key";

/// Whether the script can run with no turn taken.
pub(super) fn needs_none(script: &Script) -> bool {
    // One statement about one row waits for nobody while it holds anything.
    let Turns {
        people,
        tokens,
        api_tokens,
        sessions,
        addresses,
    } = &script.turns;
    people.is_empty()
        && tokens.is_empty()
        && addresses.is_empty()
        && api_tokens.len() <= 1
        && sessions.len() <= 1
}

/// The one person whose turn the first step takes by itself.
pub(super) fn taken_by_first_step(script: &Script) -> Option<UserId> {
    let Turns {
        people,
        tokens,
        api_tokens,
        sessions,
        addresses,
    } = &script.turns;
    let others = tokens.len() + api_tokens.len() + sessions.len() + addresses.len();
    match (script.steps().first()?.takes_turn, people.as_slice()) {
        (true, [user]) if others == 0 => Some(*user),
        _ => None,
    }
}

/// Waits until it is everybody's turn.
pub(super) async fn take(held: &mut Held, turns: &Turns) -> Result<(), Trouble> {
    let Turns {
        people,
        tokens,
        api_tokens,
        sessions,
        addresses,
    } = turns;
    let mut keys: Vec<i64> = Vec::new();
    if people.len() + tokens.len() + api_tokens.len() + sessions.len() > 0 {
        let mut lists = PgArguments::default();
        for ids in [
            ids(people, |id| id.as_bytes()),
            ids(tokens, |id| id.as_bytes()),
            ids(api_tokens, |id| id.as_bytes()),
            ids(sessions, |id| id.as_bytes()),
        ] {
            lists.add(ids).map_err(sqlx::Error::Encode)?;
        }
        let rows = held.rows_of(TAKE, lists).await?;
        let taken: Vec<_> = rows.iter().map(own).collect();
        let has_account = |user: &&UserId| {
            let id = Value::from(**user);
            taken.iter().any(|row| row.0.first() == Some(&id))
        };
        let without = people.iter().filter(|user| !has_account(user));
        keys.extend(without.map(key_of_person));
    }
    keys.extend(
        addresses
            .iter()
            .map(|(tenant, address)| key(&[b"address", tenant.as_bytes(), address.as_bytes()])),
    );
    take_keys(held, keys).await
}

/// Waits until it is the turn of somebody who has no account.
pub(super) async fn take_without_account(held: &mut Held, user: UserId) -> Result<(), Trouble> {
    take_keys(held, vec![key_of_person(&user)]).await
}

async fn take_keys(held: &mut Held, mut keys: Vec<i64>) -> Result<(), Trouble> {
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort_unstable();
    let mut list = PgArguments::default();
    list.add(keys).map_err(sqlx::Error::Encode)?;
    held.rows_of(TAKE_KEYS, list).await.map(drop)
}

fn ids<T>(ids: &[T], bytes: fn(&T) -> &[u8; 16]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| bytes(id).to_vec()).collect()
}

fn key_of_person(user: &UserId) -> i64 {
    key(&[b"person", user.as_bytes()])
}

/// Two that share a key by chance wait for each other without need.
fn key(parts: &[&[u8]]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut key = [0; 8];
    for (byte, of_hash) in key.iter_mut().zip(hash.finalize()) {
        *byte = of_hash;
    }
    i64::from_be_bytes(key)
}
