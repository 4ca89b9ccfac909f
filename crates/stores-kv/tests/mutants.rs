//! The conformance suite has teeth: every mutant of the test kit is caught by the case that its documentation names, and
//! the store inside passes it.

use std::sync::Arc;

use portcullis_stores_kv::MemoryStore;
use portcullis_testing::conformance::Trial;
use portcullis_testing::conformance::{
    any_tenant, api_tokens, audit, companions, discarding, erasure, factors, history,
    identifier_change, opening, outbox, people, roles, session_cap, session_names, session_use,
    sessions, supersession, tickets, tokens,
};
use portcullis_testing::mutants::{
    CaseFoldingIdentifiers, ChangeWithoutToken, ClaimedTwice, CountThenInsert, EffectWithoutEvent,
    EndsNoLinks, EpochNotMoved, ErasesTheSurface, ForgetsExpiry, IdReuse, KindsMixedUp,
    LookThenDiscard, LookThenTake, LostUpdate, MailLost, NewestFirstForgotten, NonAtomicConsume,
    NotForgiven, NotRemembered, OpensTwice, RefusedButCommitted, RememberedApart,
    ResurrectingRename, ResurrectingTouch, RolesOverwritten, RotatesOldName, SupersedeForgotten,
    WrongTenant, is_caught,
};
use portcullis_testing::{Around, FaultStore, Wrapped};

/// On one thread, so that races come out the same way in every run.
fn trial<S>(store: S) -> Trial<S> {
    Trial::new(Arc::new(store), |task| {
        tokio::spawn(task);
    })
}

macro_rules! caught {
    ($($name:ident: $mutant:ident by $($case:path),+;)+) => {$(
        #[tokio::test]
        async fn $name() {
            $(
                $case(trial(MemoryStore::new())).await;
                let mutant = $mutant::around(MemoryStore::new());
                let caught = is_caught($case(trial(mutant))).await;
                assert!(caught, "{} does not notice", stringify!($case));
            )+
        }
    )+};
}

caught! {
    a_token_that_works_past_its_end_is_caught:
        ForgetsExpiry by tokens::a_token_works_before_its_end_and_not_at_it;
    a_token_that_is_looked_at_and_then_spent_is_caught:
        NonAtomicConsume by tokens::one_of_many_spends_a_token;
    a_token_that_works_for_another_kind_is_caught:
        KindsMixedUp by supersession::kinds_are_told_apart;
    a_token_that_outlives_the_next_is_caught:
        SupersedeForgotten by supersession::a_new_token_supersedes_the_older;
    a_lost_update_is_caught:
        LostUpdate by
            factors::one_of_many_saves_a_version,
            factors::a_factor_is_saved_by_who_names_its_version;
    a_cap_that_is_counted_outside_the_write_is_caught:
        CountThenInsert by
            api_tokens::a_burst_fills_the_cap_exactly,
            session_cap::a_hundred_sign_ins_leave_the_cap,
            session_cap::the_last_place_is_taken_once;
    an_identifier_that_is_folded_again_is_caught:
        CaseFoldingIdentifiers by people::an_identifier_is_found_to_the_letter;
    an_account_that_somebody_else_comes_into_is_caught:
        OpensTwice by opening::an_account_is_opened_once;
    roles_that_are_set_blindly_are_caught:
        RolesOverwritten by roles::roles_are_set_by_who_names_those_there;
    a_change_that_leaves_its_token_is_caught:
        ChangeWithoutToken by identifier_change::a_change_spends_its_token_once;
    an_erasure_that_leaves_something_behind_is_caught:
        ErasesTheSurface by erasure::an_erased_person_leaves_nothing_but_a_tombstone;
    a_link_that_survives_the_end_of_everything_is_caught:
        EndsNoLinks by any_tenant::everything_of_everybody_is_ended_batch_by_batch;
    a_sign_up_that_is_looked_at_and_then_discarded_is_caught:
        LookThenDiscard by discarding::a_proof_that_races_the_end_is_whole_or_nothing;
    a_look_into_another_tenant_is_caught:
        WrongTenant by people::a_person_of_another_tenant_is_nobody;
    an_effect_without_its_event_is_caught:
        EffectWithoutEvent by audit::events_commit_with_their_effect;
    a_lost_mail_is_caught:
        MailLost by companions::companions_commit_with_their_effect;
    an_epoch_that_stands_still_is_caught:
        EpochNotMoved by companions::companions_commit_with_their_effect;
    failures_that_are_not_forgotten_are_caught:
        NotForgiven by companions::companions_commit_with_their_effect;
    an_earlier_password_that_is_kept_apart_is_caught:
        RememberedApart by history::a_refused_write_keeps_no_password;
    an_earlier_password_that_is_lost_is_caught:
        NotRemembered by
            history::the_password_that_is_replaced_is_kept,
            history::of_many_changes_at_once_one_password_is_kept;
    a_token_that_is_burnt_for_nothing_is_caught:
        RefusedButCommitted by companions::a_refused_effect_leaves_no_companion;
    a_touch_that_brings_a_session_back_is_caught:
        ResurrectingTouch by session_use::a_touch_never_resurrects;
    a_name_that_brings_a_session_back_is_caught:
        ResurrectingRename by session_names::only_a_live_session_of_ones_own_is_named;
    a_name_that_gets_lost_on_the_way_is_caught:
        RotatesOldName by session_names::a_name_goes_along_with_a_rotation;
    a_session_id_that_is_used_again_is_caught:
        IdReuse by sessions::a_used_id_is_never_used_again;
    a_mail_for_two_workers_is_caught:
        ClaimedTwice by outbox::one_of_many_workers_gets_a_mail;
    a_ticket_that_is_looked_at_and_then_taken_is_caught:
        LookThenTake by
            tickets::a_burst_of_attempts_is_granted_those_left,
            tickets::one_of_many_takes_a_ticket;
    a_list_in_another_order_is_caught:
        NewestFirstForgotten by
            api_tokens::live_tokens_are_listed_newest_first,
            sessions::live_sessions_are_listed_newest_first,
            audit::events_come_newest_first;
}

/// Changes nothing.
struct Nothing(MemoryStore);

impl Around for Nothing {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }
}

/// What makes the difference is the mutation, not the wrapper.
mod wrapped {
    async fn store() -> super::Arc<super::Wrapped<super::Nothing>> {
        super::Arc::new(super::Wrapped::new(super::Nothing(
            super::MemoryStore::new(),
        )))
    }

    portcullis_testing::conformance!(all: store);
}

/// A store without an armed fault is the store inside.
mod faultless {
    async fn store() -> super::Arc<super::FaultStore<super::MemoryStore>> {
        super::Arc::new(super::FaultStore::new(super::MemoryStore::new()))
    }

    portcullis_testing::conformance!(all: store);
}
