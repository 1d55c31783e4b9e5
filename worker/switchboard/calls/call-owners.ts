/** Which adapter has which call, where all adapters of a site serve it. @module */
import { unsentStarts } from '../../../shared/runner/adapter-moves.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import type { SiteAdapters } from '../link/site-adapters.ts';
import type { Calls } from './calls.ts';

interface Dependencies {
  readonly calls: Calls;
  readonly runner: Runner;
  /** Returns the adapters, which are restored after this. */
  readonly site: () => SiteAdapters;
}

export class CallOwners {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** An adapter reports or lists a call. If the one that had it is lost, and dialogs are replicated, this one has it from now on. */
  onReported(callid: string, adapter: string | undefined, now: number): void {
    const { calls, runner } = this.#deps;
    const site = this.#deps.site();
    if (adapter === undefined || !site.isReplicated) return;
    const isLost = (owner: string | undefined) =>
      owner !== undefined && owner !== adapter && !site.isServing(owner);
    if (isLost(calls.byAdapter.adapterOf(callid))) calls.byAdapter.moveTo(callid, adapter, now);
    const moved = [...runner.followed.followersOf(callid)].filter((command) => isLost(command.adapter));
    if (moved.length > 0) runner.moveCommands(moved, adapter, now);
  }

  /** Returns the adapter whose OpenSIPS an event is about: with replicated dialogs, any adapter may report it. */
  sourceOf(adapter: string | undefined): string | undefined {
    return this.#deps.site().isReplicated ? undefined : adapter;
  }

  /**
   * Returns whether a call is none that has just begun. With replicated dialogs, another adapter may report the end of one whose command has
   * ended, and whose call was never seen.
   */
  isKnown(callid: string): boolean {
    const { calls, runner } = this.#deps;
    return calls.isKnown(callid) || (this.#deps.site().isReplicated && runner.followed.wasFollowed(callid));
  }

  /** An adapter is lost: others run what it has not begun, and with replicated dialogs they are asked for its calls. */
  onLost(adapter: string, now: number): void {
    const { calls, runner } = this.#deps;
    const site = this.#deps.site();
    for (const command of unsentStarts(runner.commands, adapter)) {
      const other = site.choose(undefined, runner.commands, now)?.adapter;
      if (other !== undefined) runner.moveCommands([command], other, now);
    }
    if (site.isReplicated) calls.requestReconcile();
  }

  /** An adapter has not come back in time. */
  onGone(adapter: string, now: number): void {
    const { byAdapter } = this.#deps.calls;
    for (const callid of byAdapter.activeOf(adapter)) byAdapter.onAdapterLost(callid, now);
  }

  /** All adapters serve the site from now on: what there is belongs to the one that has served it. */
  assignAll(adapter: string, now: number): void {
    const { calls, runner } = this.#deps;
    const commands = [...runner.commands].filter((command) => command.adapter === undefined);
    runner.moveCommands(commands, adapter, now);
    const { byAdapter } = calls;
    for (const callid of byAdapter.activeOf(undefined)) byAdapter.moveTo(callid, adapter, now);
  }
}
