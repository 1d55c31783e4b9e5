/** The form that transfers a party of a call, to an address or to the party of another call. @module */
import { useSignal } from '@preact/signals';
import type { Call, Leg } from '../../../connection/call.ts';
import { STATE_LABELS } from '../format/labels.ts';
import { displayName, shortAddress, toSipUri } from '../format/sip-address.ts';
import type { Session } from '../state/session.ts';
import { AddressField } from './address-field.tsx';

interface Props {
  readonly session: Session;
  readonly call: Call;
  readonly onDone: () => void;
}

const MAX_CALL_OPTIONS = 100;

const LEGS: readonly Leg[] = ['callee', 'caller'];

export function TransferForm({ session, call, onDone }: Props) {
  const kinds = {
    blind: session.isAllowed('CallBlindTransfer'),
    attended: session.isAllowed('CallAttendedTransfer'),
  };
  const kind = useSignal<'blind' | 'attended'>(kinds.blind ? 'blind' : 'attended');
  const leg = useSignal<Leg>('callee');
  const destination = useSignal('');
  const other = useSignal('');
  const otherLeg = useSignal<Leg>('callee');
  const others = session.activeCalls.value
    .filter(({ callid, state }) => callid !== call.callid && (state === 'answered' || state === 'held'))
    .slice(0, MAX_CALL_OPTIONS);
  const otherCall = others.find(({ callid }) => callid === other.value);
  const isReady = kind.value === 'blind' || otherCall !== undefined;

  const submit = (event: Event) => {
    event.preventDefault();
    if (!isReady) return;
    if (kind.value === 'blind') {
      const params = { callid: call.callid, leg: leg.value, destination: toSipUri(destination.value) };
      session.run('CallBlindTransfer', params);
    } else {
      const [callidA, callidB] = [call.callid, other.value];
      session.run('CallAttendedTransfer', { callidA, legA: leg.value, callidB, legB: otherLeg.value });
    }
    onDone();
  };

  return (
    <form class="transfer" aria-label="Transfer the call" onSubmit={submit}>
      <fieldset class="choice">
        <legend class="visually-hidden">Type of transfer</legend>
        <Choice name="kind" label="To an address" value="blind" chosen={kind} isDisabled={!kinds.blind} />
        <Choice
          name="kind"
          label="To another call"
          value="attended"
          chosen={kind}
          isDisabled={!kinds.attended}
        />
      </fieldset>
      <fieldset class="choice">
        <legend>Party to transfer</legend>
        {LEGS.map((party) => (
          <Choice key={party} name="leg" label={displayName(call[party])} value={party} chosen={leg} />
        ))}
      </fieldset>
      {kind.value === 'blind' ? (
        <AddressField
          label="Destination"
          name="destination"
          placeholder="carol@example.com"
          value={destination}
        />
      ) : (
        <label class="field">
          <span>Call to join</span>
          <select
            name="other"
            required
            value={other.value}
            onChange={({ currentTarget }) => {
              other.value = currentTarget.value;
            }}
          >
            <option value="">{others.length === 0 ? 'No other active calls' : 'Select a call'}</option>
            {others.map(({ callid, caller, callee, state }) => (
              <option key={callid} value={callid}>
                {shortAddress(caller)} → {shortAddress(callee)} ({STATE_LABELS[state].toLowerCase()})
              </option>
            ))}
          </select>
        </label>
      )}
      {kind.value === 'attended' && otherCall && (
        <fieldset class="choice">
          <legend>Connect to</legend>
          {LEGS.map((party) => (
            <Choice
              key={party}
              name="otherLeg"
              label={displayName(otherCall[party])}
              value={party}
              chosen={otherLeg}
            />
          ))}
        </fieldset>
      )}
      <div class="row">
        <button type="submit" class="primary" disabled={!isReady}>
          Transfer
        </button>
        <button type="button" class="quiet" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function Choice<Value extends string>({
  name,
  label,
  value,
  chosen,
  isDisabled = false,
}: {
  readonly name: string;
  readonly label: string;
  readonly value: Value;
  readonly chosen: { value: Value };
  readonly isDisabled?: boolean;
}) {
  return (
    <label>
      <input
        type="radio"
        name={name}
        value={value}
        checked={chosen.value === value}
        disabled={isDisabled}
        onChange={() => {
          chosen.value = value;
        }}
      />
      <span>{label}</span>
    </label>
  );
}
