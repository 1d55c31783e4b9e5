/** Checks at the end of a run that everybody who shows the active calls shows the same, and those that OpenSIPS has. @module */
import type { Call } from '../../../client/index.ts';
import type { Ledger } from '../../../simulator/index.ts';
import type { ConsolePage } from '../harness/console-page.ts';
import type { ShippedClient } from '../harness/shipped-client.ts';
import { isActive } from './dialogs.ts';

/**
 * By then a client has noticed a dead socket (15 s) and is connected again, and the edge has corrected its list (30 s, the
 * promise of docs/protocol.md).
 */
const EQUAL_WITHIN_MS = 45_000;
const POLL_INTERVAL_MS = 250;

/**
 * Waits until the lists of all watches and of the console equal that of `CallList`, and that equals the ledger. Resolves with
 * the differences that remain, and with what was wrong on the way.
 */
export async function findListDifferences(
  client: ShippedClient,
  ledger: Ledger,
  consolePage?: ConsolePage,
): Promise<string[]> {
  // The snapshot of somebody who begins only now.
  client.watch();
  const deadline = Date.now() + EQUAL_WITHIN_MS;
  for (;;) {
    const found = await compareLists(client, ledger, consolePage).catch((error: unknown) => [
      `CallList has failed: ${String(error)}`,
    ]);
    if (found.length === 0 || Date.now() >= deadline)
      return [
        ...found,
        ...client.watches.flatMap(({ violations }, n) => violations.map((text) => `watch ${n}: ${text}`)),
        ...(consolePage?.errors ?? []).map((text) => `console: ${text}`),
      ];
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

async function compareLists(
  client: ShippedClient,
  ledger: Ledger,
  consolePage: ConsolePage | undefined,
): Promise<string[]> {
  const listed = await client.list();
  const watches = client.watches.flatMap((watch, n) =>
    watch.differencesFrom(listed).map((text) => `watch ${n}: ${text}`),
  );
  const inConsole = (await consolePage?.differencesFrom(listed)) ?? [];
  return [...compareWithLedger(listed, ledger), ...watches, ...inConsole.map((text) => `console: ${text}`)];
}

function compareWithLedger(listed: readonly Call[], ledger: Ledger): string[] {
  const active = new Set(ledger.dialogs.filter(isActive).map(({ callid }) => callid));
  const shown = new Set(listed.map(({ callid }) => callid));
  return [
    ...[...shown]
      .filter((callid) => !active.has(callid))
      .map((callid) => `CallList: ${callid} is not active`),
    ...[...active].filter((callid) => !shown.has(callid)).map((callid) => `CallList: ${callid} is missing`),
  ];
}
