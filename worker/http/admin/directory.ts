/** The one object that lists tenants and administrators. @module */
import { DIRECTORY_NAME, type Directory } from '../../tenant/directory.ts';

export function directoryOf({ DIRECTORY: namespace }: Pick<Env, 'DIRECTORY'>): DurableObjectStub<Directory> {
  return namespace.get(namespace.idFromName(DIRECTORY_NAME));
}
