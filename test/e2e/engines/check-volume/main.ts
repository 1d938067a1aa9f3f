import { Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { Assertion, BackupApp, Engine, MariadbVersion, PostgresVersion, RedisVersion } from '../../../../lib';
import { checkCronJob, checkNetworkPolicy } from '../../../../lib/volumes/check/check-job';
import { VolumeCheck } from '../../../../lib/volumes/check/volume-check';

// A check of every kind of volume, as the verification of a group of snapshots has them: each mounts the claim of its name.
const app = new BackupApp();
const chart = new Chart(app, 'checks', { namespace: 'checks' });
const path = 'data';
const orders = [Assertion.equalTo('select count(*) - count(distinct id) from orders', '0', { database: 'shop' })];
const checks: { [name: string]: VolumeCheck } = {
  postgres: VolumeCheck.engine(Engine.postgresPhysical({ version: PostgresVersion.V15 }), { path, assertions: orders }),
  postgres17: VolumeCheck.engine(Engine.postgresPhysical({ version: PostgresVersion.V17 }), { path }),
  mariadb: VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), { path, assertions: orders }),
  redis: VolumeCheck.engine(Engine.redis({ version: RedisVersion.V7_2 }), { path, assertions: [Assertion.atLeast('dbsize', 100)] }),
  files: VolumeCheck.files(),
};
for (const [series, check] of Object.entries(checks)) {
  checkCronJob(chart, series, {
    name: `${series}-check`,
    series,
    check,
    prop: 'checks',
    claimName: series,
    deadline: Duration.minutes(10),
    options: {},
  });
  checkNetworkPolicy(new Construct(chart, `${series}-network`), `${series}-check`, series);
}
app.synth();
