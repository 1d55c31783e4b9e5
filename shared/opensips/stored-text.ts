/**
 * Texts of OpenSIPS that are stored, in limits: a command or a call has some of them many times, and a row of the edge must stay below
 * 1 MB, whatever a phone or an adapter sends.
 * @module
 */
import * as z from 'zod';

/** The longest status line in characters; the rest is cut off. Those of phones have under 100. */
const MAX_STATUS_LENGTH = 256;

/** The longest address in characters; the rest is cut off. It is twice what the edge itself dials. */
const MAX_ADDRESS_LENGTH = 1_024;

/** The longest id of a dialog in characters. Those of OpenSIPS have two numbers of 32 bits. */
const MAX_DIALOG_ID_LENGTH = 128;

/**
 * The longest Call-ID in characters. RFC 3261 has no limit, but a request of more than some 64 KB is not sent over UDP, and the
 * Call-IDs of phones have less than 150. Events with a longer one are dropped.
 */
export const MAX_CALLID_LENGTH = 4_096;

export const StatusText = z.string().transform((text) => text.slice(0, MAX_STATUS_LENGTH));
export const Address = z.string().transform((text) => text.slice(0, MAX_ADDRESS_LENGTH));
export const DialogId = z.string().max(MAX_DIALOG_ID_LENGTH);
export const KnownCallId = z.string().max(MAX_CALLID_LENGTH);
