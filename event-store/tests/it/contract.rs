//! What every backend of the log promises, as functions over the contract alone; run here on PostgreSQL.

mod appends;
mod commands;
mod reads;

macro_rules! on_postgres {
    ($($module:ident :: $case:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let log = crate::fixture::Log::new().await;
            $module::$case(log.store.clone()).await;
        }
    )+};
}

on_postgres!(
    appends::an_append_is_read_back_as_it_was,
    appends::positions_have_no_gaps_and_versions_count_up,
    appends::a_wrong_expectation_is_a_conflict_and_burns_no_position,
    appends::any_version_takes_every_append,
    appends::a_guard_that_moved_refuses,
    appends::a_guard_on_an_empty_stream_is_version_zero,
    appends::what_cannot_be_stored_is_refused,
    appends::concurrent_appends_to_one_stream_are_all_accounted_for,
    appends::one_command_is_all_or_nothing,
    commands::a_repeated_command_gets_the_first_receipt,
    commands::a_repeat_is_recognised_whatever_it_expects,
    commands::the_same_id_of_another_actor_or_stream_is_another_command,
    commands::concurrent_repeats_have_one_effect,
    commands::a_command_that_was_never_stored_is_not_found,
    reads::a_stream_is_read_in_pages,
    reads::the_whole_log_is_read_in_order,
    reads::a_channel_is_read_alone,
    reads::events_are_found_by_their_positions,
    reads::waiting_ends_with_the_next_append,
    reads::many_streams_are_read_at_once_and_apart,
    reads::recorded_times_follow_the_database_clock,
);
