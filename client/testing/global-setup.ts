/** Starts the fake server for a run of tests, and the full stack when a test first needs it. @module */
import type { TestProject } from 'vitest/node';
import { type Stack, startStack } from '../../test/harness/stack.ts';
import { FakeServer } from './fake-server.ts';
import type { StackActions } from './suite/full-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Host and port of the fake server. */
    readonly host: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  let stack: Promise<Stack> | undefined;
  const actions: StackActions = {
    startStack: async () => {
      stack ??= startStack();
      return `ws://127.0.0.1:${(await stack).port}/call-api`;
    },
    restartEdge: async () => {
      await (await stack)?.restartEdge();
      await (await stack)?.waitForLink(true);
    },
  };
  const server = await FakeServer.start({ ...actions });
  provide('host', server.host);
  return async () => {
    await server[Symbol.asyncDispose]();
    await (await stack)?.[Symbol.asyncDispose]();
  };
}
