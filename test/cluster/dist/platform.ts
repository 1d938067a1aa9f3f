import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinitions } from '../../rehearsal/images/crds';
import { installKinds, kubectl, letGo } from '../kubectl';
import { Namespace, RESTRICTED } from '../namespace';

/** Where etcd of the control plane is backed up, whose jobs are root on its node; their annotation says why. */
const PRIVILEGED = 'kube-system';

/** The manifests of dist/. */
export const FILES = readdirSync('dist')
  .filter(file => file.endsWith('.yaml'))
  .map(file => join('dist', file));
const NAMESPACES = [...new Set(FILES.flatMap(namespacesOf))].filter(name => name !== PRIVILEGED);

function namespacesOf(file: string): string[] {
  const namespaces = parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.getIn(['metadata', 'namespace']));
  return namespaces.filter(namespace => typeof namespace === 'string');
}

/** What must be there before dist/ is: CRDs as they are released, and namespaces that enforce "restricted", and say what they would not like. */
export async function makeNamespaces(): Promise<void> {
  await installKinds(await customResourceDefinitions());
  for (const name of NAMESPACES) await Namespace.create(name, RESTRICTED);
}

/** What is at work later. The rest asks for more processors than a node of the tests has. */
const SHOP = join('dist', 'shop.k8s.yaml');

export async function deleteAllButShop(): Promise<void> {
  await deleteFiles(FILES.filter(file => file !== SHOP));
}

async function deleteFiles(files: string[]): Promise<void> {
  await kubectl(['delete', '--ignore-not-found', ...files.map(file => `--filename=${file}`), '--wait=false']);
  for (const kind of ['volumesnapshots', 'volumesnapshotcontents']) await letGo(kind, '--all-namespaces');
}

export async function deletePlatform(): Promise<void> {
  await deleteFiles(FILES);
  await Promise.all(NAMESPACES.map(name => new Namespace(name).delete()));
}
