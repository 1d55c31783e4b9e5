/** Explains the SIP statuses with which calls fail (RFC 3261 §21). Pure. @module */
import { isJsonObject } from '../../../connection/messages.ts';

const EXPLANATIONS: Readonly<Record<number, string>> = {
  403: 'The call was rejected',
  404: 'The address does not exist',
  408: 'There was no answer in time',
  410: 'The address no longer exists',
  480: 'The phone is not available',
  486: 'The line is busy',
  487: 'The call was canceled',
  500: 'The phone system reported an error',
  503: 'The phone system is not available',
  600: 'The line is busy',
  603: 'The call was declined',
  604: 'The address does not exist',
};

/**
 * Returns a sentence such as `The line is busy (486 Busy Here).` for an error with a SIP status.
 * @return undefined if there is no status, or none that this page can explain
 */
export function explainSipStatus(error: unknown): string | undefined {
  const sip = isJsonObject(error) ? error['sip'] : undefined;
  if (!isJsonObject(sip)) return undefined;
  const { status, reason } = sip;
  const explanation = EXPLANATIONS[Number(status)];
  return explanation && `${explanation} (${status} ${reason}).`;
}
