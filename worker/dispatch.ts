/** The one way in: whatever the wire, a request comes through here to its command. @module */
import {
  code,
  failure,
  issues,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  success,
} from '../shared/jsonrpc.ts';
import type { OpenSips } from '../shared/link.ts';
import { isMethod, type Method, methods } from '../shared/methods.ts';
import type { Command, Runner } from '../shared/runner.ts';

/** Who asks. */
export interface Caller {
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
  readonly now: number;
}

/** Methods that reach nothing behind the edge. */
const LOCAL: readonly Method[] = ['Echo'];

/** Starts a command, or says why not. A notification (a request without an id) is run but not answered. */
export function dispatch(request: RpcRequest, caller: Caller, around: Surroundings): RpcResponse | undefined {
  const response = run(request, caller, around);
  return request.id === undefined ? undefined : response;
}

function run(request: RpcRequest, caller: Caller, around: Surroundings): RpcResponse {
  const { id = null, method, params = {} } = request;
  if (!isMethod(method)) {
    const data = `there is no ${method.slice(0, 64)}; there are ${Object.keys(methods).join(', ')}`;
    return failure(id, { code: code.methodNotFound, message: 'Method not found', data });
  }
  if (Array.isArray(params)) return invalid(id, 'params must be an object, by name');
  const checked = methods[method].safeParse(params);
  if (!checked.success) return invalid(id, issues(checked.error));
  const { cmd_id: given = '', ...rest } = checked.data;
  const cmdId = given || crypto.randomUUID();

  const known = given && (around.runner.find(caller.subject, cmdId) ?? around.ended(caller.subject, cmdId));
  if (known) return again(id, known, method, rest, caller, around);

  if (!around.opensips && !LOCAL.includes(method)) {
    const data =
      'no adapter is connected, so OpenSIPS cannot be reached; start the adapter beside it and try again';
    return failure(id, { code: code.noAdapter, message: 'No adapter connected', data });
  }
  const what = { cmdId, method, params: rest, ...caller };
  const context = {
    callid: crypto.randomUUID(),
    nextHop: around.opensips?.next_hop ?? '',
    ended: (id: string) => around.ended(caller.subject, id),
  };
  around.runner.start(what, context, around.now);
  return success(id, { cmd_id: cmdId, event: 'Started' });
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

function invalid(id: RpcId, data: string): RpcResponse {
  return failure(id, { code: code.invalidParams, message: 'Invalid params', data });
}
