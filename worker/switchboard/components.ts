/** The components of a Switchboard, and how they are connected. @module */
import { sentRequests } from '../../shared/runner/mi-requests.ts';
import { Runner } from '../../shared/runner/runner.ts';
import { loadMeter } from '../objects/load-meter.ts';
import { CallOwners } from './calls/call-owners.ts';
import { Calls } from './calls/calls.ts';
import { carriedLines } from './calls/unlogged-changes.ts';
import { Watchers } from './calls/watchers.ts';
import { Dialing, type DialingOptions } from './dialing/dialing.ts';
import { listOf } from './link/adapter-list.ts';
import { DialogReconciler } from './link/dialog-reconciler.ts';
import { Link, type LinkListener, TAG } from './link/link.ts';
import { ReconcileSchedule } from './link/reconcile-schedule.ts';
import { Reconcilers } from './link/reconcilers.ts';
import { Charges } from './rpc/charges.ts';
import { Diagnosis } from './rpc/diagnosis.ts';
import { FloodGuard } from './rpc/flood-guard.ts';
import { Limiter } from './rpc/limits.ts';
import type { RpcDependencies } from './rpc/rpc-server.ts';
import { ClientOutput } from './sockets/client-output.ts';
import { Sessions } from './sockets/sessions.ts';
import { CommandLog } from './store/command-log.ts';
import { PolicyStore } from './store/policy-store.ts';
import { LogNotifier, type NotifierOptions } from './webhooks/log-notifier.ts';

/** What a Switchboard consists of. After a hibernation it is restored from storage. */
export interface Components extends RpcDependencies {
  readonly reconciler: Reconcilers;
  readonly logNotifier: LogNotifier;
}

/** How the components reach other objects. */
export interface OtherObjects {
  /** Notifies the webhook object of the latest log position. */
  readonly notifyWebhooks: NotifierOptions['notify'];
  readonly dialer: DialingOptions['dialer'];
}

/** Restores all components from storage and reattaches the open sockets. */
export function restoreComponents(
  ctx: DurableObjectState,
  { notifyWebhooks, dialer }: OtherObjects,
): Components {
  const { sql } = ctx.storage;
  const commandLog = new CommandLog(sql);
  const policies = new PolicyStore(sql);
  const { kept_seconds, limits } = policies.policy;
  commandLog.segments.keep(kept_seconds, limits.stored_bytes);
  const { epoch, position, applied, running } = commandLog.restore();
  const carried = carriedLines(ctx.getWebSockets(TAG), commandLog);
  const free = Math.max(position, carried.lastSeq + 1);
  const runner: Runner = new Runner(epoch, free, running, (command, notification, at) =>
    calls.onNotification(command, notification, at),
  );
  const calls = new Calls(commandLog, () => runner.nextSeq());
  const output = new ClientOutput(() => policies.policy.limits);
  const watchers = new Watchers(ctx, output, runner.lastSeq);
  const now = Date.now();
  const logNotifier = new LogNotifier(sql, runner.lastSeq, {
    epoch,
    retentionMs: () => commandLog.segments.keptMs,
    notify: notifyWebhooks,
    onStopped: () => calls.setWebhooks(false),
  });
  calls.restoreUnlogged(carried.lines);
  calls.recordUntil(watchers.recordUntil);
  calls.setWatched(watchers.any, now);
  calls.setWebhooks(logNotifier.isEnabled);
  for (const command of runner.commands) calls.onCommandRestored(command, sentRequests(epoch, command));
  const owners: CallOwners = new CallOwners({ calls, runner, site: () => link.site });
  const reconciler = new Reconcilers(
    (adapter) =>
      new DialogReconciler(
        {
          onDialog: (dialog, round, at) => {
            owners.onReported(dialog.callid, adapter, at);
            calls.onDialog(dialog, round, at, adapter);
          },
          onLookUp: (dialog, askedAt, at) => {
            owners.onReported(dialog.callid, adapter, at);
            calls.onLookUp(dialog, askedAt, at, adapter);
          },
          onMissing: (callid, askedAt, at) => calls.onMissing(callid, askedAt, at, adapter),
          onRoundRead: (round, completeSince, at, before) =>
            calls.onRoundRead(round, completeSince, at, adapter, before),
          newestCall: () => calls.newestCall(),
        },
        listOf(() => link, adapter),
      ),
  );
  const diagnosis: Diagnosis = new Diagnosis({
    health: (at) => dialing.health(at),
    serving: () => link.site.set.serving,
  });
  const link: Link = new Link(ctx, linkListener(runner, calls, reconciler, diagnosis, owners), applied, {
    dialed: () => dialing,
    activeAdapters: () => policies.policy.active_adapters,
  });
  const dialing: Dialing = new Dialing({
    sql,
    link,
    target: () => policies.policy.link,
    facts: () => ({
      running: runner.size,
      ownCalls: calls.countedSize,
      isWatched: isSiteWatched({ watchers, logNotifier, calls }),
    }),
    dialer,
  });
  // What its socket has carried is lost with it.
  if (link.isLost) calls.requestReconcile();
  return {
    dialing,
    commandLog,
    policies,
    calls,
    runner,
    reconciler,
    diagnosis,
    reconcileSchedule: new ReconcileSchedule(sql, now),
    watchers,
    link,
    sessions: new Sessions(ctx, output),
    charges: new Charges(() => policies.policy.limits),
    limiter: new Limiter(),
    floodGuard: new FloodGuard(),
    logNotifier,
    output,
  };
}

