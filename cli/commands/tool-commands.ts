/**
 * The other commands: rpc, token, doctor and completion. What only one of them needs is loaded when it runs, so that the
 * others start faster.
 * @module
 */
import { Argument, Option } from 'commander';
import { TokenScope } from '../../shared/policy/policy.ts';
import { Subject, TOKEN_SECONDS } from '../../shared/protocol/http/token-request.ts';
import { wholeNumber } from '../../shared/settings/value-types.ts';
import { EXIT } from '../exit.ts';
import { renderCompletion, SHELLS, type Shell } from '../reference/completion.ts';
import {
  acceptedBy,
  choice,
  completeAddress,
  listParserOf,
  parseJsonObject,
  parserOf,
} from './argument-parsers.ts';
import type { CommandBuilder } from './builder.ts';
import { requireEdge, withTransport } from './session.ts';
import type { TokenOptions } from './token.ts';

const TOKEN_SCOPES = TokenScope.options;

export function addToolCommands(builder: CommandBuilder): void {
  builder.add({
    name: 'rpc',
    summary: 'Send a JSON-RPC request and show the raw messages until the command has ended.',
    args: [
      new Argument('[method]', 'Method, such as CallStart').default('Echo'),
      new Argument('[params]', 'Params as a JSON object').default('{}'),
    ],
    endsItself: true,
    act: async (session, [method = '', json = '']) => {
      const { settings, context } = session;
      const params = parseJsonObject('params', json, '{"callid":"5c25…"}');
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
    summary: 'Exchange an API key for the token of a user.',
    args: [
      new Argument('<subject>', 'Name of the user: 1 to 128 printable ASCII characters').argParser(
        parserOf(
          'subject',
          acceptedBy(Subject, 'is not the name of a user. Use 1 to 128 printable ASCII characters.'),
        ),
      ),
    ],
    options: [
      new Option('--caller <address>', 'The only address that the token may call from (default: any)'),
      new Option(
        '--scope <scope...>',
        'What the token allows, such as CallStart (default: all scopes of the key except tokens and manage)',
      )
        .choices(TOKEN_SCOPES)
        .argParser(listParserOf('--scope', choice('a scope of a token', TOKEN_SCOPES))),
      new Option(
        '--expires <seconds>',
        `Lifetime of the token, in seconds: ${TOKEN_SECONDS.min} to ${TOKEN_SECONDS.max} (default: ${TOKEN_SECONDS.default})`,
      ).argParser(parserOf('--expires', wholeNumber(TOKEN_SECONDS.min, TOKEN_SECONDS.max))),
    ],
    act: async (session, [subject = ''], options) => {
      requireEdge(session, 'token');
      const { mintToken } = await import('./token.ts');
      return mintToken(session.settings, subject, options, session.printer);
    },
  });
  builder.add<{ readonly testAddress?: string }>({
    name: 'doctor',
    summary: 'Find out what is wrong between this machine and the phones, and what to do.',
    options: [
      new Option(
        '--test-address <address>',
        'Phone to call for a moment, to check the routing script, the events and the phone (default: no call to a phone)',
      ),
    ],
    endsItself: true,
    act: async ({ settings, printer, context }, _, { testAddress }) => {
      const phone =
        testAddress === undefined
          ? undefined
          : completeAddress('--test-address', testAddress, settings.domain);
      const { runDoctor } = await import('../doctor/doctor.ts');
      return runDoctor(settings, phone, printer, context.interrupt);
    },
  });
  builder.add({
    name: 'completion',
    summary: 'Print the script that completes commands and options in a shell.',
    args: [
      new Argument('<shell>', 'Shell')
        .choices(SHELLS)
        .argParser(parserOf('shell', choice('a shell with completion', SHELLS))),
    ],
    act: async ({ context }, [shell]) => {
      context.out.write(renderCompletion(shell as Shell, builder.program));
      return EXIT.done;
    },
  });
}
