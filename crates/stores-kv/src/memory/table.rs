//! Rows that remember what they were, so that a write that is refused half way leaves no trace.

use std::collections::BTreeMap;

/// Rows by key, with the means to undo what was done since the last commit.
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            undo: Vec::new(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows in the order of their keys.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.rows.values()
    }

    /// Inserts or replaces.
    pub(super) fn put(&mut self, key: K, row: V) {
        let before = self.rows.insert(key.clone(), row);
        self.undo.push((key, before));
    }

    /// Changes a row; says whether it is there.
    pub(super) fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) -> bool {
        let Some(row) = self.rows.get_mut(key) else {
            return false;
        };
        self.undo.push((key.clone(), Some(row.clone())));
        change(row);
        true
    }

    /// Changes the rows that meet a condition; returns how many.
    pub(super) fn update_where(
        &mut self,
        meets: impl Fn(&V) -> bool,
        change: impl Fn(&mut V),
    ) -> u64 {
        let mut changed = 0;
        for (key, row) in self.rows.iter_mut().filter(|(_, row)| meets(row)) {
            self.undo.push((key.clone(), Some(row.clone())));
            change(row);
            changed += 1;
        }
        changed
    }

    /// Removes a row and returns it.
    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.undo.push((key.clone(), Some(row.clone())));
        Some(row)
    }

    /// Removes the rows that meet a condition; returns how many.
    pub(super) fn remove_where(&mut self, meets: impl Fn(&V) -> bool) -> u64 {
        self.remove_rows(|_, row| meets(row))
    }

    /// Removes the rows whose keys meet a condition; returns how many.
    pub(super) fn remove_where_key(&mut self, meets: impl Fn(&K) -> bool) -> u64 {
        self.remove_rows(|key, _| meets(key))
    }

    fn remove_rows(&mut self, meets: impl Fn(&K, &V) -> bool) -> u64 {
        let undo = &mut self.undo;
        let mut removed = 0;
        self.rows.retain(|key, row| {
            let remove = meets(key, row);
            if remove {
                undo.push((key.clone(), Some(row.clone())));
                removed += 1;
            }
            !remove
        });
        removed
    }
}

/// The end of a write, for tables of every type.
pub(super) trait Journal {
    /// Keeps what was done.
    fn commit(&mut self);
    /// Undoes it, last change first.
    fn roll_back(&mut self);
}

impl<K: Ord + Clone, V: Clone> Journal for Table<K, V> {
    fn commit(&mut self) {
        self.undo.clear();
    }

    fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}
