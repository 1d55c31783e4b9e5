/** The call that is looked at: its progress, what can be done with it, its history. @module */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Call } from '../../watching.ts';
import { type Activity, failureOf, isOver, type Step, stepsOf, TITLES } from './activity.ts';
import { nameOf, shortAddress } from './address.ts';
import { now } from './clock.ts';
import { Controls } from './controls.tsx';
import { duration, timeOfDay } from './duration.ts';
import type { Session } from './session.ts';
import { TransferForm } from './transfer-form.tsx';
import { type Entry, heldText, history, STATES } from './words.ts';

/** As in style/phone.css. */
const NARROW = '(width < 900px)';

export function CallView({ session }: { readonly session: Session }) {
  const { cmdId, callid } = session.selected.value;
  const call = session.call.value;
  const doings = session.doings.value;
  const dial = doings.find((each) => each.cmdId === cmdId);
  const isTransferring = useSignal(false);
  const card = useRef<HTMLElement>(null);
  const looked = cmdId ?? callid;
  useEffect(() => {
    isTransferring.value = false;
    // Where all is one below the other, what was chosen may be out of sight.
    if (looked !== undefined && matchMedia(NARROW).matches) card.current?.scrollIntoView({ block: 'start' });
  }, [looked, isTransferring]);
  if (cmdId === undefined && callid === undefined) return null;
  const parties = call ?? partiesOf(dial);
  const last = doings.at(-1);
  return (
    <section class="card call" ref={card} aria-labelledby="call-title">
      <div class="head">
        <h2 id="call-title">
          <span>{nameOf(parties.caller)}</span>
          <span class="visually-hidden"> and </span>
          <span class="arrow" aria-hidden="true">
            →
          </span>
          <span>{nameOf(parties.callee)}</span>
        </h2>
        <button type="button" class="quiet close" aria-label="Close" onClick={() => session.deselect()}>
          <span aria-hidden="true">×</span>
        </button>
      </div>
      {call ? (
        <Standing call={call} onGo={(to) => session.select(to)} />
      ) : (
        <p class="hint">{shortAddress(parties.callee)}</p>
      )}
      <Controls
        session={session}
        call={call}
        dial={dial}
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
      {last && <Progress activity={last} isTitled={last !== dial} />}
      <Timeline entries={session.timeline.value} parties={parties} />
    </section>
  );
}

/** Of a call that is not there yet. */
function partiesOf(dial: Activity | undefined): Pick<Call, 'caller' | 'callee'> {
  const { caller, callee } = dial?.params ?? {};
  return {
    caller: typeof caller === 'string' ? caller : null,
    callee: typeof callee === 'string' ? callee : null,
  };
}

function Standing({ call, onGo }: { readonly call: Call; readonly onGo: (callid: string) => void }) {
  const { from, became, metadata } = call;
  const held = heldText(call);
  return (
    <dl class="facts">
      <div>
        <dt>State</dt>
        <dd>
          <span class="state" data-state={call.state}>
            {STATES[call.state]}
          </span>
          {held !== '' && call.state !== 'ended' && <span class="hint"> {held}</span>}
        </dd>
      </div>
      <div>
        <dt>{call.answered === undefined ? 'Since' : 'Talked'}</dt>
        <dd>
          <Duration call={call} />
        </dd>
      </div>
      {call.reason !== undefined && (
        <div class="wide">
          <dt>How it ended</dt>
          <dd>{call.reason}</dd>
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
          <dt>Other calls</dt>
          <dd>
            {from !== undefined && (
              <button type="button" class="link" onClick={() => onGo(from)}>
                the one it came of
              </button>
            )}
            {became !== undefined && (
              <button type="button" class="link" onClick={() => onGo(became)}>
                the one it became
              </button>
            )}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Of the talk, or of the ringing while there is none. */
export function Duration({ call }: { readonly call: Call }) {
  return <span class="figures">{duration((call.ended ?? now.value) - (call.answered ?? call.began))}</span>;
}

function Progress({
  activity,
  isTitled = false,
}: {
  readonly activity: Activity;
  readonly isTitled?: boolean;
}) {
  const failure = failureOf(activity);
  const title = TITLES[activity.method];
  return (
    <div class="progress" data-method={activity.method} data-over={isOver(activity)}>
      {isTitled && <h3>{title}</h3>}
      <ol class="steps" aria-label={`Steps of: ${title}`}>
        {stepsOf(activity).map((step) => (
          <StepLine key={step.text} step={step} />
        ))}
      </ol>
      <p class="error" role="alert">
        {failure}
      </p>
    </div>
  );
}

const STEP_WORDS: Readonly<Record<Step['is'], string>> = {
  done: 'done',
  now: 'under way',
  ahead: 'to come',
  failed: 'failed',
};

function StepLine({ step: { text, is, at } }: { readonly step: Step }) {
  return (
    <li data-step={is} {...(is === 'now' ? { 'aria-current': 'step' as const } : {})}>
      <span class="mark" aria-hidden="true" />
      <span class="text">{text}</span>
      <span class="visually-hidden">, {STEP_WORDS[is]}</span>
      {at !== undefined && <time class="figures">{timeOfDay(at)}</time>}
    </li>
  );
}

function Timeline({
  entries,
  parties,
}: {
  readonly entries: readonly Entry[];
  readonly parties: Pick<Call, 'caller' | 'callee'>;
}) {
  if (entries.length === 0) return null;
  return (
    <details class="timeline" open>
      <summary>Timeline</summary>
      <ol>
        {history(entries, parties).map(({ seq, at, text }) => (
          <li key={`${seq} ${text}`}>
            <time class="figures" dateTime={new Date(at).toISOString()}>
              {timeOfDay(at)}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
