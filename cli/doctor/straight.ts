/** The checks without an edge: OpenSIPS is asked from here. @module */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { localAddressTowards } from '../../adapter/evi.ts';
import { MiClient } from '../../adapter/mi.ts';
import type { MiAnswer, MiRequestParams } from '../../adapter/mi-message.ts';
import type { Address } from '../../adapter/settings.ts';
import { subscribe, subscriber } from '../../adapter/subscriptions.ts';
import { missingFrom, subscriptionsIn } from '../../shared/diagnosis.ts';
import { UptimeResult, VersionResult } from '../../shared/mi.ts';
import { openDirect } from '../direct.ts';
import { reasonOf, type Settings } from '../settings.ts';
import { clockFinding } from './clock.ts';
import { type Finding, ill, unknown, well } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { testCall, testCallFindings } from './test-call.ts';

/** Life of the subscription that is made to try, in seconds; it is ended, and lapses where that is lost. */
const TRIAL_S = 20;

/** Raised to see whether events arrive. Nobody takes it for one of OpenSIPS's own: it has no Call-ID. */
const RAISED = 'E_CALL_HOLD';

type Ask = (method: string, params?: MiRequestParams) => Promise<MiAnswer>;

/** Tells each as it is found. What is not told could not be reached; the sentence that is returned says why. */
export async function straight(
  settings: Settings,
  testAddress: string | undefined,
  tell: (finding: Finding) => void,
): Promise<string> {
  const { direct, events, nextHop, timeoutMs } = settings;
  if (!direct) throw new Error('no address of an OpenSIPS');
  const patience = { timeoutMs: Math.min(timeoutMs, 2_000), ttlMs: timeoutMs };
  const mi = new MiClient();
  try {
    const at = { host: (await lookup(direct.host, { family: 4 })).address, port: direct.port };
    mi.connectTo(at);
    const ask: Ask = (method, params = {}) => mi.request(method, params, patience);
    if (!(await answers(ask, direct, tell))) return 'OpenSIPS does not answer MI';
    const missing = missingFrom(resultOf(await ask('which')));
    tell(missing ? modulesFinding(missing) : unknown('modules', 'not checked: which is not answered'));
    const local = events ?? { host: await localAddressTowards(at), port: 0 };
    await hears(mi, ask, local, patience, tell);
    if (testAddress === undefined)
      return 'give --test-address, a phone that may be called for a moment: then the script is seen at work';
    let cameOfCall = false;
    const line = await openDirect(
      settings,
      () => {},
      ({ name }) => {
        cameOfCall ||= name === 'E_DLG_STATE_CHANGED';
      },
    );
    const outcome = await testCall(line, testAddress).finally(() => line.close());
    const [, loop] = testCallFindings(outcome, cameOfCall, nextHop);
    tell(loop);
    return '';
  } catch (error) {
    const code = reasonOf(error);
    if (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN') throw error;
    tell(ill('mi', `the name ${direct.host} is not known (${code})`, 'check --direct (CALL_API_DIRECT)'));
    return 'OpenSIPS does not answer MI';
  } finally {
    mi.close();
  }
}

async function answers(
  ask: Ask,
  { host, port }: Address,
  tell: (finding: Finding) => void,
): Promise<boolean> {
  const answer = await ask('uptime');
  const uptime = UptimeResult.safeParse(resultOf(answer));
  if (!uptime.success) {
    const said = 'outcome' in answer ? answer.outcome : JSON.stringify(answer);
    tell(
      ill(
        'mi',
        `no OpenSIPS answers at ${host}:${port} (${said})`,
        'see whether OpenSIPS runs, whether --direct is the socket_name of its mi_datagram, and whether a firewall lets UDP pass',
      ),
    );
    return false;
  }
  tell(well('mi', `OpenSIPS answers; it is up since ${uptime.data['Up since']}`));
  // It tells its own local time, without the zone; beside it, as MI should be, that is ours.
  tell(clockFinding(Date.parse(uptime.data.Now), Date.now(), 'OpenSIPS (in its time zone)'));
  const version = VersionResult.safeParse(resultOf(await ask('version')));
  tell(versionFinding(version.success ? version.data.Server : ''));
  return true;
}

/** Subscribes, raises an event, and waits for it. */
async function hears(
  mi: MiClient,
  ask: Ask,
  local: Address,
  patience: { readonly timeoutMs: number; readonly ttlMs: number },
  tell: (finding: Finding) => void,
): Promise<void> {
  const socket = createSocket('udp4');
  const mark = randomBytes(9).toString('hex');
  try {
    socket.bind(local.port, local.host);
    await once(socket, 'listening');
    const at = { host: local.host, port: socket.address().port };
    const came = new Promise<boolean>((resolve) => {
      socket.on('message', (datagram) => {
        if (datagram.toString().includes(mark)) resolve(true);
      });
    });
    const refused = await subscribe(mi, at, TRIAL_S, patience);
    const standing = subscriptionsIn(resultOf(await ask('subscribers_list')));
    const ours = standing?.filter((each) => each.socket === subscriber(at)) ?? [];
    tell(subscriptionsFinding(ours));
    if (refused) {
      tell(unknown('events', `not checked: ${refused.event} cannot be subscribed`));
      return;
    }
    const raised = await ask('raise_event', { event: RAISED, params: [`call-api doctor ${mark}`] });
    if (!('result' in raised)) {
      tell(unknown('events', `not checked: OpenSIPS does not raise an event (${JSON.stringify(raised)})`));
      return;
    }
    const late = new Promise<boolean>((resolve) =>
      setTimeout(() => resolve(false), patience.timeoutMs).unref(),
    );
    const isHeard = await Promise.race([came, late]);
    tell(
      isHeard
        ? well('events', 'an event was raised, and it arrived')
        : ill(
            'events',
            `an event was raised, and it did not arrive at ${at.host}:${at.port}`,
            'let UDP pass from OpenSIPS to this machine: give --events HOST:PORT with an address that OpenSIPS reaches, and open that port in the firewall',
          ),
    );
    await subscribe(mi, at, 0, patience);
  } finally {
    socket.close();
  }
}

function resultOf(answer: MiAnswer): unknown {
  return 'result' in answer ? answer.result : undefined;
}
