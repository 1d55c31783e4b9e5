/** `docs/opensips.cfg` as users get it, with the addresses of a test, and with the one change that a test is about. @module */
import type { Address } from './sip-message.ts';
import type { TransportName } from './transport.ts';

/** How a test's script differs from the one that users get. By default in nothing but paths and addresses. */
export interface ScriptOptions {
  /** The only transport of SIP; `udp` by default. */
  readonly transport?: TransportName;
  /** The address family of MI; IPv4 by default. */
  readonly mi?: 'ipv4' | 'ipv6';
  /** Whether the script raises events of its own; true by default. */
  readonly events?: boolean;
  /** Whether the script asks for a password after `create_dialog()`, as it must not. Any credentials are accepted. */
  readonly challengesLate?: boolean;
  /** Whether it drops every NOTIFY of a transfer, as the first version of `docs/opensips.cfg` did. */
  readonly swallowsNotify?: boolean;
  /** Whether it relays every NOTIFY of a transfer, even if no phone has asked for it. */
  readonly relaysNotify?: boolean;
  /** Whether it relays what phones send to OpenSIPS within a call, and so to itself. */
  readonly relaysToItself?: boolean;
  /** Whether calls have no dialog. */
  readonly hasNoDialog?: boolean;
  /** Whether phones see nothing of each other (module topology_hiding). */
  readonly hidesTopology?: boolean;
  /** Another name of callops' URI parameter `osid`. */
  readonly matchParam?: string;
  /** How OpenSIPS pings the phones of a call. */
  readonly pings?: 'options' | 'reinvite';
  /** The longest time of a call, in seconds. */
  readonly dialogTimeout?: number;
  /** The control address of an rtpengine through which all audio goes: `HOST:PORT`. */
  readonly mediaRelay?: string;
  /** The passwords of users that are not on this machine. */
  readonly passwords?: Readonly<Record<string, string>>;
}

/** Where a test's OpenSIPS is, and which. */
interface Installation {
  readonly modules: string;
  readonly majorVersion: number;
  readonly sip: Address;
  readonly mi: Address;
}

type Replacement = readonly [pattern: RegExp, replacement: string];

/** Returns the script of a test. Throws if a pattern does not occur, because the test would then run another script. */
export function adaptScript(script: string, installation: Installation, options: ScriptOptions): string {
  return [...locate(installation, options), ...modify(installation, options)].reduce(
    (text, [pattern, replacement]) => {
      if (!pattern.test(text)) throw new Error(`docs/opensips.cfg does not contain ${pattern}`);
      // A replacement contains `$` for OpenSIPS.
      return text.replace(pattern, () => replacement);
    },
    script,
  );
}

