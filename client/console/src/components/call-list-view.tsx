/** The live list of the calls of the site. @module */
import { useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Call } from '../../../connection/call.ts';
import { heldParties, STATE_LABELS } from '../format/labels.ts';
import { shortAddress } from '../format/sip-address.ts';
import { formatTimeOfDay } from '../format/time.ts';
import { filterByAddress } from '../state/call-list.ts';
import type { Session } from '../state/session.ts';
import { Duration } from './call-details.tsx';
import { useVirtualRows } from './virtual-rows.ts';

/** In pixels. The same as in style/call-list.css. */
const ROW_HEIGHT = 60;

type CallFilter = 'active' | 'ended';

export function CallListView({ session }: { readonly session: Session }) {
  const filter = useSignal<CallFilter>('active');
  const search = useSignal('');
  const rows = useComputed(() =>
    filterByAddress(
      filter.value === 'active' ? session.activeCalls.value : session.endedCalls.value,
      search.value,
    ),
  );
  const freshness = session.freshness.value;
  return (
    <section class="card call-list" aria-labelledby="call-list-title" data-freshness={freshness}>
      <div class="head">
        <h2 id="call-list-title">Calls</h2>
        <Counts session={session} />
      </div>
      <div class="tools">
        <fieldset class="choice">
          <legend class="visually-hidden">Show calls</legend>
          {(['active', 'ended'] as const).map((option) => (
            <label key={option}>
              <input
                type="radio"
                name="filter"
                value={option}
                checked={filter.value === option}
                onChange={() => {
                  filter.value = option;
                }}
              />
              <span>{option === 'active' ? 'Active' : 'Ended'}</span>
            </label>
          ))}
        </fieldset>
        <input
          type="search"
          aria-label="Search calls by address or Call-ID"
          placeholder="Search address or Call-ID"
          spellcheck={false}
          value={search.value}
          onInput={({ currentTarget }) => {
            search.value = currentTarget.value;
          }}
        />
      </div>
      {freshness === 'stale' && (
        <p class="notice">
          This list was last updated at {formatTimeOfDay(session.lastLiveAt.value)}. We will catch up when the
          connection is back.
        </p>
      )}
      {freshness === 'failed' && (
        <p class="notice" role="alert">
          The list is incomplete, because the calls could not be loaded. {session.loadFailure.value}
        </p>
      )}
      {freshness === 'forbidden' ? (
        <p class="empty">Your token does not allow you to view calls. It needs the scope “read”.</p>
      ) : rows.value.length === 0 ? (
        <EmptyList isLoading={freshness === 'loading'} search={search.value.trim()} filter={filter.value} />
      ) : (
        <List session={session} calls={rows.value} />
      )}
    </section>
  );
}

interface EmptyListProps {
  readonly isLoading: boolean;
  readonly search: string;
  readonly filter: CallFilter;
}

function EmptyList({ isLoading, search, filter }: EmptyListProps) {
  if (isLoading) return <p class="empty">Loading calls…</p>;
  if (search !== '') return <p class="empty">{`No ${filter} calls match “${search}”`}</p>;
  return (
    <div class="empty">
      <p>{filter === 'active' ? 'No active calls' : 'No ended calls'}</p>
      <p class="hint">
        {filter === 'active' ? 'Calls appear here when they start.' : 'Calls appear here when they end.'}
      </p>
    </div>
  );
}

function Counts({ session }: { readonly session: Session }) {
  const counts = useComputed(() => {
    const byState = { ringing: 0, answered: 0, held: 0, transferring: 0, ended: 0 };
    for (const { state } of session.activeCalls.value) byState[state]++;
    return byState;
  });
  const { ringing, answered, held, transferring } = counts.value;
  return (
    <dl class="counts">
      <div data-state="ringing">
        <dt>Ringing</dt>
        <dd class="tabular-numbers">{ringing}</dd>
      </div>
      <div data-state="answered">
        <dt>Answered</dt>
        <dd class="tabular-numbers">{answered + transferring}</dd>
      </div>
      <div data-state="held">
        <dt>On hold</dt>
        <dd class="tabular-numbers">{held}</dd>
      </div>
    </dl>
  );
}

/** A listbox that is a single Tab stop. The arrow keys move the selection, whose call is shown beside the list. */
function List({ session, calls }: { readonly session: Session; readonly calls: readonly Call[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const keys = calls.map(({ callid }) => callid);
  const { items, height, scrollTo } = useVirtualRows(keys, ROW_HEIGHT, scroller);
  const selected = session.selection.value.callid;
  const selectedIndex = selected === undefined ? -1 : keys.indexOf(selected);
  const isSelectedRendered = items.some(({ index }) => index === selectedIndex);

  const onKeyDown = (event: KeyboardEvent) => {
    const rowsPerPage = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: rowsPerPage,
      PageUp: -rowsPerPage,
      Home: -calls.length,
      End: calls.length,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = Math.min(calls.length - 1, Math.max(0, selectedIndex + step));
    const call = calls[index];
    if (!call) return;
    session.select(call.callid);
    scrollTo(index);
  };

  return (
    <div
      class="list"
      ref={scroller}
      role="listbox"
      tabIndex={0}
      aria-label="Calls"
      {...(isSelectedRendered ? { 'aria-activedescendant': rowId(selected ?? '') } : {})}
      onKeyDown={onKeyDown}
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
                position={index + 1}
                count={calls.length}
                isSelected={call.callid === selected}
                onSelect={() => session.select(call.callid)}
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
  /** In pixels. */
  readonly top: number;
  /** From 1. */
  readonly position: number;
  readonly count: number;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

function Row({ call, top, position, count, isSelected, onSelect }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and handles the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active option
    <div
      class="call-row"
      role="option"
      id={rowId(call.callid)}
      aria-selected={isSelected}
      aria-posinset={position}
      aria-setsize={count}
      data-callid={call.callid}
      data-state={call.state}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onSelect}
    >
      <span class="state" data-state={call.state}>
        {STATE_LABELS[call.state]}
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

/** Returns a short remark about the call; empty if there is none. */
function noteOf(call: Call): string {
  if (call.state === 'ended') return call.reason ?? '';
  if (call.state === 'held' && call.held?.length)
    return call.held.length > 1 ? 'Both on hold' : `${heldParties(call)} on hold`;
  return call.origin === null ? 'Not started via API' : '';
}

function rowId(callid: string): string {
  return `call-${encodeURIComponent(callid)}`;
}
