// A fleet of databases, synthesized in one way, in a process of its own: node fleet.cjs WAY DATABASES DIRECTORY
//
// It runs what is built, as a user's compiled app does. Every database has a chart, and so a file; fifty share a namespace, a restic
// repository on S3, and what a plan says. Each is backed up and verified on schedules, and has a restore prepared.
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { ApiObject, App, Chart, Duration, Names } = require('cdk8s');
const {
  BackupApp,
  BackupPlan,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
  Verification,
} = require('../../../build/lib');

const TEAM = 50;

const WAYS = {
  ours: outdir => {
    const app = new BackupApp({ outdir });
    return [app, () => app.synth()];
  },
  stock: outdir => {
    const app = new App({ outdir });
    return [app, () => app.synth()];
  },
  // What no synthesis of these constructs can do without: their objects, made text by what makes text fastest, and written.
  floor: outdir => {
    const app = new App({ outdir });
    return [
      app,
      () => {
        mkdirSync(outdir, { recursive: true });
        for (const chart of app.node.children) {
          const objects = chart.node.findAll().filter(ApiObject.isApiObject);
          writeFileSync(join(outdir, `${Names.toDnsLabel(chart)}.json`), JSON.stringify(objects.map(object => object.toJson())));
        }
      },
    ];
  },
};

function addDatabases(app, count) {
  let plan;
  for (let i = 0; i < count; i++) {
    const team = `team-${Math.floor(i / TEAM)}`;
    if (i % TEAM === 0) {
      plan = {
        repository: Repository.restic({
          location: ResticLocation.s3({
            bucket: 'acme-backups',
            prefix: team,
            region: 'eu-central-1',
            credentials: SecretRef.named('backup-s3'),
          }),
          password: SecretRef.named('backup-key').key('password'),
        }),
        schedule: Schedule.daily({ at: '01:00', timeZone: 'Europe/Berlin', spread: Duration.minutes(45) }),
        retention: Retention.keep({ daily: 14, monthly: 6 }),
      };
    }
    const name = `database-${i}`;
    const backups = new BackupPlan(new Chart(app, name, { namespace: team }), 'offsite', plan);
    backups.add(Verification.weekly());
    const engine = Engine.postgres({ version: PostgresVersion.V16 });
    const backup = backups.addBackup(name, { engine, host: name, credentials: SecretRef.named(`${name}-backup`) });
    backup.restore({ credentials: SecretRef.named(`${name}-owner`) });
  }
}

const [way = '', count, outdir] = process.argv.slice(2);
const [app, synthesize] = WAYS[way](outdir);
addDatabases(app, Number(count));
synthesize();
