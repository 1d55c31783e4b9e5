/** Starts the fake server for a run of tests, and the whole stack when a test first asks for it. @module */
import type { TestProject } from 'vitest/node';
import { type Stack, startStack } from '../../test/stack/stack.ts';
import { FakeServer } from './fake-server.ts';
import type { StackDeeds } from './suite/whole-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the fake server. */
    readonly host: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  let stack: Promise<Stack> | undefined;
  const deeds: StackDeeds = {
    stack: async () => {
      stack ??= startStack();
      return `ws://127.0.0.1:${(await stack).port}/call-api`;
    },
    restart: async () => {
      await (await stack)?.restartEdge();
      await (await stack)?.linked(true);
    },
  };
  const server = await FakeServer.start({ ...deeds });
  provide('host', server.host);
  return async () => {
    await server[Symbol.asyncDispose]();
    await (await stack)?.[Symbol.asyncDispose]();
  };
}
