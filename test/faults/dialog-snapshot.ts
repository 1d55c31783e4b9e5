/** The state of a dialog at one moment. The ledger's own record goes on changing. @module */
import type { Dialog } from '../../simulator/index.ts';

type Party = Readonly<Dialog['caller']>;

export type DialogSnapshot = Readonly<Pick<Dialog, 'state' | 'endedBy'>> & {
  /** Which phones were offered last to send only, or nothing at all. */
  readonly held: { readonly caller: boolean; readonly callee: boolean };
};

/** Whether the description that a phone got last puts it on hold (RFC 3264 §8.4). */
export function isHeld({ receivedDirection }: Party): boolean {
  return receivedDirection === 'sendonly' || receivedDirection === 'inactive';
}

export function takeSnapshot(dialog: Readonly<Dialog> | undefined): DialogSnapshot | undefined {
  if (dialog === undefined) return undefined;
  const { state, endedBy, caller, callee } = dialog;
  const held = { caller: isHeld(caller), callee: isHeld(callee) };
  return { state, held, ...(endedBy === undefined ? {} : { endedBy }) };
}
