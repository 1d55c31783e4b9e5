/** Passes a request to its command: the single path for every transport. @module */
import type { Metadata } from '../../../shared/calls/call.ts';
import type { Leg } from '../../../shared/opensips/evi.ts';
import { featuresOf, unsupportedReason } from '../../../shared/opensips/features.ts';
import type { Rules } from '../../../shared/policy/policy.ts';
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import { type CallCommand, commandParams, isCallCommand } from '../../../shared/protocol/rpc/commands.ts';
import {
  errorCode,
  errorResponse,
  type RpcError,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { METHOD_NAMES } from '../../../shared/protocol/rpc/service-methods.ts';
import { validate } from '../../../shared/protocol/validation/validate.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import { type Command, callOf } from '../../../shared/runner/stored-command.ts';
import { alternatives, quote } from '../../../shared/settings/quote.ts';
import type { ServingAdapter } from '../link/choose-adapter.ts';
import { type Permissions, rejectReason, withOwnCallsOnly } from './authorization.ts';
import { commandId } from './command-id.ts';
import { type LimitExceeded, tooManyResponse } from './limits.ts';

/** The client that has sent a request. */
export interface RpcClient extends Permissions {
  readonly subject: string;
  readonly session: string;
}

/** What the dispatcher works with. */
export interface DispatchContext {
  readonly runner: Runner;
  /** Finds an ended command, if it is kept. */
  readonly findEnded: (subject: string, cmdId: string) => Command | undefined;
  /** Returns the adapter that runs a command with these params, and its OpenSIPS, or why none does. */
  readonly chooseAdapter: (
    params: Readonly<Record<string, unknown>>,
  ) => ServingAdapter | { readonly error: RpcError };
  /** The allowed destinations. */
  readonly rules: readonly Rules[];
  /** Returns the subject that owns an active call, if a command has made the call. */
  readonly ownerOf: (callid: string) => string | undefined;
  /** Returns the metadata that earlier commands gave to a call. */
  readonly metadataOf: (callid: string) => Metadata | undefined;
  /** Returns the state of an active call's dialog. */
  readonly dialogState: (callid: string) => 'ringing' | 'answered' | undefined;
  /** Returns whether a call is active, or has ended and is still kept. */
  readonly isKnown: (callid: string) => boolean;
  /** Returns the legs of a call that are on hold. */
  readonly heldLegs: (callid: string) => readonly Leg[] | undefined;
  readonly onStarted: (command: Command) => void;
  /** Charges a repeated command, which was read, and is stored again if it is handed over. Returns the limit that was exceeded before. */
  readonly chargeRepeat: (bytes: number, isHandedOver: boolean) => LimitExceeded | undefined;
  /**
   * Returns the limit that another command would exceed, or counts the command.
   * @param bytes of its parameters
   */
  readonly countCommand: (method: CallCommand, bytes: number) => LimitExceeded | undefined;
  readonly now: number;
}

/**
 * Starts a command, or returns an error. A request without an id is run but not answered (JSON-RPC 2.0 §4.1). An exception is
 * logged and answered as well: a client without an answer would wait for ever.
 */
export function dispatch(
  request: RpcRequest,
  client: RpcClient,
  context: DispatchContext,
): RpcResponse | undefined {
  const response = runSafely(request, client, context);
  return request.id === undefined ? undefined : response;
}

function runSafely(request: RpcRequest, client: RpcClient, context: DispatchContext): RpcResponse {
  try {
    return run(request, client, context);
  } catch (error) {
    console.error(`${request.method} failed with an exception`, error);
    const data =
      'An unexpected error occurred and was logged. Repeat the request with the same cmd_id, or try again later.';
    return errorResponse(request.id ?? null, {
      code: errorCode.internalError,
      message: 'Internal error',
      data,
    });
  }
}

function run(request: RpcRequest, client: RpcClient, context: DispatchContext): RpcResponse {
  const { id = null, method, params = {} } = request;
  if (!isCallCommand(method)) {
    const data = `method: ${quote(method)} does not exist. Use ${alternatives(METHOD_NAMES)}.`;
    return errorResponse(id, { code: errorCode.methodNotFound, message: 'Method not found', data });
  }
  const checked = validate(commandParams[method], params, 'params');
  if (!checked.success) return invalidParamsResponse(id, checked.error);
  const { cmd_id: givenCmdId = '', ...rest } = checked.data;
  const rejected = rejectReason(method, rest, client, context.rules);
  if (rejected !== undefined) return notAllowedResponse(id, rejected);
  const cmdId = givenCmdId || commandId(context.now);

  const known =
    givenCmdId && (context.runner.find(client.subject, cmdId) ?? context.findEnded(client.subject, cmdId));
  if (known) {
    const isHandedOver = known.session !== client.session;
    const exceeded = context.chargeRepeat(byteLength(JSON.stringify(known)), isHandedOver);
    if (exceeded) return tooManyResponse(id, exceeded);
    return repeat(id, known, { method, params: rest }, client, context);
  }

  const chosen = context.chooseAdapter(rest);
  if ('error' in chosen) return errorResponse(id, chosen.error);
  const unsupported = unsupportedReason(rest, method, chosen.opensips);
  if (unsupported !== undefined) return invalidParamsResponse(id, unsupported);
  const exceeded = context.countCommand(method, byteLength(JSON.stringify(params)));
  if (exceeded) return tooManyResponse(id, exceeded);
  start({ cmdId, method, params: rest }, client, context, chosen);
  return successResponse(id, { cmd_id: cmdId, event: 'Started' });
}

function start(
  request: {
    readonly cmdId: string;
    readonly method: CallCommand;
    readonly params: Record<string, unknown>;
  },
  client: RpcClient,
  context: DispatchContext,
  { adapter, opensips }: ServingAdapter,
): void {
  const { runner, findEnded, ownerOf, metadataOf, dialogState, isKnown, heldLegs } = context;
  const { subject, session } = client;
  // A known Call-ID is no `cmd_id`, so the log need not be searched for it.
  const findOwnEnded = (cmdId: string) => (dialogState(cmdId) ? undefined : findEnded(subject, cmdId));
  const callOfCommand = (cmdId: string) => callOf(runner.find(subject, cmdId) ?? findOwnEnded(cmdId));
  const isOwn = (callid: string) =>
    ownerOf(callid) === subject || (request.method === 'CallEnd' && callOfCommand(callid) !== undefined);
  const effectiveParams = withOwnCallsOnly(request.params, client, isOwn, () => crypto.randomUUID());
  // A call made by a transfer belongs to the owner of the transferred call.
  const owner = ownerOf(String(effectiveParams['callidA'] ?? effectiveParams['callid']));
  const callid = crypto.randomUUID();
  const callids = callidsOf(request.method, effectiveParams, callid, callOfCommand);
  const metadata =
    request.params['metadata'] === undefined ? callids.map(metadataOf).find(Boolean) : undefined;
  const command = runner.start(
    {
      ...request,
      subject,
      session,
      ...(owner === undefined || owner === subject ? {} : { owner }),
      ...(callids.length === 0 ? {} : { callids }),
      ...(metadata ? { metadata } : {}),
      ...(adapter === undefined ? {} : { adapter }),
    },
    {
      callid,
      nextHop: opensips.next_hop,
      findEnded: findOwnEnded,
      isAnswered: (each) => dialogState(each) === 'answered',
      isKnown,
      heldLegs,
      features: featuresOf(opensips),
      effectiveParams,
    },
    context.now,
  );
  try {
    context.onStarted(command);
  } catch (error) {
    // Otherwise the error would be told, and the command would run.
    runner.discard(command);
    throw error;
  }
}

/** Returns the Call-IDs of the calls that a command acts on; for a CallStart, that of its first leg. */
function callidsOf(
  method: CallCommand,
  params: Readonly<Record<string, unknown>>,
  firstLeg: string,
  callOfCommand: (cmdId: string) => 'running' | string | undefined,
): readonly string[] {
  if (method === 'CallStart') return [firstLeg];
  const callids = callParams(params);
  if (method !== 'CallEnd') return callids;
  return callids.map((callid) => callOfCommand(callid) ?? callid).filter((callid) => callid !== 'running');
}

/** Returns the params that name the calls of a command. */
function callParams(params: Readonly<Record<string, unknown>>): readonly string[] {
  return ['callid', 'callidA', 'callidB'].flatMap((name) => {
    const callid = params[name];
    return typeof callid === 'string' ? [callid] : [];
  });
}

/**
 * Answers a repeated command with its first answer; nothing is run twice. If another session sent it before, all notifications
 * are sent to this one.
 */
function repeat(
  id: RpcId,
  known: Command,
  { method, params }: { readonly method: CallCommand; readonly params: unknown },
  { session }: RpcClient,
  { runner }: DispatchContext,
): RpcResponse {
  if (known.method === method && JSON.stringify(known.params) === JSON.stringify(params)) {
    if (known.session !== session) runner.resendNotifications(known, session);
    return successResponse(id, { cmd_id: known.cmdId, event: 'Started', replayed: true });
  }
  const data = `cmd_id: ${quote(known.cmdId)} belongs to another ${known.method}. Use a new cmd_id for each command.`;
  return errorResponse(id, { code: errorCode.conflict, message: 'Conflict', data });
}

/** Returns the error for a client without permission. `data` gives the reason. */
export function notAllowedError(data: string): RpcError {
  return { code: errorCode.notAllowed, message: 'Not allowed', data };
}

/** Answers a request that the client has no permission for. */
export function notAllowedResponse(id: RpcId, data: string): RpcResponse {
  return errorResponse(id, notAllowedError(data));
}

/** Answers a request with invalid params. */
export function invalidParamsResponse(id: RpcId, data: string): RpcResponse {
  return errorResponse(id, { code: errorCode.invalidParams, message: 'Invalid params', data });
}