/** Returns whether OpenSIPS is asked often: a client watches calls, or webhooks would miss the end of an active call. */
export function isSiteWatched({
  watchers,
  logNotifier,
  calls,
}: Pick<Components, 'watchers' | 'logNotifier' | 'calls'>): boolean {
  return watchers.any || (logNotifier.isEnabled && calls.activeCount > 0);
}

/** Passes what the adapter sends to the commands first, then to the calls. */
function linkListener(
  runner: Runner,
  calls: Calls,
  reconciler: Reconcilers,
  diagnosis: Diagnosis,
  owners: CallOwners,
): LinkListener {
  /** Pending requests may have been lost with the old socket. */
  function restartReads(stream: string, now: number, adapter?: string): void {
    if (reconciler.onLinkUp(stream, adapter)) calls.requestReconcile();
    diagnosis.onLinkDown(now, adapter);
  }

  return {
    onReply: (reply, now) => {
      loadMeter.record(now);
      runner.onReply(reply, now);
      calls.onReply(reply, now);
      reconciler.onReply(reply, now);
      diagnosis.onReply(reply, now);
    },
    onEvent: (event, at, now, adapter) => {
      loadMeter.record(now);
      owners.onReported(event.params.callid, adapter, now);
      runner.onEvent(event, at, now, (callid) => owners.isKnown(callid), owners.sourceOf(adapter));
      calls.onEvent(event, now, adapter);
      diagnosis.onEvent(now);
    },
    resync: (now, adapter) => {
      runner.resync(now, adapter);
      calls.requestReconcile();
    },
    onLinkUp: (stream, now, adapter) => {
      runner.onLinkUp(stream, now, adapter);
      restartReads(stream, now, adapter);
    },
    onTakeover: (stream, now) => {
      runner.onTakeover(stream, now);
      restartReads(stream, now);
    },
    onLinkRestored: (stream, adapter) => {
      runner.onLinkRestored(stream, adapter);
      reconciler.onLinkRestored(stream, adapter);
    },
    onLinkDown: (adapter) => {
      runner.onLinkDown(adapter);
      reconciler.onLinkDown(adapter);
      diagnosis.onLinkDown(Date.now(), adapter);
      if (adapter !== undefined) owners.onLost(adapter, Date.now());
    },
    onAdapterGone: (adapter, now) => owners.onGone(adapter, now),
    onAllServing: (adapter, now) => owners.assignAll(adapter, now),
  };
}