function locate({ modules, sip, mi }: Installation, { transport = 'udp' }: ScriptOptions): Replacement[] {
  const miHost = mi.host.includes(':') ? `[${mi.host}]` : mi.host;
  return [
    [/^mpath=.*$/m, `mpath="${modules}/"`],
    [/^socket=udp:.*$/m, `socket=${transport}:${sip.host}:${sip.port}`],
    [
      /^modparam\("mi_datagram", "socket_name", .*$/m,
      `modparam("mi_datagram", "socket_name", "udp:${miHost}:${mi.port}")`,
    ],
  ];
}

function modify({ majorVersion }: Installation, options: ScriptOptions): Replacement[] {
  const { transport, events, hidesTopology, matchParam, pings, dialogTimeout } = options;
  const { mediaRelay, passwords } = options;
  const replacements = modifyTraps(options);
  if (transport === 'tcp')
    replacements.push([/^loadmodule "proto_udp.so"$/m, 'loadmodule "proto_tcp.so"\ntcp_workers=2']);
  // Both blocks end at the brace that closes their `if`.
  if (events === false) replacements.push([OPTIONAL_BLOCK, ''], [OPTIONAL_BLOCK, '']);
  if (hidesTopology) {
    replacements.push(
      [/^loadmodule "dialog.so".*$/m, 'loadmodule "dialog.so"\nloadmodule "topology_hiding.so"'],
      [/record_route\(\);/, 'topology_hiding("UC");'],
      [/!loose_route\(\)/, '!topology_hiding_match()'],
    );
  }
  if (matchParam !== undefined)
    replacements.push(
      [
        /^loadmodule "callops.so".*$/m,
        `loadmodule "callops.so"\nmodparam("callops", "match_param", "${matchParam}")`,
      ],
      [/\{uri\.param,osid\}/, `{uri.param,${matchParam}}`],
    );
  if (pings !== undefined)
    replacements.push([
      /create_dialog\("[^"]*"\)/,
      `create_dialog("${majorVersion < 4 ? PING_LETTERS[pings] : PING_NAMES[pings]}")`,
    ]);
  if (dialogTimeout !== undefined)
    replacements.push([
      /^modparam\("usrloc".*$/m,
      `modparam("usrloc", "working_mode_preset", "single-instance-no-db")
modparam("dialog", "default_timeout", ${dialogTimeout})`,
    ]);
  if (mediaRelay !== undefined)
    replacements.push(
      [
        /^loadmodule "dialog.so".*$/m,
        `loadmodule "dialog.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:${mediaRelay}")`,
      ],
      [/^route\[relay\] \{.*$/m, RELAY_MEDIA],
    );
  for (const [user, password] of Object.entries(passwords ?? {}))
    replacements.push([
      /^ {2}\$avp\(password\) = NULL;$/m,
      `  $avp(password) = NULL;\n  if ($avp(username) == "${user}") $avp(password) = "${password}";`,
    ]);
  return replacements;
}

/** Undoes what the lines marked TRAP do. */
function modifyTraps({
  challengesLate,
  swallowsNotify,
  relaysNotify,
  relaysToItself,
  hasNoDialog,
}: ScriptOptions): Replacement[] {
  return [
    ...(challengesLate ? [[CREATE_DIALOG, LATE_CHALLENGE] as const] : []),
    ...(swallowsNotify ? [[NOTIFY_BLOCK, '{ exit; }'] as const] : []),
    ...(relaysNotify ? [[ANSWERED_NOTIFY, ''] as const] : []),
    ...(relaysToItself ? [[OWN_REQUEST, 'if (0)'] as const] : []),
    ...(hasNoDialog ? [[CREATE_DIALOG, '  if (is_method("INVITE")) record_route();'] as const] : []),
  ];
}

/** The flags of `create_dialog()` in OpenSIPS 3, where each is a letter, and in OpenSIPS 4. */
const PING_LETTERS = { options: 'BPp', reinvite: 'BRr' } as const;
const PING_NAMES = {
  options: 'bye-on-timeout,options-ping-caller,options-ping-callee',
  reinvite: 'bye-on-timeout,reinvite-ping-caller,reinvite-ping-callee',
} as const;

/** Offers and answers go through rtpengine, in the first INVITE and in all later ones. */
const RELAY_MEDIA = `route[relay] {
  if (is_method("INVITE") && has_body("application/sdp")) { rtpengine_offer(); t_on_reply("media"); }
  if (is_method("BYE|CANCEL")) rtpengine_delete();
  if (!t_relay()) sl_reply_error();
  exit;
}
onreply_route[media] { if (has_body("application/sdp")) rtpengine_answer(); }`;

const OPTIONAL_BLOCK = /^ {2}# OPTIONAL\.[\s\S]*?^ {2}\}$/m;
const CREATE_DIALOG = /^ {2}if \(is_method\("INVITE"\)\) \{ create_dialog\(.*$/m;
/** What follows `if (is_method("NOTIFY") && …)`, up to the brace that closes it. */
const NOTIFY_BLOCK = /(?<=\$hdr\(Event\) =~ "\^refer"\) )\{[\s\S]*?^ {2}\}$/m;
const ANSWERED_NOTIFY = /^ {4}if \(\$DLG_status != NULL && \$dlg_val\(phone_refers\) == NULL\).*$/m;
const OWN_REQUEST = /^ {2}if \(is_myself\("\$rd", \$rp\)\)/m;
/** The INVITE of OpenSIPS itself comes from its own port, and could not answer a challenge. */
const LATE_CHALLENGE = `  if (is_method("INVITE")) {
    create_dialog("Bye-on-timeout");
    record_route();
    if (!is_myself("$si", $sp) && !is_present_hf("Proxy-Authorization")) { t_newtran(); proxy_challenge("late", "auth"); exit; }
  }`;
