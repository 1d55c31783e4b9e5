import { expect, it } from 'vitest';
import { auditPackages, type LockedPackage } from './audit.ts';

const good: LockedPackage = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' };
const audit = (locked: LockedPackage, installed: LockedPackage = good) =>
  auditPackages(
    { '': {}, 'node_modules/a/node_modules/b': locked },
    { 'node_modules/a/node_modules/b': installed },
    new Set(['builder']),
  );

it('accepts packages that are pinned, licensed and installed as locked', () => {
  expect(audit(good)).toEqual([]);
  expect(audit({ ...good, license: '(MIT OR Apache-2.0)' })).toEqual([]);
  expect(
    auditPackages({ 'node_modules/builder': { ...good, hasInstallScript: true } }, {}, new Set(['builder'])),
  ).toEqual([]);
});

it('accepts the workspaces of the project, which are folders with links to them', () => {
  const link = { link: true, resolved: 'test/clients' };
  expect(auditPackages({ '': {}, 'test/clients': {}, 'node_modules/clients': link }, {}, new Set())).toEqual(
    [],
  );
});

it.each<[string, LockedPackage]>([
  ['digest', { version: '1.0.0', license: 'MIT' }],
  ['digest', { ...good, integrity: 'sha1-x' }],
  ['registry', { ...good, resolved: 'git+ssh://git@example.com/b.git' }],
  ['registry', { ...good, link: true }],
  ['allowScripts', { ...good, hasInstallScript: true }],
  ['deprecated', { ...good, deprecated: 'use another' }],
  ['license', { ...good, license: 'AGPL-3.0' }],
  ['license', { version: '1.0.0', integrity: 'sha512-x' }],
])('reports a problem with the %s: %o', (word, locked) => {
  const [problem, ...others] = audit(locked);
  expect(problem).toMatch(/^b@1\.0\.0 /);
  expect(problem).toContain(word);
  expect(others).toEqual([]);
});

it('reports an installed version that differs from the locked one', () => {
  expect(audit(good, { ...good, version: '1.0.1' })).toEqual([
    'b@1.0.0 is installed as 1.0.1 but locked as 1.0.0: run npm ci',
  ]);
});
