//! Commits of key-value stores: the laws KV-2 to KV-4 of `portcullis_core::store`.

use portcullis_core::store::{KeyValueStore, KvCommit};

use super::kv::{PART, absent, delete, holds, put, put_until};
use super::sample::{START, after, just_before};
use super::trial::{Trial, rounds};

/// KV-2, KV-3: a commit happens whole or not at all, and names the first check that failed.
pub async fn a_commit_happens_whole_or_not_at_all<S: KeyValueStore>(trial: Trial<S>) {
    trial.done(&[put(b"a", b"1"), put(b"b", b"2")]).await;
    let both = [put(b"a", b"x"), delete(b"b"), put(b"c", b"x")];
    let refused = [
        (vec![absent(b"a")], 0),
        (vec![holds(b"a", b"1"), absent(b"b"), absent(b"a")], 1),
        (vec![absent(b"c"), holds(b"a", b"1"), holds(b"c", b"")], 2),
        (vec![holds(b"a", b"1"), holds(b"b", b"2\0")], 1),
        (vec![holds(b"a", b"")], 0),
    ];
    for (checks, check) in refused {
        let commit = trial.commit(&checks, &both).await;
        assert_eq!(commit, KvCommit::Refused { check });
        assert_eq!(trial.value(b"a", START).await, Some(b"1".to_vec()));
        assert_eq!(trial.value(b"b", START).await, Some(b"2".to_vec()));
        assert_eq!(trial.value(b"c", START).await, None);
    }
    let checks = [holds(b"a", b"1"), holds(b"b", b"2"), absent(b"c")];
    assert_eq!(trial.commit(&checks, &both).await, KvCommit::Done);
    assert_eq!(trial.keys(b"", START).await, [b"a", b"c"]);
    assert_eq!(trial.value(b"a", START).await, Some(b"x".to_vec()));
}

/// KV-3: a check sees what a reader sees at the same time.
pub async fn checks_see_what_readers_see<S: KeyValueStore>(trial: Trial<S>) {
    let store = &trial.store;
    trial.done(&[put_until(b"k", b"v", after(10))]).await;
    for (now, there) in [(just_before(after(10)), true), (after(10), false)] {
        for (check, holds) in [(holds(b"k", b"v"), there), (absent(b"k"), !there)] {
            let commit = store.commit(PART, &[check], &[], now).await.unwrap();
            assert_eq!(commit == KvCommit::Done, holds, "{now}");
        }
    }
    let again = [put_until(b"k", b"w", after(20))];
    let check = [absent(b"k")];
    let commit = store.commit(PART, &check, &again, after(10)).await;
    assert_eq!(commit.unwrap(), KvCommit::Done);
    assert_eq!(trial.value(b"k", after(10)).await, Some(b"w".to_vec()));
}

/// KV-4: writes are made in their order, and checks come before all of them.
pub async fn writes_are_made_in_order<S: KeyValueStore>(trial: Trial<S>) {
    let writes = [
        delete(b"k"),
        put(b"k", b"1"),
        put_until(b"k", b"2", after(5)),
        put(b"gone", b"1"),
        delete(b"gone"),
        delete(b"gone"),
    ];
    let checks = [absent(b"k"), absent(b"gone")];
    assert_eq!(trial.commit(&checks, &writes).await, KvCommit::Done);
    assert_eq!(trial.value(b"k", START).await, Some(b"2".to_vec()));
    assert_eq!(trial.value(b"k", after(5)).await, None);
    assert_eq!(trial.value(b"gone", START).await, None);
}

// CC-01
/// KV-2: of many who write where nothing was, one does.
pub async fn one_of_many_inserts<S: KeyValueStore>(trial: Trial<S>) {
    for round in 0..rounds() {
        let key = format!("k{round}").into_bytes();
        let inserted = trial
            .race(64, |index, store| {
                let key = key.clone();
                async move {
                    let write = [put(&key, &index.to_be_bytes())];
                    let check = [absent(&key)];
                    store.commit(PART, &check, &write, START).await.unwrap()
                }
            })
            .await;
        let winner = inserted.iter().position(|commit| *commit == KvCommit::Done);
        let lost = |commit: &&KvCommit| **commit == KvCommit::Refused { check: 0 };
        assert_eq!(inserted.iter().filter(lost).count(), 63);
        let value = trial.value(&key, START).await.unwrap();
        assert_eq!(value, winner.unwrap().to_be_bytes());
    }
}

// CC-01
/// KV-2: nothing is lost where many count in one row.
pub async fn no_count_is_lost<S: KeyValueStore>(trial: Trial<S>) {
    trial.done(&[put(b"n", b"0")]).await;
    trial
        .race(16, |_, store| async move {
            let mut counted = 0;
            while counted < rounds() / 4 {
                let row = store.get(PART, b"n", START).await.unwrap().unwrap();
                let count: usize = String::from_utf8(row.value.clone())
                    .unwrap()
                    .parse()
                    .unwrap();
                let next = [put(b"n", (count + 1).to_string().as_bytes())];
                let check = [holds(b"n", &row.value)];
                let commit = store.commit(PART, &check, &next, START).await.unwrap();
                counted += usize::from(commit == KvCommit::Done);
            }
        })
        .await;
    let expected = (16 * (rounds() / 4)).to_string().into_bytes();
    assert_eq!(trial.value(b"n", START).await, Some(expected));
}
