import { Chart, Duration } from 'cdk8s';
import { Assertion, DatabaseBackup, DataVolume, Engine, PostgresVersion, Retention, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** The ledger cannot lose an hour: base backups of the whole server, and its log as it is written. */
export class Ledger extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'ledger', { namespace: 'ledger' });
    const books = new DatabaseBackup(this, 'books', {
      engine: Engine.postgresPhysical({ version: PostgresVersion.V17, incrementals: 6 }),
      host: 'books-db',
      podLabels: { app: 'books-db' },
      credentials: SecretRef.named('books-replication'),
      dataVolume: DataVolume.claim('data-books-db-0', 'data'),
      repository: volumeBeside(this, '500Gi'),
      retention: Retention.keep({ daily: 7, weekly: 4 }),
    });
    books.addLogArchive({ every: Duration.minutes(1) });
    books.addVerification({ assertions: [Assertion.atLeast('select count(*) from entries', 1, { database: 'books' })] });
    books.addRestore();
  }
}
