/** The parts of a Switchboard, and how the desk introduces them to each other. @module */
import { Runner } from '../shared/runner.ts';
import { Calls } from './calls.ts';
import { Governance } from './governance.ts';
import { Limiter } from './limits.ts';
import { Link, type Listener } from './link.ts';
import { Sessions } from './sessions.ts';
import { Store } from './store.ts';
import { Survey } from './survey.ts';

/** What the desk works with: made anew after a sleep, from what is stored. */
export interface Parts {
  readonly store: Store;
  readonly governance: Governance;
  readonly calls: Calls;
  readonly runner: Runner;
  readonly survey: Survey;
  readonly sessions: Sessions;
  readonly link: Link;
  readonly limiter: Limiter;
}

/** Takes everything up from where it is stored, and the sockets that stand. */
export function takeUp(ctx: DurableObjectState): Parts {
  const { sql } = ctx.storage;
  const store = new Store(sql);
  const governance = new Governance(sql);
  store.keepFor(governance.policy.kept_seconds);
  const calls = new Calls(sql);
  const { epoch, position, applied, running } = store.awake();
  const runner = new Runner(epoch, position, running, (command, told) =>
    calls.told(command, told, Date.now()),
  );
  const survey = new Survey();
  const link = new Link(ctx, listener(runner, calls, survey), applied);
  return {
    store,
    governance,
    calls,
    runner,
    survey,
    link,
    sessions: new Sessions(ctx),
    limiter: new Limiter(),
  };
}

/** What the adapter says is told to the commands first, then to those who keep count of the calls. */
function listener(runner: Runner, calls: Calls, survey: Survey): Listener {
  return {
    reply: (reply, now) => {
      runner.reply(reply, now);
      const ended = survey.reply(reply);
      if (ended !== undefined) calls.ended(ended);
    },
    event: (event, at, now) => {
      runner.event(event, at, now);
      calls.event(event);
    },
    settle: (now) => {
      runner.settle(now);
      if (calls.size === 0) return;
      calls.surveyed(now);
      survey.begin(calls.callids);
    },
    linkUp: (stream, now) => {
      runner.linkUp(stream, now);
      // What was asked on the old socket may have been lost with it.
      if (survey.underWay) survey.begin(calls.callids);
    },
    linkStands: (stream) => runner.linkStands(stream),
    linkDown: () => runner.linkDown(),
  };
}
