/**
 * The other commands: rpc, token, doctor and completion. What only one of them needs is loaded when it runs, so that the
 * others start faster.
 * @module
 */
import { Argument, Option } from 'commander';
import { EXIT } from '../exit.ts';
import { renderCompletion, SHELLS, type Shell } from '../reference/completion.ts';
import { completeAddress, parseJsonObject, parseWholeNumber } from './argument-parsers.ts';
import type { CommandBuilder } from './builder.ts';
import { requireEdge, withTransport } from './session.ts';
import type { TokenOptions } from './token.ts';

export function addToolCommands(builder: CommandBuilder): void {
  builder.add({
    name: 'rpc',
    summary: 'send one request and print the raw messages until the command has ended',
    args: [
      new Argument('[method]', 'such as CallStart').default('Echo'),
      new Argument('[params]', 'an object of JSON').default('{}'),
    ],
    act: async (session, [method = '', json = '']) => {
      const { settings, context } = session;
      const params = parseJsonObject(json);
      const { rpcDirect, rpcThroughEdge } = await import('./rpc.ts');
      return settings.direct
        ? withTransport(session, (transport) =>
            rpcDirect(transport, method, params, context.out, context.interrupt),
          )
        : rpcThroughEdge(settings, method, params, context.out, context.interrupt);
    },
  });
  builder.add<TokenOptions>({
    name: 'token',
    summary: 'trade an API key for the token of one user',
    args: [new Argument('<subject>', 'whose it is: 1 to 128 printable characters')],
    options: [
      new Option('--caller <address>', 'the only address that may dial with it'),
      new Option('--scope <scope...>', 'what it may do, such as CallStart (default: what the key may)'),
      new Option('--expires <seconds>', 'how long it holds, 60 to 86400 (default: 3600)').argParser(
        parseWholeNumber,
      ),
    ],
    act: async (session, [subject = ''], options) => {
      requireEdge(session, 'token');
      const { mintToken } = await import('./token.ts');
      return mintToken(session.settings, subject, options, session.printer);
    },
  });
  builder.add<{ readonly testAddress?: string }>({
    name: 'doctor',
    summary: 'find out what is wrong between here and the phones, and what mends it',
    options: [
      new Option(
        '--test-address <address>',
        'a phone that may be called for a moment: so the script and the events are seen at work',
      ),
    ],
    act: async ({ settings, printer }, _, { testAddress }) => {
      const phone = testAddress === undefined ? undefined : completeAddress(testAddress, settings.domain);
      const { runDoctor } = await import('../doctor/doctor.ts');
      return runDoctor(settings, phone, printer);
    },
  });
  builder.add({
    name: 'completion',
    summary: 'print what completes commands and flags in a shell',
    args: [new Argument('<shell>').choices(SHELLS)],
    act: async ({ context }, [shell]) => {
      context.out.write(renderCompletion(shell as Shell, builder.program));
      return EXIT.done;
    },
  });
}
