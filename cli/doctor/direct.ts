/** The checks without an edge, directly at OpenSIPS. @module */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { inDialogSupport, listsSendSequential } from '../../adapter/in-dialog/support.ts';
import {
  findEventAddress,
  resolveHost,
  UnknownEventAddressError,
} from '../../adapter/opensips/host-address.ts';
import { MiClient } from '../../adapter/opensips/mi-client.ts';
import { describeResponse } from '../../adapter/opensips/mi-message.ts';
import { subscribe, subscriberSocket } from '../../adapter/opensips/subscriptions.ts';
import { missingCommands, parseSubscriptions } from '../../shared/opensips/diagnostics.ts';
import { UptimeResult, VersionResult } from '../../shared/opensips/mi.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import { type Address, formatAddress } from '../../shared/settings/value-types.ts';
import { EXIT } from '../exit.ts';
import type { Settings } from '../settings/settings.ts';
import { openDirectTransport } from '../transport/direct.ts';
import { localClockFinding } from './clock.ts';
import { type MiRequester, resultOf } from './direct-mi.ts';
import { engineFinding } from './engine.ts';
import { faulty, passed, type Report, unchecked } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { askPhone, phoneFinding } from './phone.ts';
import { checkScript, type ScriptContext } from './script-checks.ts';
import { type TestCalls, testCallFindings, transferEvidence } from './test-call.ts';

/**
 * Lifetime of the test subscription, longer than all checks. It is ended after them, and lapses where that request is lost. Not
 * before: when OpenSIPS 3.4 lists subscriptions, it drops all that are newer than one that has ended
 * (`evi_remove_expired_subs` in event_interface.c; corrected in 3.6).
 */
const TEST_SUBSCRIPTION_S = 120;

/** The event that is raised to see whether events arrive. Without a Call-ID it is not mistaken for a real one. */
const TEST_EVENT = 'E_CALL_HOLD';

const EVENTS_SETTING = '--events (CALL_API_EVENTS)';

/** Reports each finding as it is made. Returns why the other checks were not reached, as a sentence. */
export async function checkDirect(
  settings: Settings,
  testAddress: string | undefined,
  report: Report,
  calls: TestCalls,
): Promise<string> {
  const { direct, events, timeoutMs } = settings;
  if (!direct) throw new Error('no address of an OpenSIPS');
  const timeouts = { timeoutMs: Math.min(timeoutMs, 2_000), ttlMs: timeoutMs };
  const mi = new MiClient();
  try {
    const resolved = await attempt(resolveHost(direct.host));
    if ('reason' in resolved) {
      report(
        faulty(
          'mi',
          `Cannot find the host ${quote(direct.host)}: ${resolved.reason}.`,
          'Check --direct (CALL_API_DIRECT).',
          EXIT.unreachable,
        ),
      );
      return 'OpenSIPS does not answer MI.';
    }
    const address = { host: resolved.value, port: direct.port };
    mi.connectTo(address);
    const request: MiRequester = (method, params = {}) => mi.request(method, params, timeouts);
    const version = await checkMi(request, direct, report);
    if (version === undefined) return 'OpenSIPS does not answer MI.';
    const inDialog = checkCommands(version, resultOf(await request('which')), report);
    const listener = await openListener(events, address, report);
    if (!listener) return 'events cannot be received.';
    const subscriber = await checkEvents(mi, request, listener, timeouts, report);
    await checkCalls(settings, testAddress, request, inDialog, report, calls);
    await subscribe(mi, subscriber, 0, timeouts);
    return '';
  } finally {
    mi.close();
  }
}

/** Binds the socket that is to receive events; reports why it cannot. */
async function openListener(
  events: Address | undefined,
  opensips: Address,
  report: Report,
): Promise<Socket | undefined> {
  let local = events;
  try {
    local ??= await findEventAddress(opensips, EVENTS_SETTING);
  } catch (error) {
    if (!(error instanceof UnknownEventAddressError)) throw error;
    report(faulty('events', error.message, ''));
    return undefined;
  }
  const socket = createSocket('udp4');
  socket.bind(local.port, local.host);
  const bound = await attempt(once(socket, 'listening'));
  if ('value' in bound) return socket;
  socket.close();
  report(
    faulty(
      'events',
      `Cannot listen for events at ${formatAddress(local)}: ${bound.reason}.`,
      `Check that ${EVENTS_SETTING} is a free UDP port at an address of this machine.`,
    ),
  );
  return undefined;
}

/** Returns the result, or the reason where the system has refused it. Any other error is a mistake of this program. */
async function attempt<T>(work: Promise<T>): Promise<{ readonly value: T } | { readonly reason: string }> {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return { reason: reasonOf(error) };
    throw error;
  }
}

