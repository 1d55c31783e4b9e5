/** The command line: every command with its arguments and flags, from which help, completion and docs/cli.md are made. @module */
import { readFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { CALL_STATES } from '../shared/calls.ts';
import type { Method } from '../shared/methods.ts';
import { COMMANDS, FLAGS, type FlagName } from './admin-commands.ts';
import { completionFor, SHELLS, type Shell } from './completion.ts';
import { openDirect } from './direct.ts';
import { doctor } from './doctor/doctor.ts';
import { openEdge } from './edge.ts';
import { EXIT, EXIT_MEANINGS, type Exit, Failure } from './exit.ts';
import type { Line } from './line.ts';
import { Printer, type Sink } from './printer.ts';
import { get, list, type Which, watch } from './reading.ts';
import { paramsIn, rpc, rpcDirect } from './rpc.ts';
import { runCommand } from './running.ts';
import { CONFIG_ENV, completed, readSettings, SETTINGS, type Settings } from './settings.ts';
import { mint, type Wish } from './token.ts';

/** What a command works with. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Sink;
  readonly err: Sink;
  /** Aborted by the first Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** Is told how it went. */
  readonly exit: (exit: Exit) => void;
}

const LEGS = ['caller', 'callee'];

/** What every command may do with what was given. */
interface Session {
  readonly settings: Settings;
  readonly printer: Printer;
  readonly world: World;
  readonly json: boolean;
}

/** The commands for who only reads them: run, they would say nothing. */
export function silentProgram(): Command {
  const nowhere = { write: () => true };
  const { signal } = new AbortController();
  return createProgram({ env: {}, out: nowhere, err: nowhere, interrupt: signal, exit: () => {} });
}

