/** The live board: all calls of the site, as they are now. @module */
import { useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Call } from '../../watching.ts';
import { shortAddress } from './address.ts';
import { withAddress } from './board.ts';
import { Duration } from './call-view.tsx';
import { timeOfDay } from './duration.ts';
import type { Session } from './session.ts';
import { useVirtualRows } from './virtual-rows.ts';
import { heldText, STATES } from './words.ts';

/** Pixels; the same in style/board.css. */
const ROW_HEIGHT = 60;

export function BoardView({ session }: { readonly session: Session }) {
  const which = useSignal<'standing' | 'ended'>('standing');
  const sought = useSignal('');
  const rows = useComputed(() =>
    withAddress(which.value === 'standing' ? session.standing.value : session.ended.value, sought.value),
  );
  const freshness = session.freshness.value;
  return (
    <section class="card board" aria-labelledby="board-title" data-freshness={freshness}>
      <div class="head">
        <h2 id="board-title">Board</h2>
        <Counts session={session} />
      </div>
      <div class="tools">
        <fieldset class="choice">
          <legend class="visually-hidden">Which calls</legend>
          {(['standing', 'ended'] as const).map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="which"
                value={each}
                checked={which.value === each}
                onChange={() => {
                  which.value = each;
                }}
              />
              <span>{each === 'standing' ? 'Now' : 'Ended'}</span>
            </label>
          ))}
        </fieldset>
        <input
          type="search"
          aria-label="Find an address"
          placeholder="Find an address"
          spellcheck={false}
          value={sought.value}
          onInput={({ currentTarget }) => {
            sought.value = currentTarget.value;
          }}
        />
      </div>
      {freshness === 'stale' && (
        <p class="notice">
          Not live: this is how it was at {timeOfDay(session.asOf.value)}. What changes meanwhile is made up
          for.
        </p>
      )}
      {freshness === 'forbidden' ? (
        <p class="empty">This token may not see calls: it lacks the scope read.</p>
      ) : rows.value.length === 0 ? (
        <p class="empty">{emptyText(freshness === 'loading', sought.value, which.value)}</p>
      ) : (
        <List session={session} calls={rows.value} />
      )}
    </section>
  );
}

function emptyText(isLoading: boolean, sought: string, which: 'standing' | 'ended'): string {
  if (isLoading) return 'Reading the list…';
  if (sought.trim() !== '') return 'No call with such an address.';
  return which === 'standing' ? 'No call stands just now.' : 'No call has ended yet.';
}

function Counts({ session }: { readonly session: Session }) {
  const counts = useComputed(() => {
    const of = { ringing: 0, answered: 0, held: 0, transferring: 0, ended: 0 };
    for (const { state } of session.standing.value) of[state]++;
    return of;
  });
  const { ringing, answered, held, transferring } = counts.value;
  return (
    <dl class="counts">
      <div data-state="ringing">
        <dt>Ringing</dt>
        <dd class="figures">{ringing}</dd>
      </div>
      <div data-state="answered">
        <dt>Talking</dt>
        <dd class="figures">{answered + transferring}</dd>
      </div>
      <div data-state="held">
        <dt>On hold</dt>
        <dd class="figures">{held}</dd>
      </div>
    </dl>
  );
}

/** A listbox with one stop for Tab: the arrows go through it, and what they reach is shown beside. */
function List({ session, calls }: { readonly session: Session; readonly calls: readonly Call[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const keys = calls.map(({ callid }) => callid);
  const { items, height, show } = useVirtualRows(keys, ROW_HEIGHT, scroller);
  const chosen = session.selected.value.callid;
  const chosenIndex = chosen === undefined ? -1 : keys.indexOf(chosen);
  const isChosenDrawn = items.some(({ index }) => index === chosenIndex);

  const go = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -calls.length,
      End: calls.length,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = Math.min(calls.length - 1, Math.max(0, chosenIndex + step));
    const call = calls[index];
    if (!call) return;
    session.select(call.callid);
    show(index);
  };

  return (
    <div
      class="list"
      ref={scroller}
      role="listbox"
      tabIndex={0}
      aria-label="Calls"
      {...(isChosenDrawn ? { 'aria-activedescendant': rowId(chosen ?? '') } : {})}
      onKeyDown={go}
    >
      <div role="presentation" style={{ height: `${height}px` }}>
        {items.map(({ index, start, key }) => {
          const call = calls[index];
          return (
            call && (
              <Row
                key={key}
                call={call}
                top={start}
                place={index + 1}
                of={calls.length}
                isChosen={call.callid === chosen}
                onChoose={() => session.select(call.callid)}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  readonly call: Call;
  readonly top: number;
  readonly place: number;
  readonly of: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function Row({ call, top, place, of, isChosen, onChoose }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the list's, which has the focus
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active option
    <div
      class="call-row"
      role="option"
      id={rowId(call.callid)}
      aria-selected={isChosen}
      aria-posinset={place}
      aria-setsize={of}
      data-callid={call.callid}
      data-state={call.state}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onChoose}
    >
      <span class="state" data-state={call.state}>
        {STATES[call.state]}
      </span>
      <span class="parties">
        <span class="from">{shortAddress(call.caller)}</span>
        <span class="to">
          <span aria-hidden="true">→ </span>
          {shortAddress(call.callee)}
        </span>
      </span>
      <span class="side-note">
        <Duration call={call} />
        <span class="note">{noteOf(call)}</span>
      </span>
    </div>
  );
}

/** A word on the call, where there is one to say. */
function noteOf(call: Call): string {
  if (call.state === 'ended') return call.reason ?? '';
  if (call.state === 'held' && call.held?.length)
    return call.held.length > 1 ? 'both wait' : `${heldText(call)} waits`;
  return call.origin === null ? 'from outside' : '';
}

function rowId(callid: string): string {
  return `call-${encodeURIComponent(callid)}`;
}
