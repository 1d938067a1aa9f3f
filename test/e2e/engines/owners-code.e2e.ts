import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { succeed, synthesize } from '../support/rehearse';

// A verification makes the tables of a recovery point anew, and with them runs what their owner wrote: as the superuser of its own
// server, which on the production server the owner is not.

const NAMESPACE = 'owners-code';
/** What the code does with a shell: it looks for keys, and writes where it can. */
const LOOK = `env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; cat /run/secrets/*/* /run/*/*; ls -d /repository /vault; for d in /*; do touch "$d/owned" && echo "owned $d"; done; true`;

let cluster: Cluster;
let db: PostgresServer;
let dist: string;

beforeAll(async () => {
  const images = await imagesOfDist();
  dist = synthesize('test/e2e/engines/owners-code/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  db = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  db.client('createdb', ['shop']);
  db.query(
    'shop',
    `create role owner; grant create on schema public to owner; set role owner;
    create function fine(i int) returns boolean language plpgsql as $code$
      begin
        copy (select 1) to program $look$(${LOOK}) >/scratch/look 2>/dev/null$look$;
        return true;
      exception when insufficient_privilege then return true;
      end $code$;
    create table orders (i int check (fine(i)));
    insert into orders values (1);`,
  );
  cluster.service(NAMESPACE, 'db', db.address);
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: db.password });
  cluster.secret(NAMESPACE, 'key', { password: 'the key of the repository' });
  for (const claim of ['backups', 'vault']) cluster.claim(NAMESPACE, claim);
});

afterAll(async () => {
  await cluster?.destroy();
  await db?.stop();
  if (dist) rmSync(dist, { recursive: true });
});

test.each(['files', 'restic'])('finds neither the keys nor the volume of a repository (%s)', async series => {
  await succeed(cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${series}-backup` }), 'published');
  // What it saw is in its server's scratch volume, and assertions look there: the code has run, and found nothing.
  const verification = await cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${series}-verify` });
  await succeed(Promise.resolve(verification), 'verified');
  expect(verification.log).toMatch(/assertion 03 holds/);
});
