/**
 * The way without an edge: the same state machines, straight at an OpenSIPS over UDP. The runner gets its memory and its
 * timers here.
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createLog } from '../adapter/log.ts';
import { openOpenSips } from '../adapter/opensips.ts';
import { TIMING } from '../adapter/timing.ts';
import type { EviEvent } from '../shared/evi.ts';
import { lackOf } from '../shared/features.ts';
import { code, issues, type RpcError } from '../shared/jsonrpc.ts';
import { methods } from '../shared/methods.ts';
import { Runner } from '../shared/runner.ts';
import { DirectCalls } from './direct-calls.ts';
import { EXIT, Failure } from './exit.ts';
import type { Line, Notice } from './line.ts';
import type { Settings } from './settings.ts';

/** Life of the event subscription, in seconds: it is renewed while this runs, and lapses soon if this is killed. */
const SUBSCRIPTION_S = 60;
/** For the end of the subscriptions, in milliseconds. */
const CLOSE_MS = 1_000;
const SUBJECT = 'direct';

/**
 * Opens it; rejects with a {@link Failure} where OpenSIPS does not answer.
 * @param heard is told of each event of OpenSIPS's
 */
export async function openDirect(
  settings: Settings,
  say: (sentence: string) => void,
  heard: (event: EviEvent) => void = () => {},
): Promise<Line> {
  const { direct, events, nextHop } = settings;
  if (direct === undefined) throw new Error('no address of an OpenSIPS');
  const listeners = new Map<string, (notice: Notice) => void>();
  const runner: Runner = new Runner(randomBytes(9).toString('base64url'), 1, []);
  let timer: NodeJS.Timeout | undefined;
  let idle = () => {};
  let isUp = false;
  let breakWith: (why: unknown) => void = () => {};
  const broken = new Promise<never>((_, reject) => {
    breakWith = reject;
  });
  broken.catch(() => {});

  const log = createLog('error', [], {
    write(line) {
      // Until it was looked at once, what is wrong is told in whole.
      if (isUp) say(String((JSON.parse(line) as { readonly msg?: unknown }).msg));
    },
  });
  const opensips = openOpenSips(
    { opensips: direct, events, subscription: SUBSCRIPTION_S },
    {
      event(event) {
        heard(event);
        const now = Date.now();
        runner.event(event, now, now);
        calls.event(event);
        turn();
      },
      gap() {
        runner.settle(Date.now());
        turn();
      },
      status() {},
    },
    TIMING,
    log,
  );
  const calls = new DirectCalls(opensips.mi, settings.timeoutMs);

  /** Sends what the runner asks for, tells what it tells, and comes back when it is due. */
  function turn(): void {
    const { requests, told } = runner.take();
    for (const { command, told: notice } of told) listeners.get(command.cmdId)?.(notice);
    for (const { id, method, params, timeout_ms: timeoutMs, ttl_ms: ttlMs } of requests)
      void opensips.mi.request(method, params, { timeoutMs, ttlMs }, id).then((answer) => {
        runner.reply({ id, ...answer }, Date.now());
        turn();
      });
    clearTimeout(timer);
    if (runner.size === 0) idle();
    else if (Number.isFinite(runner.due)) timer = setTimeout(tick, Math.max(0, runner.due - Date.now()));
  }

  function tick(): void {
    runner.tick(Date.now());
    turn();
  }

  await opensips.looked;
  if (!opensips.health().reachable) {
    await opensips.close(CLOSE_MS);
    throw new Failure(
      EXIT.unreachable,
      `no OpenSIPS answers at ${direct.host}:${direct.port} (UDP): is it running, and is that the socket_name of its mi_datagram?`,
    );
  }
  isUp = true;
  runner.linkUp(randomUUID(), Date.now());

  return {
    run(method, params, hear) {
      const cmdId = randomUUID();
      const refuse = (error: RpcError) => queueMicrotask(() => hear({ event: 'Refused', error }));
      const checked = methods[method].safeParse(params);
      if (!checked.success) {
        refuse({ code: code.invalidParams, message: 'Invalid params', data: issues(checked.error) });
        return cmdId;
      }
      const lack = lackOf(checked.data, method, opensips.health().version);
      if (lack !== undefined) {
        refuse({ code: code.invalidParams, message: 'Invalid params', data: lack });
        return cmdId;
      }
      const { cmd_id: _, ...rest } = checked.data;
      listeners.set(cmdId, hear);
      queueMicrotask(() => {
        hear({ event: 'Started' });
        const what = { cmdId, method, params: rest, subject: SUBJECT, session: SUBJECT };
        runner.start(what, { callid: randomUUID(), nextHop }, Date.now());
        turn();
      });
      return cmdId;
    },
    ask: (query, params) => calls.ask(query, params),
    watch: (hear, callid) => void calls.watch(hear, callid).catch(breakWith),
    broken,
    async close() {
      if (runner.size > 0) {
        say('what was begun is looked after until it is over; Ctrl-C twice leaves it as it is');
        await new Promise<void>((done) => {
          idle = done;
        });
      }
      clearTimeout(timer);
      await opensips.close(CLOSE_MS);
    },
  };
}
