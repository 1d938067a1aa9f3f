import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chart } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Engine,
  RedisVersion,
  Repository,
  RepositoryCheck,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

export const NAMESPACE = 'keys';

/** A backup to a restic repository, with what exchanges its password. Returns the directory of the manifests. */
export function platform(password: string): string {
  const dist = mkdtempSync(join(tmpdir(), 'e2e-restic-keys-'));
  const app = new BackupApp({ outdir: dist });
  const key = (secret: string) => SecretRef.named(secret).key('password');
  const backup = new DatabaseBackup(new Chart(app, NAMESPACE, { namespace: NAMESPACE }), 'cache', {
    engine: Engine.redis({ version: RedisVersion.V7_2 }),
    host: 'cache',
    credentials: SecretRef.named('cache'),
    dataVolume: DataVolume.claim('data'),
    repository: Repository.restic({ location: ResticLocation.local({ claimName: 'restic' }), password: key(password) }),
    retention: Retention.keep({ last: 50 }),
    retries: 0,
  });
  backup.addVerification({ retries: 0, checkRepository: RepositoryCheck.none() });
  backup.addKeyRotation({ add: key('next'), remove: key('first') });
  backup.addKeyDrill({ key: key('escrow') });
  app.synth();
  return dist;
}
