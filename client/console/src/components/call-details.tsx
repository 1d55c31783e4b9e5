/** The selected call: its state, its controls, the progress of commands, and its timeline. @module */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Call } from '../../../connection/call.ts';
import {
  endedByLabel,
  heldParties,
  STATE_LABELS,
  type TimelineEntry,
  timelineLines,
} from '../format/labels.ts';
import { displayName, shortAddress } from '../format/sip-address.ts';
import { formatDuration, formatTimeOfDay } from '../format/time.ts';
import { now } from '../state/clock.ts';
import {
  COMMAND_TITLES,
  type CommandRun,
  failureText,
  hasEnded,
  type Step,
  stepsOf,
} from '../state/command-progress.ts';
import type { Session } from '../state/session.ts';
import { CallControls } from './call-controls.tsx';
import { TransferForm } from './transfer-form.tsx';

/** The same as in style/phone.css. */
const NARROW_SCREEN = '(width < 900px)';

export function CallDetails({ session }: { readonly session: Session }) {
  const { cmdId, callid } = session.selection.value;
  const call = session.call.value;
  const commands = session.relatedCommands.value;
  const start = commands.find((run) => run.cmdId === cmdId);
  const isTransferring = useSignal(false);
  const card = useRef<HTMLElement>(null);
  const selected = cmdId ?? callid;
  useEffect(() => {
    isTransferring.value = false;
    // On a narrow screen, this section may be outside the viewport.
    if (selected !== undefined && matchMedia(NARROW_SCREEN).matches)
      card.current?.scrollIntoView({ block: 'start' });
  }, [selected, isTransferring]);
  if (cmdId === undefined && callid === undefined) return null;
  const parties = call ?? partiesOf(start);
  const lastCommand = commands.at(-1);
  return (
    <section class="card call" ref={card} aria-labelledby="call-title">
      <div class="head">
        <h2 id="call-title">
          <span>{displayName(parties.caller)}</span>
          <span class="visually-hidden"> to </span>
          <span class="arrow" aria-hidden="true">
            →
          </span>
          <span>{displayName(parties.callee)}</span>
        </h2>
        <button
          type="button"
          class="quiet close"
          aria-label="Close call details"
          onClick={() => session.deselect()}
        >
          <span aria-hidden="true">×</span>
        </button>
      </div>
      <p class="hint addresses">
        {shortAddress(parties.caller)} → {shortAddress(parties.callee)}
      </p>
      {call && <CallFacts call={call} onSelect={(callid) => session.select(callid)} />}
      <CallControls
        session={session}
        call={call}
        start={start}
        isTransferring={isTransferring.value}
        onTransfer={() => {
          isTransferring.value = !isTransferring.value;
        }}
      />
      {isTransferring.value && call && call.state !== 'ended' && (
        <TransferForm
          session={session}
          call={call}
          onDone={() => {
            isTransferring.value = false;
          }}
        />
      )}
      {lastCommand && <Progress run={lastCommand} isTitled={lastCommand !== start} />}
      <Timeline entries={session.timeline.value} parties={parties} />
    </section>
  );
}

/** Returns the parties of a call that does not exist yet. */
function partiesOf(start: CommandRun | undefined): Pick<Call, 'caller' | 'callee'> {
  const { caller, callee } = start?.params ?? {};
  return {
    caller: typeof caller === 'string' ? caller : null,
    callee: typeof callee === 'string' ? callee : null,
  };
}

function CallFacts({ call, onSelect }: { readonly call: Call; readonly onSelect: (callid: string) => void }) {
  const { from, became, metadata } = call;
  const held = heldParties(call);
  const endedBy = endedByLabel(call);
  return (
    <dl class="facts">
      <div>
        <dt>Status</dt>
        <dd>
          <span class="state" data-state={call.state}>
            {STATE_LABELS[call.state]}
          </span>
        </dd>
      </div>
      <div>
        <dt>{call.answered === undefined ? 'Ring time' : 'Talk time'}</dt>
        <dd>
          <Duration call={call} />
        </dd>
      </div>
      {held !== '' && call.state !== 'ended' && (
        <div>
          <dt>{call.held?.length === 1 ? 'Party on hold' : 'Parties on hold'}</dt>
          <dd>{held}</dd>
        </div>
      )}
      {call.reason !== undefined && (
        <div class="wide">
          <dt>End reason</dt>
          <dd>{call.reason}</dd>
        </div>
      )}
      {endedBy !== '' && (
        <div>
          <dt>Ended by</dt>
          <dd>{endedBy}</dd>
        </div>
      )}
      {metadata !== undefined && (
        <div class="wide">
          <dt>Metadata</dt>
          <dd class="metadata">{JSON.stringify(metadata)}</dd>
        </div>
      )}
      {(from !== undefined || became !== undefined) && (
        <div class="wide links">
          <dt>Related calls</dt>
          <dd>
            {from !== undefined && (
              <button
                type="button"
                class="link"
                title="The call that this one was transferred from"
                onClick={() => onSelect(from)}
              >
                Previous call
              </button>
            )}
            {became !== undefined && (
              <button
                type="button"
                class="link"
                title="The call that this one was transferred to"
                onClick={() => onSelect(became)}
              >
                Next call
              </button>
            )}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Shows how long the call has been answered, or has been ringing if it has not. */
export function Duration({ call }: { readonly call: Call }) {
  return (
    <span class="tabular-numbers">
      {formatDuration((call.ended ?? now.value) - (call.answered ?? call.began))}
    </span>
  );
}

function Progress({ run, isTitled = false }: { readonly run: CommandRun; readonly isTitled?: boolean }) {
  const failure = failureText(run);
  const title = COMMAND_TITLES[run.method];
  return (
    <div class="progress" data-method={run.method} data-ended={hasEnded(run)}>
      {isTitled && <h3>{title}</h3>}
      <p class="error" role="alert">
        {failure}
      </p>
      <ol class="steps" aria-label={`Progress: ${title}`}>
        {stepsOf(run).map((step) => (
          <StepLine key={step.text} step={step} />
        ))}
      </ol>
    </div>
  );
}

const STEP_STATUS_LABELS: Readonly<Record<Step['status'], string>> = {
  done: 'done',
  current: 'in progress',
  pending: 'pending',
  failed: 'failed',
};

function StepLine({ step: { text, status, at } }: { readonly step: Step }) {
  return (
    <li data-step={status} {...(status === 'current' ? { 'aria-current': 'step' as const } : {})}>
      <span class="mark" aria-hidden="true" />
      <span class="text">{text}</span>
      <span class="visually-hidden">, {STEP_STATUS_LABELS[status]}</span>
      {at !== undefined && <time class="tabular-numbers">{formatTimeOfDay(at)}</time>}
    </li>
  );
}

function Timeline({
  entries,
  parties,
}: {
  readonly entries: readonly TimelineEntry[];
  readonly parties: Pick<Call, 'caller' | 'callee'>;
}) {
  if (entries.length === 0) return null;
  return (
    <details class="timeline" open>
      <summary>Timeline</summary>
      <ol>
        {timelineLines(entries, parties).map(({ seq, at, text }) => (
          <li key={`${seq} ${text}`}>
            <time class="tabular-numbers" dateTime={new Date(at).toISOString()}>
              {formatTimeOfDay(at)}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
