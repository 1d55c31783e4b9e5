/** Hold and resume by the API and by a phone, with scripts that change what phones see of each other. @module */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { callidOf } from '../../harness/client.ts';
import { waitUntil } from '../../harness/stack.ts';
import type { Offer } from '../call.ts';
import type { HarnessOptions, OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import { ProcessGroup } from '../process-group.ts';
import { LEGS, type Leg, type Part, runCommand, type Suite, settle, throwError, withRig } from './rig.ts';

/** Below the ephemeral ports: the control port of rtpengine, and its ports for audio. */
const RELAY_CONTROL_PORT = 19_222;
const RELAY_PORTS = { from: 31_000, to: 32_000 };
/** How long a call has lasted before it is held. */
const CALL_AGE_MS = 3_000;
/** An address of loopback that no phone uses. */
const RELAY_HOST = '127.0.0.3';

export const runHolds: Part = async (suite) => {
  const scripts: [string, HarnessOptions][] = [
    ['plain', {}],
    ['topology_hiding', { hidesTopology: true }],
    ['callops as the engine', { adapterEnv: { ADAPTER_ENGINE: 'callops' } }],
  ];
  for (const [name, options] of scripts) await runScript(suite, name, options);
  if (!isOnPath('rtpengine')) {
    suite.report.check('rtpengine', true, 'skipped: the command rtpengine is not on the PATH');
    return;
  }
  const relay = await startRelay();
  try {
    const mediaRelay = `127.0.0.1:${RELAY_CONTROL_PORT}`;
    await runScript(suite, 'rtpengine', { mediaRelay });
    await runScript(suite, 'rtpengine and topology_hiding', { mediaRelay, hidesTopology: true });
  } finally {
    await relay.stop();
  }
};

const runScript = (suite: Suite, name: string, options: HarnessOptions) =>
  withRig(suite, options, async (harness) => {
    const callids: string[] = [];
    const hasRelay = options.mediaRelay !== undefined;
    // callops, which holds calls on OpenSIPS 4, changes the direction and keeps the version.
    const hasOwnVersions = suite.version < '4' && options.adapterEnv === undefined;
    // OpenSIPS 3 holds both legs in callops, whatever it is asked for.
    const canHoldOneLeg = options.adapterEnv === undefined;
    for (const leg of canHoldOneLeg ? [undefined, ...LEGS] : [undefined]) {
      const what = `${name}, ${leg ?? 'both legs'}`;
      try {
        const steps = await runSteps(harness, leg, hasRelay, hasOwnVersions, callids);
        suite.report.check(what, true, steps.join(' | '));
      } catch (error) {
        suite.report.check(what, false, error instanceof Error ? error.message : String(error));
      }
    }
    return callids;
  });

/** hold, resume, hold, the phone's own hold, resume; then the phone's own resume. Returns what each phone was offered. */
async function runSteps(
  harness: OpenSipsHarness,
  leg: Leg | undefined,
  hasRelay: boolean,
  hasOwnVersions: boolean,
  callids: string[],
): Promise<string[]> {
  const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
  const callid = await connect(harness, alice, bob);
  callids.push(callid);
  // The adapter's versions rise with the age of a call. In the first second they can equal those that a phone counts itself.
  await new Promise((resolve) => setTimeout(resolve, CALL_AGE_MS));
  const phones = { caller: alice, callee: bob };
  const media = { caller: addressOf(alice), callee: addressOf(bob) };
  const steps: string[] = [];
  const expectHeld = async (step: string, caller: boolean, callee: boolean) => {
    await settle(
      () => isHeld(alice) === caller && isHeld(bob) === callee,
      () =>
        `${step}: held are ${
          [alice, bob]
            .filter(isHeld)
            .map((phone) => (phone === alice ? 'caller' : 'callee'))
            .join() || 'none'
        }`,
    );
    steps.push(`${step}: ${lastDirection(alice)}/${lastDirection(bob)}`);
  };
  const run = async (method: string) => {
    throwError(await runCommand(harness, method, { callid, ...(leg && { leg }) }));
    const isHold = method === 'CallHold';
    await expectHeld(isHold ? 'hold' : 'resume', isHold && leg !== 'callee', isHold && leg !== 'caller');
  };
  await run('CallHold');
  await run('CallUnhold');
  await run('CallHold');
  const own = bob.answeredCalls[0] ?? '';
  const status = await bob.hold(own);
  if (status !== 200) throw new Error(`the phone's own hold: ${status}`);
  await expectHeld('own hold', true, leg !== 'caller');
  const resumed = await runCommand(harness, 'CallUnhold', { callid, ...(leg && { leg }) });
  throwError(resumed);
  // The callee's own hold stands.
  await expectHeld('resume', true, false);
  if ((await bob.resume(own)) !== 200) throw new Error("the phone's own resume was refused");
  await expectHeld('own resume', false, false);
  for (const party of LEGS) verifyOffers(offersOf(phones[party]), party, hasRelay, media, hasOwnVersions);
  steps.push(`o= ${versionsOf(alice)} / ${versionsOf(bob)}`, `media ${mediaOf(alice)} / ${mediaOf(bob)}`);
  throwError(await runCommand(harness, 'CallEnd', { callid }));
  return steps;
}

/** With topology_hiding, the callee's phone has another Call-ID than the one that OpenSIPS reports. */
async function connect(harness: OpenSipsHarness, alice: Phone, bob: Phone): Promise<string> {
  const outcome = await runCommand(harness, 'CallStart', { caller: alice.uri, callee: bob.uri });
  throwError(outcome);
  await settle(
    () => [alice, bob].every(({ answeredCalls }) => answeredCalls.length === 1),
    () => 'the phones are not in one call each',
  );
  return callidOf(outcome.notifications, 'CalleeAnswered');
}

/** The offers in the phone's current call. The first offer to the caller belongs to the set-up leg, in a call of its own. */
const offersOf = ({ receivedOffers, answeredCalls }: Phone) =>
  receivedOffers.filter(({ callid }) => callid === answeredCalls[0]);
const isHeld = (phone: Phone) => phone.isHeld(phone.answeredCalls[0] ?? '');
const lastDirection = (phone: Phone) => offersOf(phone).at(-1)?.direction ?? '-';
const versionsOf = (phone: Phone) =>
  offersOf(phone)
    .map(({ version }) => version)
    .join(',');
const mediaOf = ({ receivedOffers }: Phone) =>
  [...new Set(receivedOffers.map(({ media }) => media))].join(',');
const addressOf = ({ contact }: Phone) => contact.replace(/^sip:[^@]*@/, '').replace(/;.*/, '');

/**
 * Throws unless every offer leads to the other phone or to the relay, and a changed offer has another version than the one before.
 * The version falls when the other phone makes an offer of its own, since it counts by itself; callops keeps it.
 */
function verifyOffers(
  offers: readonly Offer[],
  party: Leg,
  hasRelay: boolean,
  media: Readonly<Record<Leg, string>>,
  hasOwnVersions: boolean,
): void {
  const other = party === 'caller' ? 'callee' : 'caller';
  for (const offer of offers) {
    const isRight = hasRelay ? offer.media.startsWith(`${RELAY_HOST}:`) : offer.media === media[other];
    if (!isRight) throw new Error(`the ${party} was sent to ${offer.media} (${offer.direction})`);
  }
  const isRepeated = offers.some(({ version, direction }, index) => {
    const previous = offers[index - 1];
    return previous?.version === version && previous.direction !== direction;
  });
  if (hasOwnVersions && isRepeated)
    throw new Error(
      `the ${party} got o= ${offers.map(({ version, direction }) => `${version} ${direction}`).join(', ')}`,
    );
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Starts rtpengine in user space. Resolves when it replies. */
export async function startRelay(): Promise<ProcessGroup> {
  const relay = new ProcessGroup('rtpengine', [
    '--config-file=none',
    '--foreground',
    '--log-stderr',
    '--table=-1',
    '--num-threads=2',
    `--interface=${RELAY_HOST}`,
    `--listen-ng=127.0.0.1:${RELAY_CONTROL_PORT}`,
    `--port-min=${RELAY_PORTS.from}`,
    `--port-max=${RELAY_PORTS.to}`,
  ]);
  let isReady = false;
  await waitUntil(async () => {
    isReady = await pingRelay();
    return isReady || !relay.isRunning;
  });
  if (!isReady) throw new Error(`rtpengine did not start:\n${relay.log}`);
  return relay;
}

/** Sends a ping of rtpengine's ng protocol: a cookie, and a dictionary in bencode. */
async function pingRelay(): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.connect(RELAY_CONTROL_PORT, '127.0.0.1');
    await once(socket, 'connect');
    socket.send('1 d7:command4:pinge');
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(200) });
    return String(reply).includes('pong');
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
