/** The one way in: whatever the wire, a request comes through here to its command. @module */
import type { Metadata } from '../shared/calls.ts';
import { lackOf } from '../shared/features.ts';
import {
  code,
  failure,
  issues,
  type RpcError,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  success,
} from '../shared/jsonrpc.ts';
import type { OpenSips } from '../shared/link.ts';
import { isMethod, type Method, methods, NAMES } from '../shared/methods.ts';
import type { Rules } from '../shared/policy.ts';
import type { Runner } from '../shared/runner.ts';
import { type Command, callNamed } from '../shared/stored-command.ts';
import { type Rights, refusalOf, withOwnCallsOnly } from './authorisation.ts';
import { commandId } from './command-id.ts';
import { type Excess, tooMany } from './limits.ts';

/** Who asks. */
export interface Caller extends Rights {
  readonly subject: string;
  readonly session: string;
}

/** What the dispatcher works with. */
export interface Surroundings {
  readonly runner: Runner;
  /** A command that has ended, if it is kept. */
  readonly ended: (subject: string, cmdId: string) => Command | undefined;
  /** The OpenSIPS behind the link, if that is up. */
  readonly opensips: OpenSips | undefined;
  /** Where calls may go. */
  readonly rules: readonly Rules[];
  /** Whose a call is that was made here, or is about to be. */
  readonly ownerOf: (callid: string) => string | undefined;
  /** What was given to a call by an earlier command. */
  readonly metadataOf: (callid: string) => Metadata | undefined;
  /** Whether a call of that Call-ID stands, and whether it is answered. */
  readonly standing: (callid: string) => 'ringing' | 'answered' | undefined;
  /** A command has been started. */
  readonly begun: (command: Command) => void;
  /** Is there too much of it for one more command? If not, that one counts. */
  readonly excess: (method: Method) => Excess | undefined;
  readonly now: number;
}

/** Methods that reach nothing behind the edge. */
const LOCAL: readonly Method[] = ['Echo'];

/**
 * Starts a command, or says why not. A notification (a request without an id) is run but not answered. What breaks is
 * logged and answered too: silence would leave a client waiting for ever.
 */
export function dispatch(request: RpcRequest, caller: Caller, around: Surroundings): RpcResponse | undefined {
  const response = runOrBreak(request, caller, around);
  return request.id === undefined ? undefined : response;
}

function runOrBreak(request: RpcRequest, caller: Caller, around: Surroundings): RpcResponse {
  try {
    return run(request, caller, around);
  } catch (error) {
    console.error(`${request.method} broke`, error);
    const data = 'something broke here, and has been logged; ask again with the same cmd_id, or later';
    return failure(request.id ?? null, { code: code.internalError, message: 'Internal error', data });
  }
}

function run(request: RpcRequest, caller: Caller, around: Surroundings): RpcResponse {
  const { id = null, method, params = {} } = request;
  if (!isMethod(method)) {
    const data = `there is no ${method.slice(0, 64)}; there are ${NAMES.join(', ')}`;
    return failure(id, { code: code.methodNotFound, message: 'Method not found', data });
  }
  if (Array.isArray(params)) return invalid(id, 'params must be an object, by name');
  const checked = methods[method].safeParse(params);
  if (!checked.success) return invalid(id, issues(checked.error));
  const { cmd_id: given = '', ...rest } = checked.data;
  const refused = refusalOf(method, rest, caller, around.rules);
  if (refused !== undefined) return notAllowed(id, refused);
  const cmdId = given || commandId(around.now);

  const known = given && (around.runner.find(caller.subject, cmdId) ?? around.ended(caller.subject, cmdId));
  if (known) return again(id, known, method, rest, caller, around);

  if (!around.opensips && !LOCAL.includes(method)) {
    const data =
      'no adapter is connected, so OpenSIPS cannot be reached; start the adapter beside it and try again';
    return failure(id, { code: code.noAdapter, message: 'No adapter connected', data });
  }
  const lack = around.opensips && lackOf(rest, method, around.opensips.version);
  if (lack !== undefined) return invalid(id, lack);
  const excess = around.excess(method);
  if (excess) return tooMany(id, excess);
  start({ cmdId, method, params: rest }, caller, around);
  return success(id, { cmd_id: cmdId, event: 'Started' });
}

