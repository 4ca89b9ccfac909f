//! The list of the cases, and the line that runs them.

/// Runs the conformance suite on a store, each case as a test of its own on a tokio runtime; see
/// [`conformance`](mod@crate::conformance).
#[macro_export]
macro_rules! conformance {
    (all: $fresh:ident) => {
        $crate::conformance!(directory: $fresh);
        $crate::conformance!(crossing: $fresh);
        $crate::conformance!(security: $fresh);
        $crate::conformance!(refresh: $fresh);
        $crate::conformance!(sessions: $fresh);
        $crate::conformance!(resolution: $fresh);
        $crate::conformance!(limits: $fresh);
        $crate::conformance!(tickets: $fresh);
        $crate::conformance!(audit: $fresh);
        $crate::conformance!(history: $fresh);
    };
    (directory: $fresh:ident) => {
        $crate::conformance!(@people $fresh:
            a_person_is_found_by_id_and_by_identifier
            an_identifier_is_found_to_the_letter
            a_person_of_another_tenant_is_nobody
            nobody_is_none
            the_same_address_in_two_tenants_is_two_people
            creating_the_same_person_again_changes_nothing
            an_id_is_given_out_once
            a_taken_identifier_is_a_conflict
            an_id_of_another_tenant_or_the_system_is_a_conflict
            identifiers_are_replaced_as_a_whole
            replacing_identifiers_takes_nobody_elses
            a_profile_is_replaced
            a_removed_person_is_gone_and_their_identifiers_are_free
            people_are_listed_by_id_page_by_page
            one_of_many_gets_an_identifier
        );
        $crate::conformance!(@tenants $fresh:
            a_tenant_is_known_by_id_slug_and_domain
            creating_the_same_tenant_again_changes_nothing
            a_taken_slug_or_domain_is_a_conflict
            a_tenant_is_renamed
        );
    };
    (crossing: $fresh:ident) => {
        $crate::conformance!(@enrolment $fresh:
            a_tenant_is_found_by_id_slug_and_domain
            a_taken_tenant_id_slug_or_domain_is_refused
            the_systems_ids_are_reserved
            enrolment_makes_person_and_account
            enrolment_may_come_proved_and_with_a_factor
            enrolment_brings_its_token_along
            a_taken_identifier_or_id_refuses_the_enrolment
            a_removed_persons_id_stays_taken
            an_unknown_tenant_refuses_the_enrolment
            a_hundred_sign_ups_with_one_address_are_one_person
            one_of_many_gets_a_slug
        );
        $crate::conformance!(@crossing $fresh:
            companions_commit_with_both_halves
            a_refused_crossing_leaves_neither_half
            a_dead_token_leaves_neither_half
            the_epoch_of_nobody_refuses_the_enrolment
        );
        $crate::conformance!(@identifier_change $fresh:
            an_identifier_takes_the_place_of_another
            a_spelling_is_changed_like_an_identifier
            a_refused_change_changes_nothing
            a_change_spends_its_token_once
            of_many_changes_to_one_identifier_one_is_made
            the_spelling_that_is_proved_is_written_down
            a_proof_without_a_spelling_leaves_it
            of_two_spellings_at_once_one_is_proved
        );
        $crate::conformance!(@erasure $fresh:
            an_erased_person_leaves_nothing_but_a_tombstone
            an_erased_address_is_free_and_the_id_is_not
            only_a_closed_account_is_erased
            an_erasure_touches_nobody_else
            an_erasure_takes_the_mail_of_nobody_else
            a_tombstone_takes_nothing_new
            an_erasure_commits_with_what_travels_along
            of_many_who_erase_somebody_one_does
            closed_accounts_are_listed_longest_first
        );
        $crate::conformance!(@discarding $fresh:
            a_sign_up_that_nobody_proved_leaves_nothing
            what_may_yet_be_proved_is_not_discarded
            a_proof_that_races_the_end_is_whole_or_nothing
            of_many_who_discard_a_sign_up_one_does
            sign_ups_that_may_go_are_listed_longest_first
            a_sign_up_is_closed_and_then_removed
        );
    };
    (security: $fresh:ident) => {
        $crate::conformance!(@opening $fresh:
            a_tenants_security_is_opened_once
            an_account_begins_with_what_it_comes_with
            an_account_is_opened_once
            an_account_needs_a_tenant_and_an_id
            one_of_many_opens_an_account
            a_newer_sign_up_takes_the_place_of_a_pending_one
        );
        $crate::conformance!(@accounts $fresh:
            a_subjects_state_is_read_whole
            an_account_of_another_tenant_is_unknown
            a_state_follows_the_table_of_transitions
            a_suspension_that_ended_counts_as_active
            an_account_is_closed_once
            an_epoch_moves_by_one_a_call
            a_tenants_state_and_policy_are_replaced
            a_tenants_state_shows_in_its_people
            a_tenants_networks_show_in_its_people
            a_key_marker_is_replaced_by_who_knows_it
        );
        $crate::conformance!(@any_tenant $fresh:
            every_tenant_is_read_page_by_page
            everything_of_everybody_is_ended_batch_by_batch
        );
        $crate::conformance!(@activation $fresh:
            proving_an_identifier_activates_a_pending_account
            proving_again_keeps_the_first_time
            a_proof_alone_activates_nobody
            no_suspended_or_closed_account_is_activated
            a_suspension_that_ended_hinders_no_activation
            nobody_proves_nothing
            a_sign_up_is_proved_in_its_latest_spelling
            one_token_activates_once
        );
        $crate::conformance!(@attempts $fresh:
            lockout_follows_its_rule_step_by_step
            a_burst_is_granted_the_free_attempts
            success_forgets_the_failures
            success_of_nobody_is_refused
            counts_are_kept_apart
            purging_removes_counts_past_their_window
            attempts_bear_every_time
        );
        $crate::conformance!(@factors $fresh:
            a_factor_is_read_with_its_owner
            a_factor_of_another_tenant_is_unknown
            one_factor_of_a_kind_is_added
            a_factor_is_saved_by_who_names_its_version
            one_of_many_saves_a_version
            a_factor_is_removed_once
        );
        $crate::conformance!(@tokens $fresh:
            looking_at_a_token_changes_nothing
            a_token_is_spent_once
            one_of_many_spends_a_token
            a_token_works_before_its_end_and_not_at_it
            the_first_reason_against_a_token_is_given
            a_refused_token_is_not_used_up
            purging_removes_tokens_past_their_end
            tokens_bear_every_time
        );
        $crate::conformance!(@supersession $fresh:
            a_new_token_supersedes_the_older
            kinds_are_told_apart
            a_token_without_owner_supersedes_by_address
            a_token_for_somebody_supersedes_nobodys_at_their_address
            only_live_tokens_are_superseded
            one_of_many_new_tokens_is_live
            a_moved_epoch_supersedes_what_was_made_before
            a_token_of_nobody_does_not_work
            the_live_token_is_the_one_that_works
            revoking_supersedes_a_persons_tokens
        );
        $crate::conformance!(@companions $fresh:
            companions_commit_with_their_effect
            a_refused_effect_leaves_no_companion
            a_token_that_does_not_work_leaves_no_effect
            the_epoch_of_nobody_refuses_the_write
            an_id_used_twice_commits_nothing
            a_token_is_spent_before_the_new_one_takes_its_place
            a_link_is_made_for_somebody_who_is_there
        );
        $crate::conformance!(@api_tokens $fresh:
            a_token_is_resolved_with_its_owner
            a_token_is_resolved_in_whatever_condition
            a_token_needs_an_owner_and_an_id_of_its_own
            the_cap_counts_live_tokens
            a_burst_fills_the_cap_exactly
            a_last_use_never_moves_back
            live_tokens_are_listed_newest_first
            a_token_is_revoked_once_by_its_owner
            all_live_tokens_of_a_person_are_revoked
            api_tokens_bear_every_time
        );
        $crate::conformance!(@roles $fresh:
            roles_are_read_with_the_subject
            roles_are_set_by_who_names_those_there
            roles_stay_through_other_changes
            one_of_many_sets_the_roles
        );
        $crate::conformance!(@outbox $fresh:
            mails_are_claimed_oldest_first
            a_claim_holds_until_its_lease_passes
            a_delivered_mail_is_gone
            a_failed_mail_is_due_when_it_should_be_retried
            a_dead_mail_is_never_due
            waiting_mails_are_listed_page_by_page
            a_retried_mail_is_due_now_as_if_never_tried
            all_dead_mails_of_a_tenant_are_retried
            a_mail_that_a_worker_has_is_not_retried
            dead_mails_are_purged_by_age
            one_of_many_workers_gets_a_mail
            mails_bear_every_time
        );
    };
    (refresh: $fresh:ident) => {
        $crate::conformance!(@refresh $fresh:
            a_family_reads_back_whole
            a_family_needs_an_owner
            a_used_family_id_is_never_used_again
            one_of_many_gets_a_family_id
            a_family_is_resolved_in_whatever_condition
            a_family_is_ended_once
            one_of_many_ends_a_family
            all_live_families_of_a_person_are_ended
            pruning_removes_families_past_their_absolute_deadline
            families_bear_every_time
        );
        $crate::conformance!(@refresh_cap $fresh:
            the_longest_unused_families_make_room
            a_hundred_openings_leave_the_cap
            the_last_place_for_a_family_is_taken_once
        );
        $crate::conformance!(@rotation $fresh:
            a_rotation_moves_a_family_on_by_one_token
            a_stale_rotation_changes_nothing
            one_of_many_rotates_a_family
            a_rotation_that_races_the_end_does_not_resurrect
            a_family_that_is_over_is_not_rotated
            a_rotation_works_before_a_deadline_and_not_at_it
            no_rotation_passes_the_absolute_deadline
            a_refused_rotation_burns_no_token
            rotations_bear_every_time
        );
    };
    (sessions: $fresh:ident) => {
        $crate::conformance!(@sessions $fresh:
            an_erased_persons_sessions_are_gone
            a_session_reads_back_whole
            a_used_id_is_never_used_again
            one_of_many_gets_an_id
            a_session_is_ended_once_by_its_owner
            all_sessions_but_one_are_ended
            live_sessions_are_listed_newest_first
            pruning_removes_sessions_past_their_absolute_deadline
            sessions_bear_every_time
        );
        $crate::conformance!(@session_cap $fresh:
            the_longest_unused_make_room
            a_hundred_sign_ins_leave_the_cap
            the_last_place_is_taken_once
        );
        $crate::conformance!(@session_use $fresh:
            a_touch_moves_forward_only
            touches_are_applied_together
            a_touch_never_resurrects
            a_touch_that_races_the_end_does_not_resurrect
            a_rotation_ends_the_old_and_opens_the_new
            a_rotation_needs_a_live_session_and_a_new_id
            one_of_many_rotates_a_session
            touches_and_rotations_bear_every_time
        );
        $crate::conformance!(@session_names $fresh:
            a_session_is_named_and_its_name_taken_away
            only_a_live_session_of_ones_own_is_named
            a_name_loses_to_the_end_and_to_nothing_else
            a_name_goes_along_with_a_rotation
        );
    };
    (resolution: $fresh:ident) => {
        $crate::conformance!(@resolution $fresh:
            a_session_is_resolved_with_its_owner
            every_change_shows_at_once
        );
    };
    (limits: $fresh:ident) => {
        $crate::conformance!(@limits $fresh:
            limits_follow_their_rule_step_by_step
            a_burst_is_granted_exactly
            keys_are_counted_apart
            purging_removes_full_counts
            limits_bear_every_time
        );
    };
    (tickets: $fresh:ident) => {
        $crate::conformance!(@tickets $fresh:
            a_ticket_reads_back_whole
            an_id_is_issued_once
            one_of_many_issues_an_id
            a_ticket_of_another_tenant_or_kind_is_unknown
            a_ticket_works_before_its_end
            attempts_are_counted_down_to_none
            a_burst_of_attempts_is_granted_those_left
            one_of_many_takes_a_ticket
            an_attempt_that_races_the_end_does_not_resurrect
            purging_removes_tickets_past_their_end
            tickets_bear_every_time
        );
    };
    (kv: $fresh:ident) => {
        $crate::conformance!(@kv $fresh:
            a_row_reads_back_whole
            a_row_is_there_before_its_deadline_and_not_at_it
            parts_are_apart
            several_rows_are_read_at_one_moment
            rows_are_listed_by_their_beginning
            purging_removes_what_is_over
            rows_bear_every_time
        );
        $crate::conformance!(@commits $fresh:
            a_commit_happens_whole_or_not_at_all
            checks_see_what_readers_see
            writes_are_made_in_order
            one_of_many_inserts
            no_count_is_lost
        );
    };
    (audit: $fresh:ident) => {
        $crate::conformance!(@audit $fresh:
            an_event_reads_back_whole
            events_come_newest_first
            a_reader_sees_their_tenants_events
            filters_mean_what_they_say
            events_commit_with_their_effect
            a_refused_write_leaves_no_event
            events_bear_every_time
        );
        $crate::conformance!(@erased_log $fresh:
            an_erased_persons_events_stay_and_tell_of_nobody
        );
    };
    (history: $fresh:ident) => {
        $crate::conformance!(@history $fresh:
            the_password_that_is_replaced_is_kept
            no_more_earlier_passwords_than_asked_for
            a_write_that_is_not_told_to_keeps_no_password
            a_refused_write_keeps_no_password
            a_removed_password_leaves_the_earlier_ones
            earlier_passwords_are_nobody_elses
            of_many_changes_at_once_one_password_is_kept
        );
    };
    (@$group:ident $fresh:ident: $($case:ident)+) => {
        mod $group {
            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let fixture = super::$fresh().await;
                    let Some(store) = $crate::conformance::Fixture::store(&fixture) else {
                        return;
                    };
                    let trial = $crate::conformance::Trial::new(store, |task| {
                        ::tokio::spawn(task);
                    });
                    $crate::conformance::$group::$case(trial).await;
                }
            )+
        }
    };
}
