import { Chart } from 'cdk8s';
import { Assertion, DatabaseBackup, DataVolume, Engine, RedisVersion, Retention, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** Sessions in Redis, as its replicas get them. A restore works on the volume of the server while that is scaled to zero. */
export class Sessions extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'sessions', { namespace: 'sessions' });
    const logins = new DatabaseBackup(this, 'logins', {
      engine: Engine.redis({ version: RedisVersion.V7_2 }),
      host: 'sessions-db',
      credentials: SecretRef.named('sessions-backup'),
      dataVolume: DataVolume.claim('data-sessions-db-0'),
      repository: volumeBeside(this, '20Gi'),
      retention: Retention.keep({ last: 4, daily: 3 }),
    });
    logins.addVerification({ assertions: [Assertion.atLeast('dbsize', 10)] });
    logins.addRestore();
  }
}