/** The program; nothing is done before it parses. */
export function createProgram(world: World): Command {
  const program = new Command('call-api')
    .description(
      'Starts, holds, transfers and ends phone calls of an OpenSIPS, and finds out what keeps them from working.',
    )
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this text')
    .helpCommand('help [command]', 'print the text of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void world.out.write(text),
      writeErr: (text) => void world.err.write(text),
    })
    .showHelpAfterError('(--help tells more)')
    .exitOverride()
    .addHelpText('after', `\n${exitHelp()}`);
  for (const { flags, env, help } of Object.values(SETTINGS)) program.option(flags, `${help} (${env})`);
  program
    .option(
      '--config <file>',
      `a JSON file with the names of these flags as keys (${CONFIG_ENV}; default: call-api/config.json in $XDG_CONFIG_HOME)`,
    )
    .option('--json', 'one object of JSON a line');

  /** Adds a command that does this once it is parsed. */
  function add<Options>(
    spec: string,
    summary: string,
    args: readonly Argument[],
    options: readonly Option[],
    act: (session: Session, args: readonly string[], options: Options) => Promise<Exit>,
  ): Command {
    const command = program.command(spec).description(summary);
    for (const argument of args) command.addArgument(argument);
    for (const option of options) command.addOption(option);
    return command.action(async (...given: unknown[]) => {
      const flags = program.opts<Record<string, string | undefined> & { json?: boolean }>();
      const json = flags.json === true;
      const settings = readSettings(settingsIn(flags), world.env, (path) => readFileSync(path, 'utf8'));
      const noColor = (world.env['NO_COLOR'] ?? '') !== '';
      const printer = new Printer(world.out, world.err, { json, noColor });
      const words = given
        .slice(0, args.length)
        .flatMap((each) => (each === undefined ? [] : each)) as string[];
      world.exit(await act({ settings, printer, world, json }, words, command.opts<Options & object>()));
    });
  }

  /** Adds one that is a command of the Call API. */
  function addCall<Options>(
    method: Method,
    spec: string,
    summary: string,
    args: readonly Argument[],
    options: readonly Option[],
    paramsOf: (args: readonly string[], options: Options, address: (text: string) => string) => object,
  ): void {
    add<Options & { metadata?: object }>(
      spec,
      summary,
      args,
      [...options, metadata()],
      async (session, words, given) => {
        const address = (text: string) => completed(text, session.settings.domain);
        const params = {
          ...paramsOf(words, given, address),
          ...(given.metadata ? { metadata: given.metadata } : {}),
        };
        return withLine(session, (line) =>
          runCommand(line, method, params, session.printer, world.interrupt),
        );
      },
    );
  }

  const callid = () => new Argument('<callid>', 'the Call-ID, as list and start tell it');
  const leg = (flag: string, help: string) => new Option(`${flag} <leg>`, help).choices(LEGS);

  addCall<StartOptions>(
    'CallStart',
    'start',
    'ring the caller, then connect it with the callee; Ctrl-C until then ends it',
    [
      new Argument('<caller>', 'whose phone rings first: alice, alice@example.com or sip:…'),
      new Argument('<callee>', 'whom it then calls'),
    ],
    [
      new Option(
        '--ring <seconds>',
        "how long the caller's phone may ring, 5 to 180 (default: 60)",
      ).argParser(wholeNumber),
      new Option('--display <name>', "what the caller's phone shows"),
      new Option('--auto-answer', "ask the caller's phone to answer by itself"),
      new Option(
        '--header <name=value>',
        "an X- header for the caller's phone; may stand several times",
      ).argParser(headers),
    ],
    ([caller = '', callee = ''], { ring, display, autoAnswer, header }, address) => ({
      caller: address(caller),
      callee: address(callee),
      ...(ring === undefined ? {} : { timeout: ring }),
      ...(display === undefined ? {} : { display }),
      ...(autoAnswer ? { auto_answer: true } : {}),
      ...(header ? { headers: header } : {}),
    }),
  );
  addCall(
    'CallEnd',
    'end',
    'end a call',
    [new Argument('<callid>', 'the Call-ID; or the cmd_id of a CallStart')],
    [],
    ([id]) => ({ callid: id }),
  );
  for (const [method, spec, summary] of [
    ['CallHold', 'hold', 'put a call on hold'],
    ['CallUnhold', 'unhold', 'take a call up again'],
  ] as const)
    addCall<{ leg?: string }>(
      method,
      spec,
      summary,
      [callid()],
      [leg('--leg', 'that side alone; it needs OpenSIPS 4.0')],
      ([id], { leg: side }) => ({
        callid: id,
        ...(side === undefined ? {} : { leg: side }),
      }),
    );
  addCall<{ leg: string }>(
    'CallBlindTransfer',
    'transfer',
    'send one side of a call to somebody else',
    [callid(), new Argument('<destination>', 'to whom')],
    [leg('--leg', 'who is sent away').default('callee')],
    ([id, to = ''], { leg: side }, address) => ({ callid: id, leg: side, destination: address(to) }),
  );
  addCall<{ legA: string; legB: string }>(
    'CallAttendedTransfer',
    'attended',
    'connect one side of a call with one side of another',
    [
      new Argument('<callid-a>', 'the call whose side is sent'),
      new Argument('<callid-b>', 'the call that it takes the place in'),
      new Argument('[destination]', 'to whom, where the phones need another address'),
    ],
    [
      leg('--leg-a', 'who is sent, of the first call').default('callee'),
      leg('--leg-b', 'with whom, of the second call').default('callee'),
    ],
    ([a, b, to], { legA, legB }, address) => ({
      callidA: a,
      legA,
      callidB: b,
      legB,
      ...(to === undefined ? {} : { destination: address(to) }),
    }),
  );
  addCall(
    'Echo',
    'echo',
    'get back what is sent: does the edge answer?',
    [new Argument('[text...]', 'words, or one object of JSON')],
    [],
    (words) => (words[0]?.startsWith('{') ? paramsIn(words.join(' ')) : { text: words.join(' ') }),
  );

  add<Which>(
    'list',
    'list the calls that stand',
    [],
    [
      new Option('--state <state...>', 'calls in these states').choices(CALL_STATES),
      new Option('--address <address>', 'calls of this SIP URI or user@host'),
      new Option('--limit <n>', 'so many at most, 1 to 500 (default: 100)').argParser(wholeNumber),
      new Option('--all', 'those that have ended too, as far as they are kept'),
    ],
    (session, _, which) =>
      withLine(session, (line) => orInterrupted(list(line, which, session.printer), world.interrupt)),
  );
  add('get', 'show a call and what it has gone through', [callid()], [], (session, [id = '']) =>
    withLine(session, (line) => orInterrupted(get(line, id, session.printer), world.interrupt)),
  );
  add(
    'watch',
    'show the calls as they change, until Ctrl-C',
    [new Argument('[callid]', 'this one alone')],
    [],
    (session, [id]) => withLine(session, (line) => watch(line, id, session.printer, world.interrupt)),
  );
  add(
    'rpc',
    'send one request and print the raw messages until the command has ended',
    [
      new Argument('[method]', 'such as CallStart').default('Echo'),
      new Argument('[params]', 'an object of JSON').default('{}'),
    ],
    [],
    ({ settings, printer }, [method = '', json = '']) => {
      const params = paramsIn(json);
      return settings.direct
        ? withLine({ settings, printer }, (line) =>
            rpcDirect(line, method, params, world.out, world.interrupt),
          )
        : rpc(settings, method, params, world.out, world.interrupt);
    },
  );
  add<Wish>(
    'token',
    'trade an API key for the token of one user',
    [new Argument('<subject>', 'whose it is: 1 to 128 printable characters')],
    [
      new Option('--caller <address>', 'the only address that may dial with it'),
      new Option('--scope <scope...>', 'what it may do, such as CallStart (default: what the key may)'),
      new Option('--expires <seconds>', 'how long it holds, 60 to 86400 (default: 3600)').argParser(
        wholeNumber,
      ),
    ],
    (session, [subject = ''], wish) => {
      mustBeEdge(session.settings, 'token');
      return mint(session.settings, subject, wish, session.printer);
    },
  );
  add<{ testAddress?: string }>(
    'doctor',
    'find out what is wrong between here and the phones, and what mends it',
    [],
    [
      new Option(
        '--test-address <address>',
        'a phone that may be called for a moment: so the script and the events are seen at work',
      ),
    ],
    ({ settings, printer }, _, { testAddress }) =>
      doctor(
        settings,
        testAddress === undefined ? undefined : completed(testAddress, settings.domain),
        printer,
      ),
  );
  add(
    'completion',
    'print what completes commands and flags in a shell',
    [new Argument('<shell>').choices(SHELLS)],
    [],
    async (_, [shell]) => {
      world.out.write(completionFor(shell as Shell, program));
      return EXIT.done;
    },
  );
  program.addCommand(adminTree());
  return program;
}

