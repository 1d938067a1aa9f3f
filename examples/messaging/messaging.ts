import { Chart } from 'cdk8s';
import { Assertion, DatabaseBackup, Encryption, Engine, RabbitmqVersion, Retention, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** The definitions of a message broker. Its messages are not backed up. */
export class Messaging extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'messaging', { namespace: 'messaging' });
    const events = new DatabaseBackup(this, 'events', {
      engine: Engine.rabbitmq({ version: RabbitmqVersion.V4_0 }),
      host: 'broker',
      credentials: SecretRef.named('broker-backup'),
      repository: volumeBeside(this, '1Gi', {
        // They hold password hashes. Of this pair the backup's pods have only this half; the other is in a Secret, and in a safe.
        encryption: Encryption.age({
          recipients: ['age166xqv8rp7dy2gh2lf8tv0y6nm5fwmpyd0s69eupqr9evgwrd2y8qsgcn4u'],
          identity: SecretRef.named('backup-identity').key('identity'),
          image: 'registry.example/age:1.2.1',
        }),
      }),
      retention: Retention.keep({ daily: 14 }),
    });
    events.addReencryption();
    events.addKeyDrill({ key: SecretRef.named('escrow').key('identity') });
    events.addVerification({ assertions: [Assertion.equalTo('list_queues name', 'waiting', { database: 'shop ж' })] });
    events.addRestore();
  }
}
