import { afterAll, beforeAll, describe } from 'vitest';
import { isApplied } from './dist/applied';
import { cronJobFires } from './dist/cron-job';
import { discoveryComesBack } from './dist/discovery';
import { docsWork, everyCommandWasPasted } from './dist/docs';
import { messagingComesBack } from './dist/messaging';
import { offsiteComesBack } from './dist/offsite';
import { deletePlatform, makeNamespaces } from './dist/platform';
import { postgresComesBack } from './dist/postgres';
import { reviewsComeBack } from './dist/reviews';
import { sessionsComeBack } from './dist/sessions';
import { storeComesBack } from './dist/store';

// The example platform, as it is synthesized: applied to a cluster, and at work there.

beforeAll(makeNamespaces, 600_000);
afterAll(deletePlatform, 600_000);

describe('dist/', isApplied);
describe('PostgreSQL of dist/shop.k8s.yaml', postgresComesBack);
describe('a CronJob of dist/shop.k8s.yaml', () => cronJobFires(atWork));
describe('what README and docs tell somebody to type', docsWork);
describe('restic of dist/shop.k8s.yaml', offsiteComesBack);
describe('README, docs and docstrings', everyCommandWasPasted);

function atWork(): void {
  describe('MariaDB and MySQL of dist/store.k8s.yaml', storeComesBack);
  describe('etcd of dist/discovery.k8s.yaml', discoveryComesBack);
  describe('Redis of dist/sessions.k8s.yaml', sessionsComeBack);
  describe('RabbitMQ of dist/messaging.k8s.yaml', messagingComesBack);
  describe('MongoDB of dist/reviews.k8s.yaml', reviewsComeBack);
}
