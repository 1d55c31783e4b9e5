/** The checks of the adapters that are connected to the edge, and of the OpenSIPS of each. @module */
import { describeResponse } from '../../adapter/opensips/mi-message.ts';
import { type AdapterState, ReplyOutcome } from '../../shared/protocol/link.ts';
import type { AdapterDiagnosisResult, DiagnosisResult } from '../../shared/protocol/rpc/diagnosis.ts';
import { EXIT } from '../exit.ts';
import { formatDuration } from '../output/labels.ts';
import { engineFinding } from './engine.ts';
import { type Finding, faulty, passed, type Report, unchecked } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';

/** Returns whether an adapter is connected. */
export function checkLink(
  {
    link: {
      connected,
      adapter = '',
      adapter_version,
      node_version,
      seconds = 0,
      round_trip_ms: ms,
      adapters = [],
      dial,
    },
    others = [],
  }: DiagnosisResult,
  report: Report,
): boolean {
  if (!connected && dial) {
    report(
      faulty(
        'adapter',
        `The edge dials the adapter at ${dial.host}, and there is no link. ${dial.failure ?? 'The adapter has not said hello in time.'}`,
        'Check that it runs with --listen, that its --public-url is the URL of the site (admin site show), and that its proxy or firewall lets the edge through.',
        EXIT.unreachable,
      ),
    );
    return false;
  }
  if (!connected) {
    report(
      faulty(
        'adapter',
        'No adapter is connected.',
        'Start it beside OpenSIPS: npm run adapter. If it runs, its log says why it cannot connect: a wrong key (ADAPTER_KEY) or URL (EDGE_URL), or four other adapters at this site.',
        EXIT.unreachable,
      ),
    );
    return false;
  }
  report(
    passed(
      'adapter',
      `The adapter ${adapter} has been connected for ${formatDuration(seconds * 1_000)}${dial ? `; the edge has dialed it at ${dial.host}` : ''}. ${adapterSoftware(adapter_version, node_version)}`,
    ),
  );
  for (const other of adapters.filter((each) => each.adapter !== adapter)) report(otherAdapterFinding(other));
  reportRoundTrip({ adapter, round_trip_ms: ms }, others.length > 0, report);
  for (const other of others) reportRoundTrip(other, true, report);
  return true;
}

/** @param isNamed there are several adapters */
function reportRoundTrip(
  { adapter, round_trip_ms: ms }: Pick<AdapterDiagnosisResult, 'adapter' | 'round_trip_ms'>,
  isNamed: boolean,
  report: Report,
): void {
  const named = isNamed ? `The adapter ${adapter}` : 'The adapter';
  report(
    ms === undefined
      ? faulty(
          'round trip',
          `${named} does not answer the edge.`,
          'Restart the adapter, and look at its log.',
          EXIT.unreachable,
        )
      : passed('round trip', `${ms} ms from the edge to ${named.replace('The', 'the')} and back.`),
  );
}

/** An adapter that serves the site is shown as `adapter`, whatever others do, and one that waits as `standby`. */
function otherAdapterFinding({ adapter, role, version, node, seconds, reachable }: AdapterState): Finding {
  const time = formatDuration(seconds * 1_000);
  if (role === 'lost') {
    const advice =
      'Start it again. If it is not back five minutes after it was lost, its calls count as ended.';
    return faulty('adapter', `The adapter ${adapter} was lost ${time} ago.`, advice, EXIT.unreachable);
  }
  const [check, task] =
    role === 'active'
      ? (['adapter', 'served the site as well'] as const)
      : (['standby', 'waited as standby'] as const);
  const connected = `The adapter ${adapter} has ${task} for ${time}.`;
  if (reachable) return passed(check, `${connected} ${adapterSoftware(version, node)}`);
  const advice = 'See its log, and check its --opensips (OPENSIPS_MI).';
  return faulty(check, `${connected} Its OpenSIPS does not answer.`, advice, EXIT.unreachable);
}

function adapterSoftware(version = '0.2.0 or earlier', node?: string): string {
  return `Its version is ${version}${node === undefined ? '' : `, on Node.js ${node}`}.`;
}

/** Checks the OpenSIPS of each adapter that serves the site, and names the adapters if there are several. Returns whether MI answers. */
export function checkEachOpenSips(diagnosis: DiagnosisResult, report: Report): boolean {
  const { link, others = [] } = diagnosis;
  if (others.length === 0) return checkOpenSips(diagnosis, report);
  const all = [{ ...diagnosis, adapter: link.adapter ?? '' }, ...others];
  const answers = all.map((each) =>
    checkOpenSips(each, (finding) => report({ ...finding, says: `${each.adapter}: ${finding.says}` })),
  );
  return answers.every((answer) => answer);
}

/** Returns whether MI answers. */
function checkOpenSips(
  {
    opensips: health,
    up_since,
    missing,
    missing_recommended,
    subscriptions,
    unanswered,
  }: Omit<AdapterDiagnosisResult, 'adapter'>,
  report: Report,
): boolean {
  if (unanswered.uptime === 'refused') {
    report(
      unchecked(
        'mi',
        'Not checked: the adapter does not allow it. Update the adapter, or add uptime,which,subscribers_list to its --allow (MI_ALLOW).',
      ),
    );
    return false;
  }
  if (up_since === undefined) {
    report(
      faulty(
        'mi',
        `OpenSIPS does not answer the adapter: ${outcomeText(unanswered.uptime)}.`,
        'Check that OpenSIPS is running, and that --opensips (OPENSIPS_MI) of the adapter is the socket_name of its mi_datagram module.',
        EXIT.unreachable,
      ),
    );
    return false;
  }
  report(passed('mi', `OpenSIPS answers. It is up since ${up_since}.`));
  report(versionFinding(health?.version ?? ''));
  report(
    missing
      ? modulesFinding(missing)
      : unchecked('modules', `Not checked: OpenSIPS did not answer which: ${outcomeText(unanswered.which)}.`),
  );
  // An edge of an earlier release does not say whether OpenSIPS has the command.
  const hasCommand = missing_recommended && missing_recommended.length === 0;
  report(engineFinding(health?.version ?? '', health?.in_dialog, hasCommand));
  report(
    subscriptions
      ? subscriptionsFinding(subscriptions)
      : unchecked(
          'subscriptions',
          `Not checked: OpenSIPS did not answer subscribers_list: ${outcomeText(unanswered.subscribers_list)}.`,
        ),
  );
  return true;
}

/** @param reason an outcome at the adapter, or the error of OpenSIPS */
function outcomeText(reason = 'no response'): string {
  const outcome = ReplyOutcome.safeParse(reason);
  return outcome.success ? describeResponse({ outcome: outcome.data }) : reason;
}
