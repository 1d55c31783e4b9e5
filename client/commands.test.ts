/** What this client writes out for itself is what `shared/` says: the compiler judges, in `npm run check`. */
import { expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type * as calls from '../shared/calls.ts';
import type { CommandError } from '../shared/command.ts';
import { code, type RpcError } from '../shared/jsonrpc.ts';
import { type Method as EdgeMethod, type methods, queries } from '../shared/methods.ts';
import type { ListOptions } from './call-api.ts';
import { errorCode } from './call-error.ts';
import type { CommandFailure, Method, Params } from './commands.ts';
import type { RpcFailure } from './frames.ts';
import type { Call, CallEvent, CallState } from './watching.ts';

/** Without `readonly`, at every depth. */
type Plain<T> = T extends readonly (infer Each)[]
  ? Plain<Each>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Plain<T[Name]> }
    : T;

/** What the edge takes, but for the `cmd_id`, which is given beside the params here. */
type Taken<M extends EdgeMethod> = Plain<Omit<z.output<(typeof methods)[M]>, 'cmd_id'>>;

it('the params of each command are those of its schema', () => {
  expectTypeOf<Method>().toEqualTypeOf<EdgeMethod>();
  expectTypeOf<Plain<Params<'CallStart'>>>().toEqualTypeOf<Taken<'CallStart'>>();
  expectTypeOf<Plain<Params<'CallEnd'>>>().toEqualTypeOf<Taken<'CallEnd'>>();
  expectTypeOf<Plain<Params<'CallHold'>>>().toEqualTypeOf<Taken<'CallHold'>>();
  expectTypeOf<Plain<Params<'CallUnhold'>>>().toEqualTypeOf<Taken<'CallUnhold'>>();
  expectTypeOf<Plain<Params<'CallBlindTransfer'>>>().toEqualTypeOf<Taken<'CallBlindTransfer'>>();
  expectTypeOf<Plain<Params<'CallAttendedTransfer'>>>().toEqualTypeOf<Taken<'CallAttendedTransfer'>>();
  expectTypeOf<Params<'Echo'>>().toExtend<z.input<(typeof methods)['Echo']>>();
});

it('a list is asked for as its schema has it, a call is as the edge keeps it', () => {
  type Asked = Plain<z.input<(typeof queries)['CallList']>>;
  expectTypeOf<Plain<Omit<ListOptions, 'signal'>>>().toEqualTypeOf<Asked>();
  expectTypeOf<Plain<Call>>().toEqualTypeOf<Plain<calls.Call>>();
  expectTypeOf<CallState>().toEqualTypeOf<calls.CallState>();
  expectTypeOf<CallEvent>().toEqualTypeOf<calls.CallEventName>();
  expect(Object.keys(queries)).toContain('CallList');
});

it('errors are those of the edge', () => {
  expectTypeOf<RpcError>().toExtend<RpcFailure>();
  expectTypeOf<CommandError>().toExtend<CommandFailure>();
  expect(errorCode).toEqual(code);
});
