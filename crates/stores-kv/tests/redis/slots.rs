//! A cluster of one node refuses whatever would cross a hash slot.

use std::sync::Arc;

use portcullis_stores_kv::{KvLimits, KvSessions, KvTickets, RedisKv};
use portcullis_testing::conformance::{
    Trial, commits, kv, limits, session_cap, session_use, sessions, tickets,
};

use crate::server::Server;

fn trial<S: Send + Sync + 'static>(store: S) -> Trial<S> {
    Trial::new(Arc::new(store), |task| {
        tokio::spawn(task);
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_crosses_a_hash_slot() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else {
        return;
    };
    server.tell("CLUSTER ADDSLOTSRANGE 0 16383").await;
    loop {
        let info: String = server.ask("CLUSTER INFO").await;
        if info.contains("cluster_state:ok") {
            break;
        }
        tokio::task::yield_now().await;
    }
    let number = std::cell::Cell::new(0);
    let store = || async {
        number.set(number.get() + 1);
        let prefix = format!("{}:", number.get());
        let options = server.options().prefix(&prefix).unwrap();
        RedisKv::connect(options).await.unwrap()
    };
    kv::several_rows_are_read_at_one_moment(trial(store().await)).await;
    kv::purging_removes_what_is_over(trial(store().await)).await;
    kv::rows_are_listed_by_their_beginning(trial(store().await)).await;
    commits::a_commit_happens_whole_or_not_at_all(trial(store().await)).await;

    let store = || async { trial(KvSessions::new(store().await)) };
    sessions::all_sessions_but_one_are_ended(store().await).await;
    sessions::live_sessions_are_listed_newest_first(store().await).await;
    sessions::pruning_removes_sessions_past_their_absolute_deadline(store().await).await;
    session_cap::the_longest_unused_make_room(store().await).await;
    session_use::touches_are_applied_together(store().await).await;
    session_use::a_rotation_needs_a_live_session_and_a_new_id(store().await).await;

    let options = server.options().prefix("t:").unwrap();
    let store = RedisKv::connect(options).await.unwrap();
    tickets::attempts_are_counted_down_to_none(trial(KvTickets::new(store.clone()))).await;
    limits::keys_are_counted_apart(trial(KvLimits::new(store))).await;
}
