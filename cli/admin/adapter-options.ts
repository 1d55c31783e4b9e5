/** The options that say how several adapters share a site. Pure. @module */
import { Option } from 'commander';
import { AdaptersMode } from '../../shared/policy/adapters-setting.ts';
import { choice, parserOf } from '../commands/argument-parsers.ts';

export interface AdapterOptions {
  readonly adapters?: AdaptersMode;
  readonly replicatedDialogs?: 'yes' | 'no';
}

const YES_OR_NO = ['yes', 'no'] as const;

export const ADAPTER_OPTIONS: readonly Option[] = [
  new Option(
    '--adapters <MODE>',
    'How several adapters share the site: standby, one serves it and the others wait; active, all serve it, each beside an OpenSIPS of its own (default: unchanged, at first standby)',
  )
    .choices(AdaptersMode.options)
    .argParser(parserOf('--adapters', choice('a mode of the adapters', AdaptersMode.options))),
  new Option(
    '--replicated-dialogs <YES|NO>',
    'With --adapters active: yes, each OpenSIPS has the dialogs of the others, so an adapter takes over the calls of one that is lost (default: unchanged, at first no)',
  )
    .choices(YES_OR_NO)
    .argParser(parserOf('--replicated-dialogs', choice('yes or no', YES_OR_NO))),
];

/** Returns the settings; undefined ones remain unchanged. */
export function adaptersFor({ adapters, replicatedDialogs }: AdapterOptions): object {
  return {
    adapters,
    replicated_dialogs: replicatedDialogs === undefined ? undefined : replicatedDialogs === 'yes',
  };
}