function start(
  what: { readonly cmdId: string; readonly method: Method; readonly params: Record<string, unknown> },
  caller: Caller,
  { runner, ended, opensips, ownerOf, metadataOf, standing, begun, now }: Surroundings,
): void {
  const { subject, session } = caller;
  // What is known as a Call-ID is no command's name: no need to look for one in the log.
  const endedOwn = (cmdId: string) => (standing(cmdId) ? undefined : ended(subject, cmdId));
  const named = (cmdId: string) => callNamed(runner.find(subject, cmdId) ?? endedOwn(cmdId));
  const isOwn = (callid: string) =>
    ownerOf(callid) === subject || (what.method === 'CallEnd' && named(callid) !== undefined);
  const instead = withOwnCallsOnly(what.method, what.params, caller, isOwn, () => crypto.randomUUID());
  // A call that comes of a transfer is whose the transferred one was.
  const owner = ownerOf(String(instead['callidA'] ?? instead['callid']));
  const callid = crypto.randomUUID();
  const calls = callsOf(what.method, instead, callid, named);
  const isAnswered = (each: string) => standing(each) === 'answered';
  const given = what.params['metadata'] === undefined ? calls.map(metadataOf).find(Boolean) : undefined;
  const command = runner.start(
    {
      ...what,
      subject,
      session,
      ...(owner === undefined || owner === subject ? {} : { owner }),
      ...(calls.length === 0 ? {} : { calls }),
      ...(given ? { metadata: given } : {}),
    },
    { callid, nextHop: opensips?.next_hop ?? '', ended: endedOwn, isAnswered, instead },
    now,
  );
  begun(command);
}

/** Call-IDs of the calls that a command acts on; of a CallStart, the one of its first leg. */
function callsOf(
  method: Method,
  params: Readonly<Record<string, unknown>>,
  firstLeg: string,
  named: (cmdId: string) => 'running' | string | undefined,
): readonly string[] {
  if (method === 'CallStart') return [firstLeg];
  const given = ['callid', 'callidA', 'callidB'].flatMap((name) => {
    const callid = params[name];
    return typeof callid === 'string' && method !== 'Echo' ? [callid] : [];
  });
  if (method !== 'CallEnd') return given;
  return given.map((callid) => named(callid) ?? callid).filter((callid) => callid !== 'running');
}

/**
 * The same command again gets its answer again; nothing is run twice. To a session that did not ask for it before,
 * all that was told is told again.
 */
function again(
  id: RpcId,
  known: Command,
  method: Method,
  params: unknown,
  { session }: Caller,
  { runner }: Surroundings,
): RpcResponse {
  if (known.method === method && JSON.stringify(known.params) === JSON.stringify(params)) {
    if (known.session !== session) runner.retell(known, session);
    return success(id, { cmd_id: known.cmdId, event: 'Started', replayed: true });
  }
  const data = `cmd_id ${known.cmdId} is taken by another ${known.method}; choose a fresh one for each command`;
  return failure(id, { code: code.conflict, message: 'Conflict', data });
}

/** The error of what its client may not do; `data` says why. */
export function lacking(data: string): RpcError {
  return { code: code.notAllowed, message: 'Not allowed', data };
}

/** Answers a request that its client may not make, and says why. */
export function notAllowed(id: RpcId, data: string): RpcResponse {
  return failure(id, lacking(data));
}

/** Answers a request whose params are not as its method takes them. */
export function invalid(id: RpcId, data: string): RpcResponse {
  return failure(id, { code: code.invalidParams, message: 'Invalid params', data });
}
