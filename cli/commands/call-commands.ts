/** The commands that are commands of the Call API: start, end, hold, unhold, transfer, attended and echo. @module */
import { Argument, Option } from 'commander';
import { CALLER_TIMEOUT, type CommandMethod } from '../../shared/protocol/rpc/commands.ts';
import { CallId, Metadata } from '../../shared/protocol/rpc/field-types.ts';
import { quote } from '../../shared/settings/quote.ts';
import { wholeNumber } from '../../shared/settings/value-types.ts';
import { DisplayName } from '../../shared/sip/sip-text.ts';
import { EXIT, Failure } from '../exit.ts';
import {
  acceptedBy,
  choice,
  collectHeader,
  completeAddress,
  parseJsonObject,
  parserOf,
} from './argument-parsers.ts';
import type { CommandBuilder, CommandDefinition } from './builder.ts';
import { runCommand } from './run-command.ts';
import { withTransport } from './session.ts';

/** Completes the address of an argument. */
type ToUri = (argument: string, address: string) => string;

interface CallCommand<Options extends object> extends Omit<CommandDefinition<Options>, 'act'> {
  readonly method: CommandMethod;
  /** Returns the params of the request. */
  readonly params: (args: readonly string[], options: Options, toUri: ToUri) => object;
}

interface StartOptions {
  readonly ring?: number;
  readonly display?: string;
  readonly autoAnswer?: boolean;
  readonly header?: Readonly<Record<string, string>>;
}

const LEGS = ['caller', 'callee'] as const;

const METADATA = () =>
  new Option(
    '--metadata <json>',
    'JSON object to attach to the call and to all of its notifications (default: none)',
  ).argParser(parseMetadata);

/** The argument that names a call. */
export function callIdArgument(flags: string, help: string): Argument {
  const name = flags.replace(/[<>[\]]/g, '');
  const type = acceptedBy(CallId, 'is not a Call-ID. Use one that call-api list shows.');
  return new Argument(flags, help).argParser(parserOf(name, type));
}

const leg = (flag: string, help: string) =>
  new Option(`${flag} <leg>`, help)
    .choices(LEGS)
    .argParser(parserOf(flag, choice('a party of a call', LEGS)));

export function addCallCommands(builder: CommandBuilder): void {
  const add = <Options extends object>({ method, params, options = [], ...rest }: CallCommand<Options>) =>
    builder.add<Options & { readonly metadata?: object }>({
      ...rest,
      options: [...options, METADATA()],
      endsItself: true,
      act: async (session, args, given) => {
        const toUri: ToUri = (name, address) => completeAddress(name, address, session.settings.domain);
        const { metadata } = given;
        const request = { ...params(args, given, toUri), ...(metadata ? { metadata } : {}) };
        return withTransport(session, (transport) =>
          runCommand(transport, method, request, session.printer, session.context.interrupt),
        );
      },
    });

  add<StartOptions>({
    method: 'CallStart',
    name: 'start',
    summary: 'Start a call: ring the caller, then connect the callee. Ctrl-C before that ends the call.',
    args: [
      new Argument('<caller>', 'Address of the phone that rings first: alice, alice@example.com or sip:…'),
      new Argument('<callee>', 'Address that the caller is connected with'),
    ],
    options: [
      new Option(
        '--ring <seconds>',
        `How long the caller's phone may ring, in seconds: ${CALLER_TIMEOUT.min} to ${CALLER_TIMEOUT.max} (default: ${CALLER_TIMEOUT.default})`,
      ).argParser(parserOf('--ring', wholeNumber(CALLER_TIMEOUT.min, CALLER_TIMEOUT.max))),
      new Option('--display <name>', "Name that the caller's phone shows (default: none)").argParser(
        parserOf(
          '--display',
          acceptedBy(
            DisplayName,
            'is not a display name. Use 1 to 64 characters without control characters and backslashes.',
          ),
        ),
      ),
      new Option('--auto-answer', "Ask the caller's phone to answer automatically"),
      new Option(
        '--header <name=value>',
        "Custom X- header for the caller's phone; can be repeated (default: none)",
      ).argParser(collectHeader),
    ],
    params: ([caller = '', callee = ''], { ring, display, autoAnswer, header }, toUri) => ({
      caller: toUri('caller', caller),
      callee: toUri('callee', callee),
      ...(ring === undefined ? {} : { timeout: ring }),
      ...(display === undefined ? {} : { display }),
      ...(autoAnswer ? { auto_answer: true } : {}),
      ...(header ? { headers: header } : {}),
    }),
  });
  add({
    method: 'CallEnd',
    name: 'end',
    summary: 'End a call.',
    args: [callIdArgument('<callid>', 'Call-ID of the call, or cmd_id of the CallStart that made it')],
    params: ([id]) => ({ callid: id }),
  });
  for (const [method, name, summary] of [
    ['CallHold', 'hold', 'Put a call on hold.'],
    ['CallUnhold', 'unhold', 'Take a call off hold.'],
  ] as const)
    add<{ readonly leg?: string }>({
      method,
      name,
      summary,
      args: [callIdArgument('<callid>', 'Call-ID of the call')],
      options: [leg('--leg', 'The only party to change (default: both)')],
      params: ([id], { leg: side }) => ({ callid: id, ...(side === undefined ? {} : { leg: side }) }),
    });
  add<{ readonly leg: string }>({
    method: 'CallBlindTransfer',
    name: 'transfer',
    summary: 'Transfer a party of a call to another address.',
    args: [
      callIdArgument('<callid>', 'Call-ID of the call'),
      new Argument('<destination>', 'Address to transfer the party to'),
    ],
    options: [leg('--leg', 'Party to transfer').default('callee')],
    params: ([id, to = ''], { leg: side }, toUri) => ({
      callid: id,
      leg: side,
      destination: toUri('destination', to),
    }),
  });
  add<{ readonly legA: string; readonly legB: string }>({
    method: 'CallAttendedTransfer',
    name: 'attended',
    summary: 'Connect a party of one call with a party of another call.',
    args: [
      callIdArgument('<callid-a>', 'Call-ID of the call whose party is transferred'),
      callIdArgument('<callid-b>', 'Call-ID of the call in which it replaces the other party'),
      new Argument('[destination]', 'Address of the party of the second call (default: as in that call)'),
    ],
    options: [
      leg('--leg-a', 'Party of the first call to transfer').default('callee'),
      leg('--leg-b', 'Party of the second call to connect with').default('callee'),
    ],
    params: ([a, b, to], { legA, legB }, toUri) => ({
      callidA: a,
      legA,
      callidB: b,
      legB,
      ...(to === undefined ? {} : { destination: toUri('destination', to) }),
    }),
  });
  add({
    method: 'Echo',
    name: 'echo',
    summary: 'Send a text to the edge and show what comes back.',
    args: [new Argument('[text...]', 'Words, or one JSON object (default: none)')],
    params: (words) =>
      words[0]?.startsWith('{')
        ? parseJsonObject('text', words.join(' '), '{"text":"hello"}')
        : { text: words.join(' ') },
  });
}

function parseMetadata(json: string): object {
  const metadata = parseJsonObject('--metadata', json, '{"ticket":7}');
  if (Metadata.safeParse(metadata).success) return metadata;
  throw new Failure(
    EXIT.usage,
    `--metadata: ${quote(json)} is not possible. Use a JSON object, not an array, of at most 2048 bytes.`,
  );
}
