import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { inImage } from './in-image';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

const USER = 999;

/** The stand-in for a MongoDB server, run from an image's root file system, on a loopback address and port 27017. */
export class MongoServer {
  readonly address = loopbackAddress();
  readonly password = 'correct: "horse" %b@ttery/stäple';
  private readonly directory = mkdtempSync(join(tmpdir(), 'e2e-mongo-'));
  private process: ChildProcess | undefined;

  private constructor(
    private readonly image: Image,
    private readonly replicaSet: string,
  ) {
    mkdirSync(join(this.directory, 'data'));
    for (const path of [this.directory, join(this.directory, 'data')]) chownSync(path, USER, USER);
  }

  /** @param replicaSet the replica set whose only member it is, with an oplog; none if left out */
  static async start(image: Image, replicaSet = ''): Promise<MongoServer> {
    const server = new MongoServer(image, replicaSet);
    await server.up();
    // A document that every server of MongoDB has, and that mongorestore asks of an archive with users.
    server.ask("db.getSiblingDB('admin').getCollection('system.version').insertOne({ _id: 'authSchema', currentVersion: 5 })");
    // FerretDB writes an oplog where there is a collection for one.
    if (replicaSet !== '') {
      server.ask("db.getSiblingDB('local').createCollection('oplog.rs', { capped: true, size: 512 * 1024 * 1024 })");
      server.ask("db.getSiblingDB('config').started.insertOne({ _id: 1 })");
    }
    return server;
  }

  /** Starts the server again, over the data it has. */
  async up(): Promise<void> {
    const words = ['mongod', '--dbpath', '/srv/data', '--bind_ip', this.address, '--port', '27017'];
    if (this.replicaSet !== '') words.push('--replSet', this.replicaSet);
    const child = spawn('unshare', inImage(this.image, this.directory, USER, words), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env.PATH, ROOT_PASSWORD: this.password },
    });
    this.process = child;
    await until('the server answers', () => {
      if (child.exitCode !== null) throw new Error(`mongod ended with ${child.exitCode}`);
      try {
        return this.ask('db.runCommand({ ping: 1 }).ok') === '1';
      } catch {
        return false;
      }
    });
  }

  /** What a lost node does to it. */
  async kill(): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** What mongosh prints for a script: the value of its last expression. */
  ask(script: string): string {
    return execFileSync('unshare', this.mongosh(script), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: '/srv' },
      maxBuffer: 1 << 28,
    }).trim();
  }

  /** Starts a script and leaves it running. */
  background(script: string): { stop(): Promise<void> } {
    const child = spawn('unshare', this.mongosh(script), { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: '/srv' } });
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    return {
      stop: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  private mongosh(script: string): string[] {
    const uri = `mongodb://root:${encodeURIComponent(this.password)}@${this.address}:27017/?authSource=admin&directConnection=true`;
    const connect = `db = new Mongo(${JSON.stringify(uri)}).getDB('shop');`;
    return inImage(this.image, this.directory, USER, ['mongosh', '--nodb', '--quiet', '--norc', '--eval', `${connect}\n${script}`]);
  }

  /** Checksums of every collection's documents and indexes, but for those that restores have put aside or left. */
  checksums(): { [namespace: string]: string } {
    const script = `
      const sums = {};
      const server = db.getMongo();
      for (const name of server.getDBNames().filter(each => !['admin', 'config', 'local'].includes(each))) {
        for (const { name: collection } of server.getDB(name).getCollectionInfos()) {
          if (/_before_\\d{14}$|^restore_/.test(collection)) continue;
          const documents = server.getDB(name).getCollection(collection).find().toArray().map(each => EJSON.stringify(each, { relaxed: false })).sort();
          const indexes = server.getDB(name).getCollection(collection).getIndexes().map(({ name, key, unique }) => JSON.stringify({ name, key, unique })).sort();
          sums[name + '.' + collection] = documents.length + ' ' + require('node:crypto').createHash('sha256').update(documents.join() + indexes.join()).digest('hex');
        }
      }
      JSON.stringify(sums)`;
    return JSON.parse(this.ask(script));
  }

  /** Stops it dead as soon as a job has received some of a dump from the host of this name, until it is told to go on. */
  hold(host: string): { isHeld(): boolean; release(): void } {
    const { process: child } = this;
    let held = false;
    // A process of its own, which is not late when this one is busy. Earlier, mongodump would only connect again.
    const watch = `while :; do
        for pid in $(pgrep -x mongodump); do
          read=$(sed -n 's/^rchar: //p' "/proc/$pid/io" 2>/dev/null)
          if [ "\${read:-0}" -gt 300000 ] && grep -qzxF "MONGODB_HOST=$1" "/proc/$pid/environ" 2>/dev/null; then kill -STOP "$0"; exit 0; fi
        done
        sleep 0.005
      done`;
    const watcher = spawn('sh', ['-c', watch, String(child?.pid), host], { stdio: 'ignore' });
    watcher.once('exit', code => {
      held = code === 0;
    });
    return {
      isHeld: () => held,
      release: () => {
        watcher.kill();
        child?.kill('SIGCONT');
      },
    };
  }
}
