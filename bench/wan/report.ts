/** The table of `npm run bench -- --wan`, with the medians of its runs. Pure. @module */
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import type { Measurement } from './measure.ts';

/** The figures of a measurement, by the names of the table's columns. */
export interface Figures {
  readonly clientMessages: number;
  readonly linkMessages: number;
  readonly rows: number;
  readonly rowsPerStart: number;
  readonly alarms: number;
  readonly linkBytes: number;
  readonly edgeCpuMs: number;
  readonly adapterCpuMs: number;
  readonly edgeMb: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly dollarsPerMillion: number;
  readonly failures: number;
}

/** Returns the figures; messages, rows, alarms and bytes for each second of the load. */
export function figuresOf(measurement: Measurement): Figures {
  const { counts, seconds, starts, others, latenciesMs, dollars, failures, unended } = measurement;
  const { client, adapter, rowsWritten, alarmsSet } = counts;
  return {
    clientMessages: client.in / seconds,
    linkMessages: adapter.in / seconds,
    rows: rowsWritten / seconds,
    rowsPerStart: rowsWritten / (starts || others),
    alarms: alarmsSet / seconds,
    linkBytes: (adapter.bytesIn + adapter.bytesOut) / seconds,
    edgeCpuMs: measurement.edgeCpuMs,
    adapterCpuMs: measurement.adapterCpuMs,
    edgeMb: measurement.edgeMb,
    medianMs: median(latenciesMs),
    p99Ms: quantile(latenciesMs, 0.99),
    dollarsPerMillion: (dollars / (starts || others)) * 1e6,
    failures: failures + unended + measurement.watchersLost,
  };
}

/** Returns the medians of the figures of several runs. */
export function mediansOf(figures: readonly Figures[]): Figures {
  const [first] = figures;
  if (!first) throw new Error('nothing was measured');
  const names = Object.keys(first) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => [name, median(figures.map((each) => each[name]))]),
  ) as unknown as Figures;
}

const HEADER = ['ms one way', 'CallStarts/s', 'others/s', 'watchers']
  .concat(['client messages/s', 'link messages/s', 'rows/s', 'rows a call', 'alarms/s', 'link KB/s'])
  .concat(['edge CPU ms/s', 'adapter CPU ms/s', 'edge MB', 'latency ms', 'p99', '$ a million', 'failed']);

/** Returns a row for each run. Without CallStarts, rows and dollars are for each call of others. */
export function reportTable(results: readonly (Pick<Measurement, 'run'> & { figures: Figures })[]): string {
  return table(
    HEADER,
    results.map(({ run, figures }) => [
      String(run.delayMs),
      `${run.rate}${run.ends ? ' whole' : ''}`,
      ...[run.others, run.watchers].map(String),
      ...[figures.clientMessages, figures.linkMessages, figures.rows].map((each) => each.toFixed(1)),
      figures.rowsPerStart.toFixed(2),
      figures.alarms.toFixed(2),
      (figures.linkBytes / 1_024).toFixed(1),
      ...[figures.edgeCpuMs, figures.adapterCpuMs, figures.edgeMb].map((each) => each.toFixed(0)),
      ...[figures.medianMs, figures.p99Ms].map((each) => (Number.isNaN(each) ? '-' : each.toFixed(0))),
      figures.dollarsPerMillion.toFixed(2),
      String(figures.failures),
    ]),
  );
}
