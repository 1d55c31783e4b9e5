/** The reply of `which` in trace `about`. The simulator implements only some of these commands. @module */
export const COMMAND_NAMES: readonly string[] = `
  get_statistics list_statistics reset_statistics reset_all_statistics uptime version pwd arg which
  ps kill log_level xlog_level log_level_filter log_mute_state shm_check cache_store cache_fetch
  cache_remove event_subscribe events_list subscribers_list raise_event list_tcp_conns mem_pkg_dump
  mem_shm_dump mem_rpm_dump reload_routes sr_get_status sr_list_status sr_list_reports
  sr_list_identifiers help list_blacklists check_blacklists check_blacklist add_blacklist_rule
  del_blacklist_rule t_uac_dlg t_uac_cancel t_hash t_reply ul_rm ul_rm_contact ul_dump ul_flush
  ul_add ul_show_contact ul_sync ul_cluster_sync dlg_list dlg_list_ctx dlg_end_dlg dlg_db_sync
  dlg_restore_db dlg_cluster_sync profile_get_size profile_list_dlgs profile_get_values
  list_all_profiles profile_end_dlgs dlg_push_var dlg_send_sequential dlg_set_profile
  dlg_unset_profile call_transfer call_hold call_unhold
`
  .trim()
  .split(/\s+/);
