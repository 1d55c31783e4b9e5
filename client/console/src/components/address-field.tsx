/** A text field for a SIP address. The browser reports an invalid address when the form is submitted. @module */
import type { Signal } from '@preact/signals';
import { addressError } from '../format/sip-address.ts';

interface Props {
  readonly label: string;
  readonly name: string;
  readonly placeholder: string;
  readonly value: Signal<string>;
  readonly isReadOnly?: boolean;
}

export function AddressField({ label, name, placeholder, value, isReadOnly = false }: Props) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        ref={(input) => input?.setCustomValidity(addressError(value.value))}
        name={name}
        inputMode="email"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={placeholder}
        required
        readOnly={isReadOnly}
        value={value.value}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.value;
        }}
      />
    </label>
  );
}
