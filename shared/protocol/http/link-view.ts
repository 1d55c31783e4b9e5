/** The state of the link in HTTP responses. @module */
import * as z from 'zod';
import { DialHealth } from '../dial.ts';
import { OpenSipsStatus } from '../link.ts';
import { DiagnosisResult } from '../rpc/diagnosis.ts';

const { connected, adapter, adapter_version, node_version } = DiagnosisResult.shape.link.shape;

export const LinkView = z.object({
  connected,
  adapter,
  adapter_version,
  node_version,
  opensips: OpenSipsStatus.optional(),
  dial: DialHealth.optional(),
  seconds: z.number().int().optional().meta({ description: 'seconds since the adapter connected' }),
});
