/** Tests that the types of this client equal those of `shared/`. The compiler checks most of it, in `npm run check`. */
import { expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type * as calls from '../../shared/calls/call.ts';
import type { CommandError } from '../../shared/commands/command.ts';
import type { commandParams, CommandMethod as EdgeMethod } from '../../shared/protocol/rpc/commands.ts';
import {
  type RpcError as EdgeRpcError,
  errorCode as edgeErrorCode,
} from '../../shared/protocol/rpc/jsonrpc.ts';
import { queryParams } from '../../shared/protocol/rpc/queries.ts';
import type { Call, CallEvent, CallState } from '../connection/call.ts';
import type { RpcError } from '../connection/messages.ts';
import type { ListOptions } from './call-api.ts';
import { errorCode } from './call-api-error.ts';
import type { CommandFailure, Method, Params } from './command-types.ts';

/** Removes `readonly` at every depth. */
type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Mutable<T[Name]> }
    : T;

/** The params of the edge without `cmd_id`, which is an option of this client. */
type EdgeParams<M extends EdgeMethod> = Mutable<Omit<z.output<(typeof commandParams)[M]>, 'cmd_id'>>;

it('has the params of each command schema', () => {
  expectTypeOf<Method>().toEqualTypeOf<EdgeMethod>();
  expectTypeOf<Mutable<Params<'CallStart'>>>().toEqualTypeOf<EdgeParams<'CallStart'>>();
  expectTypeOf<Mutable<Params<'CallEnd'>>>().toEqualTypeOf<EdgeParams<'CallEnd'>>();
  expectTypeOf<Mutable<Params<'CallHold'>>>().toEqualTypeOf<EdgeParams<'CallHold'>>();
  expectTypeOf<Mutable<Params<'CallUnhold'>>>().toEqualTypeOf<EdgeParams<'CallUnhold'>>();
  expectTypeOf<Mutable<Params<'CallBlindTransfer'>>>().toEqualTypeOf<EdgeParams<'CallBlindTransfer'>>();
  expectTypeOf<Mutable<Params<'CallAttendedTransfer'>>>().toEqualTypeOf<EdgeParams<'CallAttendedTransfer'>>();
  expectTypeOf<Params<'Echo'>>().toExtend<z.input<(typeof commandParams)['Echo']>>();
});

it('has the params of the CallList schema, and the calls of the edge', () => {
  type CallListParams = Mutable<z.input<(typeof queryParams)['CallList']>>;
  expectTypeOf<Mutable<Omit<ListOptions, 'signal'>>>().toEqualTypeOf<CallListParams>();
  expectTypeOf<Mutable<Call>>().toEqualTypeOf<Mutable<calls.Call>>();
  expectTypeOf<CallState>().toEqualTypeOf<calls.CallState>();
  expectTypeOf<CallEvent>().toEqualTypeOf<calls.CallEventName>();
  expect(Object.keys(queryParams)).toContain('CallList');
});

it('has the errors of the edge', () => {
  expectTypeOf<EdgeRpcError>().toExtend<RpcError>();
  expectTypeOf<CommandError>().toExtend<CommandFailure>();
  expect(errorCode).toEqual(edgeErrorCode);
});
