/**
 * Tests the routing script with calls between two phones of doctor's own, which it registers under random names. They exchange
 * no media, and nobody else's phone rings.
 * @module
 */
import { isIPv4 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { findLocalAddress } from '../../adapter/opensips/event-socket.ts';
import { resolveHost } from '../../adapter/opensips/host-address.ts';
import { describeResponse, type MiResponse } from '../../adapter/opensips/mi-message.ts';
import { inviteCommand } from '../../shared/commands/call-start/invite.ts';
import { UacResult } from '../../shared/opensips/mi.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { parseSipUri } from '../../shared/sip/sip-uri.ts';
import { type MiRequester, resultOf } from './direct-mi.ts';
import type { Check, Report } from './finding.ts';
import { unchecked } from './finding.ts';
import {
  type Challenge,
  challengeFinding,
  type FirstLeg,
  firstLegFinding,
  type Notifications,
  notifyFinding,
  ownLoopFinding,
  type Pinging,
  pingingFinding,
} from './script-findings.ts';
import { type AgentOptions, isSuccess, SipAgent } from './sip/agent.ts';
import type { SipDialog } from './sip/dialog.ts';
import type { Body, Header } from './sip/message.ts';

/** Another address of a machine whose OpenSIPS is on loopback: scripts trust their own address, and not this one. */
const OTHER_LOOPBACK = '127.0.0.2';
/** The pinger of OpenSIPS runs each second (`register_timer("dlg-options-pinger", …, 1, …)` in dialog.c), and its BYE is fast. */
const PINGER_MS = 3_000;
/** How long an event may take, and a request that OpenSIPS relays on this machine or near it. */
const SETTLE_MS = 1_000;
const POLL_MS = 20;

const SCRIPT_CHECKS = ['first leg', 'notify', 'challenge', 'pinging'] as const satisfies readonly Check[];

/** What the checks use of the connection to OpenSIPS. */
export interface ScriptContext {
  readonly request: MiRequester;
  /** Returns whether an event of a dialog with that Call-ID has arrived. */
  readonly hasDialogEvent: (callid: string) => boolean;
  /** The SIP URI of OpenSIPS. */
  readonly nextHop: string;
  /** The domain of the phones' addresses. */
  readonly domain: string;
  /** Whether OpenSIPS can send requests within a call, and whether they can be REFER. */
  readonly inDialog: { readonly hasCommand: boolean; readonly refer: boolean };
}

/**
 * Runs the checks, and reports each finding as it is made.
 * @param reportsLoop whether nothing else checks the loop
 */
export async function checkScript(
  context: ScriptContext,
  reportsLoop: boolean,
  report: Report,
): Promise<void> {
  const server = await findServer(context.nextHop);
  const rest = new Set<Check>(reportsLoop ? ['loop', ...SCRIPT_CHECKS] : SCRIPT_CHECKS);
  const done: Report = (finding) => {
    if (rest.delete(finding.check)) report(finding);
  };
  const reason = typeof server === 'string' ? server : await runChecks(context, server, done);
  for (const check of rest) report(unchecked(check, `Not checked: ${reason}`));
}

type Server = Pick<AgentOptions, 'localHost' | 'server'>;

/** Returns where OpenSIPS is and which address reaches it, or a sentence that says why doctor's phones cannot reach it. */
async function findServer(nextHop: string): Promise<Server | string> {
  const uri = parseSipUri(nextHop);
  const cannot = (reason: string) => `doctor's own phones cannot use ${nextHop}: ${reason}.`;
  if ('error' in uri) return cannot('it is not a SIP URI');
  const transport = uri.params.get('transport')?.toLowerCase() ?? 'udp';
  if (uri.scheme !== 'sip' || transport !== 'udp') return cannot('they use UDP only');
  const host = uri.host.startsWith('[') ? '' : await resolveHost(uri.host).catch(() => undefined);
  if (host === undefined) return cannot('the host is not known');
  if (!isIPv4(host)) return cannot('they use IPv4 only');
  const server = { host, port: uri.port ?? 5060 };
  const localHost = await findLocalAddress(server).catch(reasonOf);
  return isIPv4(localHost) ? { server, localHost } : cannot(localHost);
}

/** Returns why the remaining checks could not be made, as a sentence. */
async function runChecks(context: ScriptContext, server: Server, report: Report): Promise<string> {
  await using agents = new AsyncDisposableStack();
  const group = crypto.randomUUID().slice(0, 8);
  const open = async (name: string, localHost = server.localHost) =>
    agents.use(
      await SipAgent.open({
        ...server,
        localHost,
        user: `call-api-doctor-${group}-${name}`,
        domain: context.domain,
      }),
    );
  const [caller, callee] = [await open('a'), await open('b')];
  const [registered] = await Promise.all([caller.register(), callee.register()]);
  if (registered === undefined) return `there was no response to REGISTER at ${context.nextHop}.`;
  const challenges = [await tryCall(context, caller, callee)];
  if (server.server.host.startsWith('127.')) {
    const stranger = await open('c', OTHER_LOOPBACK).catch(() => undefined);
    if (stranger) challenges.push(await tryCall(context, stranger, callee));
  }
  report(challengeFinding(challenges));
  if (!isSuccess(registered))
    return `OpenSIPS did not register doctor's own phone: ${registered.status} ${registered.reason}.`;
  const firstLeg = await testFirstLeg(context, caller, callee);
  report(ownLoopFinding(firstLeg, context.nextHop));
  report(firstLegFinding(firstLeg));
  const { dialog, answer } = await caller.call(callee.uri);
  if (!dialog.isActive)
    return `a call between doctor's own phones failed: ${answer ? `${answer.status} ${answer.reason}` : 'no response'}.`;
  report(notifyFinding(await testNotify(context, caller, callee, dialog)));
  if (!context.inDialog.hasCommand) return 'OpenSIPS does not have the MI command dlg_send_sequential.';
  report(pingingFinding(await testPinging(context, caller, callee)));
  return '';
}

/** Calls without a password, and looks for a dialog if the script asks for one. */
async function tryCall(
  { request, hasDialogEvent }: ScriptContext,
  from: SipAgent,
  to: SipAgent,
): Promise<Challenge> {
  const { dialog, answer } = await from.call(to.uri);
  const { callid } = dialog;
  if (dialog.isActive) await from.request(dialog, 'BYE');
  const isChallenged = answer?.status === 401 || answer?.status === 407;
  const hasDialog =
    isChallenged &&
    (resultOf(await request('dlg_list', { callid })) !== undefined ||
      (await waitFor(() => hasDialogEvent(callid), SETTLE_MS)));
  return { status: answer?.status, hasDialog };
}

/** Calls a phone as CallStart does. The phone then sends a NOTIFY and hangs up. */
async function testFirstLeg(
  { request, nextHop }: ScriptContext,
  phone: SipAgent,
  other: SipAgent,
): Promise<FirstLeg> {
  const callid = crypto.randomUUID();
  const { params } = inviteCommand(
    nextHop,
    callid,
    { caller: phone.uri, callee: other.uri },
    { setUpFrom: 'callee' },
  );
  const response = await request('t_uac_dlg', params);
  const dialog = phone.dialogOf(callid);
  const outcome = statusOf(response);
  if (!dialog || !/^2/.test(outcome))
    return { outcome, isAnswered: false, hasDialog: false, notify: undefined, bye: undefined };
  const hasDialog = resultOf(await request('dlg_list', { callid })) !== undefined;
  const notify = await sendNotify(phone, dialog);
  const bye = await phone.request(dialog, 'BYE');
  if (hasDialog && !(bye && isSuccess(bye))) await request('dlg_end_dlg', { dialog_id: callid });
  return { outcome, isAnswered: true, hasDialog, notify, bye: bye?.status };
}

/** Transfers the callee, first by OpenSIPS and then by the caller, and looks where its NOTIFYs go. */
async function testNotify(
  { request, inDialog }: ScriptContext,
  caller: SipAgent,
  callee: SipAgent,
  dialog: SipDialog,
): Promise<Notifications> {
  const calleeDialog = callee.dialogOf(dialog.callid);
  const count = () => dialog.received.filter((method) => method === 'NOTIFY').length;
  const notify = async () => {
    const before = count();
    const status = calleeDialog && (await sendNotify(callee, calleeDialog));
    return { status, hasReachedOther: count() > before };
  };
  let ofApi: Notifications['ofApi'];
  if (inDialog.refer) {
    const response = await request('dlg_send_sequential', {
      callid: dialog.callid,
      method: 'REFER',
      mode: 'callee',
      body: 'none',
      headers: `Refer-To: <${caller.uri}>\r\n`,
    });
    if (resultOf(response) !== undefined) ofApi = await notify();
  }
  const referTo: Header = ['Refer-To', `<${caller.uri}>`];
  const refer = await caller.request(dialog, 'REFER', [referTo, ['Referred-By', `<${caller.uri}>`]]);
  const ofPhone = await notify();
  await caller.request(dialog, 'BYE');
  return { ofApi, ofPhone: { refer: refer?.status, ...ofPhone } };
}

/**
 * Lets both phones of a call answer 481 to a request of OpenSIPS. With pinging, OpenSIPS takes that for a lost phone, and ends
 * the call as soon as its pinger runs (`dlg_handle_seq_reply` and `get_timeout_dlgs` in dlg_timer.c, the same in 3.4, 3.6 and
 * 4.0): it is not necessary to wait for a ping.
 */
async function testPinging(context: ScriptContext, caller: SipAgent, callee: SipAgent): Promise<Pinging> {
  for (const agent of [caller, callee])
    for (const method of ['OPTIONS', 'INVITE']) agent.statuses.set(method, 481);
  const refuse = async (method: 'OPTIONS' | 'INVITE') => {
    const { dialog } = await caller.call(callee.uri);
    const { callid } = dialog;
    const params = { callid, method, body: 'none' };
    if (!dialog.isActive) return { isRefused: false, isEnded: false };
    await Promise.all(
      ['caller', 'callee'].map((mode) => context.request('dlg_send_sequential', { ...params, mode })),
    );
    const isRefused = [dialog, callee.dialogOf(callid)].every((side) => side?.received.includes(method));
    return {
      isRefused,
      isEnded: isRefused && (await waitFor(() => dialog.received.includes('BYE'), PINGER_MS)),
    };
  };
  const [options, reinvite] = await Promise.all([refuse('OPTIONS'), refuse('INVITE')]);
  return {
    endedByOptions: options.isEnded,
    endedByReinvite: reinvite.isEnded,
    areRefused: options.isRefused && reinvite.isRefused,
  };
}

const REFER_EVENT: readonly Header[] = [
  ['Event', 'refer'],
  ['Subscription-State', 'terminated;reason=noresource'],
];
/** The result of a transfer that has failed, so that the phone that gets it keeps its call (RFC 3515 §2.4.5). */
const REFER_RESULT: Body = { type: 'message/sipfrag;version=2.0', text: 'SIP/2.0 486 Busy Here\r\n' };

/** Sends the NOTIFY of a transfer. Resolves with the status of the response. */
async function sendNotify(agent: SipAgent, dialog: SipDialog): Promise<number | undefined> {
  return (await agent.request(dialog, 'NOTIFY', REFER_EVENT, REFER_RESULT))?.status;
}

function statusOf(response: MiResponse): string {
  const result = UacResult.safeParse(resultOf(response));
  return result.success ? result.data.Status : describeResponse(response);
}

/** Resolves with whether a condition has come true in time. */
async function waitFor(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition() && performance.now() < deadline) await delay(POLL_MS);
  return condition();
}
