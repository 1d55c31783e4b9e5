/** Hold and resume by the API and by a phone, with scripts that change what phones see of each other. @module */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { waitUntil } from '../../harness/stack.ts';
import type { Offer } from '../call.ts';
import type { HarnessOptions, OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import { ProcessGroup } from '../process-group.ts';
import {
  connectPhones,
  LEGS,
  type Leg,
  type Part,
  runCommand,
  type Suite,
  settle,
  throwError,
  withRig,
} from './rig.ts';

/** Below the ephemeral ports: the control port of rtpengine, and its ports for audio. */
const RELAY_CONTROL_PORT = 19_222;
const RELAY_PORTS = { from: 31_000, to: 32_000 };
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
    // OpenSIPS 3 holds both legs in callops, whatever it is asked for.
    const canHoldOneLeg = options.adapterEnv === undefined;
    for (const leg of canHoldOneLeg ? [undefined, ...LEGS] : [undefined]) {
      const what = `${name}, ${leg ?? 'both legs'}`;
      try {
        const steps = await runSteps(harness, leg, hasRelay, callids);
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
  callids: string[],
): Promise<string[]> {
  const { alice, bob, callid } = await connectPhones(harness);
  callids.push(callid);
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
  for (const party of LEGS) verifyOffers(phones[party].receivedOffers, party, hasRelay, media);
  steps.push(`o= ${versionsOf(alice)} / ${versionsOf(bob)}`, `media ${mediaOf(alice)} / ${mediaOf(bob)}`);
  throwError(await runCommand(harness, 'CallEnd', { callid }));
  return steps;
}

const isHeld = (phone: Phone) => phone.isHeld(phone.answeredCalls[0] ?? '');
const lastDirection = ({ receivedOffers }: Phone) => receivedOffers.at(-1)?.direction ?? '-';
const versionsOf = ({ receivedOffers }: Phone) => receivedOffers.map(({ version }) => version).join(',');
const mediaOf = ({ receivedOffers }: Phone) =>
  [...new Set(receivedOffers.map(({ media }) => media))].join(',');
const addressOf = ({ contact }: Phone) => contact.replace(/^sip:[^@]*@/, '').replace(/;.*/, '');

/** Throws unless every offer in the call leads to the other phone or to the relay, with a version that rises by each change. */
function verifyOffers(
  offers: readonly Offer[],
  party: Leg,
  hasRelay: boolean,
  media: Readonly<Record<Leg, string>>,
): void {
  const other = party === 'caller' ? 'callee' : 'caller';
  // The first offer to the caller is that of the set-up leg, in a call of its own.
  const inCall = offers.filter(({ callid }) => callid === offers.at(-1)?.callid);
  for (const offer of inCall) {
    const isRight = hasRelay ? offer.media.startsWith(`${RELAY_HOST}:`) : offer.media === media[other];
    if (!isRight) throw new Error(`the ${party} was sent to ${offer.media} (${offer.direction})`);
  }
  for (const [index, { version, direction }] of inCall.entries()) {
    const previous = inCall[index - 1];
    if (!previous) continue;
    const rise = Number(version) - Number(previous.version);
    if (rise < 0 || (rise === 0 && previous.direction !== direction))
      throw new Error(
        `the ${party} got o= ${inCall.map((offer) => `${offer.version} ${offer.direction}`).join(', ')}`,
      );
  }
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
async function startRelay(): Promise<ProcessGroup> {
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
