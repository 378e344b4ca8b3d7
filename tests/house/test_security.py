"""What the console promises of its safety, each with the tests that hold it. A promise without a test is none."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

PROMISES: dict[str, tuple[str, ...]] = {
    "TCP without TLS is refused, but on this computer once accepted; elsewhere nothing is said in clear": (
        "domain/test_engine.py::test_what_is_no_address_is_refused_with_words",
        "domain/test_engine.py::test_whatever_is_typed_is_read_or_refused_and_unencrypted_on_this_computer_alone",
        "engine/test_surroundings.py::test_to_what_speaks_no_tls_nothing_is_said_in_clear",
        "operations/test_contexts.py::test_what_the_console_would_not_speak_with_is_listed_with_why",
        "engine/test_plain_tcp.py::test_what_was_not_accepted_is_not_even_connected",
        "engine/test_plain_tcp.py::test_an_address_elsewhere_is_refused_whatever_the_catalog_says",
        "cli/test_engines_ssh.py::test_without_encryption_what_it_means_is_typed",
    ),
    "An SSH server's key is a person's decision, and another than the accepted one learns nothing": (
        "engine/test_ssh_sign_in.py::test_an_unknown_key_is_shown_and_nothing_of_the_sign_in_is_sent",
        "engine/test_ssh_sign_in.py::test_who_pretends_to_be_the_server_gets_nothing",
        "engine/test_ssh_sign_in.py::test_over_a_jump_host_whose_key_is_looked_at_too",
        "cli/test_engines_ssh.py::test_a_key_is_named_and_one_that_changed_is_replaced_by_who_types_its_fingerprint",
        "operations/test_import_ssh.py::test_a_file_puts_no_key_in_the_place_of_an_accepted_one",
    ),
    "Hosts, users and ports of SSH can't become options or programs, and the person's own count only when chosen": (
        "domain/test_ssh.py::test_what_is_no_hop",
        "domain/test_engine.py::test_what_is_no_address_is_refused_with_words",
        "operations/test_import_ssh.py::test_what_a_file_may_not_say",
        "engine/test_ssh_sign_in.py::test_nothing_of_the_person_counts_unless_it_was_chosen",
    ),
    "An engine has one SSH connection for its requests, and nothing is left on its host": (
        "engine/test_ssh_connection.py::test_a_hundred_calls_at_once_are_one_connection",
        "engine/test_ssh_connection.py::test_nothing_is_left_on_the_host_when_it_is_closed",
        "engine/test_ssh_connection.py::test_nothing_is_left_on_the_host_when_the_console_is_killed",
    ),
    "TLS verifies chain and host, trusts the engine's authority alone, and speaks 1.2 or newer": (
        "engine/test_surroundings.py::test_another_certificate_is_refused_before_anything_is_said",
        "engine/test_surroundings.py::test_the_right_certificate_is_taken",
        "engine/test_connections.py::test_one_authority_alone_is_trusted",
        "engine/test_real_engines.py::test_a_certificate_for_another_host",
    ),
    "An engine's TLS key is remembered; another is a person's decision, whoever signed for it, and learns nothing": (
        "engine/test_server_key.py::test_the_first_is_seen_a_renewed_certificate_for_it_passes_and_another_hears_nothing",
        "engine/test_server_key.py::test_every_further_connection_shows_the_key_of_the_first_though_none_is_remembered",
        "operations/test_trust.py::test_a_swapped_certificate_that_the_authority_signed_is_refused_until_a_person_says_so",
        "operations/test_trust.py::test_who_may_decide_and_on_what",
        "operations/test_trust.py::test_a_file_brings_it_along_and_never_puts_another_in_its_place",
        "cli/test_trust.py::test_another_key_is_shown_beside_the_old_one_and_taken_from_who_types_its_fingerprint",
        "store/test_upgrade.py::test_engines_and_accounts_of_the_third_form_are_kept_with_no_key_remembered",
    ),
    "a client key is taken from no file that others can read, and lies in none afterwards": (
        "operations/test_key_file.py::test_by_its_rights",
        "operations/test_key_file.py::test_an_import_names_the_key_that_others_can_read",
        "operations/test_key_file.py::test_no_command_takes_one_that_others_can_read",
        "engine/test_connections.py::test_a_key_in_clear_is_never_in_a_file",
        "journeys/test_credentials.py::test_keys_and_passwords_are_in_the_keyring_alone",
    ),
    "secrets are in the system's keyring alone; another backend that is set up is not used": (
        "vault/test_secret_service.py::test_a_keyring_in_plain_text_that_is_set_up_is_not_used",
        "journeys/test_credentials.py::test_a_plain_text_keyring_is_refused",
        "journeys/test_credentials.py::test_without_a_keyring_credentials_are_refused",
    ),
    "what keeps this computer awake ends with the console, a killed one too, and takes nothing of it along": (
        "awake/test_logind.py::test_it_ends_with_the_console_however_that_ends",
        "awake/test_logind.py::test_nothing_is_open_but_the_pipe_and_no_program_that_is_started_has_it",
        "awake/test_computer.py::test_caffeinate_ends_with_a_console_that_is_killed",
        "awake/test_computer.py::test_caffeinate_is_told_whom_to_watch_has_nothing_of_ours_and_is_gone_after",
    ),
    "a keyring that hangs, is locked or was dismissed holds nothing else up and asks once": (
        "vault/test_patient.py::test_each_call_is_given_up_with_words",
        "vault/test_patient.py::test_many_engines_together_wait_once",
        "jobs/test_patience.py::test_what_hangs_is_given_up_and_the_next_one_does_not_wait",
        "vault/test_secret_service.py::test_a_locked_keyring_asks_once_and_remembers_the_refusal",
        "journeys/test_credentials.py::test_a_locked_keyring_is_said_and_nothing_hangs",
        "ui/test_keyring_choices.py::test_each_state_has_its_words_and_one_button_at_most",
    ),
    "a long secret is split so that a crash in between leaves the old one whole": (
        "vault/test_parts.py::test_broken_off_at_any_change_the_old_or_the_new_one_is_whole",
        "vault/test_parts.py::test_forgetting_broken_off_leaves_it_whole_or_gone",
    ),
    "no secret is in catalog, log, report, export, command line, variables, labels or open files": (
        "journeys/test_canaries.py::test_no_canary_is_left_by_anything_that_is_done",
        "test_canaries.py::test_one_in_a_log_or_a_header_is_found",
        "test_canaries.py::test_one_in_a_catalog_or_its_write_ahead_log_is_found",
        "test_canaries.py::test_a_private_key_within_something_else_is_found",
        "test_canaries.py::test_a_process_that_shows_one_is_named",
        "test_canaries.py::test_the_whole_run_is_searched",
        "journeys/test_credentials.py::test_keys_and_passwords_are_in_the_keyring_alone",
        "journeys/test_credentials.py::test_no_command_takes_a_secret_on_its_command_line",
        "operations/test_import_secrets.py::test_secrets_come_from_files_beside_it_and_are_never_exported",
    ),
    "a secret can't be printed, and what is told or logged of a fault holds none": (
        "domain/test_secret.py::test_only_reveal_shows_the_value",
        "domain/test_secret.py::test_json_and_pickle_refuse_it_without_telling",
        "domain/test_secret.py::test_a_traceback_with_locals_does_not_show_it",
        "domain/test_redaction.py::test_a_secret_in_use_is_hidden_wherever_it_stands",
        "domain/test_redaction.py::test_a_line_of_the_log_and_its_traceback_hold_none",
        "domain/test_service.py::test_a_secret_is_never_told_and_neither_is_a_part_that_was_cut_off",
        "operations/test_service_checks.py::test_a_secret_that_a_command_writes_is_told_nowhere",
        "test_hardening.py::test_what_nobody_caught_is_told_without_secrets",
        "vault/test_secret_service.py::test_no_words_of_a_failure_hold_the_secret",
    ),
    "values of secrets are shown nowhere in the window, and who sees them in a container is said": (
        "ui/test_credentials_part.py::test_each_is_listed_with_its_use_and_state",
        "ui/test_mirrors_page.py::test_beside_secrets_it_says_who_sees_them_in_the_container",
    ),
    "a registry's password goes with one request to the engine that needs it, by a protected way": (
        "engine/test_surroundings.py::test_a_login_goes_to_the_engine_that_pulls_and_to_no_other",
        "engine/test_connections.py::test_a_login_goes_with_its_own_request_only",
    ),
    "catalog, its log, backups and folders are for their person alone; where others can write it isn't opened": (
        "store/test_open.py::test_everything_that_is_made_is_for_its_owner_alone",
        "store/test_open.py::test_a_copy_that_others_may_read_is_made_private_again",
        "store/test_open.py::test_it_is_refused_in_words_and_left_as_it_was",
        "test_hardening.py::test_no_core_and_no_look_into_its_memory_and_files_for_one_alone",
    ),
    "text of others is plain text in every widget, on the terminal and in reports": (
        "ui/test_hostile_text.py::test_no_page_reads_it_as_markup",
        "ui/test_hostile_text.py::test_no_question_reads_it_as_markup",
        "ui/test_shell.py::test_only_one_module_asks_and_none_reads_markup",
        "cli/test_status.py::test_text_of_others_stays_text",
        "operations/test_report.py::test_text_of_others_becomes_plain",
        "operations/test_report.py::test_the_html_is_whole_and_fetches_nothing",
    ),
    "escape sequences are taken out, and what deceives the eye is shown as a sign": (
        "domain/test_plain.py::test_nothing_that_steers_a_terminal_or_deceives_the_eye_comes_through",
    ),
    "names and ids lead out of no path": (
        "engine/test_surroundings.py::test_no_name_leads_out_of_its_path",
        "operations/test_contexts.py::test_hostile_content_is_refused_in_words",
        "operations/test_contexts.py::test_links_and_pipes_are_not_followed",
    ),
    "replies are bounded in size, depth, line and time; no redirect, no cookie, nothing unpacked": (
        "engine/test_connections.py::test_a_body_without_end_is_given_up",
        "engine/test_connections.py::test_a_line_without_end_is_given_up",
        "engine/test_connections.py::test_bodies_that_make_no_sense",
        "engine/test_inside.py::test_one_that_does_not_end_is_left_behind_when_its_time_is_over",
        "engine/test_connections.py::test_a_reply_that_trickles_costs_no_more_than_the_timeout",
        "engine/test_connections.py::test_no_redirect_is_followed",
        "engine/test_connections.py::test_no_cookie_is_kept",
        "engine/test_surroundings.py::test_a_packed_reply_is_not_unpacked",
    ),
    "an engine that lies about what was asked is not believed": (
        "engine/test_surroundings.py::test_another_container_than_the_one_asked_for_is_none",
        "engine/test_surroundings.py::test_an_id_that_is_none_is_not_believed",
        "engine/test_connections.py::test_a_made_container_without_a_proper_id_is_no_container",
    ),
    "what is asked of an engine is a list that is shipped": (
        "contract/test_endpoints.py::test_what_is_asked_is_what_the_list_says",
    ),
    "nothing of the person's own Docker set-up reaches an engine": (
        "engine/test_surroundings.py::test_nothing_of_it_reaches_an_engine",
        "engine/test_surroundings.py::test_the_recorder_hears_what_the_docker_package_would_send_by_itself",
    ),
    "no port is ever listened at, and only the same person raises the window": (
        "ui/test_raising.py::test_the_program_started_twice_opens_one_window",
        "ui/test_raising.py::test_somebody_else_cannot_have_it_come",
    ),
    "memory is dumped into no file and read by no other program": (
        "test_hardening.py::test_no_core_and_no_look_into_its_memory_and_files_for_one_alone",
        "test_hardening.py::test_keys_can_still_be_lent_to_openssl_by_who_is_not_root",
    ),
    "an environment is reached with its account's credential and with no other": (
        "operations/test_access.py::test_every_environment_is_asked_with_its_accounts_credential",
        "operations/test_access.py::test_without_a_credential_the_cell_says_so_and_nothing_else_and_others_go_on",
        "operations/test_access.py::test_checks_and_rollouts_use_the_environments_credential",
        "operations/test_access_ssh.py::test_each_account_signs_in_as_itself_with_its_own_key",
        "operations/test_access_ssh.py::test_after_the_engine_is_reached_by_another_way_nobody_comes_in_with_the_engines_own",
    ),
}


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("promise", PROMISES)
def test_it_is_held_by_tests_that_are_there(promise: str) -> None:
    held_by = PROMISES[promise]
    assert held_by
    for test in held_by:
        file, _, name = test.partition("::")
        assert name in names_in(file), f"{test} isn't there"
