//! Key-value stores: the laws KV-1 to KV-9 of `portcullis_core::store`.

use portcullis_core::store::{ANY_TIME, KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
use portcullis_core::time::Timestamp;

use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

pub(super) const PART: Part = Part::from_bytes([0x7b, 0x2a]);
const ELSEWHERE: Part = Part::from_bytes([0x00, 0xff]);

pub(super) fn absent(key: &[u8]) -> KvCheck {
    let key = key.to_vec();
    KvCheck::Absent { key }
}

pub(super) fn holds(key: &[u8], value: &[u8]) -> KvCheck {
    let (key, value) = (key.to_vec(), value.to_vec());
    KvCheck::Holds { key, value }
}

/// There for an hour.
pub(super) fn put(key: &[u8], value: &[u8]) -> KvWrite {
    put_until(key, value, after(3600))
}

pub(super) fn put_until(key: &[u8], value: &[u8], deadline: Timestamp) -> KvWrite {
    let (key, value) = (key.to_vec(), value.to_vec());
    KvWrite::Put {
        key,
        value,
        deadline,
    }
}

pub(super) fn delete(key: &[u8]) -> KvWrite {
    let key = key.to_vec();
    KvWrite::Delete { key }
}

impl<S: KeyValueStore> Trial<S> {
    pub(super) async fn commit(&self, checks: &[KvCheck], writes: &[KvWrite]) -> KvCommit {
        let commit = self.store.commit(PART, checks, writes, START);
        commit.await.unwrap()
    }

    pub(super) async fn done(&self, writes: &[KvWrite]) {
        assert_eq!(self.commit(&[], writes).await, KvCommit::Done);
    }

    pub(super) async fn value(&self, key: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let row = self.store.get(PART, key, now).await.unwrap();
        row.map(|row| row.value)
    }

    pub(super) async fn keys(&self, prefix: &[u8], now: Timestamp) -> Vec<Vec<u8>> {
        let rows = self.store.list(PART, prefix, now).await.unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    }
}

/// KV-8: a row reads back byte for byte, with its deadline, whatever its bytes.
pub async fn a_row_reads_back_whole<S: KeyValueStore>(trial: Trial<S>) {
    let every: Vec<u8> = (0..=255).collect();
    let (most, long) = (every[..255].to_vec(), vec![0xff; 1 << 20]);
    let rows: [(&[u8], &[u8]); 6] = [
        (b"k", b""),
        (&[0], b"\0"),
        (b"\r\n$3\r\n", "{ü}*?[a-z]\\".as_bytes()),
        (&most, &every),
        (&[0xff; 255], &long),
        (b"{other}", b"no tag of ours"),
    ];
    for (key, value) in rows {
        trial.done(&[put(key, value)]).await;
    }
    for (key, value) in rows {
        let entry = KvEntry {
            value: value.to_vec(),
            deadline: after(3600),
        };
        let row = trial.store.get(PART, key, START).await.unwrap();
        assert_eq!(row.as_ref(), Some(&entry));
        assert_eq!(
            trial.commit(&[holds(key, value)], &[]).await,
            KvCommit::Done
        );
    }
    assert_eq!(trial.keys(b"", START).await.len(), rows.len());
    assert_eq!(trial.value(b"unknown", START).await, None);
}

/// KV-1: a row is there before its deadline and not at it, by the caller's time alone.
pub async fn a_row_is_there_before_its_deadline_and_not_at_it<S: KeyValueStore>(trial: Trial<S>) {
    let end = after(10);
    trial.done(&[put_until(b"k", b"v", end)]).await;
    trial.done(&[put_until(b"over", b"v", START)]).await;
    let there = [
        (START, true),
        (just_before(end), true),
        (end, false),
        (after(86_400 * 365), false),
        // Somebody whose clock is behind, afterwards.
        (just_before(end), true),
        (ANY_TIME, true),
    ];
    for (now, there) in there {
        assert_eq!(trial.value(b"k", now).await.is_some(), there, "{now}");
        let keys = [b"k".to_vec()];
        let rows = trial.store.get_all(PART, &keys, now).await.unwrap();
        assert_eq!(rows[0].is_some(), there, "{now}");
        assert_eq!(trial.keys(b"k", now).await.len(), usize::from(there));
    }
    assert_eq!(trial.value(b"over", START).await, None);
    trial.done(&[put_until(b"k", b"w", after(20))]).await;
    assert_eq!(trial.value(b"k", end).await, Some(b"w".to_vec()));
}

/// KV-5: one key in two parts is two rows.
pub async fn parts_are_apart<S: KeyValueStore>(trial: Trial<S>) {
    let store = &trial.store;
    trial.done(&[put(b"k", b"here")]).await;
    assert_eq!(store.get(ELSEWHERE, b"k", START).await.unwrap(), None);
    let (check, write) = ([absent(b"k")], [put(b"k", b"there")]);
    let commit = store.commit(ELSEWHERE, &check, &write, START).await;
    assert_eq!(commit.unwrap(), KvCommit::Done);
    trial.done(&[delete(b"k")]).await;
    assert_eq!(trial.value(b"k", START).await, None);
    assert_eq!(trial.keys(b"", START).await.len(), 0);
    let row = store.get(ELSEWHERE, b"k", START).await.unwrap().unwrap();
    assert_eq!(row.value, b"there");
}

/// KV-6: several rows are read in the order of their keys, missing ones too, and at one moment.
pub async fn several_rows_are_read_at_one_moment<S: KeyValueStore>(trial: Trial<S>) {
    let keys = [
        b"x".to_vec(),
        b"none".to_vec(),
        b"y".to_vec(),
        b"x".to_vec(),
    ];
    assert!(
        trial
            .store
            .get_all(PART, &[], START)
            .await
            .unwrap()
            .is_empty()
    );
    trial.done(&[put(b"x", b"0"), put(b"y", b"0")]).await;
    let read = trial
        .race(8, |index, store| {
            let keys = keys.clone();
            async move {
                let mut torn = 0;
                for round in 0..rounds() * 5 {
                    let value = format!("{index} {round}");
                    let both = [put(b"x", value.as_bytes()), put(b"y", value.as_bytes())];
                    let commit = store.commit(PART, &[], &both, START).await.unwrap();
                    assert_eq!(commit, KvCommit::Done);
                    let rows = store.get_all(PART, &keys, START).await.unwrap();
                    assert_eq!((rows.len(), &rows[1]), (4, &None));
                    torn += usize::from(rows[0] != rows[2] || rows[0] != rows[3]);
                }
                torn
            }
        })
        .await;
    assert_eq!(read, [0; 8]);
}

/// Rows are listed by the beginning of their keys, whatever it means to others, in order.
pub async fn rows_are_listed_by_their_beginning<S: KeyValueStore>(trial: Trial<S>) {
    let keys: [&[u8]; 9] = [b"*", b"*a", b"?", b"[a]", b"\\", b"a", b"a\0b", b"ab", b"b"];
    for key in keys {
        trial.done(&[put(key, key)]).await;
    }
    let listed: [(&[u8], &[&[u8]]); 8] = [
        (b"", &keys),
        (b"a", &[b"a", b"a\0b", b"ab"]),
        (b"*", &[b"*", b"*a"]),
        (b"?", &[b"?"]),
        (b"[a]", &[b"[a]"]),
        (b"\\", &[b"\\"]),
        (b"a\0", &[b"a\0b"]),
        (b"c", &[]),
    ];
    for (prefix, expected) in listed {
        let rows = trial.store.list(PART, prefix, START).await.unwrap();
        assert!(rows.iter().all(|(key, row)| *key == row.value));
        let keys: Vec<&[u8]> = rows.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(keys, expected, "{}", prefix.escape_ascii());
    }
}

/// KV-7: what is over is removed and counted, in every part; nothing else is.
pub async fn purging_removes_what_is_over<S: KeyValueStore>(trial: Trial<S>) {
    let store = &trial.store;
    for part in [PART, ELSEWHERE] {
        let writes = [
            put_until(b"t1", b"", after(10)),
            put_until(b"t2", b"", after(10)),
            put_until(b"t3", b"", after(20)),
            put_until(b"u1", b"", after(10)),
            put_until(b"t*", b"", Timestamp::MAX),
        ];
        let commit = store.commit(part, &[], &writes, START).await.unwrap();
        assert_eq!(commit, KvCommit::Done);
    }
    let purge = |prefix, now| async move { store.purge(prefix, now).await.unwrap() };
    assert_eq!(purge(b"t", just_before(after(10))).await, 0);
    assert_eq!(purge(b"t*", after(10)).await, 0);
    assert_eq!(purge(b"t", after(10)).await, 4);
    assert_eq!(purge(b"t", after(10)).await, 0);
    assert_eq!(trial.keys(b"", ANY_TIME).await, [&b"t*"[..], b"t3", b"u1"]);
    assert_eq!(purge(b"", after(20)).await, 4);
    assert_eq!(trial.keys(b"", ANY_TIME).await, [b"t*"]);
}

// CC-04
/// No time makes a row panic or fail.
pub async fn rows_bear_every_time<S: KeyValueStore>(trial: Trial<S>) {
    for deadline in EXTREMES {
        for now in EXTREMES {
            let write = [put_until(b"k", b"v", deadline)];
            let commit = trial.store.commit(PART, &[], &write, now).await.unwrap();
            assert_eq!(commit, KvCommit::Done);
            for now in EXTREMES {
                let row = trial.store.get(PART, b"k", now).await.unwrap();
                let expected = (now < deadline).then_some(deadline);
                assert_eq!(row.map(|row| row.deadline), expected);
            }
        }
        trial.store.purge(b"", deadline).await.unwrap();
        assert_eq!(trial.value(b"k", ANY_TIME).await, None);
    }
}
