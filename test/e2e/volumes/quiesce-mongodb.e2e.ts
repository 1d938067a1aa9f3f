import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imagesOfDist } from '../support/images';
import { synthesize, until } from '../support/rehearse';
import { QuiescedPod } from './quiesce/pod';
import { holds, PASSWORD, printProofs, prove, proveTheRest, untilFree } from './quiesce/proofs';

// MongoDB, as far as the real mongosh and a stand-in for its server show: FerretDB has no fsyncLock and is no secondary.

let cluster: Cluster;

beforeAll(async () => {
  const dist = synthesize(join(__dirname, 'quiesce', 'main.ts'));
  cluster = await Cluster.create({ manifests: [dist], images: await imagesOfDist(), backoffSeconds: 0.5 });
  rmSync(dist, { recursive: true });
  const script = (name: string) => readFileSync(join(__dirname, 'quiesce', `mongo-${name}`), 'utf8');
  cluster.secret('quiesce', 'mongodb-first', {
    password: PASSWORD,
    'stand-in.js': script('stand-in.js'),
    'clients.js': script('clients.js'),
  });
  cluster.secret('quiesce', 'mongodb-agent', { username: 'root', password: PASSWORD });
});
afterAll(async () => {
  await cluster?.destroy();
  printProofs();
});

test('a secondary is locked, and whatever happens unlocked', async () => {
  const name = 'mongodb (stand-in)';
  const pod = await QuiescedPod.start(cluster, 'mongodb');
  const uri = `URI=mongodb://root:${encodeURIComponent(PASSWORD)}@127.0.0.1:27017/?directConnection=true`;
  const clients = ['env', uri, '/usr/lib/mongosh/node', '/first/clients.js', '/srv'];
  const ask = async (command: object) => JSON.parse(await pod.server(...clients, JSON.stringify(command)));
  const set = (setting: string, value: string) => writeFileSync(join(pod.volume, setting), value);
  const isLocked = async () => (await ask({ currentOp: 1 })).fsyncLock === true;
  const moves = async (what: string) => {
    const count = () => readFileSync(join(pod.volume, what), 'utf8');
    const before = count();
    await sleep(500);
    return count() !== before;
  };
  await pod.ready('server', ...clients, '{"ping":1}');
  await pod.ready('quiesce', 'test', '-p', '/quiesce/events');
  pod.pod.exec('server', clients);
  await until('it is written and read', () => ['written', 'read'].every(what => existsSync(join(pod.volume, what))));
  const held = {
    ...{ name, pod, limit: 31, recovery: 15, hasTimeout: false },
    isHeld: async () => !(await moves('written')),
    block: async () => {
      set('lag', '1000');
      return async () => set('lag', '0');
    },
    refuse: async () => {
      set('role', 'primary');
      return async () => set('role', 'secondary');
    },
  };
  await holds(held);
  expect([await held.isHeld(), await moves('read')]).toEqual([true, true]);
  prove(name, 'lock held', 'writes wait, reads go on');
  expect(await pod.release()).toMatchObject({ exitCode: 0 });
  expect(await moves('written')).toBe(true);
  await proveTheRest(held);

  const fails = async (because: string) => {
    const { exitCode, stderr } = await pod.hold().ended;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(because)]);
    return stderr.trim();
  };
  await ask({ fsync: 1, lock: true });
  prove(name, 'locked by somebody else', `${await fails('somebody else has locked it')}; that lock stays: ${await isLocked()}`);
  expect(await isLocked()).toBe(true);
  await ask({ fsyncUnlock: 1 });
  await holds(held);
  await ask({ fsyncUnlock: 1 });
  expect(await pod.release()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('somebody else has unlocked it') });
  prove(name, 'unlocked by somebody else', 'post hook fails');
  await holds(held);
  await pod.pod.exec('quiesce', ['sh', '-c', 'kill -KILL "$(cat /quiesce/session.pid)"']).ended;
  prove(name, 'killed client', `goes on after ${await untilFree(held, Date.now(), 15)}: another one unlocks`);
  expect(await pod.release()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it was lost') });
  pod.pod.killPod();
});
