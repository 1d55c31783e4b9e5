/** The client of the Call API, for browsers and Node: `connect`, and the types of all that it gives. @module */
export {
  type CallApi,
  type CallHistory,
  type CallPage,
  type ConnectOptions,
  connect,
  type ListOptions,
  type TimelineEntry,
} from './call-api.ts';
export { CallApiError, errorCode } from './call-error.ts';
export type { Command, CommandOptions, StartCommand } from './command.ts';
export type {
  CallAttendedTransferParams,
  CallBlindTransferParams,
  CallEndParams,
  CallHoldParams,
  CallStartParams,
  CommandEvent,
  CommandFailure,
  Commands,
  Leg,
  Metadata,
  Method,
  Params,
  Result,
  SipStatus,
} from './commands.ts';
export type { ConnectionState } from './connection.ts';
export type { WebSocketClass, WebSocketLike } from './platform.ts';
export type {
  CallChange,
  Change,
  Link,
  LinkChange,
  More,
  Reset,
  Resumed,
  Snapshot,
  WatchOptions,
} from './watch.ts';
export type { Call, CallEvent, CallState } from './watching.ts';
