/** The result of the method `Diagnose`. @module */
import * as z from 'zod';
import { DIAGNOSTIC_MI_COMMANDS } from '../../opensips/diagnostics.ts';
import { DialHealth } from '../dial.ts';
import { AdapterState, OpenSipsStatus } from '../link.ts';

/** What an adapter says of its OpenSIPS, and that itself. */
const OpenSipsDiagnosis = z.object({
  opensips: OpenSipsStatus.optional(),
  up_since: z.string().optional(),
  missing: z
    .array(z.object({ module: z.string(), command: z.string() }))
    .optional()
    .meta({ description: 'required MI commands that OpenSIPS does not have, and their modules' }),
  missing_recommended: z
    .array(z.object({ module: z.string(), command: z.string() }))
    .optional()
    .meta({ description: 'MI commands that OpenSIPS does not have, and without which others are used' }),
  subscriptions: z
    .array(z.object({ event: z.string(), ttl: z.number().optional() }))
    .optional()
    .meta({ description: 'active event subscriptions, and the seconds until they expire' }),
  unanswered: z
    .partialRecord(z.enum(DIAGNOSTIC_MI_COMMANDS), z.string())
    .meta({ description: 'by MI command: the outcome at the adapter, or the error of OpenSIPS' }),
});

const RoundTrip = z
  .number()
  .optional()
  .meta({ description: 'from the edge to the adapter and back, without OpenSIPS' });

export const AdapterDiagnosisResult = z.object({
  adapter: z.string(),
  round_trip_ms: RoundTrip,
  ...OpenSipsDiagnosis.shape,
});
export type AdapterDiagnosisResult = z.infer<typeof AdapterDiagnosisResult>;

const { unanswered, ...answered } = OpenSipsDiagnosis.shape;

export const DiagnosisResult = z
  .object({
    time: z.number().meta({ description: 'the edge’s clock, in Unix milliseconds' }),
    link: z.object({
      connected: z.boolean(),
      adapter: z.string().optional(),
      adapter_version: z
        .string()
        .optional()
        .meta({ description: 'the release of the adapter; absent from one of 0.2.0' }),
      node_version: z
        .string()
        .optional()
        .meta({ description: 'the version of Node.js that the adapter runs on' }),
      seconds: z.number().optional().meta({ description: 'since the adapter connected' }),
      adapters: z.array(AdapterState).optional().meta({
        description:
          'all adapters of the site that are connected, active ones first, and those that are lost',
      }),
      dial: DialHealth.optional(),
      round_trip_ms: RoundTrip,
    }),
    ...answered,
    last_event_ms: z.number().optional().meta({
      description:
        'milliseconds since the last event of OpenSIPS; absent if there has been none since the site’s object was started',
    }),
    unanswered,
    others: z.array(AdapterDiagnosisResult).optional().meta({
      description: 'the same of each other adapter that serves the site, where all adapters do',
    }),
  })
  .meta({ description: 'members that could not be determined are absent; `unanswered` has the reasons' });
export type DiagnosisResult = z.infer<typeof DiagnosisResult>;