/** Of `admin` the tree only: its own parser reads it, see {@link administer}. */
function adminTree(): Command {
  const admin = new Command('admin').description('administer the tenants of an edge; needs ADMIN_SECRET');
  const groups = new Map<string, Command>();
  for (const [name, { takes, flags, help }] of Object.entries(COMMANDS)) {
    const [group = '', word] = name.split(' ');
    if (word !== undefined && !groups.has(group))
      groups.set(group, admin.command(group).description(`create, change and list each ${group}`));
    const parent = word === undefined ? admin : groups.get(group);
    const command = parent?.command(word ?? group).description(help);
    for (const argument of takes) command?.argument(argument.startsWith('[') ? argument : `<${argument}>`);
    for (const flag of [...flags, 'edge', 'secret-file', 'json'] as FlagName[]) {
      const known: { readonly value?: string; readonly help: string } = FLAGS[flag];
      command?.option(known.value ? `--${flag} <${known.value}>` : `--${flag}`, known.help);
    }
  }
  return admin;
}

interface StartOptions {
  readonly ring?: number;
  readonly display?: string;
  readonly autoAnswer?: boolean;
  readonly header?: Readonly<Record<string, string>>;
}

/** The exit codes, for the end of the help. */
function exitHelp(): string {
  const rows = Object.entries(EXIT_MEANINGS).map(
    ([name, meaning]) => `  ${String(EXIT[name as keyof typeof EXIT]).padEnd(5)}${meaning}`,
  );
  return `Exit codes:\n${rows.join('\n')}`;
}

/** Opens the way, does it, and closes it whatever comes. */
async function withLine(
  { settings, printer }: Pick<Session, 'settings' | 'printer'>,
  act: (line: Line) => Promise<Exit>,
): Promise<Exit> {
  const say = (sentence: string) => printer.hint(sentence);
  const line = settings.direct ? await openDirect(settings, say) : openEdge(settings, say);
  try {
    return await act(line);
  } finally {
    await line.close();
  }
}

/** Where nothing is to be ended, Ctrl-C just leaves. */
function orInterrupted(exit: Promise<Exit>, interrupt: AbortSignal): Promise<Exit> {
  return Promise.race([
    exit,
    new Promise<Exit>((resolve) => {
      interrupt.addEventListener('abort', () => resolve(EXIT.interrupted), { once: true });
    }),
  ]);
}

function mustBeEdge({ direct }: Settings, command: string): void {
  if (direct) throw new Failure(EXIT.usage, `${command} is the edge's: leave --direct (CALL_API_DIRECT) out`);
}

/** Flags as settings name them: commander writes `token-file` as `tokenFile`. */
function settingsIn(flags: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const given: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(flags))
    if (typeof value === 'string')
      given[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value;
  return given;
}

function metadata(): Option {
  return new Option('--metadata <json>', 'an object that stays with the call, and is told with it').argParser(
    paramsIn,
  );
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number.');
}

function headers(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { ...before, [name]: value };
  throw new InvalidArgumentError('It takes NAME=VALUE, such as X-Ticket=4711.');
}
