//! What only the inside shows: a panic in a write leaves nothing of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use portcullis_core::id::MailId;

use super::*;

#[test]
fn a_write_that_panics_is_undone() {
    let store = MemoryStore::new();
    let marker = |text: &'static str| {
        store.change(move |state| {
            state.key_marker.put((), text.to_owned());
            assert_ne!(text, "half done");
            Ok(())
        })
    };
    marker("before").unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| marker("half done")));
    assert!(panicked.is_err());
    let found = store.read(|state| state.key_marker.get(&()).cloned());
    assert_eq!(found.unwrap().unwrap(), "before");
    assert!(!store.state.is_poisoned());
}

#[test]
fn undoing_goes_backwards() {
    let mut table = table::Table::default();
    let key = MailId::from_bytes([1; 16]);
    table.put(key, 1);
    table::Journal::commit(&mut table);
    table.put(key, 2);
    table.take(&key);
    table.put(key, 3);
    table.update(&key, |row| *row = 4);
    table.remove_where(|_| true);
    table.put(MailId::from_bytes([2; 16]), 5);
    table::Journal::roll_back(&mut table);
    assert_eq!(table.rows().copied().collect::<Vec<i32>>(), [1]);
}
