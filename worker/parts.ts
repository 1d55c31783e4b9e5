/** The parts of a Switchboard, and how the desk introduces them to each other. @module */
import { Runner } from '../shared/runner.ts';
import { Callers } from './callers.ts';
import { Rounds } from './calls/rounds.ts';
import { Watchers } from './calls/watchers.ts';
import { Calls } from './calls.ts';
import { Diagnosis } from './diagnosis.ts';
import { Floods } from './floods.ts';
import { Governance } from './governance.ts';
import { Limiter } from './limits.ts';
import { Link, type Listener } from './link.ts';
import { load } from './load.ts';
import { Sessions } from './sessions.ts';
import { Store } from './store.ts';
import { Survey } from './survey.ts';
import { Herald, type Ways } from './webhooks/herald.ts';

/** What the desk works with: made anew after a sleep, from what is stored. */
export interface Parts {
  readonly store: Store;
  readonly governance: Governance;
  readonly calls: Calls;
  readonly runner: Runner;
  readonly survey: Survey;
  readonly diagnosis: Diagnosis;
  readonly rounds: Rounds;
  readonly watchers: Watchers;
  readonly sessions: Sessions;
  readonly link: Link;
  readonly callers: Callers;
  readonly limiter: Limiter;
  readonly floods: Floods;
  readonly herald: Herald;
}

/** Takes everything up from where it is stored, and the sockets that stand. @param tell tells webhooks how far the log goes */
export function takeUp(ctx: DurableObjectState, tell: Ways['tell']): Parts {
  const { sql } = ctx.storage;
  const store = new Store(sql);
  const governance = new Governance(sql);
  store.segments.keepFor(governance.policy.kept_seconds);
  const { epoch, position, applied, running } = store.awake();
  const runner: Runner = new Runner(epoch, position, running, (command, told) =>
    calls.told(command, told, Date.now()),
  );
  const calls = new Calls(store, () => runner.number());
  const watchers = new Watchers(ctx);
  const now = Date.now();
  const herald = new Herald(sql, runner.last, {
    epoch,
    keptMs: () => store.segments.keptMs,
    tell,
    stopped: () => calls.webhooks(false),
  });
  calls.watched(watchers.any, now);
  calls.webhooks(herald.on);
  for (const command of runner.running) calls.begun(command, now);
  const survey = new Survey({
    listed: (dialog, round) => calls.listed(dialog, round, Date.now()),
    gone: (callid) => calls.gone(callid, Date.now()),
    read: (round) => calls.unseen(round),
  });
  const diagnosis: Diagnosis = new Diagnosis((at) => link.health(at));
  const link = new Link(ctx, listener(runner, calls, survey, diagnosis), applied);
  return {
    store,
    governance,
    calls,
    runner,
    survey,
    diagnosis,
    rounds: new Rounds(sql, now),
    watchers,
    link,
    sessions: new Sessions(ctx),
    callers: new Callers(),
    limiter: new Limiter(),
    floods: new Floods(),
    herald,
  };
}

/** What the adapter says is told to the commands first, then to those who keep the calls. */
function listener(runner: Runner, calls: Calls, survey: Survey, diagnosis: Diagnosis): Listener {
  return {
    reply: (reply, now) => {
      load.heard(now);
      runner.reply(reply, now);
      survey.reply(reply, now);
      diagnosis.reply(reply, now);
    },
    event: (event, at, now) => {
      load.heard(now);
      runner.event(event, at, now);
      calls.event(event, now);
      diagnosis.heard(now);
    },
    settle: (now) => {
      runner.settle(now);
      calls.doubt();
    },
    linkUp: (stream, now) => {
      runner.linkUp(stream, now);
      // What was asked on the old socket may have been lost with it.
      if (survey.underWay) calls.doubt();
      survey.drop();
      diagnosis.linkDown(now);
    },
    linkStands: (stream) => runner.linkStands(stream),
    linkDown: () => {
      runner.linkDown();
      diagnosis.linkDown(Date.now());
    },
  };
}
