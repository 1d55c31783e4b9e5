/** The names of the MI commands in each version. The simulator implements only some of these commands. @module */
import { isSince } from '../opensips/version.ts';

const toNames = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The reply of `which` in trace `about` (3.6.8). */
const NAMES_3_6 = toNames(`
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
`);

/** `which` of 3.4.18 lacks these. */
const SINCE_3_6: readonly string[] = ['dlg_set_profile', 'dlg_unset_profile'];

/** The reply of `which` of 4.0.1. The old names are not listed, though they are still accepted. */
const NAMES_4_0 = toNames(`
  statistics:get statistics:list statistics:reset statistics:reset_all core:uptime core:version
  core:pwd core:arg core:which core:ps core:kill core:log_level core:xlog_level core:profiling_proc
  core:log_level_filter core:log_mute_state core:reload_routes core:help tcp:list tcp:close
  mem:shm_check mem:pkg_dump mem:shm_dump mem:rpm_dump cache:store cache:fetch cache:remove
  status_report:get status_report:status status_report:reports status_report:identifiers
  evi:subscribe evi:list evi:subscribers evi:raise blacklists:list blacklists:check_all
  blacklists:check blacklists:add_rule blacklists:del_rule tm:uac_dlg tm:uac_cancel tm:hash tm:reply
  usrloc:rm usrloc:rm_contact usrloc:dump usrloc:flush usrloc:add usrloc:show_contact usrloc:sync
  usrloc:cluster_sync dialog:list dialog:list_ctx dialog:end_dlg dialog:db_sync dialog:restore_db
  dialog:cluster_sync dialog:profile_get_size dialog:profile_list_dlgs dialog:profile_get_values
  dialog:list_all_profiles dialog:profile_end_dlgs dialog:push_var dialog:send_sequential
  dialog:set_profile dialog:unset_profile callops:transfer callops:hold callops:unhold
`);

/** The old names of the commands that the simulator implements, by the names of 4.0. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'statistics:get': 'get_statistics',
  'core:uptime': 'uptime',
  'core:version': 'version',
  'core:which': 'which',
  'evi:subscribe': 'event_subscribe',
  'evi:list': 'events_list',
  'evi:subscribers': 'subscribers_list',
  'evi:raise': 'raise_event',
  'tm:uac_dlg': 't_uac_dlg',
  'tm:uac_cancel': 't_uac_cancel',
  'dialog:list': 'dlg_list',
  'dialog:end_dlg': 'dlg_end_dlg',
  'dialog:send_sequential': 'dlg_send_sequential',
  'callops:transfer': 'call_transfer',
  'callops:hold': 'call_hold',
  'callops:unhold': 'call_unhold',
};

/** Returns the reply of `which`. */
export function listCommandNames(version: string): readonly string[] {
  if (isSince(version, 4, 0)) return NAMES_4_0;
  return isSince(version, 3, 6) ? NAMES_3_6 : NAMES_3_6.filter((name) => !SINCE_3_6.includes(name));
}

/** Returns the name up to 3.6 for a name of 4.0. Earlier versions do not know those. */
export function findOldName(version: string, name: string): string | undefined {
  return isSince(version, 4, 0) ? OLD_NAMES[name] : undefined;
}
