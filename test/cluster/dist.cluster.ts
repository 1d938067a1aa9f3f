import { afterAll, beforeAll, describe } from 'vitest';
import { isApplied } from './dist/applied';
import { cronJobFires } from './dist/cron-job';
import { deletePlatform, makeNamespaces } from './dist/platform';
import { postgresComesBack } from './dist/postgres';

// The example platform, as it is synthesized: applied to a cluster, and at work there.

beforeAll(makeNamespaces, 600_000);
afterAll(deletePlatform, 600_000);

describe('dist/', isApplied);
describe('PostgreSQL of dist/shop.k8s.yaml', postgresComesBack);
describe('a CronJob of dist/shop.k8s.yaml', cronJobFires);
