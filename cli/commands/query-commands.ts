/** The commands that read the calls of a site: list, get and watch. @module */
import { Option } from 'commander';
import * as z from 'zod';
import { CALL_STATES } from '../../shared/calls/call.ts';
import { CALL_LIST_LIMIT, queryParams } from '../../shared/protocol/rpc/queries.ts';
import { wholeNumber } from '../../shared/settings/value-types.ts';
import { MAX_URI_LENGTH } from '../../shared/sip/sip-uri.ts';
import { acceptedBy, choice, listParserOf, parserOf } from './argument-parsers.ts';
import type { CommandBuilder } from './builder.ts';
import { callIdArgument } from './call-commands.ts';
import { getCall, type ListFilter, listCalls, watchCalls } from './list-calls.ts';
import { withTransport } from './session.ts';

const Cursor = acceptedBy(
  queryParams.CallList,
  'is not a cursor. Use the number that the previous list has told.',
  (cursor) => ({ cursor }),
);

const Address = z
  .string()
  .min(1, 'is empty. Write it like alice@example.com.')
  .max(MAX_URI_LENGTH, `is longer than ${MAX_URI_LENGTH} characters. Write it like alice@example.com.`);

export function addQueryCommands(builder: CommandBuilder): void {
  builder.add<ListFilter>({
    name: 'list',
    summary: 'List the active calls.',
    options: [
      new Option('--state <state...>', 'Only calls in these states (default: all but ended)')
        .choices(CALL_STATES)
        .argParser(listParserOf('--state', choice('a state of a call', CALL_STATES))),
      new Option(
        '--address <address>',
        'Only calls of this caller or callee: a SIP URI or user@host (default: all)',
      ).argParser(parserOf('--address', Address)),
      new Option(
        '--limit <n>',
        `Maximum number of calls, 1 to ${CALL_LIST_LIMIT.max} (default: ${CALL_LIST_LIMIT.default})`,
      ).argParser(parserOf('--limit', wholeNumber(1, CALL_LIST_LIMIT.max))),
      new Option(
        '--cursor <n>',
        'Where to continue, as the previous list has told (default: from the newest call)',
      ).argParser(parserOf('--cursor', Cursor)),
      new Option('--all', 'Include ended calls that are still stored'),
    ],
    act: (session, _, filter) =>
      withTransport(session, (transport) => listCalls(transport, filter, session.printer)),
  });
  builder.add({
    name: 'get',
    summary: 'Show a call and its history.',
    args: [callIdArgument('<callid>', 'Call-ID of the call')],
    act: (session, [callid = '']) =>
      withTransport(session, (transport) => getCall(transport, callid, session.printer)),
  });
  builder.add({
    name: 'watch',
    summary: 'Show the active calls and each change, until Ctrl-C.',
    args: [callIdArgument('[callid]', 'Call-ID of the only call to watch (default: all calls)')],
    act: (session, [callid]) =>
      withTransport(session, (transport) => watchCalls(transport, callid, session.printer)),
  });
}
