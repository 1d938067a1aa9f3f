import { Chart, Size } from 'cdk8s';
import { Assertion, DatabaseBackup, Engine, MongodbVersion, Retention, Scratch, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** Reviews are in a replica set: everything of one instant, dumped from a secondary. */
export class Reviews extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'reviews', { namespace: 'reviews' });
    const ratings = new DatabaseBackup(this, 'ratings', {
      engine: Engine.mongodb({ version: MongodbVersion.V7_0, replicaSet: 'rs0' }),
      host: 'reviews-db',
      podLabels: { app: 'reviews-db' },
      credentials: SecretRef.named('reviews-backup'),
      repository: volumeBeside(this, '50Gi'),
      retention: Retention.keep({ daily: 7, weekly: 4 }),
    });
    ratings.addVerification({ assertions: [Assertion.atLeast('db.reviews.countDocuments({})', 1, { database: 'shop' })] });
    ratings.addRestore({ credentials: SecretRef.named('reviews-owner'), scratch: Scratch.emptyDir(Size.gibibytes(20)) });
  }
}
