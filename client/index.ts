/** The client of the Call API for browsers and Node: `connect` and its types. @module */
export {
  type CallApi,
  type CallHistory,
  type CallPage,
  type ConnectOptions,
  connect,
  type ListOptions,
  type TimelineEntry,
} from './api/call-api.ts';
export { CallApiError, errorCode } from './api/call-api-error.ts';
export type { Command, CommandOptions, StartCommand } from './api/command.ts';
export type {
  CallAttendedTransferParams,
  CallBlindTransferParams,
  CallEndParams,
  CallHoldParams,
  CallStartParams,
  CommandEvent,
  CommandFailure,
  Commands,
  Method,
  Params,
  Result,
  SipStatus,
} from './api/command-types.ts';
export type {
  CallChange,
  Change,
  Link,
  LinkChange,
  Reset,
  Resumed,
  Snapshot,
  SnapshotPage,
  WatchOptions,
} from './api/watch.ts';
export type { Call, CallEvent, CallState, EndedBy, Leg, Metadata } from './connection/call.ts';
export type { ConnectionState } from './connection/connection.ts';
export type { WebSocketClass, WebSocketLike } from './connection/platform.ts';
