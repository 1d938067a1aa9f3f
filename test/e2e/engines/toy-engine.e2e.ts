import { readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { busyboxImages } from '../support/images';
import { loopbackAddress } from '../support/postgres-server';
import { resultOf, succeed, synthesize } from '../support/rehearse';

// An engine that lives in one folder outside lib/, in an image that holds nothing but busybox: the contract is no larger than
// docs/extending.md says, and the shell library asks no more of an image than a shell with busybox's tools.

let cluster: Cluster;
let server: Server;
let lines = 'one\ntwo\nthree\n';
let exported: { path?: string; token?: string; text: string } = { text: '' };
const dist = synthesize('test/e2e/engines/toy-engine/main.ts');
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'toy', name: `lines-${operation}` });

beforeAll(async () => {
  server = createServer((incoming, response) => {
    if (incoming.method === 'POST') {
      let text = '';
      incoming.setEncoding('utf8').on('data', chunk => {
        text += chunk;
      });
      return incoming.on('end', () => {
        if (incoming.url !== '/lines') exported = { path: incoming.url, token: incoming.headers.authorization, text };
        else if (incoming.headers.authorization === 'Bearer a token') lines = text;
        else response.writeHead(403);
        response.end();
      });
    }
    return response.end(lines);
  });
  const address = loopbackAddress();
  await new Promise<void>(resolve => server.listen(8080, address, resolve));
  cluster = await Cluster.create({
    manifests: [dist],
    images: await busyboxImages(),
    backoffSeconds: 0.1,
  });
  for (const name of ['lines', 'warehouse']) cluster.service('toy', name, address);
  cluster.claim('toy', 'backups');
  cluster.secret('toy', 'lines', { token: 'a token' });
  cluster.secret('toy', 'warehouse', { token: 'another' });
});

afterAll(async () => {
  await cluster?.destroy();
  server?.close();
  rmSync(dist, { recursive: true, force: true });
});

test('the toy engine backs up, verifies and restores', async () => {
  const { id } = await succeed(run('backup'), 'published');
  expect((await succeed(run('verify'), 'verified')).id).toBe(id);

  lines = '';
  expect((await succeed(run('restore'), 'restored')).id).toBe(id);
  expect(lines).toBe('one\ntwo\nthree\n');

  const refused = await run('restore');
  expect(resultOf(refused)).toMatchObject({ verdict: 'failed', reason: 'the server holds lines already: set replace to yes' });
});

test('a job of a team’s own reads the newest verified recovery point, and gives a verdict as the others do', async () => {
  const verified = (await succeed(run('verify'), 'verified')).id;
  await succeed(run('backup'), 'published');
  const handed = await succeed(run('export'), 'succeeded');
  expect(handed).toMatchObject({ what: 'export', id: verified, bytes: 14 });
  expect(exported).toEqual({ path: `/${verified}`, token: 'Bearer another', text: 'one\ntwo\nthree\n' });
});

test('pruning follows the retention, and keeps the newest verified recovery point', async () => {
  const verified = (await succeed(run('verify'), 'verified')).id;
  const kept = [];
  for (let runs = 0; runs < 4; runs += 1) {
    kept.push((await succeed(run('backup'), 'published')).id);
    // Recovery points of one second have no order among them.
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  const present = readdirSync(join(cluster.claim('toy', 'backups'), 'lines')).filter(name => /^\d/.test(name));
  expect(present.sort()).toEqual([verified, ...kept.slice(-2)].sort());
});
