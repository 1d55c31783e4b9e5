/** The commands that are commands of the Call API: start, end, hold, unhold, transfer, attended and echo. @module */
import { Argument, Option } from 'commander';
import type { CommandMethod } from '../../shared/protocol/rpc/commands.ts';
import { collectHeader, completeAddress, parseJsonObject, parseWholeNumber } from './argument-parsers.ts';
import type { CommandBuilder, CommandDefinition } from './builder.ts';
import { runCommand } from './run-command.ts';
import { withTransport } from './session.ts';

interface CallCommand<Options extends object> extends Omit<CommandDefinition<Options>, 'act'> {
  readonly method: CommandMethod;
  /** Returns the params of the request. */
  readonly params: (args: readonly string[], options: Options, toUri: (address: string) => string) => object;
}

interface StartOptions {
  readonly ring?: number;
  readonly display?: string;
  readonly autoAnswer?: boolean;
  readonly header?: Readonly<Record<string, string>>;
}

const METADATA = () =>
  new Option('--metadata <json>', 'an object that stays with the call, and is told with it').argParser(
    parseJsonObject,
  );

const callid = () => new Argument('<callid>', 'the Call-ID, as list and start tell it');

const leg = (flag: string, help: string) => new Option(`${flag} <leg>`, help).choices(['caller', 'callee']);

export function addCallCommands(builder: CommandBuilder): void {
  const add = <Options extends object>({ method, params, options = [], ...rest }: CallCommand<Options>) =>
    builder.add<Options & { readonly metadata?: object }>({
      ...rest,
      options: [...options, METADATA()],
      act: async (session, args, given) => {
        const toUri = (address: string) => completeAddress(address, session.settings.domain);
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
    summary: 'ring the caller, then connect it with the callee; Ctrl-C until then ends it',
    args: [
      new Argument('<caller>', 'whose phone rings first: alice, alice@example.com or sip:…'),
      new Argument('<callee>', 'whom it then calls'),
    ],
    options: [
      new Option(
        '--ring <seconds>',
        "how long the caller's phone may ring, 5 to 180 (default: 60)",
      ).argParser(parseWholeNumber),
      new Option('--display <name>', "what the caller's phone shows"),
      new Option('--auto-answer', "ask the caller's phone to answer by itself"),
      new Option(
        '--header <name=value>',
        "an X- header for the caller's phone; may stand several times",
      ).argParser(collectHeader),
    ],
    params: ([caller = '', callee = ''], { ring, display, autoAnswer, header }, toUri) => ({
      caller: toUri(caller),
      callee: toUri(callee),
      ...(ring === undefined ? {} : { timeout: ring }),
      ...(display === undefined ? {} : { display }),
      ...(autoAnswer ? { auto_answer: true } : {}),
      ...(header ? { headers: header } : {}),
    }),
  });
  add({
    method: 'CallEnd',
    name: 'end',
    summary: 'end a call',
    args: [new Argument('<callid>', 'the Call-ID; or the cmd_id of a CallStart')],
    params: ([id]) => ({ callid: id }),
  });
  for (const [method, name, summary] of [
    ['CallHold', 'hold', 'put a call on hold'],
    ['CallUnhold', 'unhold', 'take a call up again'],
  ] as const)
    add<{ readonly leg?: string }>({
      method,
      name,
      summary,
      args: [callid()],
      options: [leg('--leg', 'that side alone; it needs OpenSIPS 4.0')],
      params: ([id], { leg: side }) => ({ callid: id, ...(side === undefined ? {} : { leg: side }) }),
    });
  add<{ readonly leg: string }>({
    method: 'CallBlindTransfer',
    name: 'transfer',
    summary: 'send one side of a call to somebody else',
    args: [callid(), new Argument('<destination>', 'to whom')],
    options: [leg('--leg', 'who is sent away').default('callee')],
    params: ([id, to = ''], { leg: side }, toUri) => ({ callid: id, leg: side, destination: toUri(to) }),
  });
  add<{ readonly legA: string; readonly legB: string }>({
    method: 'CallAttendedTransfer',
    name: 'attended',
    summary: 'connect one side of a call with one side of another',
    args: [
      new Argument('<callid-a>', 'the call whose side is sent'),
      new Argument('<callid-b>', 'the call that it takes the place in'),
      new Argument('[destination]', 'to whom, where the phones need another address'),
    ],
    options: [
      leg('--leg-a', 'who is sent, of the first call').default('callee'),
      leg('--leg-b', 'with whom, of the second call').default('callee'),
    ],
    params: ([a, b, to], { legA, legB }, toUri) => ({
      callidA: a,
      legA,
      callidB: b,
      legB,
      ...(to === undefined ? {} : { destination: toUri(to) }),
    }),
  });
  add({
    method: 'Echo',
    name: 'echo',
    summary: 'get back what is sent: does the edge answer?',
    args: [new Argument('[text...]', 'words, or one object of JSON')],
    params: (words) =>
      words[0]?.startsWith('{') ? parseJsonObject(words.join(' ')) : { text: words.join(' ') },
  });
}