/** Makes the test calls: with the test phone, if there is one, and between phones of doctor's own. */
async function checkCalls(
  settings: Settings,
  testAddress: string | undefined,
  request: MiRequester,
  inDialog: ScriptContext['inDialog'],
  report: Report,
  calls: TestCalls,
): Promise<void> {
  const { nextHop, domain = '' } = settings;
  const callids = new Set<string>();
  const transport = await openDirectTransport(
    settings,
    () => {},
    ({ name, params: { callid } }) => {
      if (name === 'E_DLG_STATE_CHANGED') callids.add(callid);
    },
  );
  try {
    if (testAddress === undefined)
      report(
        unchecked('phone', 'Not checked: use --test-address with a phone that may be called for a moment.'),
      );
    else {
      const answer = await askPhone(request, testAddress, nextHop);
      const result = await calls.makeCall(transport, testAddress);
      const [, loop] = testCallFindings(result, callids.size > 0, nextHop);
      report(loop);
      report(phoneFinding(answer, transferEvidence(result)));
    }
    const context = {
      request,
      nextHop,
      domain,
      inDialog,
      hasDialogEvent: (callid: string) => callids.has(callid),
    };
    await calls.run(checkScript(context, testAddress === undefined, report));
  } finally {
    await transport.close();
  }
}

/** Reports on the MI commands. Returns which requests OpenSIPS can send within a call. */
function checkCommands(version: string, which: unknown, report: Report): ScriptContext['inDialog'] {
  const missing = missingCommands(which);
  report(
    missing ? modulesFinding(missing) : unchecked('modules', 'Not checked: OpenSIPS did not answer which.'),
  );
  const hasCommand = listsSendSequential(which);
  // The timeout has no part in this.
  const support = inDialogSupport(version, hasCommand, 1);
  report(engineFinding(version, support, hasCommand));
  return { hasCommand: hasCommand ?? false, refer: support?.refer ?? false };
}

/** Returns the version, which may be empty; undefined if MI does not answer. */
async function checkMi(request: MiRequester, address: Address, report: Report): Promise<string | undefined> {
  const response = await request('uptime');
  const uptime = UptimeResult.safeParse(resultOf(response));
  if (!uptime.success) {
    report(
      faulty(
        'mi',
        `No OpenSIPS answers at ${formatAddress(address)} (UDP): ${describeResponse(response)}.`,
        'Check that OpenSIPS is running, that --direct (CALL_API_DIRECT) is the socket_name of its mi_datagram module, and that UDP passes the firewall.',
        EXIT.unreachable,
      ),
    );
    return undefined;
  }
  report(passed('mi', `OpenSIPS answers. It is up since ${uptime.data['Up since']}.`));
  // OpenSIPS gives its local time without the zone, which may be another one: in a container it is mostly UTC.
  report(localClockFinding(Date.parse(uptime.data.Now), Date.now(), 'OpenSIPS'));
  const version = VersionResult.safeParse(resultOf(await request('version')));
  const name = version.success ? version.data.Server : '';
  report(versionFinding(name));
  return name;
}

/** Subscribes to events, raises one, and waits for it. Returns the address of the subscription. */
async function checkEvents(
  mi: MiClient,
  request: MiRequester,
  socket: Socket,
  timeouts: { readonly timeoutMs: number; readonly ttlMs: number },
  report: Report,
): Promise<Address> {
  const marker = randomBytes(9).toString('hex');
  try {
    const { address: host, port } = socket.address();
    const address = { host, port };
    const arrived = new Promise<boolean>((resolve) => {
      socket.on('message', (datagram) => {
        if (datagram.toString().includes(marker)) resolve(true);
      });
    });
    // Makes OpenSIPS 3.4 forget the ones that have ended: see above.
    await request('subscribers_list');
    const refused = await subscribe(mi, address, TEST_SUBSCRIPTION_S, timeouts);
    const subscriptions = parseSubscriptions(resultOf(await request('subscribers_list')));
    const ours = subscriptions?.filter(({ socket: name }) => name === subscriberSocket(address)) ?? [];
    report(subscriptionsFinding(ours));
    if (refused) {
      report(unchecked('events', `Not checked: OpenSIPS rejected the subscription to ${refused.event}.`));
      return address;
    }
    const raised = await request('raise_event', { event: TEST_EVENT, params: [`call-api doctor ${marker}`] });
    if (!('result' in raised)) {
      report(
        unchecked('events', `Not checked: OpenSIPS did not raise an event: ${describeResponse(raised)}.`),
      );
      return address;
    }
    const timedOut = new Promise<boolean>((resolve) =>
      setTimeout(() => resolve(false), timeouts.timeoutMs).unref(),
    );
    const hasArrived = await Promise.race([arrived, timedOut]);
    report(
      hasArrived
        ? passed('events', 'A test event was raised, and it arrived.')
        : faulty(
            'events',
            `A test event was raised, but it did not arrive at ${address.host}:${address.port}.`,
            'Let UDP pass from OpenSIPS to this machine: set --events (CALL_API_EVENTS) to an address that OpenSIPS reaches, and open that port in the firewall.',
          ),
    );
    return address;
  } finally {
    socket.close();
  }
}
