import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minioPrograms } from '../../rehearsal/images/minio';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';
import { answers } from './rest-server';
import { S3Client, type S3Credentials } from './s3-client';

/** A bucket's default retention: what Object Lock gives every new version. */
export interface DefaultRetention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

export interface BucketOptions {
  /** @default false */
  readonly versioned?: boolean;
  /** Object Lock, which implies versions. @default none */
  readonly lock?: DefaultRetention;
}

/**
 * A real S3 server, MinIO's, over a directory, on a loopback address and port 9000.
 *
 * It enforces what the tests build on: signatures and their region, a policy for each user, versions, and Object Lock with a default
 * retention that every new version gets, copies too. It differs from Amazon's in that a lock ends at the full second a day is, not
 * at the end of a longer round; that its root user passes every policy (not a lock, though); and that it has no lifecycle rules to try here.
 */
export class S3Server {
  static readonly REGION = 'eu-test-1';
  readonly address = loopbackAddress();
  readonly endpoint = `http://${this.address}:9000`;
  readonly directory = mkdtempSync(join(tmpdir(), 'e2e-s3-'));
  /** Whom every policy lets through: the owner. */
  readonly root: S3Credentials = { accessKeyId: 'owner', secretAccessKey: 'the owner of the store' };
  readonly owner = this.client(this.root);
  private process: ChildProcess | undefined;

  private constructor(private readonly programs: string) {}

  static async start(): Promise<S3Server> {
    const server = new S3Server(await minioPrograms());
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const words = ['server', '--quiet', '--address', `${this.address}:9000`, '--console-address', `${this.address}:9001`, this.directory];
    this.process = spawn(join(this.programs, 'minio'), words, {
      env: { ...this.environment(), HOME: this.directory, MINIO_REGION: S3Server.REGION, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await until('the S3 server listens', () => answers(this.address, 9000));
    await until('the S3 server is ready', async () => (await this.owner.request('GET', '/')).status === 200);
  }

  async stop(): Promise<void> {
    const { process } = this;
    if (process && process.exitCode === null) {
      const ended = new Promise(resolve => process.once('exit', resolve));
      process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  client(credentials: S3Credentials, endpoint = this.endpoint): S3Client {
    return new S3Client(endpoint, S3Server.REGION, credentials);
  }

  async bucket(name: string, { versioned, lock }: BucketOptions = {}): Promise<void> {
    await this.owner.ask('PUT', `/${name}`, lock ? { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } } : {});
    if (versioned) {
      const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      await this.owner.ask('PUT', `/${name}`, { query: { versioning: '' }, body });
    }
    if (lock) {
      const rule = `<Rule><DefaultRetention><Mode>${lock.mode}</Mode><Days>${lock.days}</Days></DefaultRetention></Rule>`;
      const body = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
      await this.owner.ask('PUT', `/${name}`, { query: { 'object-lock': '' }, body });
    }
  }

  /** A user who may do what the policy says and nothing else; its keys. */
  user(name: string, policy: object): S3Credentials {
    const secretAccessKey = `the secret of ${name}`;
    this.account(name, secretAccessKey, JSON.stringify(policy));
    return { accessKeyId: name, secretAccessKey };
  }

  /** Keys that are good no more. */
  revoke(name: string): void {
    this.account(name, 'disable');
  }

  private account(...words: string[]): void {
    execFileSync(join(this.programs, 'account'), [`${this.address}:9000`, ...words], { env: this.environment() });
  }

  private environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, MINIO_ROOT_USER: this.root.accessKeyId, MINIO_ROOT_PASSWORD: this.root.secretAccessKey };
  }
}
