/** Adds commands of `call-api admin` and `call-api manage`: each is one request to their API, and the way its response is shown. @module */
import type { Command, Option } from 'commander';
import { alternatives } from '../../shared/settings/quote.ts';
import { showUsageAfterError } from '../commands/usage.ts';
import { EXIT, Failure } from '../exit.ts';
import { describeArgument } from './arguments.ts';

/** A request to the edge, below `/v1/admin` or `/v1/manage`. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** How the response is shown without `--json`. */
export type Display =
  | { readonly as: 'table'; readonly list: string; readonly columns: readonly string[] }
  | { readonly as: 'fields' }
  /** The API key alone, so that it can be piped; hints go to stderr. */
  | { readonly as: 'key' }
  /** The key of an administrator alone, likewise. */
  | { readonly as: 'admin-key' }
  /** The secret of a webhook alone, likewise. */
  | { readonly as: 'secret' }
  | { readonly as: 'nothing' };

/** Sends the request of a command and shows the response. */
export type RunRequest = (request: AdminRequest, display: Display) => Promise<void>;

export interface AdminCommand<Options extends object> {
  /** Name and arguments, such as `create <TENANT>`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly Option[];
  readonly request: (args: readonly string[], options: Options) => AdminRequest;
  readonly display: Display;
}

/** Commands about one kind of resource. */
export class CommandGroup {
  readonly #parent: Command;
  readonly #run: RunRequest;
  readonly #isOwn: boolean;

  /** @param options.isOwn the commands are for a tenant itself: they lack the argument TENANT, and their paths lack the tenant */
  constructor(parent: Command, run: RunRequest, { isOwn = false } = {}) {
    this.#parent = parent;
    this.#run = run;
    this.#isOwn = isOwn;
  }

  add<Options extends object = object>({
    usage,
    summary,
    options = [],
    request,
    display,
  }: AdminCommand<Options>): void {
    const command = this.#parent
      .command(this.#isOwn ? usage.replace(' <TENANT>', '') : usage)
      .description(summary);
    for (const argument of command.registeredArguments) describeArgument(argument);
    for (const option of options) command.addOption(option);
    command.action(() => {
      const made = this.#isOwn
        ? withoutTenant(request(['', ...command.args], command.opts<Options>()))
        : request(command.args, command.opts<Options>());
      if (made.method === 'PATCH' && isEmpty(made.body))
        throw new Failure(EXIT.usage, `Nothing to change. Use at least one of ${flagsOf(options)}.`);
      return this.#run(made, display);
    });
    showUsageAfterError(command);
  }
}

function withoutTenant(request: AdminRequest): AdminRequest {
  return { ...request, path: request.path.replace(/^\/tenants\/(?:\/|$)/, '/').replace(/^\/$/, '') };
}

function isEmpty(body: object = {}): boolean {
  return Object.values(body).every((value) => value === undefined);
}

function flagsOf(options: readonly Option[]): string {
  return alternatives(options.flatMap(({ long }) => long ?? []));
}

/** Returns the path of a resource. */
export function pathOf(...parts: readonly (string | number | undefined)[]): string {
  return parts.map((part) => `/${encodeURIComponent(part ?? '')}`).join('');
}

/** Returns a path with those query parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size > 0 ? `${path}?${query}` : path;
}
