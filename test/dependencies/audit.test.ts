import { expect, it } from 'vitest';
import { faults, type Locked } from './audit.ts';

const good: Locked = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' };
const audit = (locked: Locked, installed: Locked = good) =>
  faults(
    { '': {}, 'node_modules/a/node_modules/b': locked },
    { 'node_modules/a/node_modules/b': installed },
    new Set(['builder']),
  );

it('has nothing to say of what is pinned, licensed and installed as locked', () => {
  expect(audit(good)).toEqual([]);
  expect(audit({ ...good, license: '(MIT OR Apache-2.0)' })).toEqual([]);
  expect(
    faults({ 'node_modules/builder': { ...good, hasInstallScript: true } }, {}, new Set(['builder'])),
  ).toEqual([]);
});

it.each<[string, Locked]>([
  ['digest', { version: '1.0.0', license: 'MIT' }],
  ['digest', { ...good, integrity: 'sha1-x' }],
  ['registry', { ...good, resolved: 'git+ssh://git@example.com/b.git' }],
  ['registry', { ...good, link: true }],
  ['allowScripts', { ...good, hasInstallScript: true }],
  ['given up', { ...good, deprecated: 'use another' }],
  ['licence', { ...good, license: 'AGPL-3.0' }],
  ['licence', { version: '1.0.0', integrity: 'sha512-x' }],
])('tells of a fault: %s', (word, locked) => {
  const [fault, ...others] = audit(locked);
  expect(fault).toMatch(/^b@1\.0\.0 /);
  expect(fault).toContain(word);
  expect(others).toEqual([]);
});

it('tells when another version is installed than is locked', () => {
  expect(audit(good, { ...good, version: '1.0.1' })).toEqual([
    'b@1.0.0 is installed as 1.0.1 but locked as 1.0.0: run npm ci',
  ]);
});
