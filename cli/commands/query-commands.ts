/** The commands that read the calls of a site: list, get and watch. @module */
import { Argument, Option } from 'commander';
import { CALL_STATES } from '../../shared/calls/call.ts';
import { parseWholeNumber } from './argument-parsers.ts';
import type { CommandBuilder } from './builder.ts';
import { getCall, type ListFilter, listCalls, watchCalls } from './list-calls.ts';
import { untilInterrupted, withTransport } from './session.ts';

export function addQueryCommands(builder: CommandBuilder): void {
  builder.add<ListFilter>({
    name: 'list',
    summary: 'list the calls that stand',
    options: [
      new Option('--state <state...>', 'calls in these states').choices(CALL_STATES),
      new Option('--address <address>', 'calls of this SIP URI or user@host'),
      new Option('--limit <n>', 'so many at most, 1 to 500 (default: 100)').argParser(parseWholeNumber),
      new Option('--all', 'those that have ended too, as far as they are kept'),
    ],
    act: (session, _, filter) =>
      withTransport(session, (transport) =>
        untilInterrupted(listCalls(transport, filter, session.printer), session.context.interrupt),
      ),
  });
  builder.add({
    name: 'get',
    summary: 'show a call and what it has gone through',
    args: [new Argument('<callid>', 'the Call-ID, as list and start tell it')],
    act: (session, [callid = '']) =>
      withTransport(session, (transport) =>
        untilInterrupted(getCall(transport, callid, session.printer), session.context.interrupt),
      ),
  });
  builder.add({
    name: 'watch',
    summary: 'show the calls as they change, until Ctrl-C',
    args: [new Argument('[callid]', 'this one alone')],
    act: (session, [callid]) =>
      withTransport(session, (transport) =>
        watchCalls(transport, callid, session.printer, session.context.interrupt),
      ),
  });
}
