import { MariadbVersion } from '../../../lib';
import type { Namespace } from '../namespace';
import { onVolume, volumeClaim } from '../server';

/**
 * Whether a snapshot of the database has a table of Aria that was closed when it was cut: what `aria_chk` says of a volume that begins
 * as the snapshot.
 */
export async function checkedOnVolumeOf(namespace: Namespace, snapshot: string): Promise<string> {
  const name = `aria-${snapshot.slice(0, 30)}`;
  const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot };
  const claim = volumeClaim(name, '256Mi');
  await namespace.apply({ ...claim, spec: { ...claim.spec, dataSource } });
  // It fails where it finds something, which is what is asked here.
  const check = ['sh', '-c', 'aria_chk --check --read-only --datadir=/data/data /data/data/shop/hits; :'];
  const said = await onVolume(namespace, name, MariadbVersion.V10_11.image, check);
  await namespace.output('delete', 'pvc', name, '--wait=false');
  if (!said.includes('Checking Aria file')) throw new Error(said);
  return /warning|error/i.test(said) ? said : 'sound';
}
