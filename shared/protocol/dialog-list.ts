/**
 * The list of dialogs as an adapter reads it and an edge asks for it: what has changed since the edge asked last, instead of all of it.
 * Each process of an adapter numbers the changes of its list from 1.
 * @module
 */
import * as z from 'zod';
import { Dialog } from '../opensips/mi.ts';

/** Which changes an edge asks for. */
export const ListParams = z.object({
  /** Those after this number; 0 for the whole list. */
  after: z.number().int().min(0),
  /** 1: the adapter reads the list of OpenSIPS before it replies, and begins after the request has arrived. 0: it replies with what it has read. */
  fresh: z.number().int().min(0).max(1),
});
export type ListParams = z.infer<typeof ListParams>;

/** Changes of the list, in order. */
export const ListResult = z.object({
  /** The number of the last change in it. */
  upto: z.number().int(),
  /** It begins with the first change: a dialog that neither this result nor one after it has does not stand. */
  whole: z.boolean(),
  /** There are more changes now. */
  more: z.boolean(),
  /** The list was read without a gap. Otherwise nothing was found to have ended. */
  complete: z.boolean(),
  /** Dialogs that are new or have changed, each as it is now. */
  dialogs: z.array(Dialog),
  /** Call-IDs that have no dialog any more. */
  gone: z.array(z.string()),
});
export type ListResult = z.infer<typeof ListResult>;

/** How far an edge has applied the changes of an adapter's list. */
export interface ListPosition {
  /** The number of the last change. */
  readonly upto: number;
  /** The number of the first change of the newest call that was there when the list was asked for. */
  readonly newestCall: number;
  /** Call-IDs of calls up to that one which were not in the list, and were looked up: the list does not say when they end. */
  readonly unlisted: readonly string[];
}
