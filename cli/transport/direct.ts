/**
 * The transport without an edge: runs the same state machines in this process, directly at an OpenSIPS over UDP, with
 * memory for storage and timers for alarms.
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createLog } from '../../adapter/log.ts';
import { connectToOpenSips, type InDialogSettings } from '../../adapter/opensips/opensips.ts';
import { TIMING } from '../../adapter/timing.ts';
import { echoEvents } from '../../shared/commands/echo.ts';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { featuresOf, unsupportedReason } from '../../shared/opensips/features.ts';
import { isInDialogMethod } from '../../shared/opensips/in-dialog.ts';
import { commandParams, isCallCommand } from '../../shared/protocol/rpc/commands.ts';
import { errorCode, type RpcError } from '../../shared/protocol/rpc/jsonrpc.ts';
import { validate } from '../../shared/protocol/validation/validate.ts';
import { Runner } from '../../shared/runner/runner.ts';
import { type Address, formatAddress } from '../../shared/settings/value-types.ts';
import { EXIT, Failure } from '../exit.ts';
import type { Settings } from '../settings/settings.ts';
import { DIALOG_STATES } from './dialog-calls.ts';
import { DirectCalls } from './direct-calls.ts';
import { DirectWatch } from './direct-watch.ts';
import type { CommandUpdate, Transport } from './transport.ts';

/** Lifetime of the event subscription. It is renewed while the process runs, and lapses soon after a kill. */
const SUBSCRIPTION_S = 60;
/** Time for ending the subscriptions. */
const CLOSE_TIMEOUT_MS = 1_000;
const SUBJECT = 'direct';

/** The defaults of the adapter: what OpenSIPS has where its script says nothing else. */
const IN_DIALOG: InDialogSettings = {
  engine: 'auto',
  frTimeoutMs: 30_000,
  matching: { mode: 'param', param: 'osid' },
};

/** Returns what to check where an OpenSIPS does not answer. */
function noOpenSipsText(address: Address): string {
  return `No OpenSIPS answers at ${formatAddress(address)} (UDP). Check that it is running, and that --direct (CALL_API_DIRECT) is the socket_name of its mi_datagram module.`;
}

/**
 * Connects to OpenSIPS; rejects with a {@link Failure} where it does not answer.
 * @param showHint shows a sentence to the user
 * @param onEvent receives each event of OpenSIPS
 */
export async function openDirectTransport(
  settings: Settings,
  showHint: (sentence: string) => void,
  onEvent: (event: EviEvent) => void = () => {},
): Promise<Transport> {
  const { direct, events, nextHop } = settings;
  if (direct === undefined) throw new Error('no address of an OpenSIPS');
  const listeners = new Map<string, (update: CommandUpdate) => void>();
  const runner: Runner = new Runner(randomBytes(9).toString('base64url'), 1, []);
  let timer: NodeJS.Timeout | undefined;
  let onIdle = () => {};
  let watch: DirectWatch | undefined;
  let isReady = false;
  let problem: string | undefined;
  let fail: (reason: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  const log = createLog('error', [], {
    write(line) {
      const { msg: sentence } = JSON.parse(line) as { readonly msg: string };
      // Until the first check is over, it is reported below.
      if (isReady) showHint(sentence);
      else problem = sentence;
    },
  });
  const opensips = connectToOpenSips(
    { opensips: direct, events, subscription: SUBSCRIPTION_S, ...IN_DIALOG },
    {
      onEvent(event) {
        onEvent(event);
        const now = Date.now();
        runner.onEvent(event, now, now);
        watch?.onOpenSipsEvent(event);
        flush();
      },
      onGap() {
        runner.resync(Date.now());
        flush();
        void watch?.catchUp().catch(fail);
      },
      onHealthChange() {},
    },
    TIMING,
    log,
    { opensips: '--direct (CALL_API_DIRECT)', events: '--events (CALL_API_EVENTS)' },
  );
  const calls = new DirectCalls(opensips.mi, settings.timeoutMs);

  /** Sends the runner's MI requests, forwards its notifications, and arms the timer for its next deadline. */
  function flush(): void {
    const { requests, notifications } = runner.takeOutput();
    for (const { command, notification: notice } of notifications) listeners.get(command.cmdId)?.(notice);
    for (const { id, method, params, timeout_ms: timeoutMs, ttl_ms: ttlMs, send_within_ms } of requests) {
      const timeouts = { timeoutMs, ttlMs, sendWithinMs: send_within_ms ?? ttlMs };
      const response = isInDialogMethod(method)
        ? opensips.inDialog(method, params, timeouts, id)
        : opensips.mi.request(method, params, timeouts, id);
      void response.then((answer) => {
        runner.onReply({ id, ...answer }, Date.now());
        flush();
      });
    }
    clearTimeout(timer);
    if (runner.size === 0) onIdle();
    else if (Number.isFinite(runner.nextDue))
      timer = setTimeout(tick, Math.max(0, runner.nextDue - Date.now()));
  }

  function tick(): void {
    runner.fireDueTimers(Date.now());
    flush();
  }

  await opensips.firstCheck;
  if (!opensips.health().reachable) {
    await opensips.close(CLOSE_TIMEOUT_MS);
    throw new Failure(EXIT.unreachable, problem ?? noOpenSipsText(direct));
  }
  if (problem !== undefined) showHint(problem);
  isReady = true;
  runner.onLinkUp(randomUUID(), Date.now());

  return {
    run(method, params, onUpdate) {
      const cmdId = randomUUID();
      const refuse = (error: RpcError) => queueMicrotask(() => onUpdate({ event: 'Refused', error }));
      const parsed = validate(commandParams[method], params, 'params');
      if (!parsed.success) {
        refuse({ code: errorCode.invalidParams, message: 'Invalid params', data: parsed.error });
        return cmdId;
      }
      const lack = unsupportedReason(parsed.data, method, { ...opensips.health(), ...opensips.features() });
      if (lack !== undefined) {
        refuse({ code: errorCode.invalidParams, message: 'Invalid params', data: lack });
        return cmdId;
      }
      const { cmd_id: _, ...rest } = parsed.data;
      if (!isCallCommand(method)) {
        queueMicrotask(() => {
          for (const event of [{ event: 'Started' }, ...echoEvents(rest)]) onUpdate(event);
        });
        return cmdId;
      }
      listeners.set(cmdId, onUpdate);
      queueMicrotask(() => {
        onUpdate({ event: 'Started' });
        const command = { cmdId, method, params: rest, subject: SUBJECT, session: SUBJECT };
        runner.start(
          command,
          { callid: randomUUID(), nextHop, features: featuresOf(opensips.features()) },
          Date.now(),
        );
        flush();
      });
      return cmdId;
    },
    query: (query, params) => calls.query(query, params),
    states: DIALOG_STATES,
    watch(onCallEvent, callid) {
      // What was found at the first check is that events cannot be received: OpenSIPS answers.
      if (problem !== undefined) return fail(new Failure(EXIT.unreachable, problem));
      watch = new DirectWatch(calls, onCallEvent, callid);
      void watch.begin().catch(fail);
    },
    failed,
    async close() {
      if (runner.size > 0) {
        showHint('Waiting for running commands to end. Press Ctrl-C twice to leave them as they are.');
        await new Promise<void>((done) => {
          onIdle = done;
        });
      }
      clearTimeout(timer);
      await opensips.close(CLOSE_TIMEOUT_MS);
    },
  };
}
