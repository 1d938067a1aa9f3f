import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { inImage } from './in-image';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

export interface EtcdServerOptions {
  readonly image: Image;
  readonly name: string;
  /** Its data directory. @default - a directory of its own */
  readonly directory?: string;
  /** The volume with its WAL directory, log/. @default - in the data directory */
  readonly walVolume?: string;
  /** The user as which it runs. @default 65532 */
  readonly user?: number;
  /** A directory with ca.crt, server.crt, server.key, client.crt and client.key: then clients need a certificate. */
  readonly certificates?: string;
  readonly address?: string;
}

/** One real etcd member, run from an image's root file system, on a loopback address and the ports 2379 and 2380. */
export class EtcdServer {
  readonly address: string;
  readonly directory: string;
  private readonly user: number;
  private process: ChildProcess | undefined;

  private constructor(private readonly options: EtcdServerOptions) {
    this.address = options.address ?? loopbackAddress();
    this.user = options.user ?? 65532;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'e2e-etcd-'));
    for (const path of [this.directory, ...(options.walVolume ? [options.walVolume] : [])]) chownSync(path, this.user, this.user);
  }

  /** Members of one cluster; not started yet. */
  static declare(options: EtcdServerOptions): EtcdServer {
    return new EtcdServer(options);
  }

  static async start(options: EtcdServerOptions): Promise<EtcdServer> {
    const server = new EtcdServer(options);
    await EtcdServer.up([server]);
    return server;
  }

  /** Starts members together, over the data that they have. */
  static async up(members: EtcdServer[]): Promise<void> {
    for (const member of members) member.spawn(members);
    for (const member of members) await until(`${member.options.name} is healthy`, () => member.isHealthy());
  }

  get peerUrl(): string {
    return `http://${this.address}:2380`;
  }

  /** Starts it again, alone, over the data it has. */
  async up(): Promise<void> {
    await EtcdServer.up([this]);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Everything of SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.options.directory === undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs etcdctl against this member; throws when it fails. */
  ctl(...words: string[]): string {
    return this.run(['etcdctl', ...words]);
  }

  /** A value that is too large for an argument. */
  put(key: string, value: string): void {
    this.run(['etcdctl', 'put', key], value);
  }

  /** Users and roles, and what they may do. */
  accounts(): string {
    return ['user list', 'user get app', 'role list', 'role get reader'].map(question => this.ctl(...question.split(' '))).join('\n');
  }

  /** Many keys at once. */
  fill(keys: { [key: string]: string }): void {
    const entries = Object.entries(keys);
    for (let at = 0; at < entries.length; at += 100) {
      const puts = entries.slice(at, at + 100).map(([key, value]) => `put ${key} ${value}`);
      this.run(['etcdctl', 'txn'], `\n${puts.join('\n')}\n\n\n`);
    }
  }

  /** Every key with its value, its revisions and its lease. */
  content(): string {
    const answer = this.ctl('get', '', '--prefix', '--write-out=json');
    return JSON.stringify(JSON.parse(answer).kvs ?? []);
  }

  hashKv(revision = 0): { hash: number; revision: number } {
    const [{ HashKV }] = JSON.parse(this.ctl('endpoint', 'hashkv', `--rev=${revision}`, '--write-out=json'));
    return { hash: HashKV.hash, revision: HashKV.header.revision };
  }

  revision(): number {
    const [{ Status }] = JSON.parse(this.ctl('endpoint', 'status', '--write-out=json'));
    return Status.header.revision;
  }

  /** With users, everything is asked as this one. */
  login: { username: string; password: string } | undefined;

  private isHealthy(): boolean {
    if (this.process?.exitCode !== null && this.process?.exitCode !== undefined)
      throw new Error(`etcd ended with ${this.process.exitCode}`);
    try {
      this.ctl('endpoint', 'health');
      return true;
    } catch {
      return false;
    }
  }

  private run(command: string[], input = ''): string {
    const { certificates } = this.options;
    const url = `${certificates ? 'https' : 'http'}://${this.address}:2379`;
    return execFileSync('unshare', inImage(this.options.image, certificates ?? this.directory, 0, command), {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      env: {
        PATH: process.env.PATH,
        ETCDCTL_API: '3',
        ETCDCTL_ENDPOINTS: url,
        ...(certificates && {
          ETCDCTL_CACERT: '/srv/ca.crt',
          ETCDCTL_CERT: '/srv/healthcheck-client.crt',
          ETCDCTL_KEY: '/srv/healthcheck-client.key',
        }),
        ...(this.login && { ETCDCTL_USER: this.login.username, ETCDCTL_PASSWORD: this.login.password }),
      },
    }).trim();
  }

  private spawn(members: EtcdServer[]): void {
    const { name, certificates, walVolume } = this.options;
    const client = `${certificates ? 'https' : 'http'}://${this.address}:2379`;
    const words = [
      'etcd',
      `--name=${name}`,
      '--data-dir=/srv',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${this.peerUrl}`,
      `--initial-advertise-peer-urls=${this.peerUrl}`,
      `--initial-cluster=${members.map(member => `${member.options.name}=${member.peerUrl}`).join(',')}`,
      '--initial-cluster-token=the-first',
      '--log-level=error',
      '--logger=zap',
      ...(walVolume ? ['--wal-dir=/run/log'] : []),
      ...(certificates
        ? ['--client-cert-auth', '--trusted-ca-file=/tmp/ca.crt', '--cert-file=/tmp/server.crt', '--key-file=/tmp/server.key']
        : []),
    ];
    const arguments_ = inImage(this.options.image, this.directory, this.user, words);
    // The certificates beside the data: at /tmp of the image, for this process alone.
    const script = arguments_.indexOf('-ec') + 1;
    if (certificates) arguments_[script] = `mount --bind '${certificates}' "$1/tmp"; ${arguments_[script]}`;
    if (walVolume) arguments_[script] = `mount --bind '${walVolume}' "$1/run"; ${arguments_[script]}`;
    // Nothing of this machine's environment: etcd takes every ETCD_ variable for a setting.
    this.process = spawn('unshare', arguments_, { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: process.env.PATH } });
  }
}

/** A certificate authority, a server's certificate for 127.0.0.1 and an address, and a client's, as kubeadm calls them. */
export function makeCertificates(directory: string, addresses: string[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const key = (name: string) => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  key('ca');
  openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=etcd-ca', '-days', '2', '-out', 'ca.crt');
  for (const [name, subject] of [
    ['server', '/CN=etcd'],
    ['healthcheck-client', '/CN=kube-etcd-healthcheck-client'],
  ] as const) {
    key(name);
    const names = ['DNS:localhost', 'DNS:secure-etcd', ...['127.0.0.1', ...addresses].map(address => `IP:${address}`)].join(',');
    openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-addext', `subjectAltName=${names}`, '-out', `${name}.csr`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-copy_extensions',
      'copy',
      '-out',
      `${name}.crt`,
    );
  }
}
