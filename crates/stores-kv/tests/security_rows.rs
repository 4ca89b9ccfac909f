//! The rows of the security checklist that a store answers for, on `MemoryStore`. Each is a case of the conformance
//! suite, which runs on every store; here it stands under the row it shows.

use std::sync::Arc;

use portcullis_stores_kv::MemoryStore;
use portcullis_testing::conformance::{
    Trial, activation, api_tokens, attempts, audit, enrolment, limits, outbox, refresh,
    refresh_cap, resolution, rotation, session_cap, session_use, sessions, tokens,
};

fn trial() -> Trial<MemoryStore> {
    Trial::new(Arc::new(MemoryStore::new()), |task| {
        tokio::spawn(task);
    })
}

// TH-04, CC-02: k failures lock, success sets the count to zero, and the store counts as the pure rule does.
#[tokio::test]
async fn failures_delay_and_success_forgets_them() {
    attempts::lockout_follows_its_rule_step_by_step(trial()).await;
    attempts::success_forgets_the_failures(trial()).await;
}

// TH-04, CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_burst_slips_past_a_limit() {
    attempts::a_burst_is_granted_the_free_attempts(trial()).await;
    limits::a_burst_is_granted_exactly(trial()).await;
}

// OT-03, CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_redeems_a_token() {
    tokens::one_of_many_spends_a_token(trial()).await;
    activation::one_token_activates_once(trial()).await;
}

// OT-04
#[tokio::test]
async fn a_token_expires_at_its_end() {
    tokens::a_token_works_before_its_end_and_not_at_it(trial()).await;
}

// SE-02
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotated_session_is_dead_and_one_takes_its_place() {
    session_use::a_rotation_ends_the_old_and_opens_the_new(trial()).await;
    session_use::one_of_many_rotates_a_session(trial()).await;
}

// SE-03
#[tokio::test]
async fn no_touch_passes_the_absolute_deadline() {
    session_use::a_touch_moves_forward_only(trial()).await;
}

// SE-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_request_does_not_bring_a_session_back() {
    session_use::a_touch_never_resurrects(trial()).await;
    session_use::a_touch_that_races_the_end_does_not_resurrect(trial()).await;
}

// SE-05
#[tokio::test]
async fn a_suspension_shows_in_the_next_read() {
    resolution::every_change_shows_at_once(trial()).await;
    api_tokens::a_token_is_resolved_in_whatever_condition(trial()).await;
}

// SE-08
#[tokio::test]
async fn nobody_lists_or_ends_anothers_session() {
    sessions::live_sessions_are_listed_newest_first(trial()).await;
    sessions::a_session_is_ended_once_by_its_owner(trial()).await;
}

// SE-09
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_sign_ins_under_a_cap_of_five_leave_five() {
    session_cap::a_hundred_sign_ins_leave_the_cap(trial()).await;
    session_cap::the_last_place_is_taken_once(trial()).await;
}

// SE-11, SE-13
#[tokio::test]
async fn a_session_id_is_used_once() {
    sessions::a_used_id_is_never_used_again(trial()).await;
    sessions::pruning_removes_sessions_past_their_absolute_deadline(trial()).await;
}

// RT-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spent_refresh_token_moves_nothing_and_ends_its_family_once() {
    rotation::a_rotation_moves_a_family_on_by_one_token(trial()).await;
    rotation::a_stale_rotation_changes_nothing(trial()).await;
    rotation::a_rotation_that_races_the_end_does_not_resurrect(trial()).await;
    refresh::a_family_is_ended_once(trial()).await;
    refresh::one_of_many_ends_a_family(trial()).await;
}

// RT-02, CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_refreshes_at_once_one_has_the_successor() {
    rotation::one_of_many_rotates_a_family(trial()).await;
    rotation::a_refused_rotation_burns_no_token(trial()).await;
}

// RT-05
#[tokio::test]
async fn a_refresh_family_is_over_at_its_absolute_deadline() {
    rotation::no_rotation_passes_the_absolute_deadline(trial()).await;
    rotation::a_rotation_works_before_a_deadline_and_not_at_it(trial()).await;
    rotation::a_family_that_is_over_is_not_rotated(trial()).await;
}

// CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_refresh_families_under_a_cap_of_five_leave_five() {
    refresh_cap::a_hundred_openings_leave_the_cap(trial()).await;
    refresh_cap::the_last_place_for_a_family_is_taken_once(trial()).await;
}

// CC-04
#[tokio::test]
async fn no_time_makes_a_store_panic() {
    attempts::attempts_bear_every_time(trial()).await;
    tokens::tokens_bear_every_time(trial()).await;
    api_tokens::api_tokens_bear_every_time(trial()).await;
    outbox::mails_bear_every_time(trial()).await;
    sessions::sessions_bear_every_time(trial()).await;
    session_use::touches_and_rotations_bear_every_time(trial()).await;
    refresh::families_bear_every_time(trial()).await;
    rotation::rotations_bear_every_time(trial()).await;
    limits::limits_bear_every_time(trial()).await;
    audit::events_bear_every_time(trial()).await;
}

// CC-06, CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_sign_ups_are_one_person() {
    enrolment::a_hundred_sign_ups_with_one_address_are_one_person(trial()).await;
}
